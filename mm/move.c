// SPDX-License-Identifier: GPL-2.0
/*
 * Moving pages: all pinners of them agree, or nothing happens.
 */
#define pr_fmt(fmt) "pin_registry: " fmt

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <trace/events/pin_registry.h>

#include "registry.h"

/**
 * struct pin_part - pages of one pin that move
 * @pin: a reference is held
 * @where: the pages
 * @src: the first of them
 * @range: memory of the new place, a reference is held; NULL if it moves along
 * @prepared: which of the pages were prepared, the last ones first, with memory to
 *	tell the end of the move later, if need be
 */
struct pin_part {
	struct pin_handle *pin;
	struct pin_span where;
	unsigned long src;
	struct pin_range *range;
	struct pin_late *prepared;
};

static unsigned long move_last(const struct pin_move *m)
{
	return m->src + m->nr - 1;
}

static gfp_t move_gfp(const struct pin_move *m)
{
	/* Compaction calls us to make memory: do not make it call itself. */
	return (m->atomic ? GFP_NOWAIT : GFP_NOIO) | __GFP_NOWARN;
}

/* Whoever pins a page of the new place would see it change under his hands. */
static int check_target(struct pin_move *m)
{
	struct pin_link *link = NULL;
	unsigned long pfn;

	for (pfn = m->dst; !link && pfn < m->dst + m->nr; pfn++)
		link = index_links(m->dst_bucket, pfn);
	if (likely(!link))
		return 0;
	if (index_starting(link))
		return -EAGAIN;
	strscpy(m->blocker, link->pin->pinner->name, sizeof(m->blocker));
	return -EBUSY;
}

/* From now on nobody can pin the pages any more, at neither place. */
static int announce(struct pin_move *m)
{
	int err;

	index_lock_both(m->bucket, m->dst_bucket);
	if (index_moving(m->bucket, m->src, m->nr) ||
	    index_moving(m->dst_bucket, m->dst, m->nr))
		err = -EBUSY;
	else
		err = check_target(m);
	if (!err) {
		list_add(&m->node, &m->bucket->moves);
		list_add(&m->dst_node, &m->dst_bucket->arrivals);
	}
	index_unlock_both(m->bucket, m->dst_bucket);
	return err;
}

static void withdraw(struct pin_move *m)
{
	index_lock_both(m->bucket, m->dst_bucket);
	list_del(&m->node);
	list_del(&m->dst_node);
	index_unlock_both(m->bucket, m->dst_bucket);
}

/*
 * Go through the parts of pins that move; @parts NULL counts them only.
 *
 * Return: their number; -E2BIG if there are more than @room, after @room; -EAGAIN if
 * a pin is just being made that may turn out to have one.
 */
static long find_parts(struct pin_move *m, struct pin_part *parts,
		       unsigned long room)
{
	unsigned long n = 0, pfn;
	struct pin_link *link;
	struct pin_span run;

	m->nr_parts = 0;
	for (pfn = m->src; pfn <= move_last(m); pfn++) {
		for (link = index_links(m->bucket, pfn); link;
		     link = index_next(link)) {
			if (index_starting(link))
				return -EAGAIN;
			run = index_run(link, pfn, m->src, move_last(m));
			if (!run.nr)
				continue;
			if (parts && n == room)
				return -E2BIG;
			if (parts) {
				parts[n] = (struct pin_part){
					.pin = pin_get(link->pin),
					.where = run,
					.src = pfn,
				};
				m->nr_parts = n + 1;
			}
			n++;
		}
	}
	return n;
}

/* The innermost user first: who pinned last. */
static int newest_first(const void *a, const void *b)
{
	const struct pin_part *x = a, *y = b;

	if (x->pin->since != y->pin->since)
		return x->pin->since > y->pin->since ? -1 : 1;
	return 0;
}

static struct pin_part *few_parts(struct pin_move *m)
{
	BUILD_BUG_ON(sizeof(struct pin_part) > sizeof(m->few));
	return (struct pin_part *)m->few;
}

static void forget_parts(struct pin_move *m)
{
	unsigned long i;

	for (i = 0; i < m->nr_parts; i++)
		pin_put(m->parts[i].pin);
	if (m->parts != few_parts(m))
		kvfree(m->parts);
	m->parts = NULL;
	m->nr_parts = 0;
}

static int try_collect(struct pin_move *m)
{
	long n;

	/* One at most, as a rule. */
	m->parts = few_parts(m);
	spin_lock(&m->bucket->lock);
	n = find_parts(m, m->parts, 1);
	spin_unlock(&m->bucket->lock);
	if (n >= 0)
		return 0;
	forget_parts(m);
	if (n != -E2BIG)
		return n;

	spin_lock(&m->bucket->lock);
	n = find_parts(m, NULL, 0);
	spin_unlock(&m->bucket->lock);
	if (n <= 0)
		return n;
	m->parts = kvmalloc_array(n, sizeof(*m->parts), move_gfp(m));
	if (!m->parts)
		return -ENOMEM;
	spin_lock(&m->bucket->lock);
	n = find_parts(m, m->parts, n);
	spin_unlock(&m->bucket->lock);
	if (n < 0)
		forget_parts(m);
	return min(n, 0L);
}

/* Times that pins may fall into more parts while they are counted. */
#define COLLECT_TRIES	4

static int collect_parts(struct pin_move *m)
{
	int try, err = -E2BIG;

	/* Pins may end meanwhile, or lose pages in the middle; none is added. */
	for (try = 0; err == -E2BIG && try < COLLECT_TRIES; try++)
		err = try_collect(m);
	if (err)
		return err == -E2BIG ? -EAGAIN : err;
	if (m->nr_parts > 1)
		sort(m->parts, m->nr_parts, sizeof(*m->parts), newest_first,
		     NULL);
	return 0;
}

static void blame(struct pin_move *m, struct pinner *p)
{
	strscpy(m->blocker, p->name, sizeof(m->blocker));
	pinner_stat_add(p, refused, 1);
}

/* Where it moves to must have joined as well. */
static int find_range(struct pin_move *m, struct pin_part *part)
{
	unsigned long dst = m->dst + (part->src - m->src);
	unsigned long n = part->where.nr;
	struct pin_range *range;

	if (part->pin->user)
		return 0;
	/* One of a single page moves along; it stays as long as the pin has it. */
	range = part->pin->ranges[part->where.first];
	if (range && range->page)
		return 0;
	part->range = range_get(dst);
	if (!part->range)
		return range_of_page(part->src) ? 0 : -ENXIO;
	if (dst + n > part->range->pfn + part->range->nr) {
		range_put(part->range);
		part->range = NULL;
		return -ENXIO;
	}
	return 0;
}

/* With the slot taken. */
static int prepare_run(struct pin_move *m, struct pin_part *part,
		       struct pin_span run)
{
	struct pin_handle *pin = part->pin;
	struct pin_late *late = pin_late_get(pin, move_gfp(m));
	int err;

	/* The end of the move cannot fail then. */
	if (!late)
		return -ENOMEM;
	err = pin_call(pin, PIN_OP_PREPARE, run, 0, m->deadline);
	if (err) {
		blame(m, pin->pinner);
		pin_late_put(pin, late);
		return err;
	}
	late->where = run;
	late->next = part->prepared;
	part->prepared = late;
	spin_lock(&pin->lock);
	pin->mover = m;
	spin_unlock(&pin->lock);
	return 0;
}

/*
 * With the slot taken. Somebody may have revoked some pages since they were found, or
 * have prepared them for another reason.
 */
static int prepare_part(struct pin_move *m, struct pin_part *part)
{
	struct pin_handle *pin = part->pin;
	struct pinner *p = pin->pinner;
	struct pin_move *other = pin_mover(pin);
	struct pin_span rest = part->where, run;
	int err;

	if (!pin_find_run(pin, rest, false, &run))
		return 0;
	if (!pin_class_policy(p->class)->may_move || (other && other != m)) {
		blame(m, p);
		return -EBUSY;
	}
	err = find_range(m, part);
	while (!err && pin_find_run(pin, rest, false, &run)) {
		err = prepare_run(m, part, run);
		rest.nr -= run.first + run.nr - rest.first;
		rest.first = run.first + run.nr;
	}
	return err;
}

static int prepare_all(struct pin_move *m)
{
	unsigned long i;
	int err;

	for (i = 0; i < m->nr_parts; i++) {
		struct pin_part *part = &m->parts[i];
		struct pinner *p = part->pin->pinner;

		/* Whoever has it may be waiting for a callback. */
		if (m->atomic && !(p->flags & PINNER_ATOMIC))
			return -EAGAIN;
		err = pin_slot_take(part->pin, m->deadline, m->atomic);
		if (err == -ESTALE)
			continue;
		if (err) {
			blame(m, p);
			return err;
		}
		err = prepare_part(m, part);
		if (err != -ETIMEDOUT)
			pin_slot_release(part->pin);
		if (err)
			return err;
	}
	return 0;
}

/* Tell a pinner how the move ended, at once or as soon as its slot is free. */
static void conclude(struct pin_move *m, struct pin_part *part, bool moved)
{
	struct pin_handle *pin = part->pin;
	struct pin_late *late;
	int err;

	err = pin_slot_take(pin, jiffies + msecs_to_jiffies(100), m->atomic);
	while ((late = part->prepared)) {
		part->prepared = late->next;
		late->moved = moved;
		if (err && err != -ESTALE) {
			pin_conclude_later(pin, late);
			continue;
		}
		if (!err)
			err = pin_call(pin, moved ? PIN_OP_COMMIT :
				       PIN_OP_ABORT, late->where, 0,
				       pin_deadline(pin));
		pin_late_put(pin, late);
	}
	if (!err)
		pin_slot_release(pin);
}

/* The pins may take part in other moves, from before the first one is told. */
static void release_pins(struct pin_move *m)
{
	unsigned long i;

	for (i = 0; i < m->nr_parts; i++) {
		struct pin_handle *pin = m->parts[i].pin;

		spin_lock(&pin->lock);
		if (pin->mover == m)
			pin->mover = NULL;
		spin_unlock(&pin->lock);
	}
}

/* In reverse order of the prepares. */
static void finish(struct pin_move *m, bool moved)
{
	unsigned long i;

	release_pins(m);
	for (i = m->nr_parts; i-- > 0;) {
		struct pin_part *part = &m->parts[i];

		if (part->prepared)
			conclude(m, part, moved);
		if (part->range)
			range_put(part->range);
	}
	forget_parts(m);
	withdraw(m);
	lazy_answered();
	index_bucket_put(m->dst_bucket);
	index_bucket_put(m->bucket);
}

static int get_buckets(struct pin_move *m)
{
	m->bucket = index_bucket_get(m->src >> PIN_CHUNK_SHIFT, move_gfp(m));
	if (!m->bucket)
		return -ENOMEM;
	m->dst_bucket = index_bucket_get(m->dst >> PIN_CHUNK_SHIFT,
					 move_gfp(m));
	if (m->dst_bucket)
		return 0;
	index_bucket_put(m->bucket);
	return -ENOMEM;
}

/* Then every pin of the pages is known, and none is added. */
static int start(struct pin_move *m)
{
	int err;

	err = get_buckets(m);
	if (err)
		return err;
	err = lazy_ask(move_gfp(m));
	if (err)
		goto no_ask;
	err = announce(m);
	if (!err)
		return 0;
	lazy_answered();
no_ask:
	index_bucket_put(m->dst_bucket);
	index_bucket_put(m->bucket);
	return err;
}

static bool bad_move(unsigned long src, unsigned long dst, unsigned long nr)
{
	unsigned long room = PIN_CHUNK_PAGES - 1;

	return !nr || nr > PIN_CHUNK_PAGES ||
		(src < dst + nr && dst < src + nr) ||
		(src & room) + nr > PIN_CHUNK_PAGES ||
		(dst & room) + nr > PIN_CHUNK_PAGES;
}

/**
 * pin_move_begin() - make all pinners of some pages let go of them
 * @move: memory for the move, until it has ended; need not be initialised
 * @src: first page
 * @dst: where it moves to; the caller owns these pages, nobody else uses them, and
 *	they do not overlap those at @src
 * @nr: number of pages; neither @src nor @dst crosses a multiple of 2 MiB
 * @deadline: when to give up, in jiffies
 * @atomic: do not sleep; a pinner whose callbacks sleep makes this fail
 *
 * On success no registered pinner accesses the pages at @src any more. Until the
 * move has ended:
 *
 * - nobody can pin pages at @src nor at @dst: who tries waits, or is told -EAGAIN
 *   after a while. (A pin that fails holds references for a moment before.)
 * - what *the calling task* unmaps of pins that take part in the move, or that have
 *   other pages of the same 2 MiB, does not revoke them: unmap what moves, and no
 *   more.
 * - no other move of these pages can begin, to nor from them.
 * - pins may end, and their mappings may go: then they are on neither page after it.
 *
 * The pinners are asked in the order of their pins, the newest first. What a mover
 * of pages of a mapping, as of a DAX file, has to do before and between is in
 * Documentation/pin-registry.rst,
 * "Moving pages of a DAX file".
 *
 * Context: Process context; may sleep unless @atomic, for as long as @deadline says
 * and then 100 ms for each pinner who is to be told that nothing happens. The caller
 * may hold folio locks, i_mmap and mapping locks, i_rwsem, or a journal handle, but
 * not mmap_lock for writing, nor a spinlock unless @atomic.
 * Return: 0: end it with pin_move_commit() or pin_move_abort(), once, in the same
 * task. -EBUSY if a pinner refused or has pinned a page at @dst, whose name is in
 * @move->blocker then, or if another move is running. -ETIMEDOUT if a pinner is late.
 * -EAGAIN if a pin is just being made, or if it would have to sleep. -ENOMEM. -EINVAL
 * for bad or overlapping ranges, or a prepare that returned nonsense. -ENXIO if pages
 * pinned by pin_pages() would move to where no range or more than one is. With an
 * error nothing has happened, those who had agreed were told so, in reverse order,
 * and @move is not to be ended.
 */
int pin_move_begin(struct pin_move *move, unsigned long src, unsigned long dst,
		   unsigned long nr, unsigned long deadline, bool atomic)
{
	struct pin_move *m = move;
	int err;

	if (bad_move(src, dst, nr))
		return -EINVAL;
	*m = (struct pin_move){
		.src = src,
		.dst = dst,
		.nr = nr,
		.task = current,
		.atomic = atomic,
		.deadline = deadline,
	};
	err = start(m);
	if (err) {
		trace_pin_move(src, dst, nr, 0, err, m->blocker);
		return err;
	}
	err = collect_parts(m);
	if (!err)
		err = prepare_all(m);
	trace_pin_move(src, dst, nr, m->nr_parts, err, m->blocker);
	if (err)
		pin_move_abort(m);
	return err;
}
EXPORT_SYMBOL_GPL(pin_move_begin);

/* What FOLL_PIN does to a page that is not compound, and undoing it. */
static void move_reference(struct page *src, struct page *dst)
{
	page_ref_add(dst, GUP_PIN_COUNTING_BIAS);
	mod_node_page_state(page_pgdat(dst), NR_FOLL_PIN_ACQUIRED, 1);
	unpin_user_page(src);
}

/* Page @at of the pin is elsewhere now; with the pin's lock. */
static void retarget_page(struct pin_move *m, struct pin_part *part,
			  unsigned long at, struct page *src, struct page *dst)
{
	struct pin_handle *pin = part->pin;

	index_relink(m->bucket, m->dst_bucket, pin, at, dst);
	if (pin->user) {
		move_reference(src, dst);
	} else if (part->range) {
		range_put(pin->ranges[at]);
		pin->ranges[at] = part->range;
		refcount_inc(&part->range->users);
	}
}

/* The pin is on the new pages, where it was on the old ones and those have moved. */
static void retarget(struct pin_move *m, struct pin_part *part,
		     const unsigned long *stays)
{
	unsigned long i, off = part->src - m->src, moved = 0;
	struct page *src = pfn_to_page(part->src);
	struct page *dst = pfn_to_page(m->dst + off);
	struct pin_handle *pin = part->pin;

	spin_lock(&pin->lock);
	for (i = 0; i < part->where.nr && !(pin->state & PIN_ENDED); i++) {
		unsigned long at = part->where.first + i;

		if (pin->pages[at] != src + i ||
		    (stays && test_bit(off + i, stays)))
			continue;
		retarget_page(m, part, at, src + i, dst + i);
		moved++;
	}
	if (moved)
		pinner_stat_add(pin->pinner, moves, moved);
	spin_unlock(&pin->lock);
}

/**
 * pin_move_commit() - the pages are at their new place
 * @move: from pin_move_begin()
 *
 * All pins are on the new pages when the first pinner is told: the registry has taken
 * GUP_PIN_COUNTING_BIAS references to the new page for each pin of a user mapping, and
 * has given back those to the old one, as unpin_user_page() does. The mover does
 * neither, but the new contents must be in place, and whoever faults must find the new
 * pages, before this is called: pinners go on using them at once. It cannot fail. A
 * pinner who does not answer is told later, and does not keep the old pages.
 *
 * Context: As for pin_move_begin(), in the same task; waits at most 100 ms for each
 * pin that is busy and then for its callback.
 */
void pin_move_commit(struct pin_move *move)
{
	pin_move_commit_some(move, NULL);
}
EXPORT_SYMBOL_GPL(pin_move_commit);

/**
 * pin_move_commit_some() - some of the pages are at their new place
 * @move: from pin_move_begin()
 * @stays: bit N is set if page N of the move is where it was; NULL for none
 *
 * As pin_move_commit(). Pinners are told of a commit for all of the pages: they ask where
 * each is.
 *
 * Context: As for pin_move_commit().
 */
void pin_move_commit_some(struct pin_move *move, const unsigned long *stays)
{
	unsigned long i;

	/* Backwards: who pinned a page last is the first on its list again. */
	for (i = move->nr_parts; i-- > 0;) {
		if (move->parts[i].prepared)
			retarget(move, &move->parts[i], stays);
	}
	finish(move, true);
}
EXPORT_SYMBOL_GPL(pin_move_commit_some);

/**
 * pin_move_abort() - the pages stay where they are
 * @move: from pin_move_begin()
 *
 * Whoever faults must find the old pages, with their contents, before this is called.
 *
 * Context: As for pin_move_begin(), in the same task.
 */
void pin_move_abort(struct pin_move *move)
{
	finish(move, false);
}
EXPORT_SYMBOL_GPL(pin_move_abort);

/**
 * pin_registry_move() - move pages, whatever they are
 * @pfn: first page
 * @nr: number of pages; must not cross a multiple of 2 MiB
 * @timeout_ms: when to give up
 *
 * Context: Process context, may sleep.
 * Return: 0; -ENXIO if the pages did not join or not in one range, -EOPNOTSUPP if
 * their owner cannot move them, -EINVAL, or what the owner returned.
 */
int pin_registry_move(unsigned long pfn, unsigned long nr,
		      unsigned int timeout_ms)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout_ms);
	struct pin_range *range;
	int err;

	if (bad_move(pfn, pfn ^ PIN_CHUNK_PAGES, nr))
		return -EINVAL;
	range = range_get(pfn);
	if (!range)
		return -ENXIO;
	/* A single page may be moving right now, its range along with it. */
	if (range->page)
		err = nr > 1 ? -ENXIO : range_move_page(range, deadline);
	else if (pfn + nr > range->pfn + range->nr)
		err = -ENXIO;
	else if (range->ops->move)
		err = range->ops->move(range, pfn, nr, deadline);
	else
		err = -EOPNOTSUPP;
	range_put(range);
	return err;
}
EXPORT_SYMBOL_GPL(pin_registry_move);

/**
 * struct revoke - argument of revoke_one()
 * @deadline: when to give up
 * @err: of the first pin that stays
 */
struct revoke {
	unsigned long deadline;
	int err;
};

static int revoke_one(struct pin_handle *pin, const struct pin_info *info,
		      void *arg)
{
	struct pin_span where = { info->first, info->nr };
	struct revoke *r = arg;
	int err;

	if (!pin_class_policy(info->class)->may_revoke) {
		err = -EPERM;
		goto out;
	}
	err = pin_slot_take(pin, r->deadline, false);
	if (err == -ESTALE)
		return 0;
	if (err)
		goto out;
	err = pin_revoke(pin, where, PIN_REVOKE_ASKED, r->deadline);
	if (err != -ETIMEDOUT)
		pin_slot_release(pin);
out:
	if (err && !r->err)
		r->err = err;
	return 0;
}

/**
 * pin_registry_revoke() - take pages away from everybody who pins them
 * @pfn: first page
 * @nr: number of pages
 * @timeout_ms: when to stop waiting for a pinner
 *
 * Context: Process context, may sleep.
 * Return: 0 if no pin is left on the pages; -EPERM if the class of one forbids it
 * (the others were revoked), -EBUSY or -ETIMEDOUT if a pinner is late, -EINVAL,
 * -ENOMEM.
 */
int pin_registry_revoke(unsigned long pfn, unsigned long nr,
			unsigned int timeout_ms)
{
	struct revoke r = {
		.deadline = jiffies + msecs_to_jiffies(timeout_ms),
	};
	int err;

	if (!nr || pfn + nr < pfn)
		return -EINVAL;
	err = pin_for_each(pfn, pfn + nr - 1, revoke_one, &r);
	return err ?: r.err;
}
EXPORT_SYMBOL_GPL(pin_registry_revoke);
