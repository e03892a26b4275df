// SPDX-License-Identifier: GPL-2.0
/*
 * Which pins are on a page: a list for each page, in a bucket for each chunk of
 * 2 MiB that has pins, so that work on different chunks shares no lock. Only the
 * first pin in a chunk takes the lock of the index, to make the bucket; an empty
 * bucket stays for a while.
 *
 * A tree of intervals would be smaller for contiguous pages, but memory that users
 * have is scattered, and then it costs more than pinning the page.
 *
 * A page of a pin is in pin_handle.pages if and only if the pin is on the list of the
 * page: both change together, under the lock of the bucket. Exceptions are pins that
 * are just being made, which nobody looks at, and those that are lazy (lazy.c).
 */
#include <linux/slab.h>
#include <linux/xarray.h>

#include "registry.h"

#define REAP_DELAY	(5 * HZ)

/* Chunk number -> bucket. Its lock covers buckets coming and going, only. */
static DEFINE_XARRAY(buckets);

static void reap_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(reap_work, reap_fn);

static unsigned long chunk_of(const struct page *page)
{
	return page_to_pfn(page) >> PIN_CHUNK_SHIFT;
}

static struct hlist_head *slot(struct pin_bucket *b, unsigned long pfn)
{
	return &b->slots[pfn & (PIN_CHUNK_PAGES - 1)];
}

/*
 * Take a bucket out if nobody needs it. Under the lock of the index, so that a bucket
 * without users is never found in it by who has that lock.
 */
static bool retire(struct pin_bucket *b)
{
	bool idle;

	xa_lock(&buckets);
	spin_lock(&b->lock);
	idle = !b->nr && atomic_cmpxchg(&b->users, 1, 0) == 1;
	spin_unlock(&b->lock);
	if (idle)
		__xa_erase(&buckets, b->chunk);
	xa_unlock(&buckets);
	return idle;
}

static void reap_fn(struct work_struct *work)
{
	struct pin_bucket *b;
	unsigned long chunk;

	/* Nobody else takes one out. */
	xa_for_each(&buckets, chunk, b) {
		if (!retire(b))
			continue;
		/* Slots are looked at by users and links only. */
		kfree(b->slots);
		kfree_rcu(b, rcu);
		cond_resched();
	}
}

static void kick_reaper(void)
{
	if (!delayed_work_pending(&reap_work))
		queue_delayed_work(pin_follow_wq, &reap_work, REAP_DELAY);
}

void index_bucket_put(struct pin_bucket *b)
{
	bool empty = !READ_ONCE(b->nr);

	if (atomic_dec_return(&b->users) == 1 && empty)
		kick_reaper();
}

/* Return: the bucket of a chunk, with a user for the caller, or NULL. */
struct pin_bucket *index_bucket_find(unsigned long chunk)
{
	struct pin_bucket *b;

	rcu_read_lock();
	b = xa_load(&buckets, chunk);
	if (b && !atomic_inc_not_zero(&b->users))
		b = NULL;
	rcu_read_unlock();
	return b;
}

/* Return: the first bucket of chunk @chunk or a later one, with a user, or NULL. */
struct pin_bucket *index_bucket_after(unsigned long chunk)
{
	struct pin_bucket *b;

	rcu_read_lock();
	xa_for_each_start(&buckets, chunk, b, chunk) {
		if (atomic_inc_not_zero(&b->users))
			break;
	}
	rcu_read_unlock();
	return b;
}

/* Return: the bucket of a chunk, which links of the caller keep. */
static struct pin_bucket *kept_bucket(unsigned long chunk)
{
	struct pin_bucket *b;

	rcu_read_lock();
	b = xa_load(&buckets, chunk);
	rcu_read_unlock();
	return b;
}

static struct pin_bucket *bucket_alloc(unsigned long chunk, gfp_t gfp)
{
	struct pin_bucket *b = kmalloc(sizeof(*b), gfp);

	if (!b)
		return NULL;
	b->slots = kcalloc(PIN_CHUNK_PAGES, sizeof(*b->slots), gfp);
	if (!b->slots) {
		kfree(b);
		return NULL;
	}
	spin_lock_init(&b->lock);
	b->nr = 0;
	INIT_LIST_HEAD(&b->moves);
	INIT_LIST_HEAD(&b->arrivals);
	atomic_set(&b->users, 2);
	b->chunk = chunk;
	return b;
}

/* Return: the bucket of a chunk, made if need be, with a user, or NULL. */
struct pin_bucket *index_bucket_get(unsigned long chunk, gfp_t gfp)
{
	struct pin_bucket *b, *old;
	int err;

	b = index_bucket_find(chunk);
	if (likely(b))
		return b;
	b = bucket_alloc(chunk, gfp);
	if (!b)
		return NULL;
	do {
		err = xa_insert(&buckets, chunk, b, gfp);
		if (!err)
			return b;
		/* One that was there may have been taken out again. */
		old = index_bucket_find(chunk);
	} while (!old && err == -EBUSY);
	kfree(b->slots);
	kfree(b);
	return old;
}

/* How many of the pages, from the first one on, are in the same chunk? */
static unsigned long same_chunk(struct page **pages, unsigned long nr)
{
	unsigned long chunk = chunk_of(pages[0]), n;

	for (n = 1; n < nr; n++) {
		if (!pin_has_page(pages[n]) || chunk_of(pages[n]) != chunk)
			break;
	}
	return n;
}

/*
 * Make the buckets of pages, where that may sleep: linking finds them then, unless it
 * comes much later.
 */
int index_prepare(struct page **pages, unsigned long nr, gfp_t gfp)
{
	struct pin_bucket *b;
	unsigned long i, n;

	for (i = 0; i < nr; i += n) {
		n = same_chunk(pages + i, nr - i);
		b = index_bucket_get(chunk_of(pages[i]), gfp);
		if (!b)
			return -ENOMEM;
		index_bucket_put(b);
	}
	return 0;
}

/* The locks of two buckets, which may be the same. */
void index_lock_both(struct pin_bucket *x, struct pin_bucket *y)
	__acquires(&x->lock) __acquires(&y->lock)
{
	if (x->chunk > y->chunk)
		swap(x, y);
	spin_lock(&x->lock);
	if (x != y)
		spin_lock_nested(&y->lock, SINGLE_DEPTH_NESTING);
	else
		__acquire(&y->lock);
}

void index_unlock_both(struct pin_bucket *x, struct pin_bucket *y)
	__releases(&x->lock) __releases(&y->lock)
{
	spin_unlock(&x->lock);
	if (x != y)
		spin_unlock(&y->lock);
	else
		__release(&y->lock);
}

static bool overlap(unsigned long x, unsigned long nr_x, unsigned long y,
		    unsigned long nr_y)
{
	return x < y + nr_y && y < x + nr_x;
}

/* Return: true if a move from or to one of these pages is running. */
bool index_moving(struct pin_bucket *b, unsigned long pfn, unsigned long nr)
{
	struct pin_move *m;

	lockdep_assert_held(&b->lock);
	list_for_each_entry(m, &b->moves, node) {
		if (overlap(pfn, nr, m->src, m->nr))
			return true;
	}
	list_for_each_entry(m, &b->arrivals, dst_node) {
		if (overlap(pfn, nr, m->dst, m->nr))
			return true;
	}
	return false;
}

/* Return: true if the calling task moves pages of the same chunk. */
bool index_mover_here(unsigned long pfn)
{
	struct pin_bucket *b = index_bucket_find(pfn >> PIN_CHUNK_SHIFT);
	struct pin_move *m;
	bool ret = false;

	if (!b)
		return false;
	spin_lock(&b->lock);
	list_for_each_entry(m, &b->moves, node)
		ret |= m->task == current;
	spin_unlock(&b->lock);
	index_bucket_put(b);
	return ret;
}

/*
 * May a page be linked, as number @i of the pin? Pins of a page that is about to move
 * are known to its move: nobody may join them, nor be where it moves to. A move that has
 * ended since the range was looked up took the same lock.
 */
static int may_link(struct pin_bucket *b, struct pin_handle *pin,
		    unsigned long i, unsigned long pfn)
{
	struct pin_range *range = pin->ranges ? pin->ranges[i] : NULL;

	if (index_moving(b, pfn, 1))
		return -EAGAIN;
	if (range && range->page && READ_ONCE(range->pfn) != pfn)
		return -ENXIO;
	return 0;
}

/* Under the lock; but index_bucket_put() and lookups guess without. */
static void add_nr(struct pin_bucket *b, long n)
{
	lockdep_assert_held(&b->lock);
	WRITE_ONCE(b->nr, b->nr + n);
}

static void give_back(struct pin_bucket *b, unsigned long n)
{
	add_nr(b, -n);
	if (!b->nr)
		kick_reaper();
}

static void remove_link(struct pin_handle *pin, unsigned long i,
			struct page *mark)
{
	__hlist_del(&pin->links[i].node);
	WRITE_ONCE(pin->pages[i], mark);
}

static void add_link(struct pin_bucket *b, struct pin_handle *pin,
		     unsigned long i, struct page *page)
{
	struct hlist_head *head = slot(b, page_to_pfn(page));
	struct pin_link *link = &pin->links[i], *other;
	struct hlist_node *newer = NULL;

	link->pin = pin;
	/* A lazy pin comes late, and one that moves arrives where others are. */
	hlist_for_each_entry(other, head, node) {
		if (likely(other->pin->since <= pin->since))
			break;
		newer = &other->node;
	}
	if (unlikely(newer))
		hlist_add_behind(&link->node, newer);
	else
		hlist_add_head(&link->node, head);
	WRITE_ONCE(pin->pages[i], page);
}

static int link_run(struct pin_bucket *b, struct pin_handle *pin,
		    struct page **pages, unsigned long first, unsigned long n)
{
	unsigned long i;
	int err;

	/* Nothing moves, as a rule. */
	if (!list_empty(&b->moves) || !list_empty(&b->arrivals) || pin->ranges) {
		for (i = 0; i < n; i++) {
			err = may_link(b, pin, first + i,
				       page_to_pfn(pages[i]));
			if (unlikely(err))
				return err;
		}
	}
	for (i = 0; i < n; i++)
		add_link(b, pin, first + i, pages[i]);
	add_nr(b, n);
	return 0;
}

static void undo_link(struct pin_handle *pin, struct pin_span where,
		      struct page **pages, struct page *mark)
{
	unsigned long i, j, n;
	struct pin_bucket *b;

	for (i = 0; i < where.nr; i += n) {
		n = 1;
		if (!pin_has_page(pages[i]))
			continue;
		n = same_chunk(pages + i, where.nr - i);
		b = kept_bucket(chunk_of(pages[i]));
		spin_lock(&b->lock);
		for (j = i; j < i + n; j++)
			remove_link(pin, where.first + j, mark ?: pages[j]);
		give_back(b, n);
		spin_unlock(&b->lock);
	}
}

/*
 * The pin has pages @pages, as those @where, and can be found by them from now on.
 * A lazy one may have lost some.
 *
 * Return: 0; -EAGAIN if one of the pages is moving; -ENXIO if one has moved since its
 * range was looked up; -ENOMEM if index_prepare() is to be called. With an error it has
 * none of them: they read @mark, or if that is NULL, because the pin is just being made,
 * what @pages says.
 */
int index_link(struct pin_handle *pin, struct pin_span where,
	       struct page **pages, struct page *mark)
{
	unsigned long i, n;
	struct pin_bucket *b;
	int err = 0;

	for (i = 0; i < where.nr; i += n) {
		n = 1;
		if (!pin_has_page(pages[i]))
			continue;
		n = same_chunk(pages + i, where.nr - i);
		b = index_bucket_get(chunk_of(pages[i]),
				     GFP_NOWAIT | __GFP_NOWARN);
		if (unlikely(!b)) {
			err = -ENOMEM;
			break;
		}
		spin_lock(&b->lock);
		err = link_run(b, pin, pages + i, where.first + i, n);
		spin_unlock(&b->lock);
		index_bucket_put(b);
		if (unlikely(err))
			break;
	}
	if (unlikely(err))
		undo_link(pin, (struct pin_span){ where.first, i }, pages, mark);
	return err;
}

/* Return: a chunk that has pages of the pin and no bucket; for index_bucket_get(). */
unsigned long index_missing(struct pin_handle *pin)
{
	unsigned long i, chunk = 0;
	struct pin_bucket *b;

	for (i = 0; i < pin->nr; i++) {
		if (!pin_has_page(pin->pages[i]))
			continue;
		chunk = chunk_of(pin->pages[i]);
		b = index_bucket_find(chunk);
		if (!b)
			break;
		index_bucket_put(b);
	}
	return chunk;
}

/* The pin has none of those pages @where that it has: they read @mark. */
void index_unlink(struct pin_handle *pin, struct pin_span where,
		  struct page *mark)
{
	unsigned long end = where.first + where.nr, i, j, n;
	struct pin_bucket *b;

	for (i = where.first; i < end; i += n) {
		n = 1;
		if (!pin_has_page(pin->pages[i]))
			continue;
		if (pin->lazy) {
			WRITE_ONCE(pin->pages[i], mark);
			continue;
		}
		n = same_chunk(pin->pages + i, end - i);
		b = kept_bucket(chunk_of(pin->pages[i]));
		spin_lock(&b->lock);
		for (j = i; j < i + n; j++)
			remove_link(pin, j, mark);
		give_back(b, n);
		spin_unlock(&b->lock);
	}
}

/*
 * Nobody finds the pin, which has ended, and has all of its pages: these stay for the
 * caller to see.
 */
void index_unlink_ended(struct pin_handle *pin)
{
	undo_link(pin, (struct pin_span){ 0, pin->nr }, pin->pages, NULL);
}

/* Page @i of the pin is @page now; the caller has a user of both buckets. */
void index_relink(struct pin_bucket *from, struct pin_bucket *to,
		  struct pin_handle *pin, unsigned long i, struct page *page)
{
	index_lock_both(from, to);
	remove_link(pin, i, NULL);
	give_back(from, 1);
	add_link(to, pin, i, page);
	add_nr(to, 1);
	index_unlock_both(from, to);
}

/* Return: the first link of a page, or NULL; under the bucket's lock. */
struct pin_link *index_links(struct pin_bucket *b, unsigned long pfn)
{
	lockdep_assert_held(&b->lock);
	return hlist_entry_safe(slot(b, pfn)->first, struct pin_link, node);
}

struct pin_link *index_next(struct pin_link *link)
{
	return hlist_entry_safe(link->node.next, struct pin_link, node);
}

/* Return: true if the pin is none yet, and may never be one. */
bool index_starting(struct pin_link *link)
{
	/* Pairs with pin_made(). */
	return smp_load_acquire(&link->pin->starting);
}

/* Return: which page of the pin it is. */
static unsigned long index_page(struct pin_link *link)
{
	return link - link->pin->links;
}

/*
 * Is this link the first one of a run, among the pages @first to @last, which are all
 * of this bucket? Every page of a pin has a link; who wants contiguous pages told
 * together looks at the first. Under the lock of the bucket, so what looks like one of
 * its pages is one.
 *
 * Return: the run, or no pages if it has been told before.
 */
struct pin_span index_run(struct pin_link *link, unsigned long pfn,
			  unsigned long first, unsigned long last)
{
	struct pin_handle *pin = link->pin;
	struct page *page = pfn_to_page(pfn);
	struct pin_span run = { index_page(link), 0 };
	unsigned long most = min(pin->nr - run.first, last - pfn + 1);

	if (pfn > first && run.first > 0 &&
	    READ_ONCE(pin->pages[run.first - 1]) == page - 1)
		return run;
	for (run.nr = 1; run.nr < most; run.nr++) {
		if (READ_ONCE(pin->pages[run.first + run.nr]) != page + run.nr)
			break;
	}
	return run;
}

/* All pins have ended: nobody is left who could call us. */
void index_exit(void)
{
	struct pin_bucket *b;
	unsigned long chunk;

	cancel_delayed_work_sync(&reap_work);
	xa_for_each(&buckets, chunk, b) {
		WARN_ON_ONCE(atomic_read(&b->users) != 1 || b->nr);
		kfree(b->slots);
		kfree(b);
	}
	xa_destroy(&buckets);
}
