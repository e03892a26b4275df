// SPDX-License-Identifier: GPL-2.0
/* The CPU engine of <linux/pfn_io.h>. */
#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pfn_io.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/vmalloc.h>

#include "vector.h"

/* Not for what is small: saving the registers has its price, too. */
static bool by_vector(size_t len)
{
	return !(len % RAID_VECTOR_BLOCK) && raid_vector_usable();
}

static bool load(void *dst, const void *src, size_t len)
{
	return by_vector(len) ? raid_vector_load(dst, src, len) :
				!copy_mc_to_kernel(dst, src, len);
}

/* False if the source is poisoned. */
static bool store(void *dst, const void *src, size_t len)
{
	if (by_vector(len) && IS_ALIGNED((uintptr_t)dst, RAID_VECTOR_BLOCK))
		return raid_vector_store(dst, src, len);
	memcpy_flushcache(dst, src, len);
	return true;
}

/**
 * pfn_io_init() - describe a block device
 * @dev: result
 * @dax_dev: the DAX device behind it, or NULL if there is none
 * @bdev: the block device
 *
 * Where stores need more than the CPU's fences to be durable (virtio-pmem), an
 * order of stores cannot be kept by address, so such devices are refused.
 *
 * Context: any.
 * Return: NULL, or in words why it cannot be used.
 */
const char *pfn_io_init(struct pfn_io_dev *dev, struct dax_device *dax_dev,
			struct block_device *bdev)
{
	if (!dax_dev)
		return "no DAX: make it a pinfold or an fsdax namespace";
	if (!dax_synchronous(dax_dev))
		return "stores to it are not durable before a flush";
	dev->dax_dev = dax_dev;
	dev->bdev = bdev;
	dev->start = (u64)get_start_sect(bdev) << SECTOR_SHIFT;
	dev->size = bdev_nr_bytes(bdev);
	if (!PAGE_ALIGNED(dev->start))
		return "the partition does not start at a page";
	return NULL;
}

/**
 * pfn_io_begin() - addresses are valid from here on
 *
 * Context: any; nests. Whoever takes a device away waits for pfn_io_end().
 * Return: a cookie for pfn_io_end().
 */
int pfn_io_begin(void)
{
	return dax_read_lock();
}

/**
 * pfn_io_end() - no address is used any more
 * @cookie: from pfn_io_begin()
 *
 * Context: any.
 */
void pfn_io_end(int cookie)
{
	dax_read_unlock(cookie);
}

static int access_range(const struct pfn_io_dev *dev, u64 offset, size_t len,
			enum dax_access_mode mode, struct pfn_run *run)
{
	u64 pos = dev->start + offset;
	size_t off = offset_in_page(pos);
	void *kaddr;
	long nr;

	if (unlikely(offset > dev->size || len > dev->size - offset))
		return -ENXIO;
	nr = dax_direct_access(dev->dax_dev, PHYS_PFN(pos),
			       PHYS_PFN(PAGE_ALIGN(off + len)), mode, &kaddr,
			       NULL);
	if (unlikely(nr < 0))
		return nr == -EHWPOISON ? -EIO : nr;
	run->kaddr = kaddr + off;
	run->len = min_t(size_t, len, PFN_PHYS(nr) - off);
	return 0;
}

/**
 * pfn_io_map() - find the memory behind a range
 * @dev: the device
 * @offset: start in bytes
 * @len: bytes; one known bad block among them fails all of it
 * @run: result; may be shorter than @len
 *
 * Asks for a kernel address only, for which no struct page is made.
 *
 * Context: process context, between pfn_io_begin() and pfn_io_end().
 * Return: 0, -EIO for known bad blocks, -ENXIO if the device is gone.
 */
int pfn_io_map(const struct pfn_io_dev *dev, u64 offset, size_t len,
	       struct pfn_run *run)
{
	return access_range(dev, offset, len, DAX_ACCESS, run);
}

/**
 * pfn_io_pfn() - the pfn of a run, for messages and DMA
 * @run: from pfn_io_map(), still valid
 *
 * From the page tables: ->direct_access() would give the pfn struct pages.
 *
 * Context: as pfn_io_map().
 * Return: the pfn of its first byte.
 */
pfn_t pfn_io_pfn(const struct pfn_run *run)
{
	if (is_vmalloc_addr(run->kaddr))
		return __pfn_to_pfn_t(vmalloc_to_pfn(run->kaddr), PFN_DEV);
	return phys_to_pfn_t(virt_to_phys(run->kaddr), PFN_DEV);
}

/**
 * pfn_io_read() - copy from a device, surviving machine checks
 * @dev: the device
 * @offset: start in bytes
 * @dst: where to
 * @len: bytes
 *
 * Context: process context, between pfn_io_begin() and pfn_io_end().
 * Return: 0, -EIO for bad media, -ENXIO if the device is gone.
 */
int pfn_io_read(const struct pfn_io_dev *dev, u64 offset, void *dst, size_t len)
{
	struct pfn_run run;
	int err;

	while (len) {
		err = pfn_io_map(dev, offset, len, &run);
		if (unlikely(err))
			return err;
		if (unlikely(!load(dst, run.kaddr, run.len)))
			return -EIO;
		offset += run.len;
		dst += run.len;
		len -= run.len;
	}
	return 0;
}

/**
 * pfn_io_write() - copy to a device, past the CPU's cache
 * @dev: the device
 * @offset: start in bytes, a multiple of 8
 * @src: what
 * @len: bytes, a multiple of 8
 *
 * Durable after the next pfn_io_fence() of this thread; each 8 bytes become so
 * as a whole.
 *
 * Context: process context, between pfn_io_begin() and pfn_io_end().
 * Return: 0, -EIO for known bad blocks or a poisoned source, -ENXIO if the device
 * is gone.
 */
int pfn_io_write(const struct pfn_io_dev *dev, u64 offset, const void *src,
		 size_t len)
{
	struct pfn_run run;
	int err;

	while (len) {
		err = pfn_io_map(dev, offset, len, &run);
		if (unlikely(err))
			return err;
		if (unlikely(!store(run.kaddr, src, run.len)))
			return -EIO;
		offset += run.len;
		src += run.len;
		len -= run.len;
	}
	return 0;
}

/**
 * pfn_io_clear_poison() - write a page that is unreadable
 * @dev: the device
 * @offset: start in bytes, a whole page
 * @src: what it is to hold
 *
 * Context: process context, between pfn_io_begin() and pfn_io_end(); asks
 * firmware, which sleeps. One at a time for each page.
 * Return: 0, -EIO if the platform cannot repair it, -ENXIO if the device is
 * gone.
 */
int pfn_io_clear_poison(const struct pfn_io_dev *dev, u64 offset,
			const void *src)
{
	struct kvec vec = { .iov_base = (void *)src, .iov_len = PAGE_SIZE };
	struct iov_iter iter;
	struct pfn_run run;
	unsigned int noio;
	size_t done;
	int err;

	if (!PAGE_ALIGNED(dev->start + offset))
		return -EIO;
	err = access_range(dev, offset, PAGE_SIZE, DAX_RECOVERY_WRITE, &run);
	if (err)
		return err;
	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, PAGE_SIZE);
	noio = memalloc_noio_save();
	done = dax_recovery_write(dev->dax_dev, PHYS_PFN(dev->start + offset),
				  run.kaddr, PAGE_SIZE, &iter);
	memalloc_noio_restore(noio);
	return done == PAGE_SIZE ? 0 : -EIO;
}

/**
 * pfn_io_fence() - make this thread's writes durable
 *
 * In the sense of the platform's persistence domain, as for MAP_SYNC: where
 * that takes flush hints, send a flush bio, too.
 *
 * Context: any.
 */
void pfn_io_fence(void)
{
	pmem_wmb();
}
