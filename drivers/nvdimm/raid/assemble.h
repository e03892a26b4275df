/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which legs make an array: a pure decision on superblocks. Nothing is guessed:
 * a leg that was named but does not belong stops the assembly.
 */
#ifndef _PFN_RAID_ASSEMBLE_H
#define _PFN_RAID_ASSEMBLE_H

#include "superblock.h"

/**
 * struct raid_candidate - what was found in the place of a role
 * @given: a device was named
 * @fresh: it is new: its contents do not matter, it will be rebuilt
 * @uuid: for a fresh one
 * @verdict: on its better copy
 * @sb: that copy, if the verdict is RAID_SB_VALID
 */
struct raid_candidate {
	bool given;
	bool fresh;
	u8 uuid[RAID_UUID_SIZE];
	enum raid_verdict verdict;
	struct raid_super sb;
};

/**
 * enum raid_refusal - why legs make no array
 * @RAID_ACCEPTED: they do
 * @RAID_REFUSE_NO_LEG: no leg that could speak for the array was named
 * @RAID_REFUSE_INVALID: the culprit's superblock is no good
 * @RAID_REFUSE_FOREIGN: the culprit belongs to another array
 * @RAID_REFUSE_MISMATCH: the culprit has the array's uuid but another shape, or
 *	is not the leg that the array knows in this role
 * @RAID_REFUSE_SWAPPED: the culprit has another role
 * @RAID_REFUSE_STALE: the array went on without the culprit
 * @RAID_REFUSE_DIVERGED: the culprit went on without the others, too
 * @RAID_REFUSE_COUNT: the table has not as many legs as the array
 * @RAID_REFUSE_TOO_FEW: not enough legs in sync for the level
 */
enum raid_refusal {
	RAID_ACCEPTED,
	RAID_REFUSE_NO_LEG,
	RAID_REFUSE_INVALID,
	RAID_REFUSE_FOREIGN,
	RAID_REFUSE_MISMATCH,
	RAID_REFUSE_SWAPPED,
	RAID_REFUSE_STALE,
	RAID_REFUSE_DIVERGED,
	RAID_REFUSE_COUNT,
	RAID_REFUSE_TOO_FEW,
};

/**
 * struct raid_assembly - the decision
 * @refusal: RAID_ACCEPTED, or why not
 * @culprit: the leg that does not fit, if one leg is to blame
 * @leader: the leg whose superblock speaks for the array
 * @fresh: legs whose contents do not matter, as bits
 * @changed: the roles differ from what the leader's superblock says
 * @sb: the array's superblock, roles as they are now
 */
struct raid_assembly {
	enum raid_refusal refusal;
	u32 culprit;
	u32 leader;
	u32 fresh;
	bool changed;
	struct raid_super sb;
};

void raid_assemble(const struct raid_candidate *legs, u32 nr,
		   struct raid_assembly *result);
bool raid_same_array(const struct raid_super *a, const struct raid_super *b);
bool raid_enough_legs(const struct raid_super *sb, u32 without);
const char *raid_refusal_string(enum raid_refusal refusal);

#endif /* _PFN_RAID_ASSEMBLE_H */
