// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that forgets what was not flushed and fenced, below the functions that
 * media_io.c calls in the kernel.
 *
 * Two images: what the CPU sees, and what is durable. Words (8 aligned bytes) in
 * which they differ are pending: after a crash each of them may have its durable
 * value, its latest one, or one in between. A flush notes the value to write
 * back; a fence makes the noted ones durable. Stores need no hook, since they
 * show as a difference.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/libnvdimm.h>
#include <linux/uaccess.h>
#include <compat/nvdimm.h>

#include "copy_mc.h"
#include "model.h"

/* The kernel's functions have no argument of ours. */
static struct crash *running;

void memory_use(struct crash *crash)
{
	running = crash;
}

/* --- images ------------------------------------------------------------------ */

void copy_windows(const struct crash *crash, u64 *to, const u64 *from)
{
	const struct crash_window *w;

	for_each_window(crash, w)
		memcpy(to + w->offset / 8, from + w->offset / 8, w->len);
}

void image_alloc(struct crash *crash, unsigned int depth)
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

void image_free(struct crash *crash, unsigned int depth)
{
	free(crash->images[depth].cpu);
	free(crash->images[depth].durable);
	free(crash->images[depth].bad);
	free(crash->images[depth].notes);
	free(crash->state[depth]);
	free(crash->pending[depth]);
}

/* After the power failure: the CPU sees what was durable. */
void image_restart(struct crash *crash, struct image *image)
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

void image_note(struct image *image, u32 word, u64 value)
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
		image_note(image, first, image->cpu[first]);
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

unsigned long copy_mc_flushcache(void *dst, const void *src, size_t len)
{
	unsigned long left = copy_mc_to_kernel(dst, src, len);

	if (!left)
		arch_wb_cache_pmem(dst, len);
	return left;
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

void crash_poison_line(struct pinfold_media *media, u64 offset)
{
	struct image *image = container_of(media, struct image, media);
	u8 *line = (u8 *)image->durable + offset / CRASH_LINE * CRASH_LINE;

	image->bad[offset / CRASH_LINE] = 1;
	memset(line, 0xa5, CRASH_LINE);
	memset((u8 *)image->cpu + offset / CRASH_LINE * CRASH_LINE, 0xa5,
	       CRASH_LINE);
}
