// SPDX-License-Identifier: GPL-2.0
/*
 * The dmaengine engine of <linux/pfn_io.h>: a DMA controller copies between devices
 * while the CPU sleeps. Memory without struct pages is mapped for it as what it is, a
 * resource.
 */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/dmaengine.h>
#include <linux/jiffies.h>
#include <linux/libnvdimm.h>
#include <linux/pfn_io.h>
#include <linux/slab.h>

/* Copies are of some pages; a controller that takes longer is given up. */
#define COPY_PATIENCE	(10 * HZ)

/**
 * struct pfn_io_dma - a channel of a DMA controller
 * @chan: ours alone
 * @dead: a copy did not end: nothing is asked of it any more
 */
struct pfn_io_dma {
	struct dma_chan *chan;
	bool dead;
};

/**
 * struct transfer - one copy
 * @done: it has ended
 * @result: how
 */
struct transfer {
	struct completion done;
	enum dmaengine_tx_result result;
};

static bool is_called(struct dma_chan *chan, void *name)
{
	return !strcmp(dma_chan_name(chan), name);
}

/**
 * pfn_io_dma_open() - have a DMA channel copy
 * @name: of the channel, as in /sys/class/dma
 * @why: what is wrong with it, in words
 *
 * Context: process context, may sleep.
 * Return: the engine, or NULL with @why.
 */
struct pfn_io_dma *pfn_io_dma_open(const char *name, const char **why)
{
	struct pfn_io_dma *dma = kzalloc(sizeof(*dma), GFP_KERNEL);
	dma_cap_mask_t mask;

	*why = "no memory";
	if (!dma)
		return NULL;
	dma_cap_zero(mask);
	dma_cap_set(DMA_MEMCPY, mask);
	dma->chan = dma_request_channel(mask, is_called, (void *)name);
	*why = "no such DMA channel that copies memory and is free: see /sys/class/dma";
	if (!dma->chan)
		goto free;
	/* Without it, nobody could say when a copy that hangs has ended. */
	*why = "the channel's driver cannot end a copy that hangs";
	if (dma->chan->device->device_terminate_all)
		return dma;
	dma_release_channel(dma->chan);
free:
	kfree(dma);
	return NULL;
}

/**
 * pfn_io_dma_close() - give the channel back
 * @dma: from pfn_io_dma_open(), or NULL; nobody copies
 *
 * Context: process context, may sleep.
 */
void pfn_io_dma_close(struct pfn_io_dma *dma)
{
	if (!dma)
		return;
	dma_release_channel(dma->chan);
	kfree(dma);
}

static void transfer_done(void *arg, const struct dmaengine_result *result)
{
	struct transfer *t = arg;

	/* Not all drivers say how it ended. */
	t->result = result ? result->result : DMA_TRANS_NOERROR;
	complete(&t->done);
}

static int transfer(struct pfn_io_dma *dma, dma_addr_t dst, dma_addr_t src,
		    size_t len)
{
	struct transfer t = { .result = DMA_TRANS_ABORTED };
	struct dma_async_tx_descriptor *tx;

	init_completion(&t.done);
	tx = dmaengine_prep_dma_memcpy(dma->chan, dst, src, len,
				       DMA_PREP_INTERRUPT | DMA_CTRL_ACK);
	if (!tx)
		return -ENOMEM;
	tx->callback_result = transfer_done;
	tx->callback_param = &t;
	if (dma_submit_error(dmaengine_submit(tx)))
		return -EIO;
	dma_async_issue_pending(dma->chan);
	if (!wait_for_completion_timeout(&t.done, COPY_PATIENCE)) {
		dmaengine_terminate_sync(dma->chan);
		WRITE_ONCE(dma->dead, true);
		return -ETIMEDOUT;
	}
	return t.result == DMA_TRANS_NOERROR ? 0 : -EIO;
}

static phys_addr_t phys_of(void *kaddr)
{
	struct pfn_run run = { .kaddr = kaddr };

	return PFN_PHYS(pfn_t_to_pfn(pfn_io_pfn(&run))) +
		offset_in_page(kaddr);
}

/**
 * pfn_io_dma_copy() - copy from device to device
 * @dma: the engine, which nobody else uses meanwhile
 * @dst: address from pfn_io_map()
 * @src: likewise
 * @len: bytes
 *
 * Durable with the next pfn_io_fence(): what a controller writes may end in a
 * cache. With an error, what is at @dst is undefined.
 *
 * Context: process context, may sleep, between pfn_io_begin() and pfn_io_end(); waits
 * for the controller, with a bound.
 * Return: 0; -EIO if the copy failed, -ETIMEDOUT if it did not end, -ENODEV after
 * that, -ENOMEM if the controller cannot reach the memory or has no room.
 */
int pfn_io_dma_copy(struct pfn_io_dma *dma, void *dst, void *src, size_t len)
{
	struct device *dev = dma->chan->device->dev;
	dma_addr_t to, from;
	int err = -ENOMEM;

	if (READ_ONCE(dma->dead))
		return -ENODEV;
	from = dma_map_resource(dev, phys_of(src), len, DMA_TO_DEVICE, 0);
	if (dma_mapping_error(dev, from))
		return -ENOMEM;
	to = dma_map_resource(dev, phys_of(dst), len, DMA_FROM_DEVICE, 0);
	if (!dma_mapping_error(dev, to)) {
		err = transfer(dma, to, from, len);
		dma_unmap_resource(dev, to, len, DMA_FROM_DEVICE, 0);
	}
	dma_unmap_resource(dev, from, len, DMA_TO_DEVICE, 0);
	if (!err)
		arch_wb_cache_pmem(dst, len);
	return err;
}
