// SPDX-License-Identifier: GPL-2.0
/*
 * Regions that were never written hold zeroes by definition: a new array needs
 * no initial sync, and rebuild and scrub pass over them. The first write zeroes
 * the region on all legs, which makes it redundant, and records that.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "array.h"
#include "group.h"

static u64 nr_words(const struct raid *raid)
{
	return (raid_super_nr_regions(&raid->sb) + 63) / 64;
}

static struct mutex *region_lock(struct raid *raid, u64 region)
{
	return &raid->region_locks[region % RAID_REGION_LOCKS];
}

/* The last region may be shorter. */
static u64 region_end(const struct raid *raid, u64 region)
{
	return min((region + 1) * raid->sb.region_groups,
		   raid->sb.layout.nr_groups);
}

static void merge(struct raid *raid, u64 word, const __le64 *found, u32 nr)
{
	u64 i;

	for (i = 0; i < nr && word + i < nr_words(raid); i++) {
		raid->written[word + i] |= le64_to_cpu(found[i]);
		raid->shadow[word + i] = cpu_to_le64(raid->written[word + i]);
	}
}

/* In doubt a region was written: that keeps what is on the legs. */
static void load_page(struct raid *raid, u64 offset)
{
	const u32 nr = RAID_PAGE_SIZE / sizeof(__le64);
	u64 word = offset / sizeof(__le64);
	bool known = false;
	u32 leg;

	for (leg = 0; leg < raid->sb.layout.nr_legs; leg++) {
		if (raid_leg_state(raid, leg) != PINFOLD_RAID_ROLE_IN_SYNC ||
		    raid_leg_load(&raid->legs[leg],
				  raid->sb.bitmap_offset + offset,
				  raid->meta_page, RAID_PAGE_SIZE))
			continue;
		known = true;
		merge(raid, word, raid->meta_page, nr);
	}
	if (!known) {
		memset(raid->meta_page, 0xff, RAID_PAGE_SIZE);
		merge(raid, word, raid->meta_page, nr);
	}
}

/**
 * raid_region_load() - read the bitmaps of all legs in sync
 * @raid: the array, being assembled
 *
 * A bit that only some legs have was being set when power failed.
 *
 * Context: process context.
 */
void raid_region_load(struct raid *raid)
{
	u64 offset;

	for (offset = 0; offset < nr_words(raid) * sizeof(__le64);
	     offset += RAID_PAGE_SIZE)
		load_page(raid, offset);
}

static int write_page(struct raid *raid, u32 leg, u64 offset)
{
	u64 len = min(nr_words(raid) * sizeof(__le64) - offset,
		      (u64)RAID_PAGE_SIZE);

	memset(raid->meta_page, 0, RAID_PAGE_SIZE);
	memcpy(raid->meta_page, (char *)raid->shadow + offset, len);
	return raid_leg_store(&raid->legs[leg],
			      raid->sb.bitmap_offset + offset, raid->meta_page,
			      RAID_PAGE_SIZE);
}

/**
 * raid_region_write() - write the whole bitmap to a leg
 * @raid: the array
 * @leg: the leg
 *
 * Context: process context, under bitmap_lock and meta_lock, or before the
 * array is used.
 * Return: 0 or -errno.
 */
int raid_region_write(struct raid *raid, u32 leg)
{
	u64 size = nr_words(raid) * sizeof(__le64), offset;
	int err = 0;

	for (offset = 0; !err && offset < size; offset += RAID_PAGE_SIZE)
		err = write_page(raid, leg, offset);
	raid_fence();
	return err;
}

/* A leg without the bit would say that there is nothing to be found. */
static int store_word(struct raid *raid, u32 leg, u64 word)
{
	u64 offset = word * sizeof(__le64);
	int err;

	err = raid_leg_store(&raid->legs[leg], raid->sb.bitmap_offset + offset,
			     &raid->shadow[word], sizeof(__le64));
	if (likely(!err))
		return 0;
	if (err == -EIO) {
		mutex_lock(&raid->meta_lock);
		err = write_page(raid, leg,
				 round_down(offset, (u64)RAID_PAGE_SIZE));
		mutex_unlock(&raid->meta_lock);
	}
	return err ? raid_leg_fail(raid, leg) : 0;
}

static int record(struct raid *raid, u64 region)
{
	u64 word = region / 64;
	u32 leg;
	int err = 0;

	mutex_lock(&raid->bitmap_lock);
	raid->shadow[word] |= cpu_to_le64(1ULL << (region % 64));
	for (leg = 0; !err && leg < raid->sb.layout.nr_legs; leg++)
		if (raid_leg_live(raid, leg))
			err = store_word(raid, leg, word);
	raid_fence();
	if (!err) {
		/* Who sees the bit sees the zeroes, or what came since. */
		smp_store_release(&raid->written[word],
				  le64_to_cpu(raid->shadow[word]));
	}
	mutex_unlock(&raid->bitmap_lock);
	return err;
}

/**
 * raid_region_begin() - make sure that a group may be written
 * @raid: the array
 * @group: about to be written
 *
 * Context: process context; takes the region's lock and below.
 * Return: 0 or -errno.
 */
int raid_region_begin(struct raid *raid, u64 group)
{
	u64 region = group / raid->sb.region_groups, i;
	int err = 0;

	if (likely(raid_region_written(raid, region)))
		return 0;
	mutex_lock(region_lock(raid, region));
	if (raid_region_written(raid, region))
		goto out;
	for (i = region * raid->sb.region_groups;
	     !err && i < region_end(raid, region); i++)
		err = raid_group_zero(raid, i);
	if (!err) {
		/* The zeroes first: then the bit may say that they are there. */
		raid_fence();
		err = record(raid, region);
	}
out:
	mutex_unlock(region_lock(raid, region));
	return err;
}

/**
 * raid_region_pass() - may rebuild pass over a region?
 * @raid: the array
 * @leg: the leg being rebuilt, in sync up to @group
 * @group: first of a region
 *
 * If so, the leg's position is behind the region on return: a first write that
 * comes later zeroes the region on this leg, too.
 *
 * Context: process context; takes the region's lock.
 * Return: true if the region was never written.
 */
bool raid_region_pass(struct raid *raid, u32 leg, u64 group)
{
	u64 region = group / raid->sb.region_groups;
	bool pass;

	mutex_lock(region_lock(raid, region));
	pass = !raid_region_written(raid, region);
	if (pass)
		WRITE_ONCE(raid->sb.roles[leg].synced,
			   region_end(raid, region));
	mutex_unlock(region_lock(raid, region));
	return pass;
}
