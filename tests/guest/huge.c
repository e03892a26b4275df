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

/* In pieces: ext4 aligns an allocation that is just one stripe long. */
static int create_in_chunks(const char *path)
{
	int fd = xopen(path, O_RDWR | O_CREAT | O_TRUNC);
	size_t off;

	for (off = 0; off < LEN; off += CHUNK)
		CHECK(!fallocate(fd, 0, off, CHUNK), "fallocate");
	return fd;
}

static size_t count_aligned(const char *map)
{
	size_t i, n = 0;

	for (i = 0; i < LEN; i += CHUNK)
		n += pfn_of(map + i) % (CHUNK / PAGE) == 0 &&
		     pfn_of(map + i + CHUNK - PAGE) ==
		     pfn_of(map + i) + CHUNK / PAGE - 1;
	return n;
}

/*
 * pf huge FILE: where the blocks of 2 MiB are aligned, they take one fault.
 * smaps does not count huge DAX mappings; faults cannot lie.
 */
COMMAND(huge)
{
	int fd = create_in_chunks(argv[0]);
	size_t i, aligned, chunks = LEN / CHUNK;
	char *map = map_aligned(fd);
	long faults = minor_faults(), most;

	for (i = 0; i < LEN; i += PAGE)
		map[i] = 1;
	faults = minor_faults() - faults;
	aligned = count_aligned(map);
	note("huge: %ld faults for %zu pages, %zu of %zu chunks aligned",
	     faults, LEN / PAGE, aligned, chunks);
	CHECK(aligned >= chunks / 2, "the file system does not align");
	/* A huge mapping may take a second fault to be written. */
	most = 2 * aligned + (chunks - aligned) * (CHUNK / PAGE) + 8;
	CHECK(faults <= most, "more than %ld faults: not huge", most);
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
