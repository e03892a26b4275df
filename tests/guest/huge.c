// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(16 * MIB)

static char *map_aligned(int fd)
{
	char *room = xmmap(LEN + CHUNK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	room = (char *)(((uintptr_t)room + CHUNK - 1) & ~(CHUNK - 1));
	CHECK(mmap(room, LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   fd, 0) == room, "mmap");
	return room;
}

/*
 * pf huge FILE: on blocks aligned to 2 MiB a mapping takes one fault per 2 MiB.
 * smaps does not count huge DAX mappings; faults cannot lie.
 */
COMMAND(huge)
{
	int fd = xcreate(argv[0], LEN);
	char *map = map_aligned(fd);
	long faults = minor_faults();
	size_t i;

	for (i = 0; i < LEN; i += PAGE)
		map[i] = 1;
	faults = minor_faults() - faults;
	note("huge: %ld faults for %zu pages", faults, LEN / PAGE);
	for (i = 0; i < LEN; i += CHUNK) {
		CHECK_EQ(pfn_of(map + i) % (CHUNK / PAGE), 0,
			 "block alignment: the file system's doing");
		CHECK_EQ(pfn_of(map + i + CHUNK - PAGE),
			 pfn_of(map + i) + CHUNK / PAGE - 1, "contiguous");
	}
	CHECK(faults <= (long)(2 * LEN / CHUNK), "not huge");
	fill(map, LEN, 1, 0);
	/* Split by a partial unmap and a partial hole; data stays. */
	munmap(map + CHUNK + PAGE, PAGE);
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 3 * CHUNK + PAGE, PAGE), "punch");
	verify(map + CHUNK, PAGE, 1, CHUNK, "before the unmapped page");
	verify(map + CHUNK + 2 * PAGE, CHUNK - 2 * PAGE, 1, CHUNK + 2 * PAGE,
	       "after the unmapped page");
	verify_zero(map + 3 * CHUNK + PAGE, PAGE, "hole");
	verify(map + 3 * CHUNK, PAGE, 1, 3 * CHUNK, "before the hole");
	verify(map + 3 * CHUNK + 2 * PAGE, CHUNK - 2 * PAGE, 1,
	       3 * CHUNK + 2 * PAGE, "after the hole");
	note("huge: ok");
	return 0;
}
