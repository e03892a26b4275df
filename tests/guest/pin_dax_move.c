// SPDX-License-Identifier: GPL-2.0
/*
 * Pinned pages of a DAX file move to those of another file and back; a device goes on
 * wherever they are. The test module moves, and the files stay as they are: nobody
 * looks at them in between.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "pin.h"

#define PAGES	64UL
#define LEN	(PAGES * PAGE)
#define CHUNK_PAGES	512
#define BIAS	1024		/* GUP_PIN_COUNTING_BIAS */

/* A file and where its pages are. */
struct place {
	char path[4096];
	int fd;
	char *map;
	uint64_t pfns[PAGES];
};

static void place_make(struct place *p, const char *path, const char *suffix)
{
	unsigned long i;

	snprintf(p->path, sizeof(p->path), "%s%s", path, suffix);
	p->fd = xcreate(p->path, LEN);
	p->map = map_shared(p->fd, LEN);
	paint(p->map, LEN, 9);
	for (i = 0; i < PAGES; i++)
		p->pfns[i] = pfn_of(p->map + i * PAGE);
}

/* With a reference too many this does not return. */
static void place_end(struct place *p)
{
	munmap(p->map, LEN);
	CHECK(!ftruncate(p->fd, 0), "truncate");
	close(p->fd);
	unlink(p->path);
}

/* How many pages from @at on are contiguous, and in one chunk, at both places? */
static unsigned long run_at(const struct place *a, const struct place *b,
			    unsigned long at)
{
	unsigned long n;

	for (n = 1; at + n < PAGES; n++) {
		if (a->pfns[at + n] != a->pfns[at] + n ||
		    b->pfns[at + n] != b->pfns[at] + n ||
		    a->pfns[at + n] % CHUNK_PAGES == 0 || b->pfns[at + n] % CHUNK_PAGES == 0)
			break;
	}
	return n;
}

static int move_run(int dev, const struct place *shown, const struct place *from,
		    const struct place *to, unsigned long at, unsigned long nr,
		    struct pf_move_dax *m)
{
	*m = (struct pf_move_dax){
		.src = from->pfns[at],
		.dst = to->pfns[at],
		.nr = nr,
		.offset = at,
		.fd = shown->fd,
		.timeout_ms = 5000,
		.change_mind = m->change_mind,
	};
	return dev_ioctl(dev, PF_MOVE_DAX, m);
}

/* The whole file moves; @refs is the most of a page afterwards. */
static void move_all(int dev, const struct place *shown, const struct place *from,
		     const struct place *to, uint32_t refs)
{
	struct pf_move_dax m = { .nr = 0 };
	unsigned long at, nr;
	uint32_t most = 0;

	for (at = 0; at < PAGES; at += nr) {
		nr = run_at(from, to, at);
		CHECK_EQ(move_run(dev, shown, from, to, at, nr, &m), 0, "move");
		CHECK_EQ(m.src_refs, 1, "references left behind");
		if (m.dst_refs > most)
			most = m.dst_refs;
	}
	CHECK_EQ(most, refs, "references that moved");
}

/* Two devices with user pins, one inside the other, and one with a kernel pin. */
struct crew {
	int outer, inner, kernel;
	uint32_t outer_id, inner_id, kernel_id;
};

#define INNER	8	/* first page and number of them */

static void crew_make(struct crew *c, const struct place *a)
{
	c->outer = dev_open("outer", "quiet", PIN_DEVICE_IO, 0);
	c->inner = dev_open("inner", "atomic", PIN_CROSS_SYSTEM, 1);
	c->kernel = dev_open("kernel", "quiet", PIN_DEVICE_IO, 2);
	c->outer_id = dev_pin(c->outer, a->map, LEN);
	c->inner_id = dev_pin(c->inner, a->map + INNER * PAGE, INNER * PAGE);
	c->kernel_id = dev_pin_pfns(c->kernel, a->pfns[1], 1);
	dev_run(c->outer, true);
	dev_run(c->inner, true);
	dev_run(c->kernel, true);
}

/* They are there, at work, and nothing was taken from them. */
static void crew_check(struct crew *c, const struct place *at, const char *what)
{
	unsigned long i;

	dev_round(c->outer, c->outer_id);
	dev_round(c->inner, c->inner_id);
	dev_round(c->kernel, c->kernel_id);
	dev_check(c->outer, c->outer_id, PAGES, what);
	dev_check(c->inner, c->inner_id, INNER, what);
	dev_check(c->kernel, c->kernel_id, 1, what);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(dev_pfn(c->outer, c->outer_id, i), at->pfns[i], what);
	CHECK_EQ(dev_pfn(c->kernel, c->kernel_id, 0), at->pfns[1], what);
	CHECK_EQ(dev_report(c->outer, c->outer_id).calls[PF_REVOKE], 0, what);
	CHECK_EQ(dev_report(c->inner, c->inner_id).calls[PF_REVOKE], 0, what);
}

static void crew_end(struct crew *c, const struct place *a)
{
	dev_run(c->outer, false);
	dev_run(c->inner, false);
	dev_run(c->kernel, false);
	check_slots(c->outer, c->outer_id, a->map, LEN, 0, "moved and back");
	check_slots(c->inner, c->inner_id, a->map + INNER * PAGE, INNER * PAGE, 1,
		    "moved and back");
	check_paint(a->map, LEN, 9, "moved and back");
	close(c->outer);
	close(c->inner);
	close(c->kernel);
}

/* What does not move, and why; nothing has happened then. */
static void refused(struct crew *c, const struct place *a, const struct place *b)
{
	struct pf_move_dax m = { .nr = 0 };
	int dev = dev_open("there", "quiet", PIN_DEVICE_IO, 3);
	uint32_t id = dev_pin(dev, b->map, LEN);
	uint32_t before;

	CHECK_EQ(move_run(dev, a, a, b, 0, 1, &m), -EBUSY, "to a pinned page");
	CHECK_EQ(m.dst_refs, 1 + BIAS, "references of a pinned page");
	CHECK_EQ(dev_report(c->outer, c->outer_id).calls[PF_PREPARE], 0,
		 "asked in vain");
	dev_unpin(dev, id);
	id = dev_pin_pfns(dev, b->pfns[0], 1);
	CHECK_EQ(move_run(dev, a, a, b, 0, 1, &m), -EBUSY, "to a kernel's page");
	dev_unpin(dev, id);
	CHECK_EQ(move_run(dev, a, a, a, 0, 1, &m), -EINVAL, "to itself");
	dev_behave(c->outer, "refusing");
	CHECK_EQ(move_run(dev, a, a, b, INNER, 1, &m), -EBUSY, "refused");
	dev_behave(c->outer, "quiet");
	before = dev_report(c->outer, c->outer_id).calls[PF_ABORT];
	m.change_mind = 1;
	CHECK_EQ(move_run(dev, a, a, b, INNER, 1, &m), -ECANCELED, "aborted");
	CHECK_EQ(m.src_refs, 1 + 2 * BIAS, "references after an abort");
	CHECK_EQ(m.dst_refs, 1, "references of where it did not go");
	CHECK_EQ(dev_report(c->outer, c->outer_id).calls[PF_ABORT], before + 1,
		 "told of the abort");
	close(dev);
	crew_check(c, a, "after refusals");
}

/* Pins and unpins where the pages go to, until it is killed. */
static void intrude(const struct place *b)
{
	int dev = dev_open("intruder", "quiet", PIN_DEVICE_IO, 4);
	uint32_t id;

	for (;;) {
		int err = dev_try_pin(dev, PF_USER, (uintptr_t)b->map, LEN, 0,
				      &id);

		if (!err)
			err = dev_try_unpin(dev, id);
		CHECK(!err || err == -EAGAIN, "intruder: %s", strerror(-err));
	}
}

/* Nobody is where pages arrive, however they try. */
static void contended(struct crew *c, const struct place *a,
		      const struct place *b)
{
	unsigned long n = 40 * scale(), moved = 0, busy = 0;
	struct pf_move_dax m = { .nr = 0 };
	pid_t pid = xfork();
	int err;

	if (!pid)
		intrude(b);
	/* Until they have met. */
	while (moved < n || (!busy && moved < 1000 * n)) {
		err = move_run(c->outer, a, a, b, INNER, 1, &m);
		busy += err == -EBUSY || err == -EAGAIN;
		if (err == -EBUSY || err == -EAGAIN)
			continue;
		CHECK_EQ(err, 0, "move beside an intruder");
		CHECK_EQ(m.src_refs, 1, "references left behind");
		moved++;
		WAIT_FOR(!move_run(c->outer, a, b, a, INNER, 1, &m), "back");
	}
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, NULL, 0) == pid, "wait");
	note("%lu moves beside an intruder, who was in the way %lu times", moved,
	     busy);
	CHECK(busy > 0, "the intruder was never there");
}

/* pf pin dax_move FILE: pinned pages of a DAX file move, and move back */
PIN_TEST(dax_move)
{
	static struct place a, b;
	struct crew c;
	int round;

	place_make(&a, path, "");
	place_make(&b, path, ".there");
	crew_make(&c, &a);
	refused(&c, &a, &b);
	for (round = 0; round < 3; round++) {
		move_all(c.outer, &a, &a, &b, 1 + 2 * BIAS);
		crew_check(&c, &b, "away");
		move_all(c.outer, &a, &b, &a, 1 + 2 * BIAS);
		crew_check(&c, &a, "back");
	}
	contended(&c, &a, &b);
	crew_check(&c, &a, "after an intruder");
	crew_end(&c, &a);
	place_end(&a);
	place_end(&b);
}
