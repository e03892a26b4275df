// SPDX-License-Identifier: GPL-2.0
/*
 * Media errors: the list of bad blocks, where it comes from, and how writing
 * repairs them.
 */
#include <linux/dax.h>
#include <linux/dax_backing.h>
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include <compat/nvdimm.h>

#include "pinfold.h"

static void notify_changed(struct pinfold *pf)
{
	struct kernfs_node *state = READ_ONCE(pf->bb_state);

	if (state)
		sysfs_notify_dirent(state);
}

/**
 * pinfold_slot_is_bad() - is a part of a spare page known to be bad?
 * @pf: namespace with a map
 * @slot: the page
 *
 * Context: any.
 */
bool pinfold_slot_is_bad(struct pinfold *pf, u32 slot)
{
	u64 offset = pinfold_remap_slot_offset(&pf->remap.layout, slot);
	sector_t bad;
	int nr;

	return pf->media.bb.count &&
		badblocks_check(&pf->media.bb, offset >> SECTOR_SHIFT,
			       PAGE_SECTORS, &bad, &nr);
}

/* What is bad at home is not so of pages that have moved, but their slot may be. */
static void translate_badblocks(struct pinfold *pf)
{
	u32 slot;

	if (!pf->bb.count && !pf->media.bb.count)
		return;
	for (slot = 0; slot < pf->remap.layout.nr_slots; slot++) {
		u64 word = READ_ONCE(pf->remap.entries[slot]);
		sector_t sector;

		if (!(word & PINFOLD_REMAP_CLAIMED))
			continue;
		sector = pinfold_remap_owner(word) <<
			(PAGE_SHIFT - SECTOR_SHIFT);
		badblocks_clear(&pf->bb, sector, PAGE_SECTORS);
		if (pinfold_slot_is_bad(pf, slot))
			badblocks_set(&pf->bb, sector, PAGE_SECTORS, 1);
	}
}

/**
 * pinfold_populate_badblocks() - take over what the platform knows
 * @pf: namespace
 *
 * Context: process context; takes the nvdimm bus lock.
 */
void pinfold_populate_badblocks(struct pinfold *pf)
{
	struct range range = {
		.start = pf->phys,
		.end = pf->phys + PFN_PHYS(pf->nr_pages) - 1,
	};

	mutex_lock(&pf->move_lock);
	nvdimm_badblocks_populate(pf->region, &pf->bb, &range);
	if (pf->map) {
		range.start = pf->media.phys;
		range.end = pf->media.phys + pf->media.size - 1;
		nvdimm_badblocks_populate(pf->region, &pf->media.bb, &range);
		translate_badblocks(pf);
	}
	mutex_unlock(&pf->move_lock);
	notify_changed(pf);
}

/**
 * pinfold_init_badblocks() - start with what the platform knows
 * @pf: namespace
 *
 * The list belongs to the device and is freed after the driver's remove.
 *
 * Context: probe; may sleep.
 * Return: 0 or -ENOMEM.
 */
int pinfold_init_badblocks(struct pinfold *pf)
{
	int err = devm_init_badblocks(pf->dev, &pf->bb);

	if (err)
		return err;
	pinfold_populate_badblocks(pf);
	return 0;
}

/**
 * pinfold_forget_badblocks() - a range is good again
 * @pf: namespace
 * @offset: start in bytes
 * @len: length in bytes
 *
 * Context: process context, may sleep.
 */
void pinfold_forget_badblocks(struct pinfold *pf, u64 offset, u64 len)
{
	if (len < SECTOR_SIZE)
		return;
	badblocks_clear(&pf->bb, offset >> SECTOR_SHIFT, len >> SECTOR_SHIFT);
	notify_changed(pf);
}

/**
 * pinfold_note_bad_page() - a page cannot be read
 * @pf: namespace
 * @page: the page
 *
 * Context: process context, may sleep.
 */
void pinfold_note_bad_page(struct pinfold *pf, u64 page)
{
	badblocks_set(&pf->bb, page << (PAGE_SHIFT - SECTOR_SHIFT),
		      PAGE_SECTORS, 1);
	notify_changed(pf);
}

static int page_failed(struct pinfold *pf, u64 page, int mf_flags)
{
	if (!(mf_flags & MF_SW_SIMULATED))
		pinfold_note_bad_page(pf, page);
	return dax_holder_notify_failure(pf->dax_dev, PFN_PHYS(page),
					 PAGE_SIZE, mf_flags);
}

/**
 * pinfold_memory_failure() - pages with struct pages failed
 * @private: the namespace
 * @offset: start in bytes, of the media
 * @len: length in bytes
 * @mf_flags: MF_* of memory_failure()
 *
 * A simulated failure leaves the media as it is, so it is not recorded: nothing
 * but a reboot or unpoisoning would ever clear it.
 *
 * Context: process context, may sleep.
 * Return: what the file system said.
 */
int pinfold_memory_failure(void *private, u64 offset, u64 len, int mf_flags)
{
	u64 place = PHYS_PFN(offset), end = PHYS_PFN(offset + len);
	struct pinfold *pf = private;
	int err = -EOPNOTSUPP;

	/* Almost always one page. */
	for (; place < end; place++) {
		u64 page = pinfold_page_at(pf, place);

		if (page != U64_MAX)
			err = page_failed(pf, page, mf_flags);
	}
	return err;
}

/* The same in one contiguous part of the media. */
static long clear_place(struct pinfold *pf, u64 offset, unsigned int len)
{
	long cleared = nvdimm_clear_poison(pf->dev, pf->phys + offset, len);
	u64 start, end;

	if (cleared <= 0)
		return cleared;
	/* Pages of which only a part was repaired stay poisoned. */
	start = round_up(offset, PAGE_SIZE);
	end = round_down(offset + cleared, PAGE_SIZE);
	if (start < end)
		dax_backing_clear_hwpoison(pf->backing, start, end - start);
	arch_invalidate_pmem(pf->data + offset, len);
	return cleared;
}

/* How much of a range of the disk is contiguous on the media, from where on? */
static unsigned int contiguous(struct pinfold *pf, u64 offset,
			       unsigned int len, u64 *where)
{
	*where = offset;
	if (!READ_ONCE(pf->map))
		return len;
	*where = pinfold_place_offset(pinfold_place(pf, PHYS_PFN(offset))) +
		offset_in_page(offset);
	return min_t(unsigned int, len, PAGE_SIZE - offset_in_page(offset));
}

/**
 * pinfold_clear_poison() - have the platform repair a range
 * @pf: namespace
 * @offset: start in bytes
 * @len: length in bytes
 *
 * The bad blocks stay on record: with pinfold_forget_badblocks() readers are
 * let in, which must wait until there is new data to read.
 *
 * Context: process context, may sleep. Nobody moves the range: under the inode
 * lock of the file it belongs to, or with the map's repair_lock.
 * Return: bytes repaired from @offset on, or -errno.
 */
long pinfold_clear_poison(struct pinfold *pf, u64 offset, unsigned int len)
{
	unsigned int done = 0;

	while (done < len) {
		u64 where;
		unsigned int part = contiguous(pf, offset + done, len - done,
					       &where);
		long cleared = clear_place(pf, where, part);

		if (cleared < 0)
			return done ?: cleared;
		done += cleared;
		if (cleared < part)
			break;
	}
	return done;
}

/**
 * pinfold_repair() - make a range writable for a block write
 * @pf: namespace
 * @offset: start in bytes
 * @len: length in bytes
 *
 * Context: process context, may sleep.
 * Return: BLK_STS_OK if all of it was repaired, else BLK_STS_IOERR.
 */
blk_status_t pinfold_repair(struct pinfold *pf, u64 offset, unsigned int len)
{
	struct pinfold_map *map = READ_ONCE(pf->map);
	long cleared;

	if (map)
		mutex_lock(&map->repair_lock);
	cleared = pinfold_clear_poison(pf, offset, len);
	if (cleared >= 0)
		pinfold_forget_badblocks(pf, offset, cleared);
	if (map)
		mutex_unlock(&map->repair_lock);
	return cleared < len ? BLK_STS_IOERR : BLK_STS_OK;
}
