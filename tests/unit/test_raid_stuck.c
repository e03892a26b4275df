// SPDX-License-Identifier: GPL-2.0
/*
 * An entry of the intent log cannot be retired: its group may be half written, and
 * nothing is written any more, nor computed from what may not fit, until the next
 * assembly has replayed it.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_replace.h"
#include "unit.h"

/* A device that is new now would not have the entry. */
static void not_written_not_copied(const struct shape *shape)
{
	u32 leg;
	u64 page;

	for (leg = 0; leg < shape->legs && !unit_failed(); leg++) {
		start_array(shape);
		page = aim_at(leg);
		CHECK(!write_op());
		land();
		raid_stop_writing(raid);
		CHECK(model.notes[RAID_NOTE_BROKEN] == 1);
		op.write.nr = 1;
		CHECK(write_op() == -EIO);
		op.write.nr = 0;
		CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
		CHECK(copy_all(0) == -ENXIO);
		model.legs[leg].poison[page] = POISON_KNOWN;
		verify();
		CHECK(model.legs[leg].poison[page] == POISON_KNOWN);
	}
}

static void test_not_written_not_copied(void)
{
	each_shape(not_written_not_copied);
}

static void not_rebuilt(const struct shape *shape)
{
	struct raid_group group;
	u32 leg;

	for (leg = 0; leg < shape->legs && !unit_failed(); leg++) {
		start_array(shape);
		aim_at(leg);
		CHECK(!write_op());
		land();
		CHECK(!raid_leg_fail(raid, leg, NULL));
		CHECK(!raid_leg_join(raid, leg, new_device(), new_uuid));
		raid_stop_writing(raid);
		raid_layout_group(&plan.layout, op.group, &group);
		CHECK(raid_group_rebuild(raid, &group, buf, leg) == -ENXIO);
	}
}

static void test_not_rebuilt(void)
{
	each_shape(not_rebuilt);
}

static const struct unit_test tests[] = {
	{ "raid_stuck: nothing is written, mended or copied",
	  test_not_written_not_copied },
	{ "raid_stuck: nothing is rebuilt", test_not_rebuilt },
};

int main(void)
{
	return replace_tests_run(tests, ARRAY_SIZE(tests));
}
