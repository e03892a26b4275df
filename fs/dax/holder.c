// SPDX-License-Identifier: GPL-2.0
/*
 * Who has the disk, and what it takes to make it let go of a span's pages.
 *
 * DAX entries survive munmap and exit, and inodes that have some are never
 * reclaimed, so pages come back only if their entries are evicted here. The
 * order is unmap, drain, write back, invalidate: an entry that goes before the
 * page's references are gone would hide a pinned page from truncate.
 */
#include <linux/blkdev.h>
#include <linux/bsearch.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sort.h>

#include <trace/events/dax_backing.h>

#include "backing.h"

/*
 * The inode locks are only tried: whoever holds one may be in a fault that waits
 * for the populate worker, and a trim is never worth a hang. After this many
 * tries, about a millisecond apart, the trim gives up.
 */
#define LOCK_TRIES	1000
#define DRAIN_TRIES	50
#define MAX_RUNS	65536

/* The reflink feature in the XFS super block: sb_features_ro_compat, byte 212. */
#define XFS_SB_MAGIC_STRING	"XFSB"
#define XFS_SB_RO_COMPAT_WORD	(212 / sizeof(__be32))
#define XFS_SB_RO_COMPAT_REFLINK BIT(2)

/* File systems that hold invalidate_lock across a DAX fault (checked: both). */
static const char * const known_types[] = { "ext4", "xfs", "ext3", "ext2" };

/**
 * struct evict_run - consecutive pages of a span in consecutive pages of a file
 * @mapping: only compared until the inode is found on its super block's list
 * @span: the span
 * @page: index of the first page in the span
 * @index: its index in the file
 * @nr: number of pages
 */
struct evict_run {
	struct address_space *mapping;
	struct dax_span *span;
	unsigned long page;
	pgoff_t index;
	unsigned long nr;
};

/**
 * struct holder_walk - argument of the walks over super blocks
 * @b: backing
 * @found: super blocks on our disk so far
 * @reflink: one of them is an XFS with reflink
 * @mapped: evict mapped files too
 * @runs: what to evict, sorted by mapping
 * @nr_runs: their number
 * @max_runs: room for this many
 * @error: the walk failed
 */
struct holder_walk {
	struct dax_backing *b;
	unsigned int found;
	bool reflink;
	bool mapped;
	struct evict_run *runs;
	size_t nr_runs;
	size_t max_runs;
	int error;
};

/*
 * Exclusive openers of the disk and its partitions. A claim of a partition
 * counts on the whole disk too, one of the whole disk twice. Read without the
 * block layer's private lock: a claim that comes later belongs to somebody who
 * will look up spans later.
 */
static unsigned int disk_claims(struct gendisk *disk)
{
	unsigned int whole = READ_ONCE(disk->part0->bd_holders), parts = 0;
	struct block_device *part;
	unsigned long i;

	rcu_read_lock();
	xa_for_each_start(&disk->part_tbl, i, part, 1)
		parts += READ_ONCE(part->bd_holders);
	rcu_read_unlock();
	return whole > parts ? parts + (whole - parts) / 2 : parts;
}

/*
 * Stops when there are as many super blocks on our disk as there are claims:
 * get_fs_type() loads a module that is not there.
 */
static void for_each_super(struct dax_backing *b,
			   void (*fn)(struct super_block *sb, void *walk),
			   struct holder_walk *walk, unsigned int claims)
{
	struct file_system_type *type;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_types); i++) {
		if (walk->found >= claims)
			return;
		type = get_fs_type(known_types[i]);
		if (!type)
			continue;
		iterate_supers_type(type, fn, walk);
		module_put(type->owner);
	}
}

static bool super_is_ours(struct super_block *sb, struct dax_backing *b)
{
	return sb->s_bdev && sb->s_bdev->bd_disk == b->disk;
}

/*
 * With reflink a page's mapping names one owner where there may be several, so
 * its entries cannot be found through it. The feature is read from the media:
 * XFS does not tell.
 */
static bool super_has_reflink(struct super_block *sb, struct dax_backing *b)
{
	u64 start = get_start_sect(sb->s_bdev) << SECTOR_SHIFT;
	__be32 buf[XFS_SB_RO_COMPAT_WORD + 1];

	if (strcmp(sb->s_type->name, "xfs"))
		return false;
	if (b->desc_ops->read(b->private, start, buf, sizeof(buf)) ||
	    memcmp(buf, XFS_SB_MAGIC_STRING, strlen(XFS_SB_MAGIC_STRING)))
		return true;
	return be32_to_cpu(buf[XFS_SB_RO_COMPAT_WORD]) &
		XFS_SB_RO_COMPAT_REFLINK;
}

static void count_super(struct super_block *sb, void *data)
{
	struct holder_walk *walk = data;

	if (!super_is_ours(sb, walk->b))
		return;
	walk->found++;
	if (super_has_reflink(sb, walk->b))
		walk->reflink = true;
}

static enum holder_kind holder_look(struct dax_backing *b, const char **name)
{
	unsigned int claims = disk_claims(b->disk);
	struct holder_walk walk = { .b = b };

	*name = "none";
	if (!claims) {
		WRITE_ONCE(b->greedy, false);
		return HOLDER_NONE;
	}
	*name = "unknown";
	if (READ_ONCE(b->greedy))
		return HOLDER_UNKNOWN;
	for_each_super(b, count_super, &walk, claims);
	if (walk.found < claims)
		return HOLDER_UNKNOWN;
	if (walk.reflink) {
		*name = "xfs-reflink";
		return HOLDER_UNKNOWN;
	}
	*name = "known";
	return HOLDER_KNOWN;
}

/**
 * holder_kind() - who may have been handed pfns of the disk
 * @b: backing with its disk
 *
 * Known are ext2, ext3, ext4 and XFS without reflink, mounted right on the disk
 * or a partition. Device-mapper and the like are unknown.
 *
 * Context: Process context, may sleep; no inode lock or s_umount held.
 * Return: the kind, which holds until somebody claims or releases the disk.
 */
enum holder_kind holder_kind(struct dax_backing *b)
{
	const char *name;

	return holder_look(b, &name);
}

/**
 * holder_name() - holder_kind() for people
 * @b: backing with its disk
 *
 * Context: as holder_kind().
 * Return: "none", "known", "unknown" or "xfs-reflink".
 */
const char *holder_name(struct dax_backing *b)
{
	const char *name;

	holder_look(b, &name);
	return name;
}

static void span_leave(struct dax_span *span)
{
	atomic_cmpxchg(&span->state, SPAN_DRAINING, SPAN_LIVE);
}

static bool span_draining(struct dax_span *span)
{
	return atomic_read(&span->state) == SPAN_DRAINING;
}

static bool run_grow(struct holder_walk *w)
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

static bool run_add(struct holder_walk *w, struct dax_span *span,
		    unsigned long i, struct address_space *mapping,
		    pgoff_t index)
{
	struct evict_run *last = w->nr_runs ? &w->runs[w->nr_runs - 1] : NULL;

	if (last && last->span == span && last->mapping == mapping &&
	    last->page + last->nr == i && last->index + last->nr == index) {
		last->nr++;
		return true;
	}
	if (w->nr_runs == w->max_runs && !run_grow(w))
		return false;
	w->runs[w->nr_runs++] = (struct evict_run){
		.mapping = mapping, .span = span, .page = i, .index = index,
		.nr = 1,
	};
	return true;
}

/*
 * Note the files of a span's pages. The pages may change while we look: a page
 * that is missed or found wrong makes the span fail its last check, no more.
 */
static bool collect_span(struct holder_walk *w, struct dax_span *span)
{
	unsigned long i;

	for (i = 0; i < span_pages(span); i++) {
		struct page *page = span_page(span, i);
		struct address_space *mapping = READ_ONCE(page->mapping);

		if (i % CHUNK_PAGES == 0)
			cond_resched();
		if (!mapping)
			continue;
		/* Shared by reflink, or not a file's: nobody to ask. */
		if ((unsigned long)mapping & PAGE_MAPPING_FLAGS)
			return false;
		if (!run_add(w, span, i, mapping, READ_ONCE(page->index)))
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
static struct evict_run *run_find(struct holder_walk *w,
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

static bool try_for_a_while(struct dax_backing *b, struct rw_semaphore *sem)
{
	int try;

	for (try = 0; try < LOCK_TRIES; try++) {
		if (down_write_trylock(sem))
			return true;
		if (fatal_signal_pending(current) || trim_stopping(b))
			return false;
		usleep_range(500, 1000);
	}
	return false;
}

/* Both locks under which file systems insert and delete DAX entries. */
static bool inode_try_lock_dax(struct dax_backing *b, struct inode *inode)
{
	if (!try_for_a_while(b, &inode->i_rwsem))
		return false;
	if (try_for_a_while(b, &inode->i_mapping->invalidate_lock))
		return true;
	up_write(&inode->i_rwsem);
	return false;
}

static void inode_unlock_dax(struct inode *inode)
{
	up_write(&inode->i_mapping->invalidate_lock);
	up_write(&inode->i_rwsem);
}

/*
 * With the page tables emptied and invalidate_lock held no reference can
 * appear; those there are belong to I/O in flight, or to a pin.
 */
static bool run_drain(struct evict_run *r)
{
	unsigned long i;
	int try = 0;

	for (i = 0; i < r->nr; i++) {
		struct page *page = span_page(r->span, r->page + i);

		while (page_ref_count(page) != 1) {
			if (++try > DRAIN_TRIES)
				return false;
			usleep_range(1000, 2000);
		}
	}
	return true;
}

static int run_evict(struct address_space *mapping, struct evict_run *r)
{
	loff_t start = (loff_t)r->index << PAGE_SHIFT;
	loff_t end = start + ((loff_t)r->nr << PAGE_SHIFT) - 1;
	int err;

	unmap_mapping_pages(mapping, r->index, r->nr, false);
	if (!run_drain(r))
		return -EBUSY;
	err = filemap_fdatawrite_range(mapping, start, end);
	if (!err)
		err = filemap_fdatawait_range_keep_errors(mapping, start, end);
	if (!err)
		err = invalidate_inode_pages2_range(mapping, r->index,
						    r->index + r->nr - 1);
	return err;
}

/* Called with both locks of the inode: nobody inserts an entry meanwhile. */
static void evict_inode_runs(struct holder_walk *w, struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	unsigned int nofs = memalloc_nofs_save();
	struct evict_run *r = run_find(w, mapping);
	int err;

	for (; r && r < w->runs + w->nr_runs && r->mapping == mapping; r++) {
		if (!span_draining(r->span))
			continue;
		if (!w->mapped && mapping_mapped(mapping)) {
			span_leave(r->span);
			continue;
		}
		err = run_evict(mapping, r);
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
static int evict_inode(struct holder_walk *w, struct inode *inode)
{
	if (!inode_try_lock_dax(w->b, inode))
		return fatal_signal_pending(current) ? -EINTR : -EAGAIN;
	evict_inode_runs(w, inode);
	inode_unlock_dax(inode);
	return 0;
}

static int unmap_inode(struct holder_walk *w, struct inode *inode)
{
	bool locked = inode_try_lock_dax(w->b, inode);

	/* Without the locks a late fault may map a page again: harmless. */
	unmap_mapping_pages(inode->i_mapping, 0, 0, false);
	if (locked)
		inode_unlock_dax(inode);
	return 0;
}

/*
 * May the inode be faulting, or does it have entries to evict? An inode without
 * a mapping is in no fault, and mappings made from here on fault after the spans
 * were marked (batch_fill() has a full barrier). A new inode is not open yet, one
 * that is being freed not any more.
 */
static bool inode_matters(struct holder_walk *w, struct inode *inode)
{
	bool gone;

	spin_lock(&inode->i_lock);
	gone = inode->i_state & (I_NEW | I_FREEING | I_WILL_FREE);
	spin_unlock(&inode->i_lock);
	return !gone && S_ISREG(inode->i_mode) && IS_DAX(inode) &&
		(mapping_mapped(inode->i_mapping) ||
		 run_find(w, inode->i_mapping));
}

/* An inode we hold stays on the list, so the walk can go on behind it. */
static void for_each_dax_inode(struct super_block *sb, struct holder_walk *w,
			       int (*fn)(struct holder_walk *, struct inode *))
{
	struct inode *inode, *held = NULL;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!inode_matters(w, inode) || !igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		iput(held);
		held = inode;
		w->error = fn(w, inode);
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
		if (w->error)
			break;
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(held);
}

/* s_umount is held: a concurrent umount waits for us. */
static void evict_super(struct super_block *sb, void *data)
{
	struct holder_walk *w = data;

	if (!super_is_ours(sb, w->b) || w->error)
		return;
	w->found++;
	for_each_dax_inode(sb, w, evict_inode);
}

static void unmap_super(struct super_block *sb, void *data)
{
	struct holder_walk *w = data;

	if (!super_is_ours(sb, w->b))
		return;
	w->found++;
	for_each_dax_inode(sb, w, unmap_inode);
}

/**
 * holder_evict() - evict the DAX entries of draining spans, and wait out faults
 * @b: backing whose holder is known
 * @batch: draining spans, by drain_node
 * @mapped: evict entries of mapped files too
 *
 * On success every fault that was handed a pfn of a span while it was live has
 * run its course. Spans that cannot go are live again.
 *
 * Context: Process context, may sleep; trim_lock held. Takes s_umount and tries
 * inode locks.
 * Return: 0, -EAGAIN if a lock was not to be had, -EINTR, -ENOMEM.
 */
int holder_evict(struct dax_backing *b, struct list_head *batch, bool mapped)
{
	struct holder_walk w = { .b = b, .mapped = mapped };
	struct dax_span *span;

	list_for_each_entry(span, batch, drain_node)
		if (!collect_span(&w, span))
			span_leave(span);
	if (w.nr_runs)
		sort(w.runs, w.nr_runs, sizeof(*w.runs), run_cmp, NULL);
	for_each_super(b, evict_super, &w, disk_claims(b->disk));
	kvfree(w.runs);
	return w.error;
}

/**
 * holder_unmap_all() - take the disk's files out of all page tables
 * @b: backing whose device cannot hand out pfns any more
 *
 * Context: Process context, may sleep.
 */
void holder_unmap_all(struct dax_backing *b)
{
	struct holder_walk w = { .b = b };
	unsigned int claims = disk_claims(b->disk);

	if (claims)
		for_each_super(b, unmap_super, &w, claims);
}
