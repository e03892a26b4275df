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

#define PAGE_WORDS	(RAID_PAGE_SIZE / sizeof(__le64))

static u64 nr_pages(const struct raid *raid)
{
	return (raid_super_nr_words(&raid->sb) + PAGE_WORDS - 1) / PAGE_WORDS;
}

static u64 page_offset(const struct raid *raid, u64 page)
{
	return raid->sb.bitmap_offset + page * RAID_PAGE_SIZE;
}

/* Words [first, end) of a page. */
static u64 words_end(const struct raid *raid, u64 page)
{
	return min((page + 1) * PAGE_WORDS, raid_super_nr_words(&raid->sb));
}

/* Bits behind the last region are no region's, until the array grows: those are clear. */
static u32 region_bits(const struct raid *raid, u64 word)
{
	u64 left = raid_super_nr_regions(&raid->sb) -
		   word * PINFOLD_RAID_WORD_BITS;

	return left < PINFOLD_RAID_WORD_BITS ? (1U << left) - 1 : ~0U;
}

/* What no leg says was written: that keeps what is on the legs. */
static void load_page(struct raid *raid, u64 page)
{
	unsigned long known[PAGE_WORDS / BITS_PER_LONG] = {};
	const __le64 *words = raid->meta_page;
	u64 first = page * PAGE_WORDS, i;
	bool doubt = false;
	u32 leg, bits;

	for (leg = 0; leg < raid->sb.layout.nr_legs; leg++) {
		if (raid_leg_state(raid, leg) != PINFOLD_RAID_ROLE_IN_SYNC ||
		    raid_leg_load(raid, leg, page_offset(raid, page),
				  raid->meta_page, RAID_PAGE_SIZE))
			continue;
		for (i = first; i < words_end(raid, page); i++) {
			if (!raid_bits_decode(raid->uuid_seed, i,
					      words[i - first], &bits))
				continue;
			raid->written[i] |= bits;
			known[(i - first) / BITS_PER_LONG] |=
				1UL << (i - first) % BITS_PER_LONG;
		}
	}
	for (i = first; i < words_end(raid, page); i++) {
		if (!(known[(i - first) / BITS_PER_LONG] >>
		      (i - first) % BITS_PER_LONG & 1)) {
			raid->written[i] = ~0U;
			doubt = true;
		}
		raid->written[i] &= region_bits(raid, i);
		raid->shadow[i] = raid->written[i];
	}
	if (doubt) {
		raid->suspect = true;
		raid_note(raid, RAID_NOTE_BITMAP_LOST, 0, 0);
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
	u64 page;

	for (page = 0; page < nr_pages(raid); page++)
		load_page(raid, page);
}

static int write_page(struct raid *raid, u32 leg, u64 page)
{
	__le64 *words = raid->meta_page;
	u64 first = page * PAGE_WORDS, i;

	memset(words, 0, RAID_PAGE_SIZE);
	for (i = first; i < words_end(raid, page); i++)
		words[i - first] = raid_bits_encode(raid->uuid_seed, i,
						    raid->shadow[i]);
	return raid_page_store(raid, leg, page_offset(raid, page), words);
}

/**
 * raid_region_write() - write the whole bitmap to a leg
 * @raid: the array
 * @leg: the leg
 *
 * Not fenced: a list of bad pages or the superblocks are written next, and fence
 * before another leg's bitmap is written, and before this one counts.
 *
 * Context: process context, under bitmap_lock and meta_lock, or before the
 * array is used.
 * Return: 0 or -errno.
 */
int raid_region_write(struct raid *raid, u32 leg)
{
	u64 page;
	int err = 0;

	for (page = 0; !err && page < nr_pages(raid); page++)
		err = write_page(raid, leg, page);
	return err;
}

/**
 * raid_region_extend() - write the words of regions that a leg will have
 * @raid: the array, as it is
 * @leg: the leg
 * @grown: its superblock to be
 *
 * Not fenced. They mean nothing yet. The page that has the last words there are is
 * written as a whole, with these as they are.
 *
 * Context: process context, under bitmap_lock and meta_lock.
 * Return: 0 or -errno.
 */
int raid_region_extend(struct raid *raid, u32 leg,
		       const struct raid_super *grown)
{
	u64 nr = raid_super_nr_words(grown), i = raid_super_nr_words(&raid->sb);
	u64 page = i / PAGE_WORDS;
	__le64 *words = raid->meta_page;
	int err = 0;

	for (; !err && page * PAGE_WORDS < nr; page++) {
		memset(words, 0, RAID_PAGE_SIZE);
		for (i = page * PAGE_WORDS;
		     i < min((page + 1) * PAGE_WORDS, nr); i++)
			words[i % PAGE_WORDS] =
				raid_bits_encode(raid->uuid_seed, i,
						 raid->shadow[i]);
		err = raid_page_store(raid, leg, page_offset(raid, page), words);
	}
	return err;
}

/* A leg without the bit would say that there is nothing to be found. */
static int store_word(struct raid *raid, u32 leg, u64 word)
{
	__le64 raw = raid_bits_encode(raid->uuid_seed, word,
				      raid->shadow[word]);
	void *media = raid_leg_media(raid, leg);
	int err;

	err = raid_media_store(raid, media, raid->sb.bitmap_offset +
			       word * sizeof(raw), &raw, sizeof(raw));
	if (likely(!err))
		return 0;
	if (err == -EIO) {
		mutex_lock(&raid->meta_lock);
		err = write_page(raid, leg, word / PAGE_WORDS);
		mutex_unlock(&raid->meta_lock);
	}
	return err ? raid_leg_fail(raid, leg, media) : 0;
}

static u32 region_bit(u64 region)
{
	return 1U << region % PINFOLD_RAID_WORD_BITS;
}

/* A word of the bitmap, durable on return. */
static int store_everywhere(struct raid *raid, u64 word)
{
	int err = 0;
	u32 leg;

	if (unlikely(READ_ONCE(raid->twin.active)))
		err = store_word(raid, RAID_TWIN, word);
	for (leg = 0; !err && leg < raid->sb.layout.nr_legs; leg++) {
		if (!raid_leg_live(raid, leg))
			continue;
		err = store_word(raid, leg, word);
		/* Power failure may spoil what is being written: not all at once. */
		raid_fence();
	}
	return err;
}

static int record(struct raid *raid, u64 region)
{
	u64 word = region / PINFOLD_RAID_WORD_BITS;
	int err;

	mutex_lock(&raid->bitmap_lock);
	raid->shadow[word] |= region_bit(region);
	err = store_everywhere(raid, word);
	if (!err) {
		/* Who sees the bit sees the zeroes, or what came since. */
		smp_store_release(&raid->written[word],
				  raid->written[word] | region_bit(region));
	}
	mutex_unlock(&raid->bitmap_lock);
	return err;
}

/* Under its lock, who rebuilds, copies or checks the group sees all of it or nothing. */
static int zero_group(struct raid *raid, u64 group)
{
	struct mutex *lock = raid_group_lock(raid, group);
	int err;

	mutex_lock(lock);
	err = raid_group_zero(raid, group);
	mutex_unlock(lock);
	return err;
}

/**
 * raid_region_begin() - make sure that a group may be written
 * @raid: the array
 * @group: about to be written
 *
 * Unless its region is forgotten again: raid_group_lock_written() looks after that.
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
		err = zero_group(raid, i);
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
 * raid_group_lock_written() - lock a group in order to write it
 * @raid: the array
 * @group: the group
 *
 * If it is of a region that was never written, or was forgotten, that is zero then,
 * and recorded as written.
 *
 * Context: process context; takes the region's lock and below.
 * Return: 0, with the group's lock held; or -errno, without.
 */
int raid_group_lock_written(struct raid *raid, u64 group)
{
	struct mutex *lock = raid_group_lock(raid, group);
	int err;

	for (;;) {
		err = raid_region_begin(raid, group);
		if (err)
			return err;
		mutex_lock(lock);
		if (likely(raid_group_written(raid, group)))
			return 0;
		/* Somebody forgot it in between, and waits for the lock. */
		mutex_unlock(lock);
	}
}

/**
 * raid_region_is_zero() - is a group zero, and stays so if power fails?
 * @raid: the array
 * @group: the group
 *
 * Context: process context; takes the region's lock.
 * Return: true if its region was never written or is durably forgotten.
 */
bool raid_region_is_zero(struct raid *raid, u64 group)
{
	u64 region = group / raid->sb.region_groups;
	bool zero;

	if (raid_region_written(raid, region))
		return false;
	/* It may just be being forgotten. */
	mutex_lock(region_lock(raid, region));
	zero = !raid_region_written(raid, region);
	mutex_unlock(region_lock(raid, region));
	return zero;
}

static void show(struct raid *raid, u64 region, bool written)
{
	u64 word = region / PINFOLD_RAID_WORD_BITS;
	u32 bits;

	mutex_lock(&raid->bitmap_lock);
	bits = raid->written[word] & ~region_bit(region);
	/* As record() does it. */
	smp_store_release(&raid->written[word],
			  written ? bits | region_bit(region) : bits);
	mutex_unlock(&raid->bitmap_lock);
}

/* Who found that the region was written is done with the group after that. */
static void wait_for_writers(struct raid *raid, u64 region)
{
	u64 group = region * raid->sb.region_groups;

	for (; group < region_end(raid, region); group++) {
		mutex_lock(raid_group_lock(raid, group));
		mutex_unlock(raid_group_lock(raid, group));
	}
}

static int unrecord(struct raid *raid, u64 region)
{
	u64 word = region / PINFOLD_RAID_WORD_BITS;
	int err;

	mutex_lock(&raid->bitmap_lock);
	raid->shadow[word] &= ~region_bit(region);
	err = store_everywhere(raid, word);
	if (err) {
		/* Some leg says that it was written, and so do all that can. */
		raid->shadow[word] |= region_bit(region);
		store_everywhere(raid, word);
	}
	mutex_unlock(&raid->bitmap_lock);
	return err;
}

/**
 * raid_region_forget() - a region's contents are not needed: it is zero
 * @raid: the array
 * @region: the region
 *
 * As if it was never written, durably on return. If power fails before, all of it
 * is as it was, or all of it is zero. Writers that come meanwhile wait, and write
 * to a region that is zero; entries of the log of those before are removed by
 * then, so nothing is replayed.
 *
 * Context: process context; takes the region's lock and below.
 * Return: 0, or -EIO if it stays as it is.
 */
int raid_region_forget(struct raid *raid, u64 region)
{
	int err = 0;

	mutex_lock(region_lock(raid, region));
	if (!raid_region_written(raid, region))
		goto out;
	show(raid, region, false);
	wait_for_writers(raid, region);
	/* A group that is half written is the next assembly's. */
	err = READ_ONCE(raid->broken) ? -EIO : unrecord(raid, region);
	if (err)
		show(raid, region, true);
out:
	mutex_unlock(region_lock(raid, region));
	return err ? -EIO : 0;
}

/**
 * raid_region_pass() - may rebuild pass over a region?
 * @raid: the array
 * @leg: the leg being rebuilt, in sync up to @group, or RAID_TWIN
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
	u64 *position = leg == RAID_TWIN ? &raid->twin.position :
					   &raid->sb.roles[leg].synced;
	bool pass;

	mutex_lock(region_lock(raid, region));
	pass = !raid_region_written(raid, region);
	if (pass)
		WRITE_ONCE(*position, region_end(raid, region));
	mutex_unlock(region_lock(raid, region));
	return pass;
}
