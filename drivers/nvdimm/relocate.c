// SPDX-License-Identifier: GPL-2.0
/*
 * Moving pages: which ones, to which places, how often to try, and what it means
 * on the media. Who has to be kept away from them meanwhile is the business of
 * fs/dax (files) and of map.c (everybody else).
 */
#include <linux/dax_backing.h>
#include <linux/delay.h>
#include <linux/pinfold.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include <compat/nvdimm.h>

#include "gate.h"
#include "pinfold.h"

/* One call moves this many pages at most, or looks at this many that are none. */
#define CALL_PAGES	1024
#define CALL_LOOKS	65536
/* One call takes about this long at most; what is in use then is left for the next. */
#define CALL_PATIENCE	(10 * HZ)
/* How often a page is tried that is in use; the pauses add up to half a second. */
#define MOVE_TRIES	10
#define MOVE_PAUSE_MAX	100
/*
 * From this try on, when parts are small, bios do not cancel a move any more: each page
 * is committed only after those that began before are over, and others wait for it. So
 * what is written all the time by bios, a journal, moves too.
 */
#define PATIENT_TRY	3
/*
 * And from this one on the users of files are held back, one file after the other. So
 * what is read and written all the time through files moves, too.
 */
#define INSIST_TRY	4
#define INSIST_PAGES	32

/**
 * struct operation - one call
 * @pf: namespace
 * @op: enum pinfold_move_op
 * @start: first page, or place for EVACUATE and RETIRE
 * @next: first one that was not looked at yet
 * @end: behind the last one
 * @batch: pages that are being moved
 * @moves: the array behind it
 * @begin: where the batch began, as @next counts
 * @last_slot: the last one that was chosen for the batch: none behind it was
 * @deadline: in jiffies
 * @arg: for results
 */
struct operation {
	struct pinfold *pf;
	unsigned int op;
	u64 start;
	u64 next;
	u64 end;
	struct dax_move_batch batch;
	struct dax_move *moves;
	u64 begin;
	u32 last_slot;
	unsigned long deadline;
	struct pinfold_move *arg;
};

static bool by_place(const struct operation *o)
{
	return o->op == PINFOLD_MOVE_EVACUATE || o->op == PINFOLD_MOVE_RETIRE;
}

static void note_failure(struct operation *o, u64 nr, int err,
			 const char *blocker)
{
	if (o->arg->failed++)
		return;
	o->arg->fail_offset = pinfold_place_offset(nr);
	o->arg->fail_error = -err;
	strscpy(o->arg->blocker, blocker, sizeof(o->arg->blocker));
}

/* Places that pages have left may be written again. */
static int settle(struct pinfold *pf)
{
	u32 slot;
	int err;

	if (pf->map->settled)
		return 0;
	synchronize_rcu_expedited();
	err = pinfold_gate_wait(false);
	if (err)
		return err;
	for (slot = 0; slot < pf->remap.layout.nr_slots &&
	     pf->remap.nr_quarantined; slot++)
		pinfold_remap_reuse(&pf->remap, slot);
	pf->map->settled = true;
	return 0;
}

/**
 * pinfold_move_begin() - see &struct dax_backing_ops
 * @private: the namespace
 * @batch: pages
 * @kind: who is kept off how
 *
 * Context: process context, may sleep; no lock of a file system held.
 * Return: 0 or -errno.
 */
int pinfold_move_begin(void *private, struct dax_move_batch *batch,
		       enum dax_move_kind kind)
{
	struct pinfold *pf = private;
	int err = 0;

	lockdep_assert_held(&pf->move_lock);
	pf->batch_kind = kind;
	if (batch->held)
		atomic64_inc(&pf->map->nr_held);
	pinfold_map_mark(pf->map, batch, kind);
	synchronize_rcu_expedited();
	if (kind == DAX_MOVE_HIDDEN)
		err = pinfold_gate_wait(batch->held);
	if (err)
		pinfold_map_clear(pf->map);
	return err;
}

/* Which bytes are lost; each run of sectors is told once. */
static void report_lost(struct pinfold *pf, u64 page, unsigned int sectors)
{
	unsigned int first, end;

	for (first = 0; first < PAGE_SECTORS; first = end + 1) {
		for (end = first; sectors & BIT(end); end++)
			;
		if (end > first)
			dev_err(pf->dev, "data lost: bytes %llu to %llu of the disk could not be read when their page moved; they cannot be until they are written\n",
				PFN_PHYS(page) + first * SECTOR_SIZE,
				PFN_PHYS(page) + end * SECTOR_SIZE - 1);
	}
}

/*
 * A part of the page cannot be read: move the rest. What is lost is on the list of
 * bad blocks before anybody can find the page in its new place; see
 * pinfold_map_resolve() for who looks when.
 */
static int salvage(struct pinfold *pf, const struct dax_move *m)
{
	u32 slot = PHYS_PFN(m->to) - pf->map->spare;
	unsigned int known = pinfold_bad_sectors(pf, m->page), lost = known;
	u64 from = PHYS_PFN(m->from);
	int err;

	/* A table knows lost parts of pages in slots only. */
	if (PHYS_PFN(m->to) == m->page)
		return -EIO;
	err = pinfold_remap_copy_readable(&pf->remap, m->page, slot, &lost);
	/* It was something else that failed. */
	if (!err && !lost)
		err = -EIO;
	if (!err)
		err = pinfold_set_bad(pf, m->page, lost & ~known);
	if (!err)
		err = pinfold_remap_salvage(&pf->remap, m->page, slot,
					    pf->retire ||
					    pinfold_place_is_bad(pf, from));
	if (err)
		return err;
	report_lost(pf, m->page, lost);
	if (!pf->lost++) {
		pf->lost_page = m->page;
		pf->lost_sectors = lost;
	}
	return 0;
}

static int move_whole(struct pinfold *pf, const struct dax_move *m)
{
	u64 to = PHYS_PFN(m->to), from = PHYS_PFN(m->from);
	u32 slot = to - pf->map->spare;

	if (to == m->page)
		return pinfold_remap_move_home(&pf->remap, m->page);
	if (from == m->page)
		return pinfold_remap_move_out(&pf->remap, m->page, slot,
					      pf->retire);
	return pinfold_remap_move_on(&pf->remap, m->page, slot, pf->retire);
}

/* The page's data are at the new place, and the table says so. */
static int move_one(struct pinfold *pf, const struct dax_move *m)
{
	int err = -EIO;

	if (!pinfold_is_bad(pf, PFN_PHYS(m->page), PAGE_SIZE))
		err = move_whole(pf, m);
	if (err == -EIO && !pf->remap.broken)
		err = salvage(pf, m);
	return err;
}

/* The table cannot be changed any more; the data of one page are not to be had. */
static void report_broken(struct pinfold *pf, u64 page)
{
	if (pf->map->lost != U64_MAX)
		return;
	WRITE_ONCE(pf->map->lost, page);
	dev_err(pf->dev, "a flush failed while page %llu moved: it cannot be accessed until the namespace is attached again; no page moves any more\n",
		page);
}

/* One at a time: whoever waits for a page must not wait for the others. */
static int commit_one(struct pinfold *pf, struct dax_move *m)
{
	if (!pinfold_map_begin_commit(pf->map))
		return -EAGAIN;
	m->error = move_one(pf, m);
	/* Nobody comes near it again: it may be here or there. */
	if (m->error && pf->remap.broken)
		report_broken(pf, m->page);
	if (!m->error) {
		pinfold_map_note(pf, m->page, PHYS_PFN(m->from),
				 PHYS_PFN(m->to));
		pf->map->settled = false;
	}
	pinfold_map_end_commit(pf->map, pf->batch_kind);
	return 0;
}

/**
 * pinfold_move_commit() - see &struct dax_backing_ops
 * @private: the namespace
 * @moves: pages
 * @nr: their number
 *
 * Context: process context; under the locks of an inode with DAX_MOVE_FILES.
 * Return: 0, or -EAGAIN if an access cancelled the batch: some are pending.
 */
int pinfold_move_commit(void *private, struct dax_move *moves, unsigned int nr)
{
	struct pinfold *pf = private;
	unsigned int i;
	int err = 0;

	for (i = 0; i < nr && !err; i++)
		if (moves[i].error == DAX_MOVE_PENDING)
			err = commit_one(pf, &moves[i]);
	return err;
}

/**
 * pinfold_move_end() - see &struct dax_backing_ops
 * @private: the namespace
 *
 * Context: process context.
 */
void pinfold_move_end(void *private)
{
	struct pinfold *pf = private;

	pinfold_map_clear(pf->map);
}

/* A place that is being emptied is no place to go to. */
static bool slot_avoided(const struct operation *o, u32 slot)
{
	u64 place = o->pf->map->spare + slot;

	return by_place(o) && place >= o->start && place < o->end;
}

static bool slot_taken(const struct operation *o, u32 slot)
{
	u64 to = pinfold_place_offset(o->pf->map->spare + slot);
	unsigned int i;

	for (i = 0; i < o->batch.nr; i++)
		if (o->moves[i].to == to)
			return true;
	return false;
}

static u32 find_slot(struct operation *o)
{
	struct pinfold *pf = o->pf;
	u32 nr = pf->remap.layout.nr_slots, from = pf->map->slot_hint, i, slot;

	for (i = 0; i < nr; i++) {
		slot = pinfold_remap_find_free(&pf->remap, from);
		if (slot == PINFOLD_NO_SLOT)
			return slot;
		from = slot + 1 < nr ? slot + 1 : 0;
		if (slot_avoided(o, slot) ||
		    (slot <= o->last_slot && slot_taken(o, slot)))
			continue;
		if (pinfold_place_is_bad(pf, pf->map->spare + slot)) {
			if (pinfold_remap_retire_slot(&pf->remap, slot))
				return PINFOLD_NO_SLOT;
			continue;
		}
		pf->map->slot_hint = from;
		o->last_slot = max(o->last_slot, slot);
		return slot;
	}
	return PINFOLD_NO_SLOT;
}

/* A free place for a page, which may have been left by another one. */
static int pick_slot(struct operation *o, u32 *slot)
{
	int err;

	*slot = find_slot(o);
	if (*slot != PINFOLD_NO_SLOT)
		return 0;
	if (!o->pf->remap.nr_quarantined)
		return -ENOSPC;
	err = settle(o->pf);
	if (err)
		return err;
	*slot = find_slot(o);
	return *slot == PINFOLD_NO_SLOT ? -ENOSPC : 0;
}

static void batch_add(struct operation *o, u64 page, u64 from, u64 to)
{
	o->moves[o->batch.nr++] = (struct dax_move){
		.page = page,
		.from = pinfold_place_offset(from),
		.to = pinfold_place_offset(to),
		.error = DAX_MOVE_PENDING,
	};
}

static int add_out(struct operation *o, u64 page, u64 from)
{
	u32 slot;
	int err = pick_slot(o, &slot);

	if (!err)
		batch_add(o, page, from, o->pf->map->spare + slot);
	return err;
}

static int add_home(struct operation *o, u64 page)
{
	u64 from = pinfold_place(o->pf, page);
	int err;

	if (from == page)
		return 0;
	err = pinfold_remap_may_release(&o->pf->remap, page);
	if (err == -EPERM) {
		note_failure(o, page, err, "its home is retired");
		return 0;
	}
	if (pinfold_place_is_bad(o->pf, page)) {
		note_failure(o, page, -EIO, "its home is bad");
		return 0;
	}
	/* The page's old home may still be read by who found it there. */
	if (!err)
		err = settle(o->pf);
	if (!err)
		batch_add(o, page, from, page);
	return err;
}

/* Nobody lives there; nobody shall. */
static int retire_empty(struct operation *o, u64 place)
{
	struct pinfold *pf = o->pf;
	u64 slot = place - pf->map->spare;
	int err;

	if (place < pf->nr_pages)
		return pinfold_remap_retire_home(&pf->remap, place);
	if (place < pf->map->spare || slot >= pf->remap.layout.nr_slots)
		return 0;
	if (pf->remap.entries[slot] & PINFOLD_REMAP_SLOT_RETIRED)
		return 0;
	err = settle(pf);
	return err ?: pinfold_remap_retire_slot(&pf->remap, slot);
}

static int add_place(struct operation *o, u64 place)
{
	u64 page = pinfold_page_at(o->pf, place);

	if (page != U64_MAX)
		return add_out(o, page, place);
	return o->op == PINFOLD_MOVE_RETIRE ? retire_empty(o, place) : 0;
}

static int add_next(struct operation *o)
{
	switch (o->op) {
	case PINFOLD_MOVE_RELOCATE:
		return add_out(o, o->next, pinfold_place(o->pf, o->next));
	case PINFOLD_MOVE_RESTORE:
		return add_home(o, o->next);
	default:
		return add_place(o, o->next);
	}
}

static int cmp_move(const void *a, const void *b)
{
	const struct dax_move *x = a, *y = b;

	return x->page < y->page ? -1 : x->page > y->page;
}

/* Return: 0, or why @o->next cannot be moved; what is in the batch can be. */
static int batch_fill(struct operation *o, u64 *looks)
{
	unsigned int i;
	int err = 0;

	o->begin = o->next;
	o->batch.nr = 0;
	o->last_slot = 0;
	while (o->next < o->end && o->batch.nr < PINFOLD_MOVE_BATCH &&
	       *looks && !err) {
		err = add_next(o);
		if (!err)
			o->next++;
		--*looks;
	}
	for (i = 1; i < o->batch.nr; i++)
		if (o->moves[i].page < o->moves[i - 1].page)
			break;
	/* They are in order already, but for places that pages came to one by one. */
	if (i < o->batch.nr)
		sort(o->moves, o->batch.nr, sizeof(*o->moves), cmp_move, NULL);
	return err;
}

/* Another try may help: somebody was there. */
static bool worth_a_try(int error)
{
	return error == DAX_MOVE_PENDING || error == -EBUSY ||
		error == -EAGAIN;
}

/* Take note of what is done, and keep the rest, in order. */
static void batch_compact(struct operation *o, bool last)
{
	unsigned int i, nr = 0;

	for (i = 0; i < o->batch.nr; i++) {
		struct dax_move *m = &o->moves[i];

		if (!m->error) {
			o->arg->moved++;
		} else if (!last && worth_a_try(m->error)) {
			m->error = DAX_MOVE_PENDING;
			o->moves[nr++] = *m;
		} else {
			note_failure(o, by_place(o) ? PHYS_PFN(m->from) :
						      m->page,
				     worth_a_try(m->error) ? -EBUSY : m->error,
				     o->batch.blocked == m->from ?
				     o->batch.blocker : "");
		}
	}
	o->batch.nr = nr;
}

/* The device or whoever has it forbids it, whatever the page. */
static bool is_final(int err)
{
	return err && err != -EAGAIN;
}

/* In parts of @size pages, which an access cancels one at a time. */
static int try_batch(struct operation *o, unsigned int size)
{
	struct dax_move_batch part = { .deadline = o->deadline };
	unsigned int at;
	int err = 0;

	/* Each flush is the host's, and accesses to all of a part wait for it. */
	if (!is_nvdimm_sync(o->pf->region))
		size = 1;

	for (at = 0; at < o->batch.nr && !is_final(err); at += size) {
		part.insist = o->batch.insist;
		part.moves = o->moves + at;
		part.nr = min(size, o->batch.nr - at);
		err = dax_backing_move(o->pf->backing, &part);
		o->batch.insist = part.insist;
		if (part.blocker[0]) {
			strscpy(o->batch.blocker, part.blocker,
				sizeof(o->batch.blocker));
			o->batch.blocked = part.blocked;
		}
		if (fatal_signal_pending(current))
			err = -EINTR;
		else if (!is_final(err) && time_after(jiffies, o->deadline))
			return 0;
		cond_resched();
	}
	return is_final(err) ? err : 0;
}

/* Whoever calls again begins with what was not tried to its end. */
static void batch_rewind(struct operation *o)
{
	o->next = o->begin;
	if (!by_place(o) && o->batch.nr)
		o->next = o->moves[0].page;
}

/* Smaller and smaller, so that pages that stay keep fewer others. */
static unsigned int try_pages(unsigned int try)
{
	unsigned int nr = try < INSIST_TRY ?
		PINFOLD_MOVE_BATCH >> 2 * try :
		INSIST_PAGES >> (try - INSIST_TRY);

	return max(nr, 1U);
}

static int run_batch(struct operation *o)
{
	unsigned int try, pause = 1;
	bool last = false;
	int err = 0;

	o->batch.blocker[0] = '\0';
	for (try = 0; o->batch.nr && !err && !last; try++) {
		if (try) {
			if (msleep_interruptible(pause))
				return -EINTR;
			pause = min(2 * pause, MOVE_PAUSE_MAX);
		}
		o->pf->map->patient = try >= PATIENT_TRY;
		o->batch.insist = try >= INSIST_TRY;
		err = try_batch(o, try_pages(try));
		last = !err && (try == MOVE_TRIES - 1 ||
				time_after(jiffies, o->deadline));
		batch_compact(o, last);
	}
	return err;
}

static int check_range(struct pinfold *pf, const struct pinfold_move *arg,
		       struct operation *o)
{
	u64 limit = pf->nr_pages;

	if (!pf->info.geo.spare_size)
		return -EOPNOTSUPP;
	if (by_place(o))
		limit = PHYS_PFN(pinfold_mapped_size(&pf->info.geo));
	if (!PAGE_ALIGNED(arg->offset) || !PAGE_ALIGNED(arg->length) ||
	    PHYS_PFN(arg->offset) > limit ||
	    PHYS_PFN(arg->length) > limit - PHYS_PFN(arg->offset))
		return -EINVAL;
	o->start = PHYS_PFN(arg->offset);
	o->next = o->start;
	o->end = o->start + PHYS_PFN(arg->length);
	return 0;
}

/*
 * Have a table to enter moves into. The first use of it is for good: not before it is
 * known that there will be one.
 */
static int prepare(struct operation *o)
{
	struct pinfold *pf = o->pf;
	int err;

	if (pf->gone)
		return -ENODEV;
	if (pf->read_only || get_disk_ro(pf->disk))
		return -EROFS;
	if (!pf->map && o->op == PINFOLD_MOVE_RESTORE)
		o->next = o->end;
	if (o->next == o->end)
		return 0;
	err = dax_backing_may_move(pf->backing);
	return err ?: pinfold_start_remap(pf);
}

/* Files were given the pages of these chunks one by one: the next time at once. */
static void unsplit_whole(struct pinfold *pf)
{
	unsigned int i;

	for (i = 0; i < pf->map->nr_whole; i++)
		dax_backing_unsplit(pf->backing,
				    (u64)pf->map->whole[i] << PMD_SHIFT);
	pf->map->nr_whole = 0;
}

static int run_operation(struct operation *o)
{
	u64 looks = CALL_LOOKS;
	int err, full;

	do {
		full = batch_fill(o, &looks);
		err = run_batch(o);
		unsplit_whole(o->pf);
		if (err)
			batch_rewind(o);
		if (time_after(jiffies, o->deadline))
			break;
	} while (!err && !full && looks && o->next < o->end &&
		 o->arg->moved + o->arg->failed < CALL_PAGES);
	/* What did move is told first; the next call says why it ends. */
	if (!err && full && !o->arg->moved)
		err = full;
	return err;
}

/**
 * pinfold_move_pages() - do a part of what PINFOLD_IOC_MOVE asks for
 * @pf: namespace
 * @arg: see there; already checked against the block device
 *
 * Context: process context, may sleep; the disk is open.
 * Return: 0 or -errno; @arg tells in either case how far it came.
 */
int pinfold_move_pages(struct pinfold *pf, struct pinfold_move *arg)
{
	struct operation o = { .pf = pf, .op = arg->op, .arg = arg };
	int err = check_range(pf, arg, &o);

	if (err)
		return err;
	o.moves = kvmalloc_array(PINFOLD_MOVE_BATCH, sizeof(*o.moves),
				 GFP_KERNEL);
	if (!o.moves)
		return -ENOMEM;
	o.batch.moves = o.moves;
	err = mutex_lock_killable(&pf->move_lock);
	if (err)
		goto free;
	o.deadline = jiffies + CALL_PATIENCE;
	err = prepare(&o);
	pf->retire = arg->op == PINFOLD_MOVE_RETIRE;
	pf->lost = 0;
	if (!err && o.next < o.end)
		err = run_operation(&o);
	arg->lost = pf->lost;
	if (pf->lost) {
		arg->lost_offset = pinfold_place_offset(pf->lost_page);
		arg->lost_sectors = pf->lost_sectors;
	}
	mutex_unlock(&pf->move_lock);
	arg->offset = pinfold_place_offset(o.next);
	arg->length = pinfold_place_offset(o.end - o.next);
free:
	kvfree(o.moves);
	return err;
}

/**
 * pinfold_evacuate() - see &struct dax_backing_ops
 * @private: the namespace
 * @offset: in bytes from the start of the data area
 * @len: length in bytes
 * @deadline: in jiffies
 *
 * Context: as pinfold_move_pages().
 * Return: 0, -EBUSY if a page is still there, or -errno.
 */
int pinfold_evacuate(void *private, u64 offset, u64 len, unsigned long deadline)
{
	struct pinfold_move arg = {
		.op = PINFOLD_MOVE_EVACUATE, .offset = offset, .length = len,
	};
	int err = 0;

	while (!err && arg.length && !arg.failed) {
		arg.moved = 0;
		err = pinfold_move_pages(private, &arg);
		if (!err && time_after(jiffies, deadline))
			err = -ETIMEDOUT;
		if (fatal_signal_pending(current))
			err = -EINTR;
	}
	return err ?: -(int)arg.fail_error;
}

/**
 * pinfold_stop_moves() - no page moves any more on return
 * @pf: namespace that is being unbound
 *
 * Context: process context; waits for a batch, each of whose waits has a bound.
 */
void pinfold_stop_moves(struct pinfold *pf)
{
	mutex_lock(&pf->move_lock);
	pf->gone = true;
	mutex_unlock(&pf->move_lock);
}
