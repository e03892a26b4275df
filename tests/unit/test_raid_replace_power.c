// SPDX-License-Identifier: GPL-2.0
/*
 * Legs that are replaced: power failures, and the moment at which the new device
 * takes the role.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_replace.h"
#include "unit.h"

/* --- power failures ------------------------------------------------------- */

static u64 crashes, with_old, with_new;

/* What is there twice: superblocks and the list of bad pages. */
static bool spoils(u64 offset)
{
	return offset < plan.log_offset;
}

static u32 crash_runs(void)
{
	const char *runs = getenv("RUNS");

	return runs ? 10 * strtoul(runs, NULL, 0) : 100;
}

/*
 * One of the two devices is accepted with all the others, and has everything; the
 * other one is not, neither at once nor after the array was used.
 */
static void judge(u32 leg, u32 without)
{
	struct model_leg *device[2] = { &model.legs[leg], new_device() };
	u32 i, first = unit_random_below(2), accepted;

	CHECK((judge_with(leg, device[0], without) == RAID_ACCEPTED) !=
	      (judge_with(leg, device[1], without) == RAID_ACCEPTED));
	accepted = assemble_with(leg, device[first], without) == RAID_ACCEPTED ?
		   first : !first;
	if (accepted != first)
		CHECK(assemble_with(leg, device[accepted], without) ==
		      RAID_ACCEPTED);
	*(accepted ? &with_new : &with_old) += 1;
	verify();
	verify_redundancy();
	random_writes(4);
	for (i = 0; i < 2; i++)
		if (i != accepted)
			CHECK(assemble_with(leg, device[i], without) !=
			      RAID_ACCEPTED);
	CHECK(assemble_with(leg, device[accepted], without) == RAID_ACCEPTED);
	verify();
}

/* Power fails somewhere in all of it, or, @late, while the role is handed over. */
static void crash_once(const struct shape *shape, bool late)
{
	static u32 leg, without, other;

	start_array(shape);
	model.spoils = spoils;
	leg = random_leg();
	without = 0;
	/* Half of the time of a degraded array. */
	other = (leg + 1) % shape->legs;
	if (shape->legs > 2 && unit_random_below(2)) {
		CHECK(!raid_leg_fail(raid, other, NULL));
		without = 1U << other;
		random_writes(4);
	}
	spoil_log(leg);
	CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
	if (late) {
		CHECK(!copy_all(2));
		/* Writes after it are cut off as well. */
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(10 +
							 4 * shape->legs));
			CHECK(!raid_twin_commit(raid));
			random_writes(2);
		}
	} else {
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(800));
			CHECK(!copy_all(3));
			CHECK(!raid_twin_commit(raid));
			raid_twin_finish(raid);
			random_writes(1);
		}
	}
	model_disarm();
	crashes++;
	model_lose_power();
	model.spoils = NULL;
	judge(leg, without);
}

static void crash_shape(const struct shape *shape)
{
	u32 run;

	for (run = 0; run < crash_runs() && !unit_failed(); run++) {
		crash_once(shape, run % 3);
		if (unit_failed())
			printf("# run %u\n", run);
	}
}

static void test_power_failure(void)
{
	each_shape(crash_shape);
	printf("# %llu power failures, then %llu with the leg, %llu with the new device\n",
	       (unsigned long long)crashes, (unsigned long long)with_old,
	       (unsigned long long)with_new);
	CHECK(with_old && with_new);
}

/* --- races ---------------------------------------------------------------- */

static void hand_over_now(void)
{
	CHECK(!raid_twin_commit(raid));
}

/* The role is handed over at any time within a write: both devices have it. */
static void handed_over_while_writing(const struct shape *shape)
{
	u32 when, leg;

	for (when = 0; when < 120 && !unit_failed(); when++) {
		start_array(shape);
		random_writes(60);
		leg = random_leg();
		CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
		CHECK(!copy_all(0));
		model.acquires = when;
		model.waits = true;
		model.other_cpu = hand_over_now;
		CHECK(!write_random());
		land();
		if (model.other_cpu)
			break;
		raid_twin_finish(raid);
		CHECK(raid->legs[leg].media == new_device());
		model.legs[leg].dead = true;
		verify();
		verify_redundancy();
	}
	model.other_cpu = NULL;
	CHECK(when > 3);
}

static void test_handed_over_while_writing(void)
{
	each_shape(handed_over_while_writing);
}

static void hand_over_and_fail(void)
{
	model.thread++;
	CHECK(!raid_twin_commit(raid));
	model.thread--;
	model_arm(unit_random_below(12));
}

/* The same, and power fails before the write is complete. */
static void crash_after_hand_over(const struct shape *shape)
{
	static u32 leg;
	volatile u32 run;

	for (run = 0; run < crash_runs() && !unit_failed(); run++) {
		start_array(shape);
		random_writes(60);
		leg = random_leg();
		CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
		CHECK(!copy_all(0));
		model.acquires = unit_random_below(60);
		model.waits = true;
		model.other_cpu = hand_over_and_fail;
		if (!setjmp(model.crash)) {
			CHECK(!write_random());
			land();
		}
		model.other_cpu = NULL;
		model.thread = 0;
		model_lose_power();
		judge(leg, 0);
	}
}

static void test_crash_after_hand_over(void)
{
	each_shape(crash_after_hand_over);
}

static void power_fails_now(void)
{
	longjmp(model.crash, 1);
}

/*
 * The role is handed over within a write to a page that is bad on the new device, and
 * power fails when it is not bad any more, and has no data yet.
 */
static void crash_while_clearing(const struct shape *shape)
{
	static u32 leg, when, cleared;

	cleared = 0;
	for (when = 0; when < 100 && !unit_failed(); when += 1 + when / 16) {
		start_array(shape);
		random_writes(40);
		leg = random_leg();
		CHECK(!raid_twin_begin(raid, leg, new_device(), new_uuid));
		CHECK(!copy_all(0));
		new_device()->poison[aim_at(leg)] = POISON_KNOWN;
		model.acquires = when;
		model.waits = true;
		model.other_cpu = hand_over_now;
		model.meanwhile = power_fails_now;
		model.meanwhile_clearing = true;
		if (!setjmp(model.crash)) {
			CHECK(!write_op());
			land();
		} else {
			cleared++;
		}
		model.meanwhile = NULL;
		model.other_cpu = NULL;
		model_lose_power();
		judge(leg, 0);
	}
	CHECK(cleared > 3);
}

static void test_crash_while_clearing(void)
{
	each_shape(crash_while_clearing);
}

static const struct unit_test tests[] = {
	{ "raid_replace: power failures", test_power_failure },
	{ "raid_replace: the role is handed over within a write",
	  test_handed_over_while_writing },
	{ "raid_replace: the role is handed over within a write, power fails",
	  test_crash_after_hand_over },
	{ "raid_replace: power fails while a page of the new leg is cleared",
	  test_crash_while_clearing },
};

int main(void)
{
	return replace_tests_run(tests, ARRAY_SIZE(tests));
}
