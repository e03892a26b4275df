// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>

#include "assemble.h"

static bool speaks(const struct raid_candidate *leg)
{
	return leg->given && !leg->fresh;
}

/* The leg with most events; those that do not belong are found later. */
static bool find_leader(const struct raid_candidate *legs, u32 nr, u32 *leader)
{
	bool found = false;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (!speaks(&legs[i]) || legs[i].verdict != RAID_SB_VALID)
			continue;
		if (!found || legs[i].sb.events > legs[*leader].sb.events)
			*leader = i;
		found = true;
	}
	return found;
}

static bool same_shape(const struct raid_super *a, const struct raid_super *b)
{
	return a->layout.level == b->layout.level &&
	       a->layout.nr_legs == b->layout.nr_legs &&
	       a->layout.copies == b->layout.copies &&
	       a->layout.chunk_pages == b->layout.chunk_pages &&
	       a->region_groups == b->region_groups &&
	       a->data_offset == b->data_offset;
}

static bool same_size(const struct raid_super *a, const struct raid_super *b)
{
	return a->layout.leg_pages == b->layout.leg_pages &&
	       a->bitmap_size == b->bitmap_size;
}

/*
 * Power failed when superblocks were written that make the array larger: a leg has
 * all that takes before the first one is written, but may not know.
 */
static bool outgrown(const struct raid_super *leg,
		     const struct raid_super *leader)
{
	return leg->events < leader->events &&
	       leg->layout.leg_pages <= leader->layout.leg_pages &&
	       leg->bitmap_size <= leader->bitmap_size;
}

/**
 * raid_same_array() - are two superblocks of one array, as it is?
 * @a: one
 * @b: the other
 *
 * Context: any.
 * Return: true if identity and shape are the same.
 */
bool raid_same_array(const struct raid_super *a, const struct raid_super *b)
{
	return !memcmp(a->uuid, b->uuid, RAID_UUID_SIZE) && same_shape(a, b) &&
	       same_size(a, b);
}

/* Does the leg in the given role fit what the leader says? */
static enum raid_refusal judge(const struct raid_candidate *leg, u32 role,
			       const struct raid_candidate *leader)
{
	const struct raid_super *sb = &leg->sb, *first = &leader->sb;
	const struct raid_role *known = &first->roles[role];

	if (leg->verdict != RAID_SB_VALID)
		return RAID_REFUSE_INVALID;
	if (memcmp(sb->uuid, first->uuid, RAID_UUID_SIZE))
		return RAID_REFUSE_FOREIGN;
	if (!same_shape(sb, first) ||
	    (!same_size(sb, first) && !outgrown(sb, first)))
		return RAID_REFUSE_MISMATCH;
	if (sb->role != role)
		return RAID_REFUSE_SWAPPED;
	/* Each was told to go on without the other: two histories. */
	if (sb->roles[first->role].state == PINFOLD_RAID_ROLE_MISSING)
		return RAID_REFUSE_DIVERGED;
	if (known->state == PINFOLD_RAID_ROLE_MISSING)
		return RAID_REFUSE_STALE;
	if (memcmp(known->uuid, sb->roles[role].uuid, RAID_UUID_SIZE))
		return RAID_REFUSE_STALE;
	return RAID_ACCEPTED;
}

static bool counts(const struct raid_super *sb, u32 leg, u32 without)
{
	return leg != without &&
	       sb->roles[leg].state == PINFOLD_RAID_ROLE_IN_SYNC;
}

static bool mirror_complete(const struct raid_super *sb, u32 without)
{
	const struct raid_layout *layout = &sb->layout;
	struct raid_group group;
	u64 chunk;
	u32 i;

	/* After so many chunks the places repeat. */
	for (chunk = 0; chunk < layout->nr_legs; chunk++) {
		raid_layout_group(layout, chunk * layout->chunk_pages, &group);
		for (i = 0; i < group.nr; i++)
			if (counts(sb, group.member[i].leg, without))
				break;
		if (i == group.nr)
			return false;
	}
	return true;
}

/**
 * raid_enough_legs() - is all data there?
 * @sb: the roles to judge
 * @without: a leg to leave out of account, or RAID_MAX_LEGS
 *
 * Context: any.
 * Return: true if each page is on, or can be computed from, legs in sync.
 */
bool raid_enough_legs(const struct raid_super *sb, u32 without)
{
	u32 i, in_sync = 0;

	if (raid_is_mirror(&sb->layout))
		return mirror_complete(sb, without);
	for (i = 0; i < sb->layout.nr_legs; i++)
		in_sync += counts(sb, i, without);
	return in_sync >= sb->layout.nr_data;
}

static void refuse(struct raid_assembly *result, enum raid_refusal why,
		   u32 culprit)
{
	result->refusal = why;
	result->culprit = culprit;
}

/* Roles without a leg are missing from now on; fresh ones start from nothing. */
static void assign_roles(const struct raid_candidate *legs,
			 struct raid_assembly *result)
{
	u32 i;

	for (i = 0; i < result->sb.layout.nr_legs; i++) {
		struct raid_role *role = &result->sb.roles[i];

		if (speaks(&legs[i]) || (!legs[i].given &&
					 role->state == PINFOLD_RAID_ROLE_MISSING))
			continue;
		role->state = PINFOLD_RAID_ROLE_MISSING;
		role->synced = 0;
		if (legs[i].given) {
			role->state = PINFOLD_RAID_ROLE_REBUILDING;
			memcpy(role->uuid, legs[i].uuid, RAID_UUID_SIZE);
			result->fresh |= 1U << i;
		}
		result->changed = true;
	}
}

/**
 * raid_assemble() - decide whether legs make an array, and with which roles
 * @legs: what was found, in the order of the roles
 * @nr: number of legs in the table
 * @result: the decision
 *
 * The leg with most events knows which legs are in sync, since that is recorded
 * before the first write that a leg misses. All others must agree with it.
 *
 * Context: any.
 */
void raid_assemble(const struct raid_candidate *legs, u32 nr,
		   struct raid_assembly *result)
{
	const struct raid_candidate *leader;
	enum raid_refusal why;
	u32 i;

	memset(result, 0, sizeof(*result));
	if (!find_leader(legs, nr, &result->leader)) {
		for (i = 0; i < nr; i++)
			if (speaks(&legs[i]))
				return refuse(result, RAID_REFUSE_INVALID, i);
		return refuse(result, RAID_REFUSE_NO_LEG, 0);
	}
	leader = &legs[result->leader];
	if (leader->sb.layout.nr_legs != nr)
		return refuse(result, RAID_REFUSE_COUNT, result->leader);
	for (i = 0; i < nr; i++) {
		if (!speaks(&legs[i]))
			continue;
		why = judge(&legs[i], i, leader);
		if (why)
			return refuse(result, why, i);
	}
	result->sb = leader->sb;
	assign_roles(legs, result);
	if (!raid_enough_legs(&result->sb, RAID_MAX_LEGS))
		refuse(result, RAID_REFUSE_TOO_FEW, 0);
}

/**
 * raid_refusal_string() - a refusal in words, with what to do about it
 * @refusal: what to name
 *
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *raid_refusal_string(enum raid_refusal refusal)
{
	switch (refusal) {
	case RAID_ACCEPTED:
		return "accepted";
	case RAID_REFUSE_NO_LEG:
		return "no leg of an array was named; give at least those that are in sync";
	case RAID_REFUSE_INVALID:
		return "it cannot be used; give - in its place, and add it after wiping it";
	case RAID_REFUSE_FOREIGN:
		return "it belongs to another array; check the order and names of the legs";
	case RAID_REFUSE_MISMATCH:
		return "it has the array's uuid but another shape; give - in its place";
	case RAID_REFUSE_SWAPPED:
		return "it has another role; give the legs in the order of their roles";
	case RAID_REFUSE_STALE:
		return "it is stale: the array went on without it; give -, then add it";
	case RAID_REFUSE_DIVERGED:
		return "it and others were used without each other; give - for those to be dropped";
	case RAID_REFUSE_COUNT:
		return "the array has another number of legs; give - for each that is missing";
	case RAID_REFUSE_TOO_FEW:
		return "too few legs are in sync for the level; find the missing ones";
	}
	return "unknown refusal";
}
