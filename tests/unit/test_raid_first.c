// SPDX-License-Identifier: GPL-2.0
/*
 * First writes to a region, two at a time, or while a leg is rebuilt: zeroing the
 * region comes before either's data, and reaches each leg that will be in sync.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_replace.h"
#include "unit.h"

static struct raid_buf *other_buf;
static u64 other_group;
static int other_err;

/* A write to the other group of the region, all of it. */
static void first_write_beside(void)
{
	struct raid_write write = {
		.nr = plan.layout.nr_data, .hi = RAID_PAGE_SIZE,
	};
	struct raid_group group;
	u32 i, w;

	other_err = raid_region_begin(raid, other_group);
	if (other_err)
		return;
	for (i = 0; i < write.nr; i++)
		for (w = 0; w < WORDS; w++)
			((u64 *)other_buf->new[i])[w] = 0x0123456789abcdefULL;
	raid_layout_group(&plan.layout, other_group, &group);
	other_err = raid_group_write(raid, &group, other_buf, &write);
}

static void expect_other(void)
{
	u64 page;
	u32 index, w;

	for (page = 0; page < plan.layout.size_pages; page++)
		if (raid_layout_locate(&plan.layout, page, &index) ==
		    other_group)
			for (w = 0; w < WORDS; w++)
				expect[page][w] = 0x0123456789abcdefULL;
}

/* An array, and a region of it that was not written yet. */
static void new_array(const struct shape *shape)
{
	u64 page;

	do {
		start_array(shape);
		for (page = 0; page < plan.layout.nr_groups &&
		     raid_group_written(raid, page); page++)
			;
	} while (!unit_failed() && page == plan.layout.nr_groups);
	op.group = page;
	op.write = (struct raid_write){
		.nr = plan.layout.nr_data, .hi = RAID_PAGE_SIZE,
	};
	other_group = page ^ 1;
	other_err = 0;
}

static void two_at_a_time(const struct shape *shape)
{
	u32 when;

	for (when = 0; when < 80 && !unit_failed(); when += 1 + when / 8) {
		new_array(shape);
		model.acquires = when;
		model.waits = true;
		model.other_cpu = first_write_beside;
		CHECK(!write_op());
		land();
		/* It never came to it. */
		if (model.other_cpu)
			break;
		CHECK(!other_err);
		expect_other();
		verify();
		verify_redundancy();
	}
	model.other_cpu = NULL;
	CHECK(when > 3);
}

static void test_two_at_a_time(void)
{
	each_shape(two_at_a_time);
}

static u32 rebuilt;

static void pass_beside(void)
{
	raid_region_pass(raid, rebuilt, op.group & ~1ULL);
}

static void rebuild_until(u64 end)
{
	struct raid_role *role = &raid->sb.roles[rebuilt];
	struct raid_group group;

	while (role->synced < end) {
		raid_layout_group(&plan.layout, role->synced, &group);
		CHECK(!raid_group_rebuild(raid, &group, buf, rebuilt));
		WRITE_ONCE(role->synced, role->synced + 1);
	}
}

/* A leg is rebuilt, and comes to the region, which it may or may not pass over. */
static void passed_by(const struct shape *shape)
{
	u32 when;

	for (when = 0; when < 80 && !unit_failed(); when += 1 + when / 8) {
		new_array(shape);
		rebuilt = unit_random_below(shape->legs);
		CHECK(!raid_leg_fail(raid, rebuilt, NULL));
		CHECK(!raid_leg_join(raid, rebuilt, new_device(), new_uuid));
		rebuild_until(op.group & ~1ULL);
		model.acquires = when;
		model.waits = true;
		model.other_cpu = pass_beside;
		CHECK(!write_op());
		land();
		if (model.other_cpu)
			break;
		rebuild_until(plan.layout.nr_groups);
		raid_leg_complete(raid, rebuilt);
		verify();
		verify_redundancy();
	}
	model.other_cpu = NULL;
	CHECK(when > 3);
}

static void test_passed_by(void)
{
	each_shape(passed_by);
}

static const struct unit_test tests[] = {
	{ "raid_first: two writes at a time", test_two_at_a_time },
	{ "raid_first: a rebuild passes by", test_passed_by },
};

int main(void)
{
	int failed;

	other_buf = model_buf(4);
	failed = replace_tests_run(tests, ARRAY_SIZE(tests));
	model_free_buf(other_buf);
	return failed;
}
