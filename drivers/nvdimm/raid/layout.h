/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the pages of an array are on its legs: pure arithmetic, the same
 * layouts as md's (raid10: near; raid5 and raid6: left-symmetric; raid4: parity
 * last), so that the documentation of these holds here too.
 */
#ifndef _PFN_RAID_LAYOUT_H
#define _PFN_RAID_LAYOUT_H

#include <linux/pinfold_raid.h>
#include <linux/types.h>

#define RAID_MAX_LEGS	PINFOLD_RAID_MAX_LEGS

/**
 * struct raid_layout - an array's shape
 * @level: 1, 4, 5, 6 or 10
 * @nr_legs: legs
 * @copies: copies of each page (1 for parity levels)
 * @chunk_pages: pages of a chunk
 * @leg_pages: data pages of a leg, whole chunks
 * @nr_data: data pages of a group
 * @nr_parity: parity pages of a group, 0 to 2
 * @nr_groups: groups of the array
 * @size_pages: capacity
 */
struct raid_layout {
	u32 level;
	u32 nr_legs;
	u32 copies;
	u32 chunk_pages;
	u64 leg_pages;
	u32 nr_data;
	u32 nr_parity;
	u64 nr_groups;
	u64 size_pages;
};

/**
 * struct raid_member - a page of a group
 * @page: on the leg, from the start of its data
 * @leg: the leg
 */
struct raid_member {
	u64 page;
	u32 leg;
};

/**
 * struct raid_group - what is redundant together
 * @index: its number
 * @nr: members
 * @member: the copies, or the data pages in order, then P, then Q
 */
struct raid_group {
	u64 index;
	u32 nr;
	struct raid_member member[RAID_MAX_LEGS];
};

static inline bool raid_is_mirror(const struct raid_layout *layout)
{
	return !layout->nr_parity;
}

const char *raid_layout_init(struct raid_layout *layout);
u64 raid_layout_locate(const struct raid_layout *layout, u64 page, u32 *index);
void raid_layout_group(const struct raid_layout *layout, u64 index,
		       struct raid_group *group);

#endif /* _PFN_RAID_LAYOUT_H */
