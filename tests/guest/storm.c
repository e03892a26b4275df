// SPDX-License-Identifier: GPL-2.0
/*
 * First touches by many threads, among everything that can happen to a file, each
 * page checked against a model. What disturbs the machine meanwhile is disturb.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pf.h"

#define PRIVATE_LEN	(64 * MIB)
#define SHARED_LEN	(32 * MIB)
#define MAX_RUN		16

/* A file, and the pages of it that belong to one thread: @first, @first + @step... */
struct area {
	char path[256];
	bool shared;
	size_t len, first, step, nr;
	int fd;
	char *map;
	uint64_t *seeds;	/* of each page's contents; 0 for zeroes */
};

struct worker {
	pthread_t thread;
	int nr;
	uint64_t state;
	struct area own, common;
	unsigned long ops, stores, sigbus, efault;
};

/* What all workers of the process share. */
static struct {
	const char *dir;
	size_t threads;
	uint64_t seed;
	time_t end;
} storm;

static __thread sigjmp_buf guard_env;
static __thread volatile sig_atomic_t guarded;
static __thread struct worker *self;

static void on_bus(int sig)
{
	if (guarded)
		siglongjmp(guard_env, 1);
	signal(sig, SIG_DFL);
}

static uint64_t pick(struct worker *w, uint64_t below)
{
	return rng(&w->state) % below;
}

static size_t offset_of(const struct area *a, size_t i)
{
	return (a->first + i * a->step) * PAGE;
}

static void verify_page(const void *buf, const struct area *a, size_t i,
			const char *how)
{
	char what[512];

	snprintf(what, sizeof(what), "%s, page %zu, %s, worker %d, seed %#llx",
		 a->path, offset_of(a, i) / PAGE, how, self->nr,
		 (unsigned long long)storm.seed);
	if (a->seeds[i])
		verify(buf, PAGE, a->seeds[i], 0, what);
	else
		verify_zero(buf, PAGE, what);
}

static void write_page(struct area *a, size_t i, uint64_t seed)
{
	char buf[PAGE] __attribute__((aligned(8)));

	fill(buf, PAGE, seed, 0);
	xwrite(a->fd, buf, PAGE, offset_of(a, i));
	a->seeds[i] = seed;
}

/*
 * SIGBUS comes where the budget is used up, and may come in the middle of a page
 * that a trim took meanwhile. write(2) needs no struct page.
 */
static void store_page(struct worker *w, struct area *a, size_t i, uint64_t seed)
{
	if (sigsetjmp(guard_env, 1)) {
		guarded = 0;
		w->sigbus++;
		write_page(a, i, seed);
		return;
	}
	guarded = 1;
	fill(a->map + offset_of(a, i), PAGE, seed, 0);
	guarded = 0;
	a->seeds[i] = seed;
	w->stores++;
}

static void check_read(struct area *a, size_t i)
{
	char buf[PAGE] __attribute__((aligned(8)));

	xread(a->fd, buf, PAGE, offset_of(a, i));
	verify_page(buf, a, i, "by read");
}

static void check_mapped(struct worker *w, struct area *a, size_t i)
{
	if (sigsetjmp(guard_env, 1)) {
		guarded = 0;
		w->sigbus++;
		check_read(a, i);
		return;
	}
	guarded = 1;
	verify_page(a->map + offset_of(a, i), a, i, "mapped");
	guarded = 0;
}

/* Blocks come with the first touch, or all at once, far apart on the media. */
static void area_create(struct worker *w, struct area *a)
{
	int flags = O_RDWR | O_CREAT | (a->shared ? 0 : O_TRUNC);

	a->fd = xopen(a->path, flags);
	CHECK(!ftruncate(a->fd, a->len), "%s", a->path);
	if (pick(w, 4))
		CHECK(!fallocate(a->fd, 0, 0, a->len), "%s", a->path);
	a->map = map_shared(a->fd, a->len);
	memset(a->seeds, 0, a->nr * sizeof(*a->seeds));
}

static void area_destroy(struct area *a)
{
	munmap(a->map, a->len);
	close(a->fd);
}

static void op_store(struct worker *w, struct area *a)
{
	size_t i = pick(w, a->nr), run = 1 + pick(w, MAX_RUN);

	for (; run && i < a->nr; run--, i++)
		store_page(w, a, i, rng(&w->state) | 1);
}

static void op_check(struct worker *w, struct area *a)
{
	size_t i = pick(w, a->nr), run = 1 + pick(w, MAX_RUN);

	for (; run && i < a->nr; run--, i++)
		check_mapped(w, a, i);
}

static void op_write(struct worker *w, struct area *a)
{
	write_page(a, pick(w, a->nr), rng(&w->state) | 1);
}

/* The kernel touches the page, for read(2); it may give up after a while. */
static void op_copy(struct worker *w, struct area *a)
{
	size_t from = pick(w, w->own.nr), to = pick(w, a->nr);
	ssize_t n = pread(w->own.fd, a->map + offset_of(a, to), PAGE,
			  offset_of(&w->own, from));

	if (n == (ssize_t)PAGE) {
		a->seeds[to] = w->own.seeds[from];
		return;
	}
	CHECK(n >= 0 || errno == EFAULT, "read into %s", a->path);
	w->efault++;
	write_page(a, to, rng(&w->state) | 1);
}

static void op_read(struct worker *w, struct area *a)
{
	check_read(a, pick(w, a->nr));
}

static void op_punch(struct worker *w, struct area *a)
{
	size_t i = pick(w, a->nr), n = a->shared ? 1 : 1 + pick(w, a->nr - i);

	CHECK(!fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 offset_of(a, i), n * PAGE), "%s", a->path);
	memset(a->seeds + i, 0, n * sizeof(*a->seeds));
}

static void op_truncate(struct worker *w, struct area *a)
{
	size_t i = pick(w, a->nr);

	if (a->shared)
		return;
	CHECK(!ftruncate(a->fd, offset_of(a, i)), "%s", a->path);
	CHECK(!ftruncate(a->fd, a->len), "%s", a->path);
	memset(a->seeds + i, 0, (a->nr - i) * sizeof(*a->seeds));
}

/* The old file lives on, unlinked, until its mapping goes. */
static void op_recreate(struct worker *w, struct area *a)
{
	if (a->shared)
		return;
	CHECK(!unlink(a->path), "%s", a->path);
	op_store(w, a);
	op_check(w, a);
	area_destroy(a);
	area_create(w, a);
}

static void op_remap(struct worker *w, struct area *a)
{
	(void)w;
	munmap(a->map, a->len);
	a->map = map_shared(a->fd, a->len);
}

static void op_sync(struct worker *w, struct area *a)
{
	if (pick(w, 2))
		CHECK(!fsync(a->fd), "fsync %s", a->path);
	else
		CHECK(!msync(a->map, a->len, MS_SYNC), "msync %s", a->path);
}

static const struct op {
	void (*run)(struct worker *w, struct area *a);
	unsigned int weight;
} ops[] = {
	{ op_store, 36 },
	{ op_copy, 4 },
	{ op_check, 20 },
	{ op_write, 10 },
	{ op_read, 10 },
	{ op_punch, 6 },
	{ op_truncate, 4 },
	{ op_recreate, 2 },
	{ op_remap, 4 },
	{ op_sync, 4 },
};

static void one_op(struct worker *w)
{
	struct area *a = pick(w, 3) ? &w->own : &w->common;
	unsigned int at = pick(w, 100);
	const struct op *op = ops;

	while (at >= op->weight)
		at -= op++->weight;
	op->run(w, a);
	w->ops++;
}

static void verify_area(struct worker *w, struct area *a)
{
	size_t i;

	for (i = 0; i < a->nr; i++) {
		if (!a->seeds[i] && pick(w, 64))
			continue;
		check_mapped(w, a, i);
		check_read(a, i);
	}
}

static void area_init(struct worker *w, struct area *a, const char *name,
		      size_t len, bool shared)
{
	snprintf(a->path, sizeof(a->path), "%s/%s", storm.dir, name);
	a->shared = shared;
	a->len = len;
	a->first = shared ? w->nr : 0;
	a->step = shared ? storm.threads : 1;
	a->nr = len / PAGE / a->step;
	a->seeds = xalloc(a->nr * sizeof(*a->seeds));
	area_create(w, a);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	self = w;
	while (time(NULL) < storm.end)
		one_op(w);
	verify_area(w, &w->own);
	verify_area(w, &w->common);
	return NULL;
}

/* pf storm DIR THREADS SECONDS SEED */
COMMAND(storm)
{
	unsigned long ops_done = 0, stores = 0, sigbus = 0, efault = 0;
	struct worker *w;
	char name[32];
	size_t i;

	storm.dir = argv[0];
	storm.threads = parse_size(argv[1]);
	storm.end = time(NULL) + parse_size(argv[2]);
	storm.seed = strtoull(argv[3], NULL, 0);
	w = xalloc(storm.threads * sizeof(*w));
	signal(SIGBUS, on_bus);
	for (i = 0; i < storm.threads; i++) {
		w[i].nr = i;
		w[i].state = storm.seed + i * 1000003ULL;
		snprintf(name, sizeof(name), "own.%zu", i);
		area_init(&w[i], &w[i].own, name, PRIVATE_LEN, false);
		area_init(&w[i], &w[i].common, "common", SHARED_LEN, true);
	}
	say_ready();
	for (i = 0; i < storm.threads; i++)
		CHECK(!pthread_create(&w[i].thread, NULL, work, &w[i]),
		      "pthread_create");
	for (i = 0; i < storm.threads; i++) {
		CHECK(!pthread_join(w[i].thread, NULL), "pthread_join");
		ops_done += w[i].ops;
		stores += w[i].stores;
		sigbus += w[i].sigbus;
		efault += w[i].efault;
	}
	note("storm: seed %#llx: %lu operations, %lu pages stored, sigbus %lu, EFAULT %lu, verified",
	     (unsigned long long)storm.seed, ops_done, stores, sigbus, efault);
	return 0;
}
