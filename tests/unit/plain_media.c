// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <string.h>

#include <linux/errno.h>
#include <linux/libnvdimm.h>
#include <linux/uaccess.h>
#include <compat/nvdimm.h>

#include "copy_mc.h"
#include "plain_media.h"

struct plain_media plain_media = { .fences_left = UINT_MAX };

void plain_media_reset(void)
{
	plain_media = (struct plain_media){ .fences_left = UINT_MAX };
}

void memcpy_flushcache(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
}

void arch_wb_cache_pmem(void *addr, size_t len)
{
	(void)addr;
	(void)len;
}

int nvdimm_flush(struct nd_region *region, struct bio *bio)
{
	(void)region;
	(void)bio;
	if (!plain_media.fences_left)
		return -EIO;
	plain_media.fences_left--;
	return 0;
}

unsigned long copy_mc_to_kernel(void *dst, const void *src, size_t len)
{
	const u8 *start = src;

	if (plain_media.bad_len &&
	    start < plain_media.bad + plain_media.bad_len &&
	    plain_media.bad < start + len)
		return len;
	memcpy(dst, src, len);
	return 0;
}

unsigned long copy_mc_flushcache(void *dst, const void *src, size_t len)
{
	unsigned long left = copy_mc_to_kernel(dst, src, len);

	if (!left)
		arch_wb_cache_pmem(dst, len);
	return left;
}

/* All of what is bad, if the media can do it at all. */
long nvdimm_clear_poison(struct device *dev, phys_addr_t phys,
			 unsigned int len)
{
	(void)dev;
	(void)phys;
	if (plain_media.no_clear)
		return 0;
	plain_media.bad_len = 0;
	return len;
}
