// SPDX-License-Identifier: GPL-2.0
/*
 * A whole array on legs in memory: random writes, lost legs, poison, rebuilds
 * and power failures, compared with a plain copy of the data.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_model.h"
#include "unit.h"

#define PAGES	8
#define CHUNK	2
#define WORDS	(RAID_PAGE_SIZE / 8)
#define MAX_PAGES	(PAGES * RAID_MAX_LEGS)

struct shape {
	u32 level, legs, copies;
};

static const struct shape shapes[] = {
	{ 1, 2, 2 }, { 1, 3, 3 }, { 10, 2, 2 }, { 10, 3, 2 }, { 10, 4, 2 },
	{ 10, 5, 3 }, { 4, 3, 1 }, { 5, 3, 1 }, { 5, 5, 1 }, { 6, 4, 1 },
	{ 6, 6, 1 },
};

static struct raid *raid;
static struct raid_buf *buf;
static struct raid_super plan;
static u64 expect[MAX_PAGES][WORDS];

/* What the write that power failure interrupts was to write. */
static struct {
	u64 data[MAX_PAGES * WORDS / 4];
} flight;

/* How much redundancy there is to lose. */
static u32 tolerance(void)
{
	if (plan.layout.level == 1)
		return plan.layout.nr_legs - 1;
	return raid_is_mirror(&plan.layout) ? plan.layout.copies - 1 :
					      plan.layout.nr_parity;
}

static u64 leg_size(void)
{
	return plan.data_offset + plan.layout.leg_pages * RAID_PAGE_SIZE;
}

static void make_plan(const struct shape *shape)
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
static enum raid_refusal assemble(u32 without, u32 fresh, u32 *replayed)
{
	static struct raid_candidate legs[RAID_MAX_LEGS];
	static struct raid_assembly assembly;
	static u64 page[WORDS];
	u32 i, nr = plan.layout.nr_legs;

	if (raid)
		model_free_raid(raid);
	raid = model_raid(raid_super_nr_regions(&plan));
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
	if (assembly.refusal)
		return assembly.refusal;
	if (raid_start(raid, &assembly, buf, replayed))
		return RAID_REFUSE_INVALID;
	return RAID_ACCEPTED;
}

static u32 missing_legs(void)
{
	u32 i, missing = 0;

	for (i = 0; i < plan.layout.nr_legs; i++)
		if (raid_leg_state(raid, i) == PINFOLD_RAID_ROLE_MISSING)
			missing |= 1U << i;
	return missing;
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
	err = raid_region_begin(raid, g);
	if (!err) {
		mutex_lock(raid_group_lock(raid, g));
		err = raid_group_write(raid, &group, buf, &write);
		mutex_unlock(raid_group_lock(raid, g));
	}
	return err;
}

/* Is word @w of the i-th page in flight written? */
static bool covered(u32 i, u32 nr, u32 lo, u32 hi, u32 w)
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

struct op {
	u64 page;
	u32 nr, lo, hi;
};

static struct op random_op(void)
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

static int do_op(const struct op *op)
{
	return write_pages(op->page, op->nr, op->lo, op->hi);
}

/* The write is complete: all of it is expected from now on. */
static void land(const struct op *op)
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

static void verify_all(void)
{
	u64 page, data[WORDS];

	for (page = 0; page < plan.layout.size_pages; page++) {
		CHECK(!read_page(page, data));
		CHECK(!memcmp(data, expect[page], RAID_PAGE_SIZE));
	}
}

static void verify_redundancy(void)
{
	struct raid_group group;
	struct raid_check check;
	u64 g;

	for (g = 0; g < plan.layout.nr_groups; g++) {
		if (!raid_group_written(raid, g))
			continue;
		raid_layout_group(&plan.layout, g, &group);
		CHECK(!raid_group_check(raid, &group, buf, false, &check));
		CHECK(!check.mismatch);
	}
}

static void start_array(const struct shape *shape)
{
	u32 replayed;

	make_plan(shape);
	if (unit_failed())
		return;
	format();
	memset(expect, 0, sizeof(expect));
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
	CHECK(!replayed);
}

static void random_writes(u32 nr)
{
	while (nr-- && !unit_failed()) {
		struct op op = random_op();

		CHECK(!do_op(&op));
		land(&op);
	}
}

static int rebuild(u32 leg)
{
	struct raid_group group;
	u64 g;
	int err;

	for (g = 0; g < plan.layout.nr_groups; g++) {
		if (!(g % plan.region_groups) && raid_region_pass(raid, leg, g)) {
			g += plan.region_groups - 1;
			continue;
		}
		raid_layout_group(&plan.layout, g, &group);
		err = raid_group_rebuild(raid, &group, buf, leg);
		if (err)
			return err;
		WRITE_ONCE(raid->sb.roles[leg].synced, g + 1);
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

/* --- tests ---------------------------------------------------------------- */

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

static void healthy(const struct shape *shape)
{
	start_array(shape);
	if (!unit_failed())
		verify_all();
	if (!unit_failed())
		random_writes(300);
	if (!unit_failed())
		verify_all();
	if (!unit_failed())
		verify_redundancy();
}

static void test_healthy(void)
{
	each_shape(healthy);
}

/* Legs fail one by one, up to what the level bears; each then comes back. */
static void failing_legs(const struct shape *shape)
{
	u32 round, i, replayed;

	start_array(shape);
	for (round = 0; round < 12 && !unit_failed(); round++) {
		u32 failed[RAID_MAX_LEGS], nr = 0;

		random_writes(20);
		while (nr < tolerance()) {
			u32 leg = unit_random_below(plan.layout.nr_legs);

			if (!raid_leg_live(raid, leg))
				continue;
			/* Told to, or by dying under a write. */
			if (unit_random_below(2))
				CHECK(!raid_leg_fail(raid, leg, NULL));
			model.legs[leg].dead = true;
			failed[nr++] = leg;
			random_writes(20);
			CHECK(!raid_leg_fail(raid, leg, NULL));
			verify_all();
			if (unit_failed())
				return;
		}
		/* Stale legs are refused, the others are enough. */
		for (i = 0; i < nr; i++)
			model.legs[failed[i]].dead = false;
		CHECK(assemble(0, 0, &replayed) == RAID_REFUSE_STALE);
		for (i = 0, replayed = 0; i < nr; i++)
			replayed |= 1U << failed[i];
		CHECK(assemble(replayed, 0, &replayed) == RAID_ACCEPTED);
		verify_all();
		for (i = 0; i < nr && !unit_failed(); i++) {
			u8 uuid[RAID_UUID_SIZE] = { 7, round, i };
			struct model_leg *leg = &model.legs[failed[i]];
			u64 n;

			memset(leg->dirty, 1, leg->size / RAID_PAGE_SIZE);
			for (n = 0; n < leg->size; n += 512)
				leg->mem[n] = unit_random();
			CHECK(!raid_leg_join(raid, failed[i], leg, uuid));
			random_writes(5);
			CHECK(!rebuild(failed[i]));
			verify_all();
		}
		verify_redundancy();
	}
}

static void test_failing_legs(void)
{
	each_shape(failing_legs);
}

static u64 random_data_page(void)
{
	return plan.data_offset / RAID_PAGE_SIZE + unit_random_below(PAGES);
}

/* One unreadable page in the array at a time is never seen, and is mended. */
static void poisoned(const struct shape *shape)
{
	u32 i, leg;
	u64 page;

	start_array(shape);
	random_writes(60);
	for (i = 0; i < 120 && !unit_failed(); i++) {
		leg = unit_random_below(plan.layout.nr_legs);
		page = random_data_page();
		model.legs[leg].poison[page] = 1;
		if (unit_random_below(2))
			random_writes(3);
		verify_all();
		if (unit_failed())
			return;
		verify_redundancy();
		/* All were mended, but in regions never written. */
		if (model.legs[leg].poison[page])
			model.legs[leg].poison[page] = 0;
	}
	CHECK(model.notes[RAID_NOTE_REPAIRED]);
	CHECK(!missing_legs());
}

static void test_poisoned(void)
{
	each_shape(poisoned);
}

/* Where poison cannot be cleared, the page is on the list, the leg stays. */
static void unclearable(const struct shape *shape)
{
	u32 leg = 1, i, replayed;
	u64 page;

	start_array(shape);
	random_writes(100);
	model.legs[leg].unclearable = true;
	page = random_data_page();
	model.legs[leg].poison[page] = 1;
	random_writes(100);
	verify_all();
	if (unit_failed())
		return;
	CHECK(!missing_legs());
	/* The platform forgets that the page is bad; its data is still old. */
	model.legs[leg].poison[page] = 0;
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
	verify_all();
	if (unit_failed())
		return;
	model.legs[leg].unclearable = false;
	random_writes(200);
	verify_all();
	if (unit_failed())
		return;
	verify_redundancy();
	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
		CHECK(!raid->bad[i].kind);
	CHECK(!raid->nr_bad);
}

static void test_unclearable(void)
{
	each_shape(unclearable);
}

/* A scrub finds what does not fit, and only a repair changes it. */
static void mismatch(const struct shape *shape)
{
	struct raid_group group;
	struct raid_check check;
	u64 page = 0;
	u32 i;

	start_array(shape);
	random_writes(200);
	for (i = 0; i < 40 && !unit_failed(); i++) {
		u64 g = unit_random_below(plan.layout.nr_groups);
		const struct raid_member *m;

		if (!raid_group_written(raid, g))
			continue;
		raid_layout_group(&plan.layout, g, &group);
		/* In the redundancy: data would be taken for right. */
		m = &group.member[raid_is_mirror(&plan.layout) ?
				  1 + unit_random_below(group.nr - 1) :
				  plan.layout.nr_data +
				  unit_random_below(plan.layout.nr_parity)];
		page = raid_data_offset(raid, m->page);
		model.legs[m->leg].mem[page + unit_random_below(4096)] ^= 4;
		CHECK(!raid_group_check(raid, &group, buf, false, &check));
		CHECK(check.mismatch && !check.repaired);
		CHECK(!raid_group_check(raid, &group, buf, true, &check));
		CHECK(check.mismatch && check.repaired);
		CHECK(!raid_group_check(raid, &group, buf, true, &check));
		CHECK(!check.mismatch && !check.repaired);
	}
	CHECK(page);
	if (!unit_failed())
		verify_all();
}

static void test_mismatch(void)
{
	each_shape(mismatch);
}

/* Poison in metadata is mended by whoever writes there, or by assembly. */
static void metadata_poisoned(const struct shape *shape)
{
	u32 i, replayed;
	u64 at;

	start_array(shape);
	for (i = 0; i < 60 && !unit_failed(); i++) {
		u32 leg = unit_random_below(plan.layout.nr_legs);
		/* One superblock of a leg: without any it is no leg. */
		const u64 places[] = {
			raid_super_offset(leg % 2),
			plan.log_offset + buf->slot * RAID_PAGE_SIZE,
			plan.payload_offset + buf->slot * RAID_PAGE_SIZE,
			plan.bitmap_offset, plan.bad_offset,
		};

		at = places[unit_random_below(ARRAY_SIZE(places))];
		model.legs[leg].poison[at / RAID_PAGE_SIZE] = 1;
		random_writes(unit_random_below(8));
		if (unit_random_below(3) == 0)
			CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		CHECK(!missing_legs());
		verify_all();
	}
}

static void test_metadata_poisoned(void)
{
	each_shape(metadata_poisoned);
}

/* --- power failures ------------------------------------------------------- */

/* The page's words: each old or new where the write was, else unchanged. */
static void judge_page(u64 page, const u64 *data, const struct op *op)
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

/*
 * After recovery: everything is old or new, and stays the same whichever legs
 * are lost now. Pages that were lost to a leg and power at once say so.
 */
static void judge(const struct op *op, bool lost_leg)
{
	u64 page, data[WORDS];
	int err;

	for (page = 0; page < plan.layout.size_pages; page++) {
		err = read_page(page, data);
		if (err) {
			u32 index, mine;
			u64 g = raid_layout_locate(&plan.layout, op->page,
						   &index);

			CHECK(lost_leg && op->nr > 1);
			CHECK(raid_layout_locate(&plan.layout, page, &mine) ==
			      g && mine >= index && mine < index + op->nr);
			continue;
		}
		judge_page(page, data, op);
		if (unit_failed())
			return;
	}
}

static void verify_without(u32 leg)
{
	u64 page, data[WORDS];

	model.legs[leg].dead = true;
	for (page = 0; page < plan.layout.size_pages; page++) {
		if (read_page(page, data))
			continue;
		CHECK(!memcmp(data, expect[page], RAID_PAGE_SIZE));
	}
	model.legs[leg].dead = false;
}

static u64 crashes, replays, second_crashes, losses;

/* Assemble, with power failing again at times on the way. */
static void recover(u32 without)
{
	volatile u32 again = unit_random_below(3) ? 0 : 1 + unit_random_below(3);
	u32 replayed = 0;

	while (again) {
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(40));
			if (assemble(without, 0, &replayed))
				break;
			again = 0;
			model_disarm();
		} else {
			second_crashes++;
			again--;
			model_lose_power();
		}
	}
	model_disarm();
	CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
	replays += replayed;
}

static u32 random_live_leg(void)
{
	u32 leg;

	do {
		leg = unit_random_below(plan.layout.nr_legs);
	} while (!raid_leg_live(raid, leg));
	return leg;
}

/*
 * Some pages of a leg cannot be written for a while, or are bad still when the
 * power fails; the platform may or may not know of them afterwards.
 */
static void spoil_pages(u32 leg)
{
	u64 first = plan.data_offset / RAID_PAGE_SIZE, page;

	model.legs[leg].unclearable = true;
	for (page = first; page < first + PAGES; page++)
		model.legs[leg].poison[page] = !unit_random_below(3);
	random_writes(6);
	if (unit_random_below(2)) {
		memset(model.legs[leg].poison, 0,
		       model.legs[leg].size / RAID_PAGE_SIZE);
		model.legs[leg].unclearable = false;
	}
}

static void forget_poison(u32 leg)
{
	if (unit_random_below(2))
		return;
	memset(model.legs[leg].poison, 0,
	       model.legs[leg].size / RAID_PAGE_SIZE);
	model.legs[leg].unclearable = false;
}

/* Superblocks, bad pages and bitmap; not the log, whose pages have others' entries. */
static bool spoils(u64 offset)
{
	return offset < plan.log_offset ||
	       (offset >= plan.bitmap_offset && offset < plan.data_offset);
}

/* @before: legs missing when the write begins. @after: lost with the power. */
static void crash_once(const struct shape *shape, u32 before, u32 after)
{
	static struct op op;
	static u32 without, spoiled;
	u32 i;

	without = 0;
	/* A leg whose metadata cannot be read is a loss like another. */
	model.spoils = before + after < tolerance() ? spoils : NULL;
	start_array(shape);
	random_writes(1 + unit_random_below(12));
	for (i = 0; i < before && !unit_failed(); i++) {
		u32 leg = random_live_leg();

		CHECK(!raid_leg_fail(raid, leg, NULL));
		without |= 1U << leg;
		random_writes(unit_random_below(4));
	}
	spoiled = RAID_MAX_LEGS;
	if (before + after < tolerance() && unit_random_below(2)) {
		spoiled = random_live_leg();
		spoil_pages(spoiled);
	}
	op = random_op();
	if (!setjmp(model.crash)) {
		/* Half of the time within a write that zeroes no region. */
		model_arm(unit_random_below((10 + 2 * plan.layout.nr_legs) *
					    (1 + unit_random_below(2))));
		if (do_op(&op)) {
			model_disarm();
			CHECK(!"write failed");
		}
		model_disarm();
		land(&op);
		model_lose_power();
	} else {
		crashes++;
		model_lose_power();
	}
	if (spoiled < RAID_MAX_LEGS)
		forget_poison(spoiled);
	for (i = 0; i < after; i++) {
		u32 leg;

		do {
			leg = unit_random_below(plan.layout.nr_legs);
		} while (without >> leg & 1);
		without |= 1U << leg;
		losses++;
	}
	recover(without);
	if (!unit_failed())
		judge(&op, after);
	if (!unit_failed())
		verify_redundancy();
	if (!unit_failed() && before + after < tolerance())
		for (i = 0; i < plan.layout.nr_legs && !unit_failed(); i++)
			if (!(without >> i & 1) && raid_leg_live(raid, i)) {
				verify_without(i);
				break;
			}
}

static u32 crash_runs(void)
{
	const char *runs = getenv("RUNS");

	return runs ? strtoul(runs, NULL, 0) : 20;
}

static void crash_shape(const struct shape *shape)
{
	u32 run, before, after;

	make_plan(shape);
	for (run = 0; run < crash_runs() && !unit_failed(); run++)
		for (before = 0; before <= tolerance(); before++)
			for (after = 0; before + after <= tolerance(); after++) {
				crash_once(shape, before, after);
				if (!unit_failed())
					continue;
				printf("# run %u, %u missing before, %u after\n",
				       run, before, after);
				return;
			}
}

static void test_power_failure(void)
{
	each_shape(crash_shape);
	model.spoils = NULL;
	printf("# %llu power failures, %llu writes replayed, %llu failures while replaying, %llu legs lost too\n",
	       (unsigned long long)crashes, (unsigned long long)replays,
	       (unsigned long long)second_crashes, (unsigned long long)losses);
	CHECK(crashes && replays && second_crashes);
}

/* Two writes, by two buffers whose entries have the same number, are cut off. */
static void two_writers(const struct shape *shape)
{
	struct raid_buf *first = buf, *second = model_buf(5);
	struct op a = { .nr = 1, .hi = RAID_PAGE_SIZE }, b = a;
	volatile u64 countdown;
	u32 index, replayed;

	for (countdown = 0; countdown < 24 && !unit_failed(); countdown++) {
		start_array(shape);
		random_writes(60);
		b.page = plan.layout.size_pages - 1;
		CHECK(raid_layout_locate(&plan.layout, a.page, &index) !=
		      raid_layout_locate(&plan.layout, b.page, &index));
		first->log_id = 0;
		second->log_id = 0;
		/* Power fails as soon as both have stored all but the end. */
		buf = first;
		if (!setjmp(model.crash)) {
			model_arm(countdown);
			do_op(&a);
			model_disarm();
			continue;
		}
		buf = second;
		if (!setjmp(model.crash)) {
			model_arm(countdown);
			do_op(&b);
		}
		model_disarm();
		model_lose_power();
		buf = first;
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		if (!unit_failed())
			verify_redundancy();
	}
	buf = first;
	model_free_buf(second);
}

static void test_two_writers(void)
{
	each_shape(two_writers);
}

static void write_and_land(void)
{
	static struct op op;

	op = random_op();
	CHECK(!do_op(&op));
	land(&op);
}

/* A write completes while a leg's failure is being recorded; power fails. */
static void failing_meanwhile(const struct shape *shape)
{
	volatile u64 countdown;
	u32 replayed;

	for (countdown = 0; countdown < 60 && !unit_failed(); countdown++) {
		start_array(shape);
		random_writes(60);
		model.other = write_and_land;
		if (!setjmp(model.crash)) {
			model_arm(countdown % 12);
			raid_leg_fail(raid, 1, NULL);
		}
		model.other = NULL;
		model.thread = 0;
		model_disarm();
		model_lose_power();
		if (assemble(0, 0, &replayed) == RAID_REFUSE_STALE)
			CHECK(assemble(2, 0, &replayed) == RAID_ACCEPTED);
		verify_all();
		if (!unit_failed())
			verify_redundancy();
	}
}

static void test_failing_meanwhile(void)
{
	each_shape(failing_meanwhile);
}

/* More legs are gone than can be spared, and come back as they were. */
static void all_gone(const struct shape *shape)
{
	u32 i, replayed, without = 0;

	start_array(shape);
	random_writes(60);
	for (i = 0; i <= tolerance(); i++)
		model.legs[i].dead = true;
	for (i = 0; i <= tolerance(); i++)
		raid_leg_fail(raid, i, NULL);
	raid_commit(raid);
	without = missing_legs();
	for (i = 0; i <= tolerance(); i++)
		model.legs[i].dead = false;
	CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
	if (!unit_failed())
		verify_all();
}

static void test_all_gone(void)
{
	each_shape(all_gone);
}

static void fail_all_spare(void)
{
	u32 i;

	for (i = 0; i < tolerance(); i++)
		CHECK(!raid_leg_fail(raid, i, NULL));
}

/* A leg that cannot be spared dies within a write, and comes back. */
static void half_written(const struct shape *shape)
{
	static struct op op, next;
	u32 run, i, n, without, replayed;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(60);
		fail_all_spare();
		without = missing_legs();
		random_writes(10);
		i = random_live_leg();
		op = random_op();
		model.legs[i].dies_in = 1 + unit_random_below(6);
		if (!do_op(&op))
			land(&op);
		else
			/* The array's writes are over: nothing of it changes. */
			for (n = 0; raid->broken && n < 4; n++) {
				u64 keep[ARRAY_SIZE(flight.data)];

				memcpy(keep, flight.data, sizeof(keep));
				next = random_op();
				CHECK(do_op(&next));
				memcpy(flight.data, keep, sizeof(keep));
			}
		/* Raid10 may do without one leg more. */
		without = missing_legs();
		model.legs[i].dies_in = 0;
		model.legs[i].dead = false;
		CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
		if (!unit_failed())
			judge(&op, false);
	}
}

static void test_half_written(void)
{
	each_shape(half_written);
}

static void join_again(u32 leg)
{
	const u8 uuid[RAID_UUID_SIZE] = { 9, leg };

	CHECK(!raid_leg_fail(raid, leg, NULL));
	CHECK(!raid_leg_join(raid, leg, &model.legs[leg], uuid));
}

/* A rebuild whose sources are gone stops, and takes nothing for lost. */
static void rebuild_without_source(const struct shape *shape)
{
	struct raid_group group;
	u32 i, gone;
	u64 g;

	start_array(shape);
	random_writes(60);
	for (i = 0; i < tolerance(); i++)
		join_again(i);
	for (gone = tolerance(); gone < plan.layout.nr_legs; gone++)
		model.legs[gone].dead = true;
	for (g = 0; g < plan.layout.nr_groups && !unit_failed(); g++) {
		if (!raid_group_written(raid, g))
			continue;
		raid_layout_group(&plan.layout, g, &group);
		for (i = 0; i < group.nr && group.member[i].leg; i++)
			;
		if (i < group.nr)
			CHECK(raid_group_rebuild(raid, &group, buf, 0) ==
			      -ENXIO);
	}
	CHECK(!raid->nr_bad);
}

static void test_rebuild_without_source(void)
{
	each_shape(rebuild_without_source);
}

/* Power fails while a leg is in sync further than its superblock says. */
static void crash_in_rebuild(const struct shape *shape)
{
	static struct op op;
	struct raid_group group;
	volatile u32 run;
	u32 replayed;
	u64 g;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(60);
		join_again(0);
		for (g = 0; g < plan.layout.nr_groups; g++) {
			raid_layout_group(&plan.layout, g, &group);
			CHECK(!raid_group_rebuild(raid, &group, buf, 0));
			WRITE_ONCE(raid->sb.roles[0].synced, g + 1);
		}
		op = random_op();
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(20));
			CHECK(!do_op(&op));
			model_disarm();
			land(&op);
		}
		model_lose_power();
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		if (!unit_failed())
			judge(&op, false);
	}
}

static void test_crash_in_rebuild(void)
{
	each_shape(crash_in_rebuild);
}

/* --- poison and power failures -------------------------------------------- */

static void read_all(void)
{
	u64 page, data[WORDS];

	for (page = 0; page < plan.layout.size_pages; page++)
		CHECK(!read_page(page, data));
}

static void scrub_all(void)
{
	struct raid_group group;
	struct raid_check check;
	u64 g;

	for (g = 0; g < plan.layout.nr_groups; g++) {
		raid_layout_group(&plan.layout, g, &group);
		if (raid_group_written(raid, g))
			CHECK(!raid_group_check(raid, &group, buf, false,
						&check));
	}
}

/*
 * Power fails while a page is mended: what clearing leaves of it is never
 * returned, nor copied over what is good.
 */
static void crash_in_mend(const struct shape *shape)
{
	static struct op op;
	volatile u32 run;
	u32 leg, replayed;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(40);
		leg = unit_random_below(plan.layout.nr_legs);
		model.legs[leg].poison[random_data_page()] = 1;
		op = random_op();
		memset(&flight, 0, sizeof(flight));
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(24));
			if (run % 3 == 0) {
				read_all();
			} else if (run % 3 == 1) {
				scrub_all();
			} else {
				CHECK(!do_op(&op));
				model_disarm();
				land(&op);
			}
			model_disarm();
		} else if (run % 3 != 2) {
			/* Nothing was being written. */
			memset(&op, 0, sizeof(op));
		}
		model_lose_power();
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		if (!unit_failed() && run % 3 == 2)
			judge(&op, false);
		else if (!unit_failed())
			verify_all();
		if (!unit_failed())
			verify_redundancy();
	}
}

static void test_crash_in_mend(void)
{
	u64 before = model.cleared;

	each_shape(crash_in_mend);
	CHECK(model.cleared > before + 100);
}

static u64 metadata_page(u32 leg)
{
	const u64 places[] = {
		raid_super_offset(leg % 2),
		raid_log_offset(raid, buf->slot, leg % 2),
		plan.bad_offset, plan.bad_offset + PINFOLD_RAID_BAD_COPY,
		plan.bitmap_offset,
	};

	return places[unit_random_below(ARRAY_SIZE(places))] / RAID_PAGE_SIZE;
}

/* The same for metadata, of an array with nothing to spare. */
static void crash_in_metadata(const struct shape *shape)
{
	volatile u32 run, without, leg;
	u32 replayed;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(60);
		fail_all_spare();
		without = missing_legs();
		random_writes(10);
		leg = random_live_leg();
		model.legs[leg].poison[metadata_page(leg)] = 1;
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(60));
			if (run % 2)
				random_writes(4);
			else
				CHECK(assemble(without, 0, &replayed) ==
				      RAID_ACCEPTED);
			model_disarm();
		} else if (run % 2) {
			/* What was written is not the point here. */
			model_lose_power();
			CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
			read_all();
			continue;
		}
		model_lose_power();
		CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
		if (!unit_failed())
			verify_all();
	}
}

static void test_crash_in_metadata(void)
{
	each_shape(crash_in_metadata);
}

/* One copy of the only superblock is unreadable, the other one being written. */
static void super_torn(const struct shape *shape)
{
	volatile u32 run, leg, without;
	u32 replayed;

	for (run = 0; run < 80 && !unit_failed(); run++) {
		start_array(shape);
		fail_all_spare();
		without = missing_legs();
		for (leg = 0; leg < plan.layout.nr_legs; leg++)
			model.legs[leg].poison[raid_super_offset(run % 2) /
					       RAID_PAGE_SIZE] = 1;
		if (!setjmp(model.crash)) {
			model_arm(run / 2 % 8);
			raid_commit(raid);
		}
		model_lose_power();
		CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
	}
}

static void test_super_torn(void)
{
	each_shape(super_torn);
}

/* One of the two copies of an entry is unreadable after the power failure. */
static void entry_poisoned(const struct shape *shape)
{
	static struct op op;
	volatile u32 run;
	u32 i, without, replayed;

	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(60);
		fail_all_spare();
		without = missing_legs();
		op = random_op();
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(20));
			CHECK(!do_op(&op));
			model_disarm();
			land(&op);
		}
		model_lose_power();
		for (i = 0; i < plan.layout.nr_legs; i++)
			model.legs[i].poison[raid_log_offset(raid, buf->slot, run % 2) /
					     RAID_PAGE_SIZE] = 1;
		CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
		if (!unit_failed())
			judge(&op, false);
	}
}

static void test_entry_poisoned(void)
{
	each_shape(entry_poisoned);
}

/*
 * The payload is unreadable: what it takes to compute a page is gone, so reading
 * the page fails, unless there is another payload.
 */
static void payload_poisoned(const struct shape *shape)
{
	static struct op op;
	volatile u32 run, without, errors = 0;
	u64 g, page, data[WORDS];
	u32 i, index, replayed;

	for (run = 0; run < 80 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(60);
		CHECK(!raid_leg_fail(raid, 0, NULL));
		without = missing_legs();
		random_writes(6);
		op = random_op();
		if (!setjmp(model.crash)) {
			model_arm(unit_random_below(12));
			CHECK(!do_op(&op));
			model_disarm();
			land(&op);
		}
		model_lose_power();
		g = raid_layout_locate(&plan.layout, op.page, &index);
		/* Of raid6, one of the two. */
		for (i = 1; i < plan.layout.nr_legs; i++)
			if (plan.layout.nr_parity == 1 || i % 2 == run % 2)
				model.legs[i].poison[plan.payload_offset /
						     RAID_PAGE_SIZE +
						     buf->slot] = 1;
		CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
		for (page = 0; page < plan.layout.size_pages; page++) {
			if (!read_page(page, data)) {
				judge_page(page, data, &op);
				continue;
			}
			errors++;
			CHECK(raid_layout_locate(&plan.layout, page, &index) ==
			      g);
			CHECK(plan.layout.nr_parity == 1 || op.nr > 1);
		}
	}
	CHECK(plan.layout.nr_parity != 1 || errors);
}

static void test_payload_poisoned(void)
{
	each_shape(payload_poisoned);
}

/* --- races ---------------------------------------------------------------- */

static struct model_leg other_leg;

/* The role's device is another one, full of something else. */
static void swap_leg_0(void)
{
	const u8 uuid[RAID_UUID_SIZE] = { 3 };

	other_leg.size = model.legs[0].size;
	other_leg.mem = malloc(other_leg.size);
	other_leg.dirty = calloc(1, other_leg.size / RAID_PAGE_SIZE);
	other_leg.poison = calloc(1, other_leg.size / RAID_PAGE_SIZE);
	memset(other_leg.mem, 0x77, other_leg.size);
	CHECK(!raid_leg_fail(raid, 0, NULL));
	raid->legs[0].media = NULL;
	CHECK(!raid_leg_join(raid, 0, &other_leg, uuid));
	/* Late news of the former device. */
	CHECK(!raid_leg_fail(raid, 0, &model.legs[0]));
	CHECK(raid_leg_state(raid, 0) == PINFOLD_RAID_ROLE_REBUILDING);
}

static void forget_other_leg(void)
{
	free(other_leg.mem);
	free(other_leg.dirty);
	free(other_leg.poison);
	memset(&other_leg, 0, sizeof(other_leg));
}

/* The first page of the array is read without a lock meanwhile. */
static void read_while(void)
{
	struct op op = { .nr = 1, .hi = RAID_PAGE_SIZE };
	struct raid_group group;
	u64 data[WORDS];
	u32 index;
	int err;

	raid_layout_group(&plan.layout,
			  raid_layout_locate(&plan.layout, op.page, &index),
			  &group);
	err = raid_group_read(raid, &group, index, 0, RAID_PAGE_SIZE, data);
	CHECK(err || !memcmp(data, expect[0], RAID_PAGE_SIZE));
}

static void start_with_page(const struct shape *shape)
{
	struct op op = { .nr = 1, .hi = RAID_PAGE_SIZE };

	start_array(shape);
	CHECK(!do_op(&op));
	land(&op);
}

/* At any time: before, between and after the reader's looks at it. */
static void swapped_while_reading(const struct shape *shape)
{
	u32 when;

	for (when = 0; when < 8 && !unit_failed(); when++) {
		start_with_page(shape);
		model.acquires = when;
		model.other_cpu = swap_leg_0;
		read_while();
		model.other_cpu = NULL;
		forget_other_leg();
	}
}

static void test_swapped_while_reading(void)
{
	each_shape(swapped_while_reading);
}

/* What mending a page does to it, with a reader between two of its steps. */
static u8 kept[RAID_PAGE_SIZE];

static u64 first_page(u32 *leg)
{
	struct raid_group group;
	u32 index, member;

	raid_layout_group(&plan.layout,
			  raid_layout_locate(&plan.layout, 0, &index), &group);
	member = raid_is_mirror(&plan.layout) ? 0 : index;
	*leg = group.member[member].leg;
	return group.member[member].page;
}

static void clear_first_page(void)
{
	u32 leg;
	u64 page = first_page(&leg);
	u8 *mem = model.legs[leg].mem + raid_data_offset(raid, page);

	model.meanwhile_loading = false;
	CHECK(!raid_bad_add(raid, leg, page, PINFOLD_RAID_BAD_STALE));
	memcpy(kept, mem, sizeof(kept));
	memset(mem, 0x66, sizeof(kept));
	model.meanwhile_loading = true;
}

static void write_first_page(void)
{
	u32 leg;
	u64 page = first_page(&leg);

	model.meanwhile_loading = false;
	memcpy(model.legs[leg].mem + raid_data_offset(raid, page), kept,
	       sizeof(kept));
	raid_bad_remove(raid, leg, page);
	model.afterwards = NULL;
}

static void mended_while_reading(const struct shape *shape)
{
	start_with_page(shape);
	model.meanwhile = clear_first_page;
	model.afterwards = write_first_page;
	model.meanwhile_loading = true;
	read_while();
	model.meanwhile_loading = false;
	model.meanwhile = NULL;
}

static void test_mended_while_reading(void)
{
	each_shape(mended_while_reading);
}

/* --- redundancy that is lost page by page --------------------------------- */

/* A leg that others lack pages of is not dropped for the asking. */
static void stale_elsewhere(const struct shape *shape)
{
	u64 g, page;

	start_array(shape);
	random_writes(100);
	model.legs[1].unclearable = true;
	for (g = 0; g < PAGES; g++) {
		page = plan.data_offset / RAID_PAGE_SIZE + g;
		model.legs[1].poison[page] = 1;
	}
	random_writes(30);
	CHECK(raid->nr_bad);
	CHECK(raid_leg_drop(raid, 0) == -EBUSY);
	CHECK(!missing_legs());
	CHECK(!raid_leg_drop(raid, 1));
	verify_all();
}

static void test_stale_elsewhere(void)
{
	each_shape(stale_elsewhere);
}

/*
 * Too many pages of a group are unreadable: those written as a whole can be
 * written and read, the others fail, and nothing else changes.
 */
static void beyond_redundancy(const struct shape *shape)
{
	struct op whole = { .nr = 1, .hi = RAID_PAGE_SIZE }, part = whole;
	u64 data[WORDS], page;
	struct raid_group group;
	u32 i, index, mine;
	u64 g;

	start_array(shape);
	random_writes(150);
	g = raid_layout_locate(&plan.layout, whole.page, &index);
	CHECK(!do_op(&whole));
	land(&whole);
	raid_layout_group(&plan.layout, g, &group);
	for (i = 0; i < group.nr; i++)
		model.legs[group.member[i].leg]
			.poison[raid_data_offset(raid, group.member[i].page) /
				RAID_PAGE_SIZE] = 1;
	CHECK(read_page(0, data));
	part.lo = 512;
	CHECK(do_op(&part));
	CHECK(!raid->broken);
	CHECK(!do_op(&whole));
	land(&whole);
	CHECK(!do_op(&part));
	land(&part);
	for (page = 0; page < plan.layout.size_pages; page++) {
		bool lost = raid_layout_locate(&plan.layout, page, &mine) == g &&
			    page;

		CHECK(!!read_page(page, data) == lost);
		CHECK(lost || !memcmp(data, expect[page], RAID_PAGE_SIZE));
		whole.page = page;
		if (lost) {
			CHECK(!do_op(&whole));
			land(&whole);
		}
	}
	verify_all();
	verify_redundancy();
	CHECK(!raid->nr_bad);
	CHECK(!missing_legs());
}

static void test_beyond_redundancy(void)
{
	each_shape(beyond_redundancy);
}

/* A leg dies within a write to a group whose other pages are stale already. */
static void dies_over_stale(const struct shape *shape)
{
	struct op op = { .nr = 1, .hi = RAID_PAGE_SIZE };
	struct raid_group group;
	u32 i, index;

	if ((shape->level != 5 && shape->level != 6) || shape->legs < 5)
		return;
	start_array(shape);
	CHECK(!do_op(&op));
	land(&op);
	raid_layout_group(&plan.layout,
			  raid_layout_locate(&plan.layout, op.page, &index),
			  &group);
	CHECK(!index);
	for (i = 1; i <= plan.layout.nr_parity; i++)
		CHECK(!raid_bad_add(raid, group.member[i].leg,
				    group.member[i].page,
				    PINFOLD_RAID_BAD_STALE));
	model.legs[group.member[0].leg].dies_in = 1;
	CHECK(do_op(&op));
}

static void test_dies_over_stale(void)
{
	each_shape(dies_over_stale);
}

/* What a rebuild could not read is not lost if the next one can. */
static void lost_and_found(const struct shape *shape)
{
	u32 i, page;

	if (shape->level != 1)
		return;
	start_array(shape);
	random_writes(100);
	join_again(0);
	for (i = 1; i < plan.layout.nr_legs; i++)
		for (page = 0; page < PAGES; page++)
			model.legs[i].poison[plan.data_offset / RAID_PAGE_SIZE +
					     page] = 1;
	for (page = 0; page < PAGES; page++) {
		struct raid_group group;

		raid_layout_group(&plan.layout, page, &group);
		if (raid_group_written(raid, page))
			CHECK(!raid_group_rebuild(raid, &group, buf, 0));
	}
	CHECK(raid->nr_bad);
	for (i = 1; i < plan.layout.nr_legs; i++)
		memset(model.legs[i].poison, 0,
		       model.legs[i].size / RAID_PAGE_SIZE);
	join_again(0);
	CHECK(!rebuild(0));
	CHECK(!raid->nr_bad);
	verify_all();
}

static void test_lost_and_found(void)
{
	each_shape(lost_and_found);
}

/* A part of a lost page does not make the rest of it known. */
static void part_of_lost(const struct shape *shape)
{
	struct op whole = { .nr = 1, .hi = RAID_PAGE_SIZE };
	struct op part = { .nr = 1, .lo = 512, .hi = 1024 };
	u64 data[WORDS], page;
	u32 leg;

	start_array(shape);
	CHECK(!do_op(&whole));
	land(&whole);
	page = first_page(&leg);
	CHECK(!raid_bad_add(raid, leg, page, PINFOLD_RAID_BAD_LOST));
	if (raid_is_mirror(&plan.layout)) {
		/* Another copy has all of it. */
		CHECK(!do_op(&part));
		land(&part);
	} else {
		CHECK(do_op(&part));
		CHECK(read_page(0, data));
	}
	CHECK(!raid->broken);
	CHECK(!do_op(&whole));
	land(&whole);
	verify_all();
	CHECK(!raid->nr_bad);
}

static void test_part_of_lost(void)
{
	each_shape(part_of_lost);
}

/* The log cannot be emptied on a leg that is needed: not assembled. */
static void log_stays(const struct shape *shape)
{
	u32 replayed, leg;

	start_array(shape);
	random_writes(20);
	fail_all_spare();
	leg = random_live_leg();
	model.legs[leg].unclearable = true;
	model.legs[leg].poison[plan.log_offset / RAID_PAGE_SIZE + 40] = 1;
	/* Raid10 may do without one leg more. */
	if (assemble(missing_legs(), 0, &replayed) == RAID_ACCEPTED)
		CHECK(plan.layout.level == 10 &&
		      raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_MISSING);
	model.legs[leg].unclearable = false;
}

static void test_log_stays(void)
{
	each_shape(log_stays);
}

/* Only where no copy of a word is left is it unknown, which is noticed. */
static void words_lost(const struct shape *shape)
{
	u32 i, copy, replayed;

	start_array(shape);
	random_writes(60);
	for (i = 1; i < plan.layout.nr_legs; i++) {
		memset(model.legs[i].mem + plan.bitmap_offset, 0, 64);
		for (copy = 0; copy < 2; copy++)
			memset(model.legs[i].mem + plan.bad_offset +
			       copy * PINFOLD_RAID_BAD_COPY, 0, 64);
	}
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
	CHECK(!raid->suspect);
	verify_all();
	for (i = 0; i < plan.layout.nr_legs; i++)
		memset(model.legs[i].mem + plan.bitmap_offset, 0, 64);
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
	CHECK(raid->suspect && raid_group_written(raid, 0));
	for (i = 0; i < plan.layout.nr_legs; i++)
		for (copy = 0; copy < 2; copy++)
			model.legs[i].mem[plan.bad_offset + 8 +
					  copy * PINFOLD_RAID_BAD_COPY] ^= 1;
	CHECK(assemble(0, 0, &replayed) == RAID_REFUSE_INVALID);
	CHECK(model.notes[RAID_NOTE_LIST_LOST]);
}

static void test_words_lost(void)
{
	each_shape(words_lost);
}

static const struct unit_test tests[] = {
	{ "raid_array: every level, healthy", test_healthy },
	{ "raid_array: legs fail, are refused when stale, and are rebuilt",
	  test_failing_legs },
	{ "raid_array: poison is mended from redundancy", test_poisoned },
	{ "raid_array: poison that cannot be cleared", test_unclearable },
	{ "raid_array: scrub", test_mismatch },
	{ "raid_array: poison in metadata", test_metadata_poisoned },
	{ "raid_array: no write hole", test_power_failure },
	{ "raid_array: no write hole, two writers", test_two_writers },
	{ "raid_array: a leg fails, a write completes, power fails",
	  test_failing_meanwhile },
	{ "raid_array: too many legs are gone for a while", test_all_gone },
	{ "raid_array: a leg that is needed dies within a write",
	  test_half_written },
	{ "raid_array: rebuild stops when its sources are gone",
	  test_rebuild_without_source },
	{ "raid_array: power fails during a rebuild", test_crash_in_rebuild },
	{ "raid_array: power fails while poison is cleared",
	  test_crash_in_mend },
	{ "raid_array: power fails, metadata are poisoned, nothing to spare",
	  test_crash_in_metadata },
	{ "raid_array: a superblock is poisoned, the other one torn",
	  test_super_torn },
	{ "raid_array: an entry of the log is poisoned", test_entry_poisoned },
	{ "raid_array: a payload of the log is poisoned",
	  test_payload_poisoned },
	{ "raid_array: a role's device changes under a reader",
	  test_swapped_while_reading },
	{ "raid_array: a page is mended under a reader",
	  test_mended_while_reading },
	{ "raid_array: stale pages count as lost redundancy",
	  test_stale_elsewhere },
	{ "raid_array: more is unreadable than can be computed",
	  test_beyond_redundancy },
	{ "raid_array: a leg dies where others are stale",
	  test_dies_over_stale },
	{ "raid_array: a page lost by one rebuild is found by the next",
	  test_lost_and_found },
	{ "raid_array: a part of a page that is lost", test_part_of_lost },
	{ "raid_array: a log that cannot be emptied", test_log_stays },
	{ "raid_array: words that are on no leg", test_words_lost },
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
