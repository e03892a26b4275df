// SPDX-License-Identifier: GPL-2.0
/*
 * With "dmaengine", the edu device copies for others instead: a dmaengine channel,
 * which takes two transfers of 100 ms for most of a page, by way of its buffer.
 */
#include <linux/dmaengine.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "edu.h"

static unsigned int engine_fails;
module_param(engine_fails, uint, 0644);
MODULE_PARM_DESC(engine_fails, "so many copies fail, after they have written a part");

static bool engine_hangs;
module_param(engine_hangs, bool, 0644);
MODULE_PARM_DESC(engine_hangs, "copies do not end");

/**
 * struct edu_copy - a copy that was asked for
 * @tx: dmaengine's part
 * @node: on one of the lists of &struct edu_engine
 * @dst: where to
 * @src: where from
 * @len: bytes
 */
struct edu_copy {
	struct dma_async_tx_descriptor tx;
	struct list_head node;
	dma_addr_t dst;
	dma_addr_t src;
	size_t len;
};

/**
 * struct edu_engine - a device that copies
 * @dd: dmaengine's part
 * @chan: its only channel
 * @edu: the device
 * @lock: covers the lists and the channel's cookies
 * @submitted: copies, until somebody issues them
 * @issued: copies that @work makes
 * @work: makes them, one after the other
 * @ending: it has to end
 */
struct edu_engine {
	struct dma_device dd;
	struct dma_chan chan;
	struct edu *edu;
	spinlock_t lock;	/* see above */
	struct list_head submitted;
	struct list_head issued;
	struct work_struct work;
	bool ending;
};

static struct edu_engine *to_engine(struct dma_chan *chan)
{
	return container_of(chan, struct edu_engine, chan);
}

static dma_cookie_t edu_submit(struct dma_async_tx_descriptor *tx)
{
	struct edu_copy *copy = container_of(tx, struct edu_copy, tx);
	struct edu_engine *e = to_engine(tx->chan);

	spin_lock_bh(&e->lock);
	if (++tx->chan->cookie < DMA_MIN_COOKIE)
		tx->chan->cookie = DMA_MIN_COOKIE;
	tx->cookie = tx->chan->cookie;
	list_add_tail(&copy->node, &e->submitted);
	spin_unlock_bh(&e->lock);
	return tx->cookie;
}

static struct dma_async_tx_descriptor *
edu_prep(struct dma_chan *chan, dma_addr_t dst, dma_addr_t src, size_t len,
	 unsigned long flags)
{
	struct edu_copy *copy;

	copy = kzalloc(sizeof(*copy), GFP_NOWAIT);
	if (!copy)
		return NULL;
	dma_async_tx_descriptor_init(&copy->tx, chan);
	copy->tx.tx_submit = edu_submit;
	copy->tx.flags = flags;
	copy->dst = dst;
	copy->src = src;
	copy->len = len;
	return &copy->tx;
}

static int make_copy(struct edu_engine *e, const struct edu_copy *copy)
{
	size_t at;
	int err = 0;

	for (at = 0; at < copy->len && !err; at += PF_EDU_BYTES) {
		size_t part = min_t(size_t, copy->len - at, PF_EDU_BYTES);

		if (READ_ONCE(e->ending) || (at && engine_fails))
			return -ECANCELED;
		err = edu_dma(e->edu, copy->src + at, part, true);
		if (!err)
			err = edu_dma(e->edu, copy->dst + at, part, false);
	}
	return err;
}

static struct edu_copy *next_copy(struct edu_engine *e)
{
	struct edu_copy *copy;

	spin_lock_bh(&e->lock);
	copy = list_first_entry_or_null(&e->issued, struct edu_copy, node);
	if (copy)
		list_del(&copy->node);
	spin_unlock_bh(&e->lock);
	return copy;
}

static void finish(struct edu_engine *e, struct edu_copy *copy, int err)
{
	struct dmaengine_result result = {
		.result = err ? DMA_TRANS_WRITE_FAILED : DMA_TRANS_NOERROR,
	};
	struct dma_async_tx_descriptor *tx = &copy->tx;

	spin_lock_bh(&e->lock);
	e->chan.completed_cookie = tx->cookie;
	spin_unlock_bh(&e->lock);
	if (err && engine_fails)
		engine_fails--;
	if (tx->callback_result)
		tx->callback_result(tx->callback_param, &result);
	else if (tx->callback)
		tx->callback(tx->callback_param);
	kfree(copy);
}

static void edu_work(struct work_struct *work)
{
	struct edu_engine *e = container_of(work, struct edu_engine, work);
	struct edu_copy *copy;

	while ((copy = next_copy(e))) {
		int err = make_copy(e, copy);

		/* As if it had not ended: who waits has to end it. */
		if (READ_ONCE(e->ending) || engine_hangs)
			kfree(copy);
		else
			finish(e, copy, err);
	}
}

static void edu_issue(struct dma_chan *chan)
{
	struct edu_engine *e = to_engine(chan);

	spin_lock_bh(&e->lock);
	list_splice_tail_init(&e->submitted, &e->issued);
	spin_unlock_bh(&e->lock);
	queue_work(system_long_wq, &e->work);
}

static enum dma_status edu_status(struct dma_chan *chan, dma_cookie_t cookie,
				  struct dma_tx_state *state)
{
	struct edu_engine *e = to_engine(chan);
	enum dma_status status;

	spin_lock_bh(&e->lock);
	status = dma_async_is_complete(cookie, chan->completed_cookie,
				       chan->cookie);
	dma_set_tx_state(state, chan->completed_cookie, chan->cookie, 0);
	spin_unlock_bh(&e->lock);
	return status;
}

static int edu_terminate(struct dma_chan *chan)
{
	struct edu_engine *e = to_engine(chan);
	struct edu_copy *copy, *next;
	LIST_HEAD(copies);

	WRITE_ONCE(e->ending, true);
	spin_lock_bh(&e->lock);
	list_splice_init(&e->submitted, &copies);
	list_splice_init(&e->issued, &copies);
	spin_unlock_bh(&e->lock);
	list_for_each_entry_safe(copy, next, &copies, node)
		kfree(copy);
	return 0;
}

static void edu_synchronize(struct dma_chan *chan)
{
	struct edu_engine *e = to_engine(chan);

	cancel_work_sync(&e->work);
	WRITE_ONCE(e->ending, false);
}

static void edu_free_chan(struct dma_chan *chan)
{
	edu_terminate(chan);
	edu_synchronize(chan);
}

int edu_engine_start(struct edu *edu)
{
	struct edu_engine *e = kzalloc(sizeof(*e), GFP_KERNEL);
	struct dma_device *dd;
	int err;

	if (!e)
		return -ENOMEM;
	e->edu = edu;
	spin_lock_init(&e->lock);
	INIT_LIST_HEAD(&e->submitted);
	INIT_LIST_HEAD(&e->issued);
	INIT_WORK(&e->work, edu_work);
	dd = &e->dd;
	dd->dev = &edu->pdev->dev;
	INIT_LIST_HEAD(&dd->channels);
	dma_cap_set(DMA_MEMCPY, dd->cap_mask);
	/* Nobody gets it but who asks for it by name. */
	dma_cap_set(DMA_PRIVATE, dd->cap_mask);
	dd->device_free_chan_resources = edu_free_chan;
	dd->device_prep_dma_memcpy = edu_prep;
	dd->device_issue_pending = edu_issue;
	dd->device_tx_status = edu_status;
	dd->device_terminate_all = edu_terminate;
	dd->device_synchronize = edu_synchronize;
	e->chan.device = dd;
	e->chan.cookie = DMA_MIN_COOKIE;
	e->chan.completed_cookie = DMA_MIN_COOKIE;
	list_add_tail(&e->chan.device_node, &dd->channels);
	err = dma_async_device_register(dd);
	if (err) {
		kfree(e);
		return err;
	}
	edu->engine = e;
	dev_info(dd->dev, "copies as %s\n", dma_chan_name(&e->chan));
	return 0;
}

/* Nobody has the channel: that keeps the module. */
void edu_engine_stop(struct edu *edu)
{
	if (!edu->engine)
		return;
	dma_async_device_unregister(&edu->engine->dd);
	kfree(edu->engine);
	edu->engine = NULL;
}
