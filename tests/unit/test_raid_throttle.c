// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>

#include "throttle.h"
#include "unit.h"

#define SLICE	RAID_THROTTLE_SLICE_NS

static const struct raid_latency none;

/* Pauses after slices with I/O that took so long; the last one. */
static u64 slices(struct raid_throttle *t, u32 nr, u64 quiet_ns, u64 busy_ns)
{
	const struct raid_latency quiet = { 4, 4 * quiet_ns };
	const struct raid_latency busy = { 4, 4 * busy_ns };
	u64 pause = 0;

	while (nr--)
		pause = raid_throttle_pause(t, 100, &quiet, &busy, SLICE);
	return pause;
}

static void test_without_io(void)
{
	struct raid_throttle t;

	raid_throttle_init(&t);
	CHECK(!raid_throttle_pause(&t, 0, &none, &none, SLICE));
	slices(&t, 50, 1000, 9000);
	CHECK(t.share == RAID_THROTTLE_FLOOR);
	/* As soon as it is gone. */
	CHECK(!raid_throttle_pause(&t, 0, &none, &none, SLICE));
	CHECK(t.share == 100);
}

static void test_with_io(void)
{
	struct raid_throttle t;

	raid_throttle_init(&t);
	/* Nothing was measured: half. */
	CHECK(raid_throttle_pause(&t, 1, &none, &none, SLICE) == SLICE);
	CHECK(slices(&t, 50, 1000, 1400) == SLICE);
	CHECK(t.share == 50);
	/* It suffers: less and less, but never less than the floor. */
	CHECK(slices(&t, 50, 1000, 1600) == 9 * SLICE);
	CHECK(t.share == RAID_THROTTLE_FLOOR);
	/* It does not any more: more and more. */
	slices(&t, 60, 1000, 1000);
	CHECK(t.share == 50);
}

/* Whatever it is told, there is progress, and no pause is long. */
static void test_bounds(void)
{
	static const u64 values[] = { 0, 1, 100, 100000, SLICE, 10000000000ULL,
				      ~0ULL / 200, ~0ULL };
	struct raid_throttle t;
	u32 i;

	raid_throttle_init(&t);
	for (i = 0; i < 100000 && !unit_failed(); i++) {
		struct raid_latency quiet = {
			unit_random_below(3),
			values[unit_random_below(ARRAY_SIZE(values))]
		}, busy = {
			unit_random_below(3),
			values[unit_random_below(ARRAY_SIZE(values))]
		};
		u64 pause;

		if (!unit_random_below(100)) {
			t.floor = 1 + unit_random_below(100);
			t.latency = 100 + unit_random_below(9900);
		}
		pause = raid_throttle_pause(&t, unit_random_below(2), &quiet,
					    &busy, values[unit_random_below(8)]);
		CHECK(pause <= RAID_THROTTLE_PAUSE_NS);
		CHECK(t.share >= t.floor && t.share <= 100);
		CHECK(t.floor < 100 || !pause);
	}
}

static const struct unit_test tests[] = {
	{ "raid_throttle: no I/O, no pause", test_without_io },
	{ "raid_throttle: I/O, and whether it suffers", test_with_io },
	{ "raid_throttle: bounds", test_bounds },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
