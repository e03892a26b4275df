// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that must not be read: those a leg could not be made to take, or is about
 * to be made to (stale), and those whose data no leg can give any more (lost).
 * The list is on every leg, twice, so that one copy is whole while the other one
 * is written; it changes before the write that it is about completes.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "array.h"

static_assert(PINFOLD_RAID_BAD_ENTRIES * sizeof(__le64) == RAID_PAGE_SIZE);

static u64 copy_offset(const struct raid *raid, u32 copy)
{
	return raid->sb.bad_offset + copy * PINFOLD_RAID_BAD_COPY;
}

static int write_copy(struct raid *raid, u32 leg, u32 copy)
{
	__le64 *words = raid->meta_page;
	u32 i;
	int err;

	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
		words[i] = raid_bad_encode(raid->uuid_seed, i, &raid->bad[i]);
	err = raid_page_store(raid, leg, copy_offset(raid, copy), words);
	raid_fence();
	return err;
}

/**
 * raid_bad_write() - write the whole list to a leg
 * @raid: the array
 * @leg: the leg
 *
 * One copy after the other.
 *
 * Context: process context, under meta_lock or before the array is used.
 * Return: 0 or -errno.
 */
int raid_bad_write(struct raid *raid, u32 leg)
{
	int err = write_copy(raid, leg, 0);

	/* One that takes it is enough. */
	return write_copy(raid, leg, 1) ? err : 0;
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

/* One word of a copy, or all of it if it has to be mended. */
static void store_on(struct raid *raid, u32 leg, u32 copy,
		     const struct raid_bad *bad)
{
	u32 slot = bad - raid->bad;
	__le64 word = raid_bad_encode(raid->uuid_seed, slot, bad);

	/* A leg that is gone will be noticed where it matters. */
	if (raid_leg_store(raid, leg, copy_offset(raid, copy) +
			   slot * sizeof(word), &word, sizeof(word)) == -EIO)
		write_copy(raid, leg, copy);
}

/* Power failure may spoil what is being written: never both copies. */
static void store(struct raid *raid, const struct raid_bad *bad)
{
	u32 i, copy;

	for (copy = 0; copy < 2; copy++) {
		if (raid->twin.active)
			store_on(raid, RAID_TWIN, copy, bad);
		for (i = 0; i < raid->sb.layout.nr_legs; i++)
			if (raid_leg_live(raid, i))
				store_on(raid, i, copy, bad);
		raid_fence();
	}
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

static int add(struct raid *raid, const struct raid_bad *what)
{
	struct raid_bad *bad = find(raid, what->leg, what->page);

	if (bad && bad->kind >= what->kind)
		return 0;
	if (!bad) {
		bad = find_free(raid);
		if (!bad)
			return -ENOSPC;
		WRITE_ONCE(raid->nr_bad, raid->nr_bad + 1);
	}
	*bad = *what;
	store(raid, bad);
	return 0;
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
	const struct raid_bad what = { .page = page, .leg = leg, .kind = kind };
	int err;

	mutex_lock(&raid->meta_lock);
	err = add(raid, &what);
	/* Who sees the number in raid_group_read() sees nr_bad, too. */
	smp_store_release(&raid->nr_added, raid->nr_added + 1);
	mutex_unlock(&raid->meta_lock);
	/* Before the page is touched; pairs with raid_group_read(). */
	smp_wmb();
	return err;
}

static void forget(struct raid *raid, struct raid_bad *bad)
{
	bad->kind = 0;
	store(raid, bad);
	WRITE_ONCE(raid->nr_bad, raid->nr_bad - 1);
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
	if (bad)
		forget(raid, bad);
	mutex_unlock(&raid->meta_lock);
}

/**
 * raid_bad_settle() - a page was rewritten, and others have its data
 * @raid: the array
 * @leg: the leg, which did not take it
 * @page: of its data
 *
 * If it was lost, it is only stale now.
 *
 * Context: process context; takes meta_lock.
 */
void raid_bad_settle(struct raid *raid, u32 leg, u64 page)
{
	struct raid_bad *bad;

	mutex_lock(&raid->meta_lock);
	bad = find(raid, leg, page);
	if (bad && bad->kind == PINFOLD_RAID_BAD_LOST) {
		bad->kind = PINFOLD_RAID_BAD_STALE;
		store(raid, bad);
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

		if (bad->kind == PINFOLD_RAID_BAD_STALE && bad->leg == leg)
			forget(raid, bad);
	}
}

/**
 * raid_bad_elsewhere() - does a leg have what others do not?
 * @raid: the array
 * @leg: the leg
 *
 * Context: process context, under meta_lock.
 * Return: true if another leg has a stale page.
 */
bool raid_bad_elsewhere(const struct raid *raid, u32 leg)
{
	u32 i;

	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
		if (raid->bad[i].kind == PINFOLD_RAID_BAD_STALE &&
		    raid->bad[i].leg != leg &&
		    raid_leg_live(raid, raid->bad[i].leg))
			return true;
	return false;
}

/*
 * A word that only some copies have was being written, and is kept. In its slot,
 * so that no copy needs two words changed at once; where slots differ, since a
 * leg was gone for a while, in another one.
 */
static int merge(struct raid *raid, u32 slot, const struct raid_bad *found)
{
	struct raid_bad *bad = find(raid, found->leg, found->page);

	if (bad) {
		bad->kind = max(bad->kind, found->kind);
		return 0;
	}
	bad = raid->bad[slot].kind ? find_free(raid) : &raid->bad[slot];
	if (!bad)
		return -ENOSPC;
	raid->nr_bad++;
	*bad = *found;
	return 0;
}

static int load_copy(struct raid *raid, u32 leg, u32 copy, unsigned long *known)
{
	__le64 *words = raid->meta_page;
	struct raid_bad found;
	int err = 0;
	u32 i;

	if (raid_leg_load(raid, leg, copy_offset(raid, copy), words,
			  RAID_PAGE_SIZE))
		return 0;
	for (i = 0; !err && i < PINFOLD_RAID_BAD_ENTRIES; i++) {
		if (!raid_bad_decode(raid->uuid_seed, i, words[i], &found))
			continue;
		known[i / BITS_PER_LONG] |= 1UL << i % BITS_PER_LONG;
		if (found.kind && found.leg < raid->sb.layout.nr_legs &&
		    found.page < raid->sb.layout.leg_pages)
			err = merge(raid, i, &found);
	}
	return err;
}

/**
 * raid_bad_load() - read the lists of all legs in sync
 * @raid: the array, being assembled
 *
 * Context: process context.
 * Return: 0; -EIO if a word is on no leg: what must not be read is not known.
 */
int raid_bad_load(struct raid *raid)
{
	unsigned long known[PINFOLD_RAID_BAD_ENTRIES / BITS_PER_LONG] = {};
	u32 leg, copy, i;
	int err = 0;

	for (leg = 0; !err && leg < raid->sb.layout.nr_legs; leg++)
		for (copy = 0; !err && copy < 2; copy++)
			if (raid_leg_state(raid, leg) ==
			    PINFOLD_RAID_ROLE_IN_SYNC)
				err = load_copy(raid, leg, copy, known);
	for (i = 0; !err && i < ARRAY_SIZE(known); i++)
		if (known[i] != ~0UL)
			err = -EIO;
	if (err)
		raid_note(raid, RAID_NOTE_LIST_LOST, 0, 0);
	return err;
}
