/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How much of the time rebuild and scrub may work while the array is in use: a
 * pure decision on what was measured.
 */
#ifndef _PFN_RAID_THROTTLE_H
#define _PFN_RAID_THROTTLE_H

#include <linux/types.h>

/* Shares are in percent of the time. */
#define RAID_THROTTLE_FLOOR	10U
#define RAID_THROTTLE_HALF	50U
/* How long I/O may take, in percent of what it takes when the worker pauses. */
#define RAID_THROTTLE_LATENCY	150U
#define RAID_THROTTLE_MAX_LATENCY	10000U

/* The worker looks as often as that, and pauses no longer than that at a time. */
#define RAID_THROTTLE_SLICE_NS	4000000ULL
#define RAID_THROTTLE_PAUSE_NS	100000000ULL

/**
 * struct raid_latency - what I/O took
 * @nr: of I/Os that were measured
 * @ns: sum
 */
struct raid_latency {
	u64 nr;
	u64 ns;
};

/**
 * struct raid_throttle - the worker's share
 * @floor: its share is never less; at 100 it never pauses
 * @latency: I/O that takes more than so many percent makes the share smaller
 * @share: of the time, now
 * @quiet_ns: what I/O takes while the worker pauses; 0 if not known
 * @busy_ns: what it takes while it works; 0 if not known
 */
struct raid_throttle {
	u32 floor;
	u32 latency;
	u32 share;
	u64 quiet_ns;
	u64 busy_ns;
};

void raid_throttle_init(struct raid_throttle *throttle);
u64 raid_throttle_pause(struct raid_throttle *throttle, u64 ios,
			const struct raid_latency *quiet,
			const struct raid_latency *busy, u64 worked_ns);

#endif /* _PFN_RAID_THROTTLE_H */
