// SPDX-License-Identifier: GPL-2.0
/*
 * Random writes, lost legs, poison and rebuilds, compared with a plain copy of the
 * data. Power failures are in test_raid_power.c.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_array.h"
#include "unit.h"

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

/* The role's device is what it was before, and in sync. */
static void swap_back(void)
{
	const u8 uuid[RAID_UUID_SIZE] = { 4 };
	struct raid_group group;
	u64 g;

	CHECK(!raid_leg_fail(raid, 0, NULL));
	raid->legs[0].media = NULL;
	CHECK(!raid_leg_join(raid, 0, &model.legs[0], uuid));
	for (g = 0; g < plan.layout.nr_groups; g++) {
		raid_layout_group(&plan.layout, g, &group);
		CHECK(!raid_group_rebuild(raid, &group, buf, 0));
		WRITE_ONCE(raid->sb.roles[0].synced, g + 1);
	}
	raid_leg_complete(raid, 0);
	CHECK(raid_leg_state(raid, 0) == PINFOLD_RAID_ROLE_IN_SYNC);
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
	for (when = 0; when < 8 && !unit_failed(); when++) {
		start_with_page(shape);
		swap_leg_0();
		model.acquires = when;
		model.other_cpu = swap_back;
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

/* A start that comes to nothing leaves nothing to the next one. */
static void started_again(const struct shape *shape)
{
	u32 leg = 1, i, bad, written, replayed;

	start_array(shape);
	random_writes(20);
	model.legs[leg].unclearable = true;
	for (i = 0; i < 4; i++)
		model.legs[leg].poison[random_data_page()] = 1;
	random_writes(60);
	bad = raid->nr_bad;
	written = *raid->written;
	CHECK(bad);
	raid->suspect = true;
	raid->broken = true;
	*raid->written = *raid->shadow = ~0U;
	for (i = 0; i < 3; i++) {
		CHECK(start_again(&replayed) == RAID_ACCEPTED);
		CHECK(raid->nr_bad == bad && *raid->written == written);
		CHECK(!raid->suspect && !raid->broken);
		verify_all();
		/* Reading may have found more. */
		bad = raid->nr_bad;
	}
}

static void test_started_again(void)
{
	each_shape(started_again);
}

/* Loads of each leg's data while all of the array is read. */
static void count_reads(void)
{
	memset(model.loads, 0, sizeof(model.loads));
	verify_all();
}

/* Legs that are write-mostly are not read as long as others can be. */
static void write_mostly(const struct shape *shape)
{
	u32 replayed, leg = shape->legs - 1, i;

	start_array(shape);
	if (!raid_is_mirror(&plan.layout))
		return;
	random_writes(200);
	count_reads();
	CHECK(model.loads[leg]);
	CHECK(!raid_leg_mark(raid, leg, PINFOLD_RAID_WRITE_MOSTLY, true));
	random_writes(20);
	count_reads();
	CHECK(!model.loads[leg]);
	CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
	CHECK(raid->write_mostly == 1U << leg);
	count_reads();
	CHECK(!model.loads[leg]);
	/* It has all that is written. */
	for (i = 1; i <= leg && i <= tolerance(); i++)
		CHECK(!raid_leg_fail(raid, leg - i, NULL));
	count_reads();
	CHECK(model.loads[leg]);
	CHECK(!raid_leg_mark(raid, leg, PINFOLD_RAID_WRITE_MOSTLY, false));
	CHECK(assemble(missing_legs(), 0, &replayed) == RAID_ACCEPTED);
	CHECK(!raid->write_mostly);
}

static void test_write_mostly(void)
{
	each_shape(write_mostly);
}

/* A page of another leg is unreadable: the leg is read for it, and mends it. */
static void write_mostly_poisoned(const struct shape *shape)
{
	u32 i, leg = shape->legs - 1;

	start_array(shape);
	if (!raid_is_mirror(&plan.layout))
		return;
	random_writes(60);
	CHECK(!raid_leg_mark(raid, leg, PINFOLD_RAID_WRITE_MOSTLY, true));
	for (i = 0; i < 40 && !unit_failed(); i++) {
		u8 *poison = &model.legs[unit_random_below(leg)]
				.poison[random_data_page()];

		*poison = POISON_KNOWN;
		verify_all();
		/* Not all are mended: another copy may have been read. */
		*poison = 0;
	}
	CHECK(model.notes[RAID_NOTE_REPAIRED]);
	verify_redundancy();
}

static void test_write_mostly_poisoned(void)
{
	each_shape(write_mostly_poisoned);
}

static const struct unit_test tests[] = {
	{ "raid_array: every level, healthy", test_healthy },
	{ "raid_array: legs fail, are refused when stale, and are rebuilt",
	  test_failing_legs },
	{ "raid_array: poison is mended from redundancy", test_poisoned },
	{ "raid_array: poison that cannot be cleared", test_unclearable },
	{ "raid_array: scrub", test_mismatch },
	{ "raid_array: poison in metadata", test_metadata_poisoned },
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
	{ "raid_array: started more than once", test_started_again },
	{ "raid_array: write-mostly legs", test_write_mostly },
	{ "raid_array: write-mostly legs and poison",
	  test_write_mostly_poisoned },
};

int main(void)
{
	return array_tests_run(tests, ARRAY_SIZE(tests));
}
