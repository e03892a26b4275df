// SPDX-License-Identifier: GPL-2.0
/*
 * The block device: bios and ioctls. A bio is copied in the context that
 * submits it, through the driver's own mapping, and never makes a struct page.
 *
 * Discard is not offered. Nothing on the media could be given back by it, and
 * what it would otherwise mean is covered: zeroing is REQ_OP_WRITE_ZEROES, and
 * struct pages go with PINFOLD_IOC_TRIM. Announcing it would only make mkfs and
 * fstrim spend time on terabytes for nothing.
 */
#include <linux/bio.h>
#include <linux/capability.h>
#include <linux/dax_backing.h>
#include <linux/highmem.h>
#include <linux/libnvdimm.h>
#include <linux/module.h>
#include <linux/pinfold.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include <compat/block.h>
#include <compat/nvdimm.h>

#include "pinfold.h"

/* Larger requests to zero are split, so that they can be interrupted. */
#define MAX_ZERO_SECTORS	(SZ_32M >> SECTOR_SHIFT)

/*
 * A piece of a bio on its way to or from the media.
 *
 * @mem is the driver's address of what @page_off of @page is, mapped; @nowait says
 * what to do if the page it is for is moving right now.
 */
struct piece {
	void *mem;
	u64 offset;
	unsigned int len;
	bool write;
	bool nowait;
};

/*
 * Where @p is, and how much of it is in one place; in a read-side section.
 * Return: the address, or an ERR_PTR(): -EAGAIN if it is just moving, -EIO.
 */
static void *piece_address(struct pinfold *pf, const struct piece *p,
			   unsigned int *len)
{
	unsigned int in_page = offset_in_page(p->offset);
	u64 place;
	long nr;

	*len = p->len;
	if (likely(!READ_ONCE(pf->map)))
		return pf->data + p->offset;
	*len = min_t(unsigned int, p->len, PAGE_SIZE - in_page);
	nr = pinfold_map_resolve(pf, PHYS_PFN(p->offset), 1,
				 p->write ? PINFOLD_WRITE : PINFOLD_READ,
				 &place);
	if (nr < 0)
		return ERR_PTR(nr);
	/* A move may have found out, after the caller looked. */
	if (unlikely(pinfold_is_bad(pf, round_down(p->offset, SECTOR_SIZE),
				    SECTOR_SIZE * DIV_ROUND_UP(*len + p->offset % SECTOR_SIZE,
							       SECTOR_SIZE))))
		return ERR_PTR(-EIO);
	return pf->data + pinfold_place_offset(place) + in_page;
}

/*
 * Preemption is off from finding the place to the end of the copy, which is a page
 * at most: so a mover can wait for copies that began before by waiting for RCU,
 * and a copy pays nothing for it.
 */
static blk_status_t copy_piece(struct pinfold *pf, struct piece *p)
{
	unsigned long left = 0;
	unsigned int len;
	void *addr;

	preempt_disable();
	addr = piece_address(pf, p, &len);
	if (!IS_ERR(addr)) {
		if (p->write)
			memcpy_flushcache(addr, p->mem, len);
		else
			left = copy_mc_to_kernel(p->mem, addr, len);
	}
	preempt_enable();

	if (unlikely(addr == ERR_PTR(-EAGAIN))) {
		if (p->nowait)
			return BLK_STS_AGAIN;
		return pinfold_map_wait(pf->map) ? BLK_STS_OK : BLK_STS_IOERR;
	}
	if (IS_ERR(addr) || left)
		return BLK_STS_IOERR;
	p->mem += len;
	p->offset += len;
	p->len -= len;
	return BLK_STS_OK;
}

static blk_status_t copy_pieces(struct pinfold *pf, struct piece *p)
{
	blk_status_t status;

	do {
		status = copy_piece(pf, p);
	} while (unlikely(p->len) && !status);
	return status;
}

static blk_status_t write_bytes(struct pinfold *pf, struct page *page,
				unsigned int page_off, u64 offset,
				unsigned int len, bool nowait)
{
	struct piece p = { .offset = offset, .len = len, .write = true,
			   .nowait = nowait };
	blk_status_t status;
	void *mem;

	if (unlikely(pinfold_is_bad(pf, offset, len))) {
		status = pinfold_repair(pf, offset, len);
		if (status)
			return status;
	}
	flush_dcache_page(page);
	mem = kmap_local_page(page);
	p.mem = mem + page_off;
	status = copy_pieces(pf, &p);
	kunmap_local(mem);
	return status;
}

static blk_status_t read_bytes(struct pinfold *pf, struct page *page,
			       unsigned int page_off, u64 offset,
			       unsigned int len, bool nowait)
{
	struct piece p = { .offset = offset, .len = len, .nowait = nowait };
	blk_status_t status;
	void *mem;

	if (unlikely(pinfold_is_bad(pf, offset, len)))
		return BLK_STS_IOERR;
	mem = kmap_local_page(page);
	p.mem = mem + page_off;
	status = copy_pieces(pf, &p);
	kunmap_local(mem);
	flush_dcache_page(page);
	return status;
}

/**
 * pinfold_zero() - write zeroes, repairing bad blocks on the way
 * @pf: namespace
 * @offset: start in bytes, a multiple of the sector size
 * @len: length in bytes, likewise
 *
 * Like any write it is durable after the next flush.
 *
 * Context: process context, may sleep.
 * Return: BLK_STS_OK, or BLK_STS_IOERR if a bad block could not be repaired.
 */
blk_status_t pinfold_zero(struct pinfold *pf, u64 offset, u64 len)
{
	blk_status_t status = BLK_STS_OK;

	while (len && !status) {
		unsigned int part = min_t(u64, len,
					  PAGE_SIZE - offset_in_page(offset));

		status = write_bytes(pf, ZERO_PAGE(0), 0, offset, part, false);
		offset += part;
		len -= part;
		if (!(offset & (SZ_2M - 1)))
			cond_resched();
	}
	return status;
}

/**
 * pinfold_read() - read the media for the backing
 * @private: the namespace
 * @offset: start in bytes
 * @buf: where to
 * @len: length in bytes, a few
 *
 * Context: process context, while the driver is bound.
 * Return: 0, -EINVAL for a range outside of the data, or -EIO.
 */
int pinfold_read(void *private, u64 offset, void *buf, size_t len)
{
	struct pinfold *pf = private;
	struct piece p = { .mem = buf, .offset = offset, .len = len };
	u64 size = PFN_PHYS(pf->nr_pages);
	u64 start = round_down(offset, SECTOR_SIZE);

	if (offset > size || len > size - offset)
		return -EINVAL;
	if (pinfold_is_bad(pf, start, round_up(offset + len, SECTOR_SIZE) -
			   start))
		return -EIO;
	return copy_pieces(pf, &p) ? -EIO : 0;
}

static blk_status_t move_segment(struct pinfold *pf, blk_opf_t opf,
				 struct page *page, unsigned int page_off,
				 unsigned int len, sector_t sector)
{
	u64 offset = (u64)sector << SECTOR_SHIFT;
	bool nowait = opf & REQ_NOWAIT;

	if (op_is_write(opf))
		return write_bytes(pf, page, page_off, offset, len, nowait);
	return read_bytes(pf, page, page_off, offset, len, nowait);
}

static blk_status_t move_segments(struct pinfold *pf, struct bio *bio)
{
	blk_status_t status;
	struct bvec_iter iter;
	struct bio_vec bv;

	bio_for_each_segment(bv, bio, iter) {
		status = move_segment(pf, bio->bi_opf, bv.bv_page, bv.bv_offset,
				      bv.bv_len, iter.bi_sector);
		if (status)
			return status;
	}
	return BLK_STS_OK;
}

/*
 * 6.1 lets BLKPG add a partition that reaches past the end of the disk, and looks
 * at a bio's sectors only against its partition.
 */
static bool on_disk(struct pinfold *pf, sector_t sector, unsigned int bytes)
{
	sector_t end = (sector_t)pf->nr_pages << (PAGE_SHIFT - SECTOR_SHIFT);

	return sector <= end && bytes >> SECTOR_SHIFT <= end - sector;
}

static blk_status_t transfer(struct pinfold *pf, struct bio *bio)
{
	if (unlikely(bio_sectors(bio) &&
		     !on_disk(pf, bio->bi_iter.bi_sector,
			      bio->bi_iter.bi_size)))
		return BLK_STS_IOERR;
	/* The block layer only warns about writes to a read-only disk. */
	if (unlikely(pf->read_only && op_is_write(bio_op(bio)) &&
		     bio_sectors(bio)))
		return BLK_STS_IOERR;

	switch (bio_op(bio)) {
	case REQ_OP_READ:
	case REQ_OP_WRITE:
		return move_segments(pf, bio);
	case REQ_OP_WRITE_ZEROES:
		return pinfold_zero(pf,
				    (u64)bio->bi_iter.bi_sector << SECTOR_SHIFT,
				    bio->bi_iter.bi_size);
	default:
		return BLK_STS_NOTSUPP;
	}
}

/*
 * A preflush is waited for at once, since the data behind it must not be there
 * before it is done. Where flushing is asynchronous (virtio-pmem), a FUA bio is
 * completed by libnvdimm: 6.1 submits a child bio, chained to ours, which comes
 * back here as a preflush without data, and later kernels complete it from
 * their own work item.
 */
static void pinfold_submit_bio(struct bio *bio)
{
	struct gendisk *disk = bio->bi_bdev->bd_disk;
	struct pinfold *pf = disk->private_data;
	unsigned long start = 0;
	blk_status_t status;
	bool account;
	int err = 0;

	if (bio->bi_opf & REQ_PREFLUSH) {
		err = nvdimm_flush(pf->region, NULL);
		if (err)
			goto out;
	}

	account = blk_queue_io_stat(disk->queue);
	if (account)
		start = bio_start_io_acct(bio);
	status = transfer(pf, bio);
	if (unlikely(status))
		bio->bi_status = status;
	if (account)
		bio_end_io_acct(bio, start);

	if ((bio->bi_opf & REQ_FUA) && !bio->bi_status) {
		err = nvdimm_flush(pf->region, bio);
		if (err == NVDIMM_FLUSH_ASYNC)
			return;
	}
out:
	if (unlikely(err))
		bio->bi_status = errno_to_blk_status(err);
	bio_endio(bio);
}

static blk_status_t __maybe_unused
rw_page_segment(struct gendisk *disk, enum req_op op, struct page *page,
		unsigned int page_off, unsigned int len, sector_t sector)
{
	struct pinfold *pf = disk->private_data;

	if (unlikely(!on_disk(pf, sector, len) ||
		     (pf->read_only && op_is_write(op))))
		return BLK_STS_IOERR;
	return move_segment(pf, op, page, page_off, len, sector);
}

COMPAT_DEFINE_RW_PAGE(pinfold_rw_page, rw_page_segment)

static int ioctl_prefault(struct pinfold *pf, struct block_device *bdev,
			  struct pinfold_range __user *arg)
{
	u64 size = bdev_nr_bytes(bdev);
	struct pinfold_range range;
	u64 start;
	int err;

	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	if (range.flags || range.offset >= size ||
	    range.length > size - range.offset)
		return -EINVAL;
	if (!range.length)
		range.length = size - range.offset;

	start = (u64)get_start_sect(bdev) << SECTOR_SHIFT;
	err = dax_backing_prefault(pf->backing, start + range.offset,
				   range.length, &range.populated);
	/* How far it came is of interest after an error, too. */
	if (copy_to_user(arg, &range, sizeof(range)))
		return -EFAULT;
	return err;
}

/* Struct pages are the device's, not the partition's: no range. */
static int ioctl_trim(struct pinfold *pf, struct pinfold_trim __user *arg)
{
	struct pinfold_trim trim;
	int err;

	if (copy_from_user(&trim, arg, sizeof(trim)))
		return -EFAULT;
	if (trim.flags & ~PINFOLD_TRIM_MAPPED)
		return -EINVAL;

	trim.trimmed = 0;
	trim.busy = 0;
	err = dax_backing_trim(pf->backing, trim.target,
			       trim.flags & PINFOLD_TRIM_MAPPED, &trim.trimmed,
			       &trim.busy);
	if (copy_to_user(arg, &trim, sizeof(trim)))
		return -EFAULT;
	return err;
}

/* Is the request one that can be understood, for this device? */
static bool move_valid(struct block_device *bdev,
		       const struct pinfold_move *move)
{
	u64 size = bdev_nr_bytes(bdev);

	if (move->flags || move->lost_sectors)
		return false;
	switch (move->op) {
	case PINFOLD_MOVE_RELOCATE:
	case PINFOLD_MOVE_RESTORE:
		return move->offset <= size &&
			move->length <= size - move->offset;
	case PINFOLD_MOVE_EVACUATE:
	case PINFOLD_MOVE_RETIRE:
		return !bdev_is_partition(bdev);
	default:
		return false;
	}
}

static int ioctl_move(struct pinfold *pf, struct block_device *bdev,
		      struct pinfold_move __user *arg)
{
	u64 start = (u64)get_start_sect(bdev) << SECTOR_SHIFT;
	struct pinfold_move move;
	int err;

	if (copy_from_user(&move, arg, sizeof(move)))
		return -EFAULT;
	if (!move_valid(bdev, &move))
		return -EINVAL;
	move.moved = 0;
	move.failed = 0;
	move.fail_offset = 0;
	move.fail_error = 0;
	move.lost = 0;
	move.lost_offset = 0;
	memset(move.blocker, 0, sizeof(move.blocker));
	move.offset += start;
	err = pinfold_move_pages(pf, &move);
	move.offset -= start;
	if (move.failed)
		move.fail_offset -= start;
	if (move.lost)
		move.lost_offset -= start;
	/* How far it came is of interest after an error, too. */
	if (copy_to_user(arg, &move, sizeof(move)))
		return -EFAULT;
	return err;
}

/*
 * Whoever has the disk open may come here after the driver was unbound. The
 * backing is still there (->free_disk() ends it), and knows that it is dead.
 */
static int pinfold_ioctl(struct block_device *bdev, compat_blk_mode_t mode,
			 unsigned int cmd, unsigned long arg)
{
	struct gendisk *disk = bdev->bd_disk;
	struct pinfold *pf = disk->private_data;
	void __user *argp = (void __user *)arg;

	if (cmd != PINFOLD_IOC_PREFAULT && cmd != PINFOLD_IOC_TRIM &&
	    cmd != PINFOLD_IOC_MOVE)
		return -ENOTTY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (test_bit(GD_DEAD, &disk->state))
		return -ENODEV;
	switch (cmd) {
	case PINFOLD_IOC_PREFAULT:
		return ioctl_prefault(pf, bdev, argp);
	case PINFOLD_IOC_TRIM:
		return ioctl_trim(pf, argp);
	default:
		return ioctl_move(pf, bdev, argp);
	}
}

/* The last opener is gone. Not called for a disk that was never added. */
static void pinfold_free_disk(struct gendisk *disk)
{
	struct pinfold *pf = disk->private_data;
	struct dax_backing *backing = pf->backing;

	kfree(pf);
	/* Last: it may drop the last reference to this module. */
	dax_backing_destroy(backing);
}

static const struct block_device_operations pinfold_fops = {
	.owner = THIS_MODULE,
	.submit_bio = pinfold_submit_bio,
	.ioctl = pinfold_ioctl,
	.compat_ioctl = blkdev_compat_ptr_ioctl,
	.free_disk = pinfold_free_disk,
	COMPAT_RW_PAGE(pinfold_rw_page)
};

/* FUA is offered only where flushing is known to reach the media. */
static bool can_fua(struct pinfold *pf)
{
	int flush = nvdimm_has_flush(pf->region);

	if (IS_ENABLED(CONFIG_ARCH_HAS_UACCESS_FLUSHCACHE) && flush >= 0)
		return flush;
	dev_warn(pf->dev, "unable to guarantee persistence of writes\n");
	return false;
}

/**
 * pinfold_alloc_disk() - make the block device, not added yet
 * @pf: namespace
 * @ndns: its device, which knows the name that nd_pmem would use
 * @nid: NUMA node
 *
 * Context: probe; may sleep.
 * Return: the disk, or an ERR_PTR().
 */
struct gendisk *pinfold_alloc_disk(struct pinfold *pf,
				   struct nd_namespace_common *ndns, int nid)
{
	const struct compat_limits limits = {
		.logical_block_size = pmem_sector_size(ndns),
		.physical_block_size = PAGE_SIZE,
		.max_hw_sectors = UINT_MAX,
		.max_write_zeroes_sectors = MAX_ZERO_SECTORS,
		.fua = can_fua(pf),
	};
	struct gendisk *disk = compat_alloc_disk(&limits, nid);

	if (IS_ERR(disk))
		return disk;
	disk->fops = &pinfold_fops;
	disk->private_data = pf;
	disk->bb = &pf->bb;
	nvdimm_namespace_disk_name(ndns, disk->disk_name);
	set_capacity(disk, pf->nr_pages << (PAGE_SHIFT - SECTOR_SHIFT));
	if (pf->read_only)
		set_disk_ro(disk, true);
	return disk;
}
