// SPDX-License-Identifier: GPL-2.0
/* Pages of DAX files move on the media under devices that keep writing to them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/pinfold.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "move.h"
#include "pin.h"

#define PAGES	32UL
#define LEN	(PAGES * PAGE)

struct pinned {
	int fd;
	char *map;
	int disk;
	int dev[2];
	uint32_t id[2];
	uint64_t moves;
};

static int open_disk(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", getenv("PF_DISK") ?: "pmem0");
	return xopen(path, O_RDONLY);
}

/* Two devices on the same pages, each in slots of its own. */
static void pinned_start(struct pinned *p, const char *path, const char *kind)
{
	int i;

	p->fd = xcreate(path, LEN);
	p->map = map_shared(p->fd, LEN);
	p->disk = open_disk();
	p->moves = 0;
	paint(p->map, LEN, 9);
	for (i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "reloc-%d", i);
		p->dev[i] = dev_open(name, i ? kind : "quiet", PIN_DEVICE_IO,
				     i);
		p->id[i] = dev_pin(p->dev[i], p->map, LEN);
		dev_run(p->dev[i], true);
	}
}

/* @step pages at a time; the file is in one piece. */
static struct move_result move_file(struct pinned *p, int op, uint64_t step)
{
	struct move_result r = { };
	uint64_t i;

	for (i = 0; i < PAGES; i += step)
		CHECK_EQ(move_range(p->disk, op, extent_of(p->fd, i),
				    step * PAGE, &r), 0, "PINFOLD_IOC_MOVE");
	p->moves += r.moved;
	return r;
}

static void pinned_check(struct pinned *p)
{
	int i;

	for (i = 0; i < 2; i++)
		dev_check(p->dev[i], p->id[i], PAGES, "pin of a moved file");
	check_paint(p->map, LEN, 9, "moved file");
}

static void pinned_end(struct pinned *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		dev_round(p->dev[i], p->id[i]);
		dev_run(p->dev[i], false);
	}
	pinned_check(p);
	for (i = 0; i < 2; i++)
		check_slots(p->dev[i], p->id[i], p->map, LEN, i,
			    "what a device wrote to a moved file");
	munmap(p->map, LEN);
	for (i = 0; i < 2; i++)
		close(p->dev[i]);
	close(p->disk);
	close(p->fd);
}

static void follows(const char *path, const char *kind, int rounds)
{
	struct move_result r;
	struct pinned p;
	uint64_t before;
	int i;

	pinned_start(&p, path, kind);
	for (i = 0; i < rounds; i++) {
		before = dev_pfn(p.dev[0], p.id[0], PAGES - 1);
		r = move_file(&p, i % 2 ? PINFOLD_MOVE_RESTORE :
					  PINFOLD_MOVE_RELOCATE,
			      i % 4 == 1 ? 1 : PAGES);
		CHECK_EQ(r.failed, 0, "pages in use");
		CHECK_EQ(r.moved, PAGES, "pages moved");
		CHECK(dev_pfn(p.dev[0], p.id[0], PAGES - 1) != before,
		      "the pin did not follow");
		CHECK_EQ(dev_pfn(p.dev[0], p.id[0], 0),
			 dev_pfn(p.dev[1], p.id[1], 0), "both pins");
		/* Touched again, or found by the device alone. */
		if (i % 4 > 1)
			pinned_check(&p);
		dev_round(p.dev[0], p.id[0]);
	}
	pinned_end(&p);
	note("tried %llu moves", (unsigned long long)p.moves);
	note("%llu moves under two devices, %s: ok",
	     (unsigned long long)p.moves, kind);
}

static void refused(const char *path)
{
	struct move_result r = { };
	struct pinned p;

	pinned_start(&p, path, "refusing");
	CHECK_EQ(move_range(p.disk, PINFOLD_MOVE_RELOCATE, extent_of(p.fd, 0),
			    PAGE, &r), 0, "PINFOLD_IOC_MOVE");
	CHECK_EQ(r.moved, 0, "moved against the pinner's will");
	CHECK_EQ(r.error, EBUSY, "why");
	CHECK(!strcmp(r.blocker, "reloc-1"), "who: '%s'", r.blocker);
	/* And when it has changed its mind: */
	dev_behave(p.dev[1], "quiet");
	r = move_file(&p, PINFOLD_MOVE_RELOCATE, PAGES);
	CHECK_EQ(r.moved, PAGES, "pages moved after all");
	pinned_end(&p);
	note("a pinner that refuses: ok");
}

/* The registry's own call ends at the driver. */
static void by_registry(const char *path)
{
	struct pinned p;
	uint64_t pfn;

	pinned_start(&p, path, "quiet");
	pfn = dev_pfn(p.dev[0], p.id[0], 3);
	CHECK_EQ(dev_move(p.dev[0], pfn, 1), 0, "pin_registry_move");
	CHECK(dev_pfn(p.dev[0], p.id[0], 3) != pfn, "the page did not move");
	pinned_end(&p);
	note("pin_registry_move: ok");
}

/* pf pin relocate FILE: on a pinfold disk with spare pages, $PF_DISK */
PIN_TEST(relocate)
{
	follows(path, "quiet", 8 * scale());
	follows(path, "atomic", 4 * scale());
	follows(path, "general", 4 * scale());
	follows(path, "slow", 2);
	refused(path);
	by_registry(path);
	unlink(path);
}
