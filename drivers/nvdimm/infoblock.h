/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Codec of the pinfold info block: pure functions on memory, shared by the
 * driver, the tool and the host tests. Reading the media is the caller's
 * business, and so is telling the user.
 *
 * Documentation/on-media-format.rst has the reasons behind the policy.
 */
#ifndef _PINFOLD_INFOBLOCK_H
#define _PINFOLD_INFOBLOCK_H

#include <linux/pinfold_media.h>
#include <linux/types.h>

#define PINFOLD_INFO_COPIES	2
#define PINFOLD_UUID_SIZE	16

/* Let pinfold_geometry_plan() choose the size of the spare area. */
#define PINFOLD_SPARE_DEFAULT	(~0ULL)

/**
 * struct pinfold_geometry - where things are in a namespace
 *
 * The fields mean what they mean in &struct pinfold_info_block.
 */
struct pinfold_geometry {
	u64 ns_size;
	u64 data_offset;
	u64 data_size;
	u64 spare_offset;
	u64 spare_size;
	u64 table_offset[PINFOLD_TABLE_MIRRORS];
	u64 table_size;
};

/**
 * struct pinfold_info - an info block in the CPU's byte order
 *
 * The fields mean what they mean in &struct pinfold_info_block.
 */
struct pinfold_info {
	u16 version_major;
	u16 version_minor;
	u64 compat;
	u64 ro_compat;
	u64 incompat;
	u64 seq;
	u8 uuid[PINFOLD_UUID_SIZE];
	u8 parent_uuid[PINFOLD_UUID_SIZE];
	struct pinfold_geometry geo;
};

/**
 * struct pinfold_info_ctx - what the namespace itself says
 * @ns_size: its size in bytes
 * @phys_known: @phys_base is valid; false for an image file
 * @parent_known: @parent_uuid is valid; false for an image file
 * @phys_base: its physical address
 * @parent_uuid: the uuid in its label, all zero for a label-less namespace
 */
struct pinfold_info_ctx {
	u64 ns_size;
	bool phys_known;
	bool parent_known;
	u64 phys_base;
	u8 parent_uuid[PINFOLD_UUID_SIZE];
};

/**
 * enum pinfold_verdict - what one copy of the info block is worth
 * @PINFOLD_VALID: use it
 * @PINFOLD_VALID_READ_ONLY: use it for reading: unknown ro_compat features
 * @PINFOLD_BAD_VERSION: intact, of a major version this code does not know
 * @PINFOLD_BAD_INCOMPAT: intact, has unknown incompat features
 * @PINFOLD_BAD_PARENT: intact, but copied from another namespace
 * @PINFOLD_BAD_NS_SIZE: intact, but the namespace is smaller than it was
 * @PINFOLD_BAD_ALIGNMENT: intact, but the data's physical address is no
 *	multiple of PINFOLD_CHUNK_SIZE (any more)
 * @PINFOLD_BAD_GEOMETRY: intact, but areas overlap, leave the namespace, or
 *	break the format's rules: never written by pinfold
 * @PINFOLD_BAD_COPY: has the magic, but belongs to the other copy's place
 * @PINFOLD_BAD_CHECKSUM: has the magic, but is corrupt or torn
 * @PINFOLD_NO_MAGIC: something else, or nothing
 * @PINFOLD_FOREIGN: the info block of libnvdimm's btt, pfn or dax
 * @PINFOLD_UNREADABLE: could not be read; only ever set by the caller
 *
 * Those up to PINFOLD_BAD_GEOMETRY are intact: magic, checksum and copy number
 * are right, and &struct pinfold_info was filled in.
 */
enum pinfold_verdict {
	PINFOLD_VALID,
	PINFOLD_VALID_READ_ONLY,
	PINFOLD_BAD_VERSION,
	PINFOLD_BAD_INCOMPAT,
	PINFOLD_BAD_PARENT,
	PINFOLD_BAD_NS_SIZE,
	PINFOLD_BAD_ALIGNMENT,
	PINFOLD_BAD_GEOMETRY,
	PINFOLD_BAD_COPY,
	PINFOLD_BAD_CHECKSUM,
	PINFOLD_NO_MAGIC,
	PINFOLD_FOREIGN,
	PINFOLD_UNREADABLE,
};

/**
 * struct pinfold_copy - one copy, as read and judged
 * @verdict: from pinfold_info_verify(), or PINFOLD_UNREADABLE
 * @info: its contents if pinfold_verdict_intact(), else undefined
 */
struct pinfold_copy {
	enum pinfold_verdict verdict;
	struct pinfold_info info;
};

/**
 * enum pinfold_choice - what to do with a namespace
 * @PINFOLD_USE: attach with the chosen copy, which is PINFOLD_VALID or
 *	PINFOLD_VALID_READ_ONLY
 * @PINFOLD_REFUSE: ours, but the chosen copy's verdict forbids its use
 * @PINFOLD_NOT_OURS: no trace of pinfold, or libnvdimm took the namespace over
 * @PINFOLD_REUSED: copy 1 is left, and something unknown is in copy 0's place:
 *	overwritten, or an interrupted create or destroy
 * @PINFOLD_ILLEGIBLE: both places are unreadable: perhaps ours, perhaps not
 * @PINFOLD_CORRUPT: ours, but no intact copy is left
 * @PINFOLD_CONFLICT: both copies are intact and of different instances
 */
enum pinfold_choice {
	PINFOLD_USE,
	PINFOLD_REFUSE,
	PINFOLD_NOT_OURS,
	PINFOLD_REUSED,
	PINFOLD_ILLEGIBLE,
	PINFOLD_CORRUPT,
	PINFOLD_CONFLICT,
};

static inline bool pinfold_verdict_usable(enum pinfold_verdict verdict)
{
	return verdict <= PINFOLD_VALID_READ_ONLY;
}

static inline bool pinfold_verdict_intact(enum pinfold_verdict verdict)
{
	return verdict <= PINFOLD_BAD_GEOMETRY;
}

/* Offset in the namespace of the given copy. */
static inline u64 pinfold_info_offset(unsigned int copy)
{
	return copy ? PINFOLD_INFO1_OFFSET : PINFOLD_INFO0_OFFSET;
}

int pinfold_geometry_plan(u64 ns_size, u64 phys_base, u64 spare_size,
			  struct pinfold_geometry *geo);
bool pinfold_geometry_valid(const struct pinfold_geometry *geo);

void pinfold_info_prepare(struct pinfold_info_block *block,
			  const struct pinfold_info *info);
void pinfold_info_seal(struct pinfold_info_block *block, unsigned int copy);
enum pinfold_verdict pinfold_info_verify(const void *buf, unsigned int copy,
					 const struct pinfold_info_ctx *ctx,
					 struct pinfold_info *info);
enum pinfold_choice
pinfold_info_choose(const struct pinfold_copy copies[PINFOLD_INFO_COPIES],
		    unsigned int *chosen);

const char *pinfold_verdict_string(enum pinfold_verdict verdict);
const char *pinfold_choice_string(enum pinfold_choice choice);

#endif /* _PINFOLD_INFOBLOCK_H */
