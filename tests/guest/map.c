// SPDX-License-Identifier: GPL-2.0
/* Kinds of mappings, and their agreement with read(2) and write(2). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(4 * MIB)

static void test_shared(const char *path)
{
	int fd = xcreate(path, LEN);
	char *map = map_shared(fd, LEN), *buf = xalloc(LEN);

	fill(map, LEN, 1, 0);
	verify_file(fd, LEN, 1, "mapped stores by read");
	/* Across pages, at an odd place. */
	fill(buf, LEN / 2, 2, 0);
	xwrite(fd, buf, LEN / 2, 3 * PAGE + 1000);
	CHECK(!memcmp(map + 3 * PAGE + 1000, buf, LEN / 2), "write by mapping");
	verify(map, 3 * PAGE, 1, 0, "before what was written");
	CHECK(!msync(map, LEN, MS_SYNC), "msync");
	CHECK(!fsync(fd), "fsync");
	fill(map, LEN, 3, 0);
	munmap(map, LEN);
	verify_file(fd, LEN, 3, "stores after fsync, unmapped");
	munmap(buf, LEN);
	close(fd);
	note("shared: ok");
}

static void test_private(const char *path)
{
	int fd = xcreate(path, LEN);
	char *priv, *shared;

	write_pattern(fd, LEN, 4);
	priv = xmmap(LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	shared = map_shared(fd, LEN);
	verify(priv, LEN, 4, 0, "private mapping of written file");
	fill(priv, LEN, 5, 0);
	verify(priv, LEN, 5, 0, "private stores");
	verify(shared, LEN, 4, 0, "shared mapping beside private stores");
	verify_file(fd, LEN, 4, "file after private stores");
	CHECK(pfn_of(priv) && pfn_of(priv) != pfn_of(shared), "not copied");
	munmap(priv, LEN);
	munmap(shared, LEN);
	close(fd);
	note("private: ok");
}

static void test_populate(const char *path)
{
	int fd = xcreate(path, LEN);
	long faults;
	size_t i;
	char *map;

	map = xmmap(LEN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		    0);
	for (i = 0; i < LEN; i += PAGE)
		CHECK(pfn_of(map + i), "page %zu is not present", i / PAGE);
	/* A shared mapping is populated for reading: stores still fault. */
	faults = minor_faults();
	for (i = 0; i < LEN; i += PAGE)
		(void)*(volatile char *)(map + i);
	CHECK_EQ(minor_faults() - faults, 0, "faults after MAP_POPULATE");
	munmap(map, LEN);
	close(fd);
	note("populate: ok");
}

static void test_hole(const char *path)
{
	int fd = xopen(path, O_RDWR | O_CREAT | O_TRUNC);
	char *map, *other;

	CHECK(!ftruncate(fd, LEN), "ftruncate");
	map = xmmap(LEN, PROT_READ, MAP_SHARED, fd, 0);
	other = map_shared(fd, LEN);
	verify_zero(map, LEN, "hole");
	fill(other, LEN, 6, 0);
	verify(map, LEN, 6, 0, "hole that was filled by a mapping");
	munmap(map, LEN);
	munmap(other, LEN);

	CHECK(!ftruncate(fd, 0) && !ftruncate(fd, LEN), "ftruncate");
	map = xmmap(LEN, PROT_READ, MAP_SHARED, fd, 0);
	verify_zero(map, LEN, "second hole");
	write_pattern(fd, LEN, 7);
	verify(map, LEN, 7, 0, "hole that was filled by write");
	munmap(map, LEN);
	close(fd);
	note("hole: ok");
}

/* pf mmap FILE */
COMMAND(mmap)
{
	test_shared(argv[0]);
	test_private(argv[0]);
	test_populate(argv[0]);
	test_hole(argv[0]);
	unlink(argv[0]);
	return 0;
}

/* pf mapsync FILE: prints "ok" or the errno, both may be right. */
COMMAND(mapsync)
{
	int fd = xcreate(argv[0], LEN);
	char *map = mmap(NULL, LEN, PROT_READ | PROT_WRITE,
			 MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);

	if (map == MAP_FAILED) {
		note("mapsync: %s", errno == EOPNOTSUPP ? "EOPNOTSUPP" :
		     strerror(errno));
		return 0;
	}
	fill(map, LEN, 8, 0);
	verify_file(fd, LEN, 8, "MAP_SYNC stores");
	munmap(map, LEN);
	close(fd);
	note("mapsync: ok");
	return 0;
}

static void alias_child(const char *path, uint64_t pfn, uint64_t populated)
{
	int fd = xopen(path, O_RDWR);
	char *map = map_shared(fd, LEN);

	verify(map, LEN, 9, 0, "other process's stores");
	CHECK_EQ(pfn_of(map), pfn, "pfn in another process");
	CHECK_EQ(stat_get("populated_bytes"), populated,
		 "populated by another process's mapping");
	fill(map, LEN, 10, 0);
	_exit(0);
}

/* pf alias FILE: however often a file is mapped, it has one set of pages. */
COMMAND(alias)
{
	int fd = xcreate(argv[0], LEN);
	char *one = map_shared(fd, LEN), *two;
	uint64_t populated, events, pfn;
	pid_t pid;
	size_t i;

	fill(one, LEN, 9, 0);
	populated = stat_get("populated_bytes");
	events = stat_get("populate_events");
	note("alias: populated %llu KiB", (unsigned long long)populated >> 10);

	two = map_shared(fd, LEN);
	verify(two, LEN, 9, 0, "second mapping");
	for (i = 0; i < LEN; i += PAGE) {
		CHECK(pfn_of(one + i), "page %zu not present", i / PAGE);
		CHECK_EQ(pfn_of(two + i), pfn_of(one + i),
			 "pfn in second mapping");
	}
	pfn = pfn_of(one);
	pid = xfork();
	if (!pid)
		alias_child(argv[0], pfn, populated);
	child_ok(pid, "alias");
	verify(one, LEN, 10, 0, "stores of the other process");
	verify(two, LEN, 10, 0, "stores of the other process, second mapping");
	CHECK_EQ(stat_get("populated_bytes"), populated, "populated");
	CHECK_EQ(stat_get("populate_events"), events, "populate events");
	note("alias: ok");
	return 0;
}
