/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Codec of the superblock, and the decision what legs make an array: pure
 * functions on memory, shared by the module, the tool and the host tests.
 */
#ifndef _PFN_RAID_SUPERBLOCK_H
#define _PFN_RAID_SUPERBLOCK_H

#include <linux/pinfold_raid.h>
#include <linux/types.h>

#include "layout.h"

#define RAID_UUID_SIZE	PINFOLD_RAID_UUID_SIZE
#define RAID_PAGE_SIZE	PINFOLD_RAID_PAGE_SIZE

/**
 * struct raid_role - a role in the CPU's byte order
 *
 * The fields mean what they mean in &struct pinfold_raid_role.
 */
struct raid_role {
	u8 uuid[RAID_UUID_SIZE];
	u64 synced;
	u32 state;
	u32 flags;
};

/**
 * struct raid_super - a superblock in the CPU's byte order
 * @layout: level, nr_legs, copies, chunk_pages and leg_pages, and what
 *	raid_layout_init() made of them
 *
 * The other fields mean what they mean in &struct pinfold_raid_super_block.
 */
struct raid_super {
	u16 version_major;
	u16 version_minor;
	u64 compat;
	u64 ro_compat;
	u64 incompat;
	u64 events;
	u8 uuid[RAID_UUID_SIZE];
	struct raid_layout layout;
	u32 role;
	u32 region_groups;
	u64 log_offset;
	u64 payload_offset;
	u64 bad_offset;
	u64 bitmap_offset;
	u64 bitmap_size;
	u64 data_offset;
	struct raid_role roles[RAID_MAX_LEGS];
};

/**
 * enum raid_verdict - what a leg's superblock is worth
 * @RAID_SB_VALID: use it
 * @RAID_SB_SPARE: the same, but it is a spare, and no leg
 * @RAID_SB_VERSION: intact, of a major version this code does not know
 * @RAID_SB_FEATURES: intact, with features this code does not know
 * @RAID_SB_GEOMETRY: intact, but against the format's rules
 * @RAID_SB_TRUNCATED: intact, but the leg is smaller than it was
 * @RAID_SB_CORRUPT: has the magic, but is corrupt or in the other one's place
 * @RAID_SB_NONE: something else, or nothing
 * @RAID_SB_UNREADABLE: could not be read; only ever set by the caller
 */
enum raid_verdict {
	RAID_SB_VALID,
	RAID_SB_SPARE,
	RAID_SB_VERSION,
	RAID_SB_FEATURES,
	RAID_SB_GEOMETRY,
	RAID_SB_TRUNCATED,
	RAID_SB_CORRUPT,
	RAID_SB_NONE,
	RAID_SB_UNREADABLE,
};

static inline u64 raid_super_offset(unsigned int copy)
{
	return copy ? PINFOLD_RAID_SB1_OFFSET : PINFOLD_RAID_SB0_OFFSET;
}

static inline u64 raid_super_nr_regions(const struct raid_super *sb)
{
	return (sb->layout.nr_groups + sb->region_groups - 1) /
	       sb->region_groups;
}

/*
 * Bytes of the array whose regions have no other data: as many groups as a region
 * or a chunk has, each a power of two.
 */
static inline u64 raid_discard_unit(const struct raid_super *sb)
{
	u32 groups = sb->region_groups;

	if (!raid_is_mirror(&sb->layout) && sb->layout.chunk_pages > groups)
		groups = sb->layout.chunk_pages;
	return (u64)groups * sb->layout.nr_data * RAID_PAGE_SIZE;
}

const char *raid_super_plan(struct raid_super *sb, u64 leg_size);
const char *raid_super_grow(struct raid_super *sb, u64 leg_pages, u64 leg_size);
void raid_super_encode(struct pinfold_raid_super_block *block,
		       const struct raid_super *sb, u32 role,
		       unsigned int copy);
enum raid_verdict raid_super_verify(const void *buf, unsigned int copy,
				    u64 leg_size, struct raid_super *sb);
bool raid_super_intact(const void *buf, unsigned int copy);
const char *raid_verdict_string(enum raid_verdict verdict);

#endif /* _PFN_RAID_SUPERBLOCK_H */
