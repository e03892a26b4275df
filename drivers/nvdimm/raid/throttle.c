// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/types.h>

#include "throttle.h"

/* Percent that the share grows by while I/O does not suffer. */
#define STEP	5

/**
 * raid_throttle_init() - as it is if nobody says otherwise
 * @throttle: settings and state
 *
 * Context: any.
 */
void raid_throttle_init(struct raid_throttle *throttle)
{
	*throttle = (struct raid_throttle){
		.floor = RAID_THROTTLE_FLOOR,
		.latency = RAID_THROTTLE_LATENCY,
		.share = 100,
	};
}

/* A mean that forgets: an eighth of it is new each time. */
static void learn(u64 *mean, const struct raid_latency *seen)
{
	u64 now;

	if (!seen->nr)
		return;
	now = seen->ns / seen->nr;
	*mean = *mean ? *mean - *mean / 8 + now / 8 : now;
}

static bool suffers(const struct raid_throttle *t)
{
	return t->quiet_ns && t->busy_ns &&
	       t->busy_ns > t->quiet_ns / 100 * t->latency;
}

/**
 * raid_throttle_pause() - how long is the worker to pause?
 * @throttle: settings and state
 * @ios: number of I/Os since the last time
 * @quiet: what those took that were measured while the worker paused
 * @busy: while it worked
 * @worked_ns: how long it has worked since the last time
 *
 * Without I/O it does not pause. With I/O it has half of the time; less, down to
 * the floor, if I/O takes longer while it works.
 *
 * Context: any.
 * Return: nanoseconds, RAID_THROTTLE_PAUSE_NS at most.
 */
u64 raid_throttle_pause(struct raid_throttle *throttle, u64 ios,
			const struct raid_latency *quiet,
			const struct raid_latency *busy, u64 worked_ns)
{
	u32 floor = throttle->floor;

	learn(&throttle->quiet_ns, quiet);
	learn(&throttle->busy_ns, busy);
	if (!ios)
		throttle->share = 100;
	else if (suffers(throttle))
		throttle->share /= 2;
	else
		throttle->share = min(throttle->share + STEP,
				      RAID_THROTTLE_HALF);
	throttle->share = max(throttle->share, floor);
	/* What a long group takes is not made up for by more than the bound. */
	worked_ns = min(worked_ns, RAID_THROTTLE_PAUSE_NS);
	return min(worked_ns * (100 - throttle->share) / throttle->share,
		   RAID_THROTTLE_PAUSE_NS);
}
