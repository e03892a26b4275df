// SPDX-License-Identifier: GPL-2.0
/* Small steps that shell scripts put together. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pf.h"

static size_t file_size(int fd)
{
	struct stat st;

	CHECK(!fstat(fd, &st), "fstat");
	return st.st_size;
}

/* pf fill FILE SIZE SEED: by write(2) */
COMMAND(fill)
{
	int fd = xopen(argv[0], O_RDWR | O_CREAT | O_TRUNC);

	write_pattern(fd, parse_size(argv[1]), strtoull(argv[2], NULL, 0));
	return 0;
}

/* pf verify FILE SIZE SEED read|map */
COMMAND(verify)
{
	size_t len = parse_size(argv[1]);
	uint64_t seed = strtoull(argv[2], NULL, 0);
	int fd = xopen(argv[0], O_RDONLY);

	CHECK_EQ(file_size(fd), len, "size of the file");
	if (!strcmp(argv[3], "map"))
		verify(xmmap(len, PROT_READ, MAP_SHARED, fd, 0), len, seed, 0,
		       "mapped");
	else
		verify_file(fd, len, seed, "read");
	return 0;
}

/*
 * pf touch FILE OFFSET STRIDE COUNT: store to one byte at each place, and say
 * how many raised SIGBUS. The byte keeps its value.
 */
COMMAND(touch)
{
	int fd = xopen(argv[0], O_RDWR);
	size_t len = file_size(fd), off = parse_size(argv[1]);
	size_t stride = parse_size(argv[2]), count = parse_size(argv[3]), i;
	char *map = map_shared(fd, len);
	unsigned int bus = 0;
	int sig;

	for (i = 0; i < count; i++, off += stride) {
		CHECK(off < len, "offset %zu beyond the end", off);
		sig = probe_write(map + off, NULL);
		CHECK(!sig || sig == SIGBUS, "signal %d", sig);
		bus += sig == SIGBUS;
	}
	note("touched %zu sigbus %u", count - bus, bus);
	return 0;
}

/* The pipe keeps references to pages it was given: a short-term pin. */
static int pin_in_pipe(char *page)
{
	static int fds[2] = { -1, -1 };
	struct iovec iov = { page, 1 };

	if (fds[0] < 0) {
		CHECK(!pipe(fds), "pipe");
		CHECK(fcntl(fds[1], F_SETPIPE_SZ, MIB) > 0, "F_SETPIPE_SZ");
	}
	return vmsplice(fds[1], &iov, 1, SPLICE_F_NONBLOCK) == 1 ? 0 : -1;
}

/* pf pinned FILE STRIDE COUNT: like touch, but each page stays referenced. */
COMMAND(pinned)
{
	int fd = xopen(argv[0], O_RDWR);
	size_t len = file_size(fd), stride = parse_size(argv[1]);
	size_t count = parse_size(argv[2]), i;
	char *map = map_shared(fd, len);
	unsigned int bus = 0;

	CHECK(count * stride <= len, "%zu pages are beyond the end", count);
	for (i = 0; i < count; i++) {
		if (probe_write(map + i * stride, NULL))
			bus++;
		else
			CHECK(!pin_in_pipe(map + i * stride), "vmsplice");
	}
	note("touched %zu sigbus %u", count - bus, bus);
	return 0;
}

/*
 * pf hold FILE SIZE: map and touch every page, say "ready", wait for the end of
 * the input, then say whether the mapping still works ("kept" or "signal N").
 */
COMMAND(hold)
{
	int fd = xopen(argv[0], O_RDWR), sig = 0;
	size_t len = parse_size(argv[1]), i;
	char *map = map_shared(fd, len);

	for (i = 0; i < len; i += PAGE)
		CHECK_EQ(probe_write(map + i, NULL), 0, "touch");
	say_ready();
	wait_for_eof();
	for (i = 0; i < len && !sig; i += PAGE)
		sig = probe_write(map + i, NULL);
	if (sig)
		note("signal %d", sig);
	else
		note("kept");
	return 0;
}

/*
 * pf store FILE SIZE ROUNDS: keep storing to every page while others trim, read
 * back after each round by mapping and by read(2). Ends early on end of input.
 */
COMMAND(store)
{
	int fd = xopen(argv[0], O_RDWR);
	size_t len = parse_size(argv[1]), rounds = parse_size(argv[2]), i;
	char *map = map_shared(fd, len);
	char *buf = xalloc(PAGE);
	uint64_t state = 1;
	size_t off, round;

	say_ready();
	for (round = 1; round <= rounds; round++) {
		for (i = 0; i < len; i += PAGE)
			fill(map + i, 64, round, i);
		for (i = 0; i < len; i += PAGE)
			verify(map + i, 64, round, i, "mapped");
		for (i = 0; i < 16; i++) {
			off = rng(&state) % (len / PAGE) * PAGE;
			xread(fd, buf, 64, off);
			verify(buf, 64, round, off, "read");
		}
	}
	note("store: %zu rounds verified", rounds);
	return 0;
}
