/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Legs in memory, for the host tests of the array: pages may be poisoned, legs
 * may die, and power may fail between any two stores. What was stored and not
 * fenced then survives or not, each 8 bytes on their own.
 */
#ifndef _PINFOLD_RAID_MODEL_H
#define _PINFOLD_RAID_MODEL_H

#include <setjmp.h>

#include "array.h"
#include "group.h"
#include "log.h"

/**
 * enum model_poison - what is the matter with a page
 * @POISON_KNOWN: the platform knows it, and a page that is cleared is good
 * @POISON_FOR_GOOD: it cannot be cleared
 * @POISON_LATENT: who reads it finds out; a store does not, and mends what it covers
 */
enum model_poison { POISON_KNOWN = 1, POISON_FOR_GOOD, POISON_LATENT };

/**
 * struct model_leg - a leg's media
 * @mem: what the CPU sees
 * @size: in bytes
 * @dirty: pages that may not be zero; who writes @mem says so
 * @poison: an enum model_poison for each page, or 0
 * @unclearable: writing does not help against poison
 * @dead: every access fails
 * @dies_in: stores until it is dead, or 0
 */
struct model_leg {
	u8 *mem;
	u64 size;
	u8 *dirty;
	u8 *poison;
	bool unclearable;
	bool dead;
	u32 dies_in;
};

/**
 * struct model - all legs, and power
 * @legs: by role
 * @crash: where to go when power fails
 * @armed: power fails after @countdown more events
 * @countdown: stores and fences until then
 * @events: stores and fences so far
 * @other: called once, as another thread, when power is about to fail
 * @thread: whose stores a fence makes durable
 * @meanwhile: called once, as another thread, when a page is about to be loaded
 *	or has just been cleared
 * @afterwards: called when it has been loaded
 * @meanwhile_loading: when to call these
 * @meanwhile_clearing: likewise
 * @other_cpu: called once, after @acquires loads with acquire semantics
 * @acquires: see there
 * @waits: if a lock that it takes is not free it is called again, after the next load
 *	with acquire semantics; it must not have changed anything before
 * @beside: it is running
 * @held: locks it has taken
 * @nr_held: number of these
 * @contended: where to go when a lock is not free
 * @cleared: pages whose poison was cleared
 * @nr_runs: how often the routines of vector.h did what they were asked to
 * @loses: if set, which of what is not fenced is lost with the power
 * @spoils: may power failure leave a page unreadable that is being written?
 * @notes: how often each note was taken
 * @loads: how often each leg's data was read
 */
struct model {
	struct model_leg legs[RAID_MAX_LEGS];
	jmp_buf crash;
	bool armed;
	u64 countdown;
	u64 events;
	void (*other)(void);
	u32 thread;
	void (*meanwhile)(void);
	void (*afterwards)(void);
	bool meanwhile_loading;
	bool meanwhile_clearing;
	void (*other_cpu)(void);
	u32 acquires;
	bool waits;
	bool beside;
	struct mutex *held[16];	/* of the array */
	u32 nr_held;
	jmp_buf contended;
	u64 cleared;
	u64 nr_runs;
	bool (*loses)(u64 offset);
	bool (*spoils)(u64 offset);
	u64 notes[RAID_NOTE_TWIN + 1];
	u64 loads[RAID_MAX_LEGS];
};

extern struct model model;

void model_reset(u32 nr_legs, u64 leg_size);
void model_lose_power(void);
void model_arm(u64 countdown);
void model_disarm(void);
void model_event(void);
void model_meanwhile(void);
void model_store(struct model_leg *leg, u64 offset, const void *src,
		 size_t len);
struct raid_buf *model_buf(u32 slot);
void model_free_buf(struct raid_buf *buf);
struct raid *model_raid(u64 nr_regions);
void model_free_raid(struct raid *raid);

#endif /* _PINFOLD_RAID_MODEL_H */
