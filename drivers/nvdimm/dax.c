// SPDX-License-Identifier: GPL-2.0
/*
 * The DAX device. A kernel address is the driver's own mapping and needs no
 * struct page; a pfn is about to be mapped for users, and gets one first.
 *
 * dax_get_private() turns NULL as soon as the device is being killed, which may
 * happen between the core's own check and ours.
 */
#include <linux/dax_backing.h>
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/uio.h>

#include <compat/dax.h>
#include <compat/nvdimm.h>

#include "pinfold.h"

/*
 * How many pages from @pgoff on may be handed out, with bad blocks around.
 * None of the range may be bad, but for a recovery write: that one is led to
 * the first bad block in strides that firmware clears reliably.
 */
static long good_pages(struct pinfold *pf, pgoff_t pgoff, long nr_pages,
		       enum dax_access_mode mode)
{
	sector_t sector = PFN_PHYS(pgoff) >> SECTOR_SHIFT;
	sector_t first_bad;
	int num, num_bad;

	nr_pages = min_t(long, nr_pages, PHYS_PFN(SZ_1G));
	num = PFN_PHYS(nr_pages) >> SECTOR_SHIFT;
	if (!badblocks_check(&pf->bb, sector, num, &first_bad, &num_bad))
		return nr_pages;
	if (mode != DAX_RECOVERY_WRITE)
		return COMPAT_DAX_POISON;
	if (first_bad <= sector)
		return 1;
	return PFN_UP((first_bad - sector) << SECTOR_SHIFT);
}

/*
 * Where @nr_pages pages from @pgoff on are, as many of them as are in one piece,
 * and no sooner than a move of them is over.
 *
 * dax_iomap_direct_access() does not look at the length if it wants nothing but an
 * address, and XFS with reflink then runs over the end of what is in one piece into
 * pages of somebody else. An error is better than that.
 */
static long find_pages(struct pinfold *pf, pgoff_t pgoff, long nr_pages,
		       bool address_only, u64 *place)
{
	long run;

	while (1) {
		run = pinfold_map_resolve(pf, pgoff, nr_pages, PINFOLD_DAX,
					  place);
		if (run > 0)
			break;
		if (run != -EAGAIN || !pinfold_map_wait(pf->map))
			return -EIO;
	}
	if (unlikely(address_only && run < nr_pages) &&
	    dax_backing_shared_owners(pf->backing))
		return -EIO;
	return run;
}

static long pinfold_direct_access(struct dax_device *dax_dev, pgoff_t pgoff,
				  long nr_pages, enum dax_access_mode mode,
				  void **kaddr, pfn_t *pfn)
{
	struct pinfold *pf = dax_get_private(dax_dev);
	u64 place = pgoff;
	long avail, paged;

	if (unlikely(!pf || pgoff >= pf->nr_pages))
		return -ENXIO;
	avail = pf->nr_pages - pgoff;
	nr_pages = min(avail, nr_pages);
	if (unlikely(READ_ONCE(pf->map))) {
		avail = find_pages(pf, pgoff, nr_pages, !pfn, &place);
		if (avail < 0)
			return avail;
		nr_pages = min(avail, nr_pages);
	}
	/* After that: a move finds out what is bad. */
	if (unlikely(pf->bb.count)) {
		avail = good_pages(pf, pgoff, nr_pages, mode);
		if (avail < 0)
			return avail;
		nr_pages = min(avail, nr_pages);
	}
	if (kaddr)
		*kaddr = pf->data + pinfold_place_offset(place);
	if (!pfn)
		return avail;
	paged = dax_backing_get_pfn(pf->backing, pinfold_place_offset(place),
				    nr_pages, pfn);
	return min(avail, paged);
}

static int pinfold_zero_page_range(struct dax_device *dax_dev, pgoff_t pgoff,
				   size_t nr_pages)
{
	struct pinfold *pf = dax_get_private(dax_dev);

	if (!pf || pgoff >= pf->nr_pages || nr_pages > pf->nr_pages - pgoff)
		return -ENXIO;
	return blk_status_to_errno(pinfold_zero(pf, PFN_PHYS(pgoff),
						PFN_PHYS(nr_pages)));
}

/*
 * A write to a range in which ->direct_access() reported poison: clear it, lift
 * the page's HWPoison flag, write, and only then take the range off the list of
 * bad blocks, which keeps readers out until the data is new. The file system
 * serialises recovery writes with its inode lock.
 */
static size_t pinfold_recovery_write(struct dax_device *dax_dev, pgoff_t pgoff,
				     void *addr, size_t bytes,
				     struct iov_iter *i)
{
	struct pinfold *pf = dax_get_private(dax_dev);
	size_t off = offset_in_page(addr), len, done;
	u64 offset = PFN_PHYS(pgoff);
	long cleared;

	if (!pf)
		return 0;
	len = PFN_PHYS(PFN_UP(off + bytes));
	if (!pinfold_is_bad(pf, offset, len))
		return _copy_from_iter_flushcache(addr, bytes, i);

	/* The rest of a page that is written in part would be lost. */
	if (off || !PAGE_ALIGNED(bytes)) {
		dev_dbg(pf->dev, "bad blocks at %#llx, write of %zu bytes cannot clear them: no whole pages\n",
			offset, bytes);
		return 0;
	}
	cleared = pinfold_clear_poison(pf, offset, len);
	if (cleared < (long)len) {
		dev_dbg(pf->dev, "bad blocks at %#llx: cleared %ld of %zu bytes\n",
			offset, cleared, len);
		return 0;
	}
	done = _copy_from_iter_flushcache(addr, bytes, i);
	/* Short if the source faulted: the rest of it has no new data. */
	pinfold_forget_badblocks(pf, offset, round_down(done, SECTOR_SIZE));
	return done;
}

static const struct dax_operations pinfold_dax_ops = {
	.direct_access = pinfold_direct_access,
	.zero_page_range = pinfold_zero_page_range,
	.recovery_write = pinfold_recovery_write,
};

/* Recycled DAX devices that are set aside before attach gives up. */
#define MAX_STALE	8

/*
 * The DAX core recycles its objects with their flags, so that a new device may
 * already claim to be synchronous (seen with nd_pmem, too). Where flushing is
 * asynchronous that would let MAP_SYNC promise what it cannot keep: set such
 * objects aside until a clean one comes.
 */
static struct dax_device *alloc_clean_dax(struct pinfold *pf)
{
	struct dax_device *stale[MAX_STALE], *dax_dev;
	int nr = 0;

	while (1) {
		dax_dev = alloc_dax(pf, &pinfold_dax_ops);
		if (IS_ERR(dax_dev) || is_nvdimm_sync(pf->region) ||
		    !dax_synchronous(dax_dev))
			break;
		if (nr == MAX_STALE) {
			kill_dax(dax_dev);
			put_dax(dax_dev);
			dax_dev = ERR_PTR(-EAGAIN);
			dev_err(pf->dev, "not attached: the kernel has no DAX device without the synchronous flag; try again\n");
			break;
		}
		stale[nr++] = dax_dev;
	}
	while (nr--) {
		kill_dax(stale[nr]);
		put_dax(stale[nr]);
	}
	return dax_dev;
}

/**
 * pinfold_add_dax() - make the DAX device and tie it to the disk
 * @pf: namespace with its disk, not added yet
 *
 * Context: probe; may sleep.
 * Return: 0 or -errno.
 */
int pinfold_add_dax(struct pinfold *pf)
{
	struct dax_device *dax_dev = alloc_clean_dax(pf);
	int err;

	if (IS_ERR(dax_dev))
		return PTR_ERR(dax_dev);
	set_dax_nocache(dax_dev);
	set_dax_nomc(dax_dev);
	if (is_nvdimm_sync(pf->region))
		set_dax_synchronous(dax_dev);
	err = dax_add_host(dax_dev, pf->disk);
	if (err) {
		kill_dax(dax_dev);
		put_dax(dax_dev);
		return err;
	}
	dax_write_cache(dax_dev, nvdimm_has_cache(pf->region));
	pf->dax_dev = dax_dev;
	return 0;
}

/**
 * pinfold_remove_dax() - kill the DAX device
 * @pf: namespace
 *
 * On return no DAX operation runs any more and no kernel address obtained from
 * one is in use; a file system that holds on to the device gets -ENXIO.
 *
 * Context: process context; waits for the DAX SRCU.
 */
void pinfold_remove_dax(struct pinfold *pf)
{
	dax_remove_host(pf->disk);
	kill_dax(pf->dax_dev);
}
