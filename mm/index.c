// SPDX-License-Identifier: GPL-2.0
/*
 * Which pins are on a page: an interval tree for each chunk of 2 MiB that has
 * pins, so that work on different chunks shares no lock. Only the first pin in a
 * chunk takes the lock of the index, to make the bucket; an empty bucket stays
 * for a while.
 */
#include <linux/slab.h>
#include <linux/xarray.h>

#include "registry.h"

#define REAP_DELAY	(5 * HZ)

/* Chunk number -> bucket. Its lock covers buckets coming and going, only. */
static DEFINE_XARRAY(buckets);

static void reap_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(reap_work, reap_fn);

/* The index alone keeps a bucket that has no nodes: let go of it. */
static void reap_fn(struct work_struct *work)
{
	struct pin_bucket *b;
	unsigned long chunk;

	xa_for_each(&buckets, chunk, b) {
		if (atomic_cmpxchg(&b->users, 1, 0) != 1)
			continue;
		/* Nobody gets a user of it now; a new one may take its place. */
		xa_cmpxchg(&buckets, chunk, b, NULL, GFP_NOWAIT);
		kfree_rcu(b, rcu);
		cond_resched();
	}
}

void index_bucket_put(struct pin_bucket *b)
{
	/* The index keeps the last one, until the reaper comes. */
	if (atomic_dec_return(&b->users) == 1 &&
	    !delayed_work_pending(&reap_work))
		queue_delayed_work(pin_follow_wq, &reap_work, REAP_DELAY);
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

/* Return: what is in the place of a bucket, without users, or NULL. */
static struct pin_bucket *dead_bucket(unsigned long chunk)
{
	struct pin_bucket *b;

	rcu_read_lock();
	b = xa_load(&buckets, chunk);
	if (b && atomic_read(&b->users))
		b = NULL;
	rcu_read_unlock();
	return b;
}

/* Return: the bucket of a chunk, made if need be, with a user, or NULL. */
struct pin_bucket *index_bucket_get(unsigned long chunk, gfp_t gfp)
{
	struct pin_bucket *b, *old;

	b = index_bucket_find(chunk);
	if (likely(b))
		return b;
	b = kmalloc(sizeof(*b), gfp);
	if (!b)
		return NULL;
	spin_lock_init(&b->lock);
	b->tree = RB_ROOT_CACHED;
	b->nr = 0;
	INIT_LIST_HEAD(&b->moves);
	atomic_set(&b->users, 2);
	b->chunk = chunk;
	for (;;) {
		struct pin_bucket *dead = dead_bucket(chunk);

		/* In the place of one that the reaper is about to take out. */
		if (xa_cmpxchg(&buckets, chunk, dead, b, gfp) == dead)
			return b;
		old = index_bucket_find(chunk);
		if (old || !dead_bucket(chunk))
			break;
	}
	kfree(b);
	return old;
}

/*
 * Prepare a node for pages of one chunk. Linking it cannot fail for lack of
 * memory then.
 */
int index_node_init(struct pin_node *node, struct pin_handle *pin,
		    unsigned long pfn, unsigned long nr, unsigned long first,
		    gfp_t gfp)
{
	node->bucket = index_bucket_get(pfn >> PIN_CHUNK_SHIFT, gfp);
	if (!node->bucket)
		return -ENOMEM;
	node->it.start = pfn;
	node->it.last = pfn + nr - 1;
	node->pin = pin;
	node->range = NULL;
	node->first = first;
	node->next = NULL;
	node->linked = false;
	return 0;
}

void index_node_fini(struct pin_node *node)
{
	if (node->range)
		range_put(node->range);
	index_bucket_put(node->bucket);
}

static bool moving(struct pin_bucket *b, struct interval_tree_node *it)
{
	struct pin_move *m;

	list_for_each_entry(m, &b->moves, node) {
		if (m->src <= it->last && it->start < m->src + m->nr)
			return true;
	}
	return false;
}

static void insert(struct pin_node *node)
{
	interval_tree_insert(&node->it, &node->bucket->tree);
	node->linked = true;
	node->bucket->nr++;
}

/*
 * Link a node of a new pin. The pins of pages that are about to move are known
 * already: nobody may join them.
 *
 * Return: 0; -EAGAIN if one of the pages is moving; -ENXIO if a page has moved
 * since its range was looked up.
 */
int index_link(struct pin_node *node)
{
	struct pin_bucket *b = node->bucket;
	int err = 0;

	spin_lock(&b->lock);
	if (unlikely(!list_empty(&b->moves)) && moving(b, &node->it))
		err = -EAGAIN;
	else if (node->range && node->range->page &&
		 READ_ONCE(node->range->pfn) != node->it.start)
		err = -ENXIO;	/* a move takes the same lock when it ends */
	else
		insert(node);
	spin_unlock(&b->lock);
	return err;
}

/* Link a node of pages that the mover itself put there. */
void index_link_always(struct pin_node *node)
{
	struct pin_bucket *b = node->bucket;

	spin_lock(&b->lock);
	insert(node);
	spin_unlock(&b->lock);
}

/* Return: true if the pin of a linked node is none yet, and may never be one. */
bool index_starting(struct pin_node *node)
{
	/* Pairs with pin_link_nodes() and publish(). */
	return smp_load_acquire(&node->pin->starting);
}

/* Nobody finds the pin through this node any more. */
void index_unlink(struct pin_node *node)
{
	struct pin_bucket *b = node->bucket;

	spin_lock(&b->lock);
	if (node->linked) {
		interval_tree_remove(&node->it, &b->tree);
		node->linked = false;
		b->nr--;
	}
	spin_unlock(&b->lock);
}

/* Return: the first node with pages in @first to @last; under the bucket's lock. */
struct pin_node *index_first(struct pin_bucket *b, unsigned long first,
			     unsigned long last)
{
	struct interval_tree_node *it;

	lockdep_assert_held(&b->lock);
	it = interval_tree_iter_first(&b->tree, first, last);
	return it ? container_of(it, struct pin_node, it) : NULL;
}

struct pin_node *index_next(struct pin_node *node, unsigned long first,
			    unsigned long last)
{
	struct interval_tree_node *it;

	lockdep_assert_held(&node->bucket->lock);
	it = interval_tree_iter_next(&node->it, first, last);
	return it ? container_of(it, struct pin_node, it) : NULL;
}

/*
 * Which pages of the pin are in pfns @first to @last, by this node? A node is not
 * cut when single pages leave the pin, so ask the pages.
 *
 * Return: false if none.
 */
bool index_node_span(struct pin_node *node, unsigned long first,
		     unsigned long last, struct pin_span *span)
{
	unsigned long pfn, end = min(last, node->it.last);

	span->nr = 0;
	for (pfn = max(first, node->it.start); pfn <= end; pfn++) {
		unsigned long i = node->first + (pfn - node->it.start);

		if (READ_ONCE(node->pin->pages[i]) != pfn_to_page(pfn)) {
			if (span->nr)
				break;
			continue;
		}
		if (!span->nr)
			span->first = i;
		span->nr++;
	}
	return span->nr;
}

/* All pins have ended: nobody is left who could call us. */
void index_exit(void)
{
	struct pin_bucket *b;
	unsigned long chunk;

	cancel_delayed_work_sync(&reap_work);
	xa_for_each(&buckets, chunk, b) {
		WARN_ON_ONCE(atomic_read(&b->users) != 1);
		kfree(b);
	}
	xa_destroy(&buckets);
}
