// SPDX-License-Identifier: GPL-2.0
/*
 * Moving pages to another place on the media while their users go on.
 *
 * A page with a DAX entry moves under the locks of its inode (evict.c): nobody
 * maps it, and nobody reads or writes the file, meanwhile. All others (data that
 * was only read or written, metadata, free space) belong to nobody we could ask,
 * so whoever arrives has the right of way: the driver marks the pages, waits until
 * every access that began before is over, and from then on an access cancels the
 * batch. What is left is a fault that was handed a pfn before and has not inserted
 * it: evict_wait_faults() passes through the locks it holds.
 *
 * What the driver's move_begin() waits for must never be waited for under an
 * inode's locks: a reader that is inside the DAX SRCU copies to user memory, and
 * may fault on the very file.
 */
#include <linux/blkdev.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>

#include <compat/page.h>

#include "backing.h"

/* How long pinners of a page that moves may take to agree, in jiffies. */
#define PIN_PATIENCE	HZ

static bool batch_pending(const struct dax_move_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++)
		if (batch->moves[i].error == DAX_MOVE_PENDING)
			return true;
	return false;
}

/* The chunk of the page that was looked at last: most of a batch are neighbours. */
struct look {
	u64 chunk;
	bool exists;
};

#define LOOK_INIT	{ .chunk = U64_MAX }

/* NULL without a struct page; trim_lock keeps those that are there. */
static struct page *move_page(struct dax_backing *b, struct look *look,
			      const struct dax_move *m)
{
	u64 chunk = m->from >> CHUNK_SHIFT;

	if (look->chunk != chunk) {
		look->chunk = chunk;
		look->exists = span_exists(b, m->from);
	}
	return look->exists ? pfn_to_page(PHYS_PFN(b->base + m->from)) : NULL;
}

/* Is some page in a file's entry? Others have no business with inodes. */
static bool batch_has_entries(struct dax_backing *b,
			      const struct dax_move_batch *batch)
{
	struct look look = LOOK_INIT;
	unsigned int i;

	for (i = 0; i < batch->nr; i++) {
		struct page *page = move_page(b, &look, &batch->moves[i]);

		if (batch->moves[i].error == DAX_MOVE_PENDING && page &&
		    READ_ONCE(page->mapping))
			return true;
	}
	return false;
}

/* Pins move along to struct pages: have them, while nothing is locked. */
static int populate_for_pins(struct dax_backing *b,
			     const struct dax_move_batch *batch)
{
	struct look look = LOOK_INIT;
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && !err; i++) {
		const struct dax_move *m = &batch->moves[i];
		struct page *page = move_page(b, &look, m);

		if (!page || page_ref_count(page) == 1 ||
		    !pin_registry_refs(page_to_pfn(page)))
			continue;
		mutex_lock(&b->map_lock);
		err = populate_chunk(b, m->to >> CHUNK_SHIFT, 1);
		mutex_unlock(&b->map_lock);
	}
	return err;
}

static int move_files(struct dax_backing *b, unsigned int families,
		      struct dax_move_batch *batch)
{
	int err = populate_for_pins(b, batch);

	if (!err)
		err = b->desc_ops->move_begin(b->private, batch,
					      DAX_MOVE_FILES);
	if (err)
		return err;
	err = evict_and_move(b, families, batch);
	b->desc_ops->move_end(b->private);
	return err;
}

/**
 * move_late() - should a batch be left as it is?
 * @b: backing
 * @batch: the batch
 *
 * Context: Any process context.
 */
bool move_late(struct dax_backing *b, const struct dax_move_batch *batch)
{
	return time_after(jiffies, batch->deadline) || trim_stopping(b) ||
		fatal_signal_pending(current);
}

/**
 * move_blocked() - note who is in the way of a page
 * @b: backing
 * @batch: its batch; the first one counts
 * @page: the page
 * @who: for people, perhaps empty
 *
 * Context: Any.
 */
void move_blocked(struct dax_backing *b, struct dax_move_batch *batch,
		  struct page *page, const char *who)
{
	if (batch->blocker[0])
		return;
	strscpy(batch->blocker, who, sizeof(batch->blocker));
	batch->blocked = PFN_PHYS(page_to_pfn(page)) - b->base;
}

/**
 * move_pins_begin() - ask whoever pinned some pages
 * @b: backing
 * @batch: the batch they belong to
 * @m: first page; the others follow it, at both places in one chunk
 * @nr: number of pages
 * @pins: memory for the move
 *
 * Pins go to struct pages, which nobody can make under the locks of an inode.
 *
 * Context: Process context, may sleep.
 * Return: 0 with @pins to be committed or aborted; -EAGAIN if the new place has no
 * struct pages, -EBUSY if a pinner refused, or -ENOMEM.
 */
int move_pins_begin(struct dax_backing *b, struct dax_move_batch *batch,
		    const struct dax_move *m, unsigned long nr,
		    struct pin_move *pins)
{
	unsigned long src = PHYS_PFN(b->base + m->from);
	unsigned long dst = PHYS_PFN(b->base + m->to);
	int err;

	err = pin_move_begin(pins, src, dst, nr, jiffies + PIN_PATIENCE,
			     false);
	if (err) {
		move_blocked(b, batch, pfn_to_page(src), pins->blocker);
		return err == -ENOMEM || err == -EAGAIN ? err : -EBUSY;
	}
	if (!pins->nr_parts || span_exists(b, m->to))
		return 0;
	pin_move_abort(pins);
	return -EAGAIN;
}

/* Pinned by the registry and by nobody else, without an entry since it moved. */
static bool pinned_only(struct page *page)
{
	return !READ_ONCE(page->mapping) &&
		page_ref_count(page) == 1 +
		pin_registry_refs(page_to_pfn(page));
}

static int commit_pinned(struct dax_backing *b, struct dax_move_batch *batch,
			 struct dax_move *m, struct page *page)
{
	struct pin_move pins;
	int err = move_pins_begin(b, batch, m, 1, &pins);

	if (err)
		return err;
	err = pinned_only(page) ? b->desc_ops->move_commit(b->private, m, 1) :
				  -EBUSY;
	if (!err)
		err = m->error;
	if (err)
		pin_move_abort(&pins);
	else
		pin_move_commit(&pins);
	return err;
}

/*
 * Nobody can have it in a page table. Of a file system that is gone, 6.1 may have left a
 * mark of sharing, which means nothing any more: see span_lift_share().
 */
static bool page_hidden(struct page *page, enum holder_kind kind)
{
	struct address_space *mapping = READ_ONCE(page->mapping);

	return page_ref_count(page) == 1 &&
		(!mapping || (kind == HOLDER_NONE &&
			      mapping == COMPAT_PAGE_MAPPING_SHARED));
}

/*
 * Those with struct pages: somebody maps it, or is about to, and it is not hidden;
 * or it is pinned, and its pins move along, one page at a time. Who has a page made
 * meanwhile comes for an address, which cancels the batch.
 */
static int commit_visible(struct dax_backing *b, struct dax_move_batch *batch,
			  enum holder_kind kind)
{
	struct look look = LOOK_INIT;
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && err != -EAGAIN; i++) {
		struct dax_move *m = &batch->moves[i];
		struct page *page = move_page(b, &look, m);

		if (move_late(b, batch))
			return -EAGAIN;
		if (m->error != DAX_MOVE_PENDING || !page ||
		    page_hidden(page, kind))
			continue;
		err = pinned_only(page) ? commit_pinned(b, batch, m, page) :
					  -EBUSY;
		if (err && err != -EAGAIN)
			m->error = err;
	}
	return err == -EAGAIN ? err : 0;
}

static int check_holder(struct dax_backing *b, enum holder_kind kind)
{
	if (kind != HOLDER_UNKNOWN)
		return 0;
	if (!strcmp(holder_name(b), "busy"))
		return -EAGAIN;
	return strcmp(holder_name(b), "xfs-reflink") ? -EBUSY : -EOPNOTSUPP;
}

/* With the batch announced to the driver. */
static int commit_hidden(struct dax_backing *b, struct dax_move_batch *batch)
{
	unsigned int families;
	/* Who mounted it since the last look may have faulted before the mark. */
	enum holder_kind kind = holder_kind(b, &families);
	int err = check_holder(b, kind);

	if (!err && kind == HOLDER_KNOWN)
		err = evict_wait_faults(b, families);
	if (err)
		return err;
	err = commit_visible(b, batch, kind);
	if (err)
		return err;
	return b->desc_ops->move_commit(b->private, batch->moves, batch->nr);
}

static int move_hidden(struct dax_backing *b, struct dax_move_batch *batch)
{
	int err = populate_for_pins(b, batch);

	if (!err)
		err = b->desc_ops->move_begin(b->private, batch,
					      DAX_MOVE_HIDDEN);
	if (err)
		return err;
	err = commit_hidden(b, batch);
	b->desc_ops->move_end(b->private);
	return err;
}

/* Then nobody but this file system's files can be in a fault on one of them. */
static bool batch_inside(const struct dax_move_batch *batch,
			 struct block_device *bdev)
{
	u64 start = get_start_sect(bdev), end = start + bdev_nr_sectors(bdev);
	unsigned int i;

	for (i = 0; i < batch->nr; i++)
		if (batch->moves[i].error == DAX_MOVE_PENDING &&
		    (batch->moves[i].page < start >> PAGE_SECTORS_SHIFT ||
		     batch->moves[i].page >= end >> PAGE_SECTORS_SHIFT))
			return false;
	return true;
}

/*
 * As move_files() and move_hidden(), but the file system cannot change: its s_umount is
 * held, and must not be asked for again.
 */
static void move_held(struct dax_backing *b, struct dax_move_batch *batch,
		      struct inode *inode)
{
	const struct dax_backing_ops *ops = b->desc_ops;

	if (batch_has_entries(b, batch) &&
	    !ops->move_begin(b->private, batch, DAX_MOVE_FILES)) {
		evict_and_move_held(b, inode, batch);
		ops->move_end(b->private);
	}
	if (!batch_pending(batch) || batch_has_entries(b, batch) ||
	    ops->move_begin(b->private, batch, DAX_MOVE_HIDDEN))
		return;
	if (!evict_wait_faults_held(b, inode) &&
	    !commit_visible(b, batch, HOLDER_KNOWN))
		ops->move_commit(b->private, batch->moves, batch->nr);
	ops->move_end(b->private);
}

/* Whoever cancels again and again may do so through this file. */
static int hold_and_move(struct dax_backing *b, struct inode *inode, void *data)
{
	struct dax_move_batch *batch = data;
	struct inode_hold *hold;

	if (!batch_pending(batch) || move_late(b, batch))
		return -EAGAIN;
	if (!batch_inside(batch, inode->i_sb->s_bdev))
		return 0;
	hold = inode_hold(inode);
	if (!hold) {
		batch->insist = false;
		return 0;
	}
	batch->held = true;
	move_held(b, batch, inode);
	batch->held = false;
	inode_release(hold);
	return 0;
}

/* First those files that are in use while we look. */
static int move_insisting(struct dax_backing *b, unsigned int families,
			  struct dax_move_batch *batch)
{
	int err = populate_for_pins(b, batch);

	if (err)
		return err;
	/* What they could not move is still pending: move_hidden() has the last word. */
	evict_each_user(b, families, true, hold_and_move, batch);
	if (batch->insist)
		evict_each_user(b, families, false, hold_and_move, batch);
	return 0;
}

static int move_batch(struct dax_backing *b, struct dax_move_batch *batch)
{
	unsigned int families;
	enum holder_kind kind = holder_kind(b, &families);
	int err = check_holder(b, kind);

	if (err)
		return err;
	if (kind == HOLDER_KNOWN && batch_has_entries(b, batch)) {
		err = move_files(b, families, batch);
		/* A lock that was not to be had is no reason not to go on. */
		if (err && err != -EAGAIN)
			return err;
	}
	if (kind == HOLDER_KNOWN && batch->insist && batch_pending(batch)) {
		err = move_insisting(b, families, batch);
		if (err)
			return err;
	}
	if (!batch_pending(batch))
		return 0;
	return move_hidden(b, batch);
}

/**
 * dax_backing_may_move() - does whoever has the disk allow pages to move?
 * @b: backing with its disk
 *
 * Context: as dax_backing_move().
 * Return: 0, -EBUSY, -EAGAIN, -EOPNOTSUPP or -ENXIO as there.
 */
int dax_backing_may_move(struct dax_backing *b)
{
	unsigned int families;

	/* The disk is not there yet, or going. */
	if (trim_stopping(b))
		return -ENXIO;
	return check_holder(b, holder_kind(b, &families));
}
EXPORT_SYMBOL_GPL(dax_backing_may_move);

/**
 * dax_backing_move() - move pages to other places on the media
 * @b: backing with its disk
 * @batch: the pages; each has its own result
 *
 * Pages that are still pending on return were in use, or in the way of somebody's
 * access: try again.
 *
 * Context: Process context, may sleep; no lock of a file system held. Tries s_umount
 * and inode locks; waits for I/O in flight, each with a bound.
 * Return: 0 or what kept the pending ones from moving: -EAGAIN, -EBUSY (a holder
 * that cannot be asked has the disk), -EOPNOTSUPP (an XFS with reflink),
 * -EINTR, -ENOMEM, -ENXIO (the device is going), or what move_begin() said.
 */
int dax_backing_move(struct dax_backing *b, struct dax_move_batch *batch)
{
	unsigned int noio;
	int err;

	batch->blocker[0] = '\0';
	if (!b->desc_ops->move_begin)
		return -EOPNOTSUPP;
	/* Keeps the spans, and with them the struct pages, while we look. */
	err = mutex_lock_killable(&b->trim_lock);
	if (err)
		return err;
	noio = memalloc_noio_save();
	err = trim_stopping(b) ? -ENXIO : move_batch(b, batch);
	memalloc_noio_restore(noio);
	mutex_unlock(&b->trim_lock);
	return err;
}
EXPORT_SYMBOL_GPL(dax_backing_move);

/**
 * dax_backing_unsplit() - the pages of a chunk are where one mapping finds them all
 * @b: backing with its disk
 * @offset: of the chunk in the data area, in bytes
 *
 * While one of them was elsewhere its file got entries of single pages, which stay,
 * and none that is huge can be made beside them. A page table that a mapping has
 * for them stays, too: huge are only the mappings that come for the chunk after it.
 *
 * Context: as dax_backing_move(). Best effort: with whoever is in the way, pages
 * stay mapped one by one.
 */
void dax_backing_unsplit(struct dax_backing *b, u64 offset)
{
	unsigned int families, noio;

	if (mutex_lock_killable(&b->trim_lock))
		return;
	noio = memalloc_noio_save();
	if (!trim_stopping(b) && holder_kind(b, &families) == HOLDER_KNOWN)
		evict_chunk(b, families, offset >> CHUNK_SHIFT);
	memalloc_noio_restore(noio);
	mutex_unlock(&b->trim_lock);
}
EXPORT_SYMBOL_GPL(dax_backing_unsplit);

/* While it is true, dax_backing_kill() waits: keep it short of forever. */
static bool driver_get(struct dax_backing *b)
{
	bool alive;

	spin_lock(&b->request_lock);
	alive = !b->dead;
	if (alive)
		atomic_inc(&b->callers);
	spin_unlock(&b->request_lock);
	return alive;
}

static void driver_put(struct dax_backing *b)
{
	if (atomic_dec_and_test(&b->callers))
		wake_up_var(&b->callers);
}

/**
 * move_for_registry() - somebody asked the pin registry to move pages of a span
 * @range: the span's
 * @pfn: first page
 * @nr: number of pages
 * @deadline: in jiffies
 *
 * Context: Process context, may sleep; no lock of a file system held.
 * Return: 0, -EOPNOTSUPP if the driver cannot, -ENXIO if it is going, or what the
 * driver says.
 */
int move_for_registry(struct pin_range *range, unsigned long pfn,
		      unsigned long nr, unsigned long deadline)
{
	struct dax_span *span = pin_range_cookie(range);
	struct dax_backing *b = span->backing;
	int err = -EOPNOTSUPP;

	if (!driver_get(b))
		return -ENXIO;
	if (b->desc_ops->evacuate)
		err = b->desc_ops->evacuate(b->private, PFN_PHYS(pfn) - b->base,
					    (u64)nr << PAGE_SHIFT, deadline);
	driver_put(b);
	return err;
}

/**
 * move_kill() - the driver is not called any more on return
 * @b: dead backing
 *
 * Context: Process context, may sleep; waits for what the driver's evacuate()
 * takes to notice that it is going.
 */
void move_kill(struct dax_backing *b)
{
	wait_var_event(&b->callers, !atomic_read(&b->callers));
}
