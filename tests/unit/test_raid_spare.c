// SPDX-License-Identifier: GPL-2.0
/* Devices that wait for a leg to fail: what they were is forgotten, they are no leg. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <stdlib.h>
#include <string.h>

#include "raid_array.h"
#include "unit.h"

static struct model_leg device;

static void free_device(void)
{
	free(device.mem);
	free(device.dirty);
	free(device.poison);
	memset(&device, 0, sizeof(device));
}

/* Another leg's very image: superblocks, log and all. */
static void make_device(const struct model_leg *like)
{
	free_device();
	device.size = like->size;
	device.mem = malloc(device.size);
	device.dirty = calloc(1, device.size / RAID_PAGE_SIZE);
	device.poison = calloc(1, device.size / RAID_PAGE_SIZE);
	memcpy(device.mem, like->mem, device.size);
}

static enum raid_verdict verdict(void)
{
	static struct raid_super sb;
	static u64 page[WORDS];

	return raid_read_super(raid, &device, device.size, page, &sb);
}

static bool log_is_empty(void)
{
	u32 slot, copy;

	for (slot = 0; slot < PINFOLD_RAID_LOG_SLOTS; slot++)
		for (copy = 0; copy < 2; copy++)
			if (*(u64 *)(device.mem +
				     raid_log_offset(raid, slot, copy)))
				return false;
	return true;
}

/* It is what it was, nothing, or a spare with an empty log; twice, with poison. */
static void marked(const struct shape *shape)
{
	enum raid_verdict found;
	volatile u32 run;
	u32 i;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(20);
		make_device(&model.legs[1]);
		for (i = 0; i < PINFOLD_RAID_LOG_SLOTS; i++)
			memset(device.mem + raid_log_offset(raid, i, i % 2), 7,
			       64);
		device.poison[raid_super_offset(run % 2) / RAID_PAGE_SIZE] =
			run % 3 == 0;
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(160));
			CHECK(!raid_spare_mark(raid, &device));
			model_disarm();
		} else {
			model_lose_power();
			mutex_init(&raid->meta_lock);
		}
		found = verdict();
		CHECK(found == RAID_SB_VALID || found == RAID_SB_SPARE ||
		      found > RAID_SB_TRUNCATED);
		CHECK(found != RAID_SB_SPARE || log_is_empty());
		CHECK(!raid_spare_mark(raid, &device));
		CHECK(verdict() == RAID_SB_SPARE && log_is_empty());
		device.poison[raid_super_offset(run % 2) / RAID_PAGE_SIZE] = 1;
		CHECK(verdict() == RAID_SB_SPARE);
		CHECK(!raid_spare_mend(raid, &device));
		device.poison[raid_super_offset(!(run % 2)) / RAID_PAGE_SIZE] =
			1;
		CHECK(verdict() == RAID_SB_SPARE);
		CHECK(!raid_spare_mend(raid, &device));
		CHECK(!raid_spare_forget(raid, &device));
		CHECK(verdict() == RAID_SB_NONE);
	}
}

static void test_marked(void)
{
	each_shape(marked);
	free_device();
}

/* A spare in the place of a leg is refused, and does not speak for the array. */
static void no_leg(const struct shape *shape)
{
	struct model_leg keep;
	u32 replayed;

	start_array(shape);
	random_writes(20);
	make_device(&model.legs[0]);
	CHECK(!raid_spare_mark(raid, &device));
	keep = model.legs[0];
	model.legs[0] = device;
	CHECK(assemble(0, 0, &replayed) == RAID_REFUSE_INVALID);
	model.legs[0] = keep;
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
}

static void test_no_leg(void)
{
	each_shape(no_leg);
	free_device();
}

/* Once taken it is in the others' superblocks before its own says so. */
static void taken(const struct shape *shape)
{
	const u8 uuid[RAID_UUID_SIZE] = { 0x55 };
	static struct raid_super sb;
	static u64 page[WORDS];
	volatile u32 run;
	u32 replayed, i, known;

	for (run = 0; run < 40 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(30);
		CHECK(!raid_leg_fail(raid, 0, NULL));
		make_device(&model.legs[0]);
		CHECK(!raid_spare_mark(raid, &device));
		raid->legs[0].media = NULL;
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(40));
			CHECK(!raid_leg_join(raid, 0, &device, uuid));
			model_disarm();
		} else {
			model_lose_power();
		}
		if (verdict() != RAID_SB_VALID)
			continue;
		for (i = 1, known = 0; i < plan.layout.nr_legs; i++) {
			CHECK(raid_read_super(raid, &model.legs[i],
					      model.legs[i].size, page, &sb) ==
			      RAID_SB_VALID);
			known += sb.roles[0].uuid[0] == 0x55;
		}
		CHECK(known);
	}
	if (unit_failed())
		return;
	start_array(shape);
	random_writes(30);
	CHECK(!raid_leg_fail(raid, 0, NULL));
	make_device(&model.legs[0]);
	memset(device.mem + plan.data_offset, 0x3c,
	       device.size - plan.data_offset);
	CHECK(!raid_spare_mark(raid, &device));
	raid->legs[0].media = NULL;
	CHECK(!raid_leg_join(raid, 0, &device, uuid));
	CHECK(!rebuild(0));
	verify_all();
	verify_redundancy();
	memcpy(model.legs[0].mem, device.mem, device.size);
	memset(model.legs[0].dirty, 1, device.size / RAID_PAGE_SIZE);
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
	verify_all();
}

static void test_taken(void)
{
	each_shape(taken);
	free_device();
}

static const struct unit_test tests[] = {
	{ "raid_spare: what a device was is forgotten before it is a spare",
	  test_marked },
	{ "raid_spare: a spare is no leg", test_no_leg },
	{ "raid_spare: a spare is taken, power fails", test_taken },
};

int main(void)
{
	return array_tests_run(tests, ARRAY_SIZE(tests));
}
