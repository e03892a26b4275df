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

	nvdimm_badblocks_populate(pf->region, &pf->bb, &range);
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
 * pinfold_memory_failure() - pages with struct pages failed
 * @private: the namespace
 * @offset: start in bytes
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
	struct pinfold *pf = private;

	if (!(mf_flags & MF_SW_SIMULATED)) {
		badblocks_set(&pf->bb, offset >> SECTOR_SHIFT,
			      len >> SECTOR_SHIFT, 1);
		notify_changed(pf);
	}
	return dax_holder_notify_failure(pf->dax_dev, offset, len, mf_flags);
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
 * Context: process context, may sleep.
 * Return: bytes repaired from @offset on, or -errno.
 */
long pinfold_clear_poison(struct pinfold *pf, u64 offset, unsigned int len)
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
	long cleared = pinfold_clear_poison(pf, offset, len);

	if (cleared < 0)
		return BLK_STS_IOERR;
	pinfold_forget_badblocks(pf, offset, cleared);
	return cleared < len ? BLK_STS_IOERR : BLK_STS_OK;
}
