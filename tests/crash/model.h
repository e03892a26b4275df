/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside the media model: memory.c forgets what was not flushed, states.c makes
 * what a power failure can leave of it, crash.c runs the histories.
 */
#ifndef _PINFOLD_CRASH_MODEL_H
#define _PINFOLD_CRASH_MODEL_H

#include <setjmp.h>

#include "crash.h"

/* A crash in an operation, one in the recovery, and no third. */
#define MAX_DEPTH		2

/**
 * struct note - a value on its way to the media
 * @word: which word
 * @value: its value when it was flushed
 */
struct note {
	u32 word;
	u64 value;
};

/**
 * struct pending - a word that is not durable
 * @word: which word
 * @old: its durable value
 * @new: its latest value
 */
struct pending {
	u32 word;
	u64 old;
	u64 new;
};

/**
 * struct image - one simulated media; media_io.c works on @media
 * @media: what the code under test gets; its base is @cpu
 * @cpu: what the CPU sees
 * @durable: what survives
 * @bad: lines that cannot be read
 * @notes: flushed since the last fence, in order
 * @nr_notes: their number
 * @max_notes: room for them
 * @outer: the image whose crash made this one
 * @depth: how many crashes ago the history began
 * @poisoned: some lines went bad in the crash that made it
 */
struct image {
	struct pinfold_media media;
	u64 *cpu;
	u64 *durable;
	u8 *bad;
	struct note *notes;
	size_t nr_notes;
	size_t max_notes;
	struct image *outer;
	unsigned int depth;
	bool poisoned;
};

/**
 * struct crash - a run
 * @structure: what is tested
 * @top: the image that the current call works on
 * @images: one for each depth, allocated once
 * @quiet: power does not fail, and nothing is counted
 * @may_continue: the history may go on from a state of this crash point
 * @media_size: bytes from the start of the media to the end of the last window
 * @state: a crash state, at each depth, to come back to
 * @random: state of the generator
 * @operation: name of the running operation
 * @op: its number in @result->op_names
 * @done: calls in it so far, by crash_call
 * @expect: what may be found now, for each depth
 * @pending: the words of the crash point at each depth
 * @nr_pending: their number
 * @goal: states to explore
 * @skip: call to take out
 * @result: counters
 * @resume: where a history goes on after a crash
 * @failed: leaves everything
 */
struct crash {
	const struct crash_structure *structure;
	struct image *top;
	struct image images[MAX_DEPTH + 1];
	bool quiet;
	bool may_continue;
	size_t media_size;
	u64 *state[MAX_DEPTH + 1];
	u64 random;
	const char *operation;
	unsigned int op;
	unsigned int done[CRASH_NR_CALLS];
	_Alignas(8) u8 expect[MAX_DEPTH + 1][CRASH_EXPECT_MAX];
	struct pending *pending[MAX_DEPTH + 1];
	size_t nr_pending[MAX_DEPTH + 1];
	unsigned long long goal;
	const struct crash_skip *skip;
	struct crash_result *result;
	jmp_buf resume;
	jmp_buf failed;
};

#define for_each_window(crash, w) \
	for (w = (crash)->structure->windows; w->len; w++)

/* memory.c */
void memory_use(struct crash *crash);
void copy_windows(const struct crash *crash, u64 *to, const u64 *from);
void image_alloc(struct crash *crash, unsigned int depth);
void image_free(struct crash *crash, unsigned int depth);
void image_restart(struct crash *crash, struct image *image);
void image_note(struct image *image, u32 word, u64 value);

/* states.c */
void crash_point(struct crash *crash);

#endif /* _PINFOLD_CRASH_MODEL_H */
