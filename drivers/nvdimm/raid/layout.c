// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/string.h>

#include "layout.h"

static const char *init_mirror(struct raid_layout *layout)
{
	layout->nr_data = 1;
	layout->nr_parity = 0;
	if (layout->level == 1) {
		if (layout->copies != layout->nr_legs)
			return "a raid1 has as many copies as legs";
		layout->nr_groups = layout->leg_pages;
	} else {
		if (layout->copies < 2 || layout->copies > layout->nr_legs)
			return "a raid10 has 2 or more copies, at most one on each leg";
		/* Whole chunks only: the last row may have room for no more. */
		layout->nr_groups = layout->leg_pages / layout->chunk_pages *
				    layout->nr_legs / layout->copies *
				    layout->chunk_pages;
	}
	layout->size_pages = layout->nr_groups;
	return NULL;
}

static const char *init_parity(struct raid_layout *layout)
{
	layout->nr_parity = layout->level == 6 ? 2 : 1;
	if (layout->copies != 1)
		return "raid4, raid5 and raid6 have one copy";
	if (layout->nr_legs < layout->nr_parity + 2)
		return "too few legs for the level";
	layout->nr_data = layout->nr_legs - layout->nr_parity;
	layout->nr_groups = layout->leg_pages;
	layout->size_pages = layout->leg_pages * layout->nr_data;
	return NULL;
}

/**
 * raid_layout_init() - check an array's shape and derive the rest of it
 * @layout: level, nr_legs, copies, chunk_pages and leg_pages are set
 *
 * Context: any.
 * Return: NULL, or in words what is wrong with it.
 */
const char *raid_layout_init(struct raid_layout *layout)
{
	if (layout->nr_legs < 2 || layout->nr_legs > RAID_MAX_LEGS)
		return "an array has 2 to 32 legs";
	if (!layout->chunk_pages ||
	    layout->chunk_pages & (layout->chunk_pages - 1) ||
	    layout->chunk_pages > 1U << 20)
		return "a chunk is a power of two of pages";
	if (!layout->leg_pages || layout->leg_pages % layout->chunk_pages ||
	    layout->leg_pages > 1ULL << 39)
		return "a leg has whole chunks of data, 2 PiB at most";

	switch (layout->level) {
	case 1:
	case 10:
		return init_mirror(layout);
	case 4:
	case 5:
	case 6:
		return init_parity(layout);
	default:
		return "levels are 1, 4, 5, 6 and 10";
	}
}

/**
 * raid_layout_locate() - find the group that has a page of the array
 * @layout: the array
 * @page: below @layout->size_pages
 * @index: which of the group's data pages it is
 *
 * Context: any.
 * Return: number of the group.
 */
u64 raid_layout_locate(const struct raid_layout *layout, u64 page, u32 *index)
{
	u64 chunk;

	if (raid_is_mirror(layout)) {
		*index = 0;
		return page;
	}
	chunk = page / layout->chunk_pages;
	*index = chunk % layout->nr_data;
	return chunk / layout->nr_data * layout->chunk_pages +
	       page % layout->chunk_pages;
}

/* Copies of a chunk are next to each other, over the ends of rows if need be. */
static void group_of_copies(const struct raid_layout *layout,
			    struct raid_group *group)
{
	u64 chunk = group->index / layout->chunk_pages;
	u32 in_chunk = group->index % layout->chunk_pages;
	u32 i;

	group->nr = layout->copies;
	for (i = 0; i < layout->copies; i++) {
		u64 place = chunk * layout->copies + i;

		group->member[i].leg = place % layout->nr_legs;
		group->member[i].page = place / layout->nr_legs *
					layout->chunk_pages + in_chunk;
	}
}

/* Left-symmetric: parity goes left row by row, data begins right of it. */
static void group_of_stripe(const struct raid_layout *layout,
			    struct raid_group *group)
{
	u32 n = layout->nr_legs, p = n - 1, first = 0, i;

	if (layout->level != 4) {
		p -= group->index / layout->chunk_pages % n;
		first = (p + layout->nr_parity) % n;
	}
	group->nr = n;
	for (i = 0; i < n; i++)
		group->member[i].page = group->index;
	for (i = 0; i < layout->nr_data; i++)
		group->member[i].leg = (first + i) % n;
	for (i = 0; i < layout->nr_parity; i++)
		group->member[layout->nr_data + i].leg = (p + i) % n;
}

/**
 * raid_layout_group() - list the pages of a group
 * @layout: the array
 * @index: number of the group, below @layout->nr_groups
 * @group: result
 *
 * Context: any.
 */
void raid_layout_group(const struct raid_layout *layout, u64 index,
		       struct raid_group *group)
{
	group->index = index;
	if (raid_is_mirror(layout))
		group_of_copies(layout, group);
	else
		group_of_stripe(layout, group);
}
