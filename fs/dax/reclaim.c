// SPDX-License-Identifier: GPL-2.0
/*
 * Giving struct pages back: on request, under memory pressure, and before the
 * budget is used up.
 *
 * A fault may have been handed a pfn that is not in any page table yet. It holds
 * its inode's invalidate_lock from before the lookup until the pfn is inserted.
 * So: mark the spans draining (a later lookup makes them live again), pass
 * through the locks of every inode that may be faulting (evict_spans()), and
 * what is still draining then, with idle pages, is out of everybody's sight.
 */
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include <compat/page.h>
#include <compat/shrinker.h>
#include <trace/events/dax_backing.h>

#include "backing.h"

/* Spans of one batch: bounds the time the spans of a batch are in doubt. */
#define TRIM_BATCH	64
/* Batches in a row that may fail for a contended inode before the trim ends. */
#define TRIM_PATIENCE	3
/* Chunks that stay for the device's life, one at each end. */
#define KEPT_CHUNKS	2
/* Pause after a background trim that found nothing. */
#define TRIM_BACKOFF	(2 * HZ)

/* Backings that may give back; the lock is innermost, and taken in reclaim. */
static LIST_HEAD(backings);
static DEFINE_SPINLOCK(backings_lock);
static struct compat_shrinker *shrinker;

/**
 * struct trim - one trim
 * @b: backing
 * @target: chunks to give back
 * @mapped: also evict entries of mapped files
 * @batch: spans in doubt, by drain_node
 * @nr_batch: their number
 * @cursor: first chunk that was not looked at yet
 * @end: chunk to stop at
 * @trimmed: chunks given back
 */
struct trim {
	struct dax_backing *b;
	u64 target;
	bool mapped;
	struct list_head batch;
	unsigned int nr_batch;
	unsigned long cursor;
	unsigned long end;
	u64 trimmed;
};

/* A page with a reference or poison settles it; a mapping may be evicted. */
static bool span_may_go(struct dax_span *span, enum holder_kind kind)
{
	unsigned long i;

	if (span->keep)
		return false;
	for (i = 0; i < span_pages(span); i++) {
		struct page *page = span_page(span, i);

		if (page_ref_count(page) != 1 || PageHWPoison(page))
			return false;
		if (kind == HOLDER_NONE && READ_ONCE(page->mapping) &&
		    READ_ONCE(page->mapping) != COMPAT_PAGE_MAPPING_SHARED)
			return false;
		if (i % CHUNK_PAGES == 0)
			cond_resched();
	}
	return true;
}

/* Spans are freed by trim only, so trim_lock keeps them while we look. */
static void batch_fill(struct trim *t, enum holder_kind kind)
{
	struct dax_backing *b = t->b;
	struct dax_span *span;
	u64 chunks = 0;

	while (t->nr_batch < TRIM_BATCH && t->trimmed + chunks < t->target) {
		if (t->cursor >= t->end)
			break;
		span = xa_find(&b->spans, &t->cursor, t->end - 1, XA_PRESENT);
		if (!span)
			break;
		t->cursor = span->first + span->nr;
		if (!span_may_go(span, kind))
			continue;
		/* A value-returning atomic: a full barrier before the walk. */
		if (atomic_cmpxchg(&span->state, SPAN_LIVE, SPAN_DRAINING) !=
		    SPAN_LIVE)
			continue;
		list_add_tail(&span->drain_node, &t->batch);
		t->nr_batch++;
		chunks += span->nr;
	}
}

static void span_revive(struct dax_span *span)
{
	atomic_cmpxchg(&span->state, SPAN_DRAINING, SPAN_LIVE);
}

/*
 * Lookups see a dead span as a missing one and ask the worker, which waits for
 * map_lock: by then the span is gone or alive again.
 */
static void span_finish(struct trim *t, struct dax_span *span,
			enum holder_kind kind)
{
	struct dax_backing *b = t->b;
	unsigned long nr = span->nr;

	mutex_lock(&b->map_lock);
	if (atomic_cmpxchg(&span->state, SPAN_DRAINING, SPAN_DEAD) ==
	    SPAN_DRAINING) {
		/* No holder after the mark, and no lookup since: all stale. */
		if (kind == HOLDER_NONE)
			span_lift_share(span);
		if (span_idle(span) && !span_unmap(span))
			t->trimmed += nr;
		else
			atomic_set(&span->state, SPAN_LIVE);
	}
	mutex_unlock(&b->map_lock);
}

/* If the walk did not reach every inode nothing is known about the spans. */
static void batch_finish(struct trim *t, enum holder_kind kind, bool walked)
{
	struct dax_span *span, *next;

	list_for_each_entry_safe(span, next, &t->batch, drain_node) {
		list_del_init(&span->drain_node);
		if (walked)
			span_finish(t, span, kind);
		else
			span_revive(span);
	}
	t->nr_batch = 0;
}

static int trim_batch(struct trim *t, bool *more)
{
	unsigned int families;
	enum holder_kind kind = holder_kind(t->b, &families);
	int err = 0;

	*more = false;
	if (kind == HOLDER_UNKNOWN)
		return 0;
	batch_fill(t, kind);
	if (!t->nr_batch)
		return 0;
	/*
	 * Whoever becomes a holder from here on looks up only spans it can see
	 * draining; whoever was one before is seen by this second look.
	 */
	kind = holder_kind(t->b, &families);
	if (kind == HOLDER_KNOWN)
		err = evict_spans(t->b, families, &t->batch, t->mapped);
	batch_finish(t, kind, !err && kind != HOLDER_UNKNOWN);
	*more = true;
	return err;
}

static int trim_run(struct trim *t)
{
	unsigned int noio = memalloc_noio_save();
	int patience = TRIM_PATIENCE;
	bool more = true;
	int err = 0;

	while (more && !err && t->trimmed < t->target) {
		err = trim_batch(t, &more);
		if (err != -EAGAIN)
			patience = TRIM_PATIENCE;
		else if (--patience)
			err = 0;
		if (fatal_signal_pending(current) || trim_stopping(t->b))
			err = -EINTR;
	}
	memalloc_noio_restore(noio);
	return err == -EAGAIN ? 0 : err;
}

/* Around the device once, from where the last trim found enough. */
static int trim_around(struct trim *t, bool mapped)
{
	struct dax_backing *b = t->b;
	unsigned long start = b->trim_cursor;
	int err;

	t->mapped = mapped;
	t->cursor = start;
	t->end = b->nr_chunks;
	err = trim_run(t);
	if (!err && t->trimmed < t->target) {
		t->cursor = 0;
		t->end = start;
		err = trim_run(t);
	}
	b->trim_cursor = t->cursor < b->nr_chunks ? t->cursor : 0;
	return err;
}

/**
 * dax_backing_trim() - give back struct pages that nobody uses
 * @b: backing
 * @target: stop after this many bytes of media; 0 for as many as possible
 * @mapped: also evict the DAX entries of files that are mapped; their users
 *	fault again
 * @trimmed: bytes of media whose struct pages were given back
 * @busy: bytes of media that still have struct pages
 *
 * Files without mappings come first. Nothing is given back while a holder that
 * cannot be asked has the device: see holder_kind().
 *
 * Context: Process context, may sleep. Takes locks of the mounted file systems,
 * each with a bound. Stops on a fatal signal.
 * Return: 0, -EINTR, or -ENXIO if the device is going.
 */
int dax_backing_trim(struct dax_backing *b, u64 target, bool mapped,
		     u64 *trimmed, u64 *busy)
{
	struct trim t = {
		.b = b,
		.target = target ? target / CHUNK_SIZE + !!(target % CHUNK_SIZE) :
				   U64_MAX,
		.batch = LIST_HEAD_INIT(t.batch),
	};
	int err;

	*trimmed = 0;
	*busy = 0;
	err = mutex_lock_killable(&b->trim_lock);
	if (err)
		return err;
	err = trim_stopping(b) ? -ENXIO : trim_around(&t, false);
	if (!err && mapped)
		err = trim_around(&t, true);
	mutex_unlock(&b->trim_lock);

	if (t.trimmed) {
		atomic64_inc(&b->stats.trims);
		atomic64_add(t.trimmed, &b->stats.trimmed);
	}
	*trimmed = t.trimmed << CHUNK_SHIFT;
	*busy = (u64)atomic64_read(&b->stats.chunks) << CHUNK_SHIFT;
	trace_dax_backing_trim(b->name, target, *trimmed, *busy, mapped, err);
	return err;
}
EXPORT_SYMBOL_GPL(dax_backing_trim);

static bool over_watermark(struct dax_backing *b)
{
	u64 used = atomic64_read(&b->stats.chunks) * CHUNK_MEMMAP;
	u64 budget = READ_ONCE(b->budget);

	return budget && used > budget - budget / 8;
}

void trim_work_fn(struct work_struct *work)
{
	struct dax_backing *b = container_of(work, struct dax_backing,
					     trim_work);
	u64 target = atomic64_xchg(&b->trim_target, 0);
	bool over = over_watermark(b);
	u64 trimmed, busy;

	if (!target)
		return;
	/* Better another fault in a mapped file than SIGBUS in a new one. */
	dax_backing_trim(b, target << CHUNK_SHIFT, over, &trimmed, &busy);
	WRITE_ONCE(b->kick_after, jiffies + (trimmed ? 0 : TRIM_BACKOFF));
}

/**
 * reclaim_kick() - trim in the background
 * @b: backing
 * @chunks: how much to give back
 *
 * Context: Any process context, reclaim included.
 */
void reclaim_kick(struct dax_backing *b, unsigned long chunks)
{
	if (trim_stopping(b) || time_before(jiffies, READ_ONCE(b->kick_after)))
		return;
	atomic64_set(&b->trim_target, chunks);
	queue_work(drain_wq, &b->trim_work);
}

static u64 idle_chunks(struct dax_backing *b)
{
	u64 chunks = atomic64_read(&b->stats.chunks);

	if (chunks <= KEPT_CHUNKS || time_before(jiffies, b->kick_after))
		return 0;
	return chunks - KEPT_CHUNKS;
}

static unsigned long shrink_count(void *private, unsigned long nr_to_scan)
{
	struct dax_backing *b;
	u64 chunks = 0;

	spin_lock(&backings_lock);
	list_for_each_entry(b, &backings, shrink_node)
		chunks += idle_chunks(b);
	spin_unlock(&backings_lock);
	return chunks * CHUNK_MEMMAP >> PAGE_SHIFT;
}

/* Evicting takes inode locks, which whoever is reclaiming may hold: hand over. */
static unsigned long shrink_scan(void *private, unsigned long nr_to_scan)
{
	struct dax_backing *b;

	spin_lock(&backings_lock);
	list_for_each_entry(b, &backings, shrink_node)
		if (idle_chunks(b))
			reclaim_kick(b, DIV_ROUND_UP(nr_to_scan << PAGE_SHIFT,
						     CHUNK_MEMMAP));
	spin_unlock(&backings_lock);
	return SHRINK_STOP;
}

/**
 * reclaim_start() - start giving back
 * @b: backing with its disk
 *
 * Context: Process context.
 */
void reclaim_start(struct dax_backing *b)
{
	/* An ioctl may be here first: it needs ->disk. */
	smp_store_release(&b->stopping, false);
	spin_lock(&backings_lock);
	list_add_tail(&b->shrink_node, &backings);
	spin_unlock(&backings_lock);
}

/**
 * reclaim_stop() - stop giving back; no trim runs any more on return
 * @b: backing, perhaps one that was never started
 *
 * Context: Process context, may sleep. A trim that runs ends soon: it looks at
 * ->stopping with each inode and each span.
 */
void reclaim_stop(struct dax_backing *b)
{
	spin_lock(&backings_lock);
	list_del_init(&b->shrink_node);
	spin_unlock(&backings_lock);
	WRITE_ONCE(b->stopping, true);
	cancel_work_sync(&b->trim_work);
	/* Wait for one that an ioctl runs. */
	mutex_lock(&b->trim_lock);
	mutex_unlock(&b->trim_lock);
}

/**
 * reclaim_init() - register the shrinker, once for all backings
 *
 * Context: Module init.
 * Return: 0 or -ENOMEM.
 */
int reclaim_init(void)
{
	shrinker = compat_shrinker_create("dax-backing", shrink_count,
					  shrink_scan, NULL);
	return shrinker ? 0 : -ENOMEM;
}

/**
 * reclaim_exit() - undo reclaim_init()
 *
 * Context: Module exit.
 */
void reclaim_exit(void)
{
	compat_shrinker_destroy(shrinker);
}
