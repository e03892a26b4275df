/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where pages of the data area are, for whoever is about to access them, while
 * some of them may be moving.
 *
 * "Page" is a page of the disk. "Place" is the page of the media it is at, counted
 * from the start of the data area as well; the spare area is behind it.
 *
 * An access is a read-side section: of RCU (preemption is off) for bios, of the
 * DAX SRCU for DAX operations. A mover marks the pages, waits until all sections
 * that began before are over, and may then rely on everybody having seen the mark.
 */
#ifndef _PINFOLD_MAP_H
#define _PINFOLD_MAP_H

#include <linux/dax_backing.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>

struct pinfold;

/* Pages that move together. */
#define PINFOLD_MOVE_BATCH	128
/* Pages of a chunk. */
#define PINFOLD_CHUNK_SHIFT_PAGES (PMD_SHIFT - PAGE_SHIFT)

/**
 * enum pinfold_access - who wants to know where a page is
 * @PINFOLD_READ: reads it in an RCU section; the old place is as good as the new
 * @PINFOLD_WRITE: writes it in an RCU section
 * @PINFOLD_DAX: does with it as it likes, and for files under the inode's lock
 */
enum pinfold_access {
	PINFOLD_READ,
	PINFOLD_WRITE,
	PINFOLD_DAX,
};

/**
 * struct pinfold_map - what is needed to find pages that may have moved
 * @chunks: a bit for each chunk that has pages away from home
 * @counts: how many, of each chunk; under the lock of the operation
 * @spare: place of slot 0
 * @state: 0, or what the pages of @pages are in, in the low bits, and a number that
 *	no other state had before
 * @seq: the last number given out; under the lock of the operation
 * @patient: bios do not cancel the running batch; under the lock of the operation
 * @pages: pages of the running batch, ascending. Read without a lock by whoever
 *	saw @state, and then only to decide whether to cancel it
 * @nr_pages: their number
 * @idle: woken when @state leaves the phase that accesses wait for
 * @repair_lock: covers a repair of bad blocks against a commit, and so the place
 *	of the page that is repaired
 * @slot_hint: where to look for the next free slot
 * @settled: nobody reads a place that a page has left
 * @whole: chunks whose last page came home in the running batch; under the lock of
 *	the operation
 * @nr_whole: their number
 * @lost: page in whose move the media failed, or U64_MAX
 * @nr_moved: pages moved so far
 * @nr_cancelled: batches that an access cancelled
 * @nr_held: batches that were tried while users of a file were held back
 */
struct pinfold_map {
	unsigned long *chunks;
	u16 *counts;
	u64 spare;
	unsigned long state;
	unsigned long seq;
	bool patient;
	u64 pages[PINFOLD_MOVE_BATCH];
	unsigned int nr_pages;
	wait_queue_head_t idle;
	struct mutex repair_lock;	/* repairs vs. commits */
	u32 slot_hint;
	bool settled;
	u32 whole[PINFOLD_MOVE_BATCH];
	unsigned int nr_whole;
	u64 lost;
	atomic64_t nr_moved;
	atomic64_t nr_cancelled;
	atomic64_t nr_held;
};

struct pinfold_map *pinfold_map_alloc(struct pinfold *pf);
void pinfold_map_free(struct pinfold_map *map);
u64 pinfold_place(struct pinfold *pf, u64 page);
u64 pinfold_page_at(struct pinfold *pf, u64 place);
void pinfold_map_note(struct pinfold *pf, u64 page, u64 from, u64 to);

long pinfold_map_resolve(struct pinfold *pf, u64 page, long nr,
			 enum pinfold_access access, u64 *place);
bool pinfold_map_wait(struct pinfold_map *map);

void pinfold_map_mark(struct pinfold_map *map,
		      const struct dax_move_batch *batch,
		      enum dax_move_kind kind);
bool pinfold_map_begin_commit(struct pinfold_map *map);
void pinfold_map_end_commit(struct pinfold_map *map, enum dax_move_kind kind);
void pinfold_map_clear(struct pinfold_map *map);

#endif /* _PINFOLD_MAP_H */
