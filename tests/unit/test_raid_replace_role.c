// SPDX-License-Identifier: GPL-2.0
/*
 * Legs that are replaced: who has the role when handing it over does not go as it
 * should, and what the device that has it needs to know on its own.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_replace.h"
#include "unit.h"

static u32 all_but(u32 leg)
{
	return ((1U << plan.layout.nr_legs) - 1) & ~(1U << leg);
}

/* All of the leg is on the new device, and nothing but the role is missing. */
static void copied(const struct shape *shape, u32 leg)
{
	start_array(shape);
	random_writes(20);
	CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
	CHECK(!copy_all(1));
}

/*
 * The new device fails while it is given the role, and works again after a while: it
 * lacks what was written meanwhile, and must not be taken for the leg.
 */
static void new_device_fails(const struct shape *shape)
{
	u32 leg, when, failed = 0;

	for (leg = 0; leg < shape->legs; leg++) {
		for (when = 1; when < 5 && !unit_failed(); when++) {
			copied(shape, leg);
			new_device()->dies_in = when;
			if (!raid_twin_commit(raid))
				continue;
			failed++;
			CHECK(!raid->twin.active);
			random_writes(10);
			new_device()->dead = false;
			CHECK(judge_with(leg, new_device(), 0) !=
			      RAID_ACCEPTED);
			CHECK(assemble_with(leg, &model.legs[leg], 0) ==
			      RAID_ACCEPTED);
			verify();
			verify_redundancy();
		}
	}
	CHECK(failed);
}

static void test_new_device_fails(void)
{
	each_shape(new_device_fails);
}

/*
 * All others fail when they are to record who has the role. They say nothing about
 * what was written meanwhile, and must not be taken for an array with a device that
 * says no more than they do.
 */
static void others_fail(const struct shape *shape)
{
	u32 leg, i;

	for (leg = 0; leg < shape->legs && !unit_failed(); leg++) {
		copied(shape, leg);
		for (i = 0; i < shape->legs; i++)
			model.legs[i].dead = i != leg;
		CHECK(raid_twin_commit(raid) == -EIO);
		CHECK(raid->legs[leg].media == &model.legs[leg]);
		random_writes(shape->level == 1 ? 10 : 0);
		for (i = 0; i < shape->legs; i++)
			model.legs[i].dead = false;
		CHECK(judge_with(leg, new_device(), 0) == RAID_REFUSE_STALE);
		CHECK(assembly.culprit == leg);
		if (shape->level != 1)
			continue;
		CHECK(assemble_with(leg, &model.legs[leg], all_but(leg)) ==
		      RAID_ACCEPTED);
		verify();
	}
}

static void test_others_fail(void)
{
	each_shape(others_fail);
}

/*
 * Another leg fails when it is to record who has the role. The new device knows, even
 * when all that recorded it are lost: it is the other leg that is stale.
 */
static void new_device_speaks(const struct shape *shape)
{
	u32 leg, other, without;

	if (shape->level != 1 || shape->legs < 3)
		return;
	for (leg = 0; leg < shape->legs && !unit_failed(); leg++) {
		other = (leg + 1) % shape->legs;
		copied(shape, leg);
		model.legs[other].dead = true;
		CHECK(!raid_twin_commit(raid));
		raid_twin_finish(raid);
		random_writes(10);
		model.legs[other].dead = false;
		without = all_but(leg) & ~(1U << other);
		CHECK(judge_with(leg, new_device(), without) ==
		      RAID_REFUSE_STALE);
		CHECK(assembly.culprit == other);
		CHECK(assemble_with(leg, new_device(), all_but(leg)) ==
		      RAID_ACCEPTED);
		verify();
	}
}

static void test_new_device_speaks(void)
{
	each_shape(new_device_speaks);
}

static void poison_page(u64 page)
{
	u32 i;

	for (i = 0; i < plan.layout.nr_legs; i++)
		model.legs[i].poison[plan.data_offset / RAID_PAGE_SIZE + page] =
			POISON_FOR_GOOD;
}

/* What nobody could give to the new device is an error, also when it is alone. */
static void lost_alone(const struct shape *shape)
{
	u64 data[WORDS], page;
	u32 leg;

	if (shape->level != 1)
		return;
	for (leg = 0; leg < shape->legs && !unit_failed(); leg++) {
		start_array(shape);
		random_writes(60);
		page = unit_random_below(PAGES);
		CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
		poison_page(page);
		CHECK(!copy_all(0));
		CHECK(!raid_twin_commit(raid));
		raid_twin_finish(raid);
		CHECK(assemble_with(leg, new_device(), all_but(leg)) ==
		      RAID_ACCEPTED);
		CHECK(read_page(page, data));
	}
}

static void test_lost_alone(void)
{
	each_shape(lost_alone);
}

/* --- a leg that cannot be spared ------------------------------------------- */

static u32 stuck;

static u32 lose_others(u32 leg)
{
	u32 i, without = 0;

	for (i = 0; i < tolerance(); i++)
		without |= 1U << (leg + 1 + i) % plan.layout.nr_legs;
	for (i = 0; i < plan.layout.nr_legs; i++)
		if (without >> i & 1)
			raid_leg_fail(raid, i, NULL);
	return without;
}

/* Writes until one fails, which may have written anything of it. */
static void write_until_failure(void)
{
	u32 n;
	int err = 0;

	for (n = 0; n < 10 && !err; n++) {
		err = write_random();
		if (!err)
			land();
	}
}

/*
 * The leg that nothing can do without dies within a write, when the new device has
 * all it has: that takes the role, and what the leg's log had, too.
 */
static void leg_dies_last(const struct shape *shape)
{
	u32 leg, when, without;

	if (shape->level == 1)
		return;
	for (when = 1; when < 40 && !unit_failed(); when++) {
		start_array(shape);
		leg = random_leg();
		without = lose_others(leg);
		random_writes(20);
		CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
		CHECK(!copy_all(0));
		model.legs[leg].dies_in = when;
		write_until_failure();
		model.legs[leg].dead = true;
		/* Some can, with these others missing. */
		if (!raid_leg_live(raid, leg))
			continue;
		stuck += raid->broken;
		CHECK(!raid_twin_commit(raid));
		raid_twin_finish(raid);
		CHECK(assemble_with(leg, new_device(), without) ==
		      RAID_ACCEPTED);
		verify();
		verify_redundancy();
		random_writes(10);
		verify();
	}
}

static void test_leg_dies_last(void)
{
	stuck = 0;
	each_shape(leg_dies_last);
	CHECK(unit_failed() || stuck);
}

/* --- within a write -------------------------------------------------------- */

static bool handed_over, dies_then;

static void try_to_hand_over(void)
{
	handed_over = !raid_twin_commit(raid);
	if (handed_over)
		new_device()->dead = dies_then;
}

/*
 * The role is handed over within a write that the new device does not take, for one
 * bad page or for good. A bad page is no reason to go on without a leg; a leg that
 * failed must not be taken for one that has the data.
 */
static void refuses_while_handed_over(const struct shape *shape)
{
	u32 when, leg;
	u64 page;

	for (when = 0; when < 120 && !unit_failed(); when += 1 + when / 16) {
		leg = unit_random_below(shape->legs);
		copied(shape, leg);
		page = aim_at(leg);
		op.write.lo = 512;
		op.write.hi = 1024;
		if (!dies_then)
			new_device()->poison[page] = POISON_KNOWN;
		model.acquires = when;
		model.waits = true;
		model.other_cpu = try_to_hand_over;
		CHECK(!write_op());
		land();
		if (model.other_cpu)
			break;
		raid_twin_finish(raid);
		CHECK(raid->legs[leg].media ==
		      (handed_over ? new_device() : &model.legs[leg]));
		CHECK(raid_leg_live(raid, leg) || dies_then);
		CHECK(!handed_over || !model.notes[RAID_NOTE_TWIN]);
		model.legs[leg].dead = handed_over;
		verify();
		if (!dies_then)
			verify_redundancy();
	}
	model.other_cpu = NULL;
	CHECK(when > 3);
}

static void test_bad_page_while_handed_over(void)
{
	dies_then = false;
	each_shape(refuses_while_handed_over);
}

static void test_dies_while_handed_over(void)
{
	dies_then = true;
	each_shape(refuses_while_handed_over);
}

static const struct unit_test tests[] = {
	{ "raid_replace: the new device fails when it is to be the leg",
	  test_new_device_fails },
	{ "raid_replace: nobody records who has the role", test_others_fail },
	{ "raid_replace: only the new device knows who is stale",
	  test_new_device_speaks },
	{ "raid_replace: the new device alone knows what is lost",
	  test_lost_alone },
	{ "raid_replace: the leg dies when the new device has everything",
	  test_leg_dies_last },
	{ "raid_replace: a bad page while the role is handed over",
	  test_bad_page_while_handed_over },
	{ "raid_replace: the new device dies while the role is handed over",
	  test_dies_while_handed_over },
};

int main(void)
{
	return replace_tests_run(tests, ARRAY_SIZE(tests));
}
