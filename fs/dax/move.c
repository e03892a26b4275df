// SPDX-License-Identifier: GPL-2.0
/*
 * Moving pages to another place on the media while their users go on.
 *
 * A page with a DAX entry moves under the locks of its inode (holder.c): nobody
 * maps it, and nobody reads or writes the file, meanwhile. All others (data that
 * was only read or written, metadata, free space) belong to nobody we could ask,
 * so whoever arrives has the right of way: the driver marks the pages, waits until
 * every access that began before is over, and from then on an access cancels the
 * batch. What is left is a fault that was handed a pfn before and has not inserted
 * it: holder_wait_faults() passes through the locks it holds.
 *
 * What the driver's move_begin() waits for must never be waited for under an
 * inode's locks: a reader that is inside the DAX SRCU copies to user memory, and
 * may fault on the very file.
 */
#include <linux/sched/mm.h>

#include "backing.h"

static bool batch_pending(const struct dax_move_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++)
		if (batch->moves[i].error == DAX_MOVE_PENDING)
			return true;
	return false;
}

static struct page *move_page(struct dax_backing *b, const struct dax_move *m)
{
	if (!span_exists(b, m->from))
		return NULL;
	return pfn_to_page(PHYS_PFN(b->base + m->from));
}

/* Is some page in a file's entry? Others have no business with inodes. */
static bool batch_has_entries(struct dax_backing *b,
			      const struct dax_move_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++) {
		struct page *page = move_page(b, &batch->moves[i]);

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
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && !err; i++) {
		const struct dax_move *m = &batch->moves[i];
		struct page *page = move_page(b, m);

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
	err = holder_move(b, families, batch);
	b->desc_ops->move_end(b->private);
	return err;
}

/* Somebody maps it, or is about to: it is not hidden. */
static void drop_visible(struct dax_backing *b, struct dax_move_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->nr; i++) {
		struct dax_move *m = &batch->moves[i];
		struct page *page = move_page(b, m);

		if (m->error == DAX_MOVE_PENDING && page &&
		    (page_ref_count(page) != 1 || READ_ONCE(page->mapping)))
			m->error = -EBUSY;
	}
}

static int check_holder(enum holder_kind kind)
{
	return kind == HOLDER_UNKNOWN ? -EBUSY : 0;
}

/* With the batch announced to the driver. */
static int commit_hidden(struct dax_backing *b, struct dax_move_batch *batch)
{
	unsigned int families;
	/* Who mounted it since the last look may have faulted before the mark. */
	enum holder_kind kind = holder_kind(b, &families);
	int err = check_holder(kind);

	if (!err && kind == HOLDER_KNOWN)
		err = holder_wait_faults(b, families);
	if (err)
		return err;
	drop_visible(b, batch);
	return b->desc_ops->move_commit(b->private, batch->moves, batch->nr);
}

static int move_hidden(struct dax_backing *b, struct dax_move_batch *batch)
{
	int err = b->desc_ops->move_begin(b->private, batch, DAX_MOVE_HIDDEN);

	if (err)
		return err;
	err = commit_hidden(b, batch);
	b->desc_ops->move_end(b->private);
	return err;
}

static int move_batch(struct dax_backing *b, struct dax_move_batch *batch)
{
	unsigned int families;
	enum holder_kind kind = holder_kind(b, &families);
	int err = check_holder(kind);

	if (err) {
		strscpy(batch->blocker, holder_name(b), sizeof(batch->blocker));
		return dax_backing_shared_owners(b) ? -EOPNOTSUPP : err;
	}
	if (kind == HOLDER_KNOWN && batch_has_entries(b, batch)) {
		err = move_files(b, families, batch);
		/* A lock that was not to be had is no reason not to go on. */
		if (err && err != -EAGAIN)
			return err;
	}
	if (!batch_pending(batch))
		return 0;
	return move_hidden(b, batch);
}

/**
 * dax_backing_move() - move pages to other places on the media
 * @b: backing with its disk
 * @batch: the pages; each has its own result
 *
 * Pages that are still pending on return were in use, or in the way of somebody's
 * access: try again.
 *
 * Context: Process context, may sleep; no lock of a file system held. Takes
 * s_umount and tries inode locks; waits for I/O in flight, each with a bound.
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
