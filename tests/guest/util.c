// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pf.h"

void die(const char *fmt, ...)
{
	int err = errno;
	va_list args;

	fflush(stdout);
	fputs("FAIL: ", stdout);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf(" (errno %d: %s)\n", err, strerror(err));
	fflush(stdout);
	_exit(1);
}

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t rng(uint64_t *state)
{
	return mix((*state)++);
}

/* Cheap under emulation: one multiplication per word. */
static uint64_t word(uint64_t seed, uint64_t offset)
{
	return (seed ^ offset) * 0x9e3779b97f4a7c15ULL + seed;
}

void fill(void *buf, size_t len, uint64_t seed, uint64_t offset)
{
	uint64_t *p = buf;
	size_t i;

	seed = mix(seed);
	for (i = 0; i < len / 8; i++)
		p[i] = word(seed, offset + 8 * i);
}

void verify(const void *buf, size_t len, uint64_t seed, uint64_t offset,
	    const char *what)
{
	const uint64_t *p = buf;
	uint64_t want;
	size_t i;

	seed = mix(seed);
	for (i = 0; i < len / 8; i++) {
		want = word(seed, offset + 8 * i);
		if (p[i] != want)
			die("%s: at %#zx: %016llx is not %016llx", what,
			    (size_t)offset + 8 * i, (unsigned long long)p[i],
			    (unsigned long long)want);
	}
}

void verify_zero(const void *buf, size_t len, const char *what)
{
	const char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i])
			die("%s: at %#zx: %02x is not 0", what, i, p[i] & 0xff);
}

int xopen(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		die("open %s", path);
	return fd;
}

/* A new file with blocks allocated, but never written. */
int xcreate(const char *path, size_t len)
{
	int fd = xopen(path, O_RDWR | O_CREAT | O_TRUNC);

	if (fallocate(fd, 0, 0, len))
		die("fallocate %s", path);
	return fd;
}

void *xalloc(size_t len)
{
	return xmmap(len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void xread(int fd, void *buf, size_t len, off_t offset)
{
	ssize_t n = pread(fd, buf, len, offset);

	if (n != (ssize_t)len)
		die("pread of %zu at %lld: %zd", len, (long long)offset, n);
}

void xwrite(int fd, const void *buf, size_t len, off_t offset)
{
	ssize_t n = pwrite(fd, buf, len, offset);

	if (n != (ssize_t)len)
		die("pwrite of %zu at %lld: %zd", len, (long long)offset, n);
}

void *xmmap(size_t len, int prot, int flags, int fd, off_t offset)
{
	void *p = mmap(NULL, len, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		die("mmap of %zu, flags %#x", len, flags);
	return p;
}

void *map_shared(int fd, size_t len)
{
	return xmmap(len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

void write_pattern(int fd, size_t len, uint64_t seed)
{
	char *buf = xalloc(MIB);
	size_t off, n;

	for (off = 0; off < len; off += n) {
		n = len - off < MIB ? len - off : MIB;
		fill(buf, n, seed, off);
		xwrite(fd, buf, n, off);
	}
	munmap(buf, MIB);
}

void verify_file(int fd, size_t len, uint64_t seed, const char *what)
{
	char *buf = xalloc(MIB);
	size_t off, n;

	for (off = 0; off < len; off += n) {
		n = len - off < MIB ? len - off : MIB;
		xread(fd, buf, n, off);
		verify(buf, n, seed, off, what);
	}
	munmap(buf, MIB);
}

size_t parse_size(const char *text)
{
	char *end;
	size_t n = strtoull(text, &end, 0);

	switch (*end) {
	case 'G':
		return n << 30;
	case 'M':
		return n << 20;
	case 'K':
		return n << 10;
	case '\0':
		return n;
	}
	die("%s: not a size", text);
}

pid_t xfork(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	return pid;
}

void child_ok(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die("%s: waitpid", what);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("%s: child's wait status %#x", what, status);
}

/* Tell a shell script that reads our output, and wait for it. */
void say_ready(void)
{
	note("ready");
}

void wait_for_eof(void)
{
	char c;

	while (read(0, &c, 1) > 0)
		;
}

static sigjmp_buf probe_env;
static volatile sig_atomic_t probe_signal, probe_code;

static void probe_handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	probe_signal = sig;
	probe_code = info->si_code;
	siglongjmp(probe_env, 1);
}

static int probe(volatile void *addr, bool write, int *code)
{
	struct sigaction sa = {
		.sa_sigaction = probe_handler,
		.sa_flags = SA_SIGINFO,
	}, old_bus, old_segv;
	volatile char *p = addr;

	probe_signal = 0;
	probe_code = 0;
	sigaction(SIGBUS, &sa, &old_bus);
	sigaction(SIGSEGV, &sa, &old_segv);
	if (!sigsetjmp(probe_env, 1)) {
		char c = *p;

		if (write)
			*p = c;
	}
	sigaction(SIGBUS, &old_bus, NULL);
	sigaction(SIGSEGV, &old_segv, NULL);
	if (code)
		*code = probe_code;
	return probe_signal;
}

int probe_read(const volatile void *addr, int *code)
{
	return probe((volatile void *)addr, false, code);
}

int probe_write(volatile void *addr, int *code)
{
	return probe(addr, true, code);
}

uint64_t pfn_of(const void *addr)
{
	int fd = xopen("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	xread(fd, &entry, 8, (uintptr_t)addr / PAGE * 8);
	close(fd);
	if (!(entry & 1ULL << 63))
		return 0;
	return entry & ((1ULL << 55) - 1);
}

long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static void stat_path(char *path, size_t size, const char *name)
{
	const char *disk = getenv("PF_DISK");

	snprintf(path, size, "/sys/block/%s/pinfold/%s",
		 disk ? disk : "pmem0", name);
}

bool stat_exists(void)
{
	char path[256];

	stat_path(path, sizeof(path), "");
	return !access(path, F_OK);
}

uint64_t stat_get(const char *name)
{
	char path[256], text[64] = "";
	int fd;

	stat_path(path, sizeof(path), name);
	fd = xopen(path, O_RDONLY);
	if (read(fd, text, sizeof(text) - 1) <= 0)
		die("read %s", path);
	close(fd);
	return strtoull(text, NULL, 10);
}
