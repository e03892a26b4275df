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

/**
 * struct pin_arrays - what a pin of at most 2 MiB needs, but one of a page
 * @pages: its @pages
 * @links: its @links
 */
struct pin_arrays {
	struct page *pages[PIN_CHUNK_PAGES];
	struct pin_link links[PIN_CHUNK_PAGES];
};

/* A pin that is much smaller has arrays of its size. */
#define ARRAYS_MIN	(PIN_CHUNK_PAGES / 4)

static struct kmem_cache *arrays_cache;

static bool from_cache(const struct pin_handle *pin)
{
	return pin->nr >= ARRAYS_MIN && pin->nr <= PIN_CHUNK_PAGES;
}

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

/* Large requests are the caller's affair, not the log's. */
static int arrays_alloc(struct pin_handle *pin)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	struct pin_arrays *arrays;

	pin->pages = NULL;
	pin->links = NULL;
	if (from_cache(pin)) {
		arrays = kmem_cache_alloc(arrays_cache, gfp);
		if (arrays) {
			pin->pages = arrays->pages;
			pin->links = arrays->links;
		}
	} else {
		pin->pages = kvmalloc_array(pin->nr, sizeof(*pin->pages), gfp);
		pin->links = kvmalloc_array(pin->nr, sizeof(*pin->links), gfp);
	}
	if (!pin->user)
		pin->ranges = kvcalloc(pin->nr, sizeof(*pin->ranges), gfp);
	if (!pin->pages || !pin->links || (!pin->user && !pin->ranges))
		return -ENOMEM;
	return 0;
}

static void arrays_free(struct pin_handle *pin)
{
	if (pin->nr == 1)
		return;
	kvfree(pin->ranges);
	if (!from_cache(pin)) {
		kvfree(pin->pages);
		kvfree(pin->links);
	} else if (pin->pages) {
		kmem_cache_free(arrays_cache, container_of(pin->pages,
							   struct pin_arrays,
							   pages[0]));
	}
}

/*
 * What pins are made of has a constructor: not to be cleared each time, as memory is
 * which comes from the kernel otherwise, makes a pin of a page so much cheaper.
 */
void pin_construct(void *memory)
{
	struct pin_handle *pin = memory;

	memset(pin, 0, sizeof(*pin));
	spin_lock_init(&pin->lock);
}

static void arrays_construct(void *memory)
{
}

/* All of it that does not end as it began. */
static void pin_reset(struct pin_handle *pin)
{
	refcount_set(&pin->ref, 1);
	pin->state = 0;
	pin->dax = false;
	pin->lazy = false;
	pin->holes = false;
	pin->starting = true;
	atomic64_set(&pin->users, 0);
	pin->callback = NULL;
	pin->late_hull = (struct pin_span){ 0, 0 };
	pin->late_taken = false;
	pin->pages = &pin->one;
	pin->links = &pin->link_one;
	pin->ranges = NULL;
}

/*
 * Memory of a pin of user pages that has ended, for the next one: a cache has more to
 * do than all of the registry for a page. KASAN is to see who uses it still.
 */
static DEFINE_PER_CPU(struct pin_handle *, spare);

static struct pin_handle *memory_get(struct kmem_cache *cache)
{
	struct pin_handle *pin = NULL;

	if (cache != pin_cache)
		pin = this_cpu_xchg(spare, NULL);
	return pin ?: kmem_cache_alloc(cache, GFP_KERNEL);
}

/* Return: false if the memory has to be freed. */
bool pin_keep_memory(struct pin_handle *pin)
{
	if (IS_ENABLED(CONFIG_KASAN))
		return false;
	return !this_cpu_cmpxchg(spare, NULL, pin);
}

/* Return: memory that was kept, or NULL. */
struct pin_handle *pin_kept_memory(int cpu)
{
	return per_cpu(spare, cpu);
}

static bool bad_request(const struct pinner *p, unsigned int flags)
{
	return IS_ERR_OR_NULL(p) || flags & ~PIN_WRITE;
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

	if (unlikely(bad_request(p, flags)))
		return ERR_PTR(-EINVAL);
	err = pinner_live_get(p);
	if (unlikely(err))
		return ERR_PTR(err);
	pin = memory_get(cache);
	if (unlikely(!pin)) {
		pinner_live_put(p);
		pinner_put(p);
		return ERR_PTR(-ENOMEM);
	}
	pin_reset(pin);
	pin->flags = flags;
	pin->pinner = p;
	pin->timeout = p->timeout;
	pin->cookie = cookie;
	pin->why = why ?: "";
	pin->since = ktime_get_mono_fast_ns();
	pin->tgid = current->tgid;
	pin->nr = nr;
	pin->user = cache != pin_cache;
	if (pin->user)
		user_reset(to_user(pin));
	else
		pin->ranges = &pin->range_one;
	if (nr > 1 && arrays_alloc(pin))
		goto no_memory;
	if (!(p->flags & PINNER_ATOMIC) && callback_alloc(pin))
		goto no_memory;
	return pin;

no_memory:
	pinner_live_put(p);
	pin_free(pin);
	return ERR_PTR(-ENOMEM);
}

/* The memory of a pin that is not linked. */
void pin_free(struct pin_handle *pin)
{
	struct pinner *p = pin->pinner;

	if (!(p->flags & PINNER_ATOMIC))
		kfree(pin->callback);
	arrays_free(pin);
	if (pin->user)
		user_free(to_user(pin));
	else
		kmem_cache_free(pin_cache, pin);
	pinner_put(p);
}

/*
 * What set_page_dirty() does for anonymous, shmem and huge pages, the only ones that
 * are pinned for writing. DAX marks its own entries. No folio lock: a notifier may
 * hold it.
 */
static __always_inline void mark_written(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!folio_test_dirty(folio))
		folio_set_dirty(folio);
}

static bool may_have_written(const struct pin_handle *pin)
{
	return (pin->flags & PIN_WRITE) && !pin->dax;
}

/* References of user pages go, or those of the ranges of others. */
static void put_run(struct pin_handle *pin, struct page *page,
		    unsigned long first, unsigned long nr)
{
	bool written = may_have_written(pin);
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (!pin->user) {
			range_put(pin->ranges[first + i]);
			pin->ranges[first + i] = NULL;
		} else if (written) {
			mark_written(page + i);
		}
	}
	if (pin->user)
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

/* The next contiguous pages leave the pin. Return: the first one, or NULL. */
static struct page *drop_run(struct pin_handle *pin, struct pin_span *rest,
			     struct page *mark, struct pin_span *run)
{
	struct page *page = NULL;

	run->nr = 0;
	spin_lock(&pin->lock);
	while (rest->nr) {
		struct page *p = pin->pages[rest->first];

		if (run->nr && p != page + run->nr)
			break;
		if (pin_has_page(p) && !run->nr) {
			page = p;
			run->first = rest->first;
		}
		if (pin_has_page(p))
			run->nr++;
		else if (p)
			WRITE_ONCE(pin->pages[rest->first], mark);
		rest->first++;
		rest->nr--;
	}
	index_unlink(pin, *run, mark);
	if (page)
		pin->holes = true;
	spin_unlock(&pin->lock);
	return page;
}

/*
 * Pages leave the pin, and read @mark, NULL or PIN_SUSPENDED, from now on. The
 * caller has the slot.
 */
void pin_drop(struct pin_handle *pin, struct pin_span where, struct page *mark)
{
	struct pin_span run = { 0, 0 };
	struct page *page;

	while ((page = drop_run(pin, &where, mark, &run)))
		put_run(pin, page, run.first, run.nr);
}

/* The pin has ended: nobody else changes its pages. */
static void drop_all(struct pin_handle *pin)
{
	struct page **pages = pin->pages, **end = pages + pin->nr, **p;
	struct pin_span all = { 0, pin->nr };

	if (unlikely(pin->holes) || !pin->user) {
		pin_drop(pin, all, NULL);
		return;
	}
	if (!pin->lazy)
		index_unlink_ended(pin);
	if (may_have_written(pin)) {
		for (p = pages; p < end; p++)
			mark_written(*p);
	}
	unpin_user_pages(pages, pin->nr);
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

static void forget_late(struct pin_handle *pin, struct pin_late *late)
{
	while (late) {
		struct pin_late *next = late->next;

		pin_late_put(pin, late);
		late = next;
	}
}

/* Nobody gets the slot any more, nor do we need it. */
static void finish(struct pin_handle *pin)
{
	struct pinner *p = pin->pinner;
	u64 age = ktime_get_mono_fast_ns() - pin->since;

	trace_pin_end(pin, p->name, pin->why, 0, pin->nr, 0);
	pinner_stat_add(p, pins, -1);
	pinner_stat_add(p, pages, -(s64)pin->nr);
	pinner_stat_add(p, age[age_bar(age)], 1);
	if (pin->user)
		user_end(to_user(pin));
	drop_all(pin);
	pinner_live_put(p);
}

/*
 * The end of a pin: nobody finds it, it has no pages, its pinner is not called. The
 * caller has the slot.
 */
void pin_finish_end(struct pin_handle *pin)
{
	struct pin_late *late, *revokes;

	spin_lock(&pin->lock);
	pin_set_state(pin, pin->state | PIN_ENDED);
	/* Nobody is told any more. */
	pin->pending = 0;
	late = pin->late;
	pin->late = NULL;
	revokes = pin->late_revokes;
	pin->late_revokes = NULL;
	spin_unlock(&pin->lock);
	forget_late(pin, late);
	forget_late(pin, revokes);
	finish(pin);
}

/* Nobody has the slot or waits for it, so nothing is left to do with it. */
static bool end_at_once(struct pin_handle *pin)
{
	bool ret;

	spin_lock(&pin->lock);
	ret = !pin->state;
	if (likely(ret))
		pin_set_state(pin, PIN_ENDED);
	spin_unlock(&pin->lock);
	return ret;
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
	if (likely(end_at_once(pin))) {
		finish(pin);
		return 0;
	}
	if (in_own_callback(pin)) {
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

static void put_ranges(struct pin_handle *pin, unsigned long nr)
{
	while (nr-- > 0)
		range_put(pin->ranges[nr]);
}

static int get_ranges(struct pin_handle *pin)
{
	unsigned long i;

	for (i = 0; i < pin->nr; i++) {
		pin->ranges[i] = range_get(page_to_pfn(pin->pages[i]));
		if (!pin->ranges[i]) {
			put_ranges(pin, i);
			return -ENXIO;
		}
	}
	return 0;
}

static int link_pages(struct pin_handle *pin)
{
	unsigned long end = jiffies + msecs_to_jiffies(MOVE_PATIENCE_MS);
	struct pin_span all = { 0, pin->nr };
	int err;

	for (;;) {
		err = index_link(pin, all, pin->pages, NULL);
		if (likely(!err) || err == -ENXIO || time_after(jiffies, end))
			return err;
		if (err == -EAGAIN)
			usleep_range(100, 1000);
		else if (index_prepare(pin->pages, pin->nr, GFP_KERNEL))
			return err;
	}
}

static int start_pages(struct pin_handle *pin)
{
	int err;

	err = get_ranges(pin);
	if (err)
		return err;
	err = link_pages(pin);
	if (err) {
		put_ranges(pin, pin->nr);
		return err;
	}
	pin_made(pin);
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

	/* What has ended does not clear its array. */
	if (i >= pin->nr || READ_ONCE(pin->state) & PIN_ENDED)
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
	pin_cache = kmem_cache_create("pin_handle", sizeof(struct pin_handle), 0,
				      0, pin_construct);
	arrays_cache = kmem_cache_create("pin_arrays", sizeof(struct pin_arrays),
					 0, 0, arrays_construct);
	if (pin_cache && arrays_cache)
		return 0;
	pin_exit();
	return -ENOMEM;
}

void pin_exit(void)
{
	kmem_cache_destroy(arrays_cache);
	kmem_cache_destroy(pin_cache);
}
