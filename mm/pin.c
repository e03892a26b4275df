// SPDX-License-Identifier: GPL-2.0
/*
 * Pins: making, ending, and looking them up.
 */
#define pr_fmt(fmt) "pin_registry: " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <trace/events/pin_registry.h>

#include "registry.h"

/* An array of page pointers for more than this is not a reasonable request. */
#define MAX_PIN_PAGES	BIT(28)

static struct kmem_cache *pin_cache;
static struct kmem_cache *node_cache;

static int callback_alloc(struct pin_handle *pin)
{
	pin->callback = kzalloc(sizeof(*pin->callback), GFP_KERNEL);
	if (!pin->callback)
		return -ENOMEM;
	pin->callback->pin = pin;
	init_completion(&pin->callback->done);
	INIT_WORK(&pin->callback->work, pin_callback_fn);
	return 0;
}

/*
 * A pin that nobody can find yet, with room for its pages. @cache holds struct
 * pin_handle, or what begins with one.
 *
 * Return: the pin with a reference for the pinner, or an ERR_PTR().
 */
struct pin_handle *pin_alloc(struct pinner *p, struct kmem_cache *cache,
			     unsigned long nr, unsigned int flags, void *cookie,
			     const char *why)
{
	struct pin_handle *pin;
	int err;

	if (IS_ERR_OR_NULL(p) || flags & ~PIN_WRITE)
		return ERR_PTR(-EINVAL);
	err = pinner_live_get(p);
	if (err)
		return ERR_PTR(err);
	pin = kmem_cache_zalloc(cache, GFP_KERNEL);
	if (unlikely(!pin)) {
		pinner_live_put(p);
		pinner_put(p);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&pin->ref, 1);
	pin->starting = true;
	spin_lock_init(&pin->lock);
	pin->flags = flags;
	pin->pinner = p;
	pin->timeout = p->timeout;
	pin->cookie = cookie;
	pin->why = why ?: "";
	pin->since = ktime_get_mono_fast_ns();
	pin->tgid = current->tgid;
	pin->nr = nr;
	pin->pages = &pin->one;
	pin->user = cache != pin_cache;
	if (nr > 1) {
		pin->pages = kvmalloc_array(nr, sizeof(*pin->pages),
					    GFP_KERNEL | __GFP_NOWARN);
		if (!pin->pages)
			goto no_memory;
	}
	if (!(p->flags & PINNER_ATOMIC) && callback_alloc(pin))
		goto no_memory;
	return pin;

no_memory:
	pinner_live_put(p);
	pin_free(pin);
	return ERR_PTR(-ENOMEM);
}

/* The memory of a pin without nodes. */
void pin_free(struct pin_handle *pin)
{
	struct pinner *p = pin->pinner;

	kfree(pin->callback);
	if (pin->pages != &pin->one)
		kvfree(pin->pages);
	if (pin->user)
		user_free(to_user(pin));
	else
		kmem_cache_free(pin_cache, pin);
	pinner_put(p);
}

static struct pin_node *node_alloc(struct pin_handle *pin, gfp_t gfp)
{
	/* Used once: a pin's nodes may be made and freed side by side later. */
	if (!pin->node.pin)
		return &pin->node;
	return kmem_cache_alloc(node_cache, gfp);
}

static void node_free(struct pin_handle *pin, struct pin_node *node)
{
	if (node != &pin->node)
		kmem_cache_free(node_cache, node);
}

/* How many of the pages are contiguous, in one chunk? */
static unsigned long run_length(struct page **pages, unsigned long most)
{
	unsigned long pfn = page_to_pfn(pages[0]), n;

	most = min(most, PIN_CHUNK_PAGES - pfn % PIN_CHUNK_PAGES);
	for (n = 1; n < most; n++) {
		if (pages[n] != pages[0] + n)
			break;
	}
	return n;
}

static struct pin_node *make_node(struct pin_handle *pin, unsigned long pfn,
				  struct pin_span where,
				  struct pin_range *range, gfp_t gfp)
{
	struct pin_node *node = node_alloc(pin, gfp);
	int err;

	if (!node)
		return ERR_PTR(-ENOMEM);
	err = index_node_init(node, pin, pfn, where.nr, where.first, gfp);
	if (err) {
		node_free(pin, node);
		return ERR_PTR(err);
	}
	node->range = range;
	return node;
}

/*
 * Make nodes for @pages, which are or shall become pages @where of the pin. They
 * are on @nodes, not on the pin's list yet.
 */
int pin_make_nodes(struct pin_handle *pin, struct page **pages,
		   struct pin_span where, struct pin_node **nodes, gfp_t gfp)
{
	struct pin_range *range = NULL;
	struct pin_node *node;
	unsigned long i;
	int err;

	*nodes = NULL;
	for (i = 0; i < where.nr; i += node->it.last - node->it.start + 1) {
		unsigned long pfn = page_to_pfn(pages[i]);
		struct pin_span span = {
			.first = where.first + i,
			.nr = run_length(pages + i, where.nr - i),
		};

		if (!pin->user) {
			err = -ENXIO;
			range = range_get(pfn);
			if (!range)
				goto undo;
			/* A single page may be moving away right now. */
			span.nr = range->page ? 1 :
				min(span.nr, range->pfn + range->nr - pfn);
		}
		node = make_node(pin, pfn, span, range, gfp);
		if (IS_ERR(node)) {
			err = PTR_ERR(node);
			if (range)
				range_put(range);
			goto undo;
		}
		node->next = *nodes;
		*nodes = node;
	}
	return 0;

undo:
	pin_free_nodes(pin, *nodes);
	*nodes = NULL;
	return err;
}

/*
 * Make the node for pages @where, which are at @src and shall move to @dst.
 *
 * Return: the node or an ERR_PTR().
 */
struct pin_node *pin_make_moved_node(struct pin_handle *pin, unsigned long src,
				     unsigned long dst, struct pin_span where,
				     gfp_t gfp)
{
	struct pin_range *range = NULL;
	struct pin_node *node;

	if (!pin->user) {
		/* A single page takes its range along. */
		range = range_get(dst) ?: range_get(src);
		if (!range)
			return ERR_PTR(-ENXIO);
	}
	node = make_node(pin, dst, where, range, gfp);
	if (IS_ERR(node) && range)
		range_put(range);
	return node;
}

/* Free nodes that are not linked. */
void pin_free_nodes(struct pin_handle *pin, struct pin_node *nodes)
{
	while (nodes) {
		struct pin_node *node = nodes;

		nodes = node->next;
		index_node_fini(node);
		node_free(pin, node);
	}
}

/*
 * Make the pin findable by @nodes. A pin that is starting becomes one when all are
 * linked; others are under their lock, and go through pin_add_node() first.
 *
 * Return: see index_link(); with an error nothing has happened.
 */
int pin_link_nodes(struct pin_handle *pin, struct pin_node *nodes)
{
	struct pin_node *node, *undo;
	int err;

	for (node = nodes; node; node = node->next) {
		err = index_link(node);
		if (err)
			goto undo;
		if (!node->next)
			break;
	}
	if (node) {
		node->next = pin->nodes;
		pin->nodes = nodes;
	}
	/* Pairs with index_starting(). */
	smp_store_release(&pin->starting, false);
	return 0;

undo:
	for (undo = nodes; undo != node; undo = undo->next)
		index_unlink(undo);
	return err;
}

static unsigned long node_nr(const struct pin_node *node)
{
	return node->it.last - node->it.start + 1;
}

static bool overlaps(const struct pin_node *node, struct pin_span where)
{
	return node->first < where.first + where.nr &&
		where.first < node->first + node_nr(node);
}

/* Cut from a node that is not linked what another one of the pin finds as well. */
static void cut_node(struct pin_node *node, const struct pin_node *by)
{
	unsigned long last = node->first + node_nr(node) - 1;
	unsigned long by_last = by->first + node_nr(by) - 1;

	if (by->first <= node->first) {
		unsigned long n = by_last + 1 - node->first;

		node->first += n;
		node->it.start += n;
	} else {
		node->it.last -= last + 1 - by->first;
	}
}

static bool within(const struct pin_node *inner, const struct pin_node *outer)
{
	return inner->first >= outer->first &&
		inner->first + node_nr(inner) <= outer->first + node_nr(outer);
}

/*
 * A page must be found by one node only. Nodes are not cut when pages leave, so one
 * may be left that finds the pages of a new one, if they are back where they were.
 * Make @node, which is not linked yet, find the rest. Under the pin's lock.
 *
 * Return: nodes to be freed: those that are not needed, maybe @node itself, which
 * has no place on the pin's list then.
 */
struct pin_node *pin_add_node(struct pin_handle *pin, struct pin_node *node)
{
	struct pin_span where = { node->first, node_nr(node) };
	struct pin_node **link = &pin->nodes, *old, *gone = NULL;

	while ((old = *link)) {
		if (old->it.start - old->first != node->it.start - node->first ||
		    !overlaps(old, where)) {
			link = &old->next;
			continue;
		}
		if (within(node, old)) {
			node->next = gone;
			return node;
		}
		if (within(old, node)) {
			*link = old->next;
			index_unlink(old);
			old->next = gone;
			gone = old;
			continue;
		}
		cut_node(node, old);
		link = &old->next;
	}
	return gone;
}

/*
 * Drop the nodes of pages @where that find no page any more, or all of them if the
 * pin has ended; the caller has the slot.
 */
void pin_prune_nodes(struct pin_handle *pin, struct pin_span where)
{
	struct pin_node **link, *node, *gone = NULL;
	struct pin_span span;

	spin_lock(&pin->lock);
	link = &pin->nodes;
	while ((node = *link)) {
		if (!(pin->state & PIN_ENDED) &&
		    (!overlaps(node, where) ||
		     index_node_span(node, 0, ULONG_MAX, &span))) {
			link = &node->next;
			continue;
		}
		*link = node->next;
		index_unlink(node);
		node->next = gone;
		gone = node;
	}
	spin_unlock(&pin->lock);
	pin_free_nodes(pin, gone);
}

/* References of user pages go. No folio lock: a notifier may hold it. */
void pin_put_run(struct pin_handle *pin, struct page *page,
			 unsigned long nr)
{
	unsigned long i;

	/*
	 * What set_page_dirty() does for anonymous, shmem and huge pages, the
	 * only ones that are pinned for writing. DAX marks its own entries.
	 */
	if ((pin->flags & PIN_WRITE) && !is_zone_device_page(page)) {
		for (i = 0; i < nr; i++)
			SetPageDirty(compound_head(page + i));
	}
	unpin_user_page_range_dirty_lock(page, nr, false);
}

/*
 * Find the first run of pages that the pin has, or that are suspended.
 *
 * Return: false if there are none in @in.
 */
bool pin_find_run(struct pin_handle *pin, struct pin_span in, bool suspended,
		  struct pin_span *run)
{
	unsigned long i;

	run->nr = 0;
	spin_lock(&pin->lock);
	for (i = in.first; i < in.first + in.nr; i++) {
		struct page *page = pin->pages[i];

		if (suspended ? page == PIN_SUSPENDED : pin_has_page(page)) {
			if (!run->nr)
				run->first = i;
			run->nr++;
		} else if (run->nr) {
			break;
		}
	}
	spin_unlock(&pin->lock);
	return run->nr;
}

/*
 * Pages leave the pin, and read @mark, NULL or PIN_SUSPENDED, from now on. The
 * caller has the slot.
 */
void pin_drop(struct pin_handle *pin, struct pin_span where, struct page *mark)
{
	unsigned long i = where.first, end = where.first + where.nr;
	unsigned long gone = 0;

	while (i < end) {
		struct page *page = NULL;
		unsigned long n = 0;

		spin_lock(&pin->lock);
		for (; i < end; i++) {
			struct page *p = pin->pages[i];

			if (!pin_has_page(p)) {
				if (n)
					break;
				WRITE_ONCE(pin->pages[i],
					   p ? mark : NULL);
				continue;
			}
			if (n && p != page + n)
				break;
			if (!n)
				page = p;
			WRITE_ONCE(pin->pages[i], mark);
			n++;
		}
		spin_unlock(&pin->lock);
		gone += n;
		if (n && pin->user)
			pin_put_run(pin, page, n);
	}
	if (gone)
		pin_prune_nodes(pin, where);
}

static unsigned int age_bar(u64 ns)
{
	u64 us = div_u64(ns, NSEC_PER_USEC);

	return min_t(unsigned int, fls64(us), PIN_AGE_BARS - 1);
}

/* The pin can be found now. */
void pin_started(struct pin_handle *pin)
{
	struct pinner *p = pin->pinner;

	pinner_stat_add(p, pins, 1);
	pinner_stat_add(p, pages, pin->nr);
	trace_pin_start(pin, p->name, pin->why, 0, pin->nr, 0);
}

/*
 * The end of a pin: nobody finds it, it has no pages, its pinner is not called. The
 * caller has the slot.
 */
void pin_finish_end(struct pin_handle *pin)
{
	struct pin_span all = { 0, pin->nr };
	struct pinner *p = pin->pinner;
	struct pin_late *late;
	u64 age = ktime_get_mono_fast_ns() - pin->since;

	trace_pin_end(pin, p->name, pin->why, 0, pin->nr, 0);
	pinner_stat_add(p, pins, -1);
	pinner_stat_add(p, pages, -(s64)pin->nr);
	pinner_stat_add(p, age[age_bar(age)], 1);

	spin_lock(&pin->lock);
	pin->state |= PIN_ENDED;
	/* Nobody is told any more. */
	pin->pending = 0;
	late = pin->late;
	pin->late = NULL;
	spin_unlock(&pin->lock);
	while (late) {
		struct pin_late *next = late->next;

		kfree(late);
		late = next;
	}
	if (pin->user)
		user_end(to_user(pin));
	pin_prune_nodes(pin, all);
	pin_drop(pin, all, NULL);
	pinner_live_put(p);
}

/* A callback of the pin is what runs here. */
static bool in_own_callback(struct pin_handle *pin)
{
	if (READ_ONCE(pin->runner) == current)
		return true;
	return pin->callback && current_work() == &pin->callback->work;
}

/**
 * pin_end() - end a pin
 * @pinner: who made it
 * @pin: the pin; the handle stays valid until pin_put()
 *
 * Context: Process context, may sleep while a callback of the pin runs, at most
 * for the time a callback may take. May be called by a callback of the pin.
 * Return: 0 if no callback of the pin will run, nor runs except for the caller.
 * -EINPROGRESS if one is still running after that time: the pin ends when it
 * returns. -EALREADY if the pin has ended before. -EPERM if it is of another
 * pinner, -EINVAL if it is no pin.
 */
int pin_end(struct pinner *pinner, struct pin_handle *pin)
{
	int err;

	if (IS_ERR_OR_NULL(pin) || IS_ERR_OR_NULL(pinner))
		return -EINVAL;
	if (unlikely(pin->pinner != pinner)) {
		pr_err_once("pinner %s: tried to end a pin of another pinner\n",
			    pinner->name);
		return -EPERM;
	}
	if (unlikely(in_own_callback(pin))) {
		pin_end_later(pin);
		return 0;
	}
	err = pin_slot_take(pin, jiffies + pinner->timeout, false);
	if (err == -ESTALE)
		return -EALREADY;
	if (err) {
		pin_end_later(pin);
		return -EINPROGRESS;
	}
	pin_finish_end(pin);
	pin_slot_release(pin);
	return 0;
}
EXPORT_SYMBOL_GPL(pin_end);

/* How long a new pin waits for a move of its pages to end. */
#define MOVE_PATIENCE_MS	1000

static int start_pages(struct pin_handle *pin)
{
	unsigned long end = jiffies + msecs_to_jiffies(MOVE_PATIENCE_MS);
	struct pin_span all = { 0, pin->nr };
	struct pin_node *nodes;
	int err;

	err = pin_make_nodes(pin, pin->pages, all, &nodes, GFP_KERNEL);
	if (err)
		return err;
	for (;;) {
		err = pin_link_nodes(pin, nodes);
		if (likely(!err))
			break;
		if (err != -EAGAIN || time_after(jiffies, end)) {
			pin_free_nodes(pin, nodes);
			return err;
		}
		usleep_range(100, 1000);
	}
	pin_started(pin);
	return 0;
}

static struct pin_handle *finish_pages(struct pin_handle *pin)
{
	int err = start_pages(pin);

	if (likely(!err))
		return pin;
	pinner_live_put(pin->pinner);
	pin_free(pin);
	return ERR_PTR(err);
}

/**
 * pin_pages() - pin contiguous pages that joined the registry
 * @pinner: who pins
 * @page: first page
 * @nr: number of pages
 * @flags: PIN_WRITE if the pinner writes to them
 * @cookie: for the pinner, see pin_cookie()
 * @why: for people: what the pages are pinned for; must stay valid while the
 *	handle does, usually a constant. May be NULL
 *
 * The pages cannot leave the registry while the pin exists. It takes no page
 * references: the owner of the range keeps the pages.
 *
 * Context: Process context, may sleep.
 * Return: a handle with one reference for the caller, or an ERR_PTR(): -EINVAL for
 * an empty or overflowing range, -ENXIO if a page did not join or has moved away:
 * ask its range where it is, or use pin_range_pin(); -EAGAIN if a page is being
 * moved and that takes long, -ESHUTDOWN if the pinner is going, -ENOMEM.
 */
struct pin_handle *pin_pages(struct pinner *pinner, struct page *page,
			     unsigned long nr, unsigned int flags, void *cookie,
			     const char *why)
{
	struct pin_handle *pin;
	unsigned long i, pfn;

	if (unlikely(!page || !nr))
		return ERR_PTR(-EINVAL);
	pfn = page_to_pfn(page);
	if (unlikely(pfn + nr - 1 < pfn || nr > MAX_PIN_PAGES))
		return ERR_PTR(-EINVAL);
	pin = pin_alloc(pinner, pin_cache, nr, flags, cookie, why);
	if (IS_ERR(pin))
		return pin;
	for (i = 0; i < nr; i++)
		pin->pages[i] = page + i;
	return finish_pages(pin);
}
EXPORT_SYMBOL_GPL(pin_pages);

/**
 * pin_page_array() - pin scattered pages that joined the registry, as one pin
 * @pinner: who pins
 * @pages: the pages; copied
 * @nr: number of pages
 * @flags: see pin_pages()
 * @cookie: see pin_pages()
 * @why: see pin_pages()
 *
 * Context: Process context, may sleep.
 * Return: see pin_pages().
 */
struct pin_handle *pin_page_array(struct pinner *pinner, struct page **pages,
				  unsigned long nr, unsigned int flags,
				  void *cookie, const char *why)
{
	struct pin_handle *pin;
	unsigned long i;

	if (unlikely(!pages || !nr || nr > MAX_PIN_PAGES))
		return ERR_PTR(-EINVAL);
	for (i = 0; i < nr; i++) {
		if (unlikely(!pages[i]))
			return ERR_PTR(-EINVAL);
	}
	pin = pin_alloc(pinner, pin_cache, nr, flags, cookie, why);
	if (IS_ERR(pin))
		return pin;
	memcpy(pin->pages, pages, nr * sizeof(*pages));
	return finish_pages(pin);
}
EXPORT_SYMBOL_GPL(pin_page_array);

/**
 * pin_range_pin() - pin the page of a range, wherever it is
 * @pinner: who pins
 * @range: from pin_range_join_page(); must not leave meanwhile
 * @flags: see pin_pages()
 * @cookie: see pin_pages()
 * @why: see pin_pages()
 *
 * Context: Process context, may sleep.
 * Return: see pin_pages().
 */
struct pin_handle *pin_range_pin(struct pinner *pinner, struct pin_range *range,
				 unsigned int flags, void *cookie,
				 const char *why)
{
	struct pin_handle *pin;
	struct page *page;

	do {
		page = pin_range_page(range);
		pin = pin_pages(pinner, page, 1, flags, cookie, why);
		/* The page moved away before it was pinned. */
	} while (PTR_ERR_OR_ZERO(pin) == -ENXIO &&
		 page != pin_range_page(range));
	return pin;
}
EXPORT_SYMBOL_GPL(pin_range_pin);

/**
 * pin_batch() - make many pins, or none
 * @pinner: who pins
 * @req: what; the handles are returned here
 * @n: number of requests
 *
 * Context: Process context, may sleep.
 * Return: 0, or the error of the first request that failed: then no pin is left
 * and all handles are NULL.
 */
int pin_batch(struct pinner *pinner, struct pin_request *req, unsigned long n)
{
	unsigned long i;
	int err;

	for (i = 0; i < n; i++) {
		struct pin_request *r = &req[i];

		r->pin = pin_pages(pinner, r->page, r->nr, r->flags, r->cookie,
				   r->why);
		if (IS_ERR(r->pin)) {
			err = PTR_ERR(r->pin);
			r->pin = NULL;
			pin_end_batch(pinner, req, i);
			return err;
		}
		if (i % 256 == 0)
			cond_resched();
	}
	return 0;
}
EXPORT_SYMBOL_GPL(pin_batch);

/**
 * pin_end_batch() - end many pins and drop their handles
 * @pinner: who made them
 * @req: as pin_batch() left it; the handles become NULL
 * @n: number of requests
 *
 * Context: Process context, may sleep, see pin_end().
 * Return: 0, or the first error of pin_end().
 */
int pin_end_batch(struct pinner *pinner, struct pin_request *req,
		  unsigned long n)
{
	unsigned long i;
	int err, first = 0;

	for (i = 0; i < n; i++) {
		err = pin_end(pinner, req[i].pin);
		if (err && !first)
			first = err;
		pin_put(req[i].pin);
		req[i].pin = NULL;
		if (i % 256 == 0)
			cond_resched();
	}
	return first;
}
EXPORT_SYMBOL_GPL(pin_end_batch);

/**
 * pin_get() - another reference to a handle
 * @pin: handle
 *
 * A reference keeps the handle, not the pin: its pages may be gone.
 *
 * Context: Any.
 * Return: @pin.
 */
struct pin_handle *pin_get(struct pin_handle *pin)
{
	refcount_inc(&pin->ref);
	return pin;
}
EXPORT_SYMBOL_GPL(pin_get);

/**
 * pin_put() - drop a reference to a handle
 * @pin: handle, or NULL
 *
 * A pin must have ended before its last reference goes.
 *
 * Context: Process context, may sleep.
 */
void pin_put(struct pin_handle *pin)
{
	if (IS_ERR_OR_NULL(pin) || !refcount_dec_and_test(&pin->ref))
		return;
	if (WARN_ONCE(!(pin->state & PIN_ENDED),
		      "pin_registry: last reference to a pin that has not ended\n"))
		return;
	pin_free(pin);
}
EXPORT_SYMBOL_GPL(pin_put);

/**
 * pin_page() - where a page of a pin is now
 * @pin: pin
 * @i: index of the page
 *
 * The answer stays true until the pinner agrees to a prepare or is revoked.
 *
 * Context: Any.
 * Return: the page, or NULL if it was revoked or is on its way.
 */
struct page *pin_page(struct pin_handle *pin, unsigned long i)
{
	struct page *page;

	if (i >= pin->nr)
		return NULL;
	page = READ_ONCE(pin->pages[i]);
	return pin_has_page(page) ? page : NULL;
}
EXPORT_SYMBOL_GPL(pin_page);

/**
 * pin_nr() - number of pages of a pin
 * @pin: pin
 *
 * Context: Any.
 * Return: the number, those that were revoked included.
 */
unsigned long pin_nr(const struct pin_handle *pin)
{
	return pin->nr;
}
EXPORT_SYMBOL_GPL(pin_nr);

/**
 * pin_cookie() - what the pinner passed when it pinned
 * @pin: pin
 *
 * Context: Any.
 * Return: the cookie.
 */
void *pin_cookie(const struct pin_handle *pin)
{
	return pin->cookie;
}
EXPORT_SYMBOL_GPL(pin_cookie);

int pin_init(void)
{
	pin_cache = KMEM_CACHE(pin_handle, 0);
	node_cache = KMEM_CACHE(pin_node, 0);
	if (pin_cache && node_cache)
		return 0;
	pin_exit();
	return -ENOMEM;
}

void pin_exit(void)
{
	kmem_cache_destroy(node_cache);
	kmem_cache_destroy(pin_cache);
}
