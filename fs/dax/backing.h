/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of dax_backing.ko. Locks, outermost first:
 *
 *	dax_backing.trim_lock
 *	  super_block.s_umount (read)		only tried, see holder.c
 *	    inode.i_rwsem			only tried, see evict.c; or inode_hold.c
 *	      mapping.invalidate_lock		only tried
 *	  dax_backing.map_lock			never together with an inode lock
 *	    kernel: cpu_hotplug_lock, mem_hotplug_lock (in memremap_pages());
 *	    memunmap_pages() waits for a memory_failure() in the span
 *	dax_backing.ops_lock			taken by memory_failure()
 *	  dax_backing.request_lock		innermost, a spinlock
 *	backings_lock (reclaim.c)		innermost, a spinlock
 *
 * A page fault holds mmap_lock or a VMA lock, invalidate_lock (shared), maybe a
 * journal handle, and takes nothing of ours but request_lock. It waits, bounded,
 * for the populate worker, which takes map_lock and nothing of a fault's.
 */
#ifndef _DAX_BACKING_BACKING_H
#define _DAX_BACKING_BACKING_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/dax_backing.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pin_registry.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "span_layout.h"

#define CHUNK_SHIFT	PMD_SHIFT
#define CHUNK_SIZE	BIT(CHUNK_SHIFT)
#define CHUNK_PAGES	(CHUNK_SIZE >> PAGE_SHIFT)
/* RAM that the struct pages of one chunk take. */
#define CHUNK_MEMMAP	(CHUNK_PAGES * sizeof(struct page))

/**
 * enum span_state - may a pfn of the span be handed out?
 * @SPAN_LIVE: yes
 * @SPAN_DRAINING: trim would like to take it; handing out a pfn makes it live
 *	again
 * @SPAN_DEAD: its struct pages are going away (changes to and from here happen
 *	under map_lock)
 */
enum span_state {
	SPAN_LIVE,
	SPAN_DRAINING,
	SPAN_DEAD,
};

/**
 * struct dax_span - chunks that got their struct pages together
 * @pgmap: what memremap_pages() was given; its range is the span's
 * @range: the same pages in the pin registry
 * @backing: owner; a span never outlives it
 * @state: enum span_state
 * @first: index of the first chunk
 * @nr: number of chunks, a power of two
 * @keep: never given back: the first and the last span, tried out at attach
 * @node: on backing->span_list, under map_lock
 * @drain_node: on the batch of a running trim, under trim_lock
 * @rcu: lookups run under rcu_read_lock() only
 */
struct dax_span {
	struct dev_pagemap pgmap;
	struct pin_range *range;
	struct dax_backing *backing;
	atomic_t state;
	unsigned long first;
	unsigned long nr;
	bool keep;
	struct list_head node;
	struct list_head drain_node;
	struct rcu_head rcu;
};

/**
 * struct dax_backing_stats - counters shown in sysfs
 * @chunks: chunks that have struct pages now
 * @spans: spans now
 * @populates: spans populated so far
 * @populate_ns: time spent populating them
 * @failures: populates that failed
 * @timeouts: faults that gave up waiting for a populate
 * @trims: trims that gave something back
 * @trimmed: chunks given back so far
 */
struct dax_backing_stats {
	atomic64_t chunks;
	atomic64_t spans;
	atomic64_t populates;
	atomic64_t populate_ns;
	atomic64_t failures;
	atomic64_t timeouts;
	atomic64_t trims;
	atomic64_t trimmed;
};

/* Slots of the lookup cache: one for each chunk, 1 GiB before two share one. */
#define HOT_SLOTS	512

/* More file systems than this on one disk are treated as unknown. */
#define HOLDER_MAX_PARTS	16

/**
 * struct holder_parts - disk and partitions that somebody has claimed
 * @part: them, with a reference to each
 * @nr: their number
 */
struct holder_parts {
	struct block_device *part[HOLDER_MAX_PARTS];
	unsigned int nr;
};

/**
 * struct dax_backing - the data area of one pageless DAX device
 * @hot: for each chunk, modulo HOT_SLOTS, the span that was populated last: what a
 *	fault most likely wants, without a walk of @spans. Changed under map_lock
 *	only, so that no lookup can put a span back that is going; read under RCU
 * @spans: chunk index -> its struct dax_span; changed under map_lock, read under
 *	RCU
 * @base: physical address of chunk 0
 * @nr_chunks: size in chunks
 * @nid: NUMA node
 * @desc_ops: the driver's callbacks
 * @private: their argument
 * @name: for messages
 * @res: the reserved physical range
 * @owner: the driver's module; a reference is held if @owner_pinned
 * @owner_pinned: set by dax_backing_kill()
 * @ops_lock: covers calls of the driver from memory_failure(), against
 *	dax_backing_kill()
 * @map_lock: covers memremap_pages() and memunmap_pages() of our spans,
 *	@span_list, and changes of @spans
 * @span_list: all spans, oldest first
 * @request_lock: covers @requests, their reference counts, and @dead (which also
 *	changes under @ops_lock only)
 * @requests: chunks that faults wait for
 * @stalled: a fault has waited for the worker in vain, and the worker has not
 *	finished a populate since
 * @dead: no populates any more
 * @callers: calls of the driver on behalf of the pin registry
 * @greedy: a holder asked for more pfns at once than a fault does (dm-writecache
 *	does); it may keep them, so nothing is given back until it is gone
 * @budget: bytes of RAM the struct pages may take, 0 for no limit
 * @populate_work: serves @requests
 * @trim_lock: one trim at a time
 * @trim_work: background trim
 * @trim_target: chunks the background trim should give back
 * @stopping: no trims: the disk is not there yet, or going. A running one ends
 *	soon
 * @kick_after: no background trim before this time, in jiffies
 * @trim_cursor: where the next background trim starts, so that they take turns
 *	over the device; under @trim_lock
 * @disk: who mounts us is found through it; valid from dax_backing_add_disk() to
 *	dax_backing_destroy()
 * @holder: what the last holder_kind() found, a string constant; NULL for nobody
 * @families: file systems on the disk when it was removed
 * @parts: and where they were
 * @shrink_node: on the list of backings that offer idle spans to reclaim, under
 *	its lock
 * @kobj: /sys/block/<disk>/pinfold
 * @shown: @kobj is in use
 * @kobj_gone: completed when the last user of @kobj is gone
 * @release_work: dismantles after dax_backing_destroy()
 * @busy_reported: the log was told that pages are still pinned
 * @stats: counters
 */
struct dax_backing {
	struct dax_span *hot[HOT_SLOTS];
	struct xarray spans;
	phys_addr_t base;
	unsigned long nr_chunks;
	int nid;
	const struct dax_backing_ops *desc_ops;
	void *private;
	char name[32];
	struct resource *res;
	struct module *owner;
	bool owner_pinned;

	struct mutex ops_lock;		/* driver callbacks vs. kill */
	struct mutex map_lock;		/* spans come and go */
	struct list_head span_list;

	spinlock_t request_lock;	/* requests, dead */
	struct list_head requests;
	bool stalled;
	bool dead;
	atomic_t callers;
	bool greedy;
	u64 budget;
	struct work_struct populate_work;

	struct mutex trim_lock;		/* one trim at a time */
	struct work_struct trim_work;
	atomic64_t trim_target;
	bool stopping;
	unsigned long kick_after;
	unsigned long trim_cursor;
	struct gendisk *disk;
	const char *holder;
	unsigned int families;
	struct holder_parts parts;
	struct list_head shrink_node;

	struct kobject kobj;
	bool shown;
	struct completion kobj_gone;
	struct delayed_work release_work;
	bool busy_reported;

	struct dax_backing_stats stats;
};

/* main.c */
extern struct workqueue_struct *populate_wq;
extern struct workqueue_struct *drain_wq;

/* span.c */
struct dax_span *span_map(struct dax_backing *b, unsigned long first,
			  unsigned long nr);
int span_unmap(struct dax_span *span);
bool span_idle(struct dax_span *span);
void span_lift_share(struct dax_span *span);
void span_forget_poison(struct dax_span *span);

/**
 * span_get_live() - may a pfn of the span be handed out?
 * @span: span found in the backing
 *
 * A draining span comes back to life: trim sees it and leaves it alone.
 *
 * Context: Any, under RCU or map_lock.
 * Return: false if the span is dead.
 */
static inline bool span_get_live(struct dax_span *span)
{
	if (likely(atomic_read(&span->state) == SPAN_LIVE))
		return true;
	return atomic_cmpxchg(&span->state, SPAN_DRAINING, SPAN_LIVE) !=
		SPAN_DEAD;
}

static inline struct page *span_page(struct dax_span *span, unsigned long i)
{
	return pfn_to_page(PHYS_PFN(span->pgmap.range.start) + i);
}

static inline unsigned long span_pages(struct dax_span *span)
{
	return span->nr * CHUNK_PAGES;
}

/* Under trim_lock it stays: spans are freed by trim only. */
static inline bool span_exists(struct dax_backing *b, u64 offset)
{
	return xa_load(&b->spans, offset >> CHUNK_SHIFT);
}

static inline bool trim_stopping(struct dax_backing *b)
{
	/* Pairs with reclaim_init(): whoever may trim sees ->disk. */
	return smp_load_acquire(&b->stopping);
}

static inline struct dax_span **hot_slot(struct dax_backing *b,
					  unsigned long chunk)
{
	return &b->hot[chunk % HOT_SLOTS];
}

/* populate.c */
int populate_chunk(struct dax_backing *b, unsigned long chunk,
		   unsigned long want);
void populate_kill(struct dax_backing *b);
void populate_work_fn(struct work_struct *work);

/* reclaim.c */
int reclaim_init(void);
void reclaim_exit(void);
void reclaim_start(struct dax_backing *b);
void reclaim_stop(struct dax_backing *b);
void reclaim_kick(struct dax_backing *b, unsigned long chunks);
void trim_work_fn(struct work_struct *work);

/* move.c */
int move_for_registry(struct pin_range *range, unsigned long pfn,
		      unsigned long nr, unsigned long deadline);
void move_kill(struct dax_backing *b);
bool move_late(struct dax_backing *b, const struct dax_move_batch *batch);
void move_blocked(struct dax_backing *b, struct dax_move_batch *batch,
		  struct page *page, const char *who);
int move_pins_begin(struct dax_backing *b, struct dax_move_batch *batch,
		    const struct dax_move *m, unsigned long nr,
		    struct pin_move *pins);

/* holder.c */

/**
 * enum holder_kind - who may have been handed pfns of the disk
 * @HOLDER_NONE: nobody
 * @HOLDER_KNOWN: file systems whose DAX entries we can evict
 * @HOLDER_UNKNOWN: somebody we cannot ask
 */
enum holder_kind {
	HOLDER_NONE,
	HOLDER_KNOWN,
	HOLDER_UNKNOWN,
};

/* Families of file systems, as a mask. */
#define HOLDER_EXT	BIT(0)
#define HOLDER_XFS	BIT(1)
#define HOLDER_OTHER	BIT(2)

enum holder_kind holder_kind(struct dax_backing *b, unsigned int *families);
const char *holder_name(struct dax_backing *b);
void holder_note(struct dax_backing *b);
void holder_forget(struct holder_parts *parts);
bool holder_claims(struct gendisk *disk);
bool holder_shares(struct super_block *sb, struct dax_backing *b);
int holder_for_parts(const struct holder_parts *parts, unsigned int families,
		     unsigned long deadline,
		     void (*fn)(struct super_block *sb, void *data), void *data);
int holder_for_each_super(struct dax_backing *b, unsigned int families,
			  unsigned long deadline,
			  void (*fn)(struct super_block *sb, void *data),
			  void *data);

/* evict.c */
int evict_spans(struct dax_backing *b, unsigned int families,
		struct list_head *batch, bool mapped);
int evict_chunk(struct dax_backing *b, unsigned int families, u64 chunk);
int evict_and_move(struct dax_backing *b, unsigned int families,
		   struct dax_move_batch *batch);
int evict_wait_faults(struct dax_backing *b, unsigned int families);
void evict_unmap_all(struct dax_backing *b);

int evict_each_user(struct dax_backing *b, unsigned int families, bool locked,
		    int (*fn)(struct dax_backing *b, struct inode *inode,
			      void *data), void *data);
int evict_and_move_held(struct dax_backing *b, struct inode *inode,
			struct dax_move_batch *batch);
int evict_wait_faults_held(struct dax_backing *b, struct inode *inode);

/* inode_hold.c */
struct inode_hold *inode_hold(struct inode *inode);
void inode_release(struct inode_hold *hold);

/* sysfs.c */
int sysfs_add(struct dax_backing *b);
void sysfs_remove(struct dax_backing *b);

#endif /* _DAX_BACKING_BACKING_H */
