/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading, writing, checking and rebuilding one group. What needs the group's
 * lock says so.
 */
#ifndef _PFN_RAID_GROUP_H
#define _PFN_RAID_GROUP_H

#include "array.h"

/**
 * struct raid_buf - pages to work with, and an entry of the intent log
 * @slot: number of the entry
 * @log_id: of its last use
 * @new: data to write, by index of the data page; filled in by the caller
 * @old: what the group has, or parity being computed, in a vector's order
 * @spare: one page more
 */
struct raid_buf {
	u32 slot;
	u64 log_id;
	void *new[RAID_MAX_LEGS];
	void *old[RAID_MAX_LEGS];
	void *spare;
};

/**
 * struct raid_write - what of a group is written
 * @first: first data page
 * @nr: data pages
 * @lo: first byte in the first page
 * @hi: end in the last page
 * @lent: of a mirror: the data from @lo on, where it is, or NULL if the buffer has
 *	it; it may change, and is used only if it need not be read twice
 *
 * All in between is written, too. @lo and @hi are multiples of 512.
 */
struct raid_write {
	u32 first;
	u32 nr;
	u32 lo;
	u32 hi;
	const void *lent;
};

/**
 * struct raid_check - what raid_group_check() found
 * @mismatch: the redundancy did not fit the data
 * @repaired: it does now
 */
struct raid_check {
	bool mismatch;
	bool repaired;
};

int raid_group_read(struct raid *raid, const struct raid_group *group,
		    u32 index, u32 off, u32 len, void *dst);
int raid_group_read_locked(struct raid *raid, const struct raid_group *group,
			   struct raid_buf *buf, u32 index, u32 off, u32 len,
			   void *dst);
int raid_group_write(struct raid *raid, const struct raid_group *group,
		     struct raid_buf *buf, const struct raid_write *write);
int raid_group_zero(struct raid *raid, u64 index);
int raid_group_check(struct raid *raid, const struct raid_group *group,
		     struct raid_buf *buf, bool repair,
		     struct raid_check *check);
int raid_group_rebuild(struct raid *raid, const struct raid_group *group,
		       struct raid_buf *buf, u32 leg);
int raid_group_copy(struct raid *raid, const struct raid_group *group,
		    struct raid_buf *buf);

/* member.c: one page of a group */
bool raid_member_in_sync(const struct raid *raid,
			 const struct raid_group *group, u32 i);
bool raid_member_reluctant(const struct raid *raid,
			   const struct raid_group *group, u32 i);
int raid_member_load(struct raid *raid, const struct raid_group *group, u32 i,
		     u32 off, u32 len, void *dst);
int raid_member_store(struct raid *raid, const struct raid_group *group, u32 i,
		      u32 off, u32 len, const void *src);
bool raid_member_bad(struct raid *raid, const struct raid_group *group, u32 i);
int raid_member_stale(struct raid *raid, const struct raid_group *group, u32 i);

/* recover.c: whole pages of all members */
int raid_group_load(struct raid *raid, const struct raid_group *group,
		    struct raid_buf *buf, bool all, u32 *unread);
int raid_group_mend(struct raid *raid, const struct raid_group *group,
		    struct raid_buf *buf, u32 unread);

#endif /* _PFN_RAID_GROUP_H */
