// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_array.h"
#include "run.h"
#include "unit.h"

u32 culprit;

static const struct shape shapes[] = {
	{ 1, 2, 2 }, { 1, 3, 3 }, { 10, 2, 2 }, { 10, 3, 2 }, { 10, 4, 2 },
	{ 10, 5, 3 }, { 4, 3, 1 }, { 5, 3, 1 }, { 5, 5, 1 }, { 6, 4, 1 },
	{ 6, 6, 1 },
};

struct raid *raid;
struct raid_buf *buf;
struct raid_super plan;
u64 expect[MAX_PAGES][WORDS];
struct flight flight;

/* How much redundancy there is to lose. */
u32 tolerance(void)
{
	if (plan.layout.level == 1)
		return plan.layout.nr_legs - 1;
	return raid_is_mirror(&plan.layout) ? plan.layout.copies - 1 :
					      plan.layout.nr_parity;
}

static u64 leg_size(void)
{
	/* An array may use less of it. */
	return plan.data_offset + PAGES * RAID_PAGE_SIZE;
}

void make_plan(const struct shape *shape)
{
	memset(&plan, 0, sizeof(plan));
	plan.layout.level = shape->level;
	plan.layout.nr_legs = shape->legs;
	plan.layout.copies = shape->copies;
	plan.layout.chunk_pages = shape->level == 1 ? 1 : CHUNK;
	plan.layout.leg_pages = PAGES;
	CHECK(!raid_super_plan(&plan, 64 << 20));
	plan.region_groups = 2;
	memset(plan.uuid, 0xa5, sizeof(plan.uuid));
}

/* No bad pages, no regions written. */
static void format_words(u8 *mem)
{
	__le64 *bits = (void *)(mem + plan.bitmap_offset), *bad;
	const struct raid_bad none = {};
	u32 seed = raid_uuid_seed(&plan), copy;
	u64 i;

	for (i = 0; i < raid_super_nr_words(&plan); i++)
		bits[i] = raid_bits_encode(seed, i, 0);
	for (copy = 0; copy < 2; copy++) {
		bad = (void *)(mem + plan.bad_offset +
			       copy * PINFOLD_RAID_BAD_COPY);
		for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
			bad[i] = raid_bad_encode(seed, i, &none);
	}
}

static void format(void)
{
	u32 i, copy;

	model_reset(plan.layout.nr_legs, leg_size());
	plan.events = 1;
	for (i = 0; i < plan.layout.nr_legs; i++) {
		plan.roles[i].state = PINFOLD_RAID_ROLE_IN_SYNC;
		plan.roles[i].uuid[0] = i + 1;
	}
	/* Whatever was on the legs before: pages never written are zero. */
	for (i = 0; i < plan.layout.nr_legs; i++)
		memset(model.legs[i].mem + plan.data_offset, 0xee,
		       PAGES * RAID_PAGE_SIZE);
	/* All but the log, which only the array writes. */
	for (i = 0; i < plan.layout.nr_legs; i++) {
		struct model_leg *leg = &model.legs[i];
		u64 first = plan.bitmap_offset / RAID_PAGE_SIZE;

		memset(leg->dirty, 1, plan.log_offset / RAID_PAGE_SIZE);
		memset(leg->dirty + first, 1,
		       leg->size / RAID_PAGE_SIZE - first);
		format_words(leg->mem);
	}
	for (i = 0; i < plan.layout.nr_legs; i++)
		for (copy = 0; copy < 2; copy++)
			raid_super_encode((void *)(model.legs[i].mem +
						   raid_super_offset(copy)),
					  &plan, i, copy);
}

/* Legs in @without are not given; those in @fresh are new. */
static enum raid_refusal start(u32 without, u32 fresh, u32 *replayed)
{
	static struct raid_candidate legs[RAID_MAX_LEGS];
	static struct raid_assembly assembly;
	static u64 page[WORDS];
	u32 i, nr = plan.layout.nr_legs;

	memset(legs, 0, sizeof(legs));
	for (i = 0; i < nr; i++) {
		if (without >> i & 1)
			continue;
		raid->legs[i].media = &model.legs[i];
		legs[i].given = true;
		legs[i].fresh = fresh >> i & 1;
		legs[i].uuid[0] = unit_random();
		legs[i].uuid[1] = unit_random();
		legs[i].verdict = raid_read_super(raid, &model.legs[i],
						  model.legs[i].size, page,
						  &legs[i].sb);
	}
	raid_assemble(legs, nr, &assembly);
	culprit = assembly.culprit;
	if (assembly.refusal)
		return assembly.refusal;
	if (raid_start(raid, &assembly, buf, replayed))
		return RAID_REFUSE_INVALID;
	return RAID_ACCEPTED;
}

enum raid_refusal assemble(u32 without, u32 fresh, u32 *replayed)
{
	if (raid)
		model_free_raid(raid);
	raid = model_raid(raid_super_nr_regions(&plan));
	return start(without, fresh, replayed);
}

/* The same array as before, in the same place. */
enum raid_refusal start_again(u32 *replayed)
{
	raid_reset(raid, raid_super_nr_words(&plan));
	return start(missing_legs(), 0, replayed);
}

u32 missing_legs(void)
{
	u32 i, missing = 0;

	for (i = 0; i < plan.layout.nr_legs; i++)
		if (raid_leg_state(raid, i) == PINFOLD_RAID_ROLE_MISSING)
			missing |= 1U << i;
	return missing;
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

/* Data [first, first + nr) of the group that has page @page; parts of the ends. */
static int write_pages(u64 page, u32 nr, u32 lo, u32 hi)
{
	struct raid_write write = { .nr = nr, .lo = lo, .hi = hi };
	struct raid_group group;
	u64 g = raid_layout_locate(&plan.layout, page, &write.first);
	u32 i, w;
	int err;

	raid_layout_group(&plan.layout, g, &group);
	for (i = 0; i < nr; i++) {
		u64 *data = buf->new[write.first + i];

		for (w = 0; w < WORDS; w++)
			data[w] = unit_random();
		memcpy(&flight.data[i * WORDS], data, RAID_PAGE_SIZE);
	}
	if (raid_is_mirror(&plan.layout) && unit_random_below(2)) {
		write.lent = (u8 *)flight.data + lo;
		memset(buf->new[0], 0x77, RAID_PAGE_SIZE);
	}
	err = raid_group_lock_written(raid, g);
	if (!err) {
		err = raid_group_write(raid, &group, buf, &write);
		mutex_unlock(raid_group_lock(raid, g));
	}
	return err;
}

/* Is word @w of the i-th page in flight written? */
bool covered(u32 i, u32 nr, u32 lo, u32 hi, u32 w)
{
	return (i || w >= lo / 8) && (i < nr - 1 || w < hi / 8);
}

/* A page of the array by group and index: the inverse of locate(). */
static u64 page_of(u64 g, u32 index)
{
	u64 page;
	u32 i;

	for (page = 0; page < plan.layout.size_pages; page++)
		if (raid_layout_locate(&plan.layout, page, &i) == g &&
		    i == index)
			return page;
	abort();
}

struct op random_op(void)
{
	struct op op = { .hi = RAID_PAGE_SIZE };
	u32 index;

	op.page = unit_random_below(plan.layout.size_pages);
	raid_layout_locate(&plan.layout, op.page, &index);
	op.nr = 1 + unit_random_below(plan.layout.nr_data - index);
	if (unit_random_below(2))
		op.lo = 512 * unit_random_below(7);
	if (unit_random_below(2))
		op.hi = 512 * (1 + unit_random_below(8));
	if (op.nr == 1 && op.hi <= op.lo)
		op.hi = op.lo + 512;
	return op;
}

int do_op(const struct op *op)
{
	return write_pages(op->page, op->nr, op->lo, op->hi);
}

/* The write is complete: all of it is expected from now on. */
void land(const struct op *op)
{
	u32 index, i, w;
	u64 g = raid_layout_locate(&plan.layout, op->page, &index);

	for (i = 0; i < op->nr; i++) {
		u64 page = page_of(g, index + i);

		for (w = 0; w < WORDS; w++)
			if (covered(i, op->nr, op->lo, op->hi, w))
				expect[page][w] = flight.data[i * WORDS + w];
	}
}

void verify_all(void)
{
	u64 page, data[WORDS];

	for (page = 0; page < plan.layout.size_pages; page++) {
		CHECK(!read_page(page, data));
		CHECK(!memcmp(data, expect[page], RAID_PAGE_SIZE));
	}
}

void verify_redundancy(void)
{
	struct raid_run_check check;
	u64 g, end;

	for (g = 0; g < plan.layout.nr_groups; g = end) {
		end = raid_run_end(raid, g);
		CHECK(end > g);
		if (!raid_group_written(raid, g))
			continue;
		mutex_lock(raid_group_lock(raid, g));
		raid_run_check(raid, g, &end, buf, false, &check);
		mutex_unlock(raid_group_lock(raid, g));
		CHECK(!check.failed);
		CHECK(!check.mismatch);
	}
}

/* As @plan says. */
void start_planned(void)
{
	u32 replayed;

	format();
	memset(expect, 0, sizeof(expect));
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
	CHECK(!replayed);
}

void start_array(const struct shape *shape)
{
	make_plan(shape);
	if (!unit_failed())
		start_planned();
}

void random_writes(u32 nr)
{
	while (nr-- && !unit_failed()) {
		struct op op = random_op();

		CHECK(!do_op(&op));
		land(&op);
	}
}

int rebuild(u32 leg)
{
	u64 g, end;
	int err;

	for (g = 0; g < plan.layout.nr_groups; g = end) {
		end = raid_run_end(raid, g);
		if (!(g % plan.region_groups) && raid_region_pass(raid, leg, g)) {
			end = g + plan.region_groups;
			continue;
		}
		mutex_lock(raid_group_lock(raid, g));
		err = raid_run_rebuild(raid, g, &end, buf, leg);
		if (!err)
			WRITE_ONCE(raid->sb.roles[leg].synced, end);
		mutex_unlock(raid_group_lock(raid, g));
		if (err)
			return err;
		/* Life goes on meanwhile. */
		if (!unit_random_below(3)) {
			struct op op = random_op();

			if (do_op(&op))
				return -EIO;
			land(&op);
		}
	}
	raid_leg_complete(raid, leg);
	return 0;
}

u64 random_data_page(void)
{
	return plan.data_offset / RAID_PAGE_SIZE + unit_random_below(PAGES);
}

/* The page's words: each old or new where the write was, else unchanged. */
void judge_page(u64 page, const u64 *data, const struct op *op)
{
	u32 index, i, w;
	u64 g = raid_layout_locate(&plan.layout, op->page, &index);
	u32 mine;
	bool in_group = raid_layout_locate(&plan.layout, page, &mine) == g &&
			mine >= index && mine < index + op->nr;

	i = mine - index;
	for (w = 0; w < WORDS; w++) {
		if (data[w] == expect[page][w])
			continue;
		CHECK(in_group && covered(i, op->nr, op->lo, op->hi, w));
		CHECK(data[w] == flight.data[i * WORDS + w]);
		/* From here on it has to stay like this. */
		expect[page][w] = data[w];
	}
}

u32 random_live_leg(void)
{
	u32 leg;

	do {
		leg = unit_random_below(plan.layout.nr_legs);
	} while (!raid_leg_live(raid, leg));
	return leg;
}

void fail_all_spare(void)
{
	u32 i;

	for (i = 0; i < tolerance(); i++)
		CHECK(!raid_leg_fail(raid, i, NULL));
}

void join_again(u32 leg)
{
	const u8 uuid[RAID_UUID_SIZE] = { 9, leg };

	CHECK(!raid_leg_fail(raid, leg, NULL));
	CHECK(!raid_leg_join(raid, leg, &model.legs[leg], uuid));
}

void read_all(void)
{
	u64 page, data[WORDS];

	for (page = 0; page < plan.layout.size_pages; page++)
		CHECK(!read_page(page, data));
}

u64 first_page(u32 *leg)
{
	struct raid_group group;
	u32 index, member;

	raid_layout_group(&plan.layout,
			  raid_layout_locate(&plan.layout, 0, &index), &group);
	member = raid_is_mirror(&plan.layout) ? 0 : index;
	*leg = group.member[member].leg;
	return group.member[member].page;
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

/* Tests of arrays, from main(). */
int array_tests_run(const struct unit_test *tests, size_t nr)
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
