// SPDX-License-Identifier: GPL-2.0
/* Pages under pins migrate: to another node, and out of memory that goes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "pin.h"

#define PAGES	64UL
#define LEN	(PAGES * PAGE)
#define MPOL_MF_MOVE	2
#define MPOL_BIND	2

size_t move_to(char *map, size_t pages, int node)
{
	void **addr = calloc(pages, sizeof(*addr));
	int *nodes = calloc(pages, sizeof(*nodes));
	int *status = calloc(pages, sizeof(*status));
	size_t i, there = 0;

	for (i = 0; i < pages; i++) {
		addr[i] = map + i * PAGE;
		nodes[i] = node;
	}
	CHECK(syscall(SYS_move_pages, 0, pages, addr, nodes, status,
		      MPOL_MF_MOVE) >= 0, "move_pages");
	CHECK(!syscall(SYS_move_pages, 0, pages, addr, NULL, status, 0),
	      "move_pages, asking");
	for (i = 0; i < pages; i++)
		there += status[i] == node;
	free(addr);
	free(nodes);
	free(status);
	return there;
}

/* The pin has followed: the device is where the process is. */
static void check_followed(int dev, uint32_t id, char *map, size_t pages,
			   const char *what)
{
	size_t i;

	/* Pages of a file come back when somebody maps them: the process uses its memory. */
	for (i = 0; i < pages; i++)
		(void)*(volatile char *)(map + i * PAGE);
	WAIT_FOR(dev_report(dev, id).present == pages, what);
	dev_round(dev, id);
	dev_check(dev, id, pages, what);
	for (i = 0; i < pages; i++)
		CHECK_EQ(dev_pfn(dev, id, i), pfn_of(map + i * PAGE), what);
}

static void migrate(const char *what, const char *kind, char *map)
{
	int dev = dev_open("migrate", kind, PIN_DEVICE_IO, 3);
	int nested = dev_open("nested", "quiet", PIN_CROSS_SYSTEM, 4);
	uint32_t id, part;
	int round;

	paint(map, LEN, 21);
	id = dev_pin(dev, map, LEN);
	part = dev_pin(nested, map + LEN / 4, LEN / 2);
	dev_run(dev, true);
	dev_run(nested, true);
	dev_round(dev, id);
	dev_round(nested, part);
	for (round = 0; round < 6; round++) {
		WAIT_FOR(move_to(map, PAGES, (round + 1) % 2) == PAGES, what);
		check_followed(dev, id, map, PAGES, what);
		check_followed(nested, part, map + LEN / 4, PAGES / 2, what);
		check_paint(map, LEN, 21, what);
	}
	close(nested);
	CHECK(dev_report(dev, id).calls[PF_COMMIT] > 0, "nothing was committed");
	dev_run(dev, false);
	check_slots(dev, id, map, LEN, 3, what);
	/* It need not agree. */
	dev_behave(dev, "refusing");
	CHECK_EQ(move_to(map, PAGES, 1), 0, "pages that moved though refused");
	dev_check(dev, id, PAGES, "after a refusal");
	dev_unpin(dev, id);
	close(dev);
	CHECK_EQ(pinned_pages(), 0, "pinned at the end");
	note("%s follow, %s: ok", what, kind);
}

/* pf pin migrate -: move_pages(2) under pins */
PIN_TEST(migrate)
{
	static const char * const kinds[] = { "quiet", "atomic", "slow" };
	char *map;
	size_t i;
	int fd;

	(void)path;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		map = xalloc(LEN);
		migrate("anonymous", kinds[i], map);
		munmap(map, LEN);
	}
	fd = memfd_create("migrate", 0);
	CHECK(!ftruncate(fd, LEN), "ftruncate");
	map = map_shared(fd, LEN);
	migrate("shmem", "quiet", map);
	munmap(map, LEN);
	close(fd);
}

static uint64_t block_pages(void)
{
	char text[64] = "";
	int fd = xopen("/sys/devices/system/memory/block_size_bytes", O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) <= 0)
		die("block size");
	close(fd);
	return strtoull(text, NULL, 16) / PAGE;
}

static int block_state(uint64_t block, const char *state)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%llu/state",
		 (unsigned long long)block);
	return try_write_file(path, state);
}

static size_t in_block(const uint64_t *pfns, size_t nr, uint64_t block)
{
	uint64_t pages = block_pages();
	size_t i, n = 0;

	for (i = 0; i < nr; i++)
		n += pfns[i] / pages == block;
	return n;
}

/* Memory with kernel pages of a store goes. */
static void offline(const char *kind)
{
	enum { NR = 1024, NESTED = 16 };
	int store = store_make(PF_STORE_PAGES, NR, 31);
	int dev = dev_open("offline", kind, PIN_DEVICE_IO, 1);
	struct pf_store_state state;
	uint64_t pfns[NR], block;
	uint32_t id[NESTED];
	size_t i, there;

	store_where(store, pfns, NR);
	block = pfns[0] / block_pages();
	for (i = 0; i < NESTED; i++)
		id[i] = dev_pin_pfns(dev, pfns[i], 1);
	dev_run(dev, true);
	dev_round(dev, id[NESTED - 1]);
	there = in_block(pfns, NR, block);
	CHECK_EQ(block_state(block, "offline"), 0, "offline");
	state = store_check(store, "after offline");
	store_where(store, pfns, NR);
	CHECK_EQ(in_block(pfns, NR, block), 0, "pages in memory that went");
	CHECK(state.moved >= there, "fewer moved than were there");
	for (i = 0; i < NESTED; i++) {
		dev_round(dev, id[i]);
		dev_check(dev, id[i], 1, "after offline");
		CHECK_EQ(dev_pfn(dev, id[i], 0), pfns[i], "where the device is");
	}
	CHECK_EQ(block_state(block, "online_movable"), 0, "online");
	note("%zu pages of the kernel left memory that went offline, %s: ok",
	     there, kind);
	close(dev);
	close(store);
}

/* pf pin offline NODE: memory offlining moves kernel pages through nested pins */
PIN_TEST(offline)
{
	prefer_node(strtoul(path, NULL, 0));
	offline("quiet");
	offline("atomic");
}

/* New pages of @map come from a node. */
static void bind_to(char *map, size_t len, int node)
{
	unsigned long mask = 1UL << node;

	CHECK(!syscall(SYS_mbind, map, len, MPOL_BIND, &mask, 8 * sizeof(mask),
		       0), "mbind");
}

enum { USER_PAGES = 4096 };

/* Return: 0; -EBUSY if the block where @map begins has somebody else's page, which cannot move. */
static int offline_under(int dev, char *map)
{
	uint64_t pages = block_pages(), block;
	static uint64_t pfns[USER_PAGES];
	size_t i, there;
	uint32_t id;
	int err;

	id = dev_pin(dev, map, USER_PAGES * PAGE);
	/* A device that runs goes round all of its pages between two questions. */
	for (i = 0; i < USER_PAGES; i++)
		pfns[i] = dev_pfn(dev, id, i);
	block = pfns[0] / pages;
	there = in_block(pfns, USER_PAGES, block);
	dev_run(dev, true);
	dev_round(dev, id);
	err = block_state(block, "offline");
	if (err == -EBUSY) {
		/* It was found before anything moved: nobody may say that it was us. */
		CHECK_EQ(dev_report(dev, id).calls[PF_PREPARE], 0,
			 "asked, and in a block that stays");
		dev_check(dev, id, USER_PAGES, "in a block that stays");
		dev_run(dev, false);
		dev_unpin(dev, id);
		note("block %llu has somebody else's page: another one",
		     (unsigned long long)block);
		return err;
	}
	CHECK_EQ(err, 0, "offline");
	WAIT_FOR(dev_report(dev, id).present == USER_PAGES, "offline");
	dev_round(dev, id);
	dev_check(dev, id, USER_PAGES, "after offline");
	check_paint(map, USER_PAGES * PAGE, 41, "after offline");
	dev_run(dev, false);
	for (i = 0; i < USER_PAGES; i++) {
		pfns[i] = dev_pfn(dev, id, i);
		CHECK_EQ(pfns[i], pfn_of(map + i * PAGE), "place");
	}
	CHECK_EQ(in_block(pfns, USER_PAGES, block), 0, "pages that stayed");
	CHECK_EQ(block_state(block, "online_kernel"), 0, "online");
	check_slots(dev, id, map, USER_PAGES * PAGE, 1, "after offline");
	dev_unpin(dev, id);
	note("%zu pinned pages left memory that went offline: ok", there);
	return 0;
}

/*
 * pf pin offline_user NODE,BLOCK: memory with pinned pages of a process goes; it is of
 * the node, and the first of its blocks is known. Memory that the kernel may use as it
 * likes need not be able to go: each block is tried once.
 */
PIN_TEST(offline_user)
{
	int dev = dev_open("offline-user", "quiet", PIN_DEVICE_IO, 1), node;
	size_t step = USER_PAGES * PAGE, len = 24 * step, i;
	uint64_t pages = block_pages(), tried = 0, block;
	char *all = xalloc(len);
	bool gone = false;
	unsigned long first;

	if (sscanf(path, "%d,%lu", &node, &first) != 2)
		die("not a node and a block: %s", path);
	bind_to(all, len, node);
	/* The node has other memory, too, which may be used up first. */
	for (i = 0; i < len && !gone; i += step) {
		paint(all + i, step, 41);
		block = pfn_of(all + i) / pages;
		if (block < first || block >= first + 64 ||
		    tried & 1ULL << (block - first))
			continue;
		tried |= 1ULL << (block - first);
		gone = !offline_under(dev, all + i);
	}
	CHECK(tried, "no page in memory that can go");
	CHECK(gone, "no block could go");
	close(dev);
	munmap(all, len);
}
