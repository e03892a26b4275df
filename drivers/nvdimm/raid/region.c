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

static int record(struct raid *raid, u64 region)
{
	u64 word = region / PINFOLD_RAID_WORD_BITS;
	u32 leg;
	int err = 0;

	mutex_lock(&raid->bitmap_lock);
	raid->shadow[word] |= 1U << region % PINFOLD_RAID_WORD_BITS;
	if (unlikely(READ_ONCE(raid->twin.active)))
		err = store_word(raid, RAID_TWIN, word);
	for (leg = 0; !err && leg < raid->sb.layout.nr_legs; leg++) {
		if (!raid_leg_live(raid, leg))
			continue;
		err = store_word(raid, leg, word);
		/* Power failure may spoil what is being written: not all at once. */
		raid_fence();
	}
	if (!err) {
		/* Who sees the bit sees the zeroes, or what came since. */
		smp_store_release(&raid->written[word], raid->shadow[word]);
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
