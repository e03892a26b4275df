// SPDX-License-Identifier: GPL-2.0
/* Blocks that go away under a mapping. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(6 * MIB)

static void test_truncate(int fd, char *map)
{
	int code;

	fill(map, LEN, 1, 0);
	CHECK(!ftruncate(fd, 3 * MIB + 100), "ftruncate");
	CHECK_EQ(probe_read(map + LEN - PAGE, &code), SIGBUS, "beyond EOF");
	CHECK_EQ(code, BUS_ADRERR, "si_code beyond EOF");
	CHECK_EQ(probe_write(map + 3 * MIB + PAGE, NULL), SIGBUS, "first page");
	verify(map, 3 * MIB, 1, 0, "before EOF");
	verify_zero(map + 3 * MIB + 104, PAGE - 104, "rest of the last page");
	CHECK(!ftruncate(fd, LEN), "ftruncate");
	verify_zero(map + 3 * MIB + PAGE, LEN - 3 * MIB - PAGE, "grown again");
	verify_zero(map + 3 * MIB + 104, PAGE - 104, "last page, grown again");
	verify(map, 3 * MIB, 1, 0, "before the old EOF");
	note("truncate: ok");
}

static void test_punch(int fd, char *map)
{
	fill(map, LEN, 2, 0);
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 MIB, 2 * MIB), "punch");
	verify_zero(map + MIB, 2 * MIB, "hole");
	verify(map, MIB, 2, 0, "before the hole");
	verify(map + 3 * MIB, LEN - 3 * MIB, 2, 3 * MIB, "after the hole");
	fill(map + MIB, 2 * MIB, 3, MIB);
	verify(map + MIB, 2 * MIB, 3, MIB, "stores into the hole");
	CHECK(!fallocate(fd, FALLOC_FL_ZERO_RANGE, MIB, MIB), "zero range");
	verify_zero(map + MIB, MIB, "zeroed");
	verify(map + 2 * MIB, MIB, 3, 2 * MIB, "after the zeroed range");
	note("punch: ok");
}

static void test_collapse(int fd, char *map)
{
	fill(map, LEN, 4, 0);
	CHECK(!fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, MIB, 2 * MIB),
	      "collapse");
	verify(map, MIB, 4, 0, "before the collapsed range");
	verify(map + MIB, 3 * MIB, 4, 3 * MIB, "moved up");
	CHECK_EQ(probe_read(map + 4 * MIB, NULL), SIGBUS, "beyond the new EOF");
	CHECK(!fallocate(fd, FALLOC_FL_INSERT_RANGE, MIB, 2 * MIB), "insert");
	verify(map, MIB, 4, 0, "before the inserted range");
	verify_zero(map + MIB, 2 * MIB, "inserted");
	verify(map + 3 * MIB, 3 * MIB, 4, 3 * MIB, "moved down");
	note("collapse: ok");
}

/* pf holes FILE */
COMMAND(holes)
{
	int fd = xcreate(argv[0], LEN);
	char *map = map_shared(fd, LEN);

	test_truncate(fd, map);
	test_punch(fd, map);
	test_collapse(fd, map);
	note("holes: ok");
	return 0;
}

/*
 * pf reuse FILE: a mapping must not see what a later owner of its blocks
 * writes, nor harm it.
 */
COMMAND(reuse)
{
	int fd = xcreate(argv[0], LEN), next;
	char *map = map_shared(fd, LEN), *other;
	char path[256];
	uint64_t pfn;
	size_t i, same = 0;

	fill(map, LEN, 1, 0);
	pfn = pfn_of(map);
	CHECK(!ftruncate(fd, 0) && !fsync(fd), "ftruncate");
	strcpy(path, argv[0]);
	strcat(path, ".next");
	next = xcreate(path, LEN);
	write_pattern(next, LEN, 2);
	other = map_shared(next, LEN);
	for (i = 0; i < LEN; i += PAGE) {
		CHECK_EQ(probe_read(map + i, NULL), SIGBUS, "old mapping");
		(void)*(volatile char *)(other + i);
		same += pfn_of(other + i) == pfn + i / PAGE;
	}
	verify(other, LEN, 2, 0, "new owner");
	CHECK(!ftruncate(fd, LEN), "ftruncate");
	verify_zero(map, LEN, "old file, grown again");
	fill(map, LEN, 3, 0);
	verify(other, LEN, 2, 0, "new owner after the old one's stores");
	verify_file(next, LEN, 2, "new owner's file");
	note("reuse: ok, %zu of %zu blocks were the same", same, LEN / PAGE);
	return 0;
}
