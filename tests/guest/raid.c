// SPDX-License-Identifier: GPL-2.0
/*
 * Random block I/O with a plain file as the reference: the same operations on
 * each of several devices, so that they can be compared with one another, too.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pf.h"

#define SECTOR		512UL
#define MAX_DEVICES	4
#define LONGEST		(192 * KIB)

/* One operation: a run of sectors, mostly short, at times of whole stripes. */
static void choose(uint64_t *state, size_t size, off_t *at, size_t *len)
{
	*len = SECTOR << rng(state) % 9;
	if (rng(state) % 3 == 0)
		*len = SECTOR * (1 + rng(state) % (LONGEST / SECTOR));
	*at = SECTOR * (rng(state) % ((size - *len) / SECTOR + 1));
	/* Half of them on page boundaries, as file systems do it. */
	if (rng(state) % 2) {
		*at -= *at % PAGE;
		*len = *len < PAGE ? PAGE : *len - *len % PAGE;
		if (*at + *len > size)
			*at = size - *len;
	}
}

/* Comma-separated devices, a reference file, SIZE bytes of each, SEED, COUNT */
COMMAND(blkwrite)
{
	int fds[MAX_DEVICES], nr = 0, ref = xopen(argv[1], O_RDWR | O_CREAT);
	size_t size = parse_size(argv[2]), len;
	uint64_t state = strtoull(argv[3], NULL, 0);
	unsigned long count = strtoul(argv[4], NULL, 0), i;
	char *buf = xalloc(LONGEST + PAGE), *path;
	off_t at;
	int d;

	for (path = strtok(argv[0], ","); path; path = strtok(NULL, ",")) {
		CHECK(nr < MAX_DEVICES, "too many devices");
		fds[nr++] = xopen(path, O_RDWR | O_DIRECT);
	}
	for (i = 0; i < count; i++) {
		choose(&state, size, &at, &len);
		fill(buf, len, rng(&state), 0);
		for (d = 0; d < nr; d++)
			xwrite(fds[d], buf, len, at);
		xwrite(ref, buf, len, at);
	}
	for (d = 0; d < nr; d++)
		CHECK(!fsync(fds[d]), "fsync");
	return 0;
}

/* DEVICE, reference file, SIZE: all of it, in reads of several sizes */
COMMAND(blkverify)
{
	int fd = xopen(argv[0], O_RDONLY | O_DIRECT);
	int ref = xopen(argv[1], O_RDONLY);
	size_t size = parse_size(argv[2]), len;
	char *buf = xalloc(LONGEST), *want = xalloc(LONGEST);
	uint64_t state = 1;
	off_t at;

	for (at = 0; at < (off_t)size; at += len) {
		len = SECTOR << rng(&state) % 9;
		if (len > size - at)
			len = size - at;
		xread(fd, buf, len, at);
		xread(ref, want, len, at);
		if (memcmp(buf, want, len))
			die("%s: %zu bytes at %lld are not what was written",
			    argv[0], len, (long long)at);
	}
	return 0;
}
