// SPDX-License-Identifier: GPL-2.0
/*
 * The media model: memory that loses what was not flushed and fenced, and the
 * exploration of what a power failure can leave of it.
 *
 * Two images: what the CPU sees, and what is durable. Words (8 aligned bytes) in
 * which they differ are pending: after a crash each of them may have its durable
 * value, its latest one, or one in between. A flush notes the value to write
 * back; a fence makes the noted ones durable. Stores need no hook, since they
 * show as a difference.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/libnvdimm.h>
#include <linux/uaccess.h>
#include <compat/nvdimm.h>

#include "crash.h"

/* Up to so many pending words or lines, all subsets; beyond, samples. */
#define ALL_SUBSETS_OF		10
#define ALL_SUBSETS_OF_INNER	4
#define SAMPLES			60
#define SAMPLES_INNER		6
/* A crash in an operation, one in the recovery, and no third. */
#define MAX_DEPTH		2
/* At one crash point in so many, one state in so many is where it goes on. */
#define CONTINUE_POINT		10
#define CONTINUE_STATE		20

#define WORDS_PER_LINE	(CRASH_LINE / 8)

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

/* The hooks have no argument of ours. */
static struct crash *running;

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

/* --- images ------------------------------------------------------------------ */

#define for_each_window(crash, w) \
	for (w = (crash)->structure->windows; w->len; w++)

static void copy_windows(const struct crash *crash, u64 *to, const u64 *from)
{
	const struct crash_window *w;

	for_each_window(crash, w)
		memcpy(to + w->offset / 8, from + w->offset / 8, w->len);
}

static void image_alloc(struct crash *crash, unsigned int depth)
{
	struct image *image = &crash->images[depth];
	size_t size = crash->media_size;

	memset(image, 0, sizeof(*image));
	image->cpu = aligned_alloc(CRASH_LINE, size);
	image->durable = aligned_alloc(CRASH_LINE, size);
	image->bad = calloc(size / CRASH_LINE, 1);
	crash->state[depth] = aligned_alloc(CRASH_LINE, size);
	crash->pending[depth] = calloc(size / 8, sizeof(struct pending));
	if (!image->cpu || !image->durable || !image->bad ||
	    !crash->state[depth] || !crash->pending[depth])
		abort();
	memset(image->cpu, 0, size);
	memset(image->durable, 0, size);
	image->depth = depth;
	image->media.base = image->cpu;
	image->media.size = size;
}

static void image_free(struct crash *crash, unsigned int depth)
{
	free(crash->images[depth].cpu);
	free(crash->images[depth].durable);
	free(crash->images[depth].bad);
	free(crash->images[depth].notes);
	free(crash->state[depth]);
	free(crash->pending[depth]);
}

/* After the power failure: the CPU sees what was durable. */
static void image_restart(struct crash *crash, struct image *image)
{
	copy_windows(crash, image->cpu, image->durable);
	image->nr_notes = 0;
}

static bool in_image(const struct crash *crash, const void *p)
{
	const u8 *base = (const u8 *)crash->top->cpu;

	return (const u8 *)p >= base &&
	       (const u8 *)p < base + crash->media_size;
}

static void note(struct image *image, u32 word, u64 value)
{
	if (image->nr_notes == image->max_notes) {
		image->max_notes = image->max_notes * 2 + 64;
		image->notes = realloc(image->notes, image->max_notes *
				       sizeof(*image->notes));
		if (!image->notes)
			abort();
	}
	image->notes[image->nr_notes].word = word;
	image->notes[image->nr_notes++].value = value;
}

/* --- what the code under test stands on -------------------------------------- */

/*
 * Is this call the one that shall be missing? Not in the innermost recovery, in
 * which power does not fail, so that nothing could be noticed.
 */
static bool skipped(struct crash *crash, enum crash_call call)
{
	unsigned int nth = crash->done[call]++;

	if (crash->quiet || crash->top->depth == MAX_DEPTH)
		return false;
	if (nth < CRASH_MAX_CALLS)
		crash->result->calls[crash->op][call][nth]++;
	return crash->skip && crash->skip->operation &&
	       !strcmp(crash->skip->operation, crash->operation) &&
	       crash->skip->call == call && crash->skip->nth == nth;
}

static void flush_words(struct crash *crash, void *addr, size_t len)
{
	struct image *image = crash->top;
	size_t first = (u64 *)addr - image->cpu;
	size_t end = ((u8 *)addr + len + 7 - (u8 *)image->cpu) / 8;

	for (; first < end; first++)
		note(image, first, image->cpu[first]);
}

void memcpy_flushcache(void *dst, const void *src, size_t len)
{
	if (!running || !in_image(running, dst))
		abort();
	memcpy(dst, src, len);
	if (!skipped(running, CRASH_FLUSH))
		flush_words(running, dst, len);
}

/* Whole lines, as the CPU does it. */
void arch_wb_cache_pmem(void *addr, size_t len)
{
	uintptr_t start = (uintptr_t)addr & ~(uintptr_t)(CRASH_LINE - 1);
	uintptr_t end = ((uintptr_t)addr + len + CRASH_LINE - 1) &
			~(uintptr_t)(CRASH_LINE - 1);

	if (!skipped(running, CRASH_FLUSH))
		flush_words(running, (void *)start, end - start);
}

unsigned long copy_mc_to_kernel(void *dst, const void *src, size_t len)
{
	struct image *image = running->top;
	size_t line, last;

	if (!in_image(running, src))
		abort();
	line = ((const u8 *)src - (u8 *)image->cpu) / CRASH_LINE;
	last = ((const u8 *)src + len - 1 - (u8 *)image->cpu) / CRASH_LINE;
	for (; line <= last; line++)
		if (image->bad[line])
			return len;
	memcpy(dst, src, len);
	return 0;
}

/* Good again, and empty, which is durable at once. */
long nvdimm_clear_poison(struct device *dev, phys_addr_t phys,
			 unsigned int len)
{
	struct image *image = running->top;
	size_t line;

	(void)dev;
	for (line = phys / CRASH_LINE; line < (phys + len) / CRASH_LINE;
	     line++) {
		if (!image->bad[line])
			continue;
		image->bad[line] = 0;
		memset((u8 *)image->cpu + line * CRASH_LINE, 0, CRASH_LINE);
		memset((u8 *)image->durable + line * CRASH_LINE, 0,
		       CRASH_LINE);
	}
	return len;
}

static void crash_point(struct crash *crash);

int nvdimm_flush(struct nd_region *region, struct bio *bio)
{
	struct crash *crash = running;
	struct image *image = crash->top;
	size_t i;

	(void)region;
	(void)bio;
	if (skipped(crash, CRASH_FENCE))
		return 0;
	crash_point(crash);
	for (i = 0; i < image->nr_notes; i++)
		image->durable[image->notes[i].word] = image->notes[i].value;
	image->nr_notes = 0;
	return 0;
}

/* --- crash states --------------------------------------------------------------- */

static size_t collect_pending(struct crash *crash, struct image *image)
{
	struct pending *pending = crash->pending[image->depth];
	const struct crash_window *w;
	size_t i, nr = 0;

	for_each_window(crash, w)
		for (i = w->offset / 8; i < (w->offset + w->len) / 8; i++)
			if (image->cpu[i] != image->durable[i])
				pending[nr++] = (struct pending){
					i, image->durable[i], image->cpu[i]
				};
	return nr;
}

static size_t count_lines(const struct pending *pending, size_t nr)
{
	size_t i, lines = 0;

	for (i = 0; i < nr; i++)
		lines += !i || pending[i].word / WORDS_PER_LINE !=
			       pending[i - 1].word / WORDS_PER_LINE;
	return lines;
}

static void fail(struct crash *crash, const char *why)
{
	char *text = crash->result->failure;
	size_t room = sizeof(crash->result->failure), n;

	n = snprintf(text, room, "%s: after %llu operations, in %s",
		     why, crash->result->ops, crash->operation);
	if (n < room && crash->top->depth)
		snprintf(text + n, room - n, ", after crash %u%s",
			 crash->top->depth,
			 crash->top->poisoned ? " with bad lines" : "");
	longjmp(crash->failed, 1);
}

/*
 * The next attach. Afterwards its outcome must last: whatever a further failure
 * leaves of what the recovery wrote, the same must be found.
 */
static void recover_and_check(struct crash *crash, struct image *image,
			      const void *expect)
{
	const struct crash_structure *s = crash->structure;
	struct image *outer = crash->top;
	unsigned int done[CRASH_NR_CALLS];
	unsigned int op = crash->op;
	const char *operation = crash->operation, *why;
	_Alignas(8) u8 outcome[CRASH_EXPECT_MAX];
	u8 *found = crash->expect[image->depth];

	memcpy(done, crash->done, sizeof(done));
	memcpy(found, expect, s->expect_size);
	image->outer = outer;
	image_restart(crash, image);
	crash->top = image;
	crash_expect(crash, "recovery", found);
	crash->result->states++;
	crash->result->second += image->depth > 1;
	memcpy(outcome, found, s->expect_size);
	why = s->recover(&image->media, outcome);
	if (why)
		fail(crash, why);
	memcpy(found, outcome, s->expect_size);
	image->poisoned = false;
	if (image->depth < MAX_DEPTH)
		crash_point(crash);
	crash->top = outer;
	crash->operation = operation;
	crash->op = op;
	memcpy(crash->done, done, sizeof(done));
}

static void put(struct image *image, u32 word, u64 value)
{
	image->durable[word] = value;
}

/*
 * The history may go on from a crash of an operation, once recovered; with what
 * the recovery left pending still so.
 */
static void maybe_continue(struct crash *crash, struct image *recovered)
{
	struct image *image = &crash->images[0];
	size_t i;

	if (recovered->depth > 1 || !crash->may_continue ||
	    crash_random_below(crash, CONTINUE_STATE))
		return;
	copy_windows(crash, image->durable, recovered->durable);
	copy_windows(crash, image->cpu, recovered->cpu);
	image->nr_notes = 0;
	for (i = 0; i < recovered->nr_notes; i++)
		note(image, recovered->notes[i].word,
		     recovered->notes[i].value);
	memcpy(crash->expect[0], crash->expect[1],
	       crash->structure->expect_size);
	longjmp(crash->resume, 1);
}

static bool redundant(const struct crash *crash, size_t offset)
{
	const struct crash_window *w;

	for_each_window(crash, w)
		if (offset >= w->offset && offset < w->offset + w->len)
			return w->redundant;
	return false;
}

/* Lines that are being written when power fails may be unreadable afterwards. */
static bool poison_pending(struct crash *crash, const struct image *image,
			   struct image *next)
{
	const struct pending *pending = crash->pending[image->depth];
	size_t i, nr = crash->nr_pending[image->depth];
	bool some = false;

	for (i = 0; i < nr; i++) {
		if (!redundant(crash, pending[i].word * 8))
			continue;
		crash_poison_line(&next->media, pending[i].word * 8);
		some = true;
	}
	return some;
}

static bool poison(struct crash *crash, const struct image *image,
		   struct image *next)
{
	const struct crash_structure *s = crash->structure;

	if (crash_random_below(crash, 2))
		return poison_pending(crash, image, next);
	return s->poison && s->poison(crash, &next->media);
}

/*
 * The state that was just made in the next image: with bad lines, and as it is.
 * No structure survives that more goes bad before it has recovered from bad
 * lines.
 */
static void try_state(struct crash *crash, const struct image *image)
{
	struct image *next = &crash->images[image->depth + 1];
	const void *expect = crash->expect[image->depth];
	u64 *state = crash->state[image->depth];
	size_t lines = crash->media_size / CRASH_LINE;

	memcpy(next->bad, image->bad, lines);
	if (!image->poisoned && !crash_random_below(crash, 3)) {
		copy_windows(crash, state, next->durable);
		image_restart(crash, next);
		next->poisoned = poison(crash, image, next);
		if (next->poisoned) {
			crash->result->poisoned++;
			recover_and_check(crash, next, expect);
			maybe_continue(crash, next);
		}
		memcpy(next->bad, image->bad, lines);
		copy_windows(crash, next->durable, state);
	}
	next->poisoned = image->poisoned;
	recover_and_check(crash, next, expect);
	maybe_continue(crash, next);
}

static void begin_state(struct crash *crash, const struct image *image)
{
	copy_windows(crash, crash->images[image->depth + 1].durable,
		     image->durable);
}

/* All subsets of the pending words, which includes all subsets of lines. */
static void try_all_words(struct crash *crash, const struct image *image,
			  size_t nr)
{
	const struct pending *pending = crash->pending[image->depth];
	struct image *next = &crash->images[image->depth + 1];
	u64 subset;
	size_t i;

	for (subset = 0; subset < 1ULL << nr; subset++) {
		begin_state(crash, image);
		for (i = 0; i < nr; i++)
			put(next, pending[i].word, subset >> i & 1 ?
			    pending[i].new : pending[i].old);
		try_state(crash, image);
	}
}

static void try_all_lines(struct crash *crash, const struct image *image,
			  size_t nr, size_t lines)
{
	const struct pending *pending = crash->pending[image->depth];
	struct image *next = &crash->images[image->depth + 1];
	u64 subset;
	size_t i, line;

	for (subset = 0; subset < 1ULL << lines; subset++) {
		begin_state(crash, image);
		for (i = 0, line = 0; i < nr; i++) {
			if (i && pending[i].word / WORDS_PER_LINE !=
				 pending[i - 1].word / WORDS_PER_LINE)
				line++;
			put(next, pending[i].word, subset >> line & 1 ?
			    pending[i].new : pending[i].old);
		}
		try_state(crash, image);
	}
}

/*
 * Some lines old, some new, some torn; with a bias that differs from sample to
 * sample, so that nearly nothing and nearly everything come up, too.
 */
static void sample_words(struct crash *crash, struct image *next,
			 const struct pending *pending, size_t nr)
{
	u64 bias = crash_random_below(crash, 101);
	bool is_new = false, torn = false;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!i || pending[i].word / WORDS_PER_LINE !=
			  pending[i - 1].word / WORDS_PER_LINE) {
			is_new = crash_random_below(crash, 100) < bias;
			torn = !crash_random_below(crash, 4);
		}
		if (torn)
			is_new = crash_random_below(crash, 2);
		put(next, pending[i].word,
		    is_new ? pending[i].new : pending[i].old);
	}
}

/* Values that were flushed, and overwritten before the fence. */
static void sample_notes(struct crash *crash, const struct image *image,
			 struct image *next)
{
	size_t i;

	for (i = 0; i < image->nr_notes; i++)
		if (image->notes[i].value != image->cpu[image->notes[i].word] &&
		    crash_random_below(crash, 2))
			put(next, image->notes[i].word, image->notes[i].value);
}

static void try_samples(struct crash *crash, const struct image *image,
			size_t nr, unsigned int samples)
{
	struct image *next = &crash->images[image->depth + 1];

	while (samples--) {
		begin_state(crash, image);
		sample_words(crash, next, crash->pending[image->depth], nr);
		sample_notes(crash, image, next);
		try_state(crash, image);
	}
}

static bool overwritten_notes(const struct image *image)
{
	size_t i;

	for (i = 0; i < image->nr_notes; i++)
		if (image->notes[i].value != image->cpu[image->notes[i].word])
			return true;
	return false;
}

/* The power fails here, in every way it can. */
static void crash_point(struct crash *crash)
{
	struct image *image = crash->top;
	bool inner = image->depth;
	size_t all = inner ? ALL_SUBSETS_OF_INNER : ALL_SUBSETS_OF;
	unsigned int samples = inner ? SAMPLES_INNER : SAMPLES;
	size_t nr, lines;

	if (crash->quiet || image->depth == MAX_DEPTH)
		return;
	crash->result->fences++;
	nr = collect_pending(crash, image);
	crash->nr_pending[image->depth] = nr;
	if (!inner)
		crash->may_continue = !crash_random_below(crash,
							  CONTINUE_POINT);
	lines = count_lines(crash->pending[image->depth], nr);
	if (nr <= all) {
		try_all_words(crash, image, nr);
	} else {
		if (lines <= all)
			try_all_lines(crash, image, nr, lines);
		try_samples(crash, image, nr, samples);
	}
	if (overwritten_notes(image))
		try_samples(crash, image, nr, SAMPLES_INNER);
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

void crash_poison_line(struct pinfold_media *media, u64 offset)
{
	struct image *image = container_of(media, struct image, media);
	u8 *line = (u8 *)image->durable + offset / CRASH_LINE * CRASH_LINE;

	image->bad[offset / CRASH_LINE] = 1;
	memset(line, 0xa5, CRASH_LINE);
	memset((u8 *)image->cpu + offset / CRASH_LINE * CRASH_LINE, 0xa5,
	       CRASH_LINE);
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
	running = crash;
	for (depth = 0; depth <= MAX_DEPTH; depth++)
		image_alloc(crash, depth);
	if (!setjmp(crash->failed))
		while (result->states < states)
			history(crash);
	else
		structure->detach(crash);
	for (depth = 0; depth <= MAX_DEPTH; depth++)
		image_free(crash, depth);
	running = NULL;
	free(crash);
}
