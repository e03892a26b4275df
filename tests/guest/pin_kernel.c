// SPDX-License-Identifier: GPL-2.0
/* Pages of the kernel that joined: moved by the registry and by the VM. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "pin.h"

/* Two devices on top of the store's own pins, at work. */
struct nest {
	int outer, inner;
	uint32_t *outer_id, *inner_id;
	uint64_t nr;
};

static void nest_pin(struct nest *n, const uint64_t *pfns, uint64_t nr,
		     const char *kind)
{
	static int serial;
	char name[32];
	uint64_t i;

	snprintf(name, sizeof(name), "outer-%d", ++serial);
	n->outer = dev_open(name, kind, PIN_CROSS_SYSTEM, 1);
	snprintf(name, sizeof(name), "inner-%d", serial);
	n->inner = dev_open(name, kind, PIN_DEVICE_IO, 2);
	n->outer_id = calloc(nr, sizeof(*n->outer_id));
	n->inner_id = calloc(nr, sizeof(*n->inner_id));
	n->nr = nr;
	for (i = 0; i < nr; i++) {
		n->outer_id[i] = dev_pin_pfns(n->outer, pfns[i], 1);
		n->inner_id[i] = dev_pin_pfns(n->inner, pfns[i], 1);
	}
	dev_run(n->outer, true);
	dev_run(n->inner, true);
	dev_round(n->outer, n->outer_id[nr - 1]);
	dev_round(n->inner, n->inner_id[nr - 1]);
}

/* The devices are at @pfns, where the store is, and went on. Returns their commits. */
static uint64_t nest_check_at(struct nest *n, const uint64_t *pfns,
			      const char *what)
{
	uint64_t i, commits = 0;

	dev_round(n->outer, n->outer_id[n->nr - 1]);
	dev_round(n->inner, n->inner_id[n->nr - 1]);
	for (i = 0; i < n->nr; i++) {
		dev_check(n->outer, n->outer_id[i], 1, what);
		dev_check(n->inner, n->inner_id[i], 1, what);
		CHECK_EQ(dev_pfn(n->outer, n->outer_id[i], 0), pfns[i], what);
		CHECK_EQ(dev_pfn(n->inner, n->inner_id[i], 0), pfns[i], what);
		commits += dev_report(n->inner, n->inner_id[i]).calls[PF_COMMIT];
	}
	return commits;
}

/* The same, on the first pages of a store. */
static uint64_t nest_check(struct nest *n, int store, const char *what)
{
	uint64_t *pfns = calloc(n->nr, sizeof(*pfns)), commits;

	store_where(store, pfns, n->nr);
	commits = nest_check_at(n, pfns, what);
	free(pfns);
	return commits;
}

static void nest_end(struct nest *n)
{
	close(n->outer);
	close(n->inner);
	free(n->outer_id);
	free(n->inner_id);
}

/* pf pin store -: pin_registry_move() of single pages, with pins on pins */
PIN_TEST(store)
{
	int store = store_make(PF_STORE_PAGES, 64, 11);
	struct pf_store_state state;
	uint64_t pfns[64], now[64], i;
	struct nest nest;

	(void)path;
	store_where(store, pfns, 64);
	store_check(store, "new store");
	nest_pin(&nest, pfns, 8, "quiet");
	CHECK_EQ(dev_move(nest.outer, pfns[0], 1), 0, "move");
	CHECK_EQ(dev_move(nest.outer, pfns[0], 1), -ENXIO, "move of what left");
	for (i = 1; i < 64; i++)
		CHECK_EQ(dev_move(nest.outer, pfns[i], 1), 0, "move");
	state = store_check(store, "after moves");
	CHECK_EQ(state.moved, 64, "moves");
	store_where(store, now, 64);
	for (i = 0; i < 64; i++)
		CHECK(now[i] != pfns[i], "page did not move");
	CHECK_EQ(nest_check(&nest, store, "after moves"), 8, "commits");
	if (ioctl(store, PF_STORE_CHURN, 12))
		die("rewrite");
	for (i = 0; i < 64; i++)
		CHECK_EQ(dev_move(nest.outer, now[i], 1), 0, "second move");
	store_check(store, "rewritten and moved");
	nest_check(&nest, store, "after second moves");
	dev_behave(nest.inner, "refusing");
	store_where(store, now, 64);
	CHECK_EQ(dev_move(nest.outer, now[0], 1), -EBUSY, "refused move");
	dev_behave(nest.inner, "quiet");
	nest_check(&nest, store, "after a refusal");
	nest_end(&nest);
	close(store);
}

#define STORES	8
#define NR	512
#define ALL	(STORES * NR)
#define NESTED	64

/* Stores all over a zone, and nothing between them any more. */
static void spread(int *stores)
{
	size_t filler = 48 * MIB;
	char *map[STORES];
	int i;

	for (i = 0; i < STORES; i++) {
		stores[i] = store_make(PF_STORE_PAGES, NR, 14);
		map[i] = xmmap(filler, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	}
	for (i = 0; i < STORES; i++)
		munmap(map[i], filler);
}

static void where_all(const int *stores, uint64_t *pfns)
{
	int i;

	for (i = 0; i < STORES; i++)
		store_where(stores[i], pfns + i * NR, NR);
}

static uint64_t spread_pfns[ALL];

static int by_pfn(const void *a, const void *b)
{
	uint64_t x = spread_pfns[*(const int *)a];
	uint64_t y = spread_pfns[*(const int *)b];

	return x < y ? -1 : x > y;
}

/*
 * Compaction carries from the low end of a zone to free pages at its high end: in
 * whatever order memory was given out, the lowest pages have free ones above them.
 */
static void compact(const char *kind)
{
	uint64_t moved = 0, commits = 0, pfns[NESTED];
	int stores[STORES], lowest[ALL], round, i;
	struct nest nest;

	spread(stores);
	where_all(stores, spread_pfns);
	for (i = 0; i < ALL; i++)
		lowest[i] = i;
	qsort(lowest, ALL, sizeof(*lowest), by_pfn);
	for (i = 0; i < NESTED; i++)
		pfns[i] = spread_pfns[lowest[i]];
	nest_pin(&nest, pfns, NESTED, kind);
	for (round = 0; round < 10 && !commits; round++) {
		write_file("/proc/sys/vm/compact_memory", "1");
		for (moved = 0, i = 0; i < STORES; i++)
			moved += store_check(stores[i], "compacted").moved;
		where_all(stores, spread_pfns);
		for (i = 0; i < NESTED; i++)
			pfns[i] = spread_pfns[lowest[i]];
		commits = nest_check_at(&nest, pfns, "compacted");
	}
	note("compaction moved %llu of %d pages, %llu of %d with pins on top, in %d rounds",
	     (unsigned long long)moved, ALL, (unsigned long long)commits,
	     NESTED, round);
	CHECK(commits > 0, "nothing with nested pins moved");
	nest_end(&nest);
	for (i = 0; i < STORES; i++)
		close(stores[i]);
}

/* pf pin compact NODE: compaction moves kernel pages through nested pins */
PIN_TEST(compact)
{
	prefer_node(strtoul(path, NULL, 0));
	compact("quiet");
	compact("atomic");
}

static uint64_t block_of(const uint64_t *pfn)
{
	return *pfn / 512;
}

static int by_block(const void *a, const void *b)
{
	uint64_t x = block_of(a), y = block_of(b);

	return x < y ? -1 : x > y;
}

/* Return: the first of sorted pages that share a block with the most others. */
static size_t fullest_block(const uint64_t *pfns, size_t nr, size_t *most)
{
	size_t first, next, at = 0;

	*most = 0;
	for (first = 0; first < nr; first = next) {
		for (next = first; next < nr; next++) {
			if (block_of(&pfns[next]) != block_of(&pfns[first]))
				break;
		}
		if (next - first > *most) {
			*most = next - first;
			at = first;
		}
	}
	return at;
}

static size_t count_in(int store, uint64_t block)
{
	uint64_t pfns[NR];
	size_t i, n = 0;

	store_where(store, pfns, NR);
	for (i = 0; i < NR; i++)
		n += block_of(&pfns[i]) == block;
	return n;
}

static int take(int store, uint64_t block)
{
	struct pf_store_block b = { .pfn = block * 512 };

	return dev_ioctl(store, PF_STORE_TAKE, &b);
}

/*
 * Somebody else's page in the block may be busy for a moment. As long as a pinner
 * refuses, the last pages of the store stay, and nobody gets the block.
 */
static void contig(const char *kind)
{
	int store = store_make(PF_STORE_PAGES, NR, 16);
	uint64_t pfns[NR], now[NR], block, commits = 0;
	size_t order[NESTED], at, most, i, n = 0;
	struct nest nest;

	store_where(store, pfns, NR);
	memcpy(now, pfns, sizeof(now));
	qsort(now, NR, sizeof(*now), by_block);
	at = fullest_block(now, NR, &most);
	block = block_of(&now[at]);
	CHECK(most >= NESTED, "no more than %zu pages in a block", most);
	for (i = 0; i < NR && n < NESTED; i++) {
		if (block_of(&pfns[i]) != block)
			continue;
		order[n] = i;
		now[n++] = pfns[i];
	}
	nest_pin(&nest, now, NESTED, kind);
	dev_behave(nest.inner, "refusing");
	CHECK_EQ(take(store, block), -EBUSY, "a block with pins that refuse");
	CHECK(count_in(store, block) >= NESTED, "pages left against refusals");
	nest_check_at(&nest, now, "refused");
	store_check(store, "refused");
	dev_behave(nest.inner, "quiet");

	WAIT_FOR(!take(store, block), "the block");
	CHECK(store_check(store, "taken").moved >= most, "pages of the block");
	CHECK_EQ(count_in(store, block), 0, "pages in the block that was taken");
	store_where(store, pfns, NR);
	for (i = 0; i < NESTED; i++)
		now[i] = pfns[order[i]];
	commits = nest_check_at(&nest, now, "taken");
	CHECK(commits >= NESTED, "only %llu commits",
	      (unsigned long long)commits);
	/* Devices are at work: none of them is there still. */
	CHECK_EQ(dev_ioctl(store, PF_STORE_GIVE, NULL), 0, "what was taken");
	store_check(store, "given back");
	note("a contiguous allocation moved %zu pages of a block, %d with pins on top, %s",
	     most, NESTED, kind);
	nest_end(&nest);
	close(store);
}

/* pf pin contig NODE: contiguous allocations move kernel pages through nested pins */
PIN_TEST(contig)
{
	prefer_node(strtoul(path, NULL, 0));
	contig("quiet");
	contig("atomic");
}

#define DEVS	4
#define PAGES	8

/* Four devices on the same pages of a block; one of them is trouble. */
struct stack {
	int store, dev[DEVS];
	uint32_t id[DEVS];
	uint64_t blocks[2];
	uint64_t pfn;
};

static void stack_make(struct stack *s)
{
	char name[16];
	int i;

	s->store = store_make(PF_STORE_BLOCKS, 2, 15);
	store_where(s->store, s->blocks, 2);
	s->pfn = s->blocks[0] + 3;
	for (i = 0; i < DEVS; i++) {
		snprintf(name, sizeof(name), "stack-%d", i);
		s->dev[i] = dev_open(name, "quiet", PIN_DEVICE_IO, i);
		s->id[i] = dev_pin_pfns(s->dev[i], s->pfn, PAGES);
		dev_run(s->dev[i], true);
	}
}

static void stack_check(struct stack *s, const char *what)
{
	int i;

	store_check(s->store, what);
	for (i = 0; i < DEVS; i++) {
		dev_round(s->dev[i], s->id[i]);
		dev_check(s->dev[i], s->id[i], PAGES, what);
		CHECK_EQ(dev_pfn(s->dev[i], s->id[i], 0), s->pfn, what);
	}
}

static struct pf_event one_event(int dev, enum pf_op op, const char *what)
{
	struct pf_event e[8];
	size_t n = 0;

	/* A worker may be slow to begin what nobody waits for any more. */
	WAIT_FOR((n = dev_events(dev, e, ARRAY_SIZE(e))), what);
	CHECK_EQ(n, 1, what);
	CHECK_EQ(e[0].op, op, what);
	CHECK_EQ(e[0].nr, PAGES, what);
	return e[0];
}

/* Newest first: prepared; oldest first: told how it ended. */
static void check_order(struct stack *s, int asked, enum pf_op end,
			const char *what)
{
	uint64_t last_prepare = 0, last_end = UINT64_MAX;
	struct pf_event e[8];
	size_t n;
	int i;

	for (i = DEVS - 1; i > asked; i--) {
		n = dev_events(s->dev[i], e, ARRAY_SIZE(e));
		CHECK_EQ(n, 2, what);
		CHECK_EQ(e[0].op, PF_PREPARE, what);
		CHECK_EQ(e[1].op, end, what);
		CHECK_EQ(e[0].nr, PAGES, what);
		CHECK_EQ(e[1].nr, PAGES, what);
		CHECK(e[0].serial > last_prepare, "%s: order of prepare", what);
		CHECK(e[1].serial < last_end, "%s: order of the end", what);
		last_prepare = e[0].serial;
		last_end = e[1].serial;
	}
	if (asked >= 0)
		one_event(s->dev[asked], PF_PREPARE, what);
	for (i = 0; i < asked; i++)
		CHECK_EQ(dev_events(s->dev[i], e, ARRAY_SIZE(e)), 0, what);
}

static void stack_move(struct stack *s, const char *what)
{
	uint64_t dst = s->pfn < s->blocks[0] || s->pfn >= s->blocks[0] + 512 ?
		s->pfn - s->blocks[1] + s->blocks[0] :
		s->pfn - s->blocks[0] + s->blocks[1];

	CHECK_EQ(dev_move(s->dev[0], s->pfn, PAGES), 0, what);
	s->pfn = dst;
	check_order(s, -1, PF_COMMIT, what);
	stack_check(s, what);
}

/* pf pin nested -: whoever of four refuses, nothing happens to the others */
PIN_TEST(nested)
{
	static const struct {
		const char *kind;
		int err;
	} bad[] = {
		{ "refusing", -EBUSY },
		{ "nonsense", -EINVAL },
		{ "hanging", -ETIMEDOUT },
	};
	struct stack s;
	char what[64];
	size_t b;
	int i;

	(void)path;
	stack_make(&s);
	stack_check(&s, "at first");
	stack_move(&s, "all agree");
	for (b = 0; b < ARRAY_SIZE(bad); b++) {
		for (i = 0; i < DEVS; i++) {
			snprintf(what, sizeof(what), "device %d %s", i,
				 bad[b].kind);
			dev_behave(s.dev[i], bad[b].kind);
			CHECK_EQ(dev_move(s.dev[0], s.pfn, PAGES), bad[b].err,
				 what);
			check_order(&s, i, PF_ABORT, what);
			if (bad[b].err == -EINVAL) {
				/* The log hears of it once. */
				CHECK_EQ(dev_move(s.dev[0], s.pfn, PAGES),
					 -EINVAL, what);
				check_order(&s, i, PF_ABORT, what);
			}
			dev_behave(s.dev[i], "quiet");
			if (bad[b].err == -ETIMEDOUT) {
				/* It agreed in the end, too late. */
				WAIT_FOR(dev_report(s.dev[i], s.id[i])
					 .calls[PF_ABORT] > 0, what);
				one_event(s.dev[i], PF_ABORT, what);
			}
			stack_check(&s, what);
		}
		stack_move(&s, bad[b].kind);
		note("nested, %s: ok", bad[b].kind);
	}
	for (i = 0; i < DEVS; i++)
		close(s.dev[i]);
	close(s.store);
}

/* A callback comes back after its time; its pin ends meanwhile, or not. */
static void late_one(enum pf_op op, bool unpin)
{
	struct pf_setup setup = {
		.name = "late",
		.class = PIN_DEVICE_IO,
		.timeout_ms = 100,
		.slot = DEVS,
	};
	struct pf_report r;
	struct stack s;
	int dev, err;
	uint32_t id;
	char what[64];

	snprintf(what, sizeof(what), "late %d, %s", op,
		 unpin ? "unpinned meanwhile" : "stays");
	stack_make(&s);
	CHECK_EQ(dev_try_open(&setup, &dev), 0, what);
	id = dev_pin_pfns(dev, s.pfn, PAGES);
	dev_run(dev, true);
	dev_round(dev, id);
	if (op == PF_ABORT)
		dev_behave(s.dev[1], "refusing");
	dev_hang(dev, 1 << op);
	if (op == PF_REVOKE)
		err = dev_revoke(dev, s.pfn, PAGES);
	else
		err = dev_move(dev, s.pfn, PAGES);
	CHECK_EQ(err, op == PF_COMMIT ? 0 : op == PF_ABORT ? -EBUSY :
		 -ETIMEDOUT, what);
	if (op == PF_COMMIT)
		s.pfn = dev_pfn(s.dev[0], s.id[0], 0);
	/* The others are not concerned. */
	if (op != PF_REVOKE)
		stack_check(&s, what);
	if (unpin)
		CHECK_EQ(dev_try_unpin(dev, id), -EINPROGRESS, what);
	dev_behave(dev, "quiet");
	WAIT_FOR(dev_report(dev, id).calls[op] > 0, what);
	if (unpin) {
		WAIT_FOR(dev_pfn(dev, id, 0) == 0, what);
		CHECK_EQ(dev_try_unpin(dev, id), -EALREADY, what);
	} else if (op == PF_REVOKE) {
		WAIT_FOR(dev_report(dev, id).present == 0, what);
	} else {
		if (op == PF_PREPARE)
			WAIT_FOR(dev_report(dev, id).calls[PF_ABORT], what);
		dev_round(dev, id);
		dev_check(dev, id, PAGES, what);
		dev_behave(s.dev[1], "quiet");
		CHECK_EQ(dev_move(dev, s.pfn, PAGES), 0, what);
		s.pfn = dev_pfn(dev, id, 0);
		stack_check(&s, what);
	}
	r = dev_report(dev, id);
	CHECK_EQ(r.misuse, 0, what);
	CHECK_EQ(r.errors, 0, what);
	close(dev);
	for (dev = 0; dev < DEVS; dev++)
		close(s.dev[dev]);
	close(s.store);
	note("%s: ok", what);
}

/* pf pin late -: callbacks that do not come back in time */
PIN_TEST(late)
{
	enum pf_op op;

	(void)path;
	for (op = PF_PREPARE; op <= PF_REVOKE; op++) {
		late_one(op, false);
		late_one(op, true);
	}
}
