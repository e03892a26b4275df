// SPDX-License-Identifier: GPL-2.0
/*
 * An entry of the intent log cannot be retired: its group may be half written, and
 * nothing is written any more, nor computed from what may not fit, until the next
 * assembly has replayed it. And then it has to be gone.
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

static u32 lose_legs(void)
{
	u32 i, without = 0, first = random_leg();

	for (i = 0; i < tolerance(); i++)
		without |= 1U << (first + i) % plan.layout.nr_legs;
	for (i = 0; i < plan.layout.nr_legs; i++)
		if (without >> i & 1)
			raid_leg_fail(raid, i, NULL);
	return without;
}

static enum raid_refusal assemble_without(u32 legs)
{
	return assemble_with(0, &model.legs[0], legs);
}

static u32 fail_within_write(const struct shape *shape, bool degraded)
{
	static u32 without;

	start_array(shape);
	random_writes(30);
	without = degraded ? lose_legs() : 0;
	if (!setjmp(model.crash)) {
		model_arm(unit_random_below(16));
		random_writes(10);
	}
	model_lose_power();
	return without;
}

/*
 * What was replayed is gone before others write: power fails again, and it would be
 * replayed once more, with data that is not of its time.
 */
static void replayed_once(const struct shape *shape)
{
	struct raid_buf *first = buf, *second;
	static u32 without;
	volatile u32 run;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		without = fail_within_write(shape, true);
		CHECK(assemble_without(without) == RAID_ACCEPTED);
		/* On another CPU, whose fences are its own. */
		model.thread = 1;
		verify();
		second = model_buf(first->slot + 1);
		buf = second;
		random_writes(20);
		model.thread = 0;
		buf = first;
		model_free_buf(second);
		model_lose_power();
		CHECK(assemble_without(without) == RAID_ACCEPTED);
		verify();
		verify_redundancy();
	}
}

static void test_replayed_once(void)
{
	each_shape(replayed_once);
}

static bool is_data(u64 offset)
{
	return offset >= plan.data_offset;
}

static bool has_entry(u32 leg)
{
	const struct model_leg *m = &model.legs[leg];
	u64 first[2];
	u32 copy;

	for (copy = 0; copy < 2; copy++)
		memcpy(&first[copy], m->mem + plan.log_offset +
		       copy * PINFOLD_RAID_LOG_COPY +
		       buf->slot * RAID_PAGE_SIZE, 8);
	return first[0] || first[1];
}

static u32 entries;

/* At the first look at anything after an entry has gone from one leg. */
static void fails_when_wiped(void)
{
	u32 i;

	model.meanwhile = fails_when_wiped;
	for (i = 0; i < plan.layout.nr_legs; i++)
		if (entries >> i & 1 && !has_entry(i))
			longjmp(model.crash, 1);
}

/* What is replayed is durable before the entry goes: power fails again just then. */
static void replay_interrupted(const struct shape *shape)
{
	static u32 without, i;
	volatile u32 run;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		without = fail_within_write(shape, run % 2);
		for (entries = 0, i = 0; i < plan.layout.nr_legs; i++)
			if (!(without >> i & 1) && has_entry(i))
				entries |= 1U << i;
		if (!setjmp(model.crash)) {
			model.meanwhile_loading = true;
			model.meanwhile = fails_when_wiped;
			assemble_without(without);
		}
		model.meanwhile = NULL;
		model.meanwhile_loading = false;
		model.loses = is_data;
		model_lose_power();
		model.loses = NULL;
		CHECK(assemble_without(without) == RAID_ACCEPTED);
		verify();
		verify_redundancy();
	}
}

static void test_replay_interrupted(void)
{
	each_shape(replay_interrupted);
}

static const struct unit_test tests[] = {
	{ "raid_stuck: nothing is written, mended or copied",
	  test_not_written_not_copied },
	{ "raid_stuck: nothing is rebuilt", test_not_rebuilt },
	{ "raid_stuck: what was replayed stays away", test_replayed_once },
	{ "raid_stuck: power fails within the replay", test_replay_interrupted },
};

int main(void)
{
	return replace_tests_run(tests, ARRAY_SIZE(tests));
}
