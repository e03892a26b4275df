// SPDX-License-Identifier: GPL-2.0
/* The routines of vector.h by what they say they do, on the legs of raid_model.h. */
#include <linux/kernel.h>
#include <linux/raid/pq.h>
#include <string.h>

#include "raid_model.h"
#include "unit.h"
#include "vector.h"

bool raid_media_claim(int *cookie)
{
	*cookie = 42;
	return unit_random_below(8);
}

void raid_media_release(int cookie)
{
	if (cookie != 42)
		abort();
}

bool raid_data_take(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	return true;
}

bool raid_media_copy(struct raid *raid, void *dst, void *src, size_t len)
{
	(void)raid;
	return raid_vector_store(dst, src, len);
}

void raid_media_moved(struct raid *raid, u64 read, u64 written)
{
	(void)raid;
	(void)read;
	(void)written;
}

/* The last one mapped that is not among the model's. */
static struct model_leg *other;

void *raid_media_map(struct raid *raid, void *media, u64 offset, size_t len)
{
	struct model_leg *m = media;
	u64 at;

	(void)raid;
	/* Who dies at a store has to be found out by one. */
	if (!m || m->dead || m->dies_in)
		return NULL;
	if (offset % RAID_PAGE_SIZE || len % RAID_PAGE_SIZE ||
	    offset + len > m->size)
		abort();
	for (at = offset; at < offset + len; at += RAID_PAGE_SIZE)
		if (m->poison[at / RAID_PAGE_SIZE] &&
		    m->poison[at / RAID_PAGE_SIZE] != POISON_LATENT)
			return NULL;
	if (m < model.legs || m >= model.legs + ARRAY_SIZE(model.legs))
		other = m;
	/* Pages that moved are not next to each other. */
	return unit_random_below(8) ? m->mem + offset : NULL;
}

static struct model_leg *leg_of(const u8 *addr)
{
	u32 i;

	for (i = 0; i < RAID_MAX_LEGS; i++)
		if (model.legs[i].size && addr >= model.legs[i].mem &&
		    addr < model.legs[i].mem + model.legs[i].size)
			return &model.legs[i];
	if (other && addr >= other->mem && addr < other->mem + other->size)
		return other;
	abort();
}

void raid_media_put(struct raid *raid, void *const *at, u32 nr, const void *src,
		    size_t len)
{
	u32 i;

	(void)raid;
	for (i = 0; i < nr; i++) {
		struct model_leg *m = leg_of(at[i]);

		model_event();
		model_store(m, (u8 *)at[i] - m->mem, src, len);
	}
}

static bool readable(const u8 *addr)
{
	const struct model_leg *m = leg_of(addr);

	return !m->poison[(addr - m->mem) / RAID_PAGE_SIZE];
}

static bool load_page(u8 *dst, const u8 *src)
{
	if (!readable(src))
		return false;
	memcpy(dst, src, RAID_PAGE_SIZE);
	return true;
}

static void store_page(u8 *dst, const u8 *src)
{
	struct model_leg *m = leg_of(dst);

	model_event();
	model_store(m, dst - m->mem, src, RAID_PAGE_SIZE);
}

static bool xor_pages(u8 *dst, void *const *src, u32 nr, size_t at)
{
	u8 page[RAID_PAGE_SIZE];
	u32 i, n;

	memset(dst, 0, RAID_PAGE_SIZE);
	for (i = 0; i < nr; i++) {
		if (!load_page(page, (u8 *)src[i] + at))
			return false;
		for (n = 0; n < RAID_PAGE_SIZE; n++)
			dst[n] ^= page[n];
	}
	return true;
}

/* Data pages, and P and Q as they should be, in @pages. */
static bool syndrome(u8 pages[][RAID_PAGE_SIZE], void *const *data, u32 nr,
		     size_t at)
{
	void *v[RAID_MAX_LEGS + 2];
	u32 i;

	for (i = 0; i < nr; i++)
		if (!load_page(pages[i], (u8 *)data[i] + at))
			return false;
	for (i = 0; i < nr + 2; i++)
		v[i] = pages[i];
	raid6_call.gen_syndrome(nr + 2, RAID_PAGE_SIZE, v);
	return true;
}

bool raid_vector_usable(void)
{
	return true;
}

bool raid_vector_load(void *dst, const void *src, size_t len)
{
	if (model.meanwhile_loading)
		model_meanwhile();
	if (!readable(src))
		return false;
	if (leg_of(src) != other)
		model.loads[leg_of(src) - model.legs]++;
	memcpy(dst, src, len);
	if (model.meanwhile_loading && model.afterwards)
		model.afterwards();
	return true;
}

bool raid_vector_store(void *dst, const void *src, size_t len)
{
	void *const one = (void *)src;

	return raid_vector_store_xor(dst, &one, 1, len);
}

/* From memory that changes: whoever reads it twice sees it. */
bool raid_vector_store_copies(void *const *dst, u32 nr, const void *src,
			      size_t len)
{
	u8 once[RAID_PAGE_SIZE];
	u32 i;

	memcpy(once, src, len);
	for (i = 0; i < nr; i++) {
		struct model_leg *m = leg_of(dst[i]);

		model_event();
		model_store(m, (u8 *)dst[i] - m->mem, once, len);
	}
	model.nr_runs++;
	return true;
}

bool raid_vector_store_xor(void *dst, void *const *src, u32 nr, size_t len)
{
	u8 sum[RAID_PAGE_SIZE];
	size_t at;

	for (at = 0; at < len; at += RAID_PAGE_SIZE) {
		if (!xor_pages(sum, src, nr, at))
			return false;
		store_page((u8 *)dst + at, sum);
	}
	model.nr_runs++;
	return true;
}

bool raid_vector_store_q(void *dst, void *const *data, u32 nr, size_t len)
{
	u8 pages[RAID_MAX_LEGS + 2][RAID_PAGE_SIZE];
	size_t at;

	for (at = 0; at < len; at += RAID_PAGE_SIZE) {
		if (!syndrome(pages, data, nr, at))
			return false;
		store_page((u8 *)dst + at, pages[nr + 1]);
	}
	model.nr_runs++;
	return true;
}

bool raid_vector_fits_p(void *const *v, u32 nr, size_t len)
{
	static const u8 zero[RAID_PAGE_SIZE];
	u8 sum[RAID_PAGE_SIZE];
	size_t at;

	for (at = 0; at < len; at += RAID_PAGE_SIZE)
		if (!xor_pages(sum, v, nr, at) ||
		    memcmp(sum, zero, RAID_PAGE_SIZE))
			return false;
	model.nr_runs++;
	return true;
}

bool raid_vector_fits_pq(void *const *v, u32 nr, size_t len)
{
	u8 pages[RAID_MAX_LEGS + 2][RAID_PAGE_SIZE], pq[2][RAID_PAGE_SIZE];
	size_t at;

	for (at = 0; at < len; at += RAID_PAGE_SIZE)
		if (!syndrome(pages, v, nr - 2, at) ||
		    !load_page(pq[0], (u8 *)v[nr - 2] + at) ||
		    !load_page(pq[1], (u8 *)v[nr - 1] + at) ||
		    memcmp(pages[nr - 2], pq, sizeof(pq)))
			return false;
	model.nr_runs++;
	return true;
}
