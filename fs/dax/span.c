// SPDX-License-Identifier: GPL-2.0
/*
 * Spans: chunks that get their struct pages, and lose them, together.
 */
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <compat/page.h>
#include <compat/rcu.h>
#include <trace/events/dax_backing.h>

#include "backing.h"

/*
 * Page-table pages that the direct map of a span may need: a PUD and a PMD page,
 * and a PTE page where the CPU has no huge pages.
 */
#define WARM_PAGES	3

static u64 span_offset(struct dax_span *span)
{
	return (u64)span->first << CHUNK_SHIFT;
}

static u64 span_bytes(struct dax_span *span)
{
	return (u64)span->nr << CHUNK_SHIFT;
}

static int span_memory_failure(struct dev_pagemap *pgmap, unsigned long pfn,
			       unsigned long nr_pages, int mf_flags)
{
	struct dax_span *span = container_of(pgmap, struct dax_span, pgmap);
	struct dax_backing *b = span->backing;
	int err = -EOPNOTSUPP;

	mutex_lock(&b->ops_lock);
	if (!b->dead)
		err = b->desc_ops->memory_failure(b->private,
						  PFN_PHYS(pfn) - b->base,
						  (u64)nr_pages << PAGE_SHIFT,
						  mf_flags);
	mutex_unlock(&b->ops_lock);
	return err;
}

static const struct dev_pagemap_ops span_pagemap_ops = {
	.memory_failure = span_memory_failure,
};

/*
 * x86's phys_pud_init() takes page-table pages with GFP_ATOMIC and does not look
 * at the result. Leave it some on this CPU's free lists, or find out here that
 * there are none.
 */
static int warm_page_lists(void)
{
	unsigned long page[WARM_PAGES];
	int nr, i;

	for (nr = 0; nr < WARM_PAGES; nr++) {
		page[nr] = __get_free_page(GFP_NOIO | __GFP_NOWARN);
		if (!page[nr])
			break;
	}
	for (i = 0; i < nr; i++)
		free_page(page[i]);
	return nr == WARM_PAGES ? 0 : -ENOMEM;
}

static void release_slots(struct dax_backing *b, unsigned long first,
			  unsigned long nr)
{
	unsigned long i;

	for (i = first; i < first + nr; i++)
		xa_erase(&b->spans, i);
}

/* After this, storing the span in its slots needs no memory. */
static int reserve_slots(struct dax_backing *b, unsigned long first,
			 unsigned long nr)
{
	unsigned long i;
	int err;

	for (i = first; i < first + nr; i++) {
		err = xa_reserve(&b->spans, i, GFP_NOIO | __GFP_NOWARN);
		if (err) {
			release_slots(b, first, i - first);
			return err;
		}
	}
	return 0;
}

static struct dax_span *span_alloc(struct dax_backing *b, unsigned long first,
				   unsigned long nr)
{
	struct dax_span *span;

	span = kzalloc(sizeof(*span), GFP_NOIO | __GFP_NOWARN);
	if (!span)
		return NULL;
	span->backing = b;
	span->first = first;
	span->nr = nr;
	atomic_set(&span->state, SPAN_LIVE);
	INIT_LIST_HEAD(&span->drain_node);
	span->pgmap.type = MEMORY_DEVICE_FS_DAX;
	span->pgmap.ops = &span_pagemap_ops;
	span->pgmap.owner = b;
	span->pgmap.nr_range = 1;
	span->pgmap.range.start = b->base + span_offset(span);
	span->pgmap.range.end = span->pgmap.range.start + span_bytes(span) - 1;
	return span;
}

/*
 * Adding and removing memory waits for RCU grace periods, 10 to 40 ms each when
 * the machine is idle; expedited ones take about a millisecond.
 */
static int span_add_pages(struct dax_span *span)
{
	void *addr;

	rcu_expedite_gp();
	addr = memremap_pages(&span->pgmap, span->backing->nid);
	rcu_unexpedite_gp();
	return PTR_ERR_OR_ZERO(addr);
}

static const struct pin_mover_ops span_mover_ops = {
	.move = move_for_registry,
};

/* Who pins pages of the span can be told that they move or go. */
static int span_join(struct dax_span *span)
{
	struct pin_range *range;

	range = pin_range_join(span->backing->name, page_to_pfn(span_page(span, 0)),
			       span_pages(span), &span_mover_ops, span);
	if (IS_ERR(range))
		return PTR_ERR(range);
	span->range = range;
	return 0;
}

static void span_remove_pages(struct dax_span *span)
{
	rcu_expedite_gp();
	memunmap_pages(&span->pgmap);
	rcu_unexpedite_gp();
}

static int span_insert(struct dax_span *span)
{
	struct dax_backing *b = span->backing;
	unsigned long i;
	int err;

	err = warm_page_lists();
	if (err)
		return err;
	err = reserve_slots(b, span->first, span->nr);
	if (err)
		return err;
	err = span_add_pages(span);
	if (err)
		goto release;
	err = span_join(span);
	if (err)
		goto remove;
	for (i = span->first; i < span->first + span->nr; i++) {
		xa_store(&b->spans, i, span, GFP_NOIO);
		WRITE_ONCE(*hot_slot(b, i), span);
	}
	list_add_tail(&span->node, &b->span_list);
	return 0;

remove:
	span_remove_pages(span);
release:
	release_slots(b, span->first, span->nr);
	return err;
}

/**
 * span_map() - give chunks struct pages
 * @b: backing
 * @first: first chunk
 * @nr: number of chunks; the span must not cross a memory section, because
 *	__add_pages() does not undo the sections before the one that failed
 *
 * Context: Process context, may sleep; map_lock held; never a fault's own
 * context (memremap_pages() takes hotplug locks that nest outside mmap_lock).
 * The caller prevents recursion into I/O (memalloc_noio_save()).
 * Return: the live span, or an ERR_PTR().
 */
struct dax_span *span_map(struct dax_backing *b, unsigned long first,
			  unsigned long nr)
{
	u64 start = ktime_get_ns(), ns;
	struct dax_span *span;
	int err;

	lockdep_assert_held(&b->map_lock);

	span = span_alloc(b, first, nr);
	err = span ? span_insert(span) : -ENOMEM;
	ns = ktime_get_ns() - start;
	trace_dax_backing_populate(b->name, (u64)first << CHUNK_SHIFT,
				   (u64)nr << CHUNK_SHIFT, err, ns);
	if (err) {
		atomic64_inc(&b->stats.failures);
		kfree(span);
		return ERR_PTR(err);
	}
	atomic64_add(nr, &b->stats.chunks);
	atomic64_inc(&b->stats.spans);
	atomic64_inc(&b->stats.populates);
	atomic64_add(ns, &b->stats.populate_ns);
	return span;
}

/**
 * span_unmap() - take a span's struct pages away
 * @span: a dead and idle span
 *
 * Context: Process context, may sleep; map_lock held.
 * Return: 0, or -EBUSY if a pin that holds no page reference is left in the pin
 * registry: nothing has happened then.
 */
int span_unmap(struct dax_span *span)
{
	struct dax_backing *b = span->backing;
	u64 start = ktime_get_ns();
	unsigned long i;
	int err;

	lockdep_assert_held(&b->map_lock);

	err = pin_range_leave(span->range);
	if (err)
		return err;
	for (i = span->first; i < span->first + span->nr; i++) {
		if (*hot_slot(b, i) == span)
			WRITE_ONCE(*hot_slot(b, i), NULL);
	}
	span_remove_pages(span);
	release_slots(b, span->first, span->nr);
	list_del(&span->node);
	atomic64_sub(span->nr, &b->stats.chunks);
	atomic64_dec(&b->stats.spans);
	trace_dax_backing_depopulate(b->name, span_offset(span),
				     span_bytes(span), 0,
				     ktime_get_ns() - start);
	kfree_rcu(span, rcu);
	return 0;
}

/**
 * span_idle() - does anybody use one of the span's pages?
 * @span: span whose struct pages cannot go away meanwhile
 *
 * A free fsdax page has a reference count of one. Its mapping says that a DAX
 * entry points to it. A poisoned page keeps its struct page, where the poison is
 * remembered. None of this holds the pagemap: this check is all there is between
 * memunmap_pages() and a page in use, so it counts only once nobody can be about
 * to take a reference.
 *
 * Context: Process context, may sleep.
 * Return: true if every page is unused.
 */
bool span_idle(struct dax_span *span)
{
	unsigned long i;

	for (i = 0; i < span_pages(span); i++) {
		struct page *page = span_page(span, i);

		if (page_ref_count(page) != 1 || READ_ONCE(page->mapping) ||
		    PageHWPoison(page))
			return false;
		if (i % CHUNK_PAGES == 0)
			cond_resched();
	}
	return true;
}

/**
 * span_lift_share() - lift marks of sharing that nobody is left to lift
 * @span: span of a disk that no file system is mounted from
 *
 * A page shared by reflink is marked as such instead of naming a file, and counts
 * its entries. 6.1 counts one too many, so the mark outlives the last entry, and
 * the next user of the page would be warned about.
 *
 * Context: Process context, may sleep; map_lock held, the span dead.
 */
void span_lift_share(struct dax_span *span)
{
	unsigned long i;

	for (i = 0; i < span_pages(span); i++) {
		struct page *page = span_page(span, i);

		if (page_ref_count(page) == 1 &&
		    READ_ONCE(page->mapping) == COMPAT_PAGE_MAPPING_SHARED) {
			page->mapping = NULL;
			page->index = 0;
		}
	}
}

/**
 * span_forget_poison() - lift the poison of unused pages, before they go for good
 * @span: span of a dead backing
 *
 * The struct pages are not the place where poison is remembered then: the driver
 * reads its list of bad blocks anew when it attaches the device again. Removing
 * poisoned pages would upset the kernel's count of them, which DAX pages are not
 * part of.
 *
 * Context: Process context, may sleep; map_lock held.
 */
void span_forget_poison(struct dax_span *span)
{
	unsigned long i;

	for (i = 0; i < span_pages(span); i++) {
		struct page *page = span_page(span, i);

		if (page_ref_count(page) == 1 && !READ_ONCE(page->mapping))
			ClearPageHWPoison(page);
	}
}
