// SPDX-License-Identifier: GPL-2.0
/* The media model: histories of operations, and what structures are offered. */
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "model.h"

/* --- random numbers (splitmix64) ------------------------------------------- */

static u64 next_random(struct crash *crash)
{
	u64 z = (crash->random += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u64 crash_random_below(struct crash *crash, u64 n)
{
	return next_random(crash) % n;
}

/* --- for the structures ------------------------------------------------------- */

struct pinfold_media *crash_media(struct crash *crash)
{
	return &crash->top->media;
}

static unsigned int op_number(struct crash_result *result, const char *name)
{
	unsigned int i;

	for (i = 0; i < result->nr_op_names; i++)
		if (!strcmp(result->op_names[i], name))
			return i;
	if (i == CRASH_MAX_OPS)
		abort();
	result->op_names[result->nr_op_names++] = name;
	return i;
}

/* From here on, until the operation is over, a crash may leave this. */
void crash_expect(struct crash *crash, const char *operation,
		  const void *expect)
{
	crash->operation = operation;
	crash->op = op_number(crash->result, operation);
	memset(crash->done, 0, sizeof(crash->done));
	memmove(crash->expect[crash->top->depth], expect,
		crash->structure->expect_size);
}

/* --- histories ------------------------------------------------------------------ */

static void history(struct crash *crash)
{
	const struct crash_structure *s = crash->structure;
	_Alignas(8) u8 expect[CRASH_EXPECT_MAX];
	volatile unsigned int op = 0;

	crash->top = &crash->images[0];
	memset(crash->top->durable, 0, crash->media_size);
	memset(crash->top->bad, 0, crash->media_size / CRASH_LINE);
	image_restart(crash, crash->top);
	crash->quiet = true;
	s->format(crash, crash->expect[0]);
	crash->quiet = false;
	if (setjmp(crash->resume))
		s->detach(crash);
	s->attach(crash, crash->expect[0]);
	while (op++ < s->nr_ops && crash->result->states < crash->goal) {
		memcpy(expect, crash->expect[0], s->expect_size);
		s->operate(crash, expect);
		/* Acknowledged: from now on, nothing else may be found. */
		crash_expect(crash, crash->operation, expect);
		crash->result->ops++;
		crash_point(crash);
	}
	s->detach(crash);
}

/**
 * crash_run() - explore a structure
 * @structure: which
 * @seed: of everything random
 * @states: crash states to explore, at least
 * @skip: a call to take out, or NULL
 * @result: what was done; @result->failure if something was wrong
 */
void crash_run(const struct crash_structure *structure, u64 seed,
	       unsigned long long states, const struct crash_skip *skip,
	       struct crash_result *result)
{
	struct crash *crash = calloc(1, sizeof(*crash));
	const struct crash_window *w;
	unsigned int depth;

	if (!crash || structure->expect_size > CRASH_EXPECT_MAX)
		abort();
	memset(result, 0, sizeof(*result));
	crash->structure = structure;
	crash->random = seed;
	crash->goal = states;
	crash->skip = skip;
	crash->result = result;
	crash->operation = "format";
	for_each_window(crash, w)
		crash->media_size = w->offset + w->len;
	memory_use(crash);
	for (depth = 0; depth <= MAX_DEPTH; depth++)
		image_alloc(crash, depth);
	if (!setjmp(crash->failed))
		while (result->states < states)
			history(crash);
	else
		structure->detach(crash);
	for (depth = 0; depth <= MAX_DEPTH; depth++)
		image_free(crash, depth);
	memory_use(NULL);
	free(crash);
}
