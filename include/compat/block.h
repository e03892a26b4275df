/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Block layer: queue limits set one by one or (since 6.9 and 6.11) handed over
 * at once, ->rw_page (until 6.2), and the type of a file's mode (since 6.5).
 */
#ifndef _PINFOLD_COMPAT_BLOCK_H
#define _PINFOLD_COMPAT_BLOCK_H

#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/pagemap.h>

#if PINFOLD_HAVE_BLK_MODE
typedef blk_mode_t compat_blk_mode_t;
#else
typedef fmode_t compat_blk_mode_t;
#endif

/**
 * struct compat_limits - what a memory-like, bio-based disk tells its queue
 * @logical_block_size: in bytes
 * @physical_block_size: in bytes
 * @max_hw_sectors: largest bio
 * @max_write_zeroes_sectors: largest REQ_OP_WRITE_ZEROES, 0 for none
 * @fua: REQ_FUA is understood; a volatile cache is always announced
 */
struct compat_limits {
	unsigned int logical_block_size;
	unsigned int physical_block_size;
	unsigned int max_hw_sectors;
	unsigned int max_write_zeroes_sectors;
	bool fua;
};

#if PINFOLD_HAVE_ALLOC_DISK_LIMITS
static inline struct gendisk *
__compat_alloc_disk(const struct compat_limits *limits, int nid)
{
	struct queue_limits lim = {
		.logical_block_size = limits->logical_block_size,
		.physical_block_size = limits->physical_block_size,
		.max_hw_sectors = limits->max_hw_sectors,
		.max_write_zeroes_sectors = limits->max_write_zeroes_sectors,
#if PINFOLD_HAVE_BLK_FEATURES
		.features = BLK_FEAT_WRITE_CACHE | BLK_FEAT_SYNCHRONOUS |
			    BLK_FEAT_DAX | (limits->fua ? BLK_FEAT_FUA : 0),
#endif
	};

	return blk_alloc_disk(&lim, nid);
}
#else
static inline struct gendisk *
__compat_alloc_disk(const struct compat_limits *limits, int nid)
{
	struct gendisk *disk = blk_alloc_disk(nid);
	struct request_queue *q;

	if (!disk)
		return ERR_PTR(-ENOMEM);
	q = disk->queue;
	blk_queue_logical_block_size(q, limits->logical_block_size);
	blk_queue_physical_block_size(q, limits->physical_block_size);
	blk_queue_max_hw_sectors(q, limits->max_hw_sectors);
	blk_queue_max_write_zeroes_sectors(q,
					   limits->max_write_zeroes_sectors);
	return disk;
}
#endif

/**
 * compat_alloc_disk() - allocate a DAX-capable, non-rotational disk
 * @limits: its limits
 * @nid: NUMA node
 *
 * Context: process context, may sleep.
 * Return: the disk, or an ERR_PTR().
 */
static inline struct gendisk *
compat_alloc_disk(const struct compat_limits *limits, int nid)
{
	struct gendisk *disk = __compat_alloc_disk(limits, nid);

#if !PINFOLD_HAVE_BLK_FEATURES
	if (!IS_ERR(disk)) {
		struct request_queue *q = disk->queue;

		blk_queue_write_cache(q, true, limits->fua);
		blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
		blk_queue_flag_set(QUEUE_FLAG_DAX, q);
#ifdef QUEUE_FLAG_SYNCHRONOUS
		blk_queue_flag_set(QUEUE_FLAG_SYNCHRONOUS, q);
#endif
	}
#endif
	return disk;
}

/*
 * ->rw_page, where it exists, from a function that moves one segment:
 * blk_status_t fn(disk, op, page, offset, length, sector).
 *
 * The core retries with a bio on any error, so that only a success may
 * complete the page: everything else would complete it twice.
 */
#if PINFOLD_HAVE_RW_PAGE
#define COMPAT_DEFINE_RW_PAGE(name, fn)					\
static int name(struct block_device *bdev, sector_t sector,		\
		struct page *page, enum req_op op)			\
{									\
	unsigned int left = thp_size(page);				\
	struct page *p = page;						\
	blk_status_t status = BLK_STS_OK;				\
									\
	for (; left && !status; left -= PAGE_SIZE, p++) {		\
		status = fn(bdev->bd_disk, op, p, 0, PAGE_SIZE, sector);	\
		sector += PAGE_SIZE >> SECTOR_SHIFT;			\
	}								\
	if (!status)							\
		page_endio(page, op_is_write(op), 0);			\
	return blk_status_to_errno(status);				\
}
#define COMPAT_RW_PAGE(name)	.rw_page = name,
#else
#define COMPAT_DEFINE_RW_PAGE(name, fn)
#define COMPAT_RW_PAGE(name)
#endif

#endif /* _PINFOLD_COMPAT_BLOCK_H */
