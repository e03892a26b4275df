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
	struct model_leg *leg;
	u8 *where;
	u64 before;
	u32 thread;
	bool was_latent;
};

static struct pending *pending;
static size_t nr_pending, max_pending;

static void remember(struct model_leg *leg, u8 *where)
{
	if (nr_pending == max_pending) {
		max_pending = max_pending ? 2 * max_pending : 1024;
		pending = realloc(pending, max_pending * sizeof(*pending));
	}
	pending[nr_pending].leg = leg;
	pending[nr_pending].where = where;
	pending[nr_pending].thread = model.thread;
	pending[nr_pending].was_latent =
		leg->poison[(where - leg->mem) / RAID_PAGE_SIZE] ==
		POISON_LATENT;
	memcpy(&pending[nr_pending].before, where, 8);
	nr_pending++;
}

void model_event(void)
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
 * What was being written may be unreadable afterwards, of metadata that is there
 * more than once; which pages of a leg that may be is said by @model.spoils.
 */
static void spoil(const struct pending *p)
{
	u64 offset = p->where - p->leg->mem;

	if (model.spoils && model.spoils(offset) && unit_random_below(2))
		p->leg->poison[offset / RAID_PAGE_SIZE] = POISON_KNOWN;
}

static void undo(const struct pending *p)
{
	memcpy(p->where, &p->before, 8);
	if (p->was_latent)
		p->leg->poison[(p->where - p->leg->mem) / RAID_PAGE_SIZE] =
			POISON_LATENT;
}

/*
 * Newest first; a word stored twice ends as any of its values. Three kinds of
 * outcome: nothing of it, nearly all of it, or a fair mixture.
 */
void model_lose_power(void)
{
	u32 odds = (u32[]){ 0, 2, 7, 8 }[unit_random_below(4)];
	bool spoils = !unit_random_below(4);

	model.armed = false;
	while (nr_pending--) {
		struct pending *p = &pending[nr_pending];

		if (model.loses ? model.loses(p->where - p->leg->mem) :
		    unit_random_below(8) >= odds)
			undo(p);
		if (spoils)
			spoil(p);
	}
	nr_pending = 0;
}

/* Legs are large, and mostly not touched: only what was stored to is zeroed. */
static void reset_leg(struct model_leg *leg, u64 size)
{
	u64 pages = size / RAID_PAGE_SIZE, page;
	struct model_leg next = { .size = size };

	if (size && leg->size == size) {
		next.mem = leg->mem;
		next.dirty = leg->dirty;
		next.poison = leg->poison;
		for (page = 0; page < pages; page++)
			if (next.dirty[page])
				memset(next.mem + page * RAID_PAGE_SIZE, 0,
				       RAID_PAGE_SIZE);
		memset(next.dirty, 0, pages);
		memset(next.poison, 0, pages);
	} else {
		free(leg->mem);
		free(leg->dirty);
		free(leg->poison);
		if (size) {
			next.mem = calloc(1, size);
			next.dirty = calloc(1, pages);
			next.poison = calloc(1, pages);
		}
	}
	*leg = next;
}

void model_reset(u32 nr_legs, u64 leg_size)
{
	u32 i;

	nr_pending = 0;
	for (i = 0; i < RAID_MAX_LEGS; i++) {
		struct model_leg *leg = &model.legs[i];

		reset_leg(leg, i < nr_legs ? leg_size : 0);
	}
	memset(model.notes, 0, sizeof(model.notes));
	model.meanwhile = NULL;
	model.afterwards = NULL;
	model.other_cpu = NULL;
	model.loses = NULL;
	model.waits = false;
	model.meanwhile_loading = false;
	model.meanwhile_clearing = false;
	model.armed = false;
}

void host_acquired(void)
{
	/* Not changed after setjmp(), but gcc does not see that. */
	void (*volatile fn)(void) = model.other_cpu;
	volatile u32 thread = model.thread;

	if (!fn || model.acquires--)
		return;
	model.other_cpu = NULL;
	if (!model.waits) {
		fn();
	} else if (!setjmp(model.contended)) {
		model.beside = true;
		model.nr_held = 0;
		fn();
	} else {
		model.other_cpu = fn;
		model.acquires = 0;
		model.thread = thread;
	}
	model.beside = false;
}

void host_locked(struct mutex *lock)
{
	if (!model.beside)
		return;
	if (model.nr_held == ARRAY_SIZE(model.held))
		abort();
	model.held[model.nr_held++] = lock;
}

void host_contended(void)
{
	if (!model.beside)
		return;
	/* It waits for all of them: none has been released, or does not matter. */
	while (model.nr_held)
		model.held[--model.nr_held]->locked = 0;
	longjmp(model.contended, 1);
}

static void check_range(const struct model_leg *m, u64 offset, size_t len)
{
	if (offset % 8 || len % 8 || offset + len > m->size ||
	    offset % RAID_PAGE_SIZE + len > RAID_PAGE_SIZE)
		abort();
}

void model_meanwhile(void)
{
	void (*fn)(void) = model.meanwhile;

	model.meanwhile = NULL;
	if (fn)
		fn();
}

int raid_media_load(struct raid *r, void *media, u64 offset, void *dst,
		    size_t len)
{
	struct model_leg *m = media;

	if (model.meanwhile_loading)
		model_meanwhile();
	if (!m || m->dead)
		return -ENXIO;
	check_range(m, offset, len);
	if (m->poison[offset / RAID_PAGE_SIZE])
		return -EIO;
	memcpy(dst, m->mem + offset, len);
	if (offset >= r->sb.data_offset && m >= model.legs &&
	    m < model.legs + RAID_MAX_LEGS)
		model.loads[m - model.legs]++;
	if (model.meanwhile_loading && model.afterwards)
		model.afterwards();
	return 0;
}

static bool known_bad(const struct model_leg *m, u64 offset)
{
	u8 poison = m->poison[offset / RAID_PAGE_SIZE];

	return poison && poison != POISON_LATENT;
}

int raid_media_probe(struct raid *r, void *media, u64 offset)
{
	struct model_leg *m = media;

	(void)r;
	if (!m || m->dead)
		return -ENXIO;
	return known_bad(m, offset) ? -EIO : 0;
}

/* Without an event: what has been stored when power fails is up to chance. */
void model_store(struct model_leg *m, u64 offset, const void *src, size_t len)
{
	size_t i;

	m->dirty[offset / RAID_PAGE_SIZE] = 1;
	for (i = 0; i < len; i += 8) {
		remember(m, m->mem + offset + i);
		memcpy(m->mem + offset + i, (const u8 *)src + i, 8);
	}
	if (len == RAID_PAGE_SIZE)
		m->poison[offset / RAID_PAGE_SIZE] = 0;
}

int raid_media_store(struct raid *r, void *media, u64 offset, const void *src,
		     size_t len)
{
	struct model_leg *m = media;

	(void)r;
	if (m && m->dies_in && !--m->dies_in)
		m->dead = true;
	if (!m || m->dead)
		return -ENXIO;
	check_range(m, offset, len);
	model_event();
	if (known_bad(m, offset))
		return -EIO;
	model_store(m, offset, src, len);
	return 0;
}

/* The page is noise, durably, before anything else is in it. */
int raid_media_clear(struct raid *r, void *media, u64 offset, const void *src)
{
	struct model_leg *m = media;
	size_t i;

	(void)r;
	if (!m || m->dead)
		return -ENXIO;
	check_range(m, offset, RAID_PAGE_SIZE);
	if (known_bad(m, offset)) {
		if (m->unclearable ||
		    m->poison[offset / RAID_PAGE_SIZE] == POISON_FOR_GOOD)
			return -EIO;
		model_event();
		m->poison[offset / RAID_PAGE_SIZE] = 0;
		for (i = 0; i < RAID_PAGE_SIZE; i += 8) {
			u64 noise = unit_random();

			memcpy(m->mem + offset + i, &noise, 8);
		}
		if (!unit_random_below(3))
			memset(m->mem + offset, 0, RAID_PAGE_SIZE);
		model.cleared++;
		if (model.meanwhile_clearing)
			model_meanwhile();
	}
	model_event();
	model_store(m, offset, src, RAID_PAGE_SIZE);
	return 0;
}

void raid_fence(void)
{
	size_t i, kept = 0;

	model_event();
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
	buf->log_id = unit_random();
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
	u64 words = (nr_regions + PINFOLD_RAID_WORD_BITS - 1) /
		    PINFOLD_RAID_WORD_BITS;

	raid->written = calloc(words, sizeof(*raid->written));
	raid->shadow = calloc(words, sizeof(*raid->shadow));
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
