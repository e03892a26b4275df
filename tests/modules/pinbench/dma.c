// SPDX-License-Identifier: GPL-2.0
/* Pins of user memory that are mapped for a device: the registry's, and plain ones. */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pin_dma.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "pinbench.h"

static struct platform_device *pdev;

static int plain_once(const struct pinbench_job *job, struct page **pages,
		      int nr)
{
	struct device *dev = &pdev->dev;
	struct sg_table sgt;
	int got, err = -EFAULT;

	got = pin_user_pages_fast(job->addr, nr, FOLL_WRITE | FOLL_LONGTERM,
				  pages);
	if (got < 0)
		return got;
	if (got == nr)
		err = sg_alloc_table_from_pages_segment(&sgt, pages, nr, 0,
							job->len,
							dma_get_max_seg_size(dev),
							GFP_KERNEL);
	if (!err) {
		err = dma_map_sgtable(dev, &sgt, DMA_BIDIRECTIONAL, 0);
		if (!err)
			dma_unmap_sgtable(dev, &sgt, DMA_BIDIRECTIONAL, 0);
		sg_free_table(&sgt);
	}
	unpin_user_pages(pages, got);
	return err;
}

static int plain(const struct pinbench_job *job)
{
	int nr = job->len >> PAGE_SHIFT, err = 0;
	struct page **pages;
	u64 i;

	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < job->nr && !err; i++)
		err = plain_once(job, pages, nr);
	kvfree(pages);
	return err;
}

static int registered_once(const struct pinbench_job *job)
{
	struct device *dev = &pdev->dev;
	struct pin_handle *pin;
	struct sg_table sgt;
	int err, ret;

	pin = pin_user(pinbench_atomic, job->addr, job->len, PIN_WRITE, NULL,
		       "benchmark");
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	err = pin_map_sgt(pin, 0, pin_nr(pin), dev, DMA_BIDIRECTIONAL, &sgt);
	if (!err)
		pin_unmap_sgt(dev, DMA_BIDIRECTIONAL, &sgt);
	ret = pin_end(pinbench_atomic, pin);
	pin_put(pin);
	return err ?: ret;
}

int dma_pins(const struct pinbench_job *job)
{
	int err = 0;
	u64 i;

	if (job->kind == PINBENCH_DMA_PEER)
		return plain(job);
	for (i = 0; i < job->nr && !err; i++)
		err = registered_once(job);
	return err;
}

int dma_init(void)
{
	int err;

	pdev = platform_device_register_simple("pinbench", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		dma_exit();
	return err;
}

void dma_exit(void)
{
	platform_device_unregister(pdev);
}
