// SPDX-License-Identifier: GPL-2.0
/*
 * What of an array is there after a power failure, while legs fail and pages go
 * bad.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_array.h"
#include "unit.h"

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

static u64 assembly_events;

/* Anywhere, or in the replay of the log, which comes last. */
static u64 random_moment(u32 without)
{
	u32 nr = plan.layout.nr_legs;
	u32 given = nr - hweight32(without);

	if (unit_random_below(2))
		return unit_random_below(40);
	return assembly_events * given / nr - given - 1 +
	       unit_random_below(8 + 2 * given);
}

static void accepted(enum raid_refusal refusal)
{
	CHECK(refusal == RAID_ACCEPTED);
}

/*
 * Assemble. Where a power failure spoils pages, a leg may have lost its superblocks; or an
 * assembly before found that it lost other metadata, and noted that it failed, so it is
 * stale. Both are a loss as any other.
 */
static u32 assemble_readable(u32 without)
{
	enum raid_refusal refusal;
	u32 replayed = 0;

	refusal = assemble(without, 0, &replayed);
	if (model.spoils && (refusal == RAID_REFUSE_STALE ||
			     refusal == RAID_REFUSE_INVALID)) {
		without |= 1U << culprit;
		losses++;
		refusal = assemble(without, 0, &replayed);
	}
	accepted(refusal);
	replays += replayed;
	return without;
}

/* Assemble, with power failing again at times on the way. Return: the legs that are lost. */
static u32 recover(u32 without)
{
	volatile u32 again = unit_random_below(3) ? 0 : 1 + unit_random_below(3);
	u32 replayed = 0;

	while (again) {
		if (!setjmp(model.crash)) {
			model_arm(random_moment(without));
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
	return assemble_readable(without);
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

/* What recovery did stays, whoever writes then, and when power fails the next time. */
static u32 write_after_recovery(u32 without)
{
	static struct flight keep;

	keep = flight;
	model.thread++;
	random_writes(2);
	model.thread--;
	flight = keep;
	model_lose_power();
	return assemble_readable(without);
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
	assembly_events = model.events;
	start_array(shape);
	assembly_events = model.events - assembly_events;
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
	without = recover(without);
	if (!unit_failed() && !(before + after))
		without = write_after_recovery(without);
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

/* ... or while its being complete is recorded. */
static void crash_after_rebuild(const struct shape *shape)
{
	struct op last = { .nr = 1, .hi = RAID_PAGE_SIZE };
	struct raid_group group;
	volatile u32 run;
	u32 replayed;
	u64 g;

	for (run = 0; run < 32 && !unit_failed(); run++) {
		start_array(shape);
		random_writes(20);
		last.page = plan.layout.size_pages - 1;
		CHECK(!do_op(&last));
		land(&last);
		CHECK(!raid_leg_fail(raid, 0, NULL));
		memset(model.legs[0].mem + plan.data_offset, 0x5a,
		       PAGES * RAID_PAGE_SIZE);
		join_again(0);
		for (g = 0; g < plan.layout.nr_groups; g++) {
			raid_layout_group(&plan.layout, g, &group);
			CHECK(!raid_group_rebuild(raid, &group, buf, 0));
			WRITE_ONCE(raid->sb.roles[0].synced, g + 1);
		}
		if (!setjmp(model.crash)) {
			model_arm(run % 4);
			raid_leg_complete(raid, 0);
		}
		model_lose_power();
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		verify_all();
		if (!unit_failed())
			verify_redundancy();
	}
}

static void test_crash_after_rebuild(void)
{
	each_shape(crash_after_rebuild);
}

/* --- poison and power failures -------------------------------------------- */

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

/* A leg that cannot be spared, and neither can what it holds. */
static bool one_leg_is_enough(void)
{
	return tolerance() == plan.layout.nr_legs - 1;
}

static bool spoils_list(u64 offset)
{
	return offset >= plan.bad_offset &&
	       offset < plan.bad_offset + 2 * PINFOLD_RAID_BAD_COPY;
}

/* The list of bad pages of the only leg is written, and spoilt by that. */
static void list_torn(const struct shape *shape)
{
	volatile u32 run, without;
	u32 replayed;

	make_plan(shape);
	if (!one_leg_is_enough())
		return;
	model.spoils = spoils_list;
	for (run = 0; run < 128 && !unit_failed(); run++) {
		start_array(shape);
		fail_all_spare();
		without = missing_legs();
		if (!setjmp(model.crash)) {
			model_arm(run % 8);
			assemble(without, 0, &replayed);
		}
		model_lose_power();
		CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
	}
}

static void test_list_torn(void)
{
	each_shape(list_torn);
	model.spoils = NULL;
}

static bool spoils_bitmap(u64 offset)
{
	return offset >= plan.bitmap_offset && offset < plan.data_offset;
}

/* The bitmaps of all legs are written, and some spoilt by that: never all. */
static void bitmap_torn(const struct shape *shape)
{
	static struct op op;
	volatile u32 run;
	u32 replayed;

	op = (struct op){ .nr = 1, .hi = RAID_PAGE_SIZE };
	model.spoils = spoils_bitmap;
	for (run = 0; run < 60 && !unit_failed(); run++) {
		start_array(shape);
		op.page = 0;
		CHECK(!do_op(&op));
		land(&op);
		op.page = plan.layout.size_pages - 1;
		if (!setjmp(model.crash)) {
			/* After the zeroes, of two groups. */
			model_arm(2 * plan.layout.nr_legs +
				  unit_random_below(2 * plan.layout.nr_legs + 4));
			CHECK(!do_op(&op));
			model_disarm();
			land(&op);
		}
		model_lose_power();
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		CHECK(!raid->suspect);
		judge(&op, false);
	}
}

static void test_bitmap_torn(void)
{
	each_shape(bitmap_torn);
	model.spoils = NULL;
}

/*
 * A page that is lost or bad is written while one copy of the list is bad for
 * good: the other one alone has to be right at any time.
 */
static void rewrite_with_half_a_list(const struct shape *shape)
{
	static struct op op;
	u64 page, data[WORDS];
	volatile u32 run, without;
	u32 leg, replayed;

	make_plan(shape);
	if (!one_leg_is_enough())
		return;
	op = (struct op){ .nr = 1, .hi = RAID_PAGE_SIZE };
	for (run = 0; run < 160 && !unit_failed(); run++) {
		start_array(shape);
		CHECK(!do_op(&op));
		land(&op);
		fail_all_spare();
		without = missing_legs();
		page = first_page(&leg);
		leg = random_live_leg();
		model.legs[leg].poison[(plan.bad_offset + PINFOLD_RAID_BAD_COPY) /
				       RAID_PAGE_SIZE] = POISON_FOR_GOOD;
		if (run % 2)
			CHECK(!raid_bad_add(raid, leg, page,
					    PINFOLD_RAID_BAD_LOST));
		else
			model.legs[leg].poison[raid_data_offset(raid, page) /
					       RAID_PAGE_SIZE] = POISON_KNOWN;
		CHECK(read_page(0, data));
		if (!setjmp(model.crash)) {
			model_arm(run / 2 % 16);
			CHECK(!do_op(&op));
			model_disarm();
		}
		model_lose_power();
		CHECK(assemble(without, 0, &replayed) == RAID_ACCEPTED);
		if (!read_page(0, data))
			CHECK(!memcmp(data, flight.data, RAID_PAGE_SIZE));
	}
}

static void test_rewrite_with_half_a_list(void)
{
	each_shape(rewrite_with_half_a_list);
}

/* What was mended or repaired is so after a power failure, too. */
static void mended_stays(const struct shape *shape)
{
	u32 run, i, leg, replayed, failed;
	u64 g, page;

	for (run = 0; run < 8 && !unit_failed(); run++) {
		struct raid_group group;
		struct raid_check check;
		const struct raid_member *m;

		start_array(shape);
		random_writes(60);
		do {
			g = unit_random_below(plan.layout.nr_groups);
		} while (!raid_group_written(raid, g));
		raid_layout_group(&plan.layout, g, &group);
		/* The last one is redundancy of any level. */
		m = &group.member[group.nr - 1];
		leg = m->leg;
		page = raid_data_offset(raid, m->page);
		if (run % 2)
			model.legs[leg].poison[page / RAID_PAGE_SIZE] =
				POISON_LATENT;
		else
			memset(model.legs[leg].mem + page, 0x5a, RAID_PAGE_SIZE);
		CHECK(!raid_group_check(raid, &group, buf, true, &check));
		CHECK(check.repaired == !(run % 2));
		model_lose_power();
		CHECK(assemble(0, 0, &replayed) == RAID_ACCEPTED);
		/* It is needed now. */
		for (i = 0, failed = 0; failed < tolerance(); i++)
			if (i != leg && !raid_leg_fail(raid, i, NULL))
				failed++;
		verify_all();
	}
}

static void test_mended_stays(void)
{
	each_shape(mended_stays);
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

/*
 * A copy is torn, and what is left of it differs in one word from a block that was
 * never complete. It does not become that one when it is torn again.
 */
static void super_torn_twice(const struct shape *shape)
{
	static struct pinfold_raid_super_block before, never, block;
	volatile u32 run;
	u64 *copy;
	u32 w;

	for (run = 0; run < 150 && !unit_failed(); run++) {
		start_array(shape);
		copy = (u64 *)(model.legs[0].mem + raid_super_offset(0));
		memcpy(&before, copy, sizeof(before));
		/* The leg was to be told that another one failed... */
		raid->sb.events++;
		raid->sb.roles[1].state = PINFOLD_RAID_ROLE_MISSING;
		raid_super_encode(&never, &raid->sb, 0, 0);
		raid->sb.roles[1].state = PINFOLD_RAID_ROLE_IN_SYNC;
		/* ... all of which is there, but for one word. */
		memcpy(copy, &never, sizeof(never));
		w = offsetof(struct pinfold_raid_super_block, events) / 8;
		copy[w] = ((u64 *)&before)[w];
		raid->sb.events--;
		if (!setjmp(model.crash)) {
			model_arm(run % 6);
			raid_commit(raid);
			model_disarm();
		}
		model_lose_power();
		memcpy(&block, copy, sizeof(block));
		CHECK(!raid_super_intact(&block, 0) ||
		      memcmp(&block, &never, sizeof(block)));
	}
}

static void test_super_torn_twice(void)
{
	each_shape(super_torn_twice);
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

static const struct unit_test tests[] = {
	{ "raid_power: no write hole", test_power_failure },
	{ "raid_power: no write hole, two writers", test_two_writers },
	{ "raid_power: a leg fails, a write completes, power fails",
	  test_failing_meanwhile },
	{ "raid_power: too many legs are gone for a while", test_all_gone },
	{ "raid_power: a leg that is needed dies within a write",
	  test_half_written },
	{ "raid_power: rebuild stops when its sources are gone",
	  test_rebuild_without_source },
	{ "raid_power: power fails during a rebuild", test_crash_in_rebuild },
	{ "raid_power: power fails when a rebuild is complete",
	  test_crash_after_rebuild },
	{ "raid_power: power fails while poison is cleared",
	  test_crash_in_mend },
	{ "raid_power: the list of bad pages is torn", test_list_torn },
	{ "raid_power: the bitmap is torn", test_bitmap_torn },
	{ "raid_power: power fails while a lost page is written, half of the list is bad",
	  test_rewrite_with_half_a_list },
	{ "raid_power: power fails when a page is mended",
	  test_mended_stays },
	{ "raid_power: power fails, metadata are poisoned, nothing to spare",
	  test_crash_in_metadata },
	{ "raid_power: a superblock is poisoned, the other one torn",
	  test_super_torn },
	{ "raid_power: a superblock is torn twice", test_super_torn_twice },
	{ "raid_power: an entry of the log is poisoned", test_entry_poisoned },
	{ "raid_power: a payload of the log is poisoned",
	  test_payload_poisoned },
};

int main(void)
{
	return array_tests_run(tests, ARRAY_SIZE(tests));
}
