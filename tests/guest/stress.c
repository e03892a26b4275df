// SPDX-License-Identifier: GPL-2.0
/* Trim against everything else. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pinfold.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(4 * MIB)

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

/* pf trimloop DEVICE: trim until SIGTERM, mapped files too every other time. */
COMMAND(trimloop)
{
	unsigned long rounds = 0, trimmed = 0;
	int fd = xopen(argv[0], O_RDONLY);

	signal(SIGTERM, on_term);
	say_ready();
	for (; !stop; rounds++) {
		struct pinfold_trim trim = {
			.flags = rounds % 2 ? PINFOLD_TRIM_MAPPED : 0,
		};

		CHECK(!ioctl(fd, PINFOLD_IOC_TRIM, &trim) || errno == EINTR,
		      "PINFOLD_IOC_TRIM");
		trimmed += trim.trimmed / CHUNK;
		if (!trim.trimmed)
			usleep(1000);
	}
	note("trimloop: %lu trims gave back %lu chunks", rounds, trimmed);
	return 0;
}

/* Each process has files of its own, so it knows what they must contain. */
static void stress_one(const char *path, uint64_t *state, uint64_t seed)
{
	int fd = xcreate(path, LEN);
	char *map = map_shared(fd, LEN);
	size_t at = rng(state) % (LEN / PAGE) * PAGE;
	size_t cut = rng(state) % (LEN / PAGE) * PAGE;

	if (rng(state) % 2)
		write_pattern(fd, LEN, seed);
	else
		fill(map, LEN, seed, 0);
	verify(map, LEN, seed, 0, "whole file");
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
			 PAGE), "punch");
	verify_zero(map + at, PAGE, "hole");
	fill(map + at, PAGE, seed, at);
	CHECK(!ftruncate(fd, cut), "ftruncate");
	CHECK_EQ(probe_read(map + LEN - PAGE, NULL), SIGBUS, "beyond EOF");
	CHECK(!ftruncate(fd, LEN), "ftruncate");
	verify(map, cut, seed, 0, "before the cut");
	verify_zero(map + cut, LEN - cut, "behind the cut");
	if (rng(state) % 2)
		CHECK(!unlink(path), "unlink");
	fill(map, LEN, seed + 1, 0);
	verify_file(fd, LEN, seed + 1, "by read");
	munmap(map, LEN);
	close(fd);
}

static void stress_child(const char *dir, int nr, int rounds, uint64_t seed)
{
	uint64_t state = seed + nr * 1000003ULL;
	char path[256];
	int round;

	snprintf(path, sizeof(path), "%s/stress.%d", dir, nr);
	for (round = 0; round < rounds; round++)
		stress_one(path, &state, rng(&state));
	unlink(path);
	_exit(0);
}

/* pf stress DIR ROUNDS SEED: faults, truncate, punch, unlink by four processes */
COMMAND(stress)
{
	int rounds = atoi(argv[1]), i;
	uint64_t seed = strtoull(argv[2], NULL, 0);
	pid_t pids[4];

	for (i = 0; i < 4; i++) {
		pids[i] = xfork();
		if (!pids[i])
			stress_child(argv[0], i, rounds, seed);
	}
	for (i = 0; i < 4; i++)
		child_ok(pids[i], "stress");
	note("stress: 4 x %d rounds verified, seed %llu", rounds,
	     (unsigned long long)seed);
	return 0;
}

static void expect(const char *what, int rc, int err)
{
	if (rc != -1 || errno != err)
		die("%s: returned %d, not errno %d", what, rc, err);
	note("%s: %s", what, strerror(err));
}

/* pf badioctl DEVICE: requests that make no sense, and those nobody may make */
COMMAND(badioctl)
{
	int fd = xopen(argv[0], O_RDONLY);
	struct pinfold_range range = { .flags = 1 };
	struct pinfold_trim trim = { .flags = 1ULL << 40 };
	pid_t pid;

	expect("prefault, unknown flag", ioctl(fd, PINFOLD_IOC_PREFAULT, &range),
	       EINVAL);
	expect("trim, unknown flag", ioctl(fd, PINFOLD_IOC_TRIM, &trim), EINVAL);
	range = (struct pinfold_range){ .offset = 1ULL << 60, .length = 4096 };
	expect("prefault beyond the end",
	       ioctl(fd, PINFOLD_IOC_PREFAULT, &range), EINVAL);
	range = (struct pinfold_range){ .offset = 4096, .length = ~0ULL };
	expect("prefault, overflow", ioctl(fd, PINFOLD_IOC_PREFAULT, &range),
	       EINVAL);
	expect("prefault, bad pointer", ioctl(fd, PINFOLD_IOC_PREFAULT, 8UL),
	       EFAULT);
	expect("trim, bad pointer", ioctl(fd, PINFOLD_IOC_TRIM, 8UL), EFAULT);
	expect("unknown request", ioctl(fd, _IO(PINFOLD_IOC_MAGIC, 99), 0),
	       ENOTTY);
	pid = xfork();
	if (!pid) {
		/* An open descriptor is not a privilege. */
		CHECK(!setuid(65534), "setuid");
		memset(&range, 0, sizeof(range));
		memset(&trim, 0, sizeof(trim));
		expect("prefault by nobody",
		       ioctl(fd, PINFOLD_IOC_PREFAULT, &range), EPERM);
		expect("trim by nobody", ioctl(fd, PINFOLD_IOC_TRIM, &trim),
		       EPERM);
		_exit(0);
	}
	child_ok(pid, "badioctl");
	return 0;
}
