// SPDX-License-Identifier: GPL-2.0
/*
 * Spares on the media: a superblock with the array's uuid and no role. It never
 * speaks for the array, and is no leg whatever is found elsewhere: a spare becomes
 * one by raid_leg_join(), which has the other legs know of it first.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "array.h"
#include "log.h"

/* Whatever is there, nobody needs it. */
static int put_page(struct raid *raid, void *media, u64 offset,
		    const void *src)
{
	int err = raid_media_store(raid, media, offset, src, RAID_PAGE_SIZE);

	if (err == -EIO)
		err = raid_media_clear(raid, media, offset, src);
	return err;
}

/* It may have been a leg. Zero is nothing to be taken for. Durable on return. */
static int forget(struct raid *raid, void *media)
{
	int err = put_page(raid, media, 0, raid_zeroes);
	u32 copy;

	for (copy = 0; !err && copy < 2; copy++)
		err = put_page(raid, media, raid_super_offset(copy),
			       raid_zeroes);
	raid_fence();
	return err;
}

/* What it once was to write must not be replayed. Durable on return. */
static int empty_log(struct raid *raid, void *media)
{
	u64 offset = raid->sb.log_offset;
	u64 end = raid_log_offset(raid, PINFOLD_RAID_LOG_SLOTS, 1);
	__le64 first;
	int err = 0;

	for (; !err && offset < end; offset += RAID_PAGE_SIZE)
		if (raid_media_load(raid, media, offset, &first,
				    sizeof(first)) || first)
			err = put_page(raid, media, offset, raid_zeroes);
	raid_fence();
	return err;
}

static int name_spare(struct raid *raid, void *media, u32 copy)
{
	u64 events = raid->sb.events;
	int err;

	raid->sb.events = 0;
	raid_super_encode(raid->meta_page, &raid->sb, PINFOLD_RAID_SPARE, copy);
	raid->sb.events = events;
	err = put_page(raid, media, raid_super_offset(copy), raid->meta_page);
	raid_fence();
	return err;
}

/**
 * raid_spare_mark() - make a device a spare of the array
 * @raid: the array
 * @media: of the device, for the accessors; no leg
 *
 * What it was is forgotten before it is named. Durable on return.
 *
 * Context: process context; takes meta_lock.
 * Return: 0 or -errno; then it is nothing, or a spare.
 */
int raid_spare_mark(struct raid *raid, void *media)
{
	int err;

	mutex_lock(&raid->meta_lock);
	err = forget(raid, media);
	if (!err)
		err = empty_log(raid, media);
	/* While one copy is torn, the other one is zero, or a spare's. */
	if (!err)
		err = name_spare(raid, media, 0);
	if (!err)
		err = name_spare(raid, media, 1);
	mutex_unlock(&raid->meta_lock);
	return err;
}

/**
 * raid_spare_mend() - write a spare's superblock where it is not intact
 * @raid: the array
 * @media: of a device that is a spare
 *
 * Context: process context; takes meta_lock.
 * Return: 0 or -errno; it is a spare all the same.
 */
int raid_spare_mend(struct raid *raid, void *media)
{
	int err = 0;
	u32 copy;

	mutex_lock(&raid->meta_lock);
	for (copy = 0; !err && copy < 2; copy++)
		if (raid_media_load(raid, media, raid_super_offset(copy),
				    raid->meta_page, RAID_PAGE_SIZE) ||
		    !raid_super_intact(raid->meta_page, copy))
			err = name_spare(raid, media, copy);
	mutex_unlock(&raid->meta_lock);
	return err;
}

/**
 * raid_spare_forget() - a device is no spare any more
 * @raid: the array
 * @media: of the device
 *
 * Context: process context.
 * Return: 0 or -errno.
 */
int raid_spare_forget(struct raid *raid, void *media)
{
	return forget(raid, media);
}
