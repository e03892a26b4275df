// SPDX-License-Identifier: GPL-2.0
/*
 * Where pages are (drivers/nvdimm/raid/layout.c), against the formulas of md's
 * documentation (md(4): near copies; left-symmetric) and against itself: no two
 * pages share a place, none is outside of the leg.
 */
#include <linux/kernel.h>
#include <string.h>

#include "layout.h"
#include "unit.h"

#define ROWS	5

static struct raid_layout make(u32 level, u32 legs, u32 copies, u32 chunk)
{
	struct raid_layout layout = {
		.level = level, .nr_legs = legs, .copies = copies,
		.chunk_pages = chunk, .leg_pages = ROWS * chunk,
	};

	if (raid_layout_init(&layout))
		layout.size_pages = 0;
	return layout;
}

static void group_of(const struct raid_layout *layout, u64 page, u32 *index,
		     struct raid_group *group)
{
	u64 g = raid_layout_locate(layout, page, index);

	raid_layout_group(layout, g, group);
}

/* md(4): parity rotates from the last device down, data starts behind it. */
static void test_left_symmetric(void)
{
	u32 n, chunk;
	u64 page;

	for (n = 3; n <= 9; n++)
		for (chunk = 1; chunk <= 4; chunk *= 2) {
			struct raid_layout l = make(5, n, 1, chunk);

			CHECK(l.size_pages == (u64)ROWS * chunk * (n - 1));
			for (page = 0; page < l.size_pages; page++) {
				u64 c = page / chunk, row = c / (n - 1);
				u32 p = n - 1 - row % n, index;
				struct raid_group g;

				group_of(&l, page, &index, &g);
				CHECK(g.member[index].leg ==
				      (p + 1 + c % (n - 1)) % n);
				CHECK(g.member[index].page ==
				      row * chunk + page % chunk);
				CHECK(g.member[n - 1].leg == p);
			}
		}
}

static void test_left_symmetric_6(void)
{
	u32 n;
	u64 page;

	for (n = 4; n <= 9; n++) {
		struct raid_layout l = make(6, n, 1, 2);

		for (page = 0; page < l.size_pages; page++) {
			u64 c = page / 2, row = c / (n - 2);
			u32 p = n - 1 - row % n, index;
			struct raid_group g;

			group_of(&l, page, &index, &g);
			CHECK(g.member[index].leg ==
			      (p + 2 + c % (n - 2)) % n);
			CHECK(g.member[n - 2].leg == p);
			CHECK(g.member[n - 1].leg == (p + 1) % n);
		}
	}
}

static void test_raid4(void)
{
	struct raid_layout l = make(4, 4, 1, 2);
	u64 page;

	for (page = 0; page < l.size_pages; page++) {
		struct raid_group g;
		u32 index;

		group_of(&l, page, &index, &g);
		CHECK(g.member[index].leg == page / 2 % 3);
		CHECK(g.member[3].leg == 3);
	}
}

/* md(4): copies of a chunk are on consecutive devices, rows are filled up. */
static void test_near(void)
{
	u32 n, copies, i;
	u64 page;

	for (n = 2; n <= 7; n++)
		for (copies = 2; copies <= n; copies++) {
			struct raid_layout l = make(10, n, copies, 2);

			CHECK(l.size_pages == ROWS * n / copies * 2);
			for (page = 0; page < l.size_pages; page++) {
				struct raid_group g;
				u32 index;

				group_of(&l, page, &index, &g);
				CHECK(!index && g.nr == copies);
				for (i = 0; i < copies; i++) {
					u64 place = page / 2 * copies + i;

					CHECK(g.member[i].leg == place % n);
					CHECK(g.member[i].page ==
					      place / n * 2 + page % 2);
				}
			}
		}
}

static void test_raid1(void)
{
	struct raid_layout l = make(1, 3, 3, 1);
	struct raid_group g;
	u32 i;

	CHECK(l.size_pages == ROWS);
	raid_layout_group(&l, 4, &g);
	for (i = 0; i < 3; i++)
		CHECK(g.member[i].leg == i && g.member[i].page == 4);
}

static void check_places(const struct raid_layout *l)
{
	static u8 used[RAID_MAX_LEGS][ROWS * 4];
	struct raid_group g;
	u64 group;
	u32 i;

	memset(used, 0, sizeof(used));
	for (group = 0; group < l->nr_groups; group++) {
		raid_layout_group(l, group, &g);
		CHECK(g.nr == (raid_is_mirror(l) ? l->copies : l->nr_legs));
		for (i = 0; i < g.nr; i++) {
			CHECK(g.member[i].leg < l->nr_legs);
			CHECK(g.member[i].page < l->leg_pages);
			CHECK(!used[g.member[i].leg][g.member[i].page]++);
		}
	}
}

static void test_places(void)
{
	static const u32 levels[] = { 1, 4, 5, 6, 10 };
	u32 i, n, copies;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
		for (n = 2; n <= RAID_MAX_LEGS; n++)
			for (copies = 1; copies <= n; copies++) {
				struct raid_layout l = make(levels[i], n,
							    copies, 4);

				if (l.size_pages && !unit_failed())
					check_places(&l);
			}
}

static void test_refused(void)
{
	struct raid_layout bad[] = {
		{ .level = 5, .nr_legs = 2, .copies = 1, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 6, .nr_legs = 3, .copies = 1, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 5, .nr_legs = 33, .copies = 1, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 5, .nr_legs = 3, .copies = 2, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 1, .nr_legs = 3, .copies = 2, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 1, .nr_legs = 1, .copies = 1, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 10, .nr_legs = 3, .copies = 1, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 10, .nr_legs = 3, .copies = 4, .chunk_pages = 1, .leg_pages = 4 },
		{ .level = 5, .nr_legs = 3, .copies = 1, .chunk_pages = 0, .leg_pages = 4 },
		{ .level = 5, .nr_legs = 3, .copies = 1, .chunk_pages = 3, .leg_pages = 3 },
		{ .level = 5, .nr_legs = 3, .copies = 1, .chunk_pages = 4, .leg_pages = 6 },
		{ .level = 5, .nr_legs = 3, .copies = 1, .chunk_pages = 4, .leg_pages = 0 },
		{ .level = 5, .nr_legs = 3, .copies = 1, .chunk_pages = 1, .leg_pages = ~0ULL },
		{ .level = 0, .nr_legs = 3, .copies = 1, .chunk_pages = 1, .leg_pages = 4 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(raid_layout_init(&bad[i]));
}

static const struct unit_test tests[] = {
	{ "raid_layout: raid5 is left-symmetric", test_left_symmetric },
	{ "raid_layout: raid6 is left-symmetric", test_left_symmetric_6 },
	{ "raid_layout: raid4 has its parity last", test_raid4 },
	{ "raid_layout: raid10 is near", test_near },
	{ "raid_layout: raid1", test_raid1 },
	{ "raid_layout: every place is used once", test_places },
	{ "raid_layout: impossible shapes are refused", test_refused },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
