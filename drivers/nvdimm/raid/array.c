// SPDX-License-Identifier: GPL-2.0
/* Superblocks on the media, and what they say about legs. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "array.h"
#include "log.h"

const u8 raid_zeroes[RAID_PAGE_SIZE] __aligned(64);

/* For readers, who take no lock. */
static void show_flags(struct raid *raid)
{
	u32 i, write_mostly = 0;

	for (i = 0; i < raid->sb.layout.nr_legs; i++)
		if (raid->sb.roles[i].flags & PINFOLD_RAID_WRITE_MOSTLY)
			write_mostly |= 1U << i;
	WRITE_ONCE(raid->write_mostly, write_mostly);
}

/**
 * raid_reset() - forget an attempt to start an array
 * @raid: the array, which is not in use
 * @nr_words: of its bitmaps
 *
 * Its legs, bitmaps and page stay, and are as raid_start() expects them.
 *
 * Context: any.
 */
void raid_reset(struct raid *raid, u64 nr_words)
{
	memset(raid->written, 0, nr_words * sizeof(*raid->written));
	memset(raid->shadow, 0, nr_words * sizeof(*raid->shadow));
	memset(raid->bad, 0, sizeof(raid->bad));
	memset(&raid->twin, 0, sizeof(raid->twin));
	raid->nr_bad = 0;
	raid->nr_added = 0;
	raid->suspect = false;
	raid->broken = false;
}

/**
 * raid_init() - prepare an array for use
 * @raid: zeroed, with its legs' media, its bitmaps and its page
 * @sb: from raid_assemble()
 *
 * Context: any.
 */
void raid_init(struct raid *raid, const struct raid_super *sb)
{
	u32 i;

	raid->sb = *sb;
	raid->uuid_seed = raid_uuid_seed(sb);
	mutex_init(&raid->meta_lock);
	mutex_init(&raid->bitmap_lock);
	for (i = 0; i < RAID_GROUP_LOCKS; i++)
		mutex_init(&raid->group_locks[i]);
	for (i = 0; i < RAID_REGION_LOCKS; i++)
		mutex_init(&raid->region_locks[i]);
	for (i = 0; i < ARRAY_SIZE(raid->legs); i++) {
		raid->legs[i].raid = raid;
		raid->legs[i].index = i;
	}
	for (i = 0; i < RAID_MAX_LEGS; i++)
		raid->state[i] = sb->roles[i].state;
	show_flags(raid);
}

/**
 * raid_page_store() - write a page of metadata, whatever is there
 * @raid: the array
 * @leg: the leg
 * @offset: of the page
 * @src: what
 *
 * While it is being written the page may read as anything: its contents are
 * checked when they are read, and somewhere else, or nobody needs them.
 *
 * Context: process context, may sleep.
 * Return: 0 or -errno.
 */
int raid_page_store(struct raid *raid, u32 leg, u64 offset, const void *src)
{
	void *media = raid_leg_media(raid, leg);
	int err = raid_media_store(raid, media, offset, src, RAID_PAGE_SIZE);

	if (unlikely(err == -EIO))
		err = raid_media_clear(raid, media, offset, src);
	return err;
}

static bool super_intact(struct raid *raid, u32 leg, u32 copy)
{
	return !raid_leg_load(raid, leg, raid_super_offset(copy),
			      raid->meta_page, RAID_PAGE_SIZE) &&
	       raid_super_intact(raid->meta_page, copy);
}

/*
 * What tearing left has words of a block that was never complete. Torn once more
 * it could become that block, of a history that did not happen: nothing of it may
 * be there when the next one is written. Ones are no part of any.
 */
static void blank_super(struct raid *raid, u32 leg, u32 copy)
{
	memset(raid->meta_page, 0xff, RAID_PAGE_SIZE);
	raid_page_store(raid, leg, raid_super_offset(copy), raid->meta_page);
	raid_fence();
}

/**
 * raid_super_store() - write a leg's superblocks
 * @raid: the array
 * @leg: the leg, or RAID_TWIN
 *
 * The copy that is no good first, so that one is good at any time.
 *
 * Context: process context, under meta_lock.
 * Return: 0 or -errno.
 */
int raid_super_store(struct raid *raid, u32 leg)
{
	u32 role = leg == RAID_TWIN ? raid->twin.leg : leg, first, n, copy;
	int err[2];

	first = !super_intact(raid, leg, 1);
	for (n = 0; n < 2; n++) {
		copy = n ^ first;
		if (!super_intact(raid, leg, copy))
			blank_super(raid, leg, copy);
		raid_super_encode(raid->meta_page, &raid->sb, role, copy);
		err[n] = raid_page_store(raid, leg, raid_super_offset(copy),
					 raid->meta_page);
		raid_fence();
	}
	/* One that can be read is enough; the other one stays invalid. */
	if (err[0] && err[1])
		return err[0];
	return 0;
}

/* What is on the media is what everybody may see. */
static void publish(struct raid *raid)
{
	u32 i;

	for (i = 0; i < raid->sb.layout.nr_legs; i++) {
		u32 state = raid->sb.roles[i].state;

		if (raid->state[i] == state)
			continue;
		/* A reader that sees the state sees synced and media, too. */
		smp_store_release(&raid->state[i], state);
		if (state == PINFOLD_RAID_ROLE_MISSING)
			raid_note(raid, RAID_NOTE_FAILED, i, 0);
	}
}

/* A leg that is not rebuilt yet can always be spared. */
static bool can_spare(const struct raid *raid, u32 leg)
{
	return raid->sb.roles[leg].state == PINFOLD_RAID_ROLE_REBUILDING ||
	       raid_enough_legs(&raid->sb, leg);
}

/* True if a leg did not take its superblock and is missing for that. */
static bool write_supers(struct raid *raid, u32 state, bool *recorded)
{
	bool failed = false;
	u32 i;

	for (i = 0; i < raid->sb.layout.nr_legs; i++) {
		if (raid->sb.roles[i].state != state ||
		    (raid->twin.committing && raid->twin.leg == i))
			continue;
		if (!raid_super_store(raid, i)) {
			*recorded = true;
		} else if (can_spare(raid, i)) {
			raid->sb.roles[i].state = PINFOLD_RAID_ROLE_MISSING;
			failed = true;
		}
	}
	return failed;
}

/**
 * raid_commit_locked() - record the roles, then publish them
 * @raid: the array
 *
 * In this order: a leg that writers skip, and whose loss is on no media yet,
 * would be taken for good after a power failure. A leg that does not take its
 * superblock is missing from then on, which the others have to be told; if it
 * cannot be spared it stays, and lags behind in events, which alone makes no leg
 * stale. Those in sync first: a leg that joined must not speak for the array
 * while others still say that it is missing.
 *
 * Context: process context, under meta_lock.
 * Return: false if no leg took anything: nothing changes.
 */
bool raid_commit_locked(struct raid *raid)
{
	bool recorded;
	u32 i;

	do {
		raid->sb.events++;
		recorded = false;
	} while (write_supers(raid, PINFOLD_RAID_ROLE_IN_SYNC, &recorded) ||
		 write_supers(raid, PINFOLD_RAID_ROLE_REBUILDING, &recorded));
	if (recorded) {
		publish(raid);
		return true;
	}
	for (i = 0; i < raid->sb.layout.nr_legs; i++)
		raid->sb.roles[i].state = raid->state[i];
	return false;
}

/**
 * raid_commit() - write the superblocks
 * @raid: the array
 *
 * Durable on return.
 *
 * Context: process context; takes meta_lock.
 */
void raid_commit(struct raid *raid)
{
	mutex_lock(&raid->meta_lock);
	raid_commit_locked(raid);
	mutex_unlock(&raid->meta_lock);
}

/*
 * The device that was to replace a leg. If it has the role by now, whoever failed to
 * write it writes it next as the leg it is, and one bad page does not fail a leg.
 */
static void fail_twin(struct raid *raid)
{
	struct raid_twin *twin = &raid->twin;

	if (!twin->active || twin->taken)
		return;
	WRITE_ONCE(twin->active, false);
	raid_note(raid, RAID_NOTE_TWIN, twin->leg, 0);
}

/**
 * raid_leg_fail_locked() - go on without a leg
 * @raid: the array
 * @leg: the leg, or RAID_TWIN
 *
 * Context: process context, under meta_lock.
 * Return: 0, or -EBUSY as raid_leg_fail().
 */
int raid_leg_fail_locked(struct raid *raid, u32 leg)
{
	if (leg == RAID_TWIN) {
		fail_twin(raid);
		return 0;
	}
	if (!raid_leg_live(raid, leg))
		return 0;
	if (!can_spare(raid, leg))
		return -EBUSY;
	raid->sb.roles[leg].state = PINFOLD_RAID_ROLE_MISSING;
	return raid_commit_locked(raid) ? 0 : -EBUSY;
}

/**
 * raid_leg_fail() - go on without a leg
 * @raid: the array
 * @leg: the leg, or RAID_TWIN
 * @media: what failed: if the role has another device by now, nothing happens;
 *	NULL for whatever it has
 *
 * Recorded durably on return, so a write that the leg misses may complete. A
 * leg that the array cannot do without stays: its errors reach the user, and it
 * may be back at the next assembly.
 *
 * Context: process context; takes meta_lock.
 * Return: 0, or -EBUSY if the leg cannot be spared or no other leg takes the
 * record.
 */
int raid_leg_fail(struct raid *raid, u32 leg, const void *media)
{
	int err = 0;

	mutex_lock(&raid->meta_lock);
	if (!media || media == raid->legs[leg].media)
		err = raid_leg_fail_locked(raid, leg);
	mutex_unlock(&raid->meta_lock);
	return err;
}

/**
 * raid_leg_drop() - go on without a leg that works
 * @raid: the array
 * @leg: the leg
 *
 * Context: process context; takes meta_lock.
 * Return: 0, or -EBUSY if it cannot be spared, also for single pages that
 * another leg could not be made to take.
 */
int raid_leg_drop(struct raid *raid, u32 leg)
{
	int err = -EBUSY;

	mutex_lock(&raid->meta_lock);
	if (!raid_leg_live(raid, leg) ||
	    raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_REBUILDING ||
	    !raid_bad_elsewhere(raid, leg))
		err = raid_leg_fail_locked(raid, leg);
	mutex_unlock(&raid->meta_lock);
	return err;
}

/**
 * raid_leg_mark() - set or clear a flag of a role
 * @raid: the array
 * @leg: the role, whose device does not matter
 * @flag: one of PINFOLD_RAID_ROLE_FLAGS
 * @on: set it
 *
 * Durable on return.
 *
 * Context: process context; takes meta_lock.
 * Return: 0, or -EIO if no leg takes the record: nothing changes.
 */
int raid_leg_mark(struct raid *raid, u32 leg, u32 flag, bool on)
{
	u32 *flags = &raid->sb.roles[leg].flags, before;
	int err = 0;

	mutex_lock(&raid->meta_lock);
	before = *flags;
	*flags = on ? before | flag : before & ~flag;
	if (*flags != before && !raid_commit_locked(raid)) {
		*flags = before;
		err = -EIO;
	}
	show_flags(raid);
	mutex_unlock(&raid->meta_lock);
	return err;
}

/**
 * raid_leg_join() - take a leg with unknown contents into the array
 * @raid: the array
 * @leg: the role, which is missing
 * @media: for the accessors
 * @uuid: a new one, for the leg
 *
 * The leg gets all metadata, takes part in all that follows, and is rebuilt by
 * the caller. I/O may be running.
 *
 * Context: process context; takes bitmap_lock and meta_lock.
 * Return: 0 or -errno.
 */
int raid_leg_join(struct raid *raid, u32 leg, void *media, const u8 *uuid)
{
	struct raid_role *role = &raid->sb.roles[leg];
	int err;

	mutex_lock(&raid->bitmap_lock);
	mutex_lock(&raid->meta_lock);
	/* Who sees the device sees that it is not in sync. */
	smp_store_release(&raid->legs[leg].media, media);
	/* Nothing that somebody could take for a file system. */
	err = raid_page_store(raid, leg, 0, raid_zeroes);
	if (!err)
		err = raid_log_wipe(raid, leg);
	if (!err)
		err = raid_region_write(raid, leg);
	if (!err) {
		raid_bad_forget(raid, leg);
		err = raid_bad_write(raid, leg);
	}
	if (!err) {
		memcpy(role->uuid, uuid, RAID_UUID_SIZE);
		WRITE_ONCE(role->synced, 0);
		role->state = PINFOLD_RAID_ROLE_REBUILDING;
		raid_commit_locked(raid);
		if (!raid_leg_live(raid, leg))
			err = -EIO;
	}
	mutex_unlock(&raid->meta_lock);
	mutex_unlock(&raid->bitmap_lock);
	return err;
}

/**
 * raid_leg_complete() - a leg is rebuilt
 * @raid: the array
 * @leg: the leg, all of whose groups are in sync
 *
 * Context: process context; takes meta_lock.
 */
void raid_leg_complete(struct raid *raid, u32 leg)
{
	struct raid_role *role = &raid->sb.roles[leg];

	mutex_lock(&raid->meta_lock);
	if (role->state == PINFOLD_RAID_ROLE_REBUILDING) {
		role->state = PINFOLD_RAID_ROLE_IN_SYNC;
		raid_commit_locked(raid);
	}
	mutex_unlock(&raid->meta_lock);
}

/**
 * raid_read_super() - read and judge the superblock of a leg
 * @raid: the array, of which nothing else needs to be known yet
 * @media: of the leg
 * @leg_size: its size in bytes
 * @page: a page to read it into
 * @sb: the better copy, if the verdict is RAID_SB_VALID or RAID_SB_SPARE
 *
 * Context: process context, may sleep.
 * Return: verdict on the better copy.
 */
enum raid_verdict raid_read_super(struct raid *raid, void *media, u64 leg_size,
				  void *page, struct raid_super *sb)
{
	enum raid_verdict best = RAID_SB_UNREADABLE, verdict;
	u64 events = 0;
	u32 copy, newest = 0;

	/* Twice, so that one raid_super is enough: it is a large one. */
	for (copy = 0; copy < 2; copy++) {
		if (raid_media_load(raid, media, raid_super_offset(copy), page,
				    PINFOLD_RAID_SB_SIZE))
			continue;
		verdict = raid_super_verify(page, copy, leg_size, sb);
		if (verdict > best)
			continue;
		if (verdict == RAID_SB_VALID && best == RAID_SB_VALID &&
		    sb->events <= events)
			continue;
		best = verdict;
		newest = copy;
		if (verdict == RAID_SB_VALID)
			events = sb->events;
	}
	if (best > RAID_SB_SPARE)
		return best;
	if (raid_media_load(raid, media, raid_super_offset(newest), page,
			    PINFOLD_RAID_SB_SIZE))
		return RAID_SB_UNREADABLE;
	return raid_super_verify(page, newest, leg_size, sb);
}
