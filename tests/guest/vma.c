// SPDX-License-Identifier: GPL-2.0
/* What programs do to mappings: mlock, mremap, mprotect, madvise. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(4 * MIB)

static size_t locked_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	size_t kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmLck:", 6))
			kb = strtoull(line + 6, NULL, 10);
	fclose(f);
	return kb * KIB;
}

/* pf mlock FILE */
COMMAND(mlock)
{
	int fd = xcreate(argv[0], LEN);
	char *map = map_shared(fd, LEN);
	long faults;
	size_t i;

	CHECK(!mlock(map, LEN), "mlock");
	/* DAX mappings are special to mlock: their pages are not counted. */
	note("mlock: VmLck %zu KiB", locked_bytes() / KIB);
	faults = minor_faults();
	for (i = 0; i < LEN; i += PAGE)
		CHECK(pfn_of(map + i) || !map[i], "page %zu", i / PAGE);
	note("mlock: %ld faults after it", minor_faults() - faults);
	fill(map, LEN, 1, 0);
	CHECK(!munlock(map, LEN), "munlock");
	CHECK(!mlock2(map, LEN, MLOCK_ONFAULT), "mlock2");
	verify(map, LEN, 1, 0, "locked on fault");
	verify_file(fd, LEN, 1, "locked mapping by read");
	munmap(map, LEN);
	CHECK_EQ(locked_bytes(), 0, "VmLck after munmap");
	CHECK(!mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall");
	map = map_shared(fd, LEN);
	verify(map, LEN, 1, 0, "mapped under mlockall");
	CHECK(!munlockall(), "munlockall");
	note("mlock: ok");
	return 0;
}

static void remap_move(char **map)
{
	char *there = xmmap(2 * LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	uint64_t pfn = pfn_of(*map);
	char *moved;

	moved = mremap(*map, LEN, LEN, MREMAP_MAYMOVE | MREMAP_FIXED,
		       there + 3 * PAGE);
	CHECK(moved == there + 3 * PAGE, "mremap fixed");
	/* A huge mapping is not moved but faulted in again. */
	verify(moved, LEN, 1, 0, "moved");
	CHECK_EQ(pfn_of(moved), pfn, "pfn after the move");
	CHECK_EQ(probe_read(*map, NULL), SIGSEGV, "old place");
	*map = moved;
}

static void remap_resize(char **map, int fd)
{
	char *p = mremap(*map, LEN, LEN / 2, 0);

	CHECK(p == *map, "shrink");
	CHECK_EQ(probe_read(p + LEN / 2, NULL), SIGSEGV, "behind the end");
	verify(p, LEN / 2, 1, 0, "shrunk");
	p = mremap(p, LEN / 2, 2 * LEN, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED, "grow");
	verify(p, LEN, 1, 0, "grown");
	fill(p + LEN, LEN, 2, LEN);
	xread(fd, p, LEN, LEN);
	verify(p, LEN, 2, LEN, "read(2) of the grown part into the mapping");
	*map = p;
}

static void test_protect(char *map, int fd)
{
	int code;

	write_pattern(fd, LEN, 3);
	CHECK(!mprotect(map, LEN, PROT_READ), "mprotect");
	CHECK_EQ(probe_write(map + PAGE, &code), SIGSEGV, "read-only store");
	CHECK_EQ(code, SEGV_ACCERR, "si_code");
	verify(map, LEN, 3, 0, "read-only");
	CHECK(!mprotect(map, LEN, PROT_READ | PROT_WRITE), "mprotect");
	CHECK_EQ(probe_write(map + PAGE, NULL), 0, "writable again");
	CHECK(!madvise(map, LEN, MADV_DONTNEED), "MADV_DONTNEED");
	verify(map, LEN, 3, 0, "after MADV_DONTNEED");
}

/* pf mremap FILE */
COMMAND(mremap)
{
	int fd = xcreate(argv[0], 2 * LEN);
	char *map = map_shared(fd, LEN);

	fill(map, LEN, 1, 0);
	remap_move(&map);
	remap_resize(&map, fd);
	test_protect(map, fd);
	note("mremap: ok");
	return 0;
}
