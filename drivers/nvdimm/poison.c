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

static sector_t media_sector(struct pinfold *pf, u64 place)
{
	return (pf->info.geo.data_offset + pinfold_place_offset(place)) >>
		SECTOR_SHIFT;
}

/* Is a part of the media known to be bad? @offset counts from the start of the data. */
static bool media_is_bad(struct pinfold *pf, u64 offset, unsigned int len)
{
	u64 start = (pf->info.geo.data_offset + offset) >> SECTOR_SHIFT;
	u64 end = DIV_ROUND_UP(pf->info.geo.data_offset + offset + len,
			       SECTOR_SIZE);
	sector_t bad;
	int nr;

	return pf->media.bb.count &&
		badblocks_check(&pf->media.bb, start, end - start, &bad, &nr);
}

/**
 * pinfold_place_is_bad() - is a part of a page of the media known to be bad?
 * @pf: namespace with a map
 * @place: the page
 *
 * Context: any.
 */
bool pinfold_place_is_bad(struct pinfold *pf, u64 place)
{
	return media_is_bad(pf, pinfold_place_offset(place), PAGE_SIZE);
}

/**
 * pinfold_next_bad() - find places of which a part is known to be bad
 * @pf: namespace, perhaps without a map
 * @place: where to begin
 *
 * Context: any.
 * Return: the next one from there on, or U64_MAX.
 */
u64 pinfold_next_bad(struct pinfold *pf, u64 place)
{
	u64 end = PHYS_PFN(pinfold_mapped_size(&pf->info.geo));
	bool mapped = READ_ONCE(pf->map);
	struct badblocks *bb = mapped ? &pf->media.bb : &pf->bb;
	sector_t first = mapped ? media_sector(pf, 0) : 0, bad;
	int nr;

	/* The length is an int. */
	for (; bb->count && place < end; place += SZ_64M) {
		sector_t at = first + place * PAGE_SECTORS;

		if (badblocks_check(bb, at, min_t(u64, end - place, SZ_64M) *
				    PAGE_SECTORS, &bad, &nr))
			return (max(bad, at) - first) / PAGE_SECTORS;
	}
	return U64_MAX;
}

/* A part of the media is bad: so is what is there. With the map's repair_lock. */
static void take_over(struct pinfold *pf, sector_t sector, sector_t nr)
{
	u64 data = pf->info.geo.data_offset >> PAGE_SHIFT;
	u64 at = sector >> (PAGE_SHIFT - SECTOR_SHIFT);
	u64 end = DIV_ROUND_UP(sector + nr, PAGE_SECTORS);

	for (at = max(at, data); at < end; at++) {
		u64 page = pinfold_page_at(pf, at - data);
		sector_t from = max_t(sector_t, sector, at * PAGE_SECTORS);
		sector_t to = min_t(sector_t, sector + nr,
				    (at + 1) * PAGE_SECTORS);

		if (page != U64_MAX)
			badblocks_set(&pf->bb, page * PAGE_SECTORS +
				      from % PAGE_SECTORS, to - from, 1);
	}
}

/* Call @fn for each range of sectors before @end that is on a list. */
static void for_each_bad(struct pinfold *pf, struct badblocks *bb, sector_t end,
			 void (*fn)(struct pinfold *pf, sector_t bad,
				    sector_t nr))
{
	sector_t at = 0, bad;
	int nr;

	while (at < end && badblocks_check(bb, at, min_t(sector_t, end - at,
							 SZ_1G), &bad, &nr)) {
		fn(pf, bad, nr);
		at = bad + nr;
	}
}

/* What was repaired was taken off both lists then: here they only grow. */
static void translate_badblocks(struct pinfold *pf)
{
	for_each_bad(pf, &pf->media.bb, pf->media.size >> SECTOR_SHIFT,
		     take_over);
}

static void adopt(struct pinfold *pf, sector_t sector, sector_t nr)
{
	badblocks_set(&pf->media.bb, media_sector(pf, 0) + sector, nr, 1);
}

/**
 * pinfold_adopt_badblocks() - what is known to be bad of pages that never moved
 * @pf: namespace whose table is about to be used for the first time
 *
 * Context: process context; nobody uses the list of the media yet.
 */
void pinfold_adopt_badblocks(struct pinfold *pf)
{
	for_each_bad(pf, &pf->bb, (u64)pf->nr_pages * PAGE_SECTORS, adopt);
}

/**
 * pinfold_bad_sectors() - which sectors of a page cannot be read?
 * @pf: namespace
 * @page: the page
 *
 * Context: any.
 * Return: a bit for each, the lowest for the first.
 */
unsigned int pinfold_bad_sectors(struct pinfold *pf, u64 page)
{
	unsigned int i, bad = 0;

	for (i = 0; i < PAGE_SECTORS; i++)
		if (pinfold_is_bad(pf, PFN_PHYS(page) + i * SECTOR_SIZE,
				   SECTOR_SIZE))
			bad |= BIT(i);
	return bad;
}

/**
 * pinfold_set_bad() - some sectors of a page cannot be read
 * @pf: namespace
 * @page: the page
 * @sectors: a bit for each of them
 *
 * Context: process context.
 * Return: 0, or -ENOSPC: the list is full.
 */
int pinfold_set_bad(struct pinfold *pf, u64 page, unsigned int sectors)
{
	unsigned int i;

	for (i = 0; i < PAGE_SECTORS; i++)
		if (sectors & BIT(i) &&
		    badblocks_set(&pf->bb, page * PAGE_SECTORS + i, 1, 1))
			return -ENOSPC;
	return 0;
}

/*
 * Sectors that are good media, but whose data did not survive an earlier move.
 * Return: 0, or -ENOSPC.
 */
static int find_lost(struct pinfold *pf)
{
	unsigned int lost;
	u32 slot;
	int err = 0;

	for (slot = 0; slot < pf->remap.layout.nr_slots && !err; slot++)
		if (!pinfold_remap_find_lost(&pf->remap, slot, &lost))
			err = pinfold_set_bad(pf, pinfold_remap_owner(pf->remap.entries[slot]),
					      lost);
	if (err)
		dev_err(pf->dev, "not attached: more data are lost than the list of bad blocks can name\n");
	return err;
}

/**
 * pinfold_populate_badblocks() - take over what the platform knows
 * @pf: namespace
 *
 * Context: process context; takes the nvdimm bus lock.
 */
void pinfold_populate_badblocks(struct pinfold *pf)
{
	struct pinfold_map *map = READ_ONCE(pf->map);
	struct range range = {
		.start = pf->phys,
		.end = pf->phys + PFN_PHYS(pf->nr_pages) - 1,
	};

	if (map) {
		range.start = pf->media.phys;
		range.end = pf->media.phys + pf->media.size - 1;
		nvdimm_badblocks_populate(pf->region, &pf->media.bb, &range);
		/* Not move_lock, which is held for long. */
		mutex_lock(&map->repair_lock);
		translate_badblocks(pf);
		mutex_unlock(&map->repair_lock);
	} else {
		nvdimm_badblocks_populate(pf->region, &pf->bb, &range);
	}
	notify_changed(pf);
}

/**
 * pinfold_init_badblocks() - start with what the platform knows
 * @pf: namespace
 *
 * The list belongs to the device and is freed after the driver's remove.
 *
 * Context: probe; may sleep.
 * Return: 0, -ENOMEM, or -ENODEV if the reason was told.
 */
int pinfold_init_badblocks(struct pinfold *pf)
{
	int err = devm_init_badblocks(pf->dev, &pf->bb);

	if (err)
		return err;
	pinfold_populate_badblocks(pf);
	return pf->map && find_lost(pf) ? -ENODEV : 0;
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
 * pinfold_note_bad() - a part of a page of the media cannot be read
 * @pf: namespace
 * @offset: where, in bytes of the media from the start of the data
 * @len: how much, not beyond the end of the page. A whole page may as well be less:
 *	of one that is known to be bad in part, that is taken for the part
 *
 * Context: process context, may sleep.
 * Return: the page of the disk that is there, or U64_MAX.
 */
u64 pinfold_note_bad(struct pinfold *pf, u64 offset, unsigned int len)
{
	struct pinfold_map *map = READ_ONCE(pf->map);
	sector_t sector = offset_in_page(offset) >> SECTOR_SHIFT;
	u64 place = PHYS_PFN(offset), page;
	sector_t nr;

	nr = DIV_ROUND_UP(offset_in_page(offset) + len, SECTOR_SIZE) - sector;
	/* The page must not move between the question and the answer. */
	if (map)
		mutex_lock(&map->repair_lock);
	page = pinfold_page_at(pf, place);
	if (len == PAGE_SIZE &&
	    (map ? pinfold_place_is_bad(pf, place) : page != U64_MAX &&
	     pinfold_is_bad(pf, PFN_PHYS(page), PAGE_SIZE)))
		goto unlock;
	if (map)
		badblocks_set(&pf->media.bb, media_sector(pf, place) + sector,
			      nr, 1);
	if (page != U64_MAX)
		badblocks_set(&pf->bb, page * PAGE_SECTORS + sector, nr, 1);
unlock:
	if (map)
		mutex_unlock(&map->repair_lock);
	notify_changed(pf);
	return page;
}

static int place_failed(struct pinfold *pf, u64 place, int mf_flags)
{
	u64 page = mf_flags & MF_SW_SIMULATED ? pinfold_page_at(pf, place) :
						pinfold_note_bad(pf, pinfold_place_offset(place),
								 PAGE_SIZE);

	if (page == U64_MAX)
		return -EOPNOTSUPP;
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
	for (; place < end; place++)
		err = place_failed(pf, place, mf_flags);
	return err;
}

/* The same in one contiguous part of the media. */
static long clear_place(struct pinfold *pf, u64 offset, unsigned int len)
{
	u64 start, end;
	long cleared;

	/* Lost in an earlier move: nothing is wrong with this place. */
	if (READ_ONCE(pf->map) && !media_is_bad(pf, offset, len))
		return len;
	cleared = nvdimm_clear_poison(pf->dev, pf->phys + offset, len);
	if (cleared <= 0)
		return cleared;
	/* Pages of which only a part was repaired stay poisoned. */
	start = round_up(offset, PAGE_SIZE);
	end = round_down(offset + cleared, PAGE_SIZE);
	if (start < end)
		dax_backing_clear_hwpoison(pf->backing, start, end - start);
	if (READ_ONCE(pf->map))
		badblocks_clear(&pf->media.bb,
				(pf->info.geo.data_offset + offset) >>
				SECTOR_SHIFT, cleared >> SECTOR_SHIFT);
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
