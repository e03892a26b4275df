// SPDX-License-Identifier: GPL-2.0
/*
 * Legs get more data pages: behind those they have, so nothing moves, and what is
 * new was never written. Superblocks are what makes an array larger; what they
 * speak of is on all legs before the first one is written.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "array.h"
#include "group.h"

static bool all_settled(struct raid *raid)
{
	u32 i;

	for (i = 0; i < raid->sb.layout.nr_legs; i++)
		if (raid_leg_state(raid, i) == PINFOLD_RAID_ROLE_REBUILDING)
			return false;
	return !raid->twin.active && !READ_ONCE(raid->broken);
}

/* One leg after the other: power failure may spoil what is being written. */
static int extend_bitmaps(struct raid *raid, const struct raid_super *grown)
{
	int err = 0;
	u32 leg;

	for (leg = 0; !err && leg < raid->sb.layout.nr_legs; leg++) {
		if (!raid_leg_live(raid, leg))
			continue;
		mutex_lock(&raid->meta_lock);
		err = raid_region_extend(raid, leg, grown);
		mutex_unlock(&raid->meta_lock);
		raid_fence();
		if (err)
			err = raid_leg_fail(raid, leg, NULL);
	}
	return err;
}

/* The last region may have had fewer groups, and was written: so are the others. */
static int zero_rest(struct raid *raid, const struct raid_super *grown)
{
	u64 group = raid->sb.layout.nr_groups, end;
	int err = 0;

	if (!(group % raid->sb.region_groups) || !raid_group_written(raid, group))
		return 0;
	end = min(round_up(group, (u64)raid->sb.region_groups),
		  grown->layout.nr_groups);
	for (; !err && group < end; group++) {
		mutex_lock(raid_group_lock(raid, group));
		err = raid_group_zero(raid, group);
		mutex_unlock(raid_group_lock(raid, group));
	}
	raid_fence();
	return err;
}

/**
 * raid_grow() - give all legs more data pages
 * @raid: the array, started, with bitmaps in memory that are large enough, and not
 *	in use yet
 * @grown: its superblock as raid_super_grow() made it
 *
 * If power fails, the array has its old size, or the new one.
 *
 * Context: process context; takes bitmap_lock and meta_lock.
 * Return: 0; -EBUSY if a leg is being rebuilt or replaced; -EIO if it stays as it
 * is.
 */
int raid_grow(struct raid *raid, const struct raid_super *grown)
{
	struct raid_layout layout = raid->sb.layout;
	u64 bitmap_size = raid->sb.bitmap_size;
	int err;

	if (!all_settled(raid))
		return -EBUSY;
	mutex_lock(&raid->bitmap_lock);
	err = extend_bitmaps(raid, grown);
	mutex_unlock(&raid->bitmap_lock);
	if (!err)
		err = zero_rest(raid, grown);
	if (err)
		return -EIO;
	mutex_lock(&raid->meta_lock);
	raid->sb.layout = grown->layout;
	raid->sb.bitmap_size = grown->bitmap_size;
	if (!raid_commit_locked(raid)) {
		raid->sb.layout = layout;
		raid->sb.bitmap_size = bitmap_size;
		err = -EIO;
	}
	mutex_unlock(&raid->meta_lock);
	return err;
}
