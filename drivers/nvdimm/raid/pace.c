// SPDX-License-Identifier: GPL-2.0
/* The worker's pauses, and what tells it to make them. */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/percpu.h>

#include "pfn_raid.h"

/* What was counted since the table was loaded. */
static void sum_up(struct raid_target *rt, struct raid_pace *sum)
{
	int cpu;

	*sum = (struct raid_pace){};
	for_each_possible_cpu(cpu) {
		struct raid_pace *p = per_cpu_ptr(rt->pace, cpu);
		u32 i;

		sum->ios += p->ios;
		for (i = 0; i < 2; i++) {
			sum->latency[i].nr += p->latency[i].nr;
			sum->latency[i].ns += p->latency[i].ns;
		}
	}
}

static struct raid_latency since(const struct raid_latency *now,
				 const struct raid_latency *before)
{
	return (struct raid_latency){ now->nr - before->nr,
				      now->ns - before->ns };
}

/**
 * raid_pace_begin() - the worker begins
 * @rt: target
 *
 * Context: the worker.
 */
void raid_pace_begin(struct raid_target *rt)
{
	sum_up(rt, &rt->paced);
	rt->pace_start = ktime_get_ns();
	WRITE_ONCE(rt->working, true);
}

/**
 * raid_pace_end() - the worker has nothing more to do
 * @rt: target
 *
 * Context: the worker.
 */
void raid_pace_end(struct raid_target *rt)
{
	WRITE_ONCE(rt->working, false);
}

/**
 * raid_pace() - let I/O have its share of the time
 * @rt: target
 *
 * Pauses for RAID_THROTTLE_PAUSE_NS at most, and not when it has to stop.
 *
 * Context: the worker, without any lock.
 */
void raid_pace(struct raid_target *rt)
{
	u64 worked = ktime_get_ns() - rt->pace_start, pause;
	struct raid_latency quiet, busy;
	struct raid_throttle throttle;
	struct raid_pace now;

	if (worked < RAID_THROTTLE_SLICE_NS)
		return;
	sum_up(rt, &now);
	quiet = since(&now.latency[0], &rt->paced.latency[0]);
	busy = since(&now.latency[1], &rt->paced.latency[1]);
	spin_lock(&rt->throttle_lock);
	pause = raid_throttle_pause(&rt->throttle, now.ios - rt->paced.ios,
				    &quiet, &busy, worked);
	throttle = rt->throttle;
	spin_unlock(&rt->throttle_lock);
	rt->paced = now;
	if (pause && throttle.floor < 100) {
		WRITE_ONCE(rt->working, false);
		wait_event_timeout(rt->pace_wait, READ_ONCE(rt->stop),
				   nsecs_to_jiffies(pause) + 1);
		WRITE_ONCE(rt->working, true);
	}
	rt->pace_start = ktime_get_ns();
}
