// SPDX-License-Identifier: GPL-2.0
/*
 * Populating on demand. The fault asks and waits, a worker does it: the fault
 * holds locks (mmap_lock, invalidate_lock, a journal handle) that other paths
 * take inside the hotplug locks memremap_pages() needs.
 */
#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/math64.h>
#include <linux/mmap_lock.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>

#include <asm/syscall.h>

#include <trace/events/dax_backing.h>

#include "backing.h"

/*
 * How long a fault waits, and how often it tries when trim is in between.
 *
 * The worker may be waiting for a lock whose holder waits for what the fault
 * holds: a CPU or memory going off line takes a hotplug lock and then, for the
 * cpusets, mmap_lock. In user mode the fault is free to let go and come again, so it
 * waits briefly, and when a wait has expired, hardly at all until the worker moves.
 * In kernel mode an error would reach the caller of a system call: it insists,
 * unless somebody has waited for its mmap_lock for IN_WAY seconds, or for a span
 * that is going, which may wait for memory_failure(), which may wait for the DAX
 * entry that the fault has locked.
 */
#define POPULATE_TIMEOUT_USER	HZ
#define POPULATE_TIMEOUT_STALL	(HZ / 50 ?: 1)
#define POPULATE_TIMEOUT	(30 * HZ)
#define POPULATE_TIMEOUT_DEAD	(10 * HZ)
#define POPULATE_IN_WAY		5
#define POPULATE_TRIES		8

/**
 * struct populate_request - somebody waits for a chunk
 * @node: on backing->requests, empty once served
 * @chunk: the chunk
 * @done: completed when served
 * @error: result, valid after @done
 * @refs: waiters, plus one while on the list; under request_lock
 */
struct populate_request {
	struct list_head node;
	unsigned long chunk;
	struct completion done;
	int error;
	int refs;
};

static struct populate_request *request_find(struct dax_backing *b,
					     unsigned long chunk)
{
	struct populate_request *req;

	list_for_each_entry(req, &b->requests, node)
		if (req->chunk == chunk)
			return req;
	return NULL;
}

/* Returns the request for @chunk with a reference for the caller. */
static struct populate_request *request_get(struct dax_backing *b,
					    unsigned long chunk)
{
	struct populate_request *new, *req;

	new = kmalloc(sizeof(*new), GFP_NOIO | __GFP_NOWARN);

	spin_lock(&b->request_lock);
	if (b->dead) {
		spin_unlock(&b->request_lock);
		kfree(new);
		return ERR_PTR(-ENXIO);
	}
	req = request_find(b, chunk);
	if (req) {
		req->refs++;
	} else if (new) {
		init_completion(&new->done);
		new->chunk = chunk;
		new->error = 0;
		new->refs = 2;
		list_add_tail(&new->node, &b->requests);
		queue_work(populate_wq, &b->populate_work);
		req = new;
		new = NULL;
	}
	spin_unlock(&b->request_lock);
	kfree(new);
	return req ?: ERR_PTR(-ENOMEM);
}

static void request_put(struct dax_backing *b, struct populate_request *req)
{
	bool last;

	spin_lock(&b->request_lock);
	last = --req->refs == 0;
	spin_unlock(&b->request_lock);
	if (last)
		kfree(req);
}

/* Serve the requests for chunks [first, first + nr). */
static void requests_complete(struct dax_backing *b, unsigned long first,
			      unsigned long nr, int error)
{
	struct populate_request *req, *next;

	spin_lock(&b->request_lock);
	list_for_each_entry_safe(req, next, &b->requests, node) {
		if (req->chunk < first || req->chunk >= first + nr)
			continue;
		list_del_init(&req->node);
		req->error = error;
		complete_all(&req->done);
		if (--req->refs == 0)
			kfree(req);
	}
	spin_unlock(&b->request_lock);
}

static unsigned long span_size_at(struct dax_backing *b, unsigned long chunk)
{
	struct dax_span *span;

	if (chunk >= b->nr_chunks)
		return 0;
	span = xa_load(&b->spans, chunk);
	return span ? span->nr : 0;
}

static unsigned long room_in_budget(struct dax_backing *b)
{
	u64 budget = READ_ONCE(b->budget);
	u64 used = atomic64_read(&b->stats.chunks) * CHUNK_MEMMAP;

	if (!budget)
		return SPAN_SECTION_CHUNKS;
	if (used + CHUNK_MEMMAP > budget)
		return 0;
	return min_t(u64, div_u64(budget - used, CHUNK_MEMMAP),
		     SPAN_SECTION_CHUNKS);
}

static struct span_choice choose(struct dax_backing *b, unsigned long chunk,
				 unsigned long want, unsigned long room,
				 long *section)
{
	unsigned long skew = (b->base >> CHUNK_SHIFT) % SPAN_SECTION_CHUNKS;
	struct span_window w = { .want = want, .room = room };
	unsigned long first, last, i;
	struct dax_span *span;

	/* Index of the section's first chunk, negative if it is not ours. */
	*section = (long)rounddown(chunk + skew, SPAN_SECTION_CHUNKS) - skew;
	first = max(*section, 0L);
	last = min_t(unsigned long, *section + SPAN_SECTION_CHUNKS,
		     b->nr_chunks) - 1;
	w.target = chunk - *section;
	w.usable = GENMASK_ULL(last - *section, first - *section);
	xa_for_each_range(&b->spans, i, span, first, last)
		w.populated |= 1ULL << (i - *section);
	w.left = chunk ? span_size_at(b, chunk - 1) : 0;
	w.right = span_size_at(b, chunk + 1);
	return span_layout_choose(&w);
}

static int budget_exhausted(struct dax_backing *b)
{
	pr_warn_ratelimited("%s: the budget for struct pages (%llu bytes) is used up, a first touch fails with SIGBUS; trim, or raise /sys/block/%s/pinfold/budget_bytes\n",
			    b->name, READ_ONCE(b->budget),
			    b->disk ? b->disk->disk_name : b->name);
	atomic64_inc(&b->stats.failures);
	return -ENOSPC;
}

/**
 * populate_chunk() - see to it that a chunk has struct pages
 * @b: backing
 * @chunk: the chunk
 * @want: chunks the caller will need from there on, or 0 if it does not know
 *
 * Context: Process context, may sleep; map_lock held, memalloc_noio_save() in
 * force; not a fault's own context.
 * Return: 0, -ENOMEM (try again later), or -ENOSPC (budget).
 */
int populate_chunk(struct dax_backing *b, unsigned long chunk,
		   unsigned long want)
{
	struct dax_span *span = xa_load(&b->spans, chunk);
	unsigned long room = room_in_budget(b);
	struct span_choice c;
	long section;

	if (span && span_get_live(span))
		return 0;
	/* Start trimming before the budget is used up: a fault cannot wait. */
	if (room < SPAN_SECTION_CHUNKS)
		reclaim_kick(b, 2 * SPAN_SECTION_CHUNKS);
	if (!room)
		return budget_exhausted(b);

	c = choose(b, chunk, want, room, &section);
	span = span_map(b, section + c.first, c.nr);
	if (IS_ERR(span) && c.nr > 1)
		span = span_map(b, chunk, 1);
	return PTR_ERR_OR_ZERO(span);
}

static void populate_one(struct dax_backing *b, unsigned long chunk)
{
	unsigned long first = chunk, nr = 1;
	struct dax_span *span;
	int err;

	mutex_lock(&b->map_lock);
	err = populate_chunk(b, chunk, 0);
	if (!err) {
		span = xa_load(&b->spans, chunk);
		first = span->first;
		nr = span->nr;
	}
	mutex_unlock(&b->map_lock);
	requests_complete(b, first, nr, err);
}

static bool request_next(struct dax_backing *b, unsigned long *chunk)
{
	struct populate_request *req;

	spin_lock(&b->request_lock);
	req = list_first_entry_or_null(&b->requests, struct populate_request,
				       node);
	if (req)
		*chunk = req->chunk;
	spin_unlock(&b->request_lock);
	return req;
}

void populate_work_fn(struct work_struct *work)
{
	struct dax_backing *b = container_of(work, struct dax_backing,
					     populate_work);
	unsigned int noio = memalloc_noio_save();
	unsigned long chunk;

	while (request_next(b, &chunk)) {
		populate_one(b, chunk);
		WRITE_ONCE(b->stalled, false);
	}
	memalloc_noio_restore(noio);
}

/* A fault taken in user mode is not in a system call; kernel threads have no user mode. */
static bool in_user_mode_fault(void)
{
	return !(current->flags & PF_KTHREAD) &&
		syscall_get_nr(current, task_pt_regs(current)) == -1;
}

static long fault_patience(struct dax_backing *b)
{
	if (!in_user_mode_fault())
		return POPULATE_TIMEOUT;
	return READ_ONCE(b->stalled) ? POPULATE_TIMEOUT_STALL :
				       POPULATE_TIMEOUT_USER;
}

static long wait_limit(struct dax_backing *b, unsigned long chunk,
		       unsigned long deadline)
{
	long left = max_t(long, deadline - jiffies, 1);

	/* Only whether there is one: nobody looks inside. */
	return xa_load(&b->spans, chunk) ? min_t(long, left,
						 POPULATE_TIMEOUT_DEAD) : left;
}

/* Those that hardly wait because one has expired are not counted again. */
static void wait_expired(struct dax_backing *b, long limit, u64 start)
{
	if (xchg(&b->stalled, true) && limit <= POPULATE_TIMEOUT_STALL)
		return;
	atomic64_inc(&b->stats.timeouts);
	pr_warn_ratelimited("%s: no struct pages after %llu ms, the fault is retried\n",
			    b->name, div_u64(ktime_get_ns() - start,
					     NSEC_PER_MSEC));
}

/*
 * Somebody waits for the mmap_lock that a fault in a system call holds. For another
 * process's, as ptrace takes, this cannot tell.
 */
static bool in_the_way(void)
{
	return current->mm && mmap_lock_is_contended(current->mm);
}

/*
 * As wait_for_completion_killable_timeout(), but gives up after having been in the
 * way for so long that the worker may well be behind those who wait.
 */
static long wait_for_worker(struct populate_request *req, long limit)
{
	unsigned int in_way = 0;
	long left, slice;

	for (; limit > 0 && in_way < POPULATE_IN_WAY; limit -= slice) {
		slice = min_t(long, limit, HZ);
		left = wait_for_completion_killable_timeout(&req->done, slice);
		if (left)
			return left;
		in_way = in_the_way() ? in_way + 1 : 0;
	}
	return 0;
}

/* Waits until @deadline, in jiffies, at most. */
static int populate_wait(struct dax_backing *b, unsigned long chunk,
			 unsigned long deadline)
{
	long limit = wait_limit(b, chunk, deadline), left;
	u64 start = ktime_get_ns();
	struct populate_request *req;
	int err;

	req = request_get(b, chunk);
	if (IS_ERR(req))
		return PTR_ERR(req);
	left = wait_for_worker(req, limit);
	if (left > 0) {
		err = req->error;
	} else if (left == 0) {
		/* User-mode faults turn this into another try. */
		err = -ENOMEM;
		wait_expired(b, limit, start);
	} else {
		err = -EINTR;
	}
	request_put(b, req);
	trace_dax_backing_wait(b->name, (u64)chunk << CHUNK_SHIFT, CHUNK_SIZE,
			       err, ktime_get_ns() - start);
	return err;
}

/*
 * Pages from @offset to the end of its span, or 0 if it has none. On the path of
 * every DAX fault: with the preemptible RCU of Debian's kernels, disabling
 * preemption is the cheaper read-side section, and kfree_rcu() waits for it, too.
 */
static inline long lookup(struct dax_backing *b, u64 offset)
{
	unsigned long chunk = offset >> CHUNK_SHIFT;
	struct dax_span *span;
	long nr = 0;

	rcu_read_lock_sched();
	span = READ_ONCE(*hot_slot(b, chunk));
	if (unlikely(!span || chunk - span->first >= span->nr))
		span = xa_load(&b->spans, chunk);
	if (likely(span && span_get_live(span)))
		nr = ((span->first + span->nr) << (CHUNK_SHIFT - PAGE_SHIFT)) -
			(offset >> PAGE_SHIFT);
	rcu_read_unlock_sched();
	return nr;
}

/**
 * dax_backing_get_pfn() - a pfn that is about to be visible through the MMU
 * @b: backing
 * @offset: byte offset into the backing, page aligned, within its size
 * @nr_pages: pages the caller asks for
 * @pfn: result; it has a struct page
 *
 * The struct page stays until the caller drops the lock that keeps its file
 * system's DAX entries in place (invalidate_lock, or the inode lock), and from
 * then on as long as a DAX entry or a page reference says so.
 *
 * Context: Process context, a page fault's: may sleep, killable, up to 1 s if it
 * was taken in user mode, else 30 s.
 * Takes nothing a fault may not take, see backing.h.
 * Return: number of pages from @pfn on that have struct pages, or -ENOMEM (try
 * again), -ENOSPC (budget used up), -ENXIO (the device is going), -EINTR.
 */
long dax_backing_get_pfn(struct dax_backing *b, u64 offset, long nr_pages,
			 pfn_t *pfn)
{
	unsigned long deadline;
	unsigned int try;
	long nr;
	int err;

	*pfn = phys_to_pfn_t(b->base + offset, PFN_DEV | PFN_MAP);
	nr = lookup(b, offset);
	if (likely(nr && nr_pages <= CHUNK_PAGES))
		return nr;

	if (nr_pages > CHUNK_PAGES)
		WRITE_ONCE(b->greedy, true);
	deadline = jiffies + fault_patience(b);
	for (try = 0; !nr && try < POPULATE_TRIES; try++) {
		err = populate_wait(b, offset >> CHUNK_SHIFT, deadline);
		if (err)
			return err;
		nr = lookup(b, offset);
	}
	return nr ?: -ENOMEM;
}
EXPORT_SYMBOL_GPL(dax_backing_get_pfn);

/**
 * dax_backing_prefault() - populate a range ahead of its first touch
 * @b: backing
 * @offset: start in bytes
 * @len: length in bytes, within the backing
 * @populated: bytes of the range's chunks that have struct pages on return, also
 *	on error
 *
 * Context: Process context, may sleep; stops on a fatal signal.
 * Return: 0, -EINVAL for a range outside of the backing, or as
 * dax_backing_get_pfn().
 */
int dax_backing_prefault(struct dax_backing *b, u64 offset, u64 len,
			 u64 *populated)
{
	u64 size = (u64)b->nr_chunks << CHUNK_SHIFT;
	unsigned long chunk, end;
	unsigned int noio;
	int err = 0;

	*populated = 0;
	if (!len || offset >= size || len > size - offset)
		return -EINVAL;

	chunk = offset >> CHUNK_SHIFT;
	end = (offset + len + CHUNK_SIZE - 1) >> CHUNK_SHIFT;
	noio = memalloc_noio_save();
	for (; chunk < end && !err; chunk++) {
		err = mutex_lock_killable(&b->map_lock);
		if (err)
			break;
		err = READ_ONCE(b->dead) ? -ENXIO :
			populate_chunk(b, chunk, min_t(unsigned long,
						       end - chunk,
						       SPAN_SECTION_CHUNKS));
		mutex_unlock(&b->map_lock);
		if (!err)
			*populated += CHUNK_SIZE;
		if (fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	}
	memalloc_noio_restore(noio);
	return err;
}
EXPORT_SYMBOL_GPL(dax_backing_prefault);

/**
 * populate_kill() - no populates any more
 * @b: backing; nobody asks it for pfns now, but requests of faults that gave up
 *	may be left
 *
 * Context: Process context, may sleep.
 */
void populate_kill(struct dax_backing *b)
{
	mutex_lock(&b->ops_lock);
	spin_lock(&b->request_lock);
	b->dead = true;
	spin_unlock(&b->request_lock);
	mutex_unlock(&b->ops_lock);
	requests_complete(b, 0, b->nr_chunks, -ENXIO);
	cancel_work_sync(&b->populate_work);
	/* A running prefault looks at ->dead with each span. */
	mutex_lock(&b->map_lock);
	mutex_unlock(&b->map_lock);
}
