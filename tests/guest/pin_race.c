// SPDX-License-Identifier: GPL-2.0
/* Everything at once, and very much of it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "pin.h"

#define MPOL_MF_MOVE	2

/* One of the threads of a race. */
struct racer {
	pthread_t thread;
	uint64_t seed;
	unsigned long rounds;
	void (*act)(struct racer *r);
	unsigned long done[4];
};

static uint64_t blocks[2];
static char *arena;

#define ITEMS	128

#define ARENA	(256 * PAGE)

static uint64_t roll(struct racer *r, uint64_t below)
{
	return rng(&r->seed) % below;
}

static void *race_thread(void *arg)
{
	struct racer *r = arg;
	unsigned long i;

	for (i = 0; i < r->rounds; i++)
		r->act(r);
	return NULL;
}

static void race(struct racer *r, size_t n, uint64_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		r[i].seed = seed * 1000 + i * 100000007;
		if (pthread_create(&r[i].thread, NULL, race_thread, &r[i]))
			die("thread");
	}
	for (i = 0; i < n; i++)
		pthread_join(r[i].thread, NULL);
}

static int race_dev(const char *name, const char *kind, unsigned int slot)
{
	struct pf_setup setup = {
		.class = PIN_DEVICE_IO,
		.slot = slot,
		.timeout_ms = 200,
		.flags = strcmp(kind, "atomic") ? 0 : PF_DEV_ATOMIC,
	};
	int dev, err;

	snprintf(setup.name, sizeof(setup.name), "%s", name);
	err = dev_try_open(&setup, &dev);
	if (err)
		die("%s: %s", name, strerror(-err));
	dev_run(dev, true);
	return dev;
}

static void race_check(int dev, uint32_t id, const char *what)
{
	struct pf_report r = dev_report(dev, id);

	CHECK_EQ(r.errors, 0, what);
	CHECK_EQ(r.misuse, 0, what);
}

static int race_devs[4];

static int race_store;

/* Where some pages of the store were a moment ago: they may be elsewhere now. */
static void some_pages(struct racer *r, uint64_t *pfns, unsigned int nr)
{
	static __thread uint64_t all[ITEMS];
	unsigned int i;

	store_where(race_store, all, ITEMS);
	for (i = 0; i < nr; i++)
		pfns[i] = all[roll(r, ITEMS)];
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Return: how many are left of sorted numbers when each is there once. */
static unsigned int uniq(uint64_t *n, unsigned int nr)
{
	unsigned int i, left = 1;

	for (i = 1; i < nr; i++)
		if (n[i] != n[left - 1])
			n[left++] = n[i];
	return left;
}

static void act_move(struct racer *r)
{
	uint64_t pfn;
	int err;

	some_pages(r, &pfn, 1);
	err = dev_move(race_devs[0], pfn, 1);
	CHECK(!err || err == -EBUSY || err == -ETIMEDOUT || err == -EAGAIN ||
	      err == -EINVAL || err == -ENXIO, "move: %s", strerror(-err));
	r->done[err ? 1 : 0]++;
}

static void act_compact(struct racer *r)
{
	write_file("/proc/sys/vm/compact_memory", "1");
	r->done[0]++;
	usleep(200000);
}

static void act_churn(struct racer *r)
{
	/* A page may be away for as long as the slowest pinner takes. */
	if (!ioctl(race_store, PF_STORE_CHURN, roll(r, 1000)))
		r->done[0]++;
	else
		CHECK_EQ(errno, EAGAIN, "rewrite of the store");
	usleep(roll(r, 20000));
}

static void act_pin(struct racer *r, int dev)
{
	unsigned int nr = 1 + roll(r, 16);
	uint64_t pfns[16];
	uint32_t id;
	int err;

	some_pages(r, pfns, nr);
	/* Twice the same page would be two counts in one place. */
	if (nr > 1)
		qsort(pfns, nr, sizeof(*pfns), by_number);
	nr = uniq(pfns, nr);
	err = dev_try_pin(dev, PF_ARRAY, (uintptr_t)pfns, nr, PF_WRITE, &id);
	if (err) {
		CHECK(err == -EAGAIN || err == -ENXIO, "pin: %s",
		      strerror(-err));
		r->done[1]++;
		return;
	}
	usleep(roll(r, 3000));
	race_check(dev, id, "pin in a race");
	err = dev_try_unpin(dev, id);
	CHECK(!err || err == -EINPROGRESS, "unpin: %s", strerror(-err));
	r->done[0]++;
}

static void act_pin_quiet(struct racer *r)
{
	act_pin(r, race_devs[1]);
}

static void act_pin_atomic(struct racer *r)
{
	act_pin(r, race_devs[2]);
}

/* Mostly in a good mood. */
static void act_pin_moody(struct racer *r)
{
	static const char * const moods[] = { "quiet", "refusing", "quiet",
					      "slow", "nonsense" };

	dev_behave(race_devs[3], moods[roll(r, ARRAY_SIZE(moods))]);
	act_pin(r, race_devs[3]);
}

static void act_revoke(struct racer *r)
{
	uint64_t pfn;
	int err;

	some_pages(r, &pfn, 1);
	err = dev_revoke(race_devs[0], pfn, 1);
	CHECK(!err || err == -EBUSY || err == -ETIMEDOUT, "revoke: %s",
	      strerror(-err));
	r->done[err ? 1 : 0]++;
	usleep(roll(r, 2000));
}

/* A child that does not outlive us: it has our devices and stores open. */
static pid_t mortal_fork(void)
{
	pid_t parent = getpid(), pid = xfork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before that. */
	if (getppid() != parent)
		_exit(1);
	return 0;
}

/* A process that pins, and is killed whatever it is at. */
static void act_kill(struct racer *r)
{
	pid_t pid = mortal_fork();
	char name[32];
	int dev;

	if (!pid) {
		char *map = xalloc(16 * PAGE);

		snprintf(name, sizeof(name), "victim-%d", getpid());
		dev = race_dev(name, "quiet", 4);
		for (;;) {
			uint32_t id = dev_pin(dev, map, 16 * PAGE);

			dev_try_pin(dev, PF_PAGES, blocks[0] + 8, 8, 0, NULL);
			madvise(map, 8 * PAGE, MADV_DONTNEED);
			dev_try_unpin(dev, id);
		}
	}
	usleep(roll(r, 50000));
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid, "wait");
	r->done[0]++;
}

static void tell(const struct racer *r, size_t n, uint64_t seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		note("seed %llu, thread %zu: %lu of %lu, %lu otherwise",
		     (unsigned long long)seed, i, r[i].done[0], r[i].rounds,
		     r[i].done[1]);
}

/* pf pin race_kernel SEED: moves, pins, ends, revokes and kills of the same pages */
PIN_TEST(race_kernel)
{
	uint64_t seed = strtoull(path, NULL, 0);
	unsigned long n = scale();
	struct racer r[] = {
		{ .act = act_move, .rounds = 300 * n },
		{ .act = act_move, .rounds = 300 * n },
		{ .act = act_pin_quiet, .rounds = 300 * n },
		{ .act = act_pin_atomic, .rounds = 300 * n },
		{ .act = act_pin_moody, .rounds = 100 * n },
		{ .act = act_revoke, .rounds = 200 * n },
		{ .act = act_kill, .rounds = 20 * n },
		{ .act = act_churn, .rounds = 50 * n },
		{ .act = act_compact, .rounds = 5 * n },
	};
	int store = store_make(PF_STORE_BLOCKS, 2, seed), i;

	race_store = store_make(PF_STORE_PAGES, ITEMS, seed);
	store_where(store, blocks, 2);
	race_devs[0] = race_dev("race-mover", "quiet", 0);
	race_devs[1] = race_dev("race-quiet", "quiet", 1);
	race_devs[2] = race_dev("race-atomic", "atomic", 2);
	race_devs[3] = race_dev("race-moody", "quiet", 3);
	race(r, ARRAY_SIZE(r), seed);
	tell(r, ARRAY_SIZE(r), seed);
	CHECK(r[0].done[0] > 0 && r[2].done[0] > 0 && r[3].done[0] > 0,
	      "nothing went through");
	store_check(race_store, "after the race");
	store_check(store, "after the race");
	for (i = 0; i < 4; i++)
		close(race_devs[i]);
	close(race_store);
	close(store);
}

static void act_user_pin(struct racer *r, int dev)
{
	uint64_t first = roll(r, 200), nr = 1 + roll(r, 50);
	uint32_t id;
	int err;

	err = dev_try_pin(dev, PF_USER, (uintptr_t)arena + first * PAGE,
			  nr * PAGE, PF_WRITE, &id);
	if (err) {
		/* A mapping may be gone for a moment. */
		CHECK(err == -EAGAIN || err == -EFAULT, "pin: %s",
		      strerror(-err));
		r->done[1]++;
		return;
	}
	usleep(roll(r, 3000));
	CHECK_EQ(dev_report(dev, id).misuse, 0, "pin in a race");
	err = dev_try_unpin(dev, id);
	CHECK(!err || err == -EINPROGRESS, "unpin: %s", strerror(-err));
	r->done[0]++;
}

static void act_user_quiet(struct racer *r)
{
	act_user_pin(r, race_devs[1]);
}

static void act_user_atomic(struct racer *r)
{
	act_user_pin(r, race_devs[2]);
}

static void act_migrate(struct racer *r)
{
	uint64_t first = roll(r, 240), i;
	int nodes[16], status[16], to = roll(r, 2);
	void *addr[16];

	for (i = 0; i < 16; i++) {
		addr[i] = arena + (first + i) * PAGE;
		nodes[i] = to;
		status[i] = -1;
	}
	syscall(SYS_move_pages, 0, 16, addr, nodes, status, MPOL_MF_MOVE);
	for (i = 0; i < 16; i++)
		r->done[status[i] == to ? 0 : 1]++;
	usleep(roll(r, 1000));
}

/* The mapping changes under the pins. */
static void act_remap(struct racer *r)
{
	uint64_t first = roll(r, 250), nr = 1 + roll(r, 6);
	char *at = arena + first * PAGE;

	switch (roll(r, 4)) {
	case 0:
		CHECK(mmap(at, nr * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at,
		      "mmap");
		break;
	case 1:
		CHECK(!madvise(at, nr * PAGE, MADV_DONTNEED), "madvise");
		break;
	case 2:
		CHECK(!mprotect(at, nr * PAGE, PROT_READ), "mprotect");
		CHECK(!mprotect(at, nr * PAGE, PROT_READ | PROT_WRITE),
		      "mprotect");
		break;
	default:
		at[PF_DATA_START] = 1;
	}
	r->done[0]++;
	usleep(roll(r, 1000));
}

static void act_fork(struct racer *r)
{
	pid_t pid = mortal_fork();

	if (!pid) {
		memset(arena + PF_DATA_START, 7, 8);
		_exit(0);
	}
	child_ok(pid, "fork");
	r->done[0]++;
	usleep(roll(r, 5000));
}

/*
 * pf pin race_user SEED: pins, migration, munmap, fork and more in the same memory.
 * A device cannot know what it should find in memory that was mapped anew.
 */
PIN_TEST(race_user)
{
	uint64_t seed = strtoull(path, NULL, 0);
	unsigned long n = scale();
	struct racer r[] = {
		{ .act = act_user_quiet, .rounds = 200 * n },
		{ .act = act_user_atomic, .rounds = 200 * n },
		{ .act = act_migrate, .rounds = 150 * n },
		{ .act = act_remap, .rounds = 300 * n },
		{ .act = act_fork, .rounds = 40 * n },
		{ .act = act_kill, .rounds = 10 * n },
	};
	int store = store_make(PF_STORE_BLOCKS, 2, seed), i;

	store_where(store, blocks, 2);
	arena = xalloc(ARENA);
	memset(arena, 0, ARENA);
	race_devs[0] = race_dev("race-user", "quiet", 0);
	race_devs[1] = race_dev("race-quiet", "quiet", 1);
	race_devs[2] = race_dev("race-atomic", "atomic", 2);
	race(r, ARRAY_SIZE(r), seed);
	tell(r, ARRAY_SIZE(r), seed);
	CHECK(r[0].done[0] > 0 && r[1].done[0] > 0, "nothing was pinned");
	for (i = 0; i < 3; i++)
		close(race_devs[i]);
	CHECK_EQ(pinned_pages(), 0, "pinned at the end");
	close(store);
}

/* pf pin many PINS: so many pins of 100,352 pages of the kernel */
PIN_TEST(many)
{
	enum { BLOCKS = 196 };
	int store = store_make(PF_STORE_BLOCKS, BLOCKS, 51);
	int dev = dev_open("many", "general", PIN_RECLAIM, 0);
	uint64_t pins = strtoull(path, NULL, 0);
	static uint64_t where[BLOCKS];
	struct pf_many many = {
		.pins = pins,
		.seed = 52,
		.lookups = pins < 100000 ? pins : 100000,
		.blocks = (uintptr_t)where,
		.nr_blocks = BLOCKS,
	};

	store_where(store, where, BLOCKS);
	CHECK_EQ(dev_ioctl(dev, PF_MANY, &many), 0, "many pins");
	/* The same seed: they look for pages that were pinned. */
	CHECK_EQ(many.found, many.lookups, "pins that were found");
	CHECK_EQ(many.listed, pins, "pins that were listed");
	note("many: %llu pins of %llu pages",
	     (unsigned long long)pins, BLOCKS * 512ULL);
	close(dev);
	close(store);
}
