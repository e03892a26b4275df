// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that must not be read: those a leg could not be made to take (stale),
 * and those whose data no leg can give any more (lost). The list is on every
 * leg and changes before the write that it is about completes.
 */
#include <linux/build_bug.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "array.h"

static_assert(PINFOLD_RAID_BAD_ENTRIES * sizeof(__le64) == RAID_PAGE_SIZE);

#define CHECKSUM_SHIFT	8
#define CHECKSUM_MASK	(0xffffULL << CHECKSUM_SHIFT)
#define KIND_SHIFT	6
#define ROLE_MASK	(RAID_MAX_LEGS - 1)
#define ENTRY_PAGE_SHIFT	24

static u64 word_checksum(const struct raid *raid, u64 word)
{
	__le64 bare = cpu_to_le64(word & ~CHECKSUM_MASK);

	return (u64)(crc32c(raid->uuid_seed, &bare, sizeof(bare)) & 0xffff) <<
	       CHECKSUM_SHIFT;
}

static __le64 encode(const struct raid *raid, const struct raid_bad *bad)
{
	u64 word;

	if (!bad->kind)
		return 0;
	word = bad->page << ENTRY_PAGE_SHIFT | bad->kind << KIND_SHIFT | bad->leg;
	return cpu_to_le64(word | word_checksum(raid, word));
}

static bool decode(const struct raid *raid, __le64 raw, struct raid_bad *bad)
{
	u64 word = le64_to_cpu(raw);

	if (!word || (word & CHECKSUM_MASK) != word_checksum(raid, word))
		return false;
	bad->page = word >> ENTRY_PAGE_SHIFT;
	bad->kind = word >> KIND_SHIFT & 3;
	bad->leg = word & ROLE_MASK;
	return bad->kind && bad->leg < raid->sb.layout.nr_legs &&
	       bad->page < raid->sb.layout.leg_pages;
}

/**
 * raid_bad_write() - write the whole list to a leg
 * @raid: the array
 * @leg: the leg
 *
 * Context: process context, under meta_lock or before the array is used.
 * Return: 0 or -errno.
 */
int raid_bad_write(struct raid *raid, u32 leg)
{
	__le64 *words = raid->meta_page;
	u32 i;
	int err;

	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
		words[i] = encode(raid, &raid->bad[i]);
	err = raid_leg_store(&raid->legs[leg], raid->sb.bad_offset, words,
			     RAID_PAGE_SIZE);
	raid_fence();
	return err;
}

static struct raid_bad *find(struct raid *raid, u32 leg, u64 page)
{
	u32 i;

	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
		if (raid->bad[i].kind && raid->bad[i].leg == leg &&
		    raid->bad[i].page == page)
			return &raid->bad[i];
	return NULL;
}

static struct raid_bad *find_free(struct raid *raid)
{
	u32 i;

	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
		if (!raid->bad[i].kind)
			return &raid->bad[i];
	return NULL;
}

/* One word on every leg, or all if the page has to be mended. */
static void store(struct raid *raid, const struct raid_bad *bad)
{
	u64 offset = raid->sb.bad_offset + (bad - raid->bad) * sizeof(__le64);
	__le64 word = encode(raid, bad);
	u32 i;

	/* A leg that is gone will be noticed where it matters. */
	for (i = 0; i < raid->sb.layout.nr_legs; i++)
		if (raid_leg_live(raid, i) &&
		    raid_leg_store(&raid->legs[i], offset, &word,
				   sizeof(word)) == -EIO)
			raid_bad_write(raid, i);
	raid_fence();
}

/**
 * raid_bad_kind() - may a page be read?
 * @raid: the array
 * @leg: the leg
 * @page: of its data
 *
 * Context: process context; takes meta_lock if there are bad pages at all.
 * Return: 0, or PINFOLD_RAID_BAD_*.
 */
u32 raid_bad_kind(struct raid *raid, u32 leg, u64 page)
{
	struct raid_bad *bad;
	u32 kind = 0;

	if (likely(!READ_ONCE(raid->nr_bad)))
		return 0;
	mutex_lock(&raid->meta_lock);
	bad = find(raid, leg, page);
	if (bad)
		kind = bad->kind;
	mutex_unlock(&raid->meta_lock);
	return kind;
}

/**
 * raid_bad_add() - a page must not be read from now on
 * @raid: the array
 * @leg: the leg
 * @page: of its data
 * @kind: PINFOLD_RAID_BAD_*
 *
 * Durable on return.
 *
 * Context: process context; takes meta_lock.
 * Return: 0, or -ENOSPC if the list is full.
 */
int raid_bad_add(struct raid *raid, u32 leg, u64 page, u32 kind)
{
	struct raid_bad *bad;
	int err = 0;

	mutex_lock(&raid->meta_lock);
	bad = find(raid, leg, page);
	if (bad && bad->kind >= kind)
		goto out;
	if (!bad) {
		bad = find_free(raid);
		if (!bad) {
			err = -ENOSPC;
			goto out;
		}
		WRITE_ONCE(raid->nr_bad, raid->nr_bad + 1);
	}
	*bad = (struct raid_bad){ .page = page, .leg = leg, .kind = kind };
	store(raid, bad);
out:
	mutex_unlock(&raid->meta_lock);
	return err;
}

/**
 * raid_bad_remove() - a page has new data, which is durable
 * @raid: the array
 * @leg: the leg
 * @page: of its data
 *
 * Context: process context; takes meta_lock.
 */
void raid_bad_remove(struct raid *raid, u32 leg, u64 page)
{
	struct raid_bad *bad;

	mutex_lock(&raid->meta_lock);
	bad = find(raid, leg, page);
	if (bad) {
		bad->kind = 0;
		store(raid, bad);
		WRITE_ONCE(raid->nr_bad, raid->nr_bad - 1);
	}
	mutex_unlock(&raid->meta_lock);
}

/**
 * raid_bad_forget() - a new leg has no stale pages
 * @raid: the array
 * @leg: the leg; what is lost on it stays lost
 *
 * Context: process context, under meta_lock.
 */
void raid_bad_forget(struct raid *raid, u32 leg)
{
	u32 i;

	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++) {
		struct raid_bad *bad = &raid->bad[i];

		if (bad->kind != PINFOLD_RAID_BAD_STALE || bad->leg != leg)
			continue;
		bad->kind = 0;
		store(raid, bad);
		WRITE_ONCE(raid->nr_bad, raid->nr_bad - 1);
	}
}

/* A word that only some legs have was being written, and is kept. */
static void merge(struct raid *raid, const struct raid_bad *found)
{
	struct raid_bad *bad = find(raid, found->leg, found->page);

	if (!bad) {
		bad = find_free(raid);
		if (!bad)
			return;
		raid->nr_bad++;
		*bad = *found;
	}
	bad->kind = max(bad->kind, found->kind);
}

/**
 * raid_bad_load() - read the lists of all legs in sync
 * @raid: the array, being assembled
 *
 * Context: process context.
 */
void raid_bad_load(struct raid *raid)
{
	struct raid_bad found;
	__le64 *words = raid->meta_page;
	u32 leg, i;

	for (leg = 0; leg < raid->sb.layout.nr_legs; leg++) {
		if (raid_leg_state(raid, leg) != PINFOLD_RAID_ROLE_IN_SYNC ||
		    raid_leg_load(&raid->legs[leg], raid->sb.bad_offset, words,
				  RAID_PAGE_SIZE))
			continue;
		for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
			if (decode(raid, words[i], &found))
				merge(raid, &found);
	}
}
