// SPDX-License-Identifier: GPL-2.0
/*
 * Replacing a leg that stays in the array until the new device, the twin, has
 * all it has. The twin gets a copy of what is there and what is written from now
 * on: data, log, bitmap and list of bad pages, but no superblock. So a power
 * failure leaves the old leg in its role.
 *
 * Then the role is handed over. First the twin gets a superblock of the role, with
 * so few events that no other leg is ever judged by it. Then the other legs' say
 * that it has the role: the first of them to do so decides. What it takes to be
 * the leg is on both devices until the last of them has, and until all writers
 * know.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "array.h"
#include "log.h"

/* Somebody else has to record who has the role. */
static bool other_in_sync(struct raid *raid, u32 leg)
{
	u32 i;

	for (i = 0; i < raid->sb.layout.nr_legs; i++)
		if (i != leg &&
		    raid_leg_state(raid, i) == PINFOLD_RAID_ROLE_IN_SYNC)
			return true;
	return false;
}

/*
 * It may have been a leg, of this array even. Zero is nothing to be taken for. Durable
 * when the log is wiped, which nobody misses on a device that others do not know.
 */
static int forget_supers(struct raid *raid)
{
	int err = raid_page_store(raid, RAID_TWIN, 0, raid_zeroes);
	u32 copy;

	for (copy = 0; !err && copy < 2; copy++)
		err = raid_page_store(raid, RAID_TWIN, raid_super_offset(copy),
				      raid_zeroes);
	return err;
}

static int prepare(struct raid *raid)
{
	int err = forget_supers(raid);

	if (!err)
		err = raid_log_wipe(raid, RAID_TWIN);
	if (!err)
		err = raid_region_write(raid, RAID_TWIN);
	if (!err)
		err = raid_bad_write(raid, RAID_TWIN);
	return err;
}

/**
 * raid_twin_begin() - begin to replace a leg
 * @raid: the array
 * @leg: the leg, which is in sync and stays in the array
 * @media: of the new device, for the accessors
 * @uuid: a new one, for the new device
 *
 * The caller then copies each group, with raid_group_copy() or raid_region_pass(),
 * and calls raid_twin_commit(). I/O may be running.
 *
 * Context: process context; takes bitmap_lock and meta_lock.
 * Return: 0; -EBUSY if a leg is being replaced already, or the leg is not in sync
 * or no other one is; or -errno.
 */
int raid_twin_begin(struct raid *raid, u32 leg, void *media, const u8 *uuid)
{
	struct raid_twin *twin = &raid->twin;
	int err = -EBUSY;

	mutex_lock(&raid->bitmap_lock);
	mutex_lock(&raid->meta_lock);
	if (!twin->active && other_in_sync(raid, leg) &&
	    raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_IN_SYNC) {
		WRITE_ONCE(raid->legs[RAID_TWIN].media, media);
		err = prepare(raid);
	}
	if (!err) {
		twin->taken = false;
		twin->leg = leg;
		WRITE_ONCE(twin->position, 0);
		memcpy(twin->uuid, uuid, RAID_UUID_SIZE);
		/*
		 * Pairs with the acquire in raid_leg_has_twin(). Who writes a group
		 * without seeing it is done when the group is copied, which takes
		 * its lock.
		 */
		smp_store_release(&twin->active, true);
	}
	mutex_unlock(&raid->meta_lock);
	mutex_unlock(&raid->bitmap_lock);
	return err;
}

/**
 * raid_twin_end() - a leg is not replaced after all
 * @raid: the array
 *
 * Stores to the new device may still be under way.
 *
 * Context: process context, not between raid_twin_commit() and raid_twin_finish();
 * takes meta_lock.
 */
void raid_twin_end(struct raid *raid)
{
	mutex_lock(&raid->meta_lock);
	WRITE_ONCE(raid->twin.active, false);
	mutex_unlock(&raid->meta_lock);
}

/* Its superblock is there before any other leg says that it is needed. */
static int announce(struct raid *raid)
{
	u64 events = raid->sb.events;
	int err;

	raid->sb.events = 0;
	err = raid_super_store(raid, RAID_TWIN);
	raid->sb.events = events;
	return err;
}

/* Superblocks of the others, and only then that of the twin. */
static int record(struct raid *raid)
{
	bool recorded;

	raid->twin.committing = true;
	recorded = raid_commit_locked(raid);
	raid->twin.committing = false;
	return recorded ? raid_super_store(raid, RAID_TWIN) : -EIO;
}

static int hand_over(struct raid *raid)
{
	struct raid_twin *twin = &raid->twin;
	u8 *uuid = raid->sb.roles[twin->leg].uuid, former[RAID_UUID_SIZE];
	int err;

	memcpy(former, uuid, RAID_UUID_SIZE);
	memcpy(uuid, twin->uuid, RAID_UUID_SIZE);
	err = announce(raid);
	if (!err)
		err = record(raid);
	if (err) {
		/* The old leg has all that was written meanwhile. */
		memcpy(uuid, former, RAID_UUID_SIZE);
		raid_commit_locked(raid);
		raid_leg_fail_locked(raid, RAID_TWIN);
		return err;
	}
	twin->taken = true;
	/* Pairs with the acquire in raid_leg_media(). */
	smp_store_release(&raid->legs[twin->leg].media,
			  raid->legs[RAID_TWIN].media);
	return 0;
}

/* Whoever may still be writing to the old leg is done after that. */
static void wait_for_writers(struct raid *raid)
{
	u32 i;

	for (i = 0; i < RAID_GROUP_LOCKS; i++) {
		mutex_lock(&raid->group_locks[i]);
		mutex_unlock(&raid->group_locks[i]);
	}
	for (i = 0; i < RAID_REGION_LOCKS; i++) {
		mutex_lock(&raid->region_locks[i]);
		mutex_unlock(&raid->region_locks[i]);
	}
}

/**
 * raid_twin_commit() - the new device has all that the leg has: it is the leg
 * @raid: the array
 *
 * Until raid_twin_finish(), writers that do not know yet write to both. What a
 * write that failed left in the leg's log is on the new device, too: it began when
 * there was one, or its group could not have been copied.
 *
 * Context: process context; takes bitmap_lock and meta_lock.
 * Return: 0; -ENODEV if there is no leg being replaced any more: it, or the new
 * device, has failed; -EIO if the new device, or no other one, took its
 * superblock. The leg then stays.
 */
int raid_twin_commit(struct raid *raid)
{
	struct raid_twin *twin = &raid->twin;
	int err;

	mutex_lock(&raid->bitmap_lock);
	mutex_lock(&raid->meta_lock);
	if (!twin->active ||
	    raid_leg_state(raid, twin->leg) != PINFOLD_RAID_ROLE_IN_SYNC)
		err = -ENODEV;
	else
		err = hand_over(raid);
	mutex_unlock(&raid->meta_lock);
	mutex_unlock(&raid->bitmap_lock);
	return err;
}

/**
 * raid_twin_finish() - nobody writes to the former leg any more
 * @raid: the array, after raid_twin_commit()
 *
 * Context: process context; takes all locks of the array, one after the other.
 */
void raid_twin_finish(struct raid *raid)
{
	wait_for_writers(raid);
	mutex_lock(&raid->meta_lock);
	WRITE_ONCE(raid->twin.active, false);
	raid->twin.taken = false;
	mutex_unlock(&raid->meta_lock);
}
