// SPDX-License-Identifier: GPL-2.0
/*
 * A stream through somebody's dma-buf, as a dynamic importer: the buffer may move, and
 * is mapped again then.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "edu.h"

/**
 * struct edu_job - a transfer
 * @base: signalled when it has ended
 * @lock: of @base
 */
struct edu_job {
	struct dma_fence base;
	spinlock_t lock;	/* see above */
};

/**
 * struct edu_dmabuf - a stream
 * @s: what the device knows of it
 * @attach: our attachment to the buffer
 * @sgt: its mapping, or NULL; under the reservation lock
 * @valid: nothing was told since it was made; under the reservation lock
 * @job: the transfer that runs
 * @context: timeline of transfers
 * @seqno: of the last one
 */
struct edu_dmabuf {
	struct edu_stream s;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	bool valid;
	struct edu_job *job;
	u64 context;
	u64 seqno;
};

static struct edu_dmabuf *to_dmabuf(struct edu_stream *s)
{
	return container_of(s, struct edu_dmabuf, s);
}

static const char *edu_fence_name(struct dma_fence *fence)
{
	return "edu";
}

static const struct dma_fence_ops edu_fence_ops = {
	.get_driver_name = edu_fence_name,
	.get_timeline_name = edu_fence_name,
};

/* What was begun has a fence, which the exporter waits for. */
static void edu_move_notify(struct dma_buf_attachment *attach)
{
	struct edu_dmabuf *d = attach->importer_priv;

	d->valid = false;
	d->s.report.stopped++;
}

static const struct dma_buf_attach_ops edu_attach_ops = {
	.move_notify = edu_move_notify,
};

static void unmap_locked(struct edu_dmabuf *d)
{
	if (d->sgt)
		dma_buf_unmap_attachment(d->attach, d->sgt, DMA_BIDIRECTIONAL);
	d->sgt = NULL;
}

static int map_locked(struct edu_dmabuf *d)
{
	struct sg_table *sgt;

	if (d->sgt && d->valid)
		return 0;
	unmap_locked(d);
	sgt = dma_buf_map_attachment(d->attach, DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt)) {
		d->s.report.waited++;
		/* It moves, and that takes long. */
		return PTR_ERR(sgt) == -EBUSY ? -EAGAIN : PTR_ERR(sgt);
	}
	d->sgt = sgt;
	d->valid = true;
	return 0;
}

/* The DMA address of a page of the buffer. */
static dma_addr_t address(struct edu_dmabuf *d, unsigned long i)
{
	unsigned long off = i << PAGE_SHIFT;
	struct scatterlist *sg;
	int n;

	for_each_sgtable_dma_sg(d->sgt, sg, n) {
		if (off < sg_dma_len(sg))
			return sg_dma_address(sg) + off;
		off -= sg_dma_len(sg);
	}
	return DMA_MAPPING_ERROR;
}

static struct edu_job *job_alloc(struct edu_dmabuf *d)
{
	struct edu_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return NULL;
	spin_lock_init(&job->lock);
	dma_fence_init(&job->base, &edu_fence_ops, &job->lock, d->context,
		       ++d->seqno);
	return job;
}

static int begin_locked(struct edu_dmabuf *d, unsigned long i, bool to_device,
			dma_addr_t *addr)
{
	struct dma_resv *resv = d->attach->dmabuf->resv;
	int err;

	err = map_locked(d);
	if (err)
		return err;
	*addr = address(d, i);
	if (*addr == DMA_MAPPING_ERROR)
		return -EINVAL;
	err = dma_resv_reserve_fences(resv, 1);
	if (err)
		return err;
	d->job = job_alloc(d);
	if (!d->job)
		return -ENOMEM;
	/* From now on the buffer does not move before the transfer has ended. */
	dma_resv_add_fence(resv, &d->job->base, to_device ?
			   DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE);
	return 0;
}

static int edu_dmabuf_begin(struct edu_stream *s, unsigned long i,
			    bool to_device, dma_addr_t *addr)
{
	struct edu_dmabuf *d = to_dmabuf(s);
	int err;

	dma_resv_lock(d->attach->dmabuf->resv, NULL);
	err = begin_locked(d, i, to_device, addr);
	dma_resv_unlock(d->attach->dmabuf->resv);
	return err;
}

static void edu_dmabuf_end(struct edu_stream *s, unsigned long i,
			   bool to_device)
{
	struct edu_dmabuf *d = to_dmabuf(s);

	dma_fence_signal(&d->job->base);
	dma_fence_put(&d->job->base);
	d->job = NULL;
}

/* Applications say DMA_BUF_IOCTL_SYNC before they look. */
static int edu_dmabuf_round(struct edu_stream *s)
{
	return 0;
}

static void edu_dmabuf_stop(struct edu_stream *s)
{
	struct edu_dmabuf *d = to_dmabuf(s);
	struct dma_buf *dmabuf = d->attach->dmabuf;

	dma_resv_lock(dmabuf->resv, NULL);
	unmap_locked(d);
	dma_resv_unlock(dmabuf->resv);
	dma_buf_detach(dmabuf, d->attach);
	dma_buf_put(dmabuf);
	kfree(d);
}

static const struct edu_source edu_dmabuf_source = {
	.begin = edu_dmabuf_begin,
	.end = edu_dmabuf_end,
	.round = edu_dmabuf_round,
	.stop = edu_dmabuf_stop,
};

static int attach(struct edu_dmabuf *d, struct dma_buf *dmabuf)
{
	struct dma_buf_attachment *a;

	d->s.nr = dmabuf->size >> PAGE_SHIFT;
	if (d->s.nr < 2 || d->s.nr % 2)
		return -EINVAL;
	a = dma_buf_dynamic_attach(dmabuf, &d->s.edu->pdev->dev,
				   &edu_attach_ops, d);
	if (IS_ERR(a))
		return PTR_ERR(a);
	d->attach = a;
	return 0;
}

struct edu_stream *edu_dmabuf_start(struct edu *edu, int fd)
{
	struct edu_dmabuf *d = kzalloc(sizeof(*d), GFP_KERNEL);
	struct dma_buf *dmabuf;
	int err;

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->s.edu = edu;
	d->s.ops = &edu_dmabuf_source;
	d->context = dma_fence_context_alloc(1);
	dmabuf = dma_buf_get(fd);
	err = PTR_ERR_OR_ZERO(dmabuf);
	if (err)
		goto free;
	err = attach(d, dmabuf);
	if (!err)
		return &d->s;
	dma_buf_put(dmabuf);
free:
	kfree(d);
	return ERR_PTR(err);
}
