// SPDX-License-Identifier: GPL-2.0
/*
 * Pages whose contents are known although the machine goes down at any moment.
 *
 * DIR/data has pages of a pattern made from the page's number and a generation,
 * DIR/ledger a word for each page: which generation it has, and whether the next
 * one is being written. Word, page and word again are each synced before the next.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pf.h"

/* page, generation, being written */
#define ENTRY(page, gen, busy)	((uint64_t)(page) << 40 | (gen) << 1 | (busy))
#define WORDS			(PAGE / sizeof(uint64_t))

/**
 * struct ledger - the two files, mapped
 * @data: fd of the pages
 * @log: fd of the words
 * @pages: mapping of @data
 * @entries: mapping of @log
 * @nr: number of pages
 * @seed: of all contents
 */
struct ledger {
	int data;
	int log;
	char *pages;
	uint64_t *entries;
	size_t nr;
	uint64_t seed;
};

static int open_in(const char *dir, const char *name, size_t len, bool create)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return create ? xcreate(path, len) : xopen(path, O_RDWR);
}

static size_t log_len(size_t nr)
{
	return (nr * sizeof(uint64_t) + PAGE - 1) / PAGE * PAGE;
}

static void open_ledger(struct ledger *l, char **argv, bool create)
{
	l->nr = parse_size(argv[1]);
	l->seed = strtoull(argv[2], NULL, 0);
	l->data = open_in(argv[0], "data", l->nr * PAGE, create);
	l->log = open_in(argv[0], "ledger", log_len(l->nr), create);
	l->pages = map_shared(l->data, l->nr * PAGE);
	l->entries = map_shared(l->log, log_len(l->nr));
}

static void make_page(const struct ledger *l, uint64_t page, uint64_t gen,
		      void *buf)
{
	fill(buf, PAGE, l->seed + gen, page * PAGE);
}

static uint64_t generation(const struct ledger *l, uint64_t page, bool *busy)
{
	uint64_t entry = l->entries[page];

	CHECK_EQ(entry >> 40, page, "page in its word of the ledger");
	*busy = entry & 1;
	return (entry & ((1ULL << 40) - 1)) >> 1;
}

static void put_entry(struct ledger *l, uint64_t page, uint64_t gen, bool busy)
{
	uint64_t entry = ENTRY(page, gen, busy);

	xwrite(l->log, &entry, sizeof(entry), page * sizeof(entry));
	CHECK(!fdatasync(l->log), "fdatasync");
}

/* By write(2), or by stores to the mapping. */
static void put_page(struct ledger *l, uint64_t page, uint64_t gen, bool map)
{
	char *at = l->pages + page * PAGE, buf[PAGE];

	make_page(l, page, gen, map ? at : buf);
	if (map)
		CHECK(!msync(at, PAGE, MS_SYNC), "msync");
	else
		xwrite(l->data, buf, PAGE, page * PAGE);
	CHECK(!fdatasync(l->data), "fdatasync");
}

/* pf ledger DIR PAGES SEED: make the files */
COMMAND(ledger)
{
	struct ledger l;
	uint64_t page;

	open_ledger(&l, argv, true);
	for (page = 0; page < l.nr; page++) {
		make_page(&l, page, 0, l.pages + page * PAGE);
		l.entries[page] = ENTRY(page, 0, 0);
	}
	CHECK(!fsync(l.data) && !fsync(l.log), "fsync");
	return 0;
}

/* Every word is of the one generation or the other; each may have got there. */
static void check_torn(const struct ledger *l, uint64_t page, uint64_t gen)
{
	uint64_t old[WORDS], new[WORDS], is[WORDS];
	size_t i;

	make_page(l, page, gen, old);
	make_page(l, page, gen + 1, new);
	xread(l->data, is, PAGE, page * PAGE);
	for (i = 0; i < WORDS; i++)
		CHECK(is[i] == old[i] || is[i] == new[i],
		      "page %llu, word %zu, while generation %llu was being written",
		      (unsigned long long)page, i, (unsigned long long)gen + 1);
}

/* pf ledgercheck DIR PAGES SEED: after the machine went down, or not */
COMMAND(ledgercheck)
{
	unsigned long writes = 0, torn = 0;
	struct ledger l;
	char what[64];
	uint64_t page, gen;
	bool busy;

	open_ledger(&l, argv, false);
	for (page = 0; page < l.nr; page++) {
		gen = generation(&l, page, &busy);
		writes += gen;
		if (busy) {
			check_torn(&l, page, gen);
			torn++;
			continue;
		}
		snprintf(what, sizeof(what), "generation %llu",
			 (unsigned long long)gen);
		verify(l.pages + page * PAGE, PAGE, l.seed + gen, page * PAGE,
		       what);
	}
	note("ledger: %zu pages verified, written %lu times, %lu were being written",
	     l.nr, writes, torn);
	return 0;
}

/* pf ledgerwrite DIR PAGES SEED PARITY: go on until the end of the world */
COMMAND(ledgerwrite)
{
	uint64_t parity = strtoull(argv[3], NULL, 0), page, gen, state;
	struct ledger l;
	bool busy;

	open_ledger(&l, argv, false);
	state = l.seed ^ getpid();
	say_ready();
	for (;;) {
		/* The other process has the others. */
		page = (rng(&state) % l.nr & ~1ULL) | parity;
		gen = generation(&l, page, &busy);
		put_entry(&l, page, gen, true);
		put_page(&l, page, gen + 1, parity);
		put_entry(&l, page, gen + 1, false);
	}
}
