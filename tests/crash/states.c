// SPDX-License-Identifier: GPL-2.0
/*
 * What a power failure can leave: all subsets of few pending words or lines,
 * samples of many, with torn and with unreadable lines. Each state is recovered,
 * with further power failures, and checked.
 */
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>

#include "model.h"

/* Up to so many pending words or lines, all subsets; beyond, samples. */
#define ALL_SUBSETS_OF		10
#define ALL_SUBSETS_OF_INNER	4
#define SAMPLES			60
#define SAMPLES_INNER		6
/* At one crash point in so many, one state in so many is where it goes on. */
#define CONTINUE_POINT		10
#define CONTINUE_STATE		20

#define WORDS_PER_LINE		(CRASH_LINE / 8)

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
		image_note(image, recovered->notes[i].word,
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
void crash_point(struct crash *crash)
{
	struct image *image = crash->top;
	bool inner = image->depth;
	size_t all = inner ? ALL_SUBSETS_OF_INNER : ALL_SUBSETS_OF;
	unsigned int samples = inner ? SAMPLES_INNER : SAMPLES;
	size_t nr, lines;

	if (crash->quiet || image->depth == MAX_DEPTH)
		return;
	if (inner && crash->structure->inner &&
	    crash_random_below(crash, crash->structure->inner))
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
