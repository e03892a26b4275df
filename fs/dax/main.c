// SPDX-License-Identifier: GPL-2.0
/*
 * Life of a backing; see include/linux/dax_backing.h for the order of calls.
 */
#include <linux/blkdev.h>
#include <linux/ioport.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/set_memory.h>
#include <linux/slab.h>

#define CREATE_TRACE_POINTS
#include <trace/events/dax_backing.h>

#include "backing.h"

/*
 * Populating is part of a page fault and must go on when memory is short;
 * draining waits for file systems, and must not be in its way.
 */
struct workqueue_struct *populate_wq;
struct workqueue_struct *drain_wq;

/* How often a dead backing looks whether its last pages are free. */
#define RELEASE_INTERVAL	HZ

static unsigned int budget_percent = 12;
module_param(budget_percent, uint, 0644);
MODULE_PARM_DESC(budget_percent, "Share of RAM that the struct pages of a new device may take, in percent; 0 for no limit (default 12)");

static u64 default_budget(void)
{
	u64 ram = (u64)totalram_pages() << PAGE_SHIFT;

	return div_u64(ram, 100) * min(budget_percent, 100U);
}

/*
 * Errors in the range or its memory type show up here and not as SIGBUS. Both
 * spans stay for the device's life: giving them back would gain 64 KiB and cost
 * attach most of its time, a wait for RCU.
 */
static int try_both_ends(struct dax_backing *b)
{
	unsigned int noio = memalloc_noio_save();
	struct dax_span *span;

	mutex_lock(&b->map_lock);
	span = span_map(b, 0, 1);
	if (!IS_ERR(span) && b->nr_chunks > 1) {
		span->keep = true;
		span = span_map(b, b->nr_chunks - 1, 1);
	}
	if (!IS_ERR(span))
		span->keep = true;
	mutex_unlock(&b->map_lock);
	memalloc_noio_restore(noio);
	return PTR_ERR_OR_ZERO(span);
}

static bool unmap_idle_spans(struct dax_backing *b)
{
	struct dax_span *span, *next;
	bool empty;

	mutex_lock(&b->map_lock);
	list_for_each_entry_safe(span, next, &b->span_list, node) {
		atomic_set(&span->state, SPAN_DEAD);
		span_lift_share(span);
		span_forget_poison(span);
		if (span_idle(span))
			span_unmap(span);
	}
	empty = list_empty(&b->span_list);
	mutex_unlock(&b->map_lock);
	return empty;
}

/* Once per backing: somebody may hold a page for as long as it likes. */
static void report_busy(struct dax_backing *b)
{
	if (b->busy_reported)
		return;
	b->busy_reported = true;
	pr_notice("%s: pages are still pinned after the last close; %pR stays reserved until they are released\n",
		  b->name, b->res);
}

static void backing_free(struct dax_backing *b)
{
	struct module *owner = b->owner_pinned ? b->owner : NULL;

	xa_destroy(&b->spans);
	kfree(b);
	module_put(owner);
	/* Last: module_exit() waits for the work this may run in. */
	module_put(THIS_MODULE);
}

/* With the last struct page gone the range is free for the next driver. */
static bool release_range(struct dax_backing *b)
{
	if (!unmap_idle_spans(b))
		return false;
	if (b->res)
		release_mem_region(b->res->start, resource_size(b->res));
	b->res = NULL;
	return true;
}

static void release_work_fn(struct work_struct *work)
{
	struct dax_backing *b = container_of(to_delayed_work(work),
					     struct dax_backing, release_work);

	if (release_range(b)) {
		backing_free(b);
		return;
	}
	report_busy(b);
	queue_delayed_work(drain_wq, &b->release_work, RELEASE_INTERVAL);
}

static int desc_check(const struct dax_backing_desc *d)
{
	if (!IS_ALIGNED(d->base, CHUNK_SIZE) || !d->size ||
	    !IS_ALIGNED(d->size, CHUNK_SIZE) || d->base < d->resource ||
	    d->size > d->resource_size ||
	    d->base - d->resource > d->resource_size - d->size)
		return -EINVAL;
	return 0;
}

static struct dax_backing *backing_alloc(const struct dax_backing_desc *d)
{
	struct dax_backing *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	xa_init(&b->spans);
	b->base = d->base;
	b->nr_chunks = d->size >> CHUNK_SHIFT;
	b->nid = d->nid;
	b->desc_ops = d->ops;
	b->private = d->private;
	b->owner = d->owner;
	strscpy(b->name, d->name, sizeof(b->name));
	mutex_init(&b->ops_lock);
	mutex_init(&b->map_lock);
	INIT_LIST_HEAD(&b->span_list);
	spin_lock_init(&b->request_lock);
	INIT_LIST_HEAD(&b->requests);
	b->budget = default_budget();
	INIT_WORK(&b->populate_work, populate_work_fn);
	mutex_init(&b->trim_lock);
	b->stopping = true;
	INIT_LIST_HEAD(&b->shrink_node);
	b->kick_after = jiffies;
	INIT_WORK(&b->trim_work, trim_work_fn);
	INIT_DELAYED_WORK(&b->release_work, release_work_fn);
	return b;
}

/**
 * dax_backing_create() - stand for the data area of a pageless DAX device
 * @desc: description, not needed after the call
 *
 * Context: Process context, may sleep; not under a lock that a page fault may
 * hold.
 * Return: the backing, or an ERR_PTR(): -EINVAL for a range that is not aligned,
 * -EBUSY if the range is in use (perhaps by a backing whose file system is still
 * mounted), -ENOMEM, or what memremap_pages() says about the range.
 */
struct dax_backing *dax_backing_create(const struct dax_backing_desc *desc)
{
	struct dax_backing *b;
	int err = desc_check(desc);

	if (err)
		return ERR_PTR(err);
	b = backing_alloc(desc);
	if (!b)
		return ERR_PTR(-ENOMEM);
	b->res = request_mem_region(desc->resource, desc->resource_size,
				    b->name);
	if (!b->res) {
		kfree(b);
		return ERR_PTR(-EBUSY);
	}
	__module_get(THIS_MODULE);
	err = try_both_ends(b);
	if (err) {
		release_range(b);
		backing_free(b);
		return ERR_PTR(err);
	}
	return b;
}
EXPORT_SYMBOL_GPL(dax_backing_create);

/**
 * dax_backing_add_disk() - tell a backing its disk
 * @b: backing
 * @disk: added disk; who mounts it is found through it
 *
 * Context: Process context, may sleep.
 * Return: 0 or -errno. Without it the backing works, but shows nothing in sysfs
 * and gives nothing back.
 */
int dax_backing_add_disk(struct dax_backing *b, struct gendisk *disk)
{
	int err;

	b->disk = disk;
	err = sysfs_add(b);
	if (err)
		return err;
	b->shown = true;
	reclaim_start(b);
	return 0;
}
EXPORT_SYMBOL_GPL(dax_backing_add_disk);

/**
 * dax_backing_remove_disk() - undo dax_backing_add_disk(), failed or not
 * @b: backing
 *
 * Context: Process context, may sleep. Call before del_gendisk().
 */
void dax_backing_remove_disk(struct dax_backing *b)
{
	reclaim_stop(b);
	if (b->shown)
		sysfs_remove(b);
	b->shown = false;
	holder_note(b);
}
EXPORT_SYMBOL_GPL(dax_backing_remove_disk);

/**
 * dax_backing_kill() - the device is going
 * @b: backing; its DAX device is dead, so nobody asks for pfns any more
 *
 * Afterwards no user maps the memory (a touch raises SIGBUS), and the driver's
 * callbacks are not called any more. Struct pages stay: a file system that is
 * still mounted has entries pointing to them.
 *
 * Context: Process context, may sleep.
 */
void dax_backing_kill(struct dax_backing *b)
{
	if (!b->owner_pinned)
		b->owner_pinned = try_module_get(b->owner);
	populate_kill(b);
	move_kill(b);
	/* The last populates may have kicked it once more. */
	cancel_work_sync(&b->trim_work);
	if (b->disk)
		evict_unmap_all(b);
}
EXPORT_SYMBOL_GPL(dax_backing_kill);

/**
 * dax_backing_destroy() - the last user of the disk is gone
 * @b: backing, invalid after the call; killed, or its disk never added
 *
 * The range is free on return, or else as soon as no page of it is referenced.
 * The rest is left to a work item, because the last reference to the caller's
 * module may go with it.
 *
 * Context: Process context, may sleep. Under s_umount of a file system that is
 * being unmounted (6.1), which nests outside of the hotplug locks as it does
 * when a mount allocates a workqueue.
 */
void dax_backing_destroy(struct dax_backing *b)
{
	release_range(b);
	queue_delayed_work(drain_wq, &b->release_work, 0);
}
EXPORT_SYMBOL_GPL(dax_backing_destroy);

/**
 * dax_backing_flush() - wait until backings destroyed before the call are gone
 *
 * Afterwards they hold no module any more, unless a page of theirs is pinned.
 *
 * Context: Process context of a driver's probe or remove, may sleep. Also waits
 * for background trims that are running, whose every wait has a bound.
 */
void dax_backing_flush(void)
{
	flush_workqueue(drain_wq);
}
EXPORT_SYMBOL_GPL(dax_backing_flush);

/**
 * dax_backing_clear_hwpoison() - a range of the media was repaired
 * @b: backing
 * @offset: start in bytes
 * @len: length in bytes
 *
 * Context: Process context, in the driver's I/O path.
 * Return: true if a page of the range was poisoned.
 */
bool dax_backing_clear_hwpoison(struct dax_backing *b, u64 offset, u64 len)
{
	unsigned long pfn = PHYS_PFN(b->base + offset);
	unsigned long end = PHYS_PFN(b->base + offset + len);
	struct dev_pagemap *pgmap = NULL;
	bool poisoned = false;

	for (; pfn < end; pfn++) {
		/* Keeps the struct page, if there is one, while we look. */
		pgmap = get_dev_pagemap(pfn, pgmap);
		if (!pgmap || !TestClearPageHWPoison(pfn_to_page(pfn)))
			continue;
		clear_mce_nospec(pfn);
		poisoned = true;
	}
	put_dev_pagemap(pgmap);
	return poisoned;
}
EXPORT_SYMBOL_GPL(dax_backing_clear_hwpoison);

static int __init dax_backing_init(void)
{
	populate_wq = alloc_workqueue("dax_backing_populate",
				      WQ_UNBOUND | WQ_MEM_RECLAIM | WQ_HIGHPRI,
				      0);
	if (!populate_wq)
		return -ENOMEM;
	drain_wq = alloc_workqueue("dax_backing_drain", WQ_UNBOUND, 0);
	if (!drain_wq)
		goto destroy_populate_wq;
	if (reclaim_init())
		goto destroy_drain_wq;
	/*
	 * The first fsdax pagemap flips this key and the last one flips it back,
	 * each patching the kernel's text on all CPUs. Ours come and go: pay once.
	 */
	static_branch_inc(&devmap_managed_key);
	return 0;

destroy_drain_wq:
	destroy_workqueue(drain_wq);
destroy_populate_wq:
	destroy_workqueue(populate_wq);
	return -ENOMEM;
}

static void __exit dax_backing_exit(void)
{
	reclaim_exit();
	destroy_workqueue(drain_wq);
	destroy_workqueue(populate_wq);
	static_branch_dec(&devmap_managed_key);
}

module_init(dax_backing_init);
module_exit(dax_backing_exit);

MODULE_DESCRIPTION("Struct pages on demand for pageless DAX devices");
MODULE_LICENSE("GPL");
MODULE_VERSION(PINFOLD_VERSION);
