/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The remap table: which page of the data area lives in which slot of the spare
 * area. Needs no kernel: the tool and the host tests compile it, too.
 *
 * The caller serialises: one call at a time on a table, but for lookups. A call
 * that changes the table is durable in both mirrors when it returns 0.
 */
#ifndef _PINFOLD_REMAP_TABLE_H
#define _PINFOLD_REMAP_TABLE_H

#include "infoblock.h"
#include "remap_entry.h"

struct pinfold_media;

/* No slot: a page at home, or no slot to be had. */
#define PINFOLD_NO_SLOT		(~0U)

/* Entries that are read, judged and mended together. */
#define PINFOLD_REMAP_BLOCK	512
#define PINFOLD_REMAP_PER_BLOCK	(PINFOLD_REMAP_BLOCK / PINFOLD_TABLE_ENTRY_SIZE)

/**
 * struct pinfold_remap_report - what was found when the table was read
 * @unreadable: blocks of PINFOLD_REMAP_BLOCK bytes that are bad, per mirror
 * @damaged: entries that are not valid, in readable blocks, per mirror
 * @behind: entries of mirror 1 that an interrupted change left behind mirror 0
 * @halfway: slots whose page has moved on to another one: 0 or 1
 * @lost: entries that no mirror has
 * @first_lost: slot of the first of them
 * @conflicts: claims of a page that another slot claims as well, in no order
 * @conflict_owner: page of the first of them
 */
struct pinfold_remap_report {
	u32 unreadable[PINFOLD_TABLE_MIRRORS];
	u32 damaged[PINFOLD_TABLE_MIRRORS];
	u32 behind;
	u32 halfway;
	u32 lost;
	u32 first_lost;
	u32 conflicts;
	u64 conflict_owner;
};

/**
 * struct pinfold_remap - a table in memory
 * @media: where it is
 * @layout: where on it
 * @entries: one word for each slot, as it is or will be in both mirrors;
 *	PINFOLD_REMAP_NO_ENTRY for a lost one
 * @heads: slots by owner: first of a chain
 * @next: the slot behind each one in its chain
 * @quarantine: a bit for each slot that was released and may still be read
 * @hash_mask: number of chains - 1
 * @nr_claimed: slots with a page
 * @nr_retired: slots that are never used again
 * @nr_homes_retired: claims whose home is never used again
 * @nr_quarantined: bits set in @quarantine
 * @halfway: slot to be released by pinfold_remap_mend(), or PINFOLD_NO_SLOT
 * @needs_mending: what the media has is not what @entries say
 * @broken: a fence failed, so what the media has is unknown
 */
struct pinfold_remap {
	struct pinfold_media *media;
	struct pinfold_remap_layout layout;
	u64 *entries;
	u32 *heads;
	u32 *next;
	u64 *quarantine;
	u32 hash_mask;
	u32 nr_claimed;
	u32 nr_retired;
	u32 nr_homes_retired;
	u32 nr_quarantined;
	u32 halfway;
	bool needs_mending;
	bool broken;
};

static inline u64 pinfold_remap_entry_offset(const struct pinfold_remap_layout *layout,
					     unsigned int mirror, u32 slot)
{
	return layout->table_offset[mirror] +
	       (u64)slot * PINFOLD_TABLE_ENTRY_SIZE;
}

static inline u64 pinfold_remap_home_offset(const struct pinfold_remap_layout *layout,
					    u64 page)
{
	return layout->data_offset + page * PINFOLD_PAGE_SIZE;
}

static inline u64 pinfold_remap_slot_offset(const struct pinfold_remap_layout *layout,
					    u32 slot)
{
	return layout->spare_offset + (u64)slot * PINFOLD_PAGE_SIZE;
}

/* remap_table.c */
bool pinfold_remap_layout_init(struct pinfold_remap_layout *layout,
			       const struct pinfold_info *info);
int pinfold_remap_alloc(struct pinfold_remap *table,
			struct pinfold_media *media,
			const struct pinfold_remap_layout *layout);
void pinfold_remap_free(struct pinfold_remap *table);

u32 pinfold_remap_lookup(const struct pinfold_remap *table, u64 page);
u64 pinfold_remap_offset(const struct pinfold_remap *table, u64 page);
u32 pinfold_remap_find_free(const struct pinfold_remap *table, u32 from);

int pinfold_remap_may_claim(const struct pinfold_remap *table, u64 page,
			    u32 slot);
int pinfold_remap_may_release(const struct pinfold_remap *table, u64 page);
int pinfold_remap_claim(struct pinfold_remap *table, u64 page, u32 slot,
			bool retire_home);
int pinfold_remap_transfer(struct pinfold_remap *table, u64 page, u32 slot,
			   bool retire_slot);
int pinfold_remap_release(struct pinfold_remap *table, u64 page);
int pinfold_remap_retire_home(struct pinfold_remap *table, u64 page);
int pinfold_remap_retire_slot(struct pinfold_remap *table, u32 slot);
void pinfold_remap_reuse(struct pinfold_remap *table, u32 slot);

/* remap_recover.c */
int pinfold_remap_format(struct pinfold_media *media,
			 const struct pinfold_remap_layout *layout);
int pinfold_remap_load(struct pinfold_remap *table,
		       struct pinfold_remap_report *report);
void pinfold_remap_give_up_lost(struct pinfold_remap *table);
int pinfold_remap_mend(struct pinfold_remap *table);

/* remap_move.c */
int pinfold_remap_move_out(struct pinfold_remap *table, u64 page, u32 slot,
			   bool retire_home);
int pinfold_remap_move_on(struct pinfold_remap *table, u64 page, u32 slot,
			  bool retire_slot);
int pinfold_remap_move_home(struct pinfold_remap *table, u64 page);

/* remap_lost.c */
int pinfold_remap_copy_readable(struct pinfold_remap *table, u64 page, u32 slot,
				unsigned int *lost);
int pinfold_remap_salvage(struct pinfold_remap *table, u64 page, u32 slot,
			  bool retire);
int pinfold_remap_find_lost(const struct pinfold_remap *table, u32 slot,
			    unsigned int *lost);

/* For the files of the table only. */
int __pinfold_remap_may_leave(const struct pinfold_remap *table, u64 page,
			      u32 slot);
int __pinfold_remap_leave(struct pinfold_remap *table, u64 page, u32 slot,
			  u64 flags);
int __pinfold_remap_claim(struct pinfold_remap *table, u64 page, u32 slot,
			  u64 flags);
int __pinfold_remap_transfer(struct pinfold_remap *table, u64 page, u32 slot,
			     bool retire_slot, u64 flags);
int __pinfold_remap_set(struct pinfold_remap *table, u32 slot, u64 word);
void __pinfold_remap_count(struct pinfold_remap *table, u64 word, int sign);
u32 __pinfold_remap_index(struct pinfold_remap *table, u32 slot);

#endif /* _PINFOLD_REMAP_TABLE_H */
