// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>
#include <stdlib.h>
#include <string.h>

#include "raid_model.h"
#include "unit.h"

struct model model;

/* What is not fenced: the words as they were, oldest first. */
struct pending {
	u8 *where;
	u64 before;
	u32 thread;
};

static struct pending *pending;
static size_t nr_pending, max_pending;

static void remember(u8 *where)
{
	if (nr_pending == max_pending) {
		max_pending = max_pending ? 2 * max_pending : 1024;
		pending = realloc(pending, max_pending * sizeof(*pending));
	}
	pending[nr_pending].where = where;
	pending[nr_pending].thread = model.thread;
	memcpy(&pending[nr_pending].before, where, 8);
	nr_pending++;
}

static void event(void)
{
	model.events++;
	if (!model.armed || model.countdown--)
		return;
	if (model.other) {
		/* What it does is not interrupted. */
		model.armed = false;
		model.thread++;
		model.other();
		model.thread--;
	}
	longjmp(model.crash, 1);
}

void model_arm(u64 countdown)
{
	model.armed = true;
	model.countdown = countdown;
}

void model_disarm(void)
{
	model.armed = false;
}

/*
 * Newest first; a word stored twice ends as any of its values. Three kinds of
 * outcome: nothing of it, nearly all of it, or a fair mixture.
 */
void model_lose_power(void)
{
	u32 odds = (u32[]){ 0, 2, 7, 8 }[unit_random_below(4)];

	model.armed = false;
	while (nr_pending--) {
		struct pending *p = &pending[nr_pending];

		if (unit_random_below(8) >= odds)
			memcpy(p->where, &p->before, 8);
	}
	nr_pending = 0;
}

void model_reset(u32 nr_legs, u64 leg_size)
{
	u32 i;

	nr_pending = 0;
	for (i = 0; i < RAID_MAX_LEGS; i++) {
		struct model_leg *leg = &model.legs[i];

		free(leg->mem);
		free(leg->poison);
		memset(leg, 0, sizeof(*leg));
		if (i >= nr_legs)
			continue;
		leg->size = leg_size;
		leg->mem = calloc(1, leg_size);
		leg->poison = calloc(1, leg_size / RAID_PAGE_SIZE);
	}
	memset(model.notes, 0, sizeof(model.notes));
	model.armed = false;
}

int raid_leg_load(struct raid_leg *leg, u64 offset, void *dst, size_t len)
{
	struct model_leg *m = leg->media;

	if (!m || m->dead)
		return -ENXIO;
	if (offset % 8 || offset + len > m->size ||
	    offset % RAID_PAGE_SIZE + len > RAID_PAGE_SIZE)
		abort();
	if (m->poison[offset / RAID_PAGE_SIZE])
		return -EIO;
	memcpy(dst, m->mem + offset, len);
	return 0;
}

int raid_leg_store(struct raid_leg *leg, u64 offset, const void *src,
		   size_t len)
{
	struct model_leg *m = leg->media;
	size_t i;

	if (m && m->dies_in && !--m->dies_in)
		m->dead = true;
	if (!m || m->dead)
		return -ENXIO;
	if (offset % 8 || len % 8 || offset + len > m->size ||
	    offset % RAID_PAGE_SIZE + len > RAID_PAGE_SIZE)
		abort();
	event();
	if (m->poison[offset / RAID_PAGE_SIZE]) {
		if (len != RAID_PAGE_SIZE || m->unclearable)
			return -EIO;
		m->poison[offset / RAID_PAGE_SIZE] = 0;
	}
	for (i = 0; i < len; i += 8) {
		remember(m->mem + offset + i);
		memcpy(m->mem + offset + i, (const u8 *)src + i, 8);
	}
	return 0;
}

void raid_fence(void)
{
	size_t i, kept = 0;

	event();
	for (i = 0; i < nr_pending; i++)
		if (pending[i].thread != model.thread)
			pending[kept++] = pending[i];
	nr_pending = kept;
}

void raid_note(struct raid *raid, enum raid_note note, u32 leg, u64 page)
{
	(void)raid;
	(void)leg;
	(void)page;
	model.notes[note]++;
}

struct raid_buf *model_buf(u32 slot)
{
	struct raid_buf *buf = calloc(1, sizeof(*buf));
	u32 i;

	buf->slot = slot;
	buf->spare = aligned_alloc(RAID_PAGE_SIZE, RAID_PAGE_SIZE);
	for (i = 0; i < RAID_MAX_LEGS; i++) {
		buf->new[i] = aligned_alloc(RAID_PAGE_SIZE, RAID_PAGE_SIZE);
		buf->old[i] = aligned_alloc(RAID_PAGE_SIZE, RAID_PAGE_SIZE);
	}
	return buf;
}

void model_free_buf(struct raid_buf *buf)
{
	u32 i;

	for (i = 0; i < RAID_MAX_LEGS; i++) {
		free(buf->new[i]);
		free(buf->old[i]);
	}
	free(buf->spare);
	free(buf);
}

struct raid *model_raid(u64 nr_regions)
{
	struct raid *raid = calloc(1, sizeof(*raid));
	u64 words = (nr_regions + 63) / 64;

	raid->written = calloc(words, 8);
	raid->shadow = calloc(words, 8);
	raid->meta_page = aligned_alloc(RAID_PAGE_SIZE, RAID_PAGE_SIZE);
	return raid;
}

void model_free_raid(struct raid *raid)
{
	free(raid->written);
	free(raid->shadow);
	free(raid->meta_page);
	free(raid);
}
