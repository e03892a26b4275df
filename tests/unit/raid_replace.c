// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_replace.h"
#include "run.h"
#include "unit.h"

static const struct shape shapes[] = {
	{ 1, 2, 2 }, { 1, 3, 3 }, { 10, 3, 2 }, { 10, 4, 2 }, { 4, 3, 1 },
	{ 5, 4, 1 }, { 6, 5, 1 },
};

struct raid *raid;
struct raid_buf *buf;
struct raid_super plan;
struct raid_assembly assembly;
struct op op;
u64 expect[MAX_PAGES][WORDS];
static u64 flight[RAID_MAX_LEGS][WORDS];

struct model_leg *new_device(void)
{
	return &model.legs[plan.layout.nr_legs];
}

u32 tolerance(void)
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

enum raid_refusal judge_legs(struct model_leg *const devices[])
{
	static struct raid_candidate legs[RAID_MAX_LEGS];
	static u64 page[WORDS];
	u32 i;

	memset(legs, 0, sizeof(legs));
	for (i = 0; i < plan.layout.nr_legs; i++) {
		if (!devices[i])
			continue;
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
	return RAID_ACCEPTED;
}

enum raid_refusal assemble(struct model_leg *const devices[])
{
	enum raid_refusal refusal;
	u32 i, replayed;

	if (raid)
		model_free_raid(raid);
	raid = model_raid(raid_super_nr_regions(&plan));
	for (i = 0; i < plan.layout.nr_legs; i++)
		raid->legs[i].media = devices[i];
	refusal = judge_legs(devices);
	if (refusal)
		return refusal;
	return raid_start(raid, &assembly, buf, &replayed) ?
	       RAID_REFUSE_INVALID : RAID_ACCEPTED;
}

static void name_legs(struct model_leg *devices[], u32 role,
		      struct model_leg *device, u32 without)
{
	u32 i;

	for (i = 0; i < plan.layout.nr_legs; i++)
		devices[i] = without >> i & 1 ? NULL :
			     i == role ? device : &model.legs[i];
}

enum raid_refusal judge_with(u32 role, struct model_leg *device, u32 without)
{
	struct model_leg *devices[RAID_MAX_LEGS];

	name_legs(devices, role, device, without);
	return judge_legs(devices);
}

enum raid_refusal assemble_with(u32 role, struct model_leg *device, u32 without)
{
	struct model_leg *devices[RAID_MAX_LEGS];

	name_legs(devices, role, device, without);
	return assemble(devices);
}

int read_page(u64 page, u64 *dst)
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

int write_op(void)
{
	struct raid_group group;
	u32 i, w;
	int err;

	for (i = op.write.first; i < op.write.first + op.write.nr; i++) {
		for (w = 0; w < WORDS; w++)
			flight[i][w] = unit_random();
		memcpy(buf->new[i], flight[i], RAID_PAGE_SIZE);
	}
	raid_layout_group(&plan.layout, op.group, &group);
	err = raid_region_begin(raid, op.group);
	return err ?: raid_group_write(raid, &group, buf, &op.write);
}

u64 aim_at(u32 leg)
{
	struct raid_group group;
	u32 i;

	do {
		op.group = unit_random_below(plan.layout.nr_groups);
		raid_layout_group(&plan.layout, op.group, &group);
		i = unit_random_below(group.nr);
	} while (group.member[i].leg != leg);
	/* With any data its redundancy is written, too. */
	op.write = (struct raid_write){
		.first = i < plan.layout.nr_data ? i : 0, .nr = 1,
		.hi = RAID_PAGE_SIZE,
	};
	return plan.data_offset / RAID_PAGE_SIZE + group.member[i].page;
}

int write_random(void)
{
	op.group = unit_random_below(plan.layout.nr_groups);
	op.write.first = unit_random_below(plan.layout.nr_data);
	op.write.nr = 1 + unit_random_below(plan.layout.nr_data -
					    op.write.first);
	op.write.lo = unit_random_below(2) ? 512 * unit_random_below(7) : 0;
	op.write.hi = op.write.nr > 1 || unit_random_below(2) ?
		      RAID_PAGE_SIZE : op.write.lo + 512;
	return write_op();
}

/* Is word @w of data page @index of group @g in flight? */
static bool covered(u64 g, u32 index, u32 w)
{
	u32 last = op.write.first + op.write.nr - 1;

	return g == op.group && index >= op.write.first && index <= last &&
	       (index > op.write.first || w >= op.write.lo / 8) &&
	       (index < last || w < op.write.hi / 8);
}

void land(void)
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

void random_writes(u32 nr)
{
	while (nr-- && !unit_failed()) {
		CHECK(!write_random());
		land();
	}
}

void verify(void)
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

void verify_redundancy(void)
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

void start_array(const struct shape *shape)
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

const u8 new_uuid[RAID_UUID_SIZE] = { 0x4e, 0x65, 0x77 };

/*
 * An entry of the array's own log, which the new device has from when it was a leg:
 * on the only leg that it names, it would be replayed, and ruin the parity.
 */
void spoil_log(u32 leg)
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

int copy_all(u32 writes)
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
		err = raid_run_copy(raid, g, &end, buf);
		if (err)
			return err;
		random_writes(writes ? unit_random_below(writes) : 0);
	}
	return 0;
}

int replace(u32 leg, u32 writes)
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

u32 random_leg(void)
{
	return unit_random_below(plan.layout.nr_legs);
}

void each_shape(void (*fn)(const struct shape *shape))
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

int replace_tests_run(const struct unit_test *tests, size_t nr)
{
	int failed;

	buf = model_buf(3);
	failed = unit_run(tests, nr);
	if (raid)
		model_free_raid(raid);
	raid = NULL;
	model_free_buf(buf);
	model_reset(0, 0);
	return failed;
}
