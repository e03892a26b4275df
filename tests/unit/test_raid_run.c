// SPDX-License-Identifier: GPL-2.0
/* Rebuild and scrub of several groups at a time: what is wrong with one of them. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <string.h>

#include "raid_array.h"
#include "run.h"
#include "unit.h"

/* Every page of the array is written. */
static void fill_array(const struct shape *shape)
{
	struct op op = { .nr = 1, .hi = RAID_PAGE_SIZE };

	start_array(shape);
	for (; op.page < plan.layout.size_pages && !unit_failed(); op.page++) {
		CHECK(!do_op(&op));
		land(&op);
	}
}

static u32 check_run(u64 g, bool repair)
{
	u64 end, stop = raid_run_end(raid, g);
	struct raid_run_check check;
	u32 mismatches = 0;

	for (; g < stop; g = end) {
		end = stop;
		raid_run_check(raid, g, &end, buf, repair, &check);
		if (check.failed || end <= g || end > stop)
			return ~0U;
		mismatches += check.mismatch;
	}
	return mismatches;
}

/* A bit of one member of a group, which the others say is wrong. */
static void spoil_redundancy(u64 g)
{
	const struct raid_member *m;
	struct raid_group group;

	raid_layout_group(&plan.layout, g, &group);
	m = &group.member[raid_is_mirror(&plan.layout) ?
			  1 + unit_random_below(group.nr - 1) :
			  plan.layout.nr_data +
			  unit_random_below(plan.layout.nr_parity)];
	model.legs[m->leg].mem[raid_data_offset(raid, m->page) +
			       unit_random_below(RAID_PAGE_SIZE)] ^= 4;
}

static void mismatches(const struct shape *shape)
{
	u64 before = model.nr_runs, g, end;
	u32 round, wrong;

	fill_array(shape);
	for (round = 0; round < 40 && !unit_failed(); round++) {
		g = unit_random_below(plan.layout.nr_groups);
		g -= g % RAID_RUN_GROUPS;
		end = raid_run_end(raid, g);
		CHECK(end - g == RAID_RUN_GROUPS);
		CHECK(check_run(g, false) == 0);
		wrong = 1 + unit_random_below(RAID_RUN_GROUPS);
		spoil_redundancy(g);
		if (wrong > 1)
			spoil_redundancy(g + 1);
		CHECK(check_run(g, false) == wrong);
		CHECK(check_run(g, true) == wrong);
		CHECK(check_run(g, true) == 0);
	}
	CHECK(model.nr_runs > before);
	if (!unit_failed())
		verify_all();
}

static void test_mismatches(void)
{
	each_shape(mismatches);
}

/* Whether a page is poisoned: one that a group has, as not all do. */
static u8 *random_member(void)
{
	const struct raid_member *m;
	struct raid_group group;

	raid_layout_group(&plan.layout,
			  unit_random_below(plan.layout.nr_groups), &group);
	m = &group.member[unit_random_below(group.nr)];
	return &model.legs[m->leg].poison[raid_data_offset(raid, m->page) /
					  RAID_PAGE_SIZE];
}

/* Latent poison is found by whoever reads it, in the middle of a run. */
static void poisoned(const struct shape *shape)
{
	u32 round;

	fill_array(shape);
	for (round = 0; round < 60 && !unit_failed(); round++) {
		u8 *poison = random_member();

		*poison = unit_random_below(2) ? POISON_LATENT : POISON_KNOWN;
		verify_redundancy();
		CHECK(!*poison);
	}
	CHECK(model.notes[RAID_NOTE_REPAIRED] == round);
	if (!unit_failed())
		verify_all();
}

static void test_poisoned(void)
{
	each_shape(poisoned);
}

static int rebuild_alone(u32 leg)
{
	u64 g, end;
	int err = 0;

	for (g = 0; !err && g < plan.layout.nr_groups; g = end) {
		end = raid_run_end(raid, g);
		err = raid_run_rebuild(raid, g, &end, buf, leg);
		if (!err)
			WRITE_ONCE(raid->sb.roles[leg].synced, end);
	}
	raid_leg_complete(raid, leg);
	return err;
}

/* A leg comes back while a page of another one cannot be read. */
static void rebuilt_with_poison(const struct shape *shape)
{
	u64 data[WORDS], page;
	u32 leg, unreadable, round;
	u8 *poison;

	for (round = 0; round < 10 && !unit_failed(); round++) {
		fill_array(shape);
		leg = unit_random_below(plan.layout.nr_legs);
		join_again(leg);
		poison = random_member();
		*poison = POISON_LATENT;
		CHECK(!rebuild_alone(leg));
		for (page = 0, unreadable = 0;
		     page < plan.layout.size_pages && !unit_failed(); page++) {
			if (read_page(page, data))
				unreadable++;
			else
				CHECK(!memcmp(data, expect[page],
					      RAID_PAGE_SIZE));
		}
		/* Of one group, and only if nothing else had it. */
		CHECK(unreadable <= (tolerance() > 1 ? 0 : 2));
	}
}

static void test_rebuilt_with_poison(void)
{
	each_shape(rebuilt_with_poison);
}

static const struct unit_test tests[] = {
	{ "raid_run: redundancy that does not fit", test_mismatches },
	{ "raid_run: poison in the middle of a scrub", test_poisoned },
	{ "raid_run: poison in the middle of a rebuild",
	  test_rebuilt_with_poison },
};

int main(void)
{
	return array_tests_run(tests, ARRAY_SIZE(tests));
}
