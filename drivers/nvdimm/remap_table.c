// SPDX-License-Identifier: GPL-2.0
/*
 * The remap table in memory, and how it changes.
 *
 * A change of an entry is one store to mirror 0, a fence, the same store to
 * mirror 1, a fence. So mirror 0 is never older than mirror 1, at most one entry
 * differs, and each mirror alone has every change that was acknowledged.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "media_io.h"
#include "remap_table.h"

/**
 * pinfold_remap_layout_init() - find the table in the info block
 * @layout: result
 * @info: of a copy that may be used
 *
 * Context: any.
 * Return: false if there is no spare area, and so no table.
 */
bool pinfold_remap_layout_init(struct pinfold_remap_layout *layout,
			       const struct pinfold_info *info)
{
	const struct pinfold_geometry *geo = &info->geo;

	if (!geo->spare_size)
		return false;
	layout->table_offset[0] = geo->table_offset[0];
	layout->table_offset[1] = geo->table_offset[1];
	layout->data_offset = geo->data_offset;
	layout->spare_offset = geo->spare_offset;
	layout->nr_slots = min_t(u64, geo->spare_size / PINFOLD_PAGE_SIZE,
				 PINFOLD_REMAP_MAX_SLOTS);
	layout->nr_pages = min_t(u64, geo->data_size / PINFOLD_PAGE_SIZE,
				 PINFOLD_REMAP_MAX_PAGES);
	layout->seed = pinfold_remap_seed(info->uuid);
	return true;
}

/**
 * pinfold_remap_alloc() - make room for a table in memory
 * @table: what to set up; not read from the media yet
 * @media: where it is; must stay as long as @table
 * @layout: where on it
 *
 * About 17 bytes for each slot.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM with nothing allocated.
 */
int pinfold_remap_alloc(struct pinfold_remap *table,
			struct pinfold_media *media,
			const struct pinfold_remap_layout *layout)
{
	u32 nr_slots = layout->nr_slots;

	memset(table, 0, sizeof(*table));
	table->media = media;
	table->layout = *layout;
	table->halfway = PINFOLD_NO_SLOT;
	table->hash_mask = (u32)(1ULL << fls64(nr_slots - 1)) - 1;
	table->entries = kvcalloc(nr_slots, sizeof(u64), GFP_KERNEL);
	table->heads = kvcalloc((size_t)table->hash_mask + 1, sizeof(u32),
				GFP_KERNEL);
	table->next = kvcalloc(nr_slots, sizeof(u32), GFP_KERNEL);
	table->quarantine = kvcalloc(nr_slots / 64, sizeof(u64), GFP_KERNEL);
	if (!table->entries || !table->heads || !table->next ||
	    !table->quarantine) {
		pinfold_remap_free(table);
		return -ENOMEM;
	}
	memset(table->heads, 0xff,
	       ((size_t)table->hash_mask + 1) * sizeof(u32));
	return 0;
}

/**
 * pinfold_remap_free() - free what pinfold_remap_alloc() allocated
 * @table: with or without it
 *
 * Context: may sleep.
 */
void pinfold_remap_free(struct pinfold_remap *table)
{
	kvfree(table->entries);
	kvfree(table->heads);
	kvfree(table->next);
	kvfree(table->quarantine);
	memset(table, 0, sizeof(*table));
}

/**
 * pinfold_remap_lookup() - where does a page live?
 * @table: loaded
 * @page: number of the page in the data area
 *
 * May run while another page's entry changes: chains grow at their head, and a
 * slot that left one leads on to its rest for as long as it is in quarantine.
 * While @page itself moves the answer is its old slot, its new one, or none.
 *
 * Context: any.
 * Return: its slot, or PINFOLD_NO_SLOT if it is at home.
 */
u32 pinfold_remap_lookup(const struct pinfold_remap *table, u64 page)
{
	const u64 mask = PINFOLD_REMAP_OWNER_MASK | PINFOLD_REMAP_CLAIMED;
	const u64 claim = page | PINFOLD_REMAP_CLAIMED;
	u32 slot;

	/* Pairs with __pinfold_remap_index(): the slot leads on. */
	slot = smp_load_acquire(&table->heads[page & table->hash_mask]);
	while (slot != PINFOLD_NO_SLOT &&
	       (READ_ONCE(table->entries[slot]) & mask) != claim)
		slot = READ_ONCE(table->next[slot]);
	return slot;
}

/**
 * pinfold_remap_offset() - the same as an offset in the namespace
 * @table: loaded
 * @page: number of the page in the data area
 *
 * Context: any.
 */
u64 pinfold_remap_offset(const struct pinfold_remap *table, u64 page)
{
	u32 slot = pinfold_remap_lookup(table, page);

	if (slot == PINFOLD_NO_SLOT)
		return pinfold_remap_home_offset(&table->layout, page);
	return pinfold_remap_slot_offset(&table->layout, slot);
}

static bool quarantined(const struct pinfold_remap *table, u32 slot)
{
	return table->quarantine[slot / 64] & BIT_ULL(slot % 64);
}

static bool slot_free(const struct pinfold_remap *table, u32 slot)
{
	u64 word = table->entries[slot];

	return word != PINFOLD_REMAP_NO_ENTRY &&
	       !(word & (PINFOLD_REMAP_CLAIMED | PINFOLD_REMAP_SLOT_RETIRED)) &&
	       !quarantined(table, slot);
}

/**
 * pinfold_remap_find_free() - find a slot that a page can be moved to
 * @table: loaded
 * @from: where to begin, to spread the search and the wear
 *
 * Context: any; may look at every slot.
 * Return: a free slot that is not in quarantine, or PINFOLD_NO_SLOT.
 */
u32 pinfold_remap_find_free(const struct pinfold_remap *table, u32 from)
{
	u32 nr_slots = table->layout.nr_slots, slot, i;

	if (table->nr_claimed + table->nr_retired + table->nr_quarantined >=
	    nr_slots)
		return PINFOLD_NO_SLOT;
	slot = from < nr_slots ? from : 0;
	for (i = 0; i < nr_slots; i++) {
		if (slot_free(table, slot))
			return slot;
		slot = slot + 1 < nr_slots ? slot + 1 : 0;
	}
	return PINFOLD_NO_SLOT;
}

/* Enter the claim of a page that no other slot claims into the index. */
static void index_claim(struct pinfold_remap *table, u32 slot)
{
	u64 page = pinfold_remap_owner(table->entries[slot]);
	u32 *head = &table->heads[page & table->hash_mask];

	WRITE_ONCE(table->next[slot], *head);
	/* Pairs with pinfold_remap_lookup(): the slot leads on. */
	smp_store_release(head, slot);
}

/* Enter a claim into the index. Return: PINFOLD_NO_SLOT, or who has its page. */
u32 __pinfold_remap_index(struct pinfold_remap *table, u32 slot)
{
	u64 page = pinfold_remap_owner(table->entries[slot]);
	u32 other = pinfold_remap_lookup(table, page);

	if (other == PINFOLD_NO_SLOT)
		index_claim(table, slot);
	return other;
}

static void unindex(struct pinfold_remap *table, u32 slot)
{
	u64 page = pinfold_remap_owner(table->entries[slot]);
	u32 *link = &table->heads[page & table->hash_mask];

	while (*link != slot)
		link = &table->next[*link];
	WRITE_ONCE(*link, table->next[slot]);
}

/* Keep the numbers of @table: an entry comes (1) or goes (-1). */
void __pinfold_remap_count(struct pinfold_remap *table, u64 word, int sign)
{
	if (word & PINFOLD_REMAP_CLAIMED)
		table->nr_claimed += sign;
	else if (word & PINFOLD_REMAP_SLOT_RETIRED)
		table->nr_retired += sign;
	if (word & PINFOLD_REMAP_HOME_RETIRED)
		table->nr_homes_retired += sign;
}

/*
 * Change one entry on the media, durably; @word is sealed. Mirror 0 decides: if only
 * mirror 1 could not be written the change stands, and is the last one.
 */
static int commit(struct pinfold_remap *table, u32 slot, u64 word)
{
	unsigned int mirror;

	for (mirror = 0; mirror < PINFOLD_TABLE_MIRRORS; mirror++) {
		pinfold_media_store(table->media,
				    pinfold_remap_entry_offset(&table->layout,
							       mirror, slot),
				    word);
		if (pinfold_media_fence(table->media)) {
			table->broken = true;
			return mirror ? 0 : -EIO;
		}
	}
	return 0;
}

/* The same in memory. */
static void assign(struct pinfold_remap *table, u32 slot, u64 word)
{
	__pinfold_remap_count(table, table->entries[slot], -1);
	WRITE_ONCE(table->entries[slot], word);
	__pinfold_remap_count(table, word, 1);
}

/* Change one entry that is not in the index, or stays where it is there. */
int __pinfold_remap_set(struct pinfold_remap *table, u32 slot, u64 word)
{
	int err;

	word = pinfold_remap_seal(&table->layout, slot, word);
	err = commit(table, slot, word);
	if (!err)
		assign(table, slot, word);
	return err;
}

static int may_change(const struct pinfold_remap *table)
{
	if (table->broken)
		return -EIO;
	return table->needs_mending ? -EROFS : 0;
}

/**
 * pinfold_remap_may_claim() - can a page be given this slot?
 * @table: loaded
 * @page: number of the page, wherever it is
 * @slot: the slot
 *
 * Context: any.
 * Return: 0, or what pinfold_remap_claim() and pinfold_remap_transfer() say to
 * these numbers.
 */
int pinfold_remap_may_claim(const struct pinfold_remap *table, u64 page,
			    u32 slot)
{
	int err = may_change(table);

	if (err)
		return err;
	if (page >= table->layout.nr_pages || slot >= table->layout.nr_slots)
		return -EINVAL;
	return slot_free(table, slot) ? 0 : -EBUSY;
}

/* The slot of a page, for a change of its entry. */
static int find_claim(const struct pinfold_remap *table, u64 page, u32 *slot)
{
	int err = may_change(table);

	if (err)
		return err;
	*slot = pinfold_remap_lookup(table, page);
	return *slot == PINFOLD_NO_SLOT ? -ENOENT : 0;
}

/* Is the page at home, and may it have this slot? */
int __pinfold_remap_may_leave(const struct pinfold_remap *table, u64 page,
			      u32 slot)
{
	int err = pinfold_remap_may_claim(table, page, slot);

	if (!err && pinfold_remap_lookup(table, page) != PINFOLD_NO_SLOT)
		err = -EEXIST;
	return err;
}

/* After that, with @flags in the entry. */
int __pinfold_remap_leave(struct pinfold_remap *table, u64 page, u32 slot,
			  u64 flags)
{
	int err = __pinfold_remap_set(table, slot,
				      page | PINFOLD_REMAP_CLAIMED | flags);

	if (!err)
		index_claim(table, slot);
	return err;
}

/* As pinfold_remap_claim(), with @flags in the entry. */
int __pinfold_remap_claim(struct pinfold_remap *table, u64 page, u32 slot,
			  u64 flags)
{
	int err = __pinfold_remap_may_leave(table, page, slot);

	return err ?: __pinfold_remap_leave(table, page, slot, flags);
}

/**
 * pinfold_remap_claim() - a page moves from home to a slot
 * @table: loaded, and mended if it needed to be
 * @page: number of the page, which is at home
 * @slot: a free one; it has the page's data, durably
 * @retire_home: home is never used again
 *
 * Until this returns, nothing may be written to the page, neither here nor
 * there; after an error other than those below for a wrong call, not at all,
 * since the next attach may find it in either place.
 *
 * Context: as pinfold_media_fence().
 * Return: 0; -EEXIST, -EBUSY, -EINVAL for a page that is not at home, a slot
 * that is not free, or numbers out of range; -EROFS for a table that needs
 * mending; -EIO if the media failed, now or earlier.
 */
int pinfold_remap_claim(struct pinfold_remap *table, u64 page, u32 slot,
			bool retire_home)
{
	return __pinfold_remap_claim(table, page, slot, retire_home ?
				     PINFOLD_REMAP_HOME_RETIRED : 0);
}

/* The page of @slot is elsewhere: nobody gets the slot before the quarantine. */
static int vacate(struct pinfold_remap *table, u32 slot, u64 word)
{
	int err;

	word = pinfold_remap_seal(&table->layout, slot, word);
	err = commit(table, slot, word);
	if (err)
		return err;
	unindex(table, slot);
	assign(table, slot, word);
	if (!(word & PINFOLD_REMAP_SLOT_RETIRED)) {
		table->quarantine[slot / 64] |= BIT_ULL(slot % 64);
		table->nr_quarantined++;
	}
	return 0;
}

/* As pinfold_remap_transfer(), with @flags in the new entry. */
int __pinfold_remap_transfer(struct pinfold_remap *table, u64 page, u32 slot,
			     bool retire_slot, u64 flags)
{
	int err = pinfold_remap_may_claim(table, page, slot);
	u64 word;
	u32 old;

	if (!err)
		err = find_claim(table, page, &old);
	if (err)
		return err;
	word = page | PINFOLD_REMAP_CLAIMED | flags |
	       (table->entries[old] & PINFOLD_REMAP_HOME_RETIRED) |
	       (u64)pinfold_remap_next_gen(table->entries[old]) <<
	       PINFOLD_REMAP_GEN_SHIFT;
	err = __pinfold_remap_set(table, slot, word);
	if (err)
		return err;
	/* From here on the page is in the new slot, whatever the old entry says. */
	if (table->broken ||
	    vacate(table, old, retire_slot ? PINFOLD_REMAP_SLOT_RETIRED : 0))
		unindex(table, old);
	__pinfold_remap_index(table, slot);
	return 0;
}

/**
 * pinfold_remap_transfer() - a page moves from its slot to another one
 * @table: as for pinfold_remap_claim()
 * @page: number of the page, which has a slot
 * @slot: the new one, as for pinfold_remap_claim()
 * @retire_slot: the old one is never used again; else it is in quarantine
 *
 * If power fails between the two changes, both slots claim the page, and the
 * newer generation is right: the data are the same, as nothing was written.
 *
 * Context: as pinfold_media_fence().
 * Return: as pinfold_remap_claim(), but -ENOENT for a page that is at home.
 */
int pinfold_remap_transfer(struct pinfold_remap *table, u64 page, u32 slot,
			   bool retire_slot)
{
	return __pinfold_remap_transfer(table, page, slot, retire_slot, 0);
}

/**
 * pinfold_remap_may_release() - can a page go back home?
 * @table: loaded
 * @page: number of the page
 *
 * Context: any.
 * Return: 0, or what pinfold_remap_release() says to it.
 */
int pinfold_remap_may_release(const struct pinfold_remap *table, u64 page)
{
	u32 slot;
	int err = find_claim(table, page, &slot);

	if (err)
		return err;
	return table->entries[slot] & PINFOLD_REMAP_HOME_RETIRED ? -EPERM : 0;
}

/**
 * pinfold_remap_release() - a page is back home
 * @table: as for pinfold_remap_claim()
 * @page: number of the page, whose data are at its home, durably
 *
 * Its slot is in quarantine until pinfold_remap_reuse().
 *
 * Context: as pinfold_media_fence().
 * Return: as pinfold_remap_claim(), but -ENOENT for a page that is at home, and
 * -EPERM if home was retired.
 */
int pinfold_remap_release(struct pinfold_remap *table, u64 page)
{
	int err = pinfold_remap_may_release(table, page);

	if (err)
		return err;
	return vacate(table, pinfold_remap_lookup(table, page), 0);
}

/**
 * pinfold_remap_retire_home() - a page must not come back home
 * @table: as for pinfold_remap_claim()
 * @page: number of the page, which has a slot
 *
 * Context: as pinfold_media_fence().
 * Return: 0, -ENOENT for a page that is at home, -EROFS or -EIO.
 */
int pinfold_remap_retire_home(struct pinfold_remap *table, u64 page)
{
	u32 slot;
	int err = find_claim(table, page, &slot);

	if (err)
		return err;
	return __pinfold_remap_set(table, slot, table->entries[slot] |
				   PINFOLD_REMAP_HOME_RETIRED);
}

/**
 * pinfold_remap_retire_slot() - a slot is never used again
 * @table: as for pinfold_remap_claim()
 * @slot: a free one; a page in it must be moved, see pinfold_remap_transfer()
 *
 * Context: as pinfold_media_fence().
 * Return: 0, -EBUSY for a slot that is not free, -EINVAL, -EROFS or -EIO.
 */
int pinfold_remap_retire_slot(struct pinfold_remap *table, u32 slot)
{
	int err = pinfold_remap_may_claim(table, 0, slot);

	if (err)
		return err;
	return __pinfold_remap_set(table, slot, PINFOLD_REMAP_SLOT_RETIRED);
}

/**
 * pinfold_remap_reuse() - nobody reads a released slot any more
 * @table: loaded
 * @slot: any slot
 *
 * Context: any.
 */
void pinfold_remap_reuse(struct pinfold_remap *table, u32 slot)
{
	if (slot >= table->layout.nr_slots || !quarantined(table, slot))
		return;
	table->quarantine[slot / 64] &= ~BIT_ULL(slot % 64);
	table->nr_quarantined--;
}
