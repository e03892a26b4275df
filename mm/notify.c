// SPDX-License-Identifier: GPL-2.0
/*
 * The mapping of pinned user pages changes: let go of them, or follow.
 *
 *	event				DAX pages	others
 *	munmap, mremap, exec, exit	revoke		revoke
 *	clear: truncate, hole punch,	revoke		prepare, let go, and
 *	  copy on write, migration			pin again: follow.c
 *	write protection of a page	flush, make dirty again: follow.c
 *	  (write-back)
 *	mprotect, soft dirty		none: a pin outlives them
 *
 * A clear does not tell its reason. A DAX page is never migrated by the kernel, so
 * it is gone; of the others it is assumed that they migrate, and found out when
 * they are pinned again whether they did.
 */
#include <trace/events/pin_registry.h>

#include "registry.h"

/*
 * All pinners together may hold up whoever changes the mapping this long. What is
 * not done then is done when the callbacks return; the pages stay until then.
 */
#define NOTIFY_MAX_MS	30000

/* Pins that are dealt with before the window is searched again. */
#define BATCH	16

/**
 * struct cursor - a place in the tree of a window, which is ordered by both
 * @start: address where a pin starts
 * @serial: and the order of those that start there
 */
struct cursor {
	unsigned long start;
	unsigned long serial;
};

static bool is_after(const struct pin_user *u, const struct cursor *c)
{
	if (u->va.start != c->start)
		return u->va.start > c->start;
	return u->serial > c->serial;
}

/* The next pins of the window, with a reference each. Return: how many. */
static int next_pins(struct pin_window *w, unsigned long start,
		     unsigned long last, struct cursor *c,
		     struct pin_user **batch)
{
	struct interval_tree_node *it;
	int n = 0;

	spin_lock(&w->lock);
	lazy_plant(w);
	/* What is in the tree has a reference: its pinner's. */
	start = max(start, c->start);
	it = interval_tree_iter_first(&w->tree, start, last);
	for (; it && n < BATCH; it = interval_tree_iter_next(it, start, last)) {
		struct pin_user *u = container_of(it, struct pin_user, va);

		if (!is_after(u, c))
			continue;
		pin_get(&u->pin);
		batch[n++] = u;
	}
	spin_unlock(&w->lock);
	if (n)
		*c = (struct cursor){ batch[n - 1]->va.start,
				      batch[n - 1]->serial };
	return n;
}

/*
 * A mover unmaps nothing but what it moves. To unmap a part of a huge page's mapping
 * the kernel splits it, and notifies about the pages that stay as well: these are in
 * the same chunk.
 */
static bool moved_by_us(struct pin_handle *pin, struct pin_span where)
{
	struct page *page;
	struct pin_span run;
	bool ret;

	/* Under the lock: a move of another task may end and be gone. */
	spin_lock(&pin->lock);
	ret = pin->mover && pin->mover->task == current;
	spin_unlock(&pin->lock);
	if (ret || !pin->dax || !pin_find_run(pin, where, false, &run))
		return ret;
	page = pin_page(pin, run.first);
	return page && index_mover_here(page_to_pfn(page));
}

/* No longer than a callback of the pin may take, nor than all may take together. */
static int take_slot(struct pin_handle *pin, unsigned long deadline)
{
	unsigned long last = pin_deadline(pin);

	return pin_slot_take(pin, time_before(last, deadline) ? last : deadline,
			     false);
}

/*
 * The slot is taken; with -ETIMEDOUT it is lost. A pinner that refuses keeps its
 * pages: the kernel finds the references and does not migrate them.
 */
static int suspend(struct pin_user *u, struct pin_span where,
		   unsigned long deadline)
{
	struct pin_handle *pin = &u->pin;
	struct pinner *p = pin->pinner;
	bool may = pin_class_policy(p->class)->may_move && !pin_mover(pin);
	struct pin_span run, rest = where;
	int err = 0;

	while (pin_find_run(pin, rest, false, &run)) {
		err = -EBUSY;
		if (may)
			err = pin_call(pin, PIN_OP_PREPARE, run, 0, deadline);
		if (err == -ETIMEDOUT)
			return err;
		if (!err) {
			pin_drop(pin, run, PIN_SUSPENDED);
			follow_kick(u, 0);
		} else {
			pinner_stat_add(p, refused, run.nr);
		}
		rest.nr -= run.first + run.nr - rest.first;
		rest.first = run.first + run.nr;
	}
	return err;
}

static void clear(struct pin_user *u, struct pin_span where, bool ended,
		  unsigned long deadline)
{
	enum pin_revoke_why why = ended ? PIN_REVOKE_UNMAP : PIN_REVOKE_CLEAR;
	struct pin_handle *pin = &u->pin;
	int err;

	err = take_slot(pin, deadline);
	if (err == -ESTALE)
		return;
	if (err) {
		/* Whoever has the slot does it; until then the pages stay. */
		if (ended || pin->dax)
			pin_revoke_later(pin, where, why);
		return;
	}
	if (ended || pin->dax)
		err = pin_revoke(pin, where, why, deadline);
	else
		err = suspend(u, where, deadline);
	if (err != -ETIMEDOUT)
		pin_slot_release(pin);
}

/* Is the caller moving these pages? Then the pinner has stopped, and has given all it had. */
static bool stopped_by_us(struct pin_handle *pin, struct pin_span where)
{
	struct pin_move *m;
	unsigned long i;
	bool ret;

	spin_lock(&pin->lock);
	/* The move is ours, if it is: it does not go. */
	m = pin->mover;
	ret = m && m->task == current;
	for (i = where.first; ret && i < where.first + where.nr; i++)
		ret = pin_has_page(pin->pages[i]) &&
			page_to_pfn(pin->pages[i]) - m->src < m->nr;
	spin_unlock(&pin->lock);
	return ret;
}

/* Only files are written back: fork() protects anonymous memory as well. */
static void flush(struct pin_user *u, struct pin_span where,
		  unsigned long deadline)
{
	struct pin_handle *pin = &u->pin;
	int err;

	if (!(pin->flags & PIN_WRITE) || !pin->dax)
		return;
	spin_lock(&pin->lock);
	u->retag = true;
	spin_unlock(&pin->lock);
	follow_kick(u, 1);
	if (stopped_by_us(pin, where))
		return;
	/* Somebody who has the slot for long has stopped the pinner. */
	if (take_slot(pin, deadline))
		return;
	err = pin_call(pin, PIN_OP_FLUSH, where, 0, deadline);
	if (err != -ETIMEDOUT)
		pin_slot_release(pin);
}

static void notify_one(struct pin_user *u, unsigned long start,
		       unsigned long last, enum mmu_notifier_event event,
		       unsigned long deadline)
{
	unsigned long from = max(start, u->va.start);
	unsigned long to = min(last, u->va.last);
	struct pin_span where = {
		.first = (from - u->va.start) >> PAGE_SHIFT,
	};

	where.nr = ((to - u->va.start) >> PAGE_SHIFT) - where.first + 1;
	trace_pin_notify(&u->pin, event, where.first, where.nr);
	if (event == MMU_NOTIFY_PROTECTION_PAGE)
		flush(u, where, deadline);
	else if (!moved_by_us(&u->pin, where))
		clear(u, where, event == MMU_NOTIFY_UNMAP ||
		      event == MMU_NOTIFY_RELEASE, deadline);
}

static void notify_window(struct pin_window *w, unsigned long start,
			  unsigned long last, enum mmu_notifier_event event)
{
	struct pin_user *batch[BATCH];
	unsigned long deadline = jiffies + msecs_to_jiffies(NOTIFY_MAX_MS);
	struct cursor c = { 0, 0 };
	int n, i;

	while ((n = next_pins(w, start, last, &c, batch))) {
		for (i = 0; i < n; i++) {
			notify_one(batch[i], start, last, event, deadline);
			pin_put(&batch[i]->pin);
		}
	}
}

/* A caller that may not sleep has to come back if we have anything there. */
static bool nothing_there(struct pin_window *w, unsigned long start,
			  unsigned long last, unsigned long seq)
{
	bool ret;

	spin_lock(&w->lock);
	lazy_plant(w);
	ret = !interval_tree_iter_first(&w->tree, start, last);
	if (ret)
		mmu_interval_set_seq(&w->mni, seq);
	spin_unlock(&w->lock);
	return ret;
}

static bool invalidate(struct mmu_interval_notifier *mni,
		       const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	struct pin_window *w = container_of(mni, struct pin_window, mni);
	unsigned long last = range->end ? range->end - 1 : ULONG_MAX;

	if (!mmu_notifier_range_blockable(range))
		return nothing_there(w, range->start, last, seq);
	spin_lock(&w->lock);
	mmu_interval_set_seq(mni, seq);
	spin_unlock(&w->lock);
	if (range->event != MMU_NOTIFY_PROTECTION_VMA &&
	    range->event != MMU_NOTIFY_SOFT_DIRTY)
		notify_window(w, range->start, last, range->event);
	return true;
}

const struct mmu_interval_notifier_ops pin_notifier_ops = {
	.invalidate = invalidate,
};
