/* SPDX-License-Identifier: GPL-2.0 */
/*
 * I/O between a block driver and the memory behind block devices, in kernel
 * addresses and pfns: no bio, no struct page. Works on any block device with a
 * DAX device, a pinfold namespace among them.
 *
 * An address is valid between pfn_io_begin() and pfn_io_end() only: behind the
 * next one, the page may be elsewhere (a pinfold namespace moves pages that go
 * bad) or gone (unbound). So nothing here keeps one.
 *
 * Parity is computed on buffers, not in place: the kernel's XOR and raid6
 * routines do not survive a machine check, pfn_io_read() does. A buffer that
 * stays in the cache costs no traffic to memory.
 */
#ifndef _LINUX_PFN_IO_H
#define _LINUX_PFN_IO_H

#include <linux/pfn_t.h>
#include <linux/types.h>

struct block_device;
struct dax_device;

/**
 * struct pfn_io_dev - a block device reached by address
 * @dax_dev: its DAX device; the caller holds a reference
 * @bdev: the block device; the caller has it open
 * @start: offset of @bdev in @dax_dev in bytes: that of a partition
 * @size: of @bdev in bytes
 */
struct pfn_io_dev {
	struct dax_device *dax_dev;
	struct block_device *bdev;
	u64 start;
	u64 size;
};

/**
 * struct pfn_run - consecutive memory behind a run of sectors
 * @kaddr: kernel address of the first byte asked for
 * @len: bytes from there on
 */
struct pfn_run {
	void *kaddr;
	size_t len;
};

const char *pfn_io_init(struct pfn_io_dev *dev, struct dax_device *dax_dev,
			struct block_device *bdev);
int pfn_io_begin(void);
void pfn_io_end(int cookie);
int pfn_io_map(const struct pfn_io_dev *dev, u64 offset, size_t len,
	       struct pfn_run *run);
pfn_t pfn_io_pfn(const struct pfn_run *run);
int pfn_io_read(const struct pfn_io_dev *dev, u64 offset, void *dst,
		size_t len);
int pfn_io_write(const struct pfn_io_dev *dev, u64 offset, const void *src,
		 size_t len);
int pfn_io_clear_poison(const struct pfn_io_dev *dev, u64 offset,
			const void *src);
void pfn_io_fence(void);

struct pfn_io_dma;

#if IS_ENABLED(CONFIG_DMA_ENGINE)
struct pfn_io_dma *pfn_io_dma_open(const char *name, const char **why);
void pfn_io_dma_close(struct pfn_io_dma *dma);
int pfn_io_dma_copy(struct pfn_io_dma *dma, void *dst, void *src, size_t len);
#else
static inline struct pfn_io_dma *pfn_io_dma_open(const char *name,
						 const char **why)
{
	*why = "this kernel has no DMA engines";
	return NULL;
}

static inline void pfn_io_dma_close(struct pfn_io_dma *dma)
{
}

static inline int pfn_io_dma_copy(struct pfn_io_dma *dma, void *dst, void *src,
				  size_t len)
{
	return -ENODEV;
}
#endif

#endif /* _LINUX_PFN_IO_H */
