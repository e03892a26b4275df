// SPDX-License-Identifier: GPL-2.0
/*
 * pf hwpoison FILE: what happens around a poisoned page, as text: the same
 * program runs on stock fsdax and the outputs are compared.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pf.h"

#define LEN	(4 * MIB)
#define BAD	(2 * MIB + 5 * PAGE)

#ifndef MADV_HWPOISON
#define MADV_HWPOISON	100
#endif

static void say(const char *what, long rc)
{
	note("%s: %ld %s", what, rc, rc < 0 ? strerror(errno) : "");
}

static void say_probe(const char *what, volatile char *addr, bool write)
{
	int code = 0, sig = write ? probe_write(addr, &code) :
				    probe_read(addr, &code);

	note("%s: signal %d code %d", what, sig, sig ? code : 0);
}

static sigjmp_buf env;
static volatile sig_atomic_t bus_code;

static void on_bus(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	bus_code = info->si_code;
	siglongjmp(env, 1);
}

/* The poisoner is told by a signal, before madvise() returns. */
static void say_madvise(char *addr)
{
	struct sigaction sa = {
		.sa_sigaction = on_bus,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &sa, NULL);
	if (sigsetjmp(env, 1))
		note("madvise: SIGBUS code %d", bus_code);
	else
		say("madvise", madvise(addr, PAGE, MADV_HWPOISON));
	signal(SIGBUS, SIG_DFL);
}

static void poisoner(int fd)
{
	char *map = map_shared(fd, LEN);

	map[BAD] = 1;
	say_madvise(map + BAD);
	say_probe("poisoner reads the page", map + BAD, false);
	say_probe("poisoner writes the page", map + BAD, true);
	say_probe("poisoner reads the page before", map + BAD - PAGE, false);
	_exit(0);
}

static void stranger(const char *path)
{
	int fd = xopen(path, O_RDWR);
	char *map = map_shared(fd, LEN);

	say_probe("stranger reads the page", map + BAD, false);
	say_probe("stranger writes the page", map + BAD, true);
	say_probe("stranger reads the page before", map + BAD - PAGE, false);
	say_probe("stranger reads another chunk", map, false);
	_exit(0);
}

/* Whoever has it mapped is killed: the test must survive to tell. */
static void run(const char *what, pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid, "waitpid");
	note("%s ends: status %#x", what, status);
}

COMMAND(hwpoison)
{
	int fd = xcreate(argv[0], LEN);
	char *buf = xalloc(PAGE);
	pid_t pid;

	write_pattern(fd, LEN, 1);
	pid = xfork();
	if (!pid)
		poisoner(fd);
	run("poisoner", pid);
	say("read", pread(fd, buf, PAGE, BAD));
	say("read of the page before", pread(fd, buf, PAGE, BAD - PAGE));
	pid = xfork();
	if (!pid)
		stranger(argv[0]);
	run("stranger", pid);
	fill(buf, PAGE, 2, 0);
	say("write", pwrite(fd, buf, PAGE, BAD));
	say("read after write", pread(fd, buf, PAGE, BAD));
	say("fsync", fsync(fd));
	pid = xfork();
	if (!pid)
		stranger(argv[0]);
	run("stranger after write", pid);
	return 0;
}

/*
 * pf badfile FILE PAGE DEVICE PAGE: what using a file does where the media is
 * bad, the file's page and the device's; as text, like hwpoison.
 */
COMMAND(badfile)
{
	size_t page = parse_size(argv[1]), dev_page = parse_size(argv[3]);
	int fd = xopen(argv[0], O_RDWR), dev;
	char *buf = xalloc(PAGE), *map;

	dev = xopen(argv[2], O_RDONLY | O_DIRECT);
	say("read of the device", pread(dev, buf, PAGE, dev_page * PAGE));
	say("read of the page before",
	    pread(dev, buf, PAGE, (dev_page - 1) * PAGE));
	close(dev);
	/* Unwritten blocks are zeroed first, which is a write. */
	map = map_shared(fd, (page + 64) * PAGE);
	say_probe("mapped read", map + page * PAGE, false);
	say_probe("mapped write", map + page * PAGE, true);
	say_probe("mapped write of the page before", map + (page - 1) * PAGE,
		  true);
	fill(buf, PAGE, 1, 0);
	say("write of the file", pwrite(fd, buf, PAGE, page * PAGE));
	say("read of the file", pread(fd, buf, PAGE, page * PAGE));
	say_probe("mapped read after write", map + page * PAGE, false);
	say("write of the page before",
	    pwrite(fd, buf, PAGE, (page - 1) * PAGE));
	say("fsync", fsync(fd));
	return 0;
}

static const char *result(long rc)
{
	if (rc >= 0)
		return rc == (long)PAGE || !rc ? "ok" : "short";
	return strerrorname_np(errno);
}

static const char *mapped(int fd, size_t page, uint64_t seed, bool write)
{
	char *map = xmmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  page * PAGE);
	int sig = write ? probe_write(map, NULL) : probe_read(map, NULL);

	if (sig)
		return sig == SIGBUS ? "SIGBUS" : "signal";
	if (write)
		fill(map, PAGE, seed, page * PAGE);
	verify(map, PAGE, seed, page * PAGE, "mapped page");
	return "ok";
}

/*
 * pf try HOW PATH PAGE SEED: one use of one page of a file or a disk, and how it
 * went: "ok", an errno or SIGBUS. What is read must be as "pf fill" writes it.
 */
COMMAND(try)
{
	bool direct = argv[0][0] == 'd';
	const char *how = argv[0] + direct, *said;
	int fd = xopen(argv[1], O_RDWR | (direct ? O_DIRECT : 0));
	size_t page = parse_size(argv[2]);
	uint64_t seed = strtoull(argv[3], NULL, 0);
	char *buf = xalloc(PAGE);

	if (!strcmp(how, "read")) {
		said = result(pread(fd, buf, PAGE, page * PAGE));
		if (!strcmp(said, "ok"))
			verify(buf, PAGE, seed, page * PAGE, "page");
	} else if (!strcmp(how, "write")) {
		fill(buf, PAGE, seed, page * PAGE);
		said = result(pwrite(fd, buf, PAGE, page * PAGE));
		if (!strcmp(said, "ok"))
			said = result(fsync(fd));
	} else if (!strcmp(how, "zero")) {
		said = result(fallocate(fd, FALLOC_FL_ZERO_RANGE, page * PAGE,
					PAGE));
	} else if (!strcmp(how, "punch")) {
		said = result(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
					FALLOC_FL_KEEP_SIZE, page * PAGE, PAGE));
	} else {
		CHECK(!strcmp(how, "mapread") || !strcmp(how, "mapwrite"),
		      "%s", how);
		said = mapped(fd, page, seed, how[3] == 'w');
	}
	note("%s", said);
	return 0;
}
