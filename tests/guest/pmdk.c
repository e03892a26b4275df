// SPDX-License-Identifier: GPL-2.0
/*
 * pmdk obj|pmem FILE: libpmem and libpmemobj on a file of ours. A program of its own,
 * since libpmem looks through all of the bus whenever it is loaded.
 */
#include <libpmem.h>
#include <libpmemobj.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pf.h"

#define LAYOUT	"pinfold"
#define NODES	200

struct node {
	PMEMoid next;
	uint64_t value;
	uint64_t square;
};

struct root {
	PMEMoid head;
	uint64_t count;
	uint64_t sum;
};

static struct root *root_of(PMEMobjpool *pop)
{
	return pmemobj_direct(pmemobj_root(pop, sizeof(struct root)));
}

/* Returns false if the transaction was aborted, as asked for. */
static bool push(PMEMobjpool *pop, uint64_t value, bool abort)
{
	struct root *root = root_of(pop);
	struct node *node;
	volatile bool done = false;
	PMEMoid oid;

	TX_BEGIN(pop) {
		pmemobj_tx_add_range_direct(root, sizeof(*root));
		oid = pmemobj_tx_zalloc(sizeof(struct node), 1);
		node = pmemobj_direct(oid);
		node->value = value;
		node->square = value * value;
		node->next = root->head;
		root->head = oid;
		root->count++;
		root->sum += value;
		if (abort)
			pmemobj_tx_abort(1);
	} TX_ONCOMMIT {
		done = true;
	} TX_END
	return done;
}

static uint64_t check(PMEMobjpool *pop)
{
	struct root *root = root_of(pop);
	uint64_t count = 0, sum = 0;
	struct node *node;

	for (node = pmemobj_direct(root->head); node;
	     node = pmemobj_direct(node->next)) {
		CHECK_EQ(node->square, node->value * node->value, "square");
		count++;
		sum += node->value;
	}
	CHECK_EQ(count, root->count, "count");
	CHECK_EQ(sum, root->sum, "sum");
	return count;
}

/* Transactions that commit, abort, and are found again. */
static int obj(char *path)
{
	PMEMobjpool *pop;
	int i;

	pop = pmemobj_create(path, LAYOUT, PMEMOBJ_MIN_POOL, 0600);
	CHECK(pop, "pmemobj_create: %s", pmemobj_errormsg());
	for (i = 0; i < NODES; i++)
		CHECK_EQ(push(pop, i, i % 4 == 3), i % 4 != 3, "commit");
	CHECK_EQ(check(pop), NODES * 3 / 4, "nodes");
	pmemobj_close(pop);

	pop = pmemobj_open(path, LAYOUT);
	CHECK(pop, "pmemobj_open: %s", pmemobj_errormsg());
	CHECK_EQ(check(pop), NODES * 3 / 4, "nodes after reopen");
	CHECK(push(pop, NODES, false), "push after reopen");
	CHECK_EQ(check(pop), NODES * 3 / 4 + 1, "nodes after push");
	pmemobj_close(pop);
	CHECK_EQ(pmemobj_check(path, LAYOUT), 1, "pmemobj_check");
	note("obj: ok, %d transactions, a quarter aborted", NODES);
	return 0;
}

/* libpmem finds out by itself that the file is pmem. */
static int pmem(char *path)
{
	size_t len = 4 * MIB, mapped;
	int is_pmem = 0;
	char *p;

	p = pmem_map_file(path, len, PMEM_FILE_CREATE, 0600, &mapped,
			  &is_pmem);
	CHECK(p, "pmem_map_file: %s", pmem_errormsg());
	CHECK_EQ(mapped, len, "mapped length");
	CHECK_EQ(is_pmem, 1, "is_pmem of pmem_map_file");
	CHECK_EQ(pmem_is_pmem(p, len), 1, "pmem_is_pmem");
	pmem_memset_persist(p, 0x5a, len);
	fill(p, len, 1, 0);
	pmem_persist(p, len);
	CHECK(!pmem_unmap(p, mapped), "pmem_unmap");
	p = pmem_map_file(path, 0, 0, 0, &mapped, &is_pmem);
	CHECK(p && mapped == len && is_pmem, "mapped again");
	verify(p, len, 1, 0, "after unmap");
	note("pmem: ok");
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "obj"))
		return obj(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "pmem"))
		return pmem(argv[2]);
	fputs("usage: pmdk obj|pmem FILE\n", stderr);
	return 2;
}
