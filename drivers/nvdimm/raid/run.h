/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Runs: groups next to each other, on the same legs, that one lock covers. Where
 * nothing is wrong with any of them, rebuild, replacement and scrub work on all at
 * once, on the legs themselves; else on the first one, the way that knows what to do
 * about it and may take long: the lock is not held for more than that.
 */
#ifndef _PFN_RAID_RUN_H
#define _PFN_RAID_RUN_H

#include "group.h"

/**
 * struct raid_run_check - what raid_run_check() found
 * @mismatch: the redundancy did not fit the data
 * @failed: it cannot be read or repaired
 */
struct raid_run_check {
	bool mismatch;
	bool failed;
};

u64 raid_run_end(const struct raid *raid, u64 first);
int raid_run_rebuild(struct raid *raid, u64 first, u64 *end,
		     struct raid_buf *buf, u32 leg);
int raid_run_copy(struct raid *raid, u64 first, u64 *end, struct raid_buf *buf);
void raid_run_check(struct raid *raid, u64 first, u64 *end,
		    struct raid_buf *buf, bool repair,
		    struct raid_run_check *check);

#endif /* _PFN_RAID_RUN_H */
