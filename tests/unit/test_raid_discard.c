// SPDX-License-Identifier: GPL-2.0
/* Regions that are forgotten: zero, durably, at once, and not while they are written. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_array.h"
#include "unit.h"

static u64 nr_regions(void)
{
	return raid_super_nr_regions(&plan);
}

static bool in_region(u64 page, u64 region)
{
	u32 index;

	return raid_layout_locate(&plan.layout, page, &index) /
	       plan.region_groups == region;
}

static void expect_zero(u64 region)
{
	u64 page;

	for (page = 0; page < plan.layout.size_pages; page++)
		if (in_region(page, region))
			memset(expect[page], 0, RAID_PAGE_SIZE);
}

static void forget_some(u32 nr)
{
	while (nr-- && !unit_failed()) {
		u64 region = unit_random_below(nr_regions());

		CHECK(!raid_region_forget(raid, region));
		CHECK(!raid_region_written(raid, region));
		expect_zero(region);
	}
}

static void forgotten(const struct shape *shape)
{
	u32 i, replayed;

	start_array(shape);
	for (i = 0; i < 30 && !unit_failed(); i++) {
		random_writes(10);
		forget_some(2);
		verify_all();
		verify_redundancy();
		if (i % 4 == 1)
			CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		if (i % 8 == 3) {
			join_again(0);
			CHECK(!rebuild(0));
		}
	}
}

static void test_forgotten(void)
{
	each_shape(forgotten);
}

/* Each region is as it was or zero, as a whole, and stays so. */
static void power(const struct shape *shape)
{
	volatile u32 run;
	u64 page, data[WORDS], region;
	static u64 zero[WORDS];
	u32 replayed, kept, gone;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(60);
		if (run % 3 == 0)
			CHECK(!raid_leg_fail(raid, 1, NULL));
		region = unit_random_below(nr_regions());
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(4 + 2 * plan.layout.nr_legs));
			CHECK(!raid_region_forget(raid, region));
			model_disarm();
			expect_zero(region);
		}
		model_lose_power();
		CHECK(assemble(run % 3 ? 0 : 2, 0, &replayed) == RAID_ACCEPTED);
		kept = 0;
		gone = 0;
		for (page = 0; page < plan.layout.size_pages; page++) {
			CHECK(!read_page(page, data));
			if (!in_region(page, region)) {
				CHECK(!memcmp(data, expect[page],
					      RAID_PAGE_SIZE));
				continue;
			}
			if (!memcmp(expect[page], zero, RAID_PAGE_SIZE))
				continue;
			if (memcmp(data, expect[page], RAID_PAGE_SIZE)) {
				CHECK(!memcmp(data, zero, RAID_PAGE_SIZE));
				gone++;
			} else {
				kept++;
			}
		}
		CHECK(!kept || !gone);
		if (gone)
			expect_zero(region);
		random_writes(20);
		verify_all();
		verify_redundancy();
	}
}

static void test_power(void)
{
	each_shape(power);
}

/* What another CPU does while a write has found its region written. */
static u64 victim;

static void forget_meanwhile(void)
{
	u32 i;

	/* It would wait for whoever holds one of these. */
	for (i = 0; i < RAID_GROUP_LOCKS; i++)
		if (raid->group_locks[i].locked)
			return;
	for (i = 0; i < RAID_REGION_LOCKS; i++)
		if (raid->region_locks[i].locked)
			return;
	if (raid->bitmap_lock.locked || raid->meta_lock.locked)
		return;
	CHECK(!raid_region_forget(raid, victim));
	expect_zero(victim);
}

/* Whenever a region is forgotten, a write that completes afterwards is there. */
static void racing(const struct shape *shape)
{
	struct op op;
	u32 run, index, replayed;

	start_array(shape);
	random_writes(60);
	for (run = 0; run < 150 && !unit_failed(); run++) {
		op = random_op();
		victim = raid_layout_locate(&plan.layout, op.page, &index) /
			 plan.region_groups;
		model.acquires = unit_random_below(6);
		model.other_cpu = forget_meanwhile;
		CHECK(!do_op(&op));
		model.other_cpu = NULL;
		land(&op);
		if (run % 10)
			continue;
		verify_all();
		verify_redundancy();
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		verify_all();
	}
}

static void test_racing(void)
{
	each_shape(racing);
}

/* A region is forgotten, and written again, in the middle of its rebuild. */
static void rebuilding(const struct shape *shape)
{
	struct raid_group group;
	u32 run;
	u64 g;

	for (run = 0; run < 20 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(100);
		join_again(0);
		for (g = 0; g < plan.layout.nr_groups; g++) {
			if (!(g % plan.region_groups) &&
			    raid_region_pass(raid, 0, g)) {
				g += plan.region_groups - 1;
				continue;
			}
			raid_layout_group(&plan.layout, g, &group);
			CHECK(!raid_group_rebuild(raid, &group, buf, 0));
			WRITE_ONCE(raid->sb.roles[0].synced, g + 1);
			if (unit_random_below(2)) {
				u64 region = g / plan.region_groups;

				CHECK(!raid_region_forget(raid, region));
				expect_zero(region);
				if (unit_random_below(2))
					random_writes(3);
			}
		}
		raid_leg_complete(raid, 0);
		verify_all();
		verify_redundancy();
	}
}

static void test_rebuilding(void)
{
	each_shape(rebuilding);
}

/* A leg that cannot be spared does not take it: nothing is forgotten. */
static void refused(const struct shape *shape)
{
	u64 region;
	u32 leg, replayed;

	start_array(shape);
	random_writes(100);
	for (leg = 0; leg < tolerance(); leg++)
		CHECK(!raid_leg_fail(raid, leg, NULL));
	for (leg = plan.layout.nr_legs - 1;
	     !raid_leg_live(raid, leg) || raid_enough_legs(&raid->sb, leg);
	     leg--)
		;
	model.legs[leg].dead = true;
	for (region = 0; region < nr_regions(); region++)
		if (raid_region_written(raid, region))
			CHECK(raid_region_forget(raid, region) == -EIO);
	model.legs[leg].dead = false;
	verify_all();
	CHECK(assemble(missing_legs(), 0, &replayed) == RAID_ACCEPTED);
	verify_all();
}

static void test_refused(void)
{
	each_shape(refused);
}

static const struct unit_test tests[] = {
	{ "raid_discard: forgotten regions are zero", test_forgotten },
	{ "raid_discard: power fails", test_power },
	{ "raid_discard: a region is forgotten while it is written",
	  test_racing },
	{ "raid_discard: a region is forgotten while it is rebuilt",
	  test_rebuilding },
	{ "raid_discard: a leg that is needed is gone", test_refused },
};

int main(void)
{
	return array_tests_run(tests, ARRAY_SIZE(tests));
}
