// SPDX-License-Identifier: GPL-2.0
/*
 * Legs that are replaced while they stay in the array: whatever happens on the
 * way, one of the two devices can take the role, and it has all data.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_model.h"
#include "run.h"
#include "unit.h"

#define PAGES	8
#define WORDS	(RAID_PAGE_SIZE / 8)
#define MAX_PAGES	(PAGES * 6)

struct shape {
	u32 level, legs, copies;
};

static const struct shape shapes[] = {
	{ 1, 2, 2 }, { 1, 3, 3 }, { 10, 3, 2 }, { 10, 4, 2 }, { 4, 3, 1 },
	{ 5, 4, 1 }, { 6, 5, 1 },
};

static struct raid *raid;
static struct raid_buf *buf;
static struct raid_super plan;
static u64 expect[MAX_PAGES][WORDS], flight[RAID_MAX_LEGS][WORDS];

/* The device that is to replace one of the legs: it follows them in the model. */
static struct model_leg *new_device(void)
{
	return &model.legs[plan.layout.nr_legs];
}

static u32 tolerance(void)
{
	if (plan.layout.level == 1)
		return plan.layout.nr_legs - 1;
	return raid_is_mirror(&plan.layout) ? plan.layout.copies - 1 :
					      plan.layout.nr_parity;
}

static void make_plan(const struct shape *shape)
{
	memset(&plan, 0, sizeof(plan));
	plan.layout.level = shape->level;
	plan.layout.nr_legs = shape->legs;
	plan.layout.copies = shape->copies;
	plan.layout.chunk_pages = shape->level == 1 ? 1 : 2;
	plan.layout.leg_pages = PAGES;
	CHECK(!raid_super_plan(&plan, 64 << 20));
	plan.region_groups = 2;
	memset(plan.uuid, 0xa5, sizeof(plan.uuid));
}

static void format_leg(struct model_leg *leg, u32 role)
{
	__le64 *bits = (void *)(leg->mem + plan.bitmap_offset), *bad;
	const struct raid_bad none = {};
	u32 seed = raid_uuid_seed(&plan), copy;
	u64 i;

	memset(leg->mem + plan.data_offset, 0xee, PAGES * RAID_PAGE_SIZE);
	for (i = 0; i < raid_super_nr_words(&plan); i++)
		bits[i] = raid_bits_encode(seed, i, 0);
	for (copy = 0; copy < 2; copy++) {
		bad = (void *)(leg->mem + plan.bad_offset +
			       copy * PINFOLD_RAID_BAD_COPY);
		for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
			bad[i] = raid_bad_encode(seed, i, &none);
		raid_super_encode((void *)(leg->mem + raid_super_offset(copy)),
				  &plan, role, copy);
	}
}

/*
 * What the new device has: a superblock, log, bitmap and list of bad pages of another
 * time, when nothing was written yet and a page was lost, and garbage.
 */
static void spoil_new_device(void)
{
	struct model_leg *leg = new_device();
	struct raid_bad lost = {
		.leg = unit_random_below(plan.layout.nr_legs),
		.page = unit_random_below(PAGES),
		.kind = PINFOLD_RAID_BAD_LOST,
	};
	__le64 *bad;
	u64 n;

	format_leg(leg, unit_random_below(plan.layout.nr_legs));
	for (n = plan.log_offset; n < leg->size; n += 4096)
		if (n != plan.bitmap_offset || unit_random_below(2))
			leg->mem[n] = unit_random();
	for (n = 0; n < 2; n++) {
		bad = (void *)(leg->mem + plan.bad_offset +
			       n * PINFOLD_RAID_BAD_COPY);
		bad[7] = raid_bad_encode(raid_uuid_seed(&plan), 7, &lost);
	}
}

static void format(void)
{
	u64 size = plan.data_offset + PAGES * RAID_PAGE_SIZE;
	u32 i;

	model_reset(plan.layout.nr_legs + 1, size);
	plan.events = 1;
	for (i = 0; i < plan.layout.nr_legs; i++) {
		plan.roles[i].state = PINFOLD_RAID_ROLE_IN_SYNC;
		plan.roles[i].uuid[0] = i + 1;
	}
	for (i = 0; i <= plan.layout.nr_legs; i++)
		memset(model.legs[i].dirty, 1, size / RAID_PAGE_SIZE);
	for (i = 0; i < plan.layout.nr_legs; i++)
		format_leg(&model.legs[i], i);
	spoil_new_device();
}

/* @devices: by role, NULL for none. */
static enum raid_refusal assemble(struct model_leg *const devices[])
{
	static struct raid_candidate legs[RAID_MAX_LEGS];
	static struct raid_assembly assembly;
	static u64 page[WORDS];
	u32 i, replayed;

	if (raid)
		model_free_raid(raid);
	raid = model_raid(raid_super_nr_regions(&plan));
	memset(legs, 0, sizeof(legs));
	for (i = 0; i < plan.layout.nr_legs; i++) {
		if (!devices[i])
			continue;
		raid->legs[i].media = devices[i];
		legs[i].given = true;
		legs[i].verdict = raid_read_super(raid, devices[i],
						  devices[i]->size, page,
						  &legs[i].sb);
	}
	raid_assemble(legs, plan.layout.nr_legs, &assembly);
	if (assembly.refusal)
		return assembly.refusal;
	/* Redundancy is not given up: all that were named are there. */
	for (i = 0; i < plan.layout.nr_legs; i++)
		if (devices[i] && assembly.sb.roles[i].state ==
				  PINFOLD_RAID_ROLE_MISSING)
			return RAID_REFUSE_TOO_FEW;
	return raid_start(raid, &assembly, buf, &replayed) ?
	       RAID_REFUSE_INVALID : RAID_ACCEPTED;
}

static enum raid_refusal assemble_with(u32 role, struct model_leg *device,
				       u32 without)
{
	struct model_leg *devices[RAID_MAX_LEGS] = {};
	u32 i;

	for (i = 0; i < plan.layout.nr_legs; i++)
		if (!(without >> i & 1))
			devices[i] = i == role ? device : &model.legs[i];
	return assemble(devices);
}

static int read_page(u64 page, u64 *dst)
{
	struct raid_group group;
	u32 index;
	u64 g = raid_layout_locate(&plan.layout, page, &index);
	int err;

	if (!raid_group_written(raid, g)) {
		memset(dst, 0, RAID_PAGE_SIZE);
		return 0;
	}
	raid_layout_group(&plan.layout, g, &group);
	err = raid_group_read(raid, &group, index, 0, RAID_PAGE_SIZE, dst);
	if (err)
		err = raid_group_read_locked(raid, &group, buf, index, 0,
					     RAID_PAGE_SIZE, dst);
	return err;
}

/* A write of data pages [first, first + nr) of a group, under way or done. */
struct op {
	u64 group;
	struct raid_write write;
};

static struct op op;

static int write_by(struct raid_buf *by)
{
	struct raid_group group;
	u32 i, w;
	int err;

	op.group = unit_random_below(plan.layout.nr_groups);
	op.write.first = unit_random_below(plan.layout.nr_data);
	op.write.nr = 1 + unit_random_below(plan.layout.nr_data -
					    op.write.first);
	op.write.lo = unit_random_below(2) ? 512 * unit_random_below(7) : 0;
	op.write.hi = op.write.nr > 1 || unit_random_below(2) ?
		      RAID_PAGE_SIZE : op.write.lo + 512;
	for (i = op.write.first; i < op.write.first + op.write.nr; i++) {
		for (w = 0; w < WORDS; w++)
			flight[i][w] = unit_random();
		memcpy(by->new[i], flight[i], RAID_PAGE_SIZE);
	}
	raid_layout_group(&plan.layout, op.group, &group);
	err = raid_region_begin(raid, op.group);
	return err ?: raid_group_write(raid, &group, by, &op.write);
}

/* Is word @w of data page @index of group @g in flight? */
static bool covered(u64 g, u32 index, u32 w)
{
	u32 last = op.write.first + op.write.nr - 1;

	return g == op.group && index >= op.write.first && index <= last &&
	       (index > op.write.first || w >= op.write.lo / 8) &&
	       (index < last || w < op.write.hi / 8);
}

static void land(void)
{
	u32 index, w;
	u64 page, g;

	for (page = 0; page < plan.layout.size_pages; page++) {
		g = raid_layout_locate(&plan.layout, page, &index);
		for (w = 0; w < WORDS; w++)
			if (covered(g, index, w))
				expect[page][w] = flight[index][w];
	}
	op.write.nr = 0;
}

static void random_writes(u32 nr)
{
	while (nr-- && !unit_failed()) {
		CHECK(!write_by(buf));
		land();
	}
}

/* Each word is old or new where a write was cut off, else as it was. */
static void verify(void)
{
	u64 page, data[WORDS], g;
	u32 index, w;

	for (page = 0; page < plan.layout.size_pages && !unit_failed(); page++) {
		CHECK(!read_page(page, data));
		g = raid_layout_locate(&plan.layout, page, &index);
		for (w = 0; w < WORDS; w++) {
			if (data[w] == expect[page][w])
				continue;
			CHECK(op.write.nr && covered(g, index, w) &&
			      data[w] == flight[index][w]);
			expect[page][w] = data[w];
		}
	}
	op.write.nr = 0;
}

static void verify_redundancy(void)
{
	struct raid_group group;
	struct raid_check check;
	u64 g;

	for (g = 0; g < plan.layout.nr_groups && !unit_failed(); g++) {
		if (!raid_group_written(raid, g))
			continue;
		raid_layout_group(&plan.layout, g, &group);
		CHECK(!raid_group_check(raid, &group, buf, false, &check));
		CHECK(!check.mismatch);
	}
}

static void start_array(const struct shape *shape)
{
	make_plan(shape);
	if (unit_failed())
		return;
	format();
	memset(expect, 0, sizeof(expect));
	op.write.nr = 0;
	CHECK(assemble_with(0, &model.legs[0], 0) == RAID_ACCEPTED);
	random_writes(1 + unit_random_below(40));
}

static const u8 new_uuid[RAID_UUID_SIZE] = { 0x4e, 0x65, 0x77 };

/*
 * An entry of the array's own log, which the new device has from when it was a leg:
 * on the only leg that it names, it would be replayed, and ruin the parity.
 */
static void spoil_log(u32 leg)
{
	struct raid_log_entry entry = {
		.id = 1, .legs = 1U << leg, .kind = PINFOLD_RAID_LOG_REDO,
		.nr = 1, .sectors = 8, .payload = 1,
	};
	struct pinfold_raid_log_entry raw;
	const u32 slot = PINFOLD_RAID_LOG_SLOTS - 1;
	u8 *mem = new_device()->mem;
	struct raid_group group;
	u32 copy;

	if (raid_is_mirror(&plan.layout))
		return;
	for (; entry.group < plan.layout.nr_groups; entry.group++) {
		raid_layout_group(&plan.layout, entry.group, &group);
		if (group.member[plan.layout.nr_data].leg == leg)
			break;
	}
	if (entry.group == plan.layout.nr_groups)
		return;
	raid_log_encode(raid, &raw, &entry);
	for (copy = 0; copy < 2; copy++)
		memcpy(mem + raid_log_offset(raid, slot, copy), &raw, sizeof(raw));
	memset(mem + plan.payload_offset + slot * RAID_PAGE_SIZE, 0x5a,
	       RAID_PAGE_SIZE);
}

/* Copy all groups, with writes in between; -errno as that of the copy. */
static int copy_all(u32 writes)
{
	u64 g, end;
	int err;

	for (g = 0; g < plan.layout.nr_groups; g = end) {
		end = raid_run_end(raid, g);
		if (!(g % plan.region_groups) &&
		    raid_region_pass(raid, RAID_TWIN, g)) {
			end = g + plan.region_groups;
			continue;
		}
		err = raid_run_copy(raid, g, end, buf);
		if (err)
			return err;
		random_writes(writes ? unit_random_below(writes) : 0);
	}
	return 0;
}

static int replace(u32 leg, u32 writes)
{
	int err;

	spoil_log(leg);
	err = raid_twin_begin(raid, leg, new_device(), new_uuid);
	if (err)
		return err;
	random_writes(writes);
	err = copy_all(writes);
	if (!err)
		err = raid_twin_commit(raid);
	if (!err)
		raid_twin_finish(raid);
	return err;
}

static u32 random_leg(void)
{
	return unit_random_below(plan.layout.nr_legs);
}

static void each_shape(void (*fn)(const struct shape *shape))
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes) && !unit_failed(); i++) {
		fn(&shapes[i]);
		if (unit_failed())
			printf("# raid%u, %u legs, %u copies\n",
			       shapes[i].level, shapes[i].legs,
			       shapes[i].copies);
	}
}

/* --- tests ---------------------------------------------------------------- */

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

	return runs ? 10 * strtoul(runs, NULL, 0) : 150;
}

/*
 * One of the two devices is accepted with all the others, and has everything; the
 * other one is not, neither at once nor after the array was used.
 */
static void judge(u32 leg, u32 without)
{
	struct model_leg *device[2] = { &model.legs[leg], new_device() };
	u32 i, first = unit_random_below(2), accepted;

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
		model.other_cpu = hand_over_now;
		CHECK(!write_by(buf));
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
		model.other_cpu = hand_over_and_fail;
		if (!setjmp(model.crash)) {
			CHECK(!write_by(buf));
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

static const struct unit_test tests[] = {
	{ "raid_replace: the new device has all data", test_replaced },
	{ "raid_replace: the former leg is refused", test_former_leg },
	{ "raid_replace: pages of the leg are unreadable", test_poisoned_leg },
	{ "raid_replace: pages that nobody has", test_nobody_has },
	{ "raid_replace: the new device fails", test_new_device_dies },
	{ "raid_replace: the leg fails", test_leg_dies },
	{ "raid_replace: what is refused", test_refused },
	{ "raid_replace: power failures", test_power_failure },
	{ "raid_replace: the role is handed over within a write",
	  test_handed_over_while_writing },
	{ "raid_replace: the role is handed over within a write, power fails",
	  test_crash_after_hand_over },
};

int main(void)
{
	int failed;

	buf = model_buf(3);
	failed = unit_run(tests, ARRAY_SIZE(tests));
	if (raid)
		model_free_raid(raid);
	raid = NULL;
	model_free_buf(buf);
	model_reset(0, 0);
	return failed;
}
