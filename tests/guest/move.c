// SPDX-License-Identifier: GPL-2.0
/* Pages that move on the media, against everything else. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/pinfold.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "move.h"
#include "pf.h"

#define MAX_EXTENTS	32
/* Pages that move together, as many as the driver takes at once. */
#define WINDOW		128

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

int move_range(int disk, int op, uint64_t offset, uint64_t len,
	       struct move_result *r)
{
	struct pinfold_move m = { .op = op, .offset = offset, .length = len };

	while (m.length) {
		int err = ioctl(disk, PINFOLD_IOC_MOVE, &m) ? errno : 0;

		if (m.failed && !r->failed) {
			r->offset = m.fail_offset;
			r->error = m.fail_error;
			memcpy(r->blocker, m.blocker, sizeof(r->blocker));
		}
		r->calls++;
		r->moved += m.moved;
		r->failed += m.failed;
		if (m.lost) {
			r->lost_offset = m.lost_offset;
			r->lost_sectors = m.lost_sectors;
		}
		r->lost += m.lost;
		if (err)
			return err;
	}
	return 0;
}

static int parse_op(const char *name)
{
	static const char *const names[] = {
		[PINFOLD_MOVE_RELOCATE] = "relocate",
		[PINFOLD_MOVE_RESTORE] = "restore",
		[PINFOLD_MOVE_EVACUATE] = "evacuate",
		[PINFOLD_MOVE_RETIRE] = "retire",
	};
	size_t i;

	for (i = 1; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return i;
	die("no such operation: %s", name);
}

/* pf move DEVICE OP OFFSET LEN: "moved N failed N", or an error's text */
COMMAND(move)
{
	int fd = xopen(argv[0], O_RDONLY), op = parse_op(argv[1]);
	struct move_result r = { };
	int err = move_range(fd, op, parse_size(argv[2]), parse_size(argv[3]),
			     &r);

	if (r.failed)
		note("page at %llu: %s, %s", (unsigned long long)r.offset,
		     strerror(r.error), r.blocker);
	if (r.lost)
		note("lost of the page at %llu: sectors %#x",
		     (unsigned long long)r.lost_offset, r.lost_sectors);
	note("moved %lu failed %lu", r.moved, r.failed);
	if (err)
		die("%s: %s", argv[1], strerror(err));
	return 0;
}

uint64_t extent_of(int fd, uint64_t page)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent[1];
	} f = { .map = { .fm_length = PAGE, .fm_extent_count = 1 } };

	f.map.fm_start = page * PAGE;
	CHECK(!ioctl(fd, FS_IOC_FIEMAP, &f), "FS_IOC_FIEMAP");
	CHECK_EQ(f.map.fm_mapped_extents, 1, "extents");
	return f.extent[0].fe_physical + f.map.fm_start -
		f.extent[0].fe_logical;
}

/* pf extent FILE PAGE: where that page of the file is on its device, in bytes */
COMMAND(extent)
{
	int fd = xopen(argv[0], O_RDONLY);

	note("%llu", (unsigned long long)extent_of(fd, parse_size(argv[1])));
	return 0;
}

/* Name a file of @dir at random: reservoir of one. Return: an fd, or -1. */
static int random_file(const char *dir, uint64_t *state)
{
	DIR *d = opendir(dir);
	char name[256] = "";
	unsigned long n = 0;
	struct dirent *e;
	int fd;

	CHECK(d, "opendir");
	while ((e = readdir(d)))
		if (e->d_type == DT_REG && rng(state) % ++n == 0)
			snprintf(name, sizeof(name), "%s", e->d_name);
	fd = name[0] ? openat(dirfd(d), name, O_RDONLY) : -1;
	closedir(d);
	return fd;
}

/* A part of one of the file's extents. */
static bool random_part(int fd, uint64_t *state, uint64_t *offset,
			uint64_t *len)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent[MAX_EXTENTS];
	} f = { .map = { .fm_length = ~0ULL, .fm_extent_count = MAX_EXTENTS } };
	const struct fiemap_extent *e;
	uint64_t pages, at;

	if (ioctl(fd, FS_IOC_FIEMAP, &f) || !f.map.fm_mapped_extents)
		return false;
	e = &f.extent[rng(state) % f.map.fm_mapped_extents];
	if (e->fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DATA_INLINE))
		return false;
	pages = e->fe_length / PAGE;
	if (!pages)
		return false;
	at = rng(state) % pages;
	*offset = e->fe_physical + at * PAGE;
	*len = (rng(state) % WINDOW + 1) * PAGE;
	if (*len > (pages - at) * PAGE)
		*len = (pages - at) * PAGE;
	return true;
}

static bool pick(const char *dir, uint64_t size, uint64_t *state,
		 uint64_t *offset, uint64_t *len)
{
	bool found = false;
	int fd;

	if (rng(state) % 4) {
		fd = random_file(dir, state);
		found = fd >= 0 && random_part(fd, state, offset, len);
		if (fd >= 0)
			close(fd);
		return found;
	}
	/* Whatever is there: metadata, the journal, free space. */
	*offset = rng(state) % (size / PAGE - WINDOW) * PAGE;
	*len = (rng(state) % WINDOW + 1) * PAGE;
	return true;
}

/* pf moveloop DEVICE DIR SEED: move files of DIR, and other pages, until SIGTERM */
COMMAND(moveloop)
{
	int fd = xopen(argv[0], O_RDONLY), err;
	uint64_t state = strtoull(argv[2], NULL, 0), size, offset, len;
	struct move_result r = { };
	unsigned long full = 0;

	CHECK(!ioctl(fd, BLKGETSIZE64, &size), "BLKGETSIZE64");
	signal(SIGTERM, on_term);
	say_ready();
	while (!stop) {
		int op = rng(&state) % 4 ? PINFOLD_MOVE_RELOCATE :
					   PINFOLD_MOVE_RESTORE;

		if (!pick(argv[1], size, &state, &offset, &len)) {
			usleep(1000);
			continue;
		}
		err = move_range(fd, op, offset, len, &r);
		if (err == ENOSPC) {
			full++;
			err = move_range(fd, PINFOLD_MOVE_RESTORE, 0, size,
					 &r);
		}
		if (err && err != EINTR && err != EAGAIN && err != EBUSY)
			die("moving %llu + %llu: %s",
			    (unsigned long long)offset,
			    (unsigned long long)len, strerror(err));
	}
	note("moveloop: %lu pages moved in %lu calls, %lu were in use, the spare area was full %lu times",
	     r.moved, r.calls, r.failed, full);
	note("tried %lu moves", r.moved);
	return 0;
}

/*
 * pf remapped FILE DEVICE: pages move after munmap, which leaves the entries, and again
 * when they are mapped anew
 */
COMMAND(remapped)
{
	const size_t len = 64 * PAGE;
	int fd = xcreate(argv[0], len), disk = xopen(argv[1], O_RDONLY);
	struct move_result r = { };
	uint64_t at = extent_of(fd, 0);
	char *map = map_shared(fd, len);

	CHECK_EQ(extent_of(fd, 63), at + len - PAGE, "extents");
	fill(map, len, 1, 0);
	munmap(map, len);
	CHECK_EQ(move_range(disk, PINFOLD_MOVE_RELOCATE, at, len, &r), 0, "relocate");
	map = map_shared(fd, len);
	verify(map, len, 1, 0, "mapped again");
	fill(map, len, 2, 0);
	CHECK_EQ(move_range(disk, PINFOLD_MOVE_RESTORE, at, len, &r), 0, "restore");
	CHECK_EQ(r.moved, 128, "pages moved");
	fill(map, len, 3, 0);
	verify_file(fd, len, 3, "by read");
	munmap(map, len);
	close(disk);
	close(fd);
	unlink(argv[0]);
	return 0;
}

/* One page of the mapping is written by device DMA, and read back by DMA. */
static void dma_page(int disk, char *page, char *buf, uint64_t seed,
		     uint64_t slot)
{
	off_t at = slot * PAGE;

	fill(page, PAGE, seed, at);
	CHECK_EQ(pwrite(disk, page, PAGE, at), (long)PAGE, "O_DIRECT from the mapping");
	CHECK_EQ(pread(disk, buf, PAGE, at), (long)PAGE, "O_DIRECT read");
	verify(buf, PAGE, seed, at, "what the device got");
	fill(buf, PAGE, seed + 1, at);
	CHECK_EQ(pwrite(disk, buf, PAGE, at), (long)PAGE, "O_DIRECT write");
	CHECK_EQ(pread(disk, page, PAGE, at), (long)PAGE, "O_DIRECT into the mapping");
	verify(page, PAGE, seed + 1, at, "what the mapping got");
}

/* pf dma FILE DEVICE ROUNDS SEED: O_DIRECT between a device and a mapping */
COMMAND(dma)
{
	const size_t len = MIB;
	int fd = xcreate(argv[0], len);
	int disk = xopen(argv[1], O_RDWR | O_DIRECT);
	unsigned long rounds = parse_size(argv[2]), i;
	uint64_t state = strtoull(argv[3], NULL, 0);
	uint64_t seeds[MIB / PAGE] = { };
	char *map = map_shared(fd, len);
	char *buf;

	CHECK(!posix_memalign((void **)&buf, PAGE, PAGE), "posix_memalign");
	for (i = 0; i < rounds; i++) {
		size_t page = rng(&state) % (len / PAGE);

		seeds[page] = rng(&state);
		dma_page(disk, map + page * PAGE, buf, seeds[page], page);
		if (i % 64 == 0)
			CHECK(!fsync(fd), "fsync");
	}
	for (i = 0; i < len / PAGE; i++)
		if (seeds[i])
			verify(map + i * PAGE, PAGE, seeds[i] + 1, i * PAGE,
			       "at the end");
	note("tried %lu direct transfers while pages move", 4 * rounds);
	note("dma: %lu rounds verified", rounds);
	return 0;
}
