/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which chunks get struct pages together: pure logic, also built on the host
 * (tests/unit/test_span_layout.c).
 */
#ifndef _DAX_BACKING_SPAN_LAYOUT_H
#define _DAX_BACKING_SPAN_LAYOUT_H

#include <linux/types.h>

/* Chunks of 2 MiB in a memory section of 128 MiB (x86-64). */
#define SPAN_SECTION_CHUNKS	64U

/**
 * struct span_window - what is known about one section when a chunk is missing
 * @populated: bit i set: chunk i of the section has struct pages
 * @usable: bit i set: chunk i belongs to the backing
 * @target: the chunk that is asked for; usable and not populated
 * @left: size in chunks of the span that ends right before @target, or 0
 * @right: size in chunks of the span that starts right after @target, or 0
 * @want: chunks from @target on that the caller knows it will need, no more and
 *	no less (prefault), or 0 for a fault, which knows nothing
 * @room: chunks the budget still allows, at least 1
 */
struct span_window {
	u64 populated;
	u64 usable;
	unsigned int target;
	unsigned int left;
	unsigned int right;
	unsigned int want;
	unsigned int room;
};

/**
 * struct span_choice - an aligned power of two of chunks within a section
 * @first: index of its first chunk in the section
 * @nr: number of chunks
 */
struct span_choice {
	unsigned int first;
	unsigned int nr;
};

struct span_choice span_layout_choose(const struct span_window *w);

#endif /* _DAX_BACKING_SPAN_LAYOUT_H */
