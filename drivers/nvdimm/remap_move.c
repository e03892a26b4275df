// SPDX-License-Identifier: GPL-2.0
/*
 * A page and its entry move together: copy, fence, commit. Who may look at the
 * page meanwhile, and keeps others from writing it, is the caller's business.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "media_io.h"
#include "remap_table.h"

/* The copy must be durable before the entry that says so can be. */
static int copy_durably(struct pinfold_remap *table, u64 to, u64 from)
{
	int err = pinfold_media_copy(table->media, to, from,
				     PINFOLD_PAGE_SIZE);

	return err ? err : pinfold_media_fence(table->media);
}

/**
 * pinfold_remap_move_out() - move a page from home to a slot
 * @table: loaded, and mended if it needed to be
 * @page: number of the page, which is at home
 * @slot: a free one
 * @retire_home: home is never used again
 *
 * Nobody may write to the page before this returns. If it fails with @table not
 * broken, the page is where it was.
 *
 * Context: as pinfold_media_fence().
 * Return: as pinfold_remap_claim(); -EIO also if the page cannot be read.
 */
int pinfold_remap_move_out(struct pinfold_remap *table, u64 page, u32 slot,
			   bool retire_home)
{
	int err = __pinfold_remap_may_leave(table, page, slot);

	if (!err)
		err = copy_durably(table,
				pinfold_remap_slot_offset(&table->layout, slot),
				pinfold_remap_home_offset(&table->layout,
							  page));
	return err ?: __pinfold_remap_leave(table, page, slot, retire_home ?
					    PINFOLD_REMAP_HOME_RETIRED : 0);
}

/**
 * pinfold_remap_move_on() - move a page from its slot to another one
 * @table: as for pinfold_remap_move_out()
 * @page: number of the page, which has a slot
 * @slot: a free one
 * @retire_slot: the old slot is never used again
 *
 * Context: as pinfold_media_fence().
 * Return: as pinfold_remap_transfer(); -EIO also if the page cannot be read.
 */
int pinfold_remap_move_on(struct pinfold_remap *table, u64 page, u32 slot,
			  bool retire_slot)
{
	int err = pinfold_remap_may_claim(table, page, slot);

	if (!err && pinfold_remap_lookup(table, page) == PINFOLD_NO_SLOT)
		err = -ENOENT;
	if (!err)
		err = copy_durably(table,
				pinfold_remap_slot_offset(&table->layout, slot),
				pinfold_remap_offset(table, page));
	if (err)
		return err;
	return pinfold_remap_transfer(table, page, slot, retire_slot);
}

/**
 * pinfold_remap_move_home() - move a page back home
 * @table: as for pinfold_remap_move_out()
 * @page: number of the page, which has a slot
 *
 * Context: as pinfold_media_fence().
 * Return: as pinfold_remap_release(); -EIO also if the page cannot be read.
 */
int pinfold_remap_move_home(struct pinfold_remap *table, u64 page)
{
	int err = pinfold_remap_may_release(table, page);

	if (!err)
		err = copy_durably(table,
				pinfold_remap_home_offset(&table->layout, page),
				pinfold_remap_offset(table, page));
	if (err)
		return err;
	return pinfold_remap_release(table, page);
}
