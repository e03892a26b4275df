// SPDX-License-Identifier: GPL-2.0
/*
 * What it takes to make file systems let go of pages, or to move pages under them.
 *
 * DAX entries survive munmap and exit, and inodes that have some are never
 * reclaimed, so pages come back only if their entries are evicted here. The
 * order is unmap, drain, write back, invalidate: an entry that goes before the
 * page's references are gone would hide a pinned page from truncate.
 */
#include <linux/bsearch.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>

#include <compat/dax_entry.h>
#include <trace/events/dax_backing.h>

#include "backing.h"

/*
 * The inode locks are only tried: whoever holds one may be in a fault that waits
 * for the populate worker, and a trim is never worth a hang. All of a walk's
 * tries together end after this time.
 */
#define WALK_PATIENCE	(2 * HZ)
/* The same, while the users of a file are held back. */
#define HELD_PATIENCE	(HZ / 5)
/* How long a device that goes waits for the lock of a file system on it. */
#define UNMAP_PATIENCE	(10 * HZ)
/* How often, a millisecond apart, references of I/O in flight are looked at. */
#define DRAIN_TRIES	50
#define MAX_RUNS	65536
/* How long a pinner may take who must let go, in jiffies. */
#define PIN_PATIENCE	HZ

/**
 * struct evict_run - consecutive pages of a span in consecutive pages of a file
 * @mapping: only compared until the inode is found on its super block's list
 * @span: the span
 * @page: index of the first page in the span
 * @index: its index in the file
 * @nr: number of pages
 * @moves: the same pages in a batch that moves, else NULL
 */
struct evict_run {
	struct address_space *mapping;
	struct dax_span *span;
	unsigned long page;
	pgoff_t index;
	unsigned long nr;
	struct dax_move *moves;
};

/**
 * struct evict_walk - argument of the walks over super blocks
 * @b: backing
 * @mapped: evict mapped files too
 * @batch: pages that move instead of only losing their entries, or NULL
 * @unsplit: evict entries of spans that stay
 * @held: its i_rwsem is held on our behalf, or NULL
 * @visit: what to do with each inode that somebody has open, instead of all that
 * @data: its argument
 * @locked: only those whose i_rwsem is taken just now, or only the others
 * @deadline: when to stop trying locks, in jiffies
 * @runs: what to evict, sorted by mapping
 * @nr_runs: their number
 * @max_runs: room for this many
 * @error: the walk failed
 */
struct evict_walk {
	struct dax_backing *b;
	bool mapped;
	struct dax_move_batch *batch;
	bool unsplit;
	struct inode *held;
	int (*visit)(struct dax_backing *b, struct inode *inode, void *data);
	void *data;
	bool locked;
	unsigned long deadline;
	struct evict_run *runs;
	size_t nr_runs;
	size_t max_runs;
	int error;
};

static void span_leave(struct dax_span *span)
{
	atomic_cmpxchg(&span->state, SPAN_DRAINING, SPAN_LIVE);
}

static bool span_draining(struct dax_span *span)
{
	return atomic_read(&span->state) == SPAN_DRAINING;
}

static bool run_grow(struct evict_walk *w)
{
	size_t max = w->max_runs ? 2 * w->max_runs : 256;
	struct evict_run *runs;

	if (max > MAX_RUNS)
		return false;
	runs = kvmalloc_array(max, sizeof(*runs), GFP_KERNEL | __GFP_NOWARN);
	if (!runs)
		return false;
	if (w->nr_runs)
		memcpy(runs, w->runs, w->nr_runs * sizeof(*runs));
	kvfree(w->runs);
	w->runs = runs;
	w->max_runs = max;
	return true;
}

/* One move in the pin registry: on in the same chunk, to the same chunk. */
static bool moves_join(const struct dax_move *next, const struct dax_move *m)
{
	return next == m && next[-1].to + PAGE_SIZE == m->to &&
		!IS_ALIGNED(m->from, CHUNK_SIZE) &&
		!IS_ALIGNED(m->to, CHUNK_SIZE);
}

/* Does @r go on where the pages of @last end? */
static bool run_joins(const struct evict_run *last, const struct evict_run *r)
{
	if (last->span != r->span || last->mapping != r->mapping ||
	    last->page + last->nr != r->page ||
	    last->index + last->nr != r->index)
		return false;
	return !r->moves || moves_join(last->moves + last->nr, r->moves);
}

static bool run_add(struct evict_walk *w, const struct evict_run *r)
{
	struct evict_run *last = w->nr_runs ? &w->runs[w->nr_runs - 1] : NULL;

	if (last && run_joins(last, r)) {
		last->nr++;
		return true;
	}
	if (w->nr_runs == w->max_runs && !run_grow(w))
		return false;
	w->runs[w->nr_runs++] = *r;
	return true;
}

/*
 * Note the files of a span's pages. The pages may change while we look: a page
 * that is missed or found wrong makes the span fail its last check, no more.
 */
static bool collect_span(struct evict_walk *w, struct dax_span *span)
{
	unsigned long i;

	for (i = 0; i < span_pages(span); i++) {
		struct page *page = span_page(span, i);
		struct evict_run r = {
			.mapping = READ_ONCE(page->mapping), .span = span,
			.page = i, .index = READ_ONCE(page->index), .nr = 1,
		};

		if (i % CHUNK_PAGES == 0)
			cond_resched();
		if (!r.mapping)
			continue;
		/* Shared by reflink, or not a file's: nobody to ask. */
		if ((unsigned long)r.mapping & PAGE_MAPPING_FLAGS)
			return false;
		if (!run_add(w, &r))
			return false;
	}
	return true;
}

static int run_cmp(const void *a, const void *b)
{
	const struct evict_run *x = a, *y = b;

	if (x->mapping != y->mapping)
		return x->mapping < y->mapping ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return 0;
}

static int run_cmp_mapping(const void *key, const void *run)
{
	const struct address_space *mapping = key;
	const struct evict_run *r = run;

	if (mapping != r->mapping)
		return mapping < r->mapping ? -1 : 1;
	return 0;
}

/* First run of @mapping, or NULL. */
static struct evict_run *run_find(struct evict_walk *w,
				  struct address_space *mapping)
{
	struct evict_run *r;

	if (!w->nr_runs)
		return NULL;
	r = bsearch(mapping, w->runs, w->nr_runs, sizeof(*r), run_cmp_mapping);
	while (r && r > w->runs && r[-1].mapping == mapping)
		r--;
	return r;
}

static bool try_for_a_while(struct evict_walk *w, struct rw_semaphore *sem)
{
	while (!down_write_trylock(sem)) {
		if (fatal_signal_pending(current) ||
		    time_after(jiffies, w->deadline))
			return false;
		usleep_range(500, 1000);
	}
	return true;
}

/* Both locks under which file systems insert and delete DAX entries. */
static bool inode_try_lock_dax(struct evict_walk *w, struct inode *inode)
{
	if (inode != w->held && !try_for_a_while(w, &inode->i_rwsem))
		return false;
	if (try_for_a_while(w, &inode->i_mapping->invalidate_lock))
		return true;
	if (inode != w->held)
		up_write(&inode->i_rwsem);
	return false;
}

static void inode_unlock_dax(struct evict_walk *w, struct inode *inode)
{
	up_write(&inode->i_mapping->invalidate_lock);
	if (inode != w->held)
		up_write(&inode->i_rwsem);
}

/* What was collected without a lock may be another file's by now. */
static bool run_still_there(struct address_space *mapping, struct evict_run *r)
{
	unsigned long i;

	for (i = 0; i < r->nr; i++) {
		struct page *page = span_page(r->span, r->page + i);

		if (READ_ONCE(page->mapping) != mapping ||
		    page->index != r->index + i)
			return false;
	}
	return true;
}

/*
 * What an operation on the run's entries touches: a huge entry goes as a whole
 * even if the run is a part of it.
 */
static void run_widen(struct address_space *mapping, struct evict_run *r)
{
	unsigned long before = 0, after = 0;

	if (xa_get_order(&mapping->i_pages, r->index))
		before = r->index % CHUNK_PAGES;
	if (xa_get_order(&mapping->i_pages, r->index + r->nr - 1))
		after = -(r->index + r->nr) % CHUNK_PAGES;
	r->page -= before;
	r->index -= before;
	r->nr += before + after;
}

/* Has nobody a reference but, if it is moving, pins in the registry? */
static bool page_drained(struct page *page, bool moving)
{
	unsigned int refs = page_ref_count(page) - 1;

	return !refs ||
		(moving && refs == pin_registry_refs(page_to_pfn(page)));
}

/*
 * With the page tables emptied and invalidate_lock held no reference can
 * appear; those there are belong to I/O in flight, or to a pin. Pins in the
 * registry move along.
 */
static bool run_drain(struct evict_run *r, bool moving, unsigned long *busy)
{
	int try = 0;
	unsigned long i;

	for (i = r->page; i < r->page + r->nr; i++) {
		struct page *page = span_page(r->span, i);

		while (!page_drained(page, moving)) {
			if (++try > DRAIN_TRIES) {
				*busy = i;
				return false;
			}
			usleep_range(1000, 2000);
		}
	}
	return true;
}

/* Unmap, drain, write back, invalidate: see the top of this file. */
static int run_evict(struct address_space *mapping, struct evict_run *r,
		     bool moving, unsigned long *busy)
{
	struct evict_run wide = *r;
	loff_t start, end;
	int err;

	if (!run_still_there(mapping, r))
		return -ESTALE;
	run_widen(mapping, &wide);
	unmap_mapping_pages(mapping, wide.index, wide.nr, false);
	if (!run_drain(&wide, moving, busy))
		return -EBUSY;
	start = (loff_t)wide.index << PAGE_SHIFT;
	end = start + ((loff_t)wide.nr << PAGE_SHIFT) - 1;
	err = filemap_fdatawrite_range(mapping, start, end);
	if (!err)
		err = filemap_fdatawait_range_keep_errors(mapping, start, end);
	if (!err)
		err = invalidate_inode_pages2_range(mapping, wide.index,
						    wide.index + wide.nr - 1);
	return err;
}

static void run_moved(struct evict_run *r, int err)
{
	unsigned long i;

	for (i = 0; i < r->nr; i++)
		if (r->moves[i].error == DAX_MOVE_PENDING)
			r->moves[i].error = err;
}

/*
 * Pages that are pinned are found by truncate through their entries only, and it must
 * wait for a pinner who is late. So those that went with the mapping come back:
 * of the page itself, wherever it is, and of the other pages of a huge entry.
 */
static void run_keep_pinned(struct evict_walk *w, struct address_space *mapping,
			    struct evict_run *r, struct evict_run *wide)
{
	unsigned long i;

	for (i = 0; i < wide->nr; i++) {
		struct page *page = span_page(wide->span, wide->page + i);
		unsigned long at = wide->page + i - r->page;

		if (at < r->nr && !r->moves[at].error &&
		    span_exists(w->b, r->moves[at].to))
			page = pfn_to_page(PHYS_PFN(w->b->base +
						    r->moves[at].to));
		if (page_ref_count(page) > 1 && !READ_ONCE(page->mapping) &&
		    compat_dax_insert(mapping, wide->index + i, page))
			pin_registry_revoke(page_to_pfn(page), 1,
					    jiffies_to_msecs(PIN_PATIENCE));
	}
}

/* What becomes of the pages when all pinners have agreed. */
static int run_transfer(struct evict_walk *w, struct address_space *mapping,
			struct evict_run *r)
{
	unsigned long busy = r->page;
	int err = run_evict(mapping, r, true, &busy);

	if (err == -EBUSY)
		move_blocked(w->b, w->batch, span_page(r->span, busy),
			     "I/O in flight or an unregistered pin");
	if (!err)
		err = w->b->desc_ops->move_commit(w->b->private, r->moves,
						  r->nr);
	return err;
}

/* Pinners let go of all pages once; each page has moved then, or has not. */
static void run_pins_end(struct evict_run *r, struct pin_move *pins)
{
	DECLARE_BITMAP(stays, CHUNK_PAGES);
	unsigned long i;

	bitmap_zero(stays, CHUNK_PAGES);
	for (i = 0; i < r->nr; i++)
		if (r->moves[i].error)
			__set_bit(i, stays);
	if (bitmap_weight(stays, r->nr) == r->nr)
		pin_move_abort(pins);
	else
		pin_move_commit_some(pins, stays);
}

static int run_move_pages(struct evict_walk *w, struct address_space *mapping,
			  struct evict_run *r)
{
	struct evict_run wide = *r;
	struct pin_move pins;
	bool pinned;
	int err = move_pins_begin(w->b, w->batch, r->moves, r->nr, &pins);

	if (err)
		return err;
	pinned = pins.nr_parts;
	run_widen(mapping, &wide);
	err = run_transfer(w, mapping, r);
	run_pins_end(r, &pins);
	if (pinned || wide.nr > r->nr)
		run_keep_pinned(w, mapping, r, &wide);
	return err;
}

static void run_move(struct evict_walk *w, struct address_space *mapping,
		     struct evict_run *r)
{
	int err = run_move_pages(w, mapping, r);

	trace_dax_backing_evict(mapping->host->i_sb->s_dev,
				mapping->host->i_ino, r->index, r->nr, err);
	/* What another look, or another way to move it, may find right. */
	if (err && err != -ESTALE && err != -EAGAIN)
		run_moved(r, err);
}

/*
 * s_umount is held: umount, freeze and remount wait for us, so do not keep them.
 * While the file system is frozen the last iput() of an unlinked file would wait
 * for a thaw, which needs s_umount.
 */
static bool super_wants_peace(struct super_block *sb)
{
	return sb->s_writers.frozen != SB_UNFROZEN ||
		rwsem_is_contended(&sb->s_umount);
}

/* Called with both locks of the inode: nobody inserts an entry meanwhile. */
static void evict_inode_runs(struct evict_walk *w, struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	unsigned int nofs = memalloc_nofs_save();
	struct evict_run *r = run_find(w, mapping);
	unsigned long busy;
	int err;

	for (; r && r < w->runs + w->nr_runs && r->mapping == mapping; r++) {
		if (w->batch) {
			if (move_late(w->b, w->batch) ||
			    super_wants_peace(inode->i_sb))
				break;
			run_move(w, mapping, r);
			continue;
		}
		if (!w->unsplit && !span_draining(r->span))
			continue;
		if (!w->mapped && mapping_mapped(mapping)) {
			span_leave(r->span);
			continue;
		}
		err = run_evict(mapping, r, false, &busy);
		trace_dax_backing_evict(inode->i_sb->s_dev, inode->i_ino,
					r->index, r->nr, err);
		if (err)
			span_leave(r->span);
		cond_resched();
	}
	memalloc_nofs_restore(nofs);
}

/*
 * Pass through the inode's locks: every fault that was handed a pfn before the
 * spans were marked has inserted it now, or is past it.
 */
static int evict_inode(struct evict_walk *w, struct inode *inode)
{
	if (trim_stopping(w->b) || super_wants_peace(inode->i_sb) ||
	    !inode_try_lock_dax(w, inode))
		return fatal_signal_pending(current) ? -EINTR : -EAGAIN;
	evict_inode_runs(w, inode);
	inode_unlock_dax(w, inode);
	return 0;
}

static int unmap_inode(struct evict_walk *w, struct inode *inode)
{
	bool locked = inode_try_lock_dax(w, inode);

	/*
	 * Without the locks a late fault may map a page again, which only means
	 * that this mapping stays until its user goes.
	 */
	unmap_mapping_pages(inode->i_mapping, 0, 0, false);
	if (locked)
		inode_unlock_dax(w, inode);
	return 0;
}

static int visit_inode(struct evict_walk *w, struct inode *inode)
{
	if (trim_stopping(w->b) || super_wants_peace(inode->i_sb))
		return -EAGAIN;
	return w->visit(w->b, inode, w->data);
}

/* Who has a file open has a reference to its name, which by itself has none. */
static bool inode_open(struct inode *inode)
{
	struct dentry *dentry;
	bool open = false;

	spin_lock(&inode->i_lock);
	hlist_for_each_entry(dentry, &inode->i_dentry, d_u.d_alias)
		open |= d_count(dentry) > 0;
	spin_unlock(&inode->i_lock);
	return open;
}

/*
 * May the inode be faulting, or does it have entries to evict? An inode without
 * a mapping is in no fault, and mappings made from here on fault after the spans
 * were marked (batch_fill() has a full barrier). A new inode is not open yet, one
 * that is being freed not any more.
 */
static bool inode_matters(struct evict_walk *w, struct inode *inode)
{
	bool gone;

	spin_lock(&inode->i_lock);
	gone = inode->i_state & (I_NEW | I_FREEING | I_WILL_FREE);
	spin_unlock(&inode->i_lock);
	if (gone || !S_ISREG(inode->i_mode) || !IS_DAX(inode))
		return false;
	if (w->visit)
		return rwsem_is_locked(&inode->i_rwsem) == w->locked &&
			inode_open(inode);
	if (run_find(w, inode->i_mapping))
		return true;
	/* Pages of a batch or chunk that have entries are found through these. */
	return !((w->batch || w->unsplit) && w->nr_runs) &&
		mapping_mapped(inode->i_mapping);
}

/* An inode we hold stays on the list, so the walk can go on behind it. */
static void for_each_dax_inode(struct super_block *sb, struct evict_walk *w,
			       int (*fn)(struct evict_walk *, struct inode *))
{
	struct inode *inode, *held = NULL;
	bool matters;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		matters = inode_matters(w, inode);
		if ((!matters && !need_resched()) || !igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		iput(held);
		held = inode;
		if (matters)
			w->error = fn(w, inode);
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
		if (w->error)
			break;
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(held);
}

static void evict_super(struct super_block *sb, void *data)
{
	struct evict_walk *w = data;

	if (w->error)
		return;
	/* Mounted since the last look, perhaps: the next one finds it and refuses. */
	if (super_wants_peace(sb) || (w->batch && holder_shares(sb, w->b)))
		w->error = -EAGAIN;
	else
		for_each_dax_inode(sb, w, w->visit ? visit_inode : evict_inode);
}

/* Everybody who may be in a fault is on one of the file systems. */
static int walk(struct evict_walk *w, unsigned int families)
{
	int err = holder_for_each_super(w->b, families, w->deadline,
					evict_super, w);

	return w->error ?: err;
}

static void unmap_super(struct super_block *sb, void *data)
{
	struct evict_walk *w = data;

	if (sb->s_writers.frozen == SB_UNFROZEN)
		for_each_dax_inode(sb, w, unmap_inode);
}

/**
 * evict_spans() - evict the DAX entries of draining spans, and wait out faults
 * @b: backing whose holder is known
 * @families: from holder_kind(), called after the spans were marked
 * @batch: draining spans, by drain_node
 * @mapped: evict entries of mapped files too
 *
 * On success every fault that was handed a pfn of a span while it was live has
 * run its course. Spans that cannot go are live again.
 *
 * Context: Process context, may sleep; trim_lock held. Tries s_umount and
 * inode locks.
 * Return: 0, -EAGAIN if a lock was not to be had, or -EINTR.
 */
int evict_spans(struct dax_backing *b, unsigned int families,
		struct list_head *batch, bool mapped)
{
	struct evict_walk w = {
		.b = b,
		.mapped = mapped,
		.deadline = jiffies + WALK_PATIENCE,
	};
	struct dax_span *span;
	int err;

	list_for_each_entry(span, batch, drain_node)
		if (!collect_span(&w, span))
			span_leave(span);
	if (w.nr_runs)
		sort(w.runs, w.nr_runs, sizeof(*w.runs), run_cmp, NULL);
	err = walk(&w, families);
	kvfree(w.runs);
	return err;
}

/*
 * Note the entries of a chunk, if a huge one could be in their place: all of one
 * file, and as far from its start as from the chunk's.
 */
static bool collect_chunk(struct evict_walk *w, struct dax_span *span, u64 chunk)
{
	struct evict_run r = { .span = span, .nr = 1 };
	struct address_space *mapping = NULL;
	unsigned long i;

	for (i = 0; i < CHUNK_PAGES; i++) {
		struct page *page;

		r.page = (chunk - span->first) * CHUNK_PAGES + i;
		page = span_page(span, r.page);
		r.mapping = READ_ONCE(page->mapping);
		r.index = READ_ONCE(page->index);
		if (!r.mapping)
			continue;
		if (!mapping)
			mapping = r.mapping;
		if (r.mapping != mapping || r.index % CHUNK_PAGES != i ||
		    (unsigned long)r.mapping & PAGE_MAPPING_FLAGS ||
		    !run_add(w, &r))
			return false;
	}
	return mapping;
}

/**
 * evict_chunk() - let go of a chunk's entries, so that a huge one may come
 * @b: backing whose holder is known
 * @families: from holder_kind()
 * @chunk: the chunk
 *
 * Entries of pages that somebody has a reference to stay.
 *
 * Context: as evict_and_move().
 * Return: 0, -EAGAIN if a lock was not to be had, or -EINTR.
 */
int evict_chunk(struct dax_backing *b, unsigned int families, u64 chunk)
{
	struct evict_walk w = {
		.b = b,
		.mapped = true,
		.unsplit = true,
		.deadline = jiffies + WALK_PATIENCE,
	};
	struct dax_span *span = xa_load(&b->spans, chunk);
	int err = 0;

	if (span && collect_chunk(&w, span, chunk)) {
		sort(w.runs, w.nr_runs, sizeof(*w.runs), run_cmp, NULL);
		err = walk(&w, families);
	}
	kvfree(w.runs);
	return err;
}

/* Note the files of the pages that have entries. */
static int collect_batch(struct evict_walk *w, struct dax_move_batch *batch)
{
	struct dax_span *span = NULL;
	u64 chunk = U64_MAX;
	unsigned int i;

	for (i = 0; i < batch->nr; i++) {
		struct dax_move *m = &batch->moves[i];
		struct evict_run r = { .nr = 1, .moves = m };
		struct page *page;

		/* Most are in the chunk of the one before. */
		if (chunk != m->from >> CHUNK_SHIFT) {
			chunk = m->from >> CHUNK_SHIFT;
			span = xa_load(&w->b->spans, chunk);
		}
		if (!span || m->error != DAX_MOVE_PENDING)
			continue;
		r.span = span;
		r.page = (m->from >> PAGE_SHIFT) - span->first * CHUNK_PAGES;
		page = span_page(span, r.page);
		r.mapping = READ_ONCE(page->mapping);
		r.index = READ_ONCE(page->index);
		if (!r.mapping)
			continue;
		if ((unsigned long)r.mapping & PAGE_MAPPING_FLAGS)
			m->error = -EOPNOTSUPP;
		else if (!run_add(w, &r))
			return -ENOMEM;
	}
	return 0;
}

/**
 * evict_and_move() - move pages that have DAX entries
 * @b: backing whose holder is known
 * @families: from holder_kind()
 * @batch: the pages; those that are pending on return have no entry, or belong
 *	to an inode whose locks were not to be had
 *
 * Context: Process context, may sleep; trim_lock held, which keeps the spans.
 * Tries s_umount and inode locks.
 * Return: 0, -EAGAIN if a lock was not to be had, -EINTR or -ENOMEM.
 */
int evict_and_move(struct dax_backing *b, unsigned int families,
		   struct dax_move_batch *batch)
{
	struct evict_walk w = {
		.b = b,
		.mapped = true,
		.batch = batch,
		.deadline = min(jiffies + WALK_PATIENCE, batch->deadline),
	};
	int err = collect_batch(&w, batch);

	if (!err && w.nr_runs) {
		sort(w.runs, w.nr_runs, sizeof(*w.runs), run_cmp, NULL);
		err = walk(&w, families);
	}
	kvfree(w.runs);
	return err;
}

/**
 * evict_each_user() - look at each file that somebody has open
 * @b: backing whose holder is known
 * @families: from holder_kind()
 * @locked: those whose i_rwsem is taken just now, or the others
 * @fn: what to do with each; ends the walk if it does not return 0. s_umount and a
 *	reference to the inode are held
 * @data: its argument
 *
 * Context: as evict_and_move().
 * Return: what @fn did, or -EAGAIN if a lock was not to be had.
 */
int evict_each_user(struct dax_backing *b, unsigned int families, bool locked,
		    int (*fn)(struct dax_backing *b, struct inode *inode,
			      void *data), void *data)
{
	struct evict_walk w = {
		.b = b,
		.visit = fn,
		.data = data,
		.locked = locked,
		.deadline = jiffies + WALK_PATIENCE,
	};

	return walk(&w, families);
}

/**
 * evict_and_move_held() - evict_and_move() for one file system
 * @b: backing
 * @inode: file on it whose i_rwsem is held on our behalf
 * @batch: the pages
 *
 * Context: in evict_each_user(); i_rwsem of @inode is not to be taken.
 * Return: as evict_and_move().
 */
int evict_and_move_held(struct dax_backing *b, struct inode *inode,
			struct dax_move_batch *batch)
{
	struct evict_walk w = {
		.b = b,
		.mapped = true,
		.batch = batch,
		.held = inode,
		.deadline = min(jiffies + HELD_PATIENCE, batch->deadline),
	};

	w.error = collect_batch(&w, batch);
	if (!w.error && w.nr_runs) {
		sort(w.runs, w.nr_runs, sizeof(*w.runs), run_cmp, NULL);
		evict_super(inode->i_sb, &w);
	}
	kvfree(w.runs);
	return w.error;
}

/**
 * evict_wait_faults_held() - evict_wait_faults() for one file system
 * @b: backing
 * @inode: as for evict_and_move_held()
 *
 * Context: as evict_and_move_held().
 * Return: as evict_wait_faults().
 */
int evict_wait_faults_held(struct dax_backing *b, struct inode *inode)
{
	struct evict_walk w = {
		.b = b, .held = inode, .deadline = jiffies + HELD_PATIENCE,
	};

	evict_super(inode->i_sb, &w);
	return w.error;
}

/**
 * evict_wait_faults() - wait out every fault that may have been handed a pfn
 * @b: backing whose holder is known
 * @families: from holder_kind()
 *
 * Context: as evict_and_move().
 * Return: 0, -EAGAIN if a lock was not to be had, or -EINTR.
 */
int evict_wait_faults(struct dax_backing *b, unsigned int families)
{
	struct evict_walk w = { .b = b, .deadline = jiffies + WALK_PATIENCE };

	return walk(&w, families);
}

/**
 * evict_unmap_all() - take the disk's files out of all page tables
 * @b: backing whose device cannot hand out pfns any more
 *
 * Files of a file system above device-mapper are not found: their mappings stay
 * until their users go.
 *
 * Context: Process context, may sleep.
 */
void evict_unmap_all(struct dax_backing *b)
{
	struct evict_walk w = { .b = b, .deadline = jiffies + WALK_PATIENCE };

	/* One that is coming or going for longer keeps the memory that it maps. */
	holder_for_parts(&b->parts, b->families, jiffies + UNMAP_PATIENCE,
			 unmap_super, &w);
	holder_forget(&b->parts);
}
