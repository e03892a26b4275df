/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The intent log: no write hole. Before the members of a group change, an entry
 * on the legs that hold its redundancy says which ones, and what the parity is
 * without them. At assembly these groups, and no others, are made right again.
 *
 * Entry i of every leg belongs to buffer i, so there is nothing to allocate and
 * nothing that two writes could contend for. Each leg has it twice, against
 * poison.
 */
#ifndef _PFN_RAID_LOG_H
#define _PFN_RAID_LOG_H

#include "array.h"
#include "group.h"

/**
 * struct raid_log_entry - an entry in the CPU's byte order
 *
 * The fields mean what they mean in &struct pinfold_raid_log_entry.
 */
struct raid_log_entry {
	u64 id;
	u64 group;
	u32 legs;
	u8 kind;
	u8 first;
	u8 nr;
	u8 sector;
	u8 sectors;
	u8 payload;
};

/**
 * struct raid_log_place - where an entry of a mirror is
 * @nr: number of addresses
 * @at: each leg's two copies
 *
 * Valid until raid_media_release().
 */
struct raid_log_place {
	u32 nr;
	void *at[2 * RAID_MAX_LEGS];
};

void raid_log_encode(const struct raid *raid,
		     struct pinfold_raid_log_entry *raw,
		     const struct raid_log_entry *entry);
bool raid_log_decode(const struct raid *raid,
		     const struct pinfold_raid_log_entry *raw,
		     struct raid_log_entry *entry);
int raid_log_begin(struct raid *raid, const struct raid_group *group,
		   struct raid_buf *buf, struct raid_log_entry *entry,
		   void *const parity[2]);
void raid_log_end(struct raid *raid, const struct raid_buf *buf,
		  const struct raid_log_entry *entry);
bool raid_log_map(struct raid *raid, const struct raid_group *group,
		  const struct raid_buf *buf, struct raid_log_place *place);
void raid_log_begin_at(struct raid *raid, const struct raid_group *group,
		       struct raid_buf *buf, struct raid_log_entry *entry,
		       const struct raid_log_place *place);
void raid_log_end_at(struct raid *raid, const struct raid_log_place *place);
u64 raid_log_offset(const struct raid *raid, u32 slot, u32 copy);
void raid_stop_writing(struct raid *raid);
int raid_log_wipe(struct raid *raid, u32 leg);

/* replay.c */
int raid_log_replay(struct raid *raid, struct raid_buf *buf, u32 *replayed);

#endif /* _PFN_RAID_LOG_H */
