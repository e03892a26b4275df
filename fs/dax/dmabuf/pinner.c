// SPDX-License-Identifier: GPL-2.0
/*
 * The pin registry's side of an export: pages move, or go.
 *
 * These run in a worker, on behalf of somebody who may hold the locks of an inode and
 * mmap_lock. Importers take mmap_lock outside of the reservation lock, never inside.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/wait_bit.h>

#include "export.h"

/* How long a write-back may have to wait for an importer. */
#define FLUSH_PATIENCE	(HZ / 2)
/* How long a revoke waits for devices before it looks again. */
#define REVOKE_ROUND	HZ

struct pinner *export_pinner;

static int lock_until(struct export *e, unsigned long deadline)
{
	while (!dma_resv_trylock(&e->resv)) {
		if (time_after(jiffies, deadline))
			return -EBUSY;
		usleep_range(20, 200);
	}
	return 0;
}

/*
 * No device accesses the pages on success, but for those of importers that pinned: each
 * importer was told, what it had begun has ended, and its mapping leads nowhere.
 */
static int quiesce(struct export *e, unsigned long deadline)
{
	long left = max((long)(deadline - jiffies), 1L);
	struct attachment *a;
	struct mapping *m;

	if (!e->dmabuf)
		return 0;
	e->notifier = current;
	dma_buf_move_notify(e->dmabuf);
	e->notifier = NULL;
	if (dma_resv_wait_timeout(&e->resv, DMA_RESV_USAGE_BOOKKEEP, false,
				  left) <= 0)
		return -EBUSY;
	list_for_each_entry(a, &e->attachments, node) {
		if (attachment_pinned(a))
			continue;
		list_for_each_entry(m, &a->maps, node)
			mapping_undo(a, m);
	}
	return 0;
}

static int export_prepare(struct pin_handle *pin, unsigned long first,
			  unsigned long nr, unsigned long deadline)
{
	long left = max((long)(deadline - jiffies), 0L);
	struct export *e = pin_cookie(pin);
	int err;

	/* An answer at the deadline would be late. */
	deadline -= left / 4;
	err = lock_until(e, deadline);
	if (!err) {
		err = export_immovable(e) ? -EBUSY : quiesce(e, deadline);
		if (!err)
			atomic_long_add(nr, &e->moving);
		dma_resv_unlock(&e->resv);
	}
	if (err)
		atomic_long_inc(&export_stats.refused);
	else
		atomic_long_add(nr, &export_stats.moves);
	return err;
}

/* Importers map again when they need to, and see where the pages are. */
static void export_resume(struct pin_handle *pin, unsigned long first,
			  unsigned long nr)
{
	struct export *e = pin_cookie(pin);

	if (!atomic_long_sub_return(nr, &e->moving))
		wake_up_var(&e->moving);
}

/*
 * The pages are given back now; an importer that pinned goes on using them. Its table may
 * be scrambled while it has it, so the pages are those of the pin: they did not move.
 */
static void keep_pages(struct export *e, struct pin_handle *pin,
		       struct mapping *m)
{
	struct page *page;
	unsigned long i;

	if (m->gone || m->kept)
		return;
	for (i = 0; i < e->nr; i++) {
		page = pin_page(pin, i);
		if (!WARN_ON_ONCE(!page))
			get_page(page);
	}
	m->kept = true;
}

static void keep_pinned(struct export *e, struct pin_handle *pin)
{
	struct attachment *a;
	struct mapping *m;

	list_for_each_entry(a, &e->attachments, node) {
		list_for_each_entry(m, &a->maps, node)
			keep_pages(e, pin, m);
	}
}

/*
 * A buffer cannot lose a part: all of it goes. The registry bounds the wait for this,
 * which itself goes on until devices are out: the pages stay until then.
 */
static void export_revoke(struct pin_handle *pin, unsigned long first,
			  unsigned long nr, enum pin_revoke_why why)
{
	struct export *e = pin_cookie(pin);
	int err;

	if (!READ_ONCE(e->dead))
		atomic_long_inc(&export_stats.revoked);
	WRITE_ONCE(e->dead, true);
	/* Orders it against who is about to sleep. */
	smp_mb();
	wake_up_var(&e->moving);
	do {
		dma_resv_lock(&e->resv, NULL);
		err = quiesce(e, jiffies + REVOKE_ROUND);
		if (!err)
			keep_pinned(e, pin);
		dma_resv_unlock(&e->resv);
	} while (err);
	/* The others, too, when this has returned. */
	WARN_ON(pin_end(export_pinner, pin));
}

/* Only caches that are not coherent have anything to give. */
static void export_flush(struct pin_handle *pin, unsigned long first,
			 unsigned long nr)
{
	struct export *e = pin_cookie(pin);

	/* Pages move: no device has any, and importers who wait for the end have the lock. */
	if (atomic_long_read(&e->moving))
		return;
	/* An importer who has it for longer has not told anybody of data yet. */
	if (lock_until(e, jiffies + FLUSH_PATIENCE))
		return;
	export_sync(e, true);
	dma_resv_unlock(&e->resv);
}

static const struct pinner_ops pinner_ops = {
	.prepare = export_prepare,
	.commit = export_resume,
	.abort = export_resume,
	.revoke = export_revoke,
	.flush = export_flush,
};

int export_pinner_init(void)
{
	const struct pinner_desc desc = {
		.name = "dma-buf",
		.class = PIN_DEVICE_IO,
		.ops = &pinner_ops,
		.owner = THIS_MODULE,
	};
	struct pinner *p = pinner_register(&desc);

	if (IS_ERR(p))
		return PTR_ERR(p);
	export_pinner = p;
	return 0;
}

void export_pinner_exit(void)
{
	/* Pins hold the module: there is none. */
	WARN_ON(pinner_unregister(export_pinner, 1000));
}
