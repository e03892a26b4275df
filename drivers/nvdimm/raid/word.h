/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Codec of the words of 8 bytes that change on their own: the list of bad pages
 * and the bitmap. Each has its checksum in it, empty ones too, so that what
 * clearing poison leaves is never taken for a word.
 */
#ifndef _PFN_RAID_WORD_H
#define _PFN_RAID_WORD_H

#include "superblock.h"

/**
 * struct raid_bad - a page that must not be read
 * @page: of the leg's data
 * @leg: its role
 * @kind: PINFOLD_RAID_BAD_*; 0 for a free slot
 */
struct raid_bad {
	u64 page;
	u32 leg;
	u32 kind;
};

u32 raid_uuid_seed(const struct raid_super *sb);
__le64 raid_bad_encode(u32 seed, u32 slot, const struct raid_bad *bad);
bool raid_bad_decode(u32 seed, u32 slot, __le64 raw, struct raid_bad *bad);
__le64 raid_bits_encode(u32 seed, u64 index, u32 bits);
bool raid_bits_decode(u32 seed, u64 index, __le64 raw, u32 *bits);

static inline u64 raid_super_nr_words(const struct raid_super *sb)
{
	return (raid_super_nr_regions(sb) + PINFOLD_RAID_WORD_BITS - 1) /
	       PINFOLD_RAID_WORD_BITS;
}

#endif /* _PFN_RAID_WORD_H */
