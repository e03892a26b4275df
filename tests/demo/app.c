// SPDX-License-Identifier: GPL-2.0
/*
 * The demo's two programs: one that uses persistent memory the way PMDK's users
 * do, and one that maps far more than it touches.
 */
#include <errno.h>
#include <libpmem.h>
#include <libpmemobj.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB	(1UL << 20)
#define GIB	(1UL << 30)
#define LAYOUT	"pinfold-demo"

POBJ_LAYOUT_BEGIN(demo);
POBJ_LAYOUT_ROOT(demo, struct root);
POBJ_LAYOUT_TOID(demo, struct entry);
POBJ_LAYOUT_END(demo);

struct entry {
	uint64_t value;
	TOID(struct entry) next;
};

struct root {
	uint64_t sum;
	TOID(struct entry) first;
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "app: %s: %s\n", what, why);
	return 1;
}

/* A list and the sum of its values change together or not at all. */
static int add_entry(PMEMobjpool *pool, TOID(struct root) root, uint64_t value)
{
	volatile int failed = 0;

	TX_BEGIN(pool) {
		TOID(struct entry) entry = TX_NEW(struct entry);

		TX_ADD(root);
		D_RW(entry)->value = value;
		D_RW(entry)->next = D_RO(root)->first;
		D_RW(root)->first = entry;
		D_RW(root)->sum += value;
		/* Every tenth changes its mind: nothing of it may be seen. */
		if (value % 10 == 0)
			pmemobj_tx_abort(ECANCELED);
	} TX_ONABORT {
		failed = errno != ECANCELED;
	} TX_END
	return failed;
}

static int verify(TOID(struct root) root, unsigned long nr)
{
	TOID(struct entry) entry = D_RO(root)->first;
	uint64_t sum = 0, count = 0, want = 0, i;

	for (; !TOID_IS_NULL(entry); entry = D_RO(entry)->next) {
		sum += D_RO(entry)->value;
		count++;
	}
	for (i = 1; i <= nr; i++)
		want += i % 10 ? i : 0;
	printf("app: %lu entries, sum %lu\n", count, sum);
	return sum != want || D_RO(root)->sum != want;
}

/* pmemobj FILE SIZE TRANSACTIONS */
static int run_pmemobj(const char *path, size_t size, unsigned long nr)
{
	PMEMobjpool *pool = pmemobj_create(path, LAYOUT, size, 0600);
	TOID(struct root) root;
	unsigned long i;
	int bad;

	if (!pool)
		return complain(path, pmemobj_errormsg());
	root = POBJ_ROOT(pool, struct root);
	for (i = 1; i <= nr; i++)
		if (add_entry(pool, root, i))
			return complain(path, pmemobj_errormsg());
	pmemobj_close(pool);

	/* What counts is what the file says when it is opened again. */
	pool = pmemobj_open(path, LAYOUT);
	if (!pool)
		return complain(path, pmemobj_errormsg());
	bad = verify(POBJ_ROOT(pool, struct root), nr);
	pmemobj_close(pool);
	return bad ? complain(path, "not what was stored") : 0;
}

static uint64_t populated_bytes(void)
{
	FILE *f = fopen("/sys/block/pmem0/pinfold/populated_bytes", "r");
	unsigned long long bytes = 0;

	if (!f || fscanf(f, "%llu", &bytes) != 1)
		perror("app: populated_bytes");
	if (f)
		fclose(f);
	return bytes;
}

/* map FILE: all of it mapped, some of it touched */
static int run_map(const char *path)
{
	uint64_t before = populated_bytes(), touched = 64 * MIB, pos;
	size_t size;
	int is_pmem;
	char *p;

	p = pmem_map_file(path, 0, 0, 0, &size, &is_pmem);
	if (!p)
		return complain(path, pmem_errormsg());
	printf("app: pmem_is_pmem says %s\n",
	       pmem_is_pmem(p, size) ? "yes" : "no");
	if (!is_pmem)
		return complain(path, "mapped, but not as persistent memory");
	pmem_memset_persist(p + GIB, 0x5a, 64 * MIB);
	for (pos = 0; pos < size; pos += 4 * GIB, touched++)
		p[pos] = 1;
	for (pos = 0; pos < size; pos += 4 * GIB)
		if (p[pos] != 1)
			return complain(path, "not what was stored");
	printf("= mapped %lu\n= touched %lu\n= map_populated %lu\n",
	       (unsigned long)size, (unsigned long)touched,
	       (unsigned long)(populated_bytes() - before));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "map"))
		return run_map(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "pmemobj"))
		return run_pmemobj(argv[2], strtoull(argv[3], NULL, 0),
				   strtoul(argv[4], NULL, 0));
	fputs("usage: app map FILE | app pmemobj FILE SIZE TRANSACTIONS\n",
	      stderr);
	return 2;
}
