// SPDX-License-Identifier: GPL-2.0
/*
 * Legs that are replaced while they stay in the array: whatever happens on the
 * way, one of the two devices can take the role, and it has all data.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_replace.h"
#include "unit.h"

/* The new device alone has all of it: the others may go. */
static void replaced(const struct shape *shape)
{
	u32 run, leg;

	for (run = 0; run < 6 && !unit_failed(); run++) {
		start_array(shape);
		leg = random_leg();
		CHECK(!replace(leg, 3));
		CHECK(!raid->twin.active);
		CHECK(raid->legs[leg].media == new_device());
		CHECK(raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_IN_SYNC);
		model.legs[leg].dead = true;
		random_writes(10);
		verify();
		verify_redundancy();
		/* Lose as many others as can be lost. */
		model.legs[(leg + 1) % shape->legs].dead = true;
		CHECK(!raid_leg_fail(raid, (leg + 1) % shape->legs, NULL));
		verify();
		random_writes(5);
		verify();
		model.legs[leg].dead = false;
		model.legs[(leg + 1) % shape->legs].dead = false;
		/* Alone, it knows of nobody. */
		CHECK(shape->legs == 2 ||
		      assemble_with(leg, &model.legs[leg],
				    1U << (leg + 1) % shape->legs) ==
		      RAID_REFUSE_STALE);
		CHECK(assemble_with(leg, new_device(),
				    1U << (leg + 1) % shape->legs) ==
		      RAID_ACCEPTED);
		verify();
	}
}

static void test_replaced(void)
{
	each_shape(replaced);
}

/* The former leg is not the array's any more, even if all others are as old. */
static void former_leg(const struct shape *shape)
{
	struct model_leg *devices[RAID_MAX_LEGS] = {};

	start_array(shape);
	CHECK(!replace(0, 0));
	devices[0] = &model.legs[0];
	devices[1] = &model.legs[1];
	CHECK(assemble(devices) == RAID_REFUSE_STALE);
	CHECK(assemble_with(0, &model.legs[0], 0) == RAID_REFUSE_STALE);
	CHECK(assemble_with(0, new_device(), 0) == RAID_ACCEPTED);
}

static void test_former_leg(void)
{
	each_shape(former_leg);
}

/* Unreadable pages of the leg come from the others, as long as these have them. */
static void poisoned_leg(const struct shape *shape)
{
	u64 first = 0, page;
	u32 run, leg, clears;

	for (run = 0; run < 6 && !unit_failed(); run++) {
		start_array(shape);
		leg = random_leg();
		first = plan.data_offset / RAID_PAGE_SIZE;
		clears = run % 2;
		model.legs[leg].unclearable = !clears;
		for (page = first; page < first + PAGES; page++)
			model.legs[leg].poison[page] = !unit_random_below(2);
		/* Some of them get on the list, which is the role's. */
		random_writes(clears ? 0 : 6);
		/* What the new device has is no better, but can be cleared. */
		for (page = 0; page < new_device()->size / RAID_PAGE_SIZE; page++)
			new_device()->poison[page] = !unit_random_below(3);
		CHECK(!replace(leg, 2));
		model.legs[leg].dead = true;
		verify();
		verify_redundancy();
		CHECK(!raid->nr_bad);
		model.legs[(leg + 1) % shape->legs].dead = true;
		verify();
	}
}

static void test_poisoned_leg(void)
{
	each_shape(poisoned_leg);
}

/* A page that nobody has is lost, and says so on the new device, too. */
static void nobody_has(const struct shape *shape)
{
	struct raid_group group;
	u64 data[WORDS], page, g;
	u32 i, index, leg, missing = 0;

	start_array(shape);
	random_writes(60);
	for (i = 0; i < tolerance(); i++, missing++)
		CHECK(!raid_leg_fail(raid, i, NULL));
	for (leg = 0; leg < shape->legs &&
	     (raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_MISSING); leg++)
		;
	/* There has to be another one to record it. */
	if (leg + 1 >= shape->legs) {
		CHECK(raid_twin_begin(raid, leg, new_device(), new_uuid) ==
		      -EBUSY);
		return;
	}
	for (page = 0; page < PAGES; page++)
		model.legs[leg].poison[plan.data_offset / RAID_PAGE_SIZE +
				       page] = page % 2;
	CHECK(!replace(leg, 0));
	for (page = 0; page < plan.layout.size_pages; page++) {
		g = raid_layout_locate(&plan.layout, page, &index);
		raid_layout_group(&plan.layout, g, &group);
		if (!read_page(page, data))
			CHECK(!memcmp(data, expect[page], RAID_PAGE_SIZE));
		else
			CHECK(model.notes[RAID_NOTE_LOST] ||
			      model.notes[RAID_NOTE_STALE]);
	}
}

static void test_nobody_has(void)
{
	each_shape(nobody_has);
}

/* The new device fails at any time: the leg stays, no write fails. */
static void new_device_dies(const struct shape *shape)
{
	u32 run, leg;
	int err;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		leg = random_leg();
		new_device()->dies_in = 1 + (run < 30 ? unit_random_below(60) :
					     unit_random_below(900));
		err = replace(leg, 4);
		CHECK(raid->legs[leg].media ==
		      (err ? &model.legs[leg] : new_device()));
		CHECK(!raid->twin.active);
		/* As soon as it has the role, it is a leg that fails. */
		if (!err && new_device()->dead) {
			verify();
			continue;
		}
		CHECK(raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_IN_SYNC);
		random_writes(10);
		verify();
		verify_redundancy();
		/* Once more, with one that works. */
		new_device()->dies_in = 0;
		new_device()->dead = false;
		if (err)
			CHECK(!replace(leg, 2));
		verify();
		verify_redundancy();
	}
}

static void test_new_device_dies(void)
{
	each_shape(new_device_dies);
}

/* The leg dies meanwhile: the array goes on without it, the copy ends. */
static void leg_dies(const struct shape *shape)
{
	u32 run, leg;
	int err;

	for (run = 0; run < 40 && !unit_failed(); run++) {
		start_array(shape);
		leg = random_leg();
		model.legs[leg].dies_in = 1 + unit_random_below(60);
		err = replace(leg, 4);
		CHECK(err || raid->legs[leg].media == new_device());
		verify();
		if (!err || !model.legs[leg].dead)
			continue;
		CHECK(raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_MISSING);
		CHECK(raid_twin_commit(raid) == -ENODEV);
		raid_twin_end(raid);
		CHECK(!raid_leg_join(raid, leg, new_device(), new_uuid));
		random_writes(10);
		verify();
	}
}

static void test_leg_dies(void)
{
	each_shape(leg_dies);
}

/* What cannot be replaced so. */
static void refused(const struct shape *shape)
{
	u32 i;

	start_array(shape);
	CHECK(!raid_twin_begin(raid, 1, new_device(), new_uuid));
	CHECK(raid_twin_begin(raid, 0, new_device(), new_uuid) == -EBUSY);
	CHECK(raid_twin_begin(raid, 1, new_device(), new_uuid) == -EBUSY);
	raid_twin_end(raid);
	CHECK(raid_twin_commit(raid) == -ENODEV);
	CHECK(!raid_leg_fail(raid, 0, NULL));
	CHECK(raid_twin_begin(raid, 0, new_device(), new_uuid) == -EBUSY);
	random_writes(10);
	verify();
	/* Nobody to record it. */
	for (i = 2; shape->level == 1 && i < shape->legs; i++)
		CHECK(!raid_leg_fail(raid, i, NULL));
	if (shape->level == 1)
		CHECK(raid_twin_begin(raid, 1, new_device(), new_uuid) ==
		      -EBUSY);
	verify();
}

static void test_refused(void)
{
	each_shape(refused);
}

static const struct unit_test tests[] = {
	{ "raid_replace: the new device has all data", test_replaced },
	{ "raid_replace: the former leg is refused", test_former_leg },
	{ "raid_replace: pages of the leg are unreadable", test_poisoned_leg },
	{ "raid_replace: pages that nobody has", test_nobody_has },
	{ "raid_replace: the new device fails", test_new_device_dies },
	{ "raid_replace: the leg fails", test_leg_dies },
	{ "raid_replace: what is refused", test_refused },
};

int main(void)
{
	return replace_tests_run(tests, ARRAY_SIZE(tests));
}
