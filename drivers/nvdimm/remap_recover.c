// SPDX-License-Identifier: GPL-2.0
/*
 * From the media to a table in memory, whatever state a power failure or a bad
 * line left the mirrors in. Reading decides everything; only then, and only if
 * nothing is in doubt, pinfold_remap_mend() writes.
 *
 * Why each rule is right is in Documentation/on-media-format.rst.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "media_io.h"
#include "remap_table.h"

/**
 * struct block_pair - the same entries of both mirrors
 * @words: as read
 * @readable: whether they could be
 */
struct block_pair {
	__le64 words[PINFOLD_TABLE_MIRRORS][PINFOLD_REMAP_PER_BLOCK];
	bool readable[PINFOLD_TABLE_MIRRORS];
};

static void read_pair(const struct pinfold_remap *table, u32 first,
		      struct block_pair *pair)
{
	unsigned int m;

	for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++)
		pair->readable[m] =
			!pinfold_media_read(table->media,
					    pinfold_remap_entry_offset(&table->layout,
								       m, first),
					    pair->words[m],
					    PINFOLD_REMAP_BLOCK);
}

/*
 * Mirror 0 if it is valid, since it is written first; else mirror 1. Nearly all
 * entries are the same in both, and checked once.
 */
static u64 choose(const struct pinfold_remap *table, u32 slot,
		  const struct block_pair *pair,
		  struct pinfold_remap_report *report)
{
	unsigned int i = slot % PINFOLD_REMAP_PER_BLOCK, m;
	u64 words[PINFOLD_TABLE_MIRRORS] = {};
	bool valid[PINFOLD_TABLE_MIRRORS];

	for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++)
		if (pair->readable[m])
			words[m] = le64_to_cpu(pair->words[m][i]);
	valid[0] = pinfold_remap_valid(&table->layout, slot, words[0]);
	if (valid[0] && words[0] == words[1])
		return words[0];

	valid[1] = pinfold_remap_valid(&table->layout, slot, words[1]);
	for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++)
		report->damaged[m] += pair->readable[m] && !valid[m];
	if (valid[0]) {
		report->behind += valid[1];
		return words[0];
	}
	if (valid[1])
		return words[1];
	if (!report->lost++)
		report->first_lost = slot;
	return PINFOLD_REMAP_NO_ENTRY;
}

static void load_block(struct pinfold_remap *table, u32 first,
		       struct pinfold_remap_report *report)
{
	struct block_pair pair;
	u32 slot;
	unsigned int m;

	read_pair(table, first, &pair);
	for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++)
		report->unreadable[m] += !pair.readable[m];
	for (slot = first; slot < first + PINFOLD_REMAP_PER_BLOCK; slot++)
		table->entries[slot] = choose(table, slot, &pair, report);
}

/* Of two claims of a page, the second @slot and @other, which one is over? */
static u32 older(const struct pinfold_remap *table, u32 slot, u32 other)
{
	u64 a = table->entries[slot], b = table->entries[other];

	if (pinfold_remap_gen(a) == pinfold_remap_next_gen(b))
		return other;
	if (pinfold_remap_gen(b) == pinfold_remap_next_gen(a))
		return slot;
	return PINFOLD_NO_SLOT;
}

/* Put @slot into the place of @other in the index. */
static void replace(struct pinfold_remap *table, u32 slot, u32 other)
{
	u64 page = pinfold_remap_owner(table->entries[slot]);
	u32 *link = &table->heads[page & table->hash_mask];

	while (*link != other)
		link = &table->next[*link];
	table->next[slot] = table->next[other];
	*link = slot;
}

/*
 * Moves are made one at a time, so that a second page that is in two slots at
 * once cannot come from an interrupted move, either.
 */
static void index_claim(struct pinfold_remap *table, u32 slot,
			struct pinfold_remap_report *report)
{
	u32 other = __pinfold_remap_index(table, slot);
	u32 loser;

	if (other == PINFOLD_NO_SLOT)
		return;
	loser = older(table, slot, other);
	if (loser == PINFOLD_NO_SLOT || report->halfway) {
		if (!report->conflicts++)
			report->conflict_owner =
				pinfold_remap_owner(table->entries[slot]);
		return;
	}
	report->halfway++;
	table->halfway = loser;
	if (loser == other)
		replace(table, slot, other);
}

/**
 * pinfold_remap_load() - read the table
 * @table: from pinfold_remap_alloc()
 * @report: what was found
 *
 * Reads each mirror once, and writes nothing. If it returns 0, lookups are right
 * from now on; if @table->needs_mending as well, pinfold_remap_mend() comes
 * before any change.
 *
 * Context: may sleep.
 * Return: 0, or -EUCLEAN if entries are lost or contradict each other.
 */
int pinfold_remap_load(struct pinfold_remap *table,
		       struct pinfold_remap_report *report)
{
	u32 slot;

	memset(report, 0, sizeof(*report));
	for (slot = 0; slot < table->layout.nr_slots;
	     slot += PINFOLD_REMAP_PER_BLOCK)
		load_block(table, slot, report);
	for (slot = 0; slot < table->layout.nr_slots; slot++) {
		u64 word = table->entries[slot];

		__pinfold_remap_count(table, word, 1);
		if (word & PINFOLD_REMAP_CLAIMED)
			index_claim(table, slot, report);
	}
	table->needs_mending = report->unreadable[0] || report->unreadable[1] ||
			       report->damaged[0] || report->damaged[1] ||
			       report->behind || report->halfway;
	return report->lost || report->conflicts ? -EUCLEAN : 0;
}

/**
 * pinfold_remap_give_up_lost() - go on without the entries that are lost
 * @table: loaded, with lost entries and no conflict
 *
 * Their slots are retired: if pages lived there, their data can still be looked
 * for, while the pages themselves are at home again, as they were before they
 * moved. Only a person can want that. pinfold_remap_mend() makes it so.
 *
 * Context: any.
 */
void pinfold_remap_give_up_lost(struct pinfold_remap *table)
{
	u32 slot;

	for (slot = 0; slot < table->layout.nr_slots; slot++) {
		if (table->entries[slot] != PINFOLD_REMAP_NO_ENTRY)
			continue;
		table->entries[slot] =
			pinfold_remap_seal(&table->layout, slot,
					   PINFOLD_REMAP_SLOT_RETIRED);
		__pinfold_remap_count(table, table->entries[slot], 1);
	}
	table->needs_mending = true;
}

static void encode_block(const struct pinfold_remap *table, u32 first,
			 __le64 *words)
{
	u32 i;

	for (i = 0; i < PINFOLD_REMAP_PER_BLOCK; i++)
		words[i] = cpu_to_le64(table->entries[first + i]);
}

/* A bad block is written as a whole, a readable one only where it is wrong. */
static int mend_block(struct pinfold_remap *table, u32 first)
{
	__le64 want[PINFOLD_REMAP_PER_BLOCK];
	struct block_pair pair;
	unsigned int m;
	u32 i;

	encode_block(table, first, want);
	read_pair(table, first, &pair);
	for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++) {
		u64 at = pinfold_remap_entry_offset(&table->layout, m, first);

		if (!pair.readable[m]) {
			if (pinfold_media_mend(table->media, at, want,
					       sizeof(want)))
				return -EIO;
			continue;
		}
		for (i = 0; i < PINFOLD_REMAP_PER_BLOCK; i++)
			if (pair.words[m][i] != want[i])
				pinfold_media_store(table->media, at +
						    i * sizeof(want[i]),
						    le64_to_cpu(want[i]));
	}
	return 0;
}

/**
 * pinfold_remap_mend() - write what pinfold_remap_load() decided
 * @table: loaded
 *
 * Both mirrors first, so that each has the claim that a half-finished move ends
 * with; only then the other one is released. May be interrupted and repeated.
 *
 * Context: process context, may sleep.
 * Return: 0, or -EIO if the media cannot be mended; lookups stay right.
 */
int pinfold_remap_mend(struct pinfold_remap *table)
{
	u32 slot;
	int err = 0;

	if (table->broken)
		return -EIO;
	for (slot = 0; slot < table->layout.nr_slots && !err;
	     slot += PINFOLD_REMAP_PER_BLOCK)
		err = mend_block(table, slot);
	if (!err)
		err = pinfold_media_fence(table->media);
	if (!err && table->halfway != PINFOLD_NO_SLOT)
		err = __pinfold_remap_set(table, table->halfway, 0);
	if (err) {
		table->broken = true;
		return -EIO;
	}
	table->halfway = PINFOLD_NO_SLOT;
	table->needs_mending = false;
	return 0;
}

static int format_block(struct pinfold_media *media,
			const struct pinfold_remap_layout *layout,
			unsigned int mirror, u32 first)
{
	u64 at = pinfold_remap_entry_offset(layout, mirror, first);
	__le64 words[PINFOLD_REMAP_PER_BLOCK];
	u32 i;

	/* Clearing poison is slow: only where there is some. */
	if (pinfold_media_read(media, at, words, sizeof(words))) {
		memset(words, 0, sizeof(words));
		if (pinfold_media_mend(media, at, words, sizeof(words)))
			return -EIO;
	}
	for (i = 0; i < PINFOLD_REMAP_PER_BLOCK; i++)
		words[i] = cpu_to_le64(pinfold_remap_seal(layout, first + i,
							  0));
	pinfold_media_write(media, at, words, sizeof(words));
	return 0;
}

/**
 * pinfold_remap_format() - write a table of free slots only
 * @media: namespace
 * @layout: where
 *
 * The table counts from the moment the info block says so; that comes after.
 *
 * Context: process context, may sleep.
 * Return: 0 or -EIO.
 */
int pinfold_remap_format(struct pinfold_media *media,
			 const struct pinfold_remap_layout *layout)
{
	unsigned int m;
	u32 first;

	for (first = 0; first < layout->nr_slots;
	     first += PINFOLD_REMAP_PER_BLOCK)
		for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++)
			if (format_block(media, layout, m, first))
				return -EIO;
	return pinfold_media_fence(media);
}
