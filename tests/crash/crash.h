/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The media model: persistent memory that forgets what was not flushed. It runs
 * the driver's own code on a structure, cuts the power at every fence, lets every
 * possible part of what was not durable reach the media, has the driver's own
 * code recover, cuts the power in there as well, and asks whether what came out
 * is right.
 *
 * A structure plugs in by a struct crash_structure. It knows nothing of fences;
 * it performs operations, and says before and after each what may be found.
 */
#ifndef _PINFOLD_CRASH_H
#define _PINFOLD_CRASH_H

#include <linux/types.h>

#include "media_io.h"

struct crash;

/* What the CPU writes back, and what goes bad, at once. */
#define CRASH_LINE	64

/* Largest struct crash_structure.expect_size. */
#define CRASH_EXPECT_MAX 20480

/* Kinds of calls that can be taken out, to see whether the model notices. */
enum crash_call { CRASH_FLUSH, CRASH_FENCE, CRASH_NR_CALLS };

/**
 * struct crash_skip - a call that is taken out
 * @operation: of which operation, NULL for none
 * @call: which kind
 * @nth: which one, from 0 on
 * @why: nothing is wrong without it, or NULL
 */
struct crash_skip {
	const char *operation;
	enum crash_call call;
	unsigned int nth;
	const char *why;
};

/**
 * struct crash_window - a part of the media that the structure uses
 * @offset: a multiple of CRASH_LINE
 * @len: likewise
 * @redundant: survives that the lines being written when power fails go bad
 */
struct crash_window {
	size_t offset;
	size_t len;
	bool redundant;
};

/**
 * struct crash_structure - an on-media structure under test
 * @name: of the structure
 * @windows: the parts of the media it uses, in order; the last one has no length
 * @expect_size: bytes of its description of what may be found after a crash
 * @nr_ops: operations of one history
 * @inner: of the fences of a recovery, power fails at one in so many; 0 for all
 * @format: make the structure on zeroed media, and say what is there in @expect;
 *	power does not fail meanwhile
 * @attach: begin operations on recovered media
 * @operate: one random operation. Calls crash_expect() before it begins, and
 *	leaves in @expect what must be found afterwards
 * @detach: end of operations, also in the middle of one; frees, writes nothing
 * @recover: what happens to the media at the next attach, and then the checks.
 *	Replaces @expect, what may be found, by what was found. Returns NULL, or
 *	what is wrong
 * @poison: make some lines bad (crash_poison_line()) that the structure says it
 *	survives, a random choice; returns false if it survives none in this state
 * @needless: calls that may be missing, with the reasons; ends without operation
 */
struct crash_structure {
	const char *name;
	const struct crash_window *windows;
	size_t expect_size;
	unsigned int nr_ops;
	unsigned int inner;
	void (*format)(struct crash *crash, void *expect);
	void (*attach)(struct crash *crash, const void *expect);
	void (*operate)(struct crash *crash, void *expect);
	void (*detach)(struct crash *crash);
	const char *(*recover)(struct pinfold_media *media, void *expect);
	bool (*poison)(struct crash *crash, struct pinfold_media *media);
	const struct crash_skip *needless;
};

/* For the structures. */
struct pinfold_media *crash_media(struct crash *crash);
void crash_expect(struct crash *crash, const char *operation,
		  const void *expect);
u64 crash_random_below(struct crash *crash, u64 n);
void crash_poison_line(struct pinfold_media *media, u64 offset);

extern const struct crash_structure crash_info, crash_remap, crash_move;
extern const struct crash_structure crash_raid1, crash_raid5, crash_raid6;
extern const struct crash_structure crash_spare, crash_grow;

/* Kinds of operations of a structure, and flushes or fences in one of them. */
#define CRASH_MAX_OPS	16
#define CRASH_MAX_CALLS	256

/**
 * struct crash_result - what a run did
 * @states: crash states that were recovered and checked
 * @second: those of them that crashed inside of a recovery
 * @poisoned: those of them with bad lines
 * @fences: crash points
 * @ops: operations
 * @calls: how often each operation came to its first, second... flush or fence
 * @op_names: names of the operations
 * @nr_op_names: their number
 * @failure: what was wrong, "" if nothing
 */
struct crash_result {
	unsigned long long states;
	unsigned long long second;
	unsigned long long poisoned;
	unsigned long long fences;
	unsigned long long ops;
	unsigned int calls[CRASH_MAX_OPS][CRASH_NR_CALLS][CRASH_MAX_CALLS];
	const char *op_names[CRASH_MAX_OPS];
	unsigned int nr_op_names;
	char failure[1024];
};

void crash_run(const struct crash_structure *structure, u64 seed,
	       unsigned long long states, const struct crash_skip *skip,
	       struct crash_result *result);

#endif /* _PINFOLD_CRASH_H */
