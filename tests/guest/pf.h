/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the test program share. */
#ifndef _PF_H
#define _PF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/types.h>

#define KIB		1024UL
#define MIB		(1024 * KIB)
#define PAGE		4096UL
#define CHUNK		(2 * MIB)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#ifndef MAP_SYNC
#define MAP_SYNC	0x80000
#endif

__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *fmt, ...);
__attribute__((format(printf, 1, 2)))
void note(const char *fmt, ...);

#define CHECK(cond, ...)					\
	do {							\
		if (!(cond))					\
			die(#cond ": " __VA_ARGS__);		\
	} while (0)

#define CHECK_EQ(a, b, what)					\
	do {							\
		long long _a = (a), _b = (b);			\
								\
		if (_a != _b)					\
			die("%s: %lld is not %lld", what, _a, _b); \
	} while (0)

/* Deterministic contents: 8 bytes depend on the seed and their offset. */
void fill(void *buf, size_t len, uint64_t seed, uint64_t offset);
void verify(const void *buf, size_t len, uint64_t seed, uint64_t offset,
	    const char *what);
void verify_zero(const void *buf, size_t len, const char *what);
uint64_t rng(uint64_t *state);

/* All of these die on an error. */
int xopen(const char *path, int flags);
int xcreate(const char *path, size_t len);
void *xalloc(size_t len);
void xread(int fd, void *buf, size_t len, off_t offset);
void xwrite(int fd, const void *buf, size_t len, off_t offset);
void *xmmap(size_t len, int prot, int flags, int fd, off_t offset);
void *map_shared(int fd, size_t len);
void write_pattern(int fd, size_t len, uint64_t seed);
void verify_file(int fd, size_t len, uint64_t seed, const char *what);
size_t parse_size(const char *text);

pid_t xfork(void);
void child_ok(pid_t pid, const char *what);
void say_ready(void);
void wait_for_eof(void);

/* A touch that may raise a signal: 0, or the signal; si_code if asked for. */
int probe_read(const volatile void *addr, int *code);
int probe_write(volatile void *addr, int *code);

/* Physical page behind @addr, which must be present; 0 if it is not. */
uint64_t pfn_of(const void *addr);
long minor_faults(void);

/* /sys/block/$PF_DISK/pinfold/NAME; PF_DISK is pmem0 by default. */
uint64_t stat_get(const char *name);
bool stat_exists(void);

/*
 * Somebody is held at the worst moment (pf_hold.ko): ask for it, before he comes; wait
 * until he has; let him go on.
 */
void hold_next(const char *how);
void hold_wait(const char *what);
void hold_end(const char *what);

struct pf_command {
	const char *name;
	const char *args;
	int nr_args;
	int (*run)(char **argv);
};

#define COMMAND(_name) int pf_##_name(char **argv)
COMMAND(alias);
COMMAND(badfile);
COMMAND(badioctl);
COMMAND(blkverify);
COMMAND(blkwrite);
COMMAND(chaos);
COMMAND(cycles);
COMMAND(direct);
COMMAND(disturb);
COMMAND(dma);
COMMAND(dmabuf);
COMMAND(edu);
COMMAND(extent);
COMMAND(failnth);
COMMAND(fill);
COMMAND(fork);
COMMAND(futex);
COMMAND(grabbed);
COMMAND(hold);
COMMAND(holes);
COMMAND(huge);
COMMAND(hwpoison);
COMMAND(info);
COMMAND(islands);
COMMAND(islands_verify);
COMMAND(ktouch);
COMMAND(mlock);
COMMAND(mmap);
COMMAND(move);
COMMAND(moveloop);
COMMAND(movehot);
COMMAND(moveplant);
COMMAND(moveumount);
COMMAND(mremap);
COMMAND(ledger);
COMMAND(ledgercheck);
COMMAND(ledgerwrite);
COMMAND(mapsync);
COMMAND(pin);
COMMAND(pinned);
COMMAND(piped);
COMMAND(ptrace);
COMMAND(rawio);
COMMAND(remapped);
COMMAND(reuse);
COMMAND(splice);
COMMAND(store);
COMMAND(storm);
COMMAND(stress);
COMMAND(touch);
COMMAND(trimloop);
COMMAND(try);
COMMAND(uring);
COMMAND(verify);

#endif /* _PF_H */
