/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which super block is on a block device. Since 6.5 its holder is, in earlier kernels
 * the device has a pointer to it once it is mounted.
 */
#ifndef _PINFOLD_COMPAT_SUPER_H
#define _PINFOLD_COMPAT_SUPER_H

#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/fs.h>

/**
 * compat_bdev_super() - the super block that has claimed a block device
 * @bdev: it
 *
 * Context: an RCU section, in which the memory behind it stays; take s_umount and look
 * whether it is still alive.
 * Return: the super block, which may be new or dying; NULL if it is somebody else's;
 * ERR_PTR(-EAGAIN) if that is just changing.
 */
static inline struct super_block *compat_bdev_super(struct block_device *bdev)
{
#if PINFOLD_HAVE_BDEV_HOLDER_OPS
	struct super_block *sb = NULL;

	/* Under the lock, the holder and what kind that is belong together. */
	if (!mutex_trylock(&bdev->bd_holder_lock))
		return ERR_PTR(-EAGAIN);
	if (bdev->bd_holder_ops == &fs_holder_ops)
		sb = bdev->bd_holder;
	mutex_unlock(&bdev->bd_holder_lock);
	return sb;
#else
	return READ_ONCE(bdev->bd_super);
#endif
}

#endif /* _PINFOLD_COMPAT_SUPER_H */
