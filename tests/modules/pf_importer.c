// SPDX-License-Identifier: GPL-2.0
/*
 * Test: an importer of dma-bufs. Its device is a thread; each open file imports one
 * buffer, as one that follows moves or as one that cannot.
 */
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/iosys-map.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pf_importer.h"

static struct platform_device *pdev;

struct job {
	struct dma_fence base;
	spinlock_t lock;	/* of the fence */
};

/**
 * struct imp - an open file
 * @mutex: covers all but what the reservation lock does: @sgt, @valid, @notified,
 *	@counts and what the engine reports
 * @attach: the buffer, or NULL
 * @sgt: its mapping, or NULL
 * @dir: of the mapping
 * @valid: nothing was told since it was made
 * @rude: maps while it is told of a move
 * @job: a job that has begun
 * @engine: thread
 * @counts: what each page contains
 * @nr: number of pages
 * @notified: how often it was told
 * @rounds: of the engine
 * @errors: pages that are not as it left them, and mappings that failed
 * @last_error: of a mapping
 */
struct imp {
	struct mutex mutex;	/* see above */
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	enum dma_data_direction dir;
	bool valid;
	bool rude;
	struct job *job;
	struct task_struct *engine;
	u64 *counts;
	unsigned long nr;
	u64 notified;
	u64 rounds;
	u64 errors;
	s64 last_error;
};

static const char *job_name(struct dma_fence *fence)
{
	return "pf_importer";
}

static const struct dma_fence_ops job_ops = {
	.get_driver_name = job_name,
	.get_timeline_name = job_name,
};

static struct dma_resv *resv_of(struct imp *imp)
{
	return imp->attach->dmabuf->resv;
}

static void unmap_locked(struct imp *imp)
{
	if (!imp->sgt)
		return;
	dma_buf_unmap_attachment(imp->attach, imp->sgt, imp->dir);
	imp->sgt = NULL;
}

static int map_locked(struct imp *imp, enum dma_data_direction dir)
{
	struct sg_table *sgt;

	if (imp->sgt && imp->valid)
		return 0;
	unmap_locked(imp);
	sgt = dma_buf_map_attachment(imp->attach, dir);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	imp->sgt = sgt;
	imp->dir = dir;
	imp->valid = true;
	return 0;
}

/* The mapping stays until it is needed: that is what the contract allows. */
static void imp_notify(struct dma_buf_attachment *attach)
{
	struct imp *imp = attach->importer_priv;
	struct sg_table *sgt;

	imp->notified++;
	imp->valid = false;
	if (!imp->rude)
		return;
	sgt = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	imp->last_error = PTR_ERR_OR_ZERO(sgt);
	if (!IS_ERR(sgt))
		dma_buf_unmap_attachment(attach, sgt, DMA_BIDIRECTIONAL);
}

static const struct dma_buf_attach_ops imp_ops = {
	.allow_peer2peer = true,
	.move_notify = imp_notify,
};

static struct page *nth_page_of(struct sg_table *sgt, unsigned long n)
{
	struct sg_page_iter iter;

	for_each_sgtable_page(sgt, &iter, n)
		return sg_page_iter_page(&iter);
	return NULL;
}

static void visit(struct imp *imp, struct page *page, unsigned long i)
{
	u64 *at = kmap_local_page(page) + PF_IMP_OFFSET;

	if (imp->counts[i] && READ_ONCE(*at) != imp->counts[i])
		imp->errors++;
	WRITE_ONCE(*at, ++imp->counts[i]);
	kunmap_local(at);
}

static void engine_round(struct imp *imp)
{
	struct sg_page_iter iter;
	unsigned long i = 0;
	int err;

	dma_resv_lock(resv_of(imp), NULL);
	err = map_locked(imp, DMA_BIDIRECTIONAL);
	if (err) {
		imp->last_error = err;
		/* A move that takes long; or the end. */
		if (err != -ENXIO && err != -EBUSY)
			imp->errors++;
	} else {
		for_each_sgtable_page(imp->sgt, &iter, 0)
			visit(imp, sg_page_iter_page(&iter), i++);
		imp->rounds++;
	}
	dma_resv_unlock(resv_of(imp));
}

static int engine_fn(void *arg)
{
	while (!kthread_should_stop()) {
		engine_round(arg);
		usleep_range(100, 500);
	}
	return 0;
}

static void engine_stop(struct imp *imp)
{
	if (imp->engine)
		kthread_stop(imp->engine);
	imp->engine = NULL;
}

static int run(struct imp *imp, bool on)
{
	struct task_struct *t;

	if (!on || imp->engine) {
		engine_stop(imp);
		return 0;
	}
	t = kthread_run(engine_fn, imp, "pf_importer");
	if (IS_ERR(t))
		return PTR_ERR(t);
	imp->engine = t;
	return 0;
}

static int attach(struct imp *imp, int fd, const struct dma_buf_attach_ops *ops)
{
	struct dma_buf_attachment *attach;
	struct dma_buf *dmabuf;

	if (imp->attach)
		return -EALREADY;
	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	imp->nr = dmabuf->size >> PAGE_SHIFT;
	imp->counts = kvcalloc(imp->nr, sizeof(*imp->counts), GFP_KERNEL);
	attach = imp->counts ? dma_buf_dynamic_attach(dmabuf, &pdev->dev, ops,
						      imp) : ERR_PTR(-ENOMEM);
	if (IS_ERR(attach)) {
		kvfree(imp->counts);
		dma_buf_put(dmabuf);
		return PTR_ERR(attach);
	}
	imp->attach = attach;
	return 0;
}

static int signal(struct imp *imp)
{
	if (!imp->job)
		return -EINVAL;
	dma_fence_signal(&imp->job->base);
	dma_fence_put(&imp->job->base);
	imp->job = NULL;
	return 0;
}

static int detach(struct imp *imp)
{
	struct dma_buf *dmabuf = imp->attach->dmabuf;

	engine_stop(imp);
	signal(imp);
	dma_resv_lock(dmabuf->resv, NULL);
	unmap_locked(imp);
	dma_resv_unlock(dmabuf->resv);
	dma_buf_detach(dmabuf, imp->attach);
	dma_buf_put(dmabuf);
	imp->attach = NULL;
	kvfree(imp->counts);
	return 0;
}

static int fence(struct imp *imp)
{
	struct job *job;
	int err;

	if (imp->job)
		return -EALREADY;
	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return -ENOMEM;
	spin_lock_init(&job->lock);
	dma_fence_init(&job->base, &job_ops, &job->lock,
		       dma_fence_context_alloc(1), 1);
	dma_resv_lock(resv_of(imp), NULL);
	err = dma_resv_reserve_fences(resv_of(imp), 1);
	if (!err)
		dma_resv_add_fence(resv_of(imp), &job->base,
				   DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(resv_of(imp));
	if (err)
		dma_fence_put(&job->base);
	else
		imp->job = job;
	return err;
}

/* In 6.1 a lock of its own covers this, later the reservation lock. */
static int try_vmap(struct imp *imp)
{
	struct iosys_map map;
	int err;

	dma_resv_lock(resv_of(imp), NULL);
	err = dma_buf_vmap(imp->attach->dmabuf, &map);
	if (!err)
		dma_buf_vunmap(imp->attach->dmabuf, &map);
	dma_resv_unlock(resv_of(imp));
	return err;
}

static int read_page(struct imp *imp, struct pf_imp *p)
{
	struct page *page;
	u64 *at;

	if (!imp->sgt || !imp->valid)
		return -ENOENT;
	page = nth_page_of(imp->sgt, p->arg);
	if (!page)
		return -EINVAL;
	at = kmap_local_page(page);
	p->value = *at;
	kunmap_local(at);
	return 0;
}

static int locked_op(struct imp *imp, struct pf_imp *p)
{
	switch (p->op) {
	case PF_IMP_MAP:
		return map_locked(imp, p->arg);
	case PF_IMP_UNMAP:
		unmap_locked(imp);
		return 0;
	case PF_IMP_PIN:
		return dma_buf_pin(imp->attach);
	case PF_IMP_UNPIN:
		dma_buf_unpin(imp->attach);
		return 0;
	case PF_IMP_READ:
		return read_page(imp, p);
	case PF_IMP_LOCK:
		msleep(min_t(u64, p->arg, 60000));
		return 0;
	}
	return -ENOTTY;
}

static int attached_op(struct imp *imp, struct pf_imp *p)
{
	int err;

	switch (p->op) {
	case PF_IMP_DETACH:
		return detach(imp);
	case PF_IMP_FENCE:
		return fence(imp);
	case PF_IMP_SIGNAL:
		return signal(imp);
	case PF_IMP_RUN:
		return run(imp, p->arg);
	case PF_IMP_VMAP:
		return try_vmap(imp);
	case PF_IMP_REMAP_IN_NOTIFY:
		imp->rude = p->arg;
		return 0;
	}
	dma_resv_lock(resv_of(imp), NULL);
	err = locked_op(imp, p);
	dma_resv_unlock(resv_of(imp));
	return err;
}

static int imp_op(struct imp *imp, struct pf_imp *p)
{
	if (p->op == PF_IMP_ATTACH)
		return attach(imp, p->arg, &imp_ops);
	if (p->op == PF_IMP_ATTACH_STATIC)
		return attach(imp, p->arg, NULL);
	return imp->attach ? attached_op(imp, p) : -ENOENT;
}

static long imp_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct imp *imp = file->private_data;
	struct pf_imp p;
	long ret;

	if (cmd != PF_IMP)
		return -ENOTTY;
	if (copy_from_user(&p, (void __user *)arg, sizeof(p)))
		return -EFAULT;
	mutex_lock(&imp->mutex);
	ret = imp_op(imp, &p);
	p.notified = imp->notified;
	p.rounds = imp->rounds;
	p.errors = imp->errors;
	p.last_error = imp->last_error;
	p.mapped = imp->sgt && imp->valid;
	mutex_unlock(&imp->mutex);
	if (copy_to_user((void __user *)arg, &p, sizeof(p)))
		return -EFAULT;
	return ret;
}

static int imp_open(struct inode *inode, struct file *file)
{
	struct imp *imp = kzalloc(sizeof(*imp), GFP_KERNEL);

	if (!imp)
		return -ENOMEM;
	mutex_init(&imp->mutex);
	file->private_data = imp;
	return 0;
}

static int imp_release(struct inode *inode, struct file *file)
{
	struct imp *imp = file->private_data;

	if (imp->attach)
		detach(imp);
	kfree(imp);
	return 0;
}

static const struct file_operations imp_fops = {
	.owner = THIS_MODULE,
	.open = imp_open,
	.release = imp_release,
	.unlocked_ioctl = imp_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice imp_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pf_importer",
	.fops = &imp_fops,
	.mode = 0666,
};

static int __init imp_init(void)
{
	int err;

	pdev = platform_device_register_simple("pf_importer", -1, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	err = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (!err)
		err = misc_register(&imp_misc);
	if (err)
		platform_device_unregister(pdev);
	return err;
}

static void __exit imp_exit(void)
{
	misc_deregister(&imp_misc);
	platform_device_unregister(pdev);
}

module_init(imp_init);
module_exit(imp_exit);
MODULE_DESCRIPTION("Test: an importer of dma-bufs");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DMA_BUF);
