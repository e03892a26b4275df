// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of which a part cannot be read any more. The rest moves; what is lost is
 * marked in the new place, which is good and would otherwise show whatever was there
 * before as the page's data.
 *
 * The mark is the sector's contents, so that a write takes it away without another
 * word to the table, and the claim's flag says where to look for marks at all.
 */
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "media_io.h"
#include "remap_table.h"

#define LINE		sizeof(struct pinfold_lost_line)
#define UNIT_LINES	(PINFOLD_LOST_UNIT / LINE)
#define UNITS		(PINFOLD_PAGE_SIZE / PINFOLD_LOST_UNIT)
#define ALL_LOST	((1U << UNITS) - 1)

static_assert(sizeof(struct pinfold_lost_line) == 64);
static_assert(PINFOLD_LOST_UNIT == PINFOLD_MEDIA_BLOCK);

static void mark_unit(const struct pinfold_remap *table, u64 page,
		      unsigned int unit, struct pinfold_lost_line *lines)
{
	unsigned int i;

	memset(lines, 0, PINFOLD_LOST_UNIT);
	for (i = 0; i < UNIT_LINES; i++) {
		memcpy(lines[i].magic, PINFOLD_LOST_MAGIC,
		       PINFOLD_LOST_MAGIC_LEN);
		lines[i].page = cpu_to_le64(page);
		lines[i].line = cpu_to_le32(unit * UNIT_LINES + i);
		lines[i].seed = cpu_to_le32(table->layout.seed);
	}
}

/**
 * pinfold_remap_copy_readable() - copy a page to a slot, without what is lost
 * @table: as for pinfold_remap_move_out()
 * @page: number of the page
 * @slot: a free one
 * @lost: a bit for each sector, the lowest for the first: those that are not to be
 *	read; on return those that could not be, too
 *
 * Context: as pinfold_media_fence().
 * Return: 0 with the copy durable; -EIO if all of the page is lost or the media
 * failed; else as pinfold_remap_may_claim().
 */
int pinfold_remap_copy_readable(struct pinfold_remap *table, u64 page, u32 slot,
				unsigned int *lost)
{
	u64 to = pinfold_remap_slot_offset(&table->layout, slot);
	u64 from = pinfold_remap_offset(table, page);
	struct pinfold_lost_line lines[UNIT_LINES];
	unsigned int unit;
	int err = pinfold_remap_may_claim(table, page, slot);

	for (unit = 0; unit < UNITS && !err; unit++) {
		u64 at = unit * PINFOLD_LOST_UNIT;

		if (!(*lost & 1U << unit) &&
		    !pinfold_media_copy(table->media, to + at, from + at,
					PINFOLD_LOST_UNIT))
			continue;
		*lost |= 1U << unit;
		mark_unit(table, page, unit, lines);
		pinfold_media_write(table->media, to + at, lines,
				    sizeof(lines));
	}
	if (!err && *lost == ALL_LOST)
		err = -EIO;
	return err ? err : pinfold_media_fence(table->media);
}

/**
 * pinfold_remap_salvage() - a page moves to where what is left of it was copied
 * @table: as for pinfold_remap_move_out()
 * @page: number of the page, wherever it is
 * @slot: from pinfold_remap_copy_readable()
 * @retire: the old place is never used again
 *
 * Context: as pinfold_media_fence().
 * Return: as pinfold_remap_claim() and pinfold_remap_transfer().
 */
int pinfold_remap_salvage(struct pinfold_remap *table, u64 page, u32 slot,
			  bool retire)
{
	u64 flags = PINFOLD_REMAP_PARTS_LOST;

	if (pinfold_remap_lookup(table, page) != PINFOLD_NO_SLOT)
		return __pinfold_remap_transfer(table, page, slot, retire,
						flags);
	if (retire)
		flags |= PINFOLD_REMAP_HOME_RETIRED;
	return __pinfold_remap_claim(table, page, slot, flags);
}

static bool unit_lost(const struct pinfold_remap *table, u64 page,
		      unsigned int unit, const struct pinfold_lost_line *found)
{
	struct pinfold_lost_line lines[UNIT_LINES];
	unsigned int i;

	mark_unit(table, page, unit, lines);
	/* Power may have failed in a write: what it left of a line is no data. */
	for (i = 0; i < UNIT_LINES; i++)
		if (!memcmp(&lines[i], &found[i], LINE))
			return true;
	return false;
}

/**
 * pinfold_remap_find_lost() - which sectors of a page are lost?
 * @table: loaded
 * @slot: any slot
 * @lost: a bit for each of them
 *
 * What cannot be read is not lost in this sense: the media says so itself.
 *
 * Context: any; does not sleep.
 * Return: 0, or -ENOENT for a slot whose page has no such parts.
 */
int pinfold_remap_find_lost(const struct pinfold_remap *table, u32 slot,
			    unsigned int *lost)
{
	const u64 mask = PINFOLD_REMAP_CLAIMED | PINFOLD_REMAP_PARTS_LOST;
	u64 at = pinfold_remap_slot_offset(&table->layout, slot);
	struct pinfold_lost_line found[UNIT_LINES];
	u64 word = table->entries[slot];
	unsigned int unit;

	*lost = 0;
	if ((word & mask) != mask)
		return -ENOENT;
	for (unit = 0; unit < UNITS; unit++, at += PINFOLD_LOST_UNIT)
		if (!pinfold_media_read(table->media, at, found,
					sizeof(found)) &&
		    unit_lost(table, pinfold_remap_owner(word), unit, found))
			*lost |= 1U << unit;
	return 0;
}
