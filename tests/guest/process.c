// SPDX-License-Identifier: GPL-2.0
/* Mapped pages between processes: futex, fork, ptrace. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(4 * MIB)
#define ROUNDS	500

/* The turn alternates between 0 and 1; @slept counts who had to sleep. */
struct table {
	atomic_int turn;
	atomic_int slept;
	atomic_int woken;
};

static long futex(atomic_int *addr, int op, int value)
{
	struct timespec timeout = { .tv_sec = 60 };

	return syscall(SYS_futex, addr, op, value, &timeout, NULL, 0);
}

static void play(struct table *t, int me)
{
	int round;
	long rc;

	for (round = 0; round < ROUNDS; round++) {
		while (atomic_load(&t->turn) != me) {
			rc = futex(&t->turn, FUTEX_WAIT, !me);
			if (!rc)
				atomic_fetch_add(&t->slept, 1);
			CHECK(!rc || errno == EAGAIN || errno == EINTR,
			      "FUTEX_WAIT");
		}
		atomic_store(&t->turn, !me);
		rc = futex(&t->turn, FUTEX_WAKE, 1);
		CHECK(rc >= 0, "FUTEX_WAKE");
		atomic_fetch_add(&t->woken, rc);
	}
}

/* pf futex FILE */
COMMAND(futex)
{
	int fd = xcreate(argv[0], LEN);
	struct table *t = map_shared(fd, LEN);
	pid_t pid = xfork();

	if (!pid) {
		/* A mapping of its own: the key must come from the file. */
		munmap(t, LEN);
		t = map_shared(xopen(argv[0], O_RDWR), LEN);
		play(t, 1);
		_exit(0);
	}
	play(t, 0);
	child_ok(pid, "futex");
	CHECK(t->slept > 0 && t->woken > 0, "nobody slept");
	note("futex: %d rounds, slept %d, woken %d", ROUNDS, t->slept,
	     t->woken);
	return 0;
}

static void fork_private(int fd)
{
	char *map = xmmap(LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	pid_t pid;

	verify(map, LEN, 1, 0, "private mapping");
	fill(map, LEN / 2, 2, 0);
	pid = xfork();
	if (!pid) {
		verify(map, LEN / 2, 2, 0, "child: copied before fork");
		verify(map + LEN / 2, LEN / 2, 1, LEN / 2, "child: file's");
		fill(map, LEN, 3, 0);
		verify(map, LEN, 3, 0, "child: its own");
		_exit(0);
	}
	child_ok(pid, "fork_private");
	verify(map, LEN / 2, 2, 0, "parent: after child's stores");
	verify(map + LEN / 2, LEN / 2, 1, LEN / 2, "parent: file's");
	fill(map, LEN, 4, 0);
	verify_file(fd, LEN, 1, "file below private mappings");
	munmap(map, LEN);
}

static void fork_shared(int fd)
{
	char *map = map_shared(fd, LEN);
	pid_t pid;

	fill(map, LEN / 2, 5, 0);
	pid = xfork();
	if (!pid) {
		verify(map, LEN / 2, 5, 0, "child: parent's stores");
		fill(map, LEN, 6, 0);
		_exit(0);
	}
	child_ok(pid, "fork_shared");
	verify(map, LEN, 6, 0, "parent: child's stores");
	verify_file(fd, LEN, 6, "file");
	munmap(map, LEN);
}

/* pf fork FILE */
COMMAND(fork)
{
	int fd = xcreate(argv[0], LEN);

	write_pattern(fd, LEN, 1);
	fork_private(fd);
	fork_shared(fd);
	note("fork: ok");
	return 0;
}

static void trace_words(pid_t pid, char *map, int fd)
{
	long value;

	/* Never touched by anyone: the tracer's access faults it in. */
	errno = 0;
	value = ptrace(PTRACE_PEEKDATA, pid, map + PAGE, NULL);
	CHECK(!errno, "PEEKDATA");
	verify(&value, 8, 1, PAGE, "PEEKDATA");
	fill(&value, 8, 2, 2 * PAGE);
	CHECK(!ptrace(PTRACE_POKEDATA, pid, map + 2 * PAGE, value), "POKEDATA");
	xread(fd, &value, 8, 2 * PAGE);
	verify(&value, 8, 2, 2 * PAGE, "POKEDATA in the file");
}

static void trace_ranges(pid_t pid, char *map, int fd)
{
	size_t len = 256 * KIB;
	char *buf = xalloc(len);
	struct iovec local = { buf, len };
	struct iovec remote = { map + MIB, len };

	CHECK_EQ(process_vm_readv(pid, &local, 1, &remote, 1, 0), len,
		 "process_vm_readv");
	verify(buf, len, 1, MIB, "process_vm_readv");
	fill(buf, len, 3, 3 * MIB);
	remote.iov_base = map + 3 * MIB;
	CHECK_EQ(process_vm_writev(pid, &local, 1, &remote, 1, 0), len,
		 "process_vm_writev");
	xread(fd, buf, len, 3 * MIB);
	verify(buf, len, 3, 3 * MIB, "process_vm_writev in the file");
}

/* pf ptrace FILE */
COMMAND(ptrace)
{
	int fd = xcreate(argv[0], LEN), status;
	char *map;
	pid_t pid;

	write_pattern(fd, LEN, 1);
	map = map_shared(fd, LEN);
	pid = xfork();
	if (!pid) {
		CHECK(!ptrace(PTRACE_TRACEME, 0, NULL, NULL), "TRACEME");
		kill(getpid(), SIGSTOP);
		/* The tracer's work, through the tracee's page tables. */
		verify(map + 2 * PAGE, 8, 2, 2 * PAGE, "tracee: POKEDATA");
		verify(map + 3 * MIB, 256 * KIB, 3, 3 * MIB,
		       "tracee: process_vm_writev");
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "stop");
	trace_words(pid, map, fd);
	trace_ranges(pid, map, fd);
	CHECK(!ptrace(PTRACE_DETACH, pid, NULL, NULL), "DETACH");
	child_ok(pid, "ptrace");
	note("ptrace: ok");
	return 0;
}
