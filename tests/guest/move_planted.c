// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody is inside of a DAX operation for as long as the test wants: the page of
 * memory that his read fills, or that his write takes its data from, is one that
 * userfaultfd provides. Meanwhile the file's page is to move.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/pinfold.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "move.h"
#include "pf.h"

#define NR_PAGES	16
/* The page of the file that everybody wants. */
#define TARGET		5
#define AT		((off_t)(TARGET * PAGE))

/**
 * struct sleeper - a thread whose read or write waits in the middle
 * @thread: it
 * @fd: the file
 * @at: offset of the page
 * @write: it writes
 * @uffd: what it waits for
 * @page: its memory
 * @got: what the call returned
 */
struct sleeper {
	pthread_t thread;
	int fd;
	off_t at;
	bool write;
	int uffd;
	char *page;
	long got;
};

/**
 * struct mover - a thread that moves the page
 * @thread: it
 * @disk: where
 * @offset: of the page
 * @op: to or from the spare area
 * @result: what became of it
 * @err: errno or 0
 */
struct mover {
	pthread_t thread;
	int disk;
	uint64_t offset;
	int op;
	struct move_result result;
	int err;
};

static void *sleep_in_io(void *p)
{
	struct sleeper *s = p;

	s->got = s->write ? pwrite(s->fd, s->page, PAGE, s->at) :
			    pread(s->fd, s->page, PAGE, s->at);
	return NULL;
}

/* On return it is inside: its fault has been reported. */
static void sleeper_start(struct sleeper *s, int fd, off_t at, bool write)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct pollfd poll_fd;
	struct uffd_msg msg;

	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->at = at;
	s->write = write;
	s->page = xmmap(PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	CHECK(s->uffd >= 0, "userfaultfd");
	CHECK(!ioctl(s->uffd, UFFDIO_API, &api), "UFFDIO_API");
	reg.range.start = (unsigned long)s->page;
	reg.range.len = PAGE;
	CHECK(!ioctl(s->uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER");
	CHECK(!pthread_create(&s->thread, NULL, sleep_in_io, s), "thread");
	poll_fd = (struct pollfd){ .fd = s->uffd, .events = POLLIN };
	CHECK_EQ(poll(&poll_fd, 1, 60000), 1, "the fault");
	CHECK_EQ(read(s->uffd, &msg, sizeof(msg)), (long)sizeof(msg), "uffd");
	CHECK_EQ(msg.event, UFFD_EVENT_PAGEFAULT, "event");
}

/* Let it go on, with @data in its page. */
static void sleeper_wake(struct sleeper *s, const char *data)
{
	struct uffdio_copy copy = {
		.dst = (unsigned long)s->page,
		.src = (unsigned long)data,
		.len = PAGE,
	};

	CHECK(!ioctl(s->uffd, UFFDIO_COPY, &copy), "UFFDIO_COPY");
	CHECK(!pthread_join(s->thread, NULL), "join");
	CHECK_EQ(s->got, (long)PAGE, s->write ? "planted write" : "planted read");
	close(s->uffd);
}

static void *move_page(void *p)
{
	struct mover *m = p;

	m->err = move_range(m->disk, m->op, m->offset, PAGE, &m->result);
	return NULL;
}

static void mover_start(struct mover *m, int op)
{
	memset(&m->result, 0, sizeof(m->result));
	m->op = op;
	CHECK(!pthread_create(&m->thread, NULL, move_page, m), "thread");
}

static void mover_end(struct mover *m)
{
	CHECK(!pthread_join(m->thread, NULL), "join");
}

static unsigned long counter(const char *disk, const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s/pinfold_media/%s",
		 strrchr(disk, '/') + 1, name);
	fd = xopen(path, O_RDONLY);
	CHECK(read(fd, text, sizeof(text) - 1) > 0, "%s", name);
	close(fd);
	return strtoul(text, NULL, 10);
}

static unsigned long cancelled(const char *disk)
{
	return counter(disk, "moves_cancelled");
}

static void read_page(int fd, uint64_t seed)
{
	char *buf = xalloc(PAGE);

	CHECK_EQ(pread(fd, buf, PAGE, AT), (long)PAGE, "pread");
	verify(buf, PAGE, seed, AT, "the page");
	munmap(buf, PAGE);
}

/*
 * A reader is inside when the mover comes, which waits for it; another one comes
 * after that, and is not kept waiting: it cancels the move. Which is tried again, and
 * succeeds when the first reader is gone.
 */
static void planted_reader(const char *disk, int fd, struct mover *m,
			   uint64_t seed)
{
	unsigned long before = cancelled(disk);
	char *zero = xalloc(PAGE);
	struct sleeper s;
	int tries = 0;

	sleeper_start(&s, fd, AT, false);
	mover_start(m, PINFOLD_MOVE_RELOCATE);
	while (cancelled(disk) == before && ++tries < 4000) {
		read_page(fd, seed);
		usleep(1000);
	}
	/* Nobody cancels it any more: what it waits for is the first one. */
	for (tries = 0; tries < 100; tries++) {
		usleep(5000);
		CHECK_EQ(pthread_tryjoin_np(m->thread, NULL), EBUSY,
			 "move with a reader inside: has it ended?");
	}
	memset(zero, 0, PAGE);
	sleeper_wake(&s, zero);
	verify(s.page, PAGE, seed, AT, "planted read");
	mover_end(m);
	CHECK(cancelled(disk) > before,
	      "a reader did not cancel the move: it ended with %d, %lu moved, %lu failed, %s",
	      m->err, m->result.moved, m->result.failed, m->result.blocker);
	CHECK_EQ(m->err, 0, "move with a reader inside");
	CHECK_EQ(m->result.moved, 1, "pages moved");
	note("planted reader: cancelled %lu", cancelled(disk) - before);
}

/*
 * A writer stays inside for longer than a mover waits. The move fails, and so does
 * the next one, at once; what was to be written is there in the end, wherever.
 */
static void planted_writer(int fd, struct mover *m, uint64_t seed)
{
	char *data = xalloc(PAGE);
	struct sleeper s;

	fill(data, PAGE, seed, AT);
	sleeper_start(&s, fd, AT, true);
	mover_start(m, PINFOLD_MOVE_RESTORE);
	mover_end(m);
	CHECK_EQ(m->err, ETIMEDOUT, "move with a writer inside");
	CHECK_EQ(m->result.moved, 0, "pages moved");
	sleeper_wake(&s, data);
	read_page(fd, seed);
	/* The wait that was given up may end a little later. */
	do {
		usleep(10000);
		mover_start(m, PINFOLD_MOVE_RESTORE);
		mover_end(m);
	} while (m->err == ETIMEDOUT && m->result.calls < 1000);
	CHECK_EQ(m->err, 0, "move after the writer left");
	CHECK_EQ(m->result.moved, 1, "pages moved");
	read_page(fd, seed);
	note("planted writer: the move timed out, then succeeded");
}

static volatile bool stop;

/**
 * struct writer - a thread that writes the page of the disk all the time
 * @thread: it
 * @disk: opened with O_DIRECT
 * @offset: of the page
 * @data: what it writes
 * @writes: how often it did
 */
struct writer {
	pthread_t thread;
	int disk;
	uint64_t offset;
	char *data;
	unsigned long writes;
};

static void *write_disk(void *p)
{
	struct writer *w = p;

	for (; !stop; w->writes++)
		CHECK_EQ(pwrite(w->disk, w->data, PAGE, w->offset), (long)PAGE,
			 "write of the disk");
	return NULL;
}

/*
 * Bios write the page without a pause, as to a journal. It moves all the same, and
 * the last write is there.
 */
static void hot_page(const char *disk, int fd, struct mover *m, uint64_t seed)
{
	struct writer w = {
		.disk = xopen(disk, O_RDWR | O_DIRECT), .offset = m->offset,
	};
	unsigned long held = counter(disk, "moves_held");
	int i;

	CHECK(!posix_memalign((void **)&w.data, PAGE, PAGE), "posix_memalign");
	fill(w.data, PAGE, seed, AT);
	CHECK(!pthread_create(&w.thread, NULL, write_disk, &w), "thread");
	for (i = 0; i < 20; i++) {
		mover_start(m, i & 1 ? PINFOLD_MOVE_RESTORE :
				       PINFOLD_MOVE_RELOCATE);
		mover_end(m);
		CHECK_EQ(m->err, 0, "move of a page that is written");
		CHECK_EQ(m->result.moved, 1, "pages moved");
	}
	stop = true;
	pthread_join(w.thread, NULL);
	stop = false;
	CHECK(counter(disk, "moves_held") - held < 10,
	      "a file was held back because of bios");
	fill(w.data, PAGE, seed + 1, AT);
	CHECK_EQ(pwrite(w.disk, w.data, PAGE, w.offset), (long)PAGE, "last write");
	read_page(fd, seed + 1);
	close(w.disk);
	note("hot page: moved %d times under %lu writes", i, w.writes);
}

#define CATCH	"/sys/module/pf_holdbio/parameters/catch"

static bool not_caught(void)
{
	int fd = xopen(CATCH, O_RDONLY);
	char text[4] = "";

	CHECK(read(fd, text, sizeof(text) - 1) > 0, "%s", CATCH);
	close(fd);
	return text[0] == '1';
}

static void *write_until_caught(void *p)
{
	struct writer *w = p;
	int fd = xopen(CATCH, O_WRONLY);

	CHECK_EQ(write(fd, "1", 1), 1, CATCH);
	close(fd);
	do {
		fill(w->data, PAGE, ++w->writes, AT);
		CHECK_EQ(pwrite(w->disk, w->data, PAGE, w->offset), (long)PAGE,
			 "write of the disk");
	} while (not_caught() && !stop);
	return NULL;
}

static void on_cpu(pthread_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(!pthread_setaffinity_np(thread, sizeof(set), &set), "affinity");
}

/*
 * A bio that does not cancel the move has found the page's place, and has not written
 * it yet, when the mover comes to copy it (pf_holdbio.ko). What it writes moves along.
 */
static void caught_bio(const char *disk, int fd, struct mover *m)
{
	struct writer w = {
		.disk = xopen(disk, O_RDWR | O_DIRECT), .offset = m->offset,
	};

	CHECK(!posix_memalign((void **)&w.data, PAGE, PAGE), "posix_memalign");
	CHECK(!pthread_create(&w.thread, NULL, write_until_caught, &w), "thread");
	while (!not_caught())
		usleep(1000);
	/* Each of them may spin, waiting for the other one. */
	on_cpu(w.thread, 0);
	mover_start(m, PINFOLD_MOVE_RELOCATE);
	on_cpu(m->thread, 1);
	mover_end(m);
	stop = true;
	pthread_join(w.thread, NULL);
	stop = false;
	CHECK_EQ(m->err, 0, "move of a page that is being written");
	CHECK_EQ(m->result.moved, 1, "pages moved");
	CHECK(!not_caught(), "no bio was in its copy");
	read_page(fd, w.writes);
	close(w.disk);
	note("caught bio: the last of %lu writes moved along", w.writes);
}

/* More than there are processors, so that somebody is always inside. */
#define NR_HOT	6

/**
 * struct hot - threads that read a file all the time, and one that writes
 * @fd: the file
 * @seed: what it contains; from page WRITTEN on, what the writer makes it contain
 * @reads: how often it was read
 * @writes: how often it was written, and read back
 * @threads: the readers, and the writer
 * @nr: their number
 */
struct hot {
	int fd;
	uint64_t seed;
	unsigned long reads;
	unsigned long writes;
	pthread_t threads[NR_HOT + 1];
	int nr;
};

#define WRITTEN	(NR_PAGES - 1)

static void *hot_reader(void *p)
{
	const size_t len = WRITTEN * PAGE;
	struct hot *h = p;
	char *buf = xalloc(len);
	unsigned long i;

	for (i = 1; !stop; i++) {
		CHECK_EQ(pread(h->fd, buf, len, 0), (long)len, "pread");
		/* Now and then: it is the kernel that is to be busy. */
		if (i % 64 == 0)
			verify(buf, len, h->seed, 0, "hot file");
		__atomic_add_fetch(&h->reads, 1, __ATOMIC_RELAXED);
	}
	munmap(buf, len);
	return NULL;
}

static void *hot_writer(void *p)
{
	const off_t at = WRITTEN * PAGE;
	struct hot *h = p;
	char *buf = xalloc(PAGE), *back = xalloc(PAGE);

	while (!stop) {
		fill(buf, PAGE, ++h->writes, at);
		CHECK_EQ(pwrite(h->fd, buf, PAGE, at), (long)PAGE, "pwrite");
		CHECK_EQ(pread(h->fd, back, PAGE, at), (long)PAGE, "pread");
		verify(back, PAGE, h->writes, at, "what was just written");
	}
	munmap(buf, PAGE);
	munmap(back, PAGE);
	return NULL;
}

static void hot_start(struct hot *h, int fd, uint64_t seed, bool writes)
{
	memset(h, 0, sizeof(*h));
	h->fd = fd;
	h->seed = seed;
	for (h->nr = 0; h->nr < NR_HOT; h->nr++)
		CHECK(!pthread_create(&h->threads[h->nr], NULL, hot_reader, h),
		      "thread");
	if (writes)
		CHECK(!pthread_create(&h->threads[h->nr++], NULL, hot_writer, h),
		      "thread");
}

static void hot_end(struct hot *h)
{
	stop = true;
	while (h->nr)
		pthread_join(h->threads[--h->nr], NULL);
	stop = false;
}

static unsigned long hot_reads(struct hot *h)
{
	return __atomic_load_n(&h->reads, __ATOMIC_RELAXED);
}

/*
 * Files that are read and written all the time, but not mapped, and then with entries:
 * all of their pages move, because their users are held back.
 */
static void hot_moves(const char *disk, int fd, struct mover *m, uint64_t seed,
		      bool writes)
{
	unsigned long held = counter(disk, "moves_held");
	uint64_t at = extent_of(fd, 0);
	struct move_result r = { };
	struct hot h;
	int i, err;

	write_pattern(fd, NR_PAGES * PAGE, seed);
	hot_start(&h, fd, seed, writes);
	/* Until somebody was in the way, which a machine that is busy may not see soon. */
	for (i = 0; i < 6 || i & 1 ||
	     (i < 60 && counter(disk, "moves_held") == held);
	     i++) {
		err = move_range(m->disk, i & 1 ? PINFOLD_MOVE_RESTORE :
				 PINFOLD_MOVE_RELOCATE, at, NR_PAGES * PAGE, &r);
		CHECK_EQ(err, 0, "move of a hot file");
	}
	hot_end(&h);
	note("hot file: %lu pages moved, %lu not (%s, %s), %lu times held, %lu reads, %lu writes",
	     r.moved, r.failed, strerror(r.error), r.blocker,
	     counter(disk, "moves_held") - held, h.reads, h.writes);
	CHECK_EQ(r.moved, (unsigned long)i * NR_PAGES,
		 "pages of a hot file that moved");
	CHECK(counter(disk, "moves_held") > held, "nobody was held back");
	note("tried %lu moves", r.moved);
}

/*
 * Its users cannot be held back: one of them is in a read of a hole for as long as we
 * like, outside of any DAX operation. The others must not suffer for it, and the move
 * ends, whether or not there was a moment in which nobody read the page.
 */
static void hot_unholdable(const char *disk, int fd, struct mover *m,
			   uint64_t seed)
{
	unsigned long held = counter(disk, "moves_held");
	struct move_result r = { };
	char *zero = xalloc(PAGE);
	unsigned long reads;
	struct sleeper s;
	struct hot h;

	CHECK(!ftruncate(fd, (NR_PAGES + 1) * PAGE), "ftruncate");
	write_pattern(fd, NR_PAGES * PAGE, seed);
	sleeper_start(&s, fd, NR_PAGES * PAGE, false);
	hot_start(&h, fd, seed, false);
	CHECK_EQ(move_range(m->disk, PINFOLD_MOVE_RELOCATE, m->offset, PAGE, &r),
		 0, "move of a page that cannot be had");
	CHECK_EQ(r.moved + r.failed, 1UL, "pages moved, or in use");
	CHECK_EQ(counter(disk, "moves_held"), held, "files held back");
	if (r.failed)
		CHECK_EQ(r.error, EBUSY, "why it did not move");
	reads = hot_reads(&h);
	while (hot_reads(&h) < reads + 100)
		usleep(1000);
	sleeper_wake(&s, zero);
	memset(&r, 0, sizeof(r));
	CHECK_EQ(move_range(m->disk, PINFOLD_MOVE_RELOCATE, m->offset, PAGE, &r),
		 0, "move of a hot page");
	CHECK_EQ(r.moved, 1, "pages moved");
	hot_end(&h);
	note("hot file: let be, and moved, in %lu reads", h.reads);
}

struct user {
	pthread_t thread;
	int fd;
	char *map;
	uint64_t seed;
	unsigned long rounds;
};

static long futex(void *word, int op, unsigned int val)
{
	const struct timespec patience = { .tv_sec = 600 };

	return syscall(SYS_futex, word, op, val,
		       op == FUTEX_WAIT ? &patience : NULL, NULL, 0);
}

/* Wakes nobody, and does not wait: whatever the kernel has to look up, it must find. */
static void *use_futex(void *p)
{
	struct user *u = p;
	unsigned int *word = (unsigned int *)(u->map + AT);

	for (; !stop; u->rounds++) {
		CHECK_EQ(futex(word, FUTEX_WAKE, 1), 0, "FUTEX_WAKE");
		CHECK(futex(word, FUTEX_WAIT, ~*word) == -1 && errno == EAGAIN,
		      "FUTEX_WAIT");
	}
	return NULL;
}

/* From one page of the file into the mapping of another one; both move. */
static void *read_into_map(void *p)
{
	struct user *u = p;

	for (; !stop; u->rounds++) {
		CHECK_EQ(pread(u->fd, u->map + AT + PAGE, PAGE, AT + 2 * PAGE),
			 (long)PAGE, "pread into the mapping");
		verify(u->map + AT + PAGE, PAGE, u->seed, AT + 2 * PAGE,
		       "read into the mapping");
	}
	return NULL;
}

/* Sleeps until it is woken, in a page that moves meanwhile. */
static void *sleep_on_futex(void *p)
{
	struct user *u = p;
	unsigned int *word = (unsigned int *)(u->map + AT + 3 * PAGE);

	u->rounds = 1;
	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
		if (futex(word, FUTEX_WAIT, 0) && errno == ETIMEDOUT)
			u->rounds = 0;
	return NULL;
}

static void user_start(struct user *u, void *(*fn)(void *))
{
	CHECK(!pthread_create(&u->thread, NULL, fn, u), "thread");
}

/* Mapped pages move there and back, with those who must not notice. */
static void mapped_users(int fd, int disk, uint64_t seed, unsigned long rounds)
{
	char *map = map_shared(fd, NR_PAGES * PAGE);
	struct user futexes = { .map = map };
	struct user reader = { .fd = fd, .map = map, .seed = seed };
	struct user sleeper = { .map = map };
	uint64_t at = extent_of(fd, TARGET);
	struct move_result r = { };
	unsigned int *word = (unsigned int *)(map + AT + 3 * PAGE);
	unsigned long i;
	int err;

	*word = 0;
	user_start(&sleeper, sleep_on_futex);
	user_start(&futexes, use_futex);
	user_start(&reader, read_into_map);
	for (i = 0; i < rounds; i++) {
		err = move_range(disk, i & 1 ? PINFOLD_MOVE_RESTORE :
				 PINFOLD_MOVE_RELOCATE, at, 4 * PAGE, &r);
		if (err && err != ENOSPC)
			die("moving: %s", strerror(err));
	}
	stop = true;
	pthread_join(futexes.thread, NULL);
	pthread_join(reader.thread, NULL);
	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	CHECK_EQ(futex(word, FUTEX_WAKE, 1), 1, "waiters woken");
	pthread_join(sleeper.thread, NULL);
	CHECK(sleeper.rounds, "the waiter was not woken");
	CHECK(r.moved > rounds, "hardly anything moved");
	CHECK(futexes.rounds && reader.rounds, "nobody used it");
	note("mapped users: %lu pages moved under %lu futex calls and %lu reads",
	     r.moved, futexes.rounds, reader.rounds);
	note("tried %lu moves", r.moved);
}

/* pf moveplant FILE DEVICE ROUNDS: DAX operations that do not end, futexes, read into a mapping */
COMMAND(moveplant)
{
	int fd = xcreate(argv[0], NR_PAGES * PAGE);
	struct mover m = { .disk = xopen(argv[1], O_RDONLY) };

	write_pattern(fd, NR_PAGES * PAGE, 1);
	CHECK(!fsync(fd), "fsync");
	m.offset = extent_of(fd, TARGET);
	planted_reader(argv[1], fd, &m, 1);
	planted_writer(fd, &m, 2);
	hot_page(argv[1], fd, &m, 3);
	caught_bio(argv[1], fd, &m);
	hot_moves(argv[1], fd, &m, 5, false);
	hot_moves(argv[1], fd, &m, 6, true);
	hot_unholdable(argv[1], fd, &m, 7);
	CHECK(!ftruncate(fd, NR_PAGES * PAGE), "ftruncate");
	write_pattern(fd, NR_PAGES * PAGE, 1);
	mapped_users(fd, m.disk, 1, parse_size(argv[2]));
	return 0;
}

/* pf movehot FILE DEVICE ROUNDS: a file that is read and written all the time; others freeze it */
COMMAND(movehot)
{
	int fd = xcreate(argv[0], NR_PAGES * PAGE);
	int disk = xopen(argv[1], O_RDONLY), tries = 0;
	unsigned long rounds = parse_size(argv[2]), i = 0;
	uint64_t at;
	struct hot h;

	write_pattern(fd, NR_PAGES * PAGE, 1);
	CHECK(!fsync(fd), "fsync");
	at = extent_of(fd, 0);
	hot_start(&h, fd, 1, true);
	while (i < rounds) {
		struct move_result r = { };
		int err = move_range(disk, i & 1 ? PINFOLD_MOVE_RESTORE :
				     PINFOLD_MOVE_RELOCATE, at,
				     NR_PAGES * PAGE, &r);

		/* With it frozen, it may be in use, and the next time is another one. */
		CHECK(!err || err == EAGAIN || err == EBUSY, "move: %s",
		      strerror(err));
		CHECK(++tries < 100, "pages do not move");
		i += !err && !r.failed;
	}
	hot_end(&h);
	note("hot file: moved %lu times in %d tries, %lu reads, %lu writes", i,
	     tries, h.reads, h.writes);
	return 0;
}

/*
 * pf moveumount MOUNT FILE DEVICE: a file system is unmounted while the mover has one of
 * its inodes in hand (pf_hold.ko). It has to wait.
 */
COMMAND(moveumount)
{
	int fd = xopen(argv[1], O_RDWR);
	struct mover m = { .disk = xopen(argv[2], O_RDONLY) };
	char *map = map_shared(fd, PAGE);

	/* Its entry stays. */
	CHECK_EQ(probe_write(map, NULL), 0, "touch");
	m.offset = extent_of(fd, 0);
	munmap(map, PAGE);
	close(fd);
	hold_next("evict");
	mover_start(&m, PINFOLD_MOVE_RELOCATE);
	hold_wait("the mover has an inode");
	CHECK(!umount2(argv[0], 0), "umount");
	mover_end(&m);
	hold_end("the mover has an inode");
	CHECK_EQ(m.err, 0, "move");
	CHECK_EQ(m.result.moved, 1, "pages moved");
	note("unmounted under a move: ok");
	return 0;
}
