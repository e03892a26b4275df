// SPDX-License-Identifier: GPL-2.0
/*
 * pf rawio DEVICE LEN SECONDS SEED: direct reads and writes of the first LEN bytes
 * of a disk that comes and goes, against a model.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pf.h"

/* How long the disk may be away at the end. */
#define PATIENCE	30

/* A write that failed has changed the page, or has not. */
struct state {
	uint64_t seed, maybe;
};

static struct {
	const char *path;
	int fd;
	size_t nr;
	uint64_t rng;
	struct state *pages;
	char *buf;
	unsigned long done, failed;
} raw;

static bool reopen(int mode)
{
	if (raw.fd >= 0)
		close(raw.fd);
	raw.fd = open(raw.path, mode | O_DIRECT | O_CLOEXEC);
	if (raw.fd < 0)
		usleep(20000);
	return raw.fd >= 0;
}

static bool is_page(const char *buf, uint64_t seed)
{
	static char *want;

	if (!want)
		want = xalloc(PAGE);
	fill(want, PAGE, seed, 0);
	return !memcmp(buf, want, PAGE);
}

static bool write_page(size_t i)
{
	struct state *p = &raw.pages[i];
	uint64_t seed = rng(&raw.rng);

	fill(raw.buf, PAGE, seed, 0);
	if (pwrite(raw.fd, raw.buf, PAGE, i * PAGE) == PAGE) {
		p->seed = seed;
		p->maybe = seed;
		return true;
	}
	p->maybe = seed;
	return false;
}

static bool check_page(size_t i)
{
	struct state *p = &raw.pages[i];

	if (pread(raw.fd, raw.buf, PAGE, i * PAGE) != PAGE)
		return false;
	if (is_page(raw.buf, p->maybe))
		p->seed = p->maybe;
	else if (!is_page(raw.buf, p->seed))
		die("page %zu is neither what was written nor what was to be", i);
	p->maybe = p->seed;
	return true;
}

static void one_op(void)
{
	size_t i = rng(&raw.rng) % raw.nr;
	/* A second write that fails would leave three possibilities. */
	bool sure = raw.pages[i].seed == raw.pages[i].maybe;
	bool ok = sure && rng(&raw.rng) % 2 ? write_page(i) : check_page(i);

	if (ok)
		raw.done++;
	else
		raw.failed++;
	if (!ok || !(rng(&raw.rng) % 64))
		reopen(O_RDWR);
}

COMMAND(rawio)
{
	time_t end = time(NULL) + parse_size(argv[2]);
	size_t i;

	raw.path = argv[0];
	raw.fd = -1;
	raw.nr = parse_size(argv[1]) / PAGE;
	raw.rng = strtoull(argv[3], NULL, 0);
	raw.pages = xalloc(raw.nr * sizeof(*raw.pages));
	raw.buf = xalloc(PAGE);
	CHECK(reopen(O_RDWR), "%s", raw.path);
	for (i = 0; i < raw.nr; i++)
		CHECK(write_page(i), "%s", raw.path);
	say_ready();
	while (time(NULL) < end) {
		if (raw.fd >= 0 || reopen(O_RDWR))
			one_op();
	}
	end = time(NULL) + PATIENCE;
	for (i = 0; i < raw.nr; i++) {
		while (raw.fd < 0 || !check_page(i)) {
			CHECK(time(NULL) < end, "read of page %zu", i);
			/* Perhaps it was left read-only. */
			reopen(O_RDONLY);
		}
	}
	note("rawio: seed %s: %lu reads and writes, %lu failed, verified",
	     argv[3], raw.done, raw.failed);
	return 0;
}
