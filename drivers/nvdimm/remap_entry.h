/* SPDX-License-Identifier: GPL-2.0 */
/* Codec of one entry of the remap table: pure functions on words. */
#ifndef _PINFOLD_REMAP_ENTRY_H
#define _PINFOLD_REMAP_ENTRY_H

#include <linux/pinfold_media.h>
#include <linux/types.h>

/**
 * struct pinfold_remap_layout - where table and pages are
 * @table_offset: the mirrors
 * @data_offset: the home of page 0
 * @spare_offset: slot 0
 * @nr_slots: slots in use, a multiple of 64
 * @nr_pages: pages of the data area that can be moved
 * @seed: of the checksums: what the instance's uuid makes of it
 */
struct pinfold_remap_layout {
	u64 table_offset[PINFOLD_TABLE_MIRRORS];
	u64 data_offset;
	u64 spare_offset;
	u32 nr_slots;
	u64 nr_pages;
	u16 seed;
};

/* A word that is no entry at all, whatever slot it is found in. */
#define PINFOLD_REMAP_NO_ENTRY	0ULL

u16 pinfold_remap_seed(const u8 uuid[16]);
u64 pinfold_remap_seal(const struct pinfold_remap_layout *layout, u32 slot,
		       u64 word);
bool pinfold_remap_valid(const struct pinfold_remap_layout *layout, u32 slot,
			 u64 word);

static inline u64 pinfold_remap_owner(u64 word)
{
	return word & PINFOLD_REMAP_OWNER_MASK;
}

static inline unsigned int pinfold_remap_gen(u64 word)
{
	return word >> PINFOLD_REMAP_GEN_SHIFT & PINFOLD_REMAP_GEN_MASK;
}

static inline unsigned int pinfold_remap_next_gen(u64 word)
{
	return (pinfold_remap_gen(word) + 1) & PINFOLD_REMAP_GEN_MASK;
}

#endif /* _PINFOLD_REMAP_ENTRY_H */
