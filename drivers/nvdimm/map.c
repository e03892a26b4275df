// SPDX-License-Identifier: GPL-2.0
/* Finding pages, and keeping those that move apart from those who come for them. */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "pinfold.h"

/*
 * Phases of a batch, in the low bits of its state.
 *
 * MARKED	whoever comes cancels it, and goes on
 * MARKED_FILES	so do bios that write; files are kept off by their inode's lock
 * PATIENT	as MARKED, but bios do not cancel: the commit waits them out
 * PATIENT_FILES the same for MARKED_FILES: nobody does
 * COMMITTING	short: whoever comes waits, unless it found the page's place before
 */
enum {
	PHASE_NONE,
	PHASE_MARKED,
	PHASE_MARKED_FILES,
	PHASE_PATIENT,
	PHASE_PATIENT_FILES,
	PHASE_COMMITTING,
	PHASE_BITS = 3,
	PHASE_MASK = 7,
};

/* A commit takes microseconds, or a flush of the host; this is for a dead one. */
#define COMMIT_PATIENCE	(30 * HZ)

static unsigned int phase(unsigned long state)
{
	return state & PHASE_MASK;
}

/* With the lock of the operation. */
static unsigned long next_state(struct pinfold_map *map, unsigned int phase)
{
	return ++map->seq << PHASE_BITS | phase;
}

static unsigned int marked(const struct pinfold_map *map,
			   enum dax_move_kind kind)
{
	if (map->patient)
		return kind == DAX_MOVE_FILES ? PHASE_PATIENT_FILES :
						PHASE_PATIENT;
	return kind == DAX_MOVE_FILES ? PHASE_MARKED_FILES : PHASE_MARKED;
}

/* A page leaves home (1) or comes back (-1). */
static void count_away(struct pinfold_map *map, u64 page, int change)
{
	unsigned long chunk = page >> PINFOLD_CHUNK_SHIFT_PAGES;

	map->counts[chunk] += change;
	if (map->counts[chunk])
		set_bit(chunk, map->chunks);
	else
		clear_bit(chunk, map->chunks);
}

static void come_home(struct pinfold_map *map, u64 page)
{
	unsigned long chunk = page >> PINFOLD_CHUNK_SHIFT_PAGES;

	count_away(map, page, -1);
	if (!map->counts[chunk] && map->nr_whole < PINFOLD_MOVE_BATCH)
		map->whole[map->nr_whole++] = chunk;
}

/**
 * pinfold_map_alloc() - make the map of a loaded remap table
 * @pf: namespace
 *
 * A bit and two bytes for each 2 MiB; the table itself finds the pages.
 *
 * Context: process context, may sleep.
 * Return: the map, or NULL without memory.
 */
struct pinfold_map *pinfold_map_alloc(struct pinfold *pf)
{
	const struct pinfold_geometry *geo = &pf->info.geo;
	unsigned long nr = pf->nr_pages >> PINFOLD_CHUNK_SHIFT_PAGES;
	struct pinfold_map *map = kzalloc(sizeof(*map), GFP_KERNEL);
	u32 slot;

	if (!map)
		return NULL;
	map->chunks = bitmap_zalloc(nr, GFP_KERNEL);
	map->counts = kvcalloc(nr, sizeof(*map->counts), GFP_KERNEL);
	if (!map->chunks || !map->counts) {
		pinfold_map_free(map);
		return NULL;
	}
	map->spare = PHYS_PFN(geo->spare_offset - geo->data_offset);
	map->settled = true;
	map->lost = U64_MAX;
	init_waitqueue_head(&map->idle);
	mutex_init(&map->repair_lock);
	for (slot = 0; slot < pf->remap.layout.nr_slots; slot++) {
		u64 word = pf->remap.entries[slot];

		if (word & PINFOLD_REMAP_CLAIMED)
			count_away(map, pinfold_remap_owner(word), 1);
	}
	return map;
}

/**
 * pinfold_map_free() - free a map that nobody uses any more
 * @map: a map, or NULL
 *
 * Context: process context.
 */
void pinfold_map_free(struct pinfold_map *map)
{
	if (!map)
		return;
	bitmap_free(map->chunks);
	kvfree(map->counts);
	kfree(map);
}

/**
 * pinfold_place() - where is a page that does not move meanwhile?
 * @pf: namespace with a map
 * @page: the page
 *
 * Context: any.
 */
u64 pinfold_place(struct pinfold *pf, u64 page)
{
	struct pinfold_map *map = pf->map;
	u32 slot;

	if (!test_bit(page >> PINFOLD_CHUNK_SHIFT_PAGES, map->chunks))
		return page;
	slot = pinfold_remap_lookup(&pf->remap, page);
	return slot == PINFOLD_NO_SLOT ? page : map->spare + slot;
}

/**
 * pinfold_page_at() - which page is at a place?
 * @pf: namespace, perhaps without a map
 * @place: the place
 *
 * Context: any; the answer may be out of date unless no page moves.
 * Return: the page, or U64_MAX for none.
 */
u64 pinfold_page_at(struct pinfold *pf, u64 place)
{
	struct pinfold_map *map = READ_ONCE(pf->map);
	u64 word;

	if (place < pf->nr_pages)
		return !map || pinfold_place(pf, place) == place ? place :
								   U64_MAX;
	if (!map || place < map->spare ||
	    place - map->spare >= pf->remap.layout.nr_slots)
		return U64_MAX;
	word = READ_ONCE(pf->remap.entries[place - map->spare]);
	return word & PINFOLD_REMAP_CLAIMED ? pinfold_remap_owner(word) :
					      U64_MAX;
}

/**
 * pinfold_map_note() - a page has moved
 * @pf: namespace with a map
 * @page: the page, whose entry in the table has changed
 * @from: place it left
 * @to: where it is now
 *
 * Context: between pinfold_map_begin_commit() and pinfold_map_end_commit().
 */
void pinfold_map_note(struct pinfold *pf, u64 page, u64 from, u64 to)
{
	if (from == page)
		count_away(pf->map, page, 1);
	else if (to == page)
		come_home(pf->map, page);
	atomic64_inc(&pf->map->nr_moved);
}

/* Is one of @nr pages from @page on in the batch? May be wrong for an old one. */
static bool in_batch(struct pinfold_map *map, u64 page, long nr)
{
	unsigned int low = 0;
	unsigned int high = min_t(unsigned int, READ_ONCE(map->nr_pages),
				  PINFOLD_MOVE_BATCH);

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		u64 at = READ_ONCE(map->pages[mid]);

		if (at >= page && at - page < nr)
			return true;
		if (at < page)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* Pages from @page on that are at home for sure: those of chunks without a bit. */
static u64 clean_pages(struct pinfold *pf, u64 page)
{
	unsigned long nr_chunks = pf->nr_pages >> PINFOLD_CHUNK_SHIFT_PAGES;
	unsigned long chunk = page >> PINFOLD_CHUNK_SHIFT_PAGES;

	if (test_bit(chunk, pf->map->chunks))
		return 0;
	/* Not from this one on: a commit may set its bit right now. */
	chunk = find_next_bit(pf->map->chunks, nr_chunks, chunk + 1);
	return ((u64)chunk << PINFOLD_CHUNK_SHIFT_PAGES) - page;
}

/* Pages from @page on that are in consecutive places, the first at @place. */
static long run_length(struct pinfold *pf, u64 page, u64 nr, u64 place)
{
	u64 run = 1, clean;

	if (place == page)
		run = max(clean_pages(pf, page), 1ULL);
	while (run < nr && pinfold_place(pf, page + run) == place + run) {
		clean = clean_pages(pf, page + run);
		run += max(clean, 1ULL);
	}
	return min(run, nr);
}

/* Let whoever comes have its way, or say that it has to wait. */
static bool must_wait(struct pinfold_map *map, unsigned long state,
		      enum pinfold_access access)
{
	switch (phase(state)) {
	case PHASE_COMMITTING:
		return true;
	case PHASE_MARKED:
		if (access == PINFOLD_READ)
			return false;
		break;
	case PHASE_MARKED_FILES:
		if (access != PINFOLD_WRITE)
			return false;
		break;
	case PHASE_PATIENT:
		if (access != PINFOLD_DAX)
			return false;
		break;
	case PHASE_PATIENT_FILES:
		return false;
	}
	/* A full barrier: the access comes after, the commit sees it. */
	if (cmpxchg(&map->state, state, 0) == state)
		atomic64_inc(&map->nr_cancelled);
	return false;
}

/**
 * pinfold_map_resolve() - where to access pages
 * @pf: namespace with a map
 * @page: first page, inside of the data area
 * @nr: number of pages, at least 1
 * @access: by whom
 * @place: where the first page is
 *
 * Context: a read-side section that ends with the access, see above.
 * Return: number of pages from @place on, at least 1; -EAGAIN if a commit must be
 * waited for, which is for pinfold_map_wait() to do, outside of an RCU section; -EIO
 * if one of the pages may be in one place or in another.
 */
long pinfold_map_resolve(struct pinfold *pf, u64 page, long nr,
			 enum pinfold_access access, u64 *place)
{
	struct pinfold_map *map = pf->map;
	unsigned long state;
	long run;

	do {
		/* Where its data are depends on what the media made of it. */
		if (unlikely(READ_ONCE(map->lost) - page < nr))
			return -EIO;
		/* Pairs with pinfold_map_mark() and pinfold_map_end_commit(). */
		state = smp_load_acquire(&map->state);
		*place = pinfold_place(pf, page);
		run = run_length(pf, page, nr, *place);
		if (phase(state) != PHASE_NONE && in_batch(map, page, run) &&
		    must_wait(map, state, access))
			return -EAGAIN;
		/* A commit in between may have had us look in between. */
		smp_rmb();
	} while (unlikely(READ_ONCE(map->state) != state));
	return run;
}

/**
 * pinfold_map_wait() - wait until a commit is over
 * @map: the map
 *
 * Context: process context, may sleep; a DAX operation may.
 * Return: false if it takes too long: the media does not answer.
 */
bool pinfold_map_wait(struct pinfold_map *map)
{
	unsigned long state = READ_ONCE(map->state);

	if (phase(state) != PHASE_COMMITTING)
		return true;
	return wait_event_timeout(map->idle, READ_ONCE(map->state) != state,
				  COMMIT_PATIENCE);
}

/**
 * pinfold_map_mark() - the pages of a batch are about to move
 * @map: the map
 * @batch: those that are pending
 * @kind: who is kept off how
 *
 * Sections that begin from here on see it. Wait for the others before a commit.
 *
 * Context: the one operation that runs.
 */
void pinfold_map_mark(struct pinfold_map *map,
		      const struct dax_move_batch *batch,
		      enum dax_move_kind kind)
{
	unsigned int i, nr = 0;

	for (i = 0; i < batch->nr; i++)
		if (batch->moves[i].error == DAX_MOVE_PENDING)
			WRITE_ONCE(map->pages[nr++], batch->moves[i].page);
	WRITE_ONCE(map->nr_pages, nr);
	/* Pairs with pinfold_map_resolve(): who sees it sees the pages. */
	smp_store_release(&map->state,
			  next_state(map, marked(map, kind)));
}

/**
 * pinfold_map_begin_commit() - from here on, accesses to the batch wait
 * @map: the map, whose batch is marked, and all earlier sections over
 *
 * Context: the one operation that runs; may sleep.
 * Return: false if somebody cancelled the batch, or repairs bad blocks.
 */
bool pinfold_map_begin_commit(struct pinfold_map *map)
{
	unsigned long state = READ_ONCE(map->state);

	if (phase(state) == PHASE_NONE || !mutex_trylock(&map->repair_lock))
		return false;
	if (cmpxchg(&map->state, state, next_state(map, PHASE_COMMITTING)) !=
	    state) {
		mutex_unlock(&map->repair_lock);
		return false;
	}
	/* Bios that write began before and did not cancel; others wait already. */
	if (map->patient)
		synchronize_rcu_expedited();
	return true;
}

/**
 * pinfold_map_end_commit() - who waits may go on, to the new places
 * @map: the map
 * @kind: as in pinfold_map_mark()
 *
 * The batch is marked again without a gap, so that what is still pending can be
 * committed: whoever began before the mark has been waited for.
 *
 * Context: the one operation that runs.
 */
void pinfold_map_end_commit(struct pinfold_map *map, enum dax_move_kind kind)
{
	/* Pairs with pinfold_map_resolve(): who sees it sees the new places. */
	smp_store_release(&map->state, next_state(map, marked(map, kind)));
	mutex_unlock(&map->repair_lock);
	/* A full barrier: who waits is seen, or sees the new state. */
	if (wq_has_sleeper(&map->idle))
		wake_up_all(&map->idle);
}

/**
 * pinfold_map_clear() - no batch any more
 * @map: the map
 *
 * Context: the one operation that runs, not in a commit.
 */
void pinfold_map_clear(struct pinfold_map *map)
{
	WRITE_ONCE(map->state, 0);
}
