// SPDX-License-Identifier: GPL-2.0
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "span_layout.h"

static u64 block_mask(unsigned int first, unsigned int nr)
{
	u64 ones = nr == SPAN_SECTION_CHUNKS ? ~0ULL : (1ULL << nr) - 1;

	return ones << first;
}

/*
 * How large the new span may be. A small one wastes no memory on a lone touch;
 * a large one costs less per page (whole sections even get a huge page for
 * their memmap) and keeps the kernel's table of mapped ranges short. So grow
 * with the evidence: twice the span next door for a sequential walk, as much as
 * the section already has for a random one. Either way at most half of what is
 * populated was not asked for.
 */
static unsigned int span_limit(const struct span_window *w)
{
	unsigned int limit = hweight64(w->populated);

	limit = max(limit, 2 * max(w->left, w->right));
	if (w->want)
		limit = w->want;
	limit = min3(limit, SPAN_SECTION_CHUNKS, w->room);
	return max(limit, 1U);
}

/**
 * span_layout_choose() - choose the span that gives a chunk its struct pages
 * @w: the section and the evidence
 *
 * Context: Any.
 * Return: the largest allowed block that holds @w->target (starts there, if it
 * is known what is wanted), lies within the backing, and overlaps nothing
 * populated; a single chunk at the least.
 */
struct span_choice span_layout_choose(const struct span_window *w)
{
	unsigned int limit = span_limit(w);
	unsigned int nr;

	for (nr = SPAN_SECTION_CHUNKS; nr > 1; nr /= 2) {
		unsigned int first = w->target & ~(nr - 1);
		u64 mask = block_mask(first, nr);

		if (w->want && first != w->target)
			continue;
		if (nr <= limit && !(mask & w->populated) &&
		    (mask & w->usable) == mask)
			return (struct span_choice){ first, nr };
	}
	return (struct span_choice){ w->target, 1 };
}
