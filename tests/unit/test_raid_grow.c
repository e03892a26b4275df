// SPDX-License-Identifier: GPL-2.0
/* Arrays that become larger: what is there stays, what is new is zero. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_array.h"
#include "unit.h"

/* Legs that the array uses a part of; regions of four groups, the last one shorter. */
static void start_small(const struct shape *shape, u64 leg_pages)
{
	make_plan(shape);
	plan.region_groups = 4;
	plan.layout.leg_pages = leg_pages;
	CHECK(!raid_layout_init(&plan.layout));
	start_planned();
}

static int grow_to(u64 leg_pages)
{
	struct raid_super grown = raid->sb;

	if (raid_super_grow(&grown, leg_pages, model.legs[0].size))
		return -ENOSPC;
	return raid_grow(raid, &grown);
}

/* The plan is that of the array as it is. */
static void follow(void)
{
	plan.layout = raid->sb.layout;
	plan.bitmap_size = raid->sb.bitmap_size;
}

static void grown(const struct shape *shape)
{
	u32 replayed;
	u64 pages;

	start_small(shape, 2);
	for (pages = 2; pages <= PAGES && !unit_failed(); pages += 2) {
		CHECK(!grow_to(pages));
		CHECK(raid->sb.layout.leg_pages == pages);
		follow();
		verify_all();
		random_writes(30);
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		CHECK(raid->sb.layout.leg_pages == pages);
		verify_all();
		verify_redundancy();
	}
	CHECK(!raid->suspect && !model.notes[RAID_NOTE_BITMAP_LOST]);
}

static void test_grown(void)
{
	each_shape(grown);
}

/* A leg is missing meanwhile, and rebuilt then. */
static void degraded(const struct shape *shape)
{
	start_small(shape, 2);
	random_writes(20);
	CHECK(!raid_leg_fail(raid, 0, NULL));
	CHECK(!grow_to(PAGES));
	follow();
	random_writes(40);
	verify_all();
	join_again(0);
	CHECK(grow_to(PAGES) == -EBUSY);
	CHECK(!rebuild(0));
	verify_all();
	verify_redundancy();
}

static void test_degraded(void)
{
	each_shape(degraded);
}

/* It has its old size or its new one, and nothing is made up. */
static void power(const struct shape *shape)
{
	volatile u32 run, old = 0, new = 0;
	u32 replayed;

	for (run = 0; run < 80 && !unit_failed(); run++) {
		start_small(shape, 2 + run % 2 * 2);
		random_writes(30);
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(30));
			CHECK(!grow_to(PAGES));
			model_disarm();
			follow();
		}
		model_lose_power();
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		if (unit_failed())
			return;
		CHECK(plan.layout.leg_pages != PAGES ||
		      raid->sb.layout.leg_pages == PAGES);
		old += raid->sb.layout.leg_pages != PAGES;
		new += raid->sb.layout.leg_pages == PAGES;
		follow();
		CHECK(!raid->suspect);
		verify_all();
		random_writes(30);
		/* All legs know by now. */
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		CHECK(raid->sb.layout.leg_pages == plan.layout.leg_pages);
		verify_all();
		verify_redundancy();
	}
	CHECK(old && new);
}

static void test_power(void)
{
	each_shape(power);
}

/* A leg dies at some store: the array goes on without it, in either size. */
static void leg_dies(const struct shape *shape)
{
	u32 run, leg, replayed;
	u64 before;
	int err;

	for (run = 1; run < 30 && !unit_failed(); run++) {
		start_small(shape, 4);
		random_writes(20);
		leg = run % plan.layout.nr_legs;
		model.legs[leg].dies_in = run;
		before = raid->sb.layout.leg_pages;
		err = grow_to(PAGES);
		CHECK(raid->sb.layout.leg_pages == (err ? before : PAGES));
		model.legs[leg].dies_in = 0;
		follow();
		verify_all();
		random_writes(10);
		CHECK(assemble(missing_legs(), 0, &replayed) == RAID_ACCEPTED);
		CHECK(raid->sb.layout.leg_pages == plan.layout.leg_pages);
		verify_all();
	}
}

static void test_leg_dies(void)
{
	each_shape(leg_dies);
}

static void test_refused(void)
{
	static const struct shape shape = { 5, 3, 1 };
	struct raid_super sb;
	u64 room;

	make_plan(&shape);
	sb = plan;
	CHECK(raid_super_grow(&sb, PAGES - CHUNK, 64 << 20));
	sb = plan;
	CHECK(raid_super_grow(&sb, PAGES + 1, 64 << 20));
	sb = plan;
	CHECK(raid_super_grow(&sb, 1 << 20, 64 << 20));
	sb = plan;
	CHECK(!raid_super_grow(&sb, 0, 64 << 20));
	CHECK(sb.data_offset + sb.layout.leg_pages * RAID_PAGE_SIZE <= 64 << 20);
	CHECK(sb.layout.leg_pages > 1000);
	/* The bitmap has what is before the data. */
	room = (plan.data_offset - plan.bitmap_offset) / 8 *
	       PINFOLD_RAID_WORD_BITS * plan.region_groups;
	sb = plan;
	CHECK(!raid_super_grow(&sb, room, ~0ULL >> 1));
	sb = plan;
	CHECK(raid_super_grow(&sb, room + CHUNK, ~0ULL >> 1));
}

static const struct unit_test tests[] = {
	{ "raid_grow: every level", test_grown },
	{ "raid_grow: a leg is missing", test_degraded },
	{ "raid_grow: power fails", test_power },
	{ "raid_grow: a leg dies", test_leg_dies },
	{ "raid_grow: what does not fit", test_refused },
};

int main(void)
{
	return array_tests_run(tests, ARRAY_SIZE(tests));
}
