/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs: groups next to each other, on the same legs, that one lock covers. Where
 * nothing is wrong with any of them, rebuild, replacement and scrub work on all at
 * once, on the legs themselves; else group by group, which knows what to do about
 * it.
 */
#ifndef _PFN_RAID_RUN_H
#define _PFN_RAID_RUN_H

#include "group.h"

/**
 * struct raid_run_check - what raid_run_check() found
 * @mismatches: groups whose redundancy did not fit the data
 * @failed: groups that cannot be read or repaired
 * @bad: the last one of these
 */
struct raid_run_check {
	u32 mismatches;
	u32 failed;
	u64 bad;
};

u64 raid_run_end(const struct raid *raid, u64 first);
int raid_run_rebuild(struct raid *raid, u64 first, u64 end,
		     struct raid_buf *buf, u32 leg);
int raid_run_copy(struct raid *raid, u64 first, u64 end, struct raid_buf *buf);
void raid_run_check(struct raid *raid, u64 first, u64 end, struct raid_buf *buf,
		    bool repair, struct raid_run_check *check);

#endif /* _PFN_RAID_RUN_H */
