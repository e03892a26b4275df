// SPDX-License-Identifier: GPL-2.0
/* A PCI device that keeps DMA running on a DAX file, in both directions. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pinfold.h>
#include <linux/pinfold_dmabuf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../modules/pf_edu.h"
#include "move.h"
#include "pin.h"

/* A page takes the device 200 ms: 100 to read, 100 to write. */
#define HALF	4UL
#define PAGES	(2 * HALF)
#define LEN	(PAGES * PAGE)

struct stream {
	int disk;
	int edu;
	int file;
	int buf;	/* a dma-buf, or -1 */
	char *map;
	uint64_t seed;
};

static struct pf_edu_report report(int edu)
{
	struct pf_edu_report r;

	CHECK(!ioctl(edu, PF_EDU_REPORT, &r), "PF_EDU_REPORT");
	return r;
}

static int export(void *map)
{
	struct pinfold_dmabuf_export arg = {
		.addr = (uintptr_t)map,
		.length = LEN,
		.flags = PINFOLD_DMABUF_WRITE,
	};
	int dev = xopen(PINFOLD_DMABUF_DEV, O_RDWR);
	int fd = ioctl(dev, PINFOLD_DMABUF_EXPORT, &arg);

	CHECK(fd >= 0, "export");
	close(dev);
	return fd;
}

static int start(struct stream *s, const char *how)
{
	struct pf_edu_start arg = {
		.addr = (uintptr_t)s->map,
		.length = LEN,
	};

	s->buf = -1;
	if (!strcmp(how, "dmabuf"))
		s->buf = export(s->map);
	arg.fd = s->buf;
	return ioctl(s->edu, PF_EDU_START, &arg) ? -errno : 0;
}

static void new_contents(struct stream *s)
{
	fill(s->map, LEN / 2, ++s->seed, 0);
}

static void stream_start(struct stream *s, const char *how, const char *path)
{
	char disk[64];

	snprintf(disk, sizeof(disk), "/dev/%s", getenv("PF_DISK") ?: "pmem0");
	s->disk = xopen(disk, O_RDONLY);
	s->edu = xopen(getenv("PF_EDU") ?: "/dev/edu0", O_RDWR | O_CLOEXEC);
	s->file = xcreate(path, LEN);
	s->map = map_shared(s->file, LEN);
	s->seed = 100;
	memset(s->map + LEN / 2, 0xee, LEN / 2);
	new_contents(s);
	CHECK_EQ(start(s, how), 0, "PF_EDU_START");
}

static void stream_end(struct stream *s)
{
	CHECK(!ioctl(s->edu, PF_EDU_STOP), "PF_EDU_STOP");
	if (s->buf >= 0)
		close(s->buf);
	munmap(s->map, LEN);
	close(s->edu);
	close(s->file);
	close(s->disk);
}

static bool a_round_later(struct stream *s, uint64_t than)
{
	struct pf_edu_report r = report(s->edu);

	CHECK_EQ(r.error, 0, "stream");
	/* One had begun before. */
	return r.rounds >= than + 2;
}

/* Move pages of the file, one at a time. Return: how many. */
static unsigned long move_some(struct stream *s, unsigned long nr)
{
	static unsigned long at;
	struct move_result r = { };

	for (; nr--; at++)
		CHECK_EQ(move_range(s->disk, at / PAGES % 2 ?
				    PINFOLD_MOVE_RESTORE :
				    PINFOLD_MOVE_RELOCATE,
				    extent_of(s->file, at % PAGES), PAGE, &r),
			 0, "PINFOLD_IOC_MOVE");
	CHECK_EQ(r.failed, 0, "pages in use");
	return r.moved;
}

/* The second half of the file is a copy, as far as the device reaches in each page. */
static void verify_copy(const char *half, uint64_t seed, const char *what)
{
	uint64_t i;

	for (i = 0; i < HALF; i++) {
		const char *page = half + i * PAGE;
		size_t rest;

		verify(page, PF_EDU_BYTES, seed, i * PAGE, what);
		for (rest = PF_EDU_BYTES; rest < PAGE; rest++)
			CHECK_EQ((uint8_t)page[rest], 0xee, "the rest of a page");
	}
}

/* pf edu stream HOW FILE: pages move while they are copied; everything is verified */
static void edu_stream(const char *how, const char *path)
{
	unsigned long moved = 0, rounds = 3 * scale(), i, n = 0;
	struct pf_edu_report r;
	struct stream s;
	char *back = xalloc(LEN);

	stream_start(&s, how, path);
	for (i = 0; i < rounds; i++) {
		uint64_t since;

		new_contents(&s);
		since = report(s.edu).rounds;
		do {
			moved += move_some(&s, PAGES);
			n++;
		} while (!a_round_later(&s, since));
		verify(s.map, LEN / 2, s.seed, 0, "what the device read");
		verify_copy(s.map + LEN / 2, s.seed, "what it wrote");
		if (i % 2)
			CHECK(!fsync(s.file), "fsync");
	}
	r = report(s.edu);
	stream_end(&s);
	CHECK(moved > n, "%lu moves", moved);
	CHECK(r.stopped, "no move met the device");
	s.file = xopen(path, O_RDONLY);
	xread(s.file, back, LEN, 0);
	verify(back, LEN / 2, s.seed, 0, "first half by read");
	verify_copy(back + LEN / 2, s.seed, "second half by read");
	close(s.file);
	note("tried %lu moves", moved);
	note("edu, %s: %lu moves, %llu transfers of a page verified, %llu moves stopped it",
	     how, moved, (unsigned long long)r.transfers,
	     (unsigned long long)r.stopped);
}

/* What was freed belongs to another file, in whose pages no device writes. */
static void canary(const char *path)
{
	char other[4096];
	int fd, round;

	snprintf(other, sizeof(other), "%s.canary", path);
	fd = xcreate(other, 4 * LEN);
	write_pattern(fd, 4 * LEN, 5);
	/* A transfer that was under way would have arrived. */
	for (round = 0; round < 3; round++) {
		usleep(100000);
		verify_file(fd, 4 * LEN, 5, "canary");
	}
	close(fd);
	unlink(other);
}

static void taken(const char *how, const char *path, bool punch)
{
	struct stream s;

	stream_start(&s, how, path);
	WAIT_FOR(report(s.edu).rounds, "first round");
	if (punch)
		CHECK(!fallocate(s.file, FALLOC_FL_PUNCH_HOLE |
				 FALLOC_FL_KEEP_SIZE, 0, LEN), "punch");
	else
		CHECK(!ftruncate(s.file, 0), "truncate");
	canary(path);
	WAIT_FOR(report(s.edu).dead, "end of the stream");
	CHECK_EQ(report(s.edu).error, -ENXIO, "why it ended");
	stream_end(&s);
	note("edu, %s, %s: ok", how, punch ? "punch" : "truncate");
}

/* The file is unlinked, and its process killed. */
static void killed(const char *how, const char *path)
{
	struct stream s;
	int ready[2], edu;
	char c = 0;
	pid_t pid;

	CHECK(!pipe(ready), "pipe");
	edu = xopen(getenv("PF_EDU") ?: "/dev/edu0", O_RDWR);
	pid = xfork();
	if (!pid) {
		stream_start(&s, how, path);
		WAIT_FOR(report(s.edu).rounds, "first round");
		unlink(path);
		CHECK_EQ(write(ready[1], &c, 1), 1, "ready");
		pause();
		_exit(1);
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &c, 1), 1, "a child that streams");
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid, "wait");
	canary(path);
	close(ready[0]);
	close(edu);
	note("edu, %s, unlinked and killed: ok", how);
}

/*
 * pf edu hold HOW FILE: stream until the pages are taken away or the device is gone,
 * whoever does that
 */
static void edu_hold(const char *how, const char *path)
{
	struct pf_edu_report r = { };
	struct stream s;

	stream_start(&s, how, path);
	WAIT_FOR(report(s.edu).rounds, "first round");
	say_ready();
	while (!ioctl(s.edu, PF_EDU_REPORT, &r) && !r.error)
		usleep(10000);
	CHECK(r.dead || errno == ENODEV, "end of the stream: %d", r.error);
	note("edu, %s: %s", how, r.dead ? "taken away" : "unbound");
}

/* pf edu far HOW FILE: the device does not reach the memory, as one that imports */
static void edu_far(const char *how, const char *path)
{
	struct pf_edu_report r;
	struct stream s;

	stream_start(&s, how, path);
	do {
		usleep(10000);
		r = report(s.edu);
	} while (!r.error && !r.rounds);
	CHECK_EQ(r.error, -EREMOTEIO, "a copy of the memory");
	stream_end(&s);
}

/* pf edu bad HOW FILE */
static void edu_bad(const char *how, const char *path)
{
	struct stream s;

	stream_start(&s, how, path);
	CHECK_EQ(start(&s, "pin"), -EBUSY, "a second stream");
	stream_end(&s);
	s.edu = xopen(getenv("PF_EDU") ?: "/dev/edu0", O_RDWR);
	s.map = xmmap(LEN, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(start(&s, "pin"), -EFAULT, "memory that it cannot write to");
	s.map++;
	CHECK_EQ(start(&s, "pin"), -EINVAL, "unaligned");
	CHECK_EQ(ioctl(s.edu, PF_EDU_REPORT, &s), -1, "no stream");
	CHECK_EQ(errno, ENOENT, "no stream");
	close(s.edu);
}

/* pf edu TEST HOW FILE: HOW is pin or dmabuf; on $PF_DISK, with spare pages */
COMMAND(edu)
{
	if (!strcmp(argv[0], "stream")) {
		edu_stream(argv[1], argv[2]);
	} else if (!strcmp(argv[0], "taken")) {
		taken(argv[1], argv[2], false);
		taken(argv[1], argv[2], true);
		killed(argv[1], argv[2]);
	} else if (!strcmp(argv[0], "hold")) {
		edu_hold(argv[1], argv[2]);
		return 0;
	} else if (!strcmp(argv[0], "far")) {
		edu_far(argv[1], argv[2]);
	} else if (!strcmp(argv[0], "bad")) {
		edu_bad(argv[1], argv[2]);
	} else {
		die("no test called %s", argv[0]);
	}
	unlink(argv[2]);
	note("edu %s %s: ok", argv[0], argv[1]);
	return 0;
}
