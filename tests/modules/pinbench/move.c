// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel pages that compaction can move: by movable_operations of their own, as
 * those of zsmalloc, or by the registry's.
 */
#include <compat/migrate.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pin_registry.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "pinbench.h"

#define MAX_PAGES	BIT(20)

/**
 * struct object - a page with its owner's data
 * @lock: covers @page
 * @page: where it is
 * @range: if it joined
 * @pin: and is pinned
 */
struct object {
	spinlock_t lock;	/* see above */
	struct page *page;
	struct pin_range *range;
	struct pin_handle *pin;
};

static struct object *objects;
static unsigned long nr_objects;
static atomic_t moved;

/* --- without the registry ------------------------------------------------- */

static bool plain_isolate(struct page *page, isolate_mode_t mode)
{
	return true;
}

static void plain_putback(struct page *page)
{
}

static const struct movable_operations plain_ops;

static int plain_migrate(struct page *dst, struct page *src,
			 enum migrate_mode mode)
{
	struct object *o = (struct object *)page_private(src);

	if (!compat_migrate_copies(mode))
		return -EINVAL;
	spin_lock(&o->lock);
	copy_highpage(dst, src);
	set_page_private(dst, (unsigned long)o);
	set_page_private(src, 0);
	__SetPageMovable(dst, &plain_ops);
	get_page(dst);
	o->page = dst;
	spin_unlock(&o->lock);
	__ClearPageMovable(src);
	put_page(src);
	atomic_inc(&moved);
	return MIGRATEPAGE_SUCCESS;
}

static const struct movable_operations plain_ops = {
	.isolate_page = plain_isolate,
	.migrate_page = plain_migrate,
	.putback_page = plain_putback,
};

static void plain_own(struct object *o)
{
	lock_page(o->page);
	set_page_private(o->page, (unsigned long)o);
	__SetPageMovable(o->page, &plain_ops);
	unlock_page(o->page);
}

/* Lock the page wherever it is; with the lock held it stays there. */
static struct page *plain_lock(struct object *o)
{
	for (;;) {
		struct page *page;

		spin_lock(&o->lock);
		page = o->page;
		get_page(page);
		spin_unlock(&o->lock);
		lock_page(page);
		if (page == READ_ONCE(o->page))
			return page;
		unlock_page(page);
		put_page(page);
	}
}

static void plain_disown(struct object *o)
{
	struct page *page = plain_lock(o);

	set_page_private(page, 0);
	__ClearPageMovable(page);
	unlock_page(page);
	put_page(page);
}

/* --- with the registry ----------------------------------------------------- */

static void registry_moved(struct pin_range *range, struct page *dst,
			   struct page *src, bool atomic)
{
	struct object *o = pin_range_cookie(range);

	o->page = dst;
	atomic_inc(&moved);
}

static const struct pin_mover_ops registry_ops = {
	.moved = registry_moved,
};

static int registry_own(struct object *o, bool pinned)
{
	struct pin_range *range = pin_range_join_page("pinbench", o->page,
						      &registry_ops, o);
	struct pin_handle *pin;

	if (IS_ERR(range))
		return PTR_ERR(range);
	o->range = range;
	if (!pinned)
		return 0;
	pin = pin_pages(pinbench_atomic, o->page, 1, PIN_WRITE, o, "benchmark");
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	o->pin = pin;
	return 0;
}

static void registry_disown(struct object *o)
{
	if (o->pin) {
		pin_end(pinbench_atomic, o->pin);
		pin_put(o->pin);
	}
	/* It may be on its way. */
	while (pin_range_leave(o->range))
		cond_resched();
	o->page = pin_range_page(o->range);
}

/* --- both ------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/*
 * Of 2 * @nr pages about every other one stays, and the next is a hole. The holes have
 * even numbers: after a block without any, compaction looks at every second, fourth
 * and so on page only (the stride of isolate_freepages()), and would find no others.
 */
static int alloc_with_holes(unsigned long nr)
{
	unsigned long i, kept = 0;
	int err = 0;

	nr *= 2;

	for (i = 0; i < nr; i++) {
		objects[i].page = alloc_page(GFP_HIGHUSER_MOVABLE |
					     __GFP_NOWARN);
		if (!objects[i].page) {
			err = -ENOMEM;
			nr = i;
			break;
		}
	}
	sort(objects, nr, sizeof(*objects), by_address, NULL);
	for (i = 0; i < nr; i++) {
		struct page *page = objects[i].page;

		if (err || !(page_to_pfn(page) % 2)) {
			__free_page(page);
			continue;
		}
		objects[kept] = (struct object){ .page = page };
		spin_lock_init(&objects[kept].lock);
		kept++;
	}
	nr_objects = kept;
	return err;
}

int move_prepare(const struct pinbench_job *job)
{
	unsigned long i;
	int err;

	if (objects || !job->nr || job->nr > MAX_PAGES)
		return -EINVAL;
	atomic_set(&moved, 0);
	objects = kvcalloc(2 * job->nr, sizeof(*objects), GFP_KERNEL);
	if (!objects)
		return -ENOMEM;
	err = alloc_with_holes(job->nr);
	if (err) {
		kvfree(objects);
		objects = NULL;
		return err;
	}
	for (i = 0; i < nr_objects && !err; i++) {
		struct object *o = &objects[i];

		clear_highpage(o->page);
		if (job->kind == PINBENCH_PEER)
			plain_own(o);
		else
			err = registry_own(o, job->kind != PINBENCH_UNPINNED);
		if (i % 256 == 0)
			cond_resched();
	}
	if (err)
		move_drop();
	return err;
}

int move_moved(void)
{
	return atomic_read(&moved);
}

void move_drop(void)
{
	unsigned long i;

	for (i = 0; i < nr_objects; i++) {
		struct object *o = &objects[i];

		if (o->range)
			registry_disown(o);
		else if (__PageMovable(o->page))
			plain_disown(o);
		__free_page(o->page);
		if (i % 256 == 0)
			cond_resched();
	}
	nr_objects = 0;
	kvfree(objects);
	objects = NULL;
}
