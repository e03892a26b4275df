// SPDX-License-Identifier: GPL-2.0
/*
 * Access to the media: reads that survive a machine check, stores past the
 * CPU's cache, and the fence that makes them durable.
 */
#include <linux/align.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/libnvdimm.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <asm/byteorder.h>

#include <compat/nvdimm.h>

#include "copy_mc.h"
#include "media_io.h"

static bool inside(const struct pinfold_media *media, u64 offset, size_t len)
{
	return offset <= media->size && len <= media->size - offset;
}

static bool known_bad(struct pinfold_media *media, u64 offset, size_t len)
{
	u64 start = offset / PINFOLD_MEDIA_BLOCK;
	u64 end = (offset + len + PINFOLD_MEDIA_BLOCK - 1) /
		  PINFOLD_MEDIA_BLOCK;
	sector_t first_bad;
	int num_bad;

	return media->bb.count &&
	       badblocks_check(&media->bb, start, end - start, &first_bad,
			       &num_bad);
}

/**
 * pinfold_media_read() - read the media
 * @media: namespace
 * @offset: start
 * @buf: where to
 * @len: length in bytes
 *
 * Context: any; does not sleep.
 * Return: 0, -EINVAL for a range outside of it, or -EIO if a part is bad.
 */
int pinfold_media_read(struct pinfold_media *media, u64 offset, void *buf,
		       size_t len)
{
	if (!inside(media, offset, len))
		return -EINVAL;
	if (known_bad(media, offset, len) ||
	    copy_mc_to_kernel(buf, media->base + offset, len))
		return -EIO;
	return 0;
}

/**
 * pinfold_media_store() - store one little-endian word, atomically
 * @media: namespace
 * @offset: a multiple of 8 inside of it
 * @word: value
 *
 * With a constant length of 8, memcpy_flushcache() is one non-temporal store on
 * x86, which is all or nothing and needs no flush before the fence.
 *
 * Context: any; does not sleep.
 */
void pinfold_media_store(struct pinfold_media *media, u64 offset, u64 word)
{
	const __le64 value = cpu_to_le64(word);

	memcpy_flushcache(media->base + offset, &value, sizeof(value));
}

/**
 * pinfold_media_write() - write bytes, in no order
 * @media: namespace
 * @offset: a multiple of 8 inside of it
 * @buf: where from
 * @len: length in bytes, a multiple of 8
 *
 * Context: any; does not sleep.
 */
void pinfold_media_write(struct pinfold_media *media, u64 offset,
			 const void *buf, size_t len)
{
	memcpy_flushcache(media->base + offset, buf, len);
}

/**
 * pinfold_media_mend() - have bad blocks cleared, and write them anew
 * @media: namespace
 * @offset: a multiple of PINFOLD_MEDIA_BLOCK inside of it
 * @buf: where from
 * @len: length in bytes, likewise
 *
 * Works on good blocks, too.
 *
 * Context: process context, may sleep.
 * Return: 0, or -EIO if not all of it could be cleared.
 */
int pinfold_media_mend(struct pinfold_media *media, u64 offset,
		       const void *buf, size_t len)
{
	long cleared = nvdimm_clear_poison(media->dev, media->phys + offset,
					   len);

	/* -ENXIO or the like: this bus cannot clear, and writing may help. */
	if (cleared >= 0 && cleared < (long)len)
		return -EIO;
	if (known_bad(media, offset, len)) {
		if (cleared < 0)
			return -EIO;
		badblocks_clear(&media->bb, offset / PINFOLD_MEDIA_BLOCK,
				len / PINFOLD_MEDIA_BLOCK);
	}
	/* All of it past the cache: nothing stale can be left there. */
	memcpy_flushcache(media->base + offset, buf, len);
	return 0;
}

/**
 * pinfold_media_copy() - copy from one place on the media to another
 * @media: namespace
 * @to: destination, a multiple of 8
 * @from: source, likewise; they do not overlap
 * @len: length in bytes, likewise
 *
 * Context: any; does not sleep.
 * Return: 0, -EINVAL for a range outside of it, or -EIO if a part of the source
 * is bad; the destination is then written in part.
 */
int pinfold_media_copy(struct pinfold_media *media, u64 to, u64 from,
		       size_t len)
{
	if (!inside(media, to, len) || !inside(media, from, len))
		return -EINVAL;
	if (known_bad(media, from, len) ||
	    copy_mc_flushcache(media->base + to, media->base + from, len))
		return -EIO;
	return 0;
}

/**
 * pinfold_media_fence() - make everything stored so far durable
 * @media: namespace
 *
 * Context: process context; where flushing is asynchronous (virtio-pmem) it
 * sleeps until the host has done it.
 * Return: 0, or -EIO: what became durable is unknown.
 */
int pinfold_media_fence(struct pinfold_media *media)
{
	return nvdimm_flush(media->region, NULL) ? -EIO : 0;
}
