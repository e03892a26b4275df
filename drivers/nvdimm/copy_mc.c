// SPDX-License-Identifier: GPL-2.0
/*
 * From media to media. The kernel has a copy past the cache, which does not survive a
 * machine check, and one that does, through the cache.
 */
#include <linux/align.h>
#include <linux/kernel.h>
#include <linux/libnvdimm.h>
#include <linux/uaccess.h>

#include <compat/nvdimm.h>

#include "copy_mc.h"
#include "vector_block.h"

/* For so long nobody else gets the processor. */
#define STEP	4096

/* The source, too: see vector_block.h. */
static bool may_stream(const void *dst, const void *src, size_t len)
{
	return vector_block_usable() && irq_fpu_usable() &&
	       IS_ALIGNED((unsigned long)dst | (unsigned long)src,
			  VECTOR_ALIGN) &&
	       IS_ALIGNED(len, VECTOR_BLOCK);
}

/* Return: what is left */
static size_t stream(void *dst, const void *src, size_t len)
{
	const void *end = src + len;

	kernel_fpu_begin();
	for (; src < end; src += VECTOR_BLOCK, dst += VECTOR_BLOCK) {
		if (unlikely(!vector_block_load(src)))
			break;
		vector_block_stream(dst);
	}
	vector_block_end();
	return end - src;
}

/**
 * copy_mc_flushcache() - copy what may be poisoned, durably with the next fence
 * @dst: media
 * @src: media
 * @len: length in bytes
 *
 * Context: any; does not sleep.
 * Return: 0, or how many bytes are left: from one before that on, @src is bad.
 */
unsigned long copy_mc_flushcache(void *dst, const void *src, size_t len)
{
	size_t left, step;

	if (!may_stream(dst, src, len)) {
		left = copy_mc_to_kernel(dst, src, len);
		arch_wb_cache_pmem(dst, len);
		return left;
	}
	for (left = len; left; left -= step) {
		step = min_t(size_t, left, STEP);
		if (stream(dst + len - left, src + len - left, step))
			break;
	}
	return left;
}
