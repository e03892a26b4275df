// SPDX-License-Identifier: GPL-2.0
/* Pins of DAX files do not stand in the way of the file system. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "pin.h"

#define PAGES	1024UL
#define LEN	(PAGES * PAGE)

/* Blocks that were pinned now belong to another file: the device is not there. */
static void reuse_blocks(const char *path, int dev)
{
	char other[4096];
	int fd, round;

	snprintf(other, sizeof(other), "%s.reuse", path);
	fd = xcreate(other, 2 * LEN);
	write_pattern(fd, 2 * LEN, 5);
	for (round = 0; round < 3; round++) {
		verify_file(fd, 2 * LEN, 5, "file with blocks that were pinned");
		usleep(20000);
	}
	close(fd);
	unlink(other);
	dev_run(dev, false);
}

static void truncate_pinned(const char *path, const char *kind, bool punch)
{
	int dev = dev_open("truncate", kind, PIN_DEVICE_IO, 0);
	int fd = xcreate(path, LEN);
	char *map = map_shared(fd, LEN);
	struct pf_report r;
	uint32_t id;

	paint(map, LEN, 6);
	id = dev_pin(dev, map, LEN);
	dev_run(dev, true);
	dev_round(dev, id);
	if (punch)
		CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				 FALLOC_FL_KEEP_SIZE, 0, LEN), "punch");
	else
		CHECK(!ftruncate(fd, 0), "truncate");
	r = dev_report(dev, id);
	CHECK_EQ(r.present, 0, "pages left");
	CHECK_EQ(r.why[PIN_REVOKE_CLEAR], PAGES, "pages revoked");
	CHECK_EQ(r.errors, 0, "lost writes");
	CHECK_EQ(r.misuse, 0, "callbacks against the rules");
	reuse_blocks(path, dev);
	munmap(map, LEN);
	close(fd);
	close(dev);
	note("%s of %lu pinned pages, %s: ok", punch ? "punch" : "truncate",
	     PAGES, kind);
}

/* A revoke that does not return is waited for; nobody gets the blocks before. */
static void truncate_hung(const char *path)
{
	int dev = dev_open("truncate-hung", "quiet", PIN_DEVICE_IO, 0);
	int fd = xcreate(path, 4 * PAGE);
	char *map = map_shared(fd, 4 * PAGE);
	struct pf_report r;
	uint32_t id;
	pid_t pid;

	paint(map, 4 * PAGE, 7);
	id = dev_pin(dev, map, 4 * PAGE);
	dev_hang(dev, 1 << PF_REVOKE);
	pid = xfork();
	if (!pid) {
		CHECK(!ftruncate(fd, 0), "truncate");
		_exit(0);
	}
	/* The registry gives up waiting after a second, the file system not. */
	sleep(3);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0, "truncate under a hung revoke");
	CHECK(dev_pfn(dev, id, 0), "page gone under a hung revoke");
	dev_behave(dev, "quiet");
	child_ok(pid, "truncate after the revoke");
	r = dev_report(dev, id);
	CHECK_EQ(r.present, 0, "pages left");
	CHECK_EQ(r.why[PIN_REVOKE_CLEAR], 4, "pages revoked");
	dev_unpin(dev, id);
	munmap(map, 4 * PAGE);
	close(fd);
	close(dev);
	note("truncate, hung revoke: ok");
}

/* pf pin truncate FILE: 1,024 pinned pages of a DAX file */
PIN_TEST(truncate)
{
	truncate_pinned(path, "quiet", false);
	truncate_pinned(path, "quiet", true);
	truncate_pinned(path, "atomic", false);
	truncate_pinned(path, "atomic", true);
	truncate_pinned(path, "slow", false);
	truncate_pinned(path, "refusing", true);
	truncate_hung(path);
	unlink(path);
}

#define TRACING	"/sys/kernel/tracing/"

/* How many pages were written back since the last time? */
static unsigned long written_back(void)
{
	FILE *f = fopen(TRACING "trace", "r");
	unsigned long n = 0;
	char line[512];

	CHECK(f, "trace");
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, "dax_writeback_one:");
	fclose(f);
	/* Empties the buffer. */
	close(xopen(TRACING "trace", O_WRONLY | O_TRUNC));
	return n;
}

/*
 * pf pin fsync FILE: what a device writes to a file after an fsync is covered by
 * the next one
 */
PIN_TEST(fsync)
{
	int dev = dev_open("fsync", "quiet", PIN_DEVICE_IO, 0);
	int fd = xcreate(path, 16 * PAGE);
	char *map = map_shared(fd, 16 * PAGE);
	uint32_t id;

	paint(map, 16 * PAGE, 8);
	id = dev_pin(dev, map, 16 * PAGE);
	dev_run(dev, true);
	dev_round(dev, id);
	write_file(TRACING "events/fs_dax/dax_writeback_one/enable", "1");
	written_back();
	CHECK(!fsync(fd), "first fsync");
	CHECK(written_back() > 0, "nothing was written back by fsync");
	CHECK(dev_report(dev, id).calls[PF_FLUSH], "no flush");
	CHECK_EQ(dev_report(dev, id).present, 16, "pages after fsync");
	CHECK_EQ(dev_report(dev, id).calls[PF_REVOKE], 0, "revoked by fsync");
	dev_round(dev, id);
	dev_run(dev, false);
	CHECK_EQ(dev_ioctl(dev, PF_DIRTY, (void *)(uintptr_t)id), 0, "dirty");
	CHECK(!fsync(fd), "second fsync");
	CHECK(written_back() > 0, "what the device wrote is not written back");
	/* Without a word from the device it happens a little later. */
	WAIT_FOR(!fsync(fd) && written_back() > 0, "dirty by itself");
	write_file(TRACING "events/fs_dax/dax_writeback_one/enable", "0");
	dev_check(dev, id, 16, "after fsync");
	check_slots(dev, id, map, 16 * PAGE, 0, "after fsync");
	check_paint(map, 16 * PAGE, 8, "after fsync");
	dev_unpin(dev, id);
	/* Not pinned any more: clean means clean. */
	fsync(fd);
	sleep(1);
	written_back();
	fsync(fd);
	CHECK_EQ(written_back(), 0, "written back without a writer");
	munmap(map, 16 * PAGE);
	close(fd);
	close(dev);
	unlink(path);
}
