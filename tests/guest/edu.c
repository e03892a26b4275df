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
/* Where moves are counted: the more pages, the more of them move while it is at one. */
#define MANY		32UL
#define MANY_LEN	(2 * MANY * PAGE)

struct stream {
	int disk;
	int edu;
	int file;
	int buf;	/* a dma-buf, or -1 */
	char *map;
	size_t len;
	uint64_t seed;
	uint64_t first;	/* copy of a page that is all of the last new contents */
	uint64_t done;	/* copies that @has knows */
	uint64_t has[MANY];	/* seed of each page of the second half */
};

/* Of a page that is not known, and of one that was not written yet. */
#define ANYTHING	0
#define NOTHING		1

static struct pf_edu_report report(int edu)
{
	struct pf_edu_report r;

	CHECK(!ioctl(edu, PF_EDU_REPORT, &r), "PF_EDU_REPORT");
	return r;
}

/* Does a page keep its DMA address when it moves? Not that of a dma-buf. */
static bool stable(void)
{
	int fd = xopen("/sys/module/edu/parameters/stable", O_RDONLY);
	char c = 0;

	xread(fd, &c, 1, 0);
	close(fd);
	return c == 'Y';
}

static int export(void *map, size_t len)
{
	struct pinfold_dmabuf_export arg = {
		.addr = (uintptr_t)map,
		.length = len,
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
		.length = s->len,
	};

	s->buf = -1;
	if (!strcmp(how, "dmabuf"))
		s->buf = export(s->map, s->len);
	arg.fd = s->buf;
	return ioctl(s->edu, PF_EDU_START, &arg) ? -errno : 0;
}

static void new_contents(struct stream *s)
{
	fill(s->map, s->len / 2, ++s->seed, 0);
	/* One more transfer may be at work, and the copy is two. */
	s->first = report(s->edu).transfers / 2 + 1;
}

static void stream_start(struct stream *s, const char *how, const char *path,
			 size_t len)
{
	char disk[64];
	size_t i;

	snprintf(disk, sizeof(disk), "/dev/%s", getenv("PF_DISK") ?: "pmem0");
	s->disk = xopen(disk, O_RDONLY);
	s->edu = xopen(getenv("PF_EDU") ?: "/dev/edu0", O_RDWR | O_CLOEXEC);
	s->len = len;
	s->file = xcreate(path, len);
	s->map = map_shared(s->file, len);
	s->seed = 100;
	memset(s->map + len / 2, 0xee, len / 2);
	fill(s->map, len / 2, s->seed, 0);
	for (i = 0; i < MANY; i++)
		s->has[i] = NOTHING;
	s->first = 0;
	s->done = 0;
	CHECK_EQ(start(s, how), 0, "PF_EDU_START");
}

static void stream_end(struct stream *s)
{
	CHECK(!ioctl(s->edu, PF_EDU_STOP), "PF_EDU_STOP");
	if (s->buf >= 0)
		close(s->buf);
	munmap(s->map, s->len);
	close(s->edu);
	close(s->file);
	close(s->disk);
}

static void verify_copy(const char *page, uint64_t i, uint64_t seed)
{
	size_t written = seed == NOTHING ? 0 : PF_EDU_BYTES;

	verify(page, written, seed, i * PAGE, "what it wrote");
	for (; written < PAGE; written++)
		CHECK_EQ((uint8_t)page[written], 0xee, "what it did not write");
}

/*
 * Every byte that the device is not at: the contents, copies of them, and where none has
 * been made.
 */
static void verify_stream(struct stream *s)
{
	const uint64_t half = s->len / PAGE / 2;
	uint64_t i, end = report(s->edu).transfers / 2;
	char page[PAGE];

	CHECK_EQ(report(s->edu).error, 0, "stream");
	verify(s->map, s->len / 2, s->seed, 0, "what the device reads");
	for (; s->done < end; s->done++)
		s->has[s->done % half] = s->done < s->first ? ANYTHING :
							      s->seed;
	for (i = 0; i < half; i++) {
		uint64_t at = (i + half - end % half) % half;

		if (s->has[i] == ANYTHING)
			continue;
		memcpy(page, s->map + s->len / 2 + i * PAGE, PAGE);
		/* Was it the page's turn meanwhile? */
		if (end + at > report(s->edu).transfers / 2)
			verify_copy(page, i, s->has[i]);
	}
}

/* Pages move while they are copied, until it was so many. Return: how many. */
static unsigned long stream_on(struct stream *s, unsigned long nr,
			       unsigned long *calls)
{
	const unsigned long pages = s->len / PAGE;
	struct move_result r = { };
	uint64_t enough;

	new_contents(s);
	enough = s->first + 4;
	do {
		CHECK_EQ(move_range(s->disk, *calls % 2 ?
				    PINFOLD_MOVE_RESTORE :
				    PINFOLD_MOVE_RELOCATE,
				    extent_of(s->file, 0), pages * PAGE, &r),
			 0, "PINFOLD_IOC_MOVE");
		CHECK_EQ(r.failed, 0, "pages in use");
		++*calls;
		verify_stream(s);
	} while (r.moved < nr || s->done < enough);
	return r.moved;
}

/* The chunk of the media that the pages are in is emptied, and filled again. */
static void evacuate_chunk(struct stream *s)
{
	uint64_t at = extent_of(s->file, 0) & ~(uint64_t)(CHUNK - 1);
	struct move_result r = { };
	uint64_t stopped;

	/* The last of many moves may have left the pages elsewhere. */
	CHECK_EQ(move_range(s->disk, PINFOLD_MOVE_RESTORE,
			    extent_of(s->file, 0), s->len, &r), 0, "restore");
	verify_stream(s);
	stopped = report(s->edu).stopped;
	memset(&r, 0, sizeof(r));
	CHECK_EQ(move_range(s->disk, PINFOLD_MOVE_EVACUATE, at, CHUNK, &r), 0,
		 "evacuate");
	CHECK(r.moved, "the chunk was empty");
	CHECK(report(s->edu).stopped > stopped, "the device was not stopped");
	verify_stream(s);
	CHECK_EQ(move_range(s->disk, PINFOLD_MOVE_RESTORE, at, CHUNK, &r), 0,
		 "restore");
	verify_stream(s);
}

/*
 * pf edu stream|evacuate HOW FILE: pages move while they are copied; everything is
 * verified
 */
static void edu_stream(const char *how, const char *path, bool alone)
{
	unsigned long moved = 0, calls = 0, rounds = 2 * scale(), i;
	struct pf_edu_report r;
	struct stream s;
	char *back = xalloc(MANY_LEN);

	stream_start(&s, how, path, MANY_LEN);
	CHECK_EQ(extent_of(s.file, 2 * MANY - 1),
		 extent_of(s.file, 0) + MANY_LEN - PAGE, "extents");
	for (i = 0; i < rounds; i++) {
		moved += stream_on(&s, 8 * 2 * MANY, &calls);
		if (i % 2)
			CHECK(!fsync(s.file), "fsync");
	}
	r = report(s.edu);
	if (alone)
		evacuate_chunk(&s);
	CHECK(!ioctl(s.edu, PF_EDU_STOP), "PF_EDU_STOP");
	memcpy(back, s.map, MANY_LEN);
	stream_end(&s);
	CHECK(r.stopped >= calls, "%lu moves, but only %llu met the device", calls,
	      (unsigned long long)r.stopped);
	s.file = xopen(path, O_RDONLY);
	s.map = xalloc(MANY_LEN);
	xread(s.file, s.map, MANY_LEN, 0);
	CHECK(!memcmp(back, s.map, MANY_LEN), "read differs from the mapping");
	close(s.file);
	note("tried %lu moves under DMA", moved);
	note("edu, %s: %lu moves, which stopped it %llu times, %llu transfers of a page verified",
	     how, moved, (unsigned long long)r.stopped,
	     (unsigned long long)r.transfers);
}

/*
 * pf edu address HOW FILE: the device comes to every page between one move and the next;
 * does the page have the address that it had?
 */
static void edu_address(const char *how, const char *path)
{
	struct move_result r = { };
	struct stream s;
	uint64_t end, changed;
	int i;

	stream_start(&s, how, path, LEN);
	for (i = 0; i < 4; i++) {
		/* All of a round that began after the move */
		end = report(s.edu).rounds + 2;
		WAIT_FOR(report(s.edu).rounds >= end || report(s.edu).error,
			 "two rounds");
		verify_stream(&s);
		CHECK_EQ(move_range(s.disk, i % 2 ? PINFOLD_MOVE_RESTORE :
				    PINFOLD_MOVE_RELOCATE,
				    extent_of(s.file, 0), LEN, &r), 0, "move");
		new_contents(&s);
	}
	CHECK_EQ(r.moved, 4 * PAGES, "moves");
	changed = report(s.edu).readdressed;
	if (stable())
		CHECK_EQ(changed, 0, "new addresses");
	else
		CHECK(changed >= 2 * PAGES, "%llu new addresses",
		      (unsigned long long)changed);
	stream_end(&s);
	note("edu, %s: %llu new addresses by %lu moves", how,
	     (unsigned long long)changed, r.moved);
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

	stream_start(&s, how, path, LEN);
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
		stream_start(&s, how, path, LEN);
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

	stream_start(&s, how, path, LEN);
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

	stream_start(&s, how, path, LEN);
	do {
		usleep(10000);
		r = report(s.edu);
	} while (!r.error && !r.rounds);
	CHECK_EQ(r.error, -EREMOTEIO, "a copy of the memory");
	stream_end(&s);
}

/* pf edu unstable HOW FILE: addresses cannot stay, as there is no IOMMU */
static void edu_unstable(void)
{
	struct stream s = {
		.edu = xopen(getenv("PF_EDU") ?: "/dev/edu0", O_RDWR),
		.map = xmmap(LEN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		.len = LEN,
	};

	CHECK_EQ(start(&s, "pin"), -EOPNOTSUPP, "addresses that stay");
	close(s.edu);
}

/* pf edu bad HOW FILE */
static void edu_bad(const char *how, const char *path)
{
	struct stream s;

	stream_start(&s, how, path, LEN);
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
		edu_stream(argv[1], argv[2], false);
	} else if (!strcmp(argv[0], "evacuate")) {
		edu_stream(argv[1], argv[2], true);
	} else if (!strcmp(argv[0], "address")) {
		edu_address(argv[1], argv[2]);
	} else if (!strcmp(argv[0], "taken")) {
		taken(argv[1], argv[2], false);
		taken(argv[1], argv[2], true);
		killed(argv[1], argv[2]);
	} else if (!strcmp(argv[0], "hold")) {
		edu_hold(argv[1], argv[2]);
		return 0;
	} else if (!strcmp(argv[0], "far")) {
		edu_far(argv[1], argv[2]);
	} else if (!strcmp(argv[0], "unstable")) {
		edu_unstable();
	} else if (!strcmp(argv[0], "bad")) {
		edu_bad(argv[1], argv[2]);
	} else {
		die("no test called %s", argv[0]);
	}
	unlink(argv[2]);
	note("edu %s %s: ok", argv[0], argv[1]);
	return 0;
}
