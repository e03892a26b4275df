// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that joined: who owns it and how it moves. Single pages of the kernel are
 * moved by the memory manager itself, by compaction, offlining and contiguous
 * allocations: their page->mapping, page->lru and isolated flag are ours.
 */
#include <compat/migrate.h>
#include <linux/highmem.h>
#include <linux/migrate.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "registry.h"

/* pfn -> struct pin_range; read under RCU. */
static DEFINE_XARRAY(ranges);
/* Covers the check for overlaps when memory joins. */
static DEFINE_MUTEX(join_lock);

static const struct movable_operations movable_ops;

/* Return: the range of a page, with a user for the caller, or NULL. */
struct pin_range *range_get(unsigned long pfn)
{
	struct pin_range *range;

	rcu_read_lock();
	range = xa_load(&ranges, pfn);
	if (range && !refcount_inc_not_zero(&range->users))
		range = NULL;
	rcu_read_unlock();
	return range;
}

/* Return: true if the page joined by itself, and its range moves along with it. */
bool range_of_page(unsigned long pfn)
{
	struct pin_range *range = range_get(pfn);
	bool ret = range && range->page;

	if (range)
		range_put(range);
	return ret;
}

void range_put(struct pin_range *range)
{
	/* Leaving takes the last one: see pin_range_leave(). */
	refcount_dec(&range->users);
}

static struct pin_range *range_alloc(const char *name, unsigned long pfn,
				     unsigned long nr,
				     const struct pin_mover_ops *ops,
				     void *cookie)
{
	struct pin_range *range = kzalloc(sizeof(*range), GFP_KERNEL);

	if (!range)
		return NULL;
	refcount_set(&range->users, 1);
	range->name = name;
	range->pfn = pfn;
	range->nr = nr;
	range->ops = ops;
	range->cookie = cookie;
	return range;
}

/* Needs no memory: what was stored is erased as a whole. */
static void erase(struct pin_range *range)
{
	unsigned long last = range->pfn + range->nr - 1, pfn;
	struct pin_range *entry;

	xa_for_each_range(&ranges, pfn, entry, range->pfn, last)
		xa_erase(&ranges, pfn);
}

static int store(struct pin_range *range)
{
	unsigned long index = range->pfn, last = range->pfn + range->nr - 1;
	int err;

	mutex_lock(&join_lock);
	if (xa_find(&ranges, &index, last, XA_PRESENT))
		err = -EBUSY;
	else
		err = xa_err(xa_store_range(&ranges, range->pfn, last, range,
					    GFP_KERNEL));
	if (err && err != -EBUSY)
		erase(range);
	mutex_unlock(&join_lock);
	return err;
}

/**
 * pin_range_join() - memory joins the registry
 * @name: of the owner; not copied
 * @pfn: first page; its struct page must stay until pin_range_leave()
 * @nr: number of pages
 * @ops: how it moves; not copied
 * @cookie: for the owner, see pin_range_cookie()
 *
 * Context: Process context, may sleep.
 * Return: the range or an ERR_PTR(): -EINVAL for an empty or overflowing range or
 * no @ops, -EBUSY if a part has joined already, -ENOMEM.
 */
struct pin_range *pin_range_join(const char *name, unsigned long pfn,
				 unsigned long nr,
				 const struct pin_mover_ops *ops, void *cookie)
{
	struct pin_range *range;
	int err;

	if (!name || !ops || !nr || pfn + nr < pfn)
		return ERR_PTR(-EINVAL);
	range = range_alloc(name, pfn, nr, ops, cookie);
	if (!range)
		return ERR_PTR(-ENOMEM);
	err = store(range);
	if (err) {
		kfree_rcu(range, rcu);
		return ERR_PTR(err);
	}
	return range;
}
EXPORT_SYMBOL_GPL(pin_range_join);

/* A page that has left keeps a mark, without which it could not be freed. */
static bool unused_mapping(struct page *page)
{
	unsigned long mapping = (unsigned long)page->mapping;

	return !mapping || mapping == PAGE_MAPPING_MOVABLE;
}

/**
 * pin_range_join_page() - a page of the kernel joins, and becomes movable
 * @name: of the owner; not copied
 * @page: a page of order 0, not of slab, of which the caller has the only
 *	reference; page->mapping, page->lru and the isolated flag are the
 *	registry's until it leaves
 * @ops: @moved is called when it has moved; @move is not used
 * @cookie: for the owner
 *
 * The page can move as soon as this returns: who looks at it needs a pin.
 *
 * Context: Process context, may sleep.
 * Return: see pin_range_join().
 */
struct pin_range *pin_range_join_page(const char *name, struct page *page,
				      const struct pin_mover_ops *ops,
				      void *cookie)
{
	struct pin_range *range;
	int err;

	if (!name || !page || !ops || PageCompound(page) || PageSlab(page) ||
	    !unused_mapping(page) || is_zone_device_page(page))
		return ERR_PTR(-EINVAL);
	range = range_alloc(name, page_to_pfn(page), 1, ops, cookie);
	if (!range)
		return ERR_PTR(-ENOMEM);
	range->page = true;
	err = store(range);
	if (err) {
		kfree_rcu(range, rcu);
		return ERR_PTR(err);
	}
	lock_page(page);
	__SetPageMovable(page, &movable_ops);
	unlock_page(page);
	return range;
}
EXPORT_SYMBOL_GPL(pin_range_join_page);

/*
 * Lock the page of a range, wherever it has moved meanwhile: with the lock held it
 * does not move. The extra reference keeps a page that is just being left by the
 * range from becoming something else.
 */
static struct page *lock_range_page(struct pin_range *range)
{
	for (;;) {
		struct page *page = pfn_to_page(READ_ONCE(range->pfn));

		if (!get_page_unless_zero(page)) {
			cpu_relax();
			continue;
		}
		if (page_to_pfn(page) == READ_ONCE(range->pfn)) {
			lock_page(page);
			if (page_to_pfn(page) == range->pfn)
				return page;
			unlock_page(page);
		}
		put_page(page);
	}
}

static void unlock_range_page(struct page *page)
{
	unlock_page(page);
	put_page(page);
}

/**
 * pin_range_leave() - memory leaves the registry
 * @range: the range
 *
 * A page that joined by pin_range_join_page() may still be on a list of the memory
 * manager: it can be freed or join again, and nothing else.
 *
 * Context: Process context, may sleep.
 * Return: 0: the range is gone, and a page is not moved any more; or -EBUSY if one
 * of its pages is pinned or moving. (Pins of user mappings hold page references
 * instead: the owner has made sure that there are none.)
 */
int pin_range_leave(struct pin_range *range)
{
	struct page *page = NULL;
	int err = 0;

	if (range->page)
		page = lock_range_page(range);
	if (!refcount_dec_if_one(&range->users)) {
		err = -EBUSY;
		goto out;
	}
	erase(range);
	if (page)
		__ClearPageMovable(page);
	kfree_rcu(range, rcu);
out:
	if (page)
		unlock_range_page(page);
	return err;
}
EXPORT_SYMBOL_GPL(pin_range_leave);

/**
 * pin_range_cookie() - what the owner passed when it joined
 * @range: range
 *
 * Context: Any.
 * Return: the cookie.
 */
void *pin_range_cookie(const struct pin_range *range)
{
	return range->cookie;
}
EXPORT_SYMBOL_GPL(pin_range_cookie);

/**
 * pin_range_page() - the page of a range now
 * @range: from pin_range_join_page()
 *
 * Context: Any; stays true while a pin of the page is in use.
 * Return: the page.
 */
struct page *pin_range_page(const struct pin_range *range)
{
	return pfn_to_page(READ_ONCE(range->pfn));
}
EXPORT_SYMBOL_GPL(pin_range_page);

/* Both pages are locked; the range has a user. */
static int move_locked(struct pin_range *range, struct page *dst,
		       struct page *src, unsigned long deadline, bool atomic)
{
	struct pin_move move;
	int err;

	err = pin_move_begin(&move, page_to_pfn(src), page_to_pfn(dst), 1,
			     deadline, atomic);
	if (err)
		return err;
	err = xa_insert(&ranges, page_to_pfn(dst), range,
			GFP_NOWAIT | __GFP_NOWARN);
	if (err) {
		pin_move_abort(&move);
		return err;
	}
	copy_highpage(dst, src);
	__SetPageMovable(dst, &movable_ops);
	/* The owner's reference goes along with the contents. */
	get_page(dst);
	WRITE_ONCE(range->pfn, page_to_pfn(dst));
	xa_erase(&ranges, page_to_pfn(src));
	if (range->ops->moved)
		range->ops->moved(range, dst, src, atomic);
	pin_move_commit(&move);
	__ClearPageMovable(src);
	put_page(src);
	return 0;
}

/* Compaction and others hold a reference, and decide about the page's pins later. */
static bool isolate_page(struct page *page, isolate_mode_t mode)
{
	return true;
}

/* How long the memory manager waits for the pinners of one page. */
#define MIGRATE_PATIENCE_MS	1000
/* The same in somebody's allocation. */
#define COMPACT_PATIENCE_MS	100

static int migrate_page(struct page *dst, struct page *src,
			enum migrate_mode mode)
{
	unsigned long deadline = jiffies +
		msecs_to_jiffies(mode == MIGRATE_SYNC ? MIGRATE_PATIENCE_MS :
				 COMPACT_PATIENCE_MS);
	struct pin_range *range;
	int err;

	if (!compat_migrate_copies(mode))
		return -EINVAL;
	/* The page lock keeps the range from leaving. */
	range = range_get(page_to_pfn(src));
	if (WARN_ON_ONCE(!range))
		return -EINVAL;
	err = move_locked(range, dst, src, deadline, mode == MIGRATE_ASYNC);
	range_put(range);
	/* -EAGAIN is tried again at once, which a refusal is not worth. */
	if (err == -EBUSY || err == -ETIMEDOUT)
		return -EBUSY;
	return err ? -EAGAIN : MIGRATEPAGE_SUCCESS;
}

static void putback_page(struct page *page)
{
}

static const struct movable_operations movable_ops = {
	.isolate_page = isolate_page,
	.migrate_page = migrate_page,
	.putback_page = putback_page,
};

/* Move the page of a range to a new one, as the memory manager would. */
int range_move_page(struct pin_range *range, unsigned long deadline)
{
	struct page *src, *dst;
	int err = -EAGAIN;

	dst = alloc_page(GFP_KERNEL | __GFP_HIGHMEM | __GFP_MOVABLE);
	if (!dst)
		return -ENOMEM;
	src = lock_range_page(range);
	lock_page(dst);
	/* Somebody else is about to move it: to the same effect. */
	if (!PageIsolated(src))
		err = move_locked(range, dst, src, deadline, false);
	unlock_page(dst);
	unlock_range_page(src);
	/* Now the range's, or free. */
	put_page(dst);
	return err;
}
