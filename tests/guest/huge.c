// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/pinfold.h>
#include <unistd.h>

#include "move.h"
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

/* How many faults it takes to store to each page of a chunk that is mapped anew. */
static long faults_of_chunk(int fd, size_t off, uint64_t seed)
{
	char *room = map_aligned(fd), *map = room + off;
	long faults = minor_faults();
	size_t i;

	for (i = 0; i < CHUNK; i += PAGE)
		*(volatile char *)(map + i) = map[i];
	faults = minor_faults() - faults;
	verify(map, CHUNK, seed, off, "chunk mapped anew");
	munmap(room, LEN);
	return faults;
}

static void move_pages_of(int fd, int disk, unsigned int op, size_t off, size_t len)
{
	struct move_result r = { };

	CHECK_EQ(move_range(disk, op, extent_of(fd, off / PAGE), len, &r), 0, "move");
	CHECK_EQ(r.failed, 0, "pages that did not move");
}

/* While a page is elsewhere the others are mapped one by one; then at once again. */
static void split_and_join(int fd, int disk, size_t off, uint64_t seed)
{
	long faults;

	move_pages_of(fd, disk, PINFOLD_MOVE_RELOCATE, off + 7 * PAGE, PAGE);
	move_pages_of(fd, disk, PINFOLD_MOVE_RELOCATE, off + 300 * PAGE, 2 * PAGE);
	faults = faults_of_chunk(fd, off, seed);
	CHECK(faults >= (long)(CHUNK / PAGE), "%ld faults beside pages elsewhere", faults);
	move_pages_of(fd, disk, PINFOLD_MOVE_RESTORE, off, 64 * PAGE);
	faults = faults_of_chunk(fd, off, seed);
	CHECK(faults >= (long)(CHUNK / PAGE), "%ld faults, two pages not restored", faults);
	move_pages_of(fd, disk, PINFOLD_MOVE_RESTORE, off, CHUNK);
	faults = faults_of_chunk(fd, off, seed);
	CHECK(faults <= 2, "%ld faults after all pages came back: not huge", faults);
	/* As a whole */
	move_pages_of(fd, disk, PINFOLD_MOVE_RELOCATE, off, CHUNK);
	faults = faults_of_chunk(fd, off, seed);
	CHECK(faults >= (long)(CHUNK / PAGE), "%ld faults of a chunk elsewhere", faults);
	move_pages_of(fd, disk, PINFOLD_MOVE_RESTORE, off, CHUNK);
	faults = faults_of_chunk(fd, off, seed);
	CHECK(faults <= 2, "%ld faults after the chunk came back: not huge", faults);
}

/* By its extents: a hole that was punched has unmapped all of the file. */
static size_t aligned_chunk(int fd, size_t first)
{
	size_t i;

	for (i = first; i < LEN; i += CHUNK)
		if (extent_of(fd, i / PAGE) % CHUNK == 0 &&
		    extent_of(fd, (i + CHUNK) / PAGE - 1) ==
		    extent_of(fd, i / PAGE) + CHUNK - PAGE)
			return i;
	die("no aligned chunk");
}

/*
 * pf huge FILE DEVICE: where the blocks of 2 MiB are aligned, they take one fault, also
 * after some of their pages were elsewhere.
 * smaps does not count huge DAX mappings; faults cannot lie.
 */
COMMAND(huge)
{
	int fd = create_in_chunks(argv[0]);
	int disk = xopen(argv[1], O_RDONLY);
	size_t i, aligned, off, chunks = LEN / CHUNK;
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
	off = aligned_chunk(fd, 4 * CHUNK);
	munmap(map, LEN);
	split_and_join(fd, disk, off, 1);
	note("huge: ok");
	return 0;
}
