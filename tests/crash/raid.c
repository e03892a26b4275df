// SPDX-License-Identifier: GPL-2.0
/*
 * Arrays of the pfn_raid target: their legs are parts of one media. After any
 * crash each word is as before the write that was under way or as after it,
 * redundancy fits the data, and what is found stays. Lines of a leg may be
 * unreadable as well, and those of metadata that were just being written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/libnvdimm.h>
#include <linux/uaccess.h>
#include <compat/nvdimm.h>

#include "array.h"
#include "crash.h"
#include "group.h"
#include "log.h"
#include "vector.h"

#define LEG_PAGES	2
#define MAX_LEGS	4
#define MAX_PAGES	4
#define WORDS		(RAID_PAGE_SIZE / 8)
#define NO_LEG		RAID_MAX_LEGS

#define DATA_OFFSET	(PINFOLD_RAID_BITMAP_OFFSET + RAID_PAGE_SIZE)
#define LEG_SIZE	(DATA_OFFSET + LEG_PAGES * RAID_PAGE_SIZE)

/* What of a leg ever changes. The entry is the first one, the words are few. */
static const struct crash_window leg_windows[] = {
	{ PINFOLD_RAID_SB0_OFFSET, PINFOLD_RAID_SB_SIZE, true },
	{ PINFOLD_RAID_SB1_OFFSET, PINFOLD_RAID_SB_SIZE, true },
	{ PINFOLD_RAID_BAD_OFFSET, RAID_PAGE_SIZE, true },
	{ PINFOLD_RAID_BAD_OFFSET + PINFOLD_RAID_BAD_COPY, RAID_PAGE_SIZE,
	  true },
	{ PINFOLD_RAID_LOG_OFFSET, CRASH_LINE, true },
	{ PINFOLD_RAID_LOG_OFFSET + PINFOLD_RAID_LOG_COPY, CRASH_LINE, true },
	{ PINFOLD_RAID_PAYLOAD_OFFSET, RAID_PAGE_SIZE, true },
	{ PINFOLD_RAID_BITMAP_OFFSET, CRASH_LINE, true },
	{ DATA_OFFSET, LEG_PAGES * RAID_PAGE_SIZE, false },
};

#define NR_WINDOWS(legs)	((legs) * ARRAY_SIZE(leg_windows) + 1)

static struct crash_window windows_2[NR_WINDOWS(2)];
static struct crash_window windows_3[NR_WINDOWS(3)];
static struct crash_window windows_4[NR_WINDOWS(4)];

static void fill_windows(struct crash_window *windows, u32 legs)
{
	size_t i;

	for (i = 0; i < legs * ARRAY_SIZE(leg_windows); i++) {
		windows[i] = leg_windows[i % ARRAY_SIZE(leg_windows)];
		windows[i].offset += i / ARRAY_SIZE(leg_windows) * LEG_SIZE;
	}
}

/* Before main(): the structures are constants. */
static void __attribute__((constructor)) fill_all_windows(void)
{
	fill_windows(windows_2, 2);
	fill_windows(windows_3, 3);
	fill_windows(windows_4, 4);
}

/**
 * struct expect - what the array may hold
 * @first: first page being written
 * @nr: their number, 0 if nothing is
 * @lo: first byte of the first one
 * @hi: end in the last one
 * @seed: of the data being written
 * @lost: pages that cannot be read, as bits
 * @gone: pages that are being forgotten, all or none of them, as bits
 * @size: data pages of a leg
 * @size_next: what that is about to be
 * @spares: devices that are spares for sure, as bits
 * @mostly: legs that are write-mostly, as bits
 * @mostly_next: what that is about to be
 * @data: what is there, or was before the write
 */
struct expect {
	u32 first, nr, lo, hi;
	u64 seed;
	u64 lost;
	u64 gone;
	u32 size, size_next;
	u32 spares;
	u32 mostly, mostly_next;
	u64 data[MAX_PAGES][WORDS];
};

static_assert(sizeof(struct expect) <= CRASH_EXPECT_MAX);

/* The legs of an array, as its accessors see them. */
struct leg {
	struct pinfold_media *media;
	u64 start;
};

/*
 * An array in use, with what it works with: one, and one for each recovery. Which
 * device has a role, or had it before; and which are spares, as bits.
 */
struct array {
	struct raid *raid;
	struct raid_buf buf;
	struct leg legs[MAX_LEGS];
	u32 device[MAX_LEGS];
	u32 spares;
};

static struct array arrays[3];
static unsigned int nesting;
static struct raid_super plan;
static bool may_poison, make_small;
/* The only leg's word of the bitmap was unreadable: what was zero may not be. */
static bool in_doubt;
/* As many as legs, or one more that is a spare at times. */
static u32 nr_devices;

/* --- accessors ------------------------------------------------------------- */

int raid_media_load(struct raid *raid, void *media, u64 offset, void *dst,
		    size_t len)
{
	struct leg *leg = media;
	const char *from = (char *)leg->media->base + leg->start;
	u64 page = offset - offset % RAID_PAGE_SIZE;
	static u8 whole[RAID_PAGE_SIZE];

	(void)raid;
	/* A page is bad as a whole. */
	if (copy_mc_to_kernel(whole, from + page, RAID_PAGE_SIZE))
		return -EIO;
	memcpy(dst, from + offset, len);
	return 0;
}

int raid_media_probe(struct raid *raid, void *media, u64 offset)
{
	u64 word;

	return raid_media_load(raid, media, offset, &word, sizeof(word));
}

int raid_media_store(struct raid *raid, void *media, u64 offset,
		     const void *src, size_t len)
{
	struct leg *leg = media;

	if (raid_media_probe(raid, media, offset - offset % RAID_PAGE_SIZE))
		return -EIO;
	memcpy_flushcache((char *)leg->media->base + leg->start + offset, src,
			  len);
	return 0;
}

int raid_media_clear(struct raid *raid, void *media, u64 offset,
		     const void *src)
{
	struct leg *leg = media;

	nvdimm_clear_poison(NULL, leg->start + offset, RAID_PAGE_SIZE);
	return raid_media_store(raid, media, offset, src, RAID_PAGE_SIZE);
}

/* Half of the time pages are not where they can be written at once. */
static bool in_place;

bool raid_media_claim(int *cookie)
{
	*cookie = 0;
	return in_place;
}

void raid_media_release(int cookie)
{
	(void)cookie;
}

void *raid_media_map(struct raid *raid, void *media, u64 offset, size_t len)
{
	struct leg *leg = media;

	if (!leg || len != RAID_PAGE_SIZE ||
	    raid_media_probe(raid, media, offset))
		return NULL;
	return (char *)leg->media->base + leg->start + offset;
}

void raid_media_put(struct raid *raid, void *const *at, u32 nr, const void *src,
		    size_t len)
{
	u32 i;

	(void)raid;
	for (i = 0; i < nr; i++)
		memcpy_flushcache(at[i], src, len);
}

bool raid_data_take(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	return true;
}

void raid_media_moved(struct raid *raid, u64 read, u64 written)
{
	(void)raid;
	(void)read;
	(void)written;
}

bool raid_vector_load(void *dst, const void *src, size_t len)
{
	return !copy_mc_to_kernel(dst, src, len);
}

bool raid_vector_store_copies(void *const *dst, u32 nr, const void *src,
			      size_t len)
{
	size_t at;
	u32 i;

	for (at = 0; at < len; at += RAID_VECTOR_BLOCK)
		for (i = 0; i < nr; i++)
			memcpy_flushcache((char *)dst[i] + at,
					  (const char *)src + at,
					  RAID_VECTOR_BLOCK);
	return true;
}

void raid_fence(void)
{
	nvdimm_flush(NULL, NULL);
}

void raid_note(struct raid *raid, enum raid_note note, u32 leg, u64 page)
{
	(void)raid;
	(void)leg;
	(void)page;
	in_doubt |= note == RAID_NOTE_BITMAP_LOST;
}

/* --- arrays ---------------------------------------------------------------- */

static void *page_alloc(void)
{
	void *page = aligned_alloc(RAID_PAGE_SIZE, RAID_PAGE_SIZE);

	if (!page)
		abort();
	return page;
}

static void array_alloc(struct array *a, struct pinfold_media *media)
{
	u32 i;

	if (!a->buf.spare) {
		a->buf.spare = page_alloc();
		for (i = 0; i < MAX_LEGS; i++) {
			a->buf.new[i] = page_alloc();
			a->buf.old[i] = page_alloc();
		}
		a->raid = calloc(1, sizeof(*a->raid));
		a->raid->meta_page = page_alloc();
		a->raid->written = calloc(1, sizeof(u32));
		a->raid->shadow = calloc(1, sizeof(u32));
	} else {
		struct raid keep = *a->raid;

		memset(a->raid, 0, sizeof(*a->raid));
		a->raid->meta_page = keep.meta_page;
		a->raid->written = keep.written;
		a->raid->shadow = keep.shadow;
		*a->raid->written = *a->raid->shadow = 0;
	}
	for (i = 0; i < MAX_LEGS; i++) {
		a->legs[i].media = media;
		a->legs[i].start = i * LEG_SIZE;
		a->device[i] = i;
	}
}

static bool knows(const struct raid_super *sb, const struct raid_super *leg)
{
	return !memcmp(sb->roles[leg->role].uuid, leg->roles[leg->role].uuid,
		       RAID_UUID_SIZE);
}

/*
 * What is found on a device is a candidate for the role it says. Of two, the one
 * that the newest superblock knows is taken, as the tool does.
 */
static void find_devices(struct array *a, struct raid_candidate *legs,
			 u32 without)
{
	static struct raid_candidate found[MAX_LEGS];
	const struct raid_super *newest = NULL;
	u32 i, role;

	memset(found, 0, sizeof(found));
	memset(legs, 0, MAX_LEGS * sizeof(*legs));
	a->spares = 0;
	for (i = 0; i < nr_devices; i++) {
		struct raid_candidate *c = &found[i];

		c->given = true;
		c->verdict = raid_read_super(a->raid, &a->legs[i], LEG_SIZE,
					     a->buf.spare, &c->sb);
		if (c->verdict == RAID_SB_SPARE)
			a->spares |= 1U << i;
		if (c->verdict == RAID_SB_VALID &&
		    (!newest || c->sb.events > newest->events))
			newest = &c->sb;
	}
	for (i = 0; i < nr_devices; i++) {
		role = found[i].verdict == RAID_SB_VALID ? found[i].sb.role : i;
		if (found[i].verdict == RAID_SB_SPARE || role == without ||
		    role >= plan.layout.nr_legs)
			continue;
		if (found[i].verdict != RAID_SB_VALID &&
		    nr_devices > plan.layout.nr_legs)
			continue;
		if (legs[role].given && !knows(newest, &found[i].sb))
			continue;
		legs[role] = found[i];
		a->device[role] = i;
		a->raid->legs[role].media = &a->legs[i];
	}
}

/* Return: NULL, or what is wrong. @without is not named. */
static const char *assemble(struct array *a, struct pinfold_media *media,
			    u32 without, u32 *culprit)
{
	struct raid_candidate legs[MAX_LEGS];
	struct raid_assembly assembly;
	u32 replayed;

	array_alloc(a, media);
	find_devices(a, legs, without);
	raid_assemble(legs, plan.layout.nr_legs, &assembly);
	*culprit = assembly.refusal == RAID_REFUSE_STALE ||
		   assembly.refusal == RAID_REFUSE_INVALID ? assembly.culprit :
							     NO_LEG;
	if (assembly.refusal)
		return raid_refusal_string(assembly.refusal);
	/* It may have grown. */
	plan.layout = assembly.sb.layout;
	return raid_start(a->raid, &assembly, &a->buf, &replayed) ?
	       "the array does not start" : NULL;
}

/*
 * A leg that failed before the crash is refused, and left out; so is one with one
 * superblock torn and the other one bad.
 */
static const char *open_array(struct array *a, struct pinfold_media *media)
{
	u32 culprit, none;
	const char *why = assemble(a, media, NO_LEG, &culprit);

	return why && culprit != NO_LEG ? assemble(a, media, culprit, &none) :
					  why;
}

static u32 missing_leg(const struct raid *raid)
{
	u32 i;

	for (i = 0; i < plan.layout.nr_legs; i++)
		if (raid_leg_state(raid, i) != PINFOLD_RAID_ROLE_IN_SYNC)
			return i;
	return NO_LEG;
}

static void make_plan(u32 level, u32 nr_legs)
{
	u32 i;

	memset(&plan, 0, sizeof(plan));
	plan.layout.level = level;
	plan.layout.nr_legs = nr_legs;
	plan.layout.copies = level == 1 ? nr_legs : 1;
	plan.layout.chunk_pages = 1;
	plan.layout.leg_pages = LEG_PAGES;
	if (raid_super_plan(&plan, 64 << 20))
		abort();
	plan.data_offset = DATA_OFFSET;
	plan.region_groups = 1;
	if (make_small) {
		plan.region_groups = 2;
		plan.layout.leg_pages = 1;
		raid_layout_init(&plan.layout);
	}
	plan.events = 1;
	for (i = 0; i < nr_legs; i++) {
		plan.roles[i].state = PINFOLD_RAID_ROLE_IN_SYNC;
		plan.roles[i].uuid[0] = i + 1;
	}
}

static void put(struct crash *crash, u64 offset, const void *src, size_t len)
{
	memcpy_flushcache((char *)crash_media(crash)->base + offset, src, len);
}

static void format_leg(struct crash *crash, u32 leg)
{
	static u8 page[RAID_PAGE_SIZE] __aligned(8);
	const struct raid_bad none = {};
	__le64 *words = (void *)page;
	u64 start = leg * LEG_SIZE;
	u32 seed = raid_uuid_seed(&plan), i, copy;

	memset(page, 0, sizeof(page));
	words[0] = raid_bits_encode(seed, 0, 0);
	put(crash, start + plan.bitmap_offset, page, RAID_PAGE_SIZE);
	for (i = 0; i < PINFOLD_RAID_BAD_ENTRIES; i++)
		words[i] = raid_bad_encode(seed, i, &none);
	for (copy = 0; copy < 2; copy++)
		put(crash, start + plan.bad_offset +
		    copy * PINFOLD_RAID_BAD_COPY, page, RAID_PAGE_SIZE);
	for (copy = 0; copy < 2; copy++) {
		raid_super_encode((void *)page, &plan, leg, copy);
		put(crash, start + raid_super_offset(copy), page,
		    RAID_PAGE_SIZE);
	}
	memset(page, 0xee, sizeof(page));
	for (i = 0; i < LEG_PAGES; i++)
		put(crash, start + DATA_OFFSET + i * RAID_PAGE_SIZE, page,
		    RAID_PAGE_SIZE);
}

static void format(struct crash *crash, void *expect, u32 level, u32 nr_legs)
{
	u32 i;

	make_plan(level, nr_legs);
	nr_devices = nr_legs;
	for (i = 0; i < nr_legs; i++)
		format_leg(crash, i);
	raid_fence();
	memset(expect, 0, sizeof(struct expect));
	((struct expect *)expect)->size = plan.layout.leg_pages;
	((struct expect *)expect)->size_next = plan.layout.leg_pages;
}

static void format_raid1(struct crash *crash, void *expect)
{
	format(crash, expect, 1, 2);
}

/* The first region has one group of two. */
static void format_grow(struct crash *crash, void *expect)
{
	make_small = true;
	format(crash, expect, 1, 2);
	make_small = false;
}

/* The third device is nothing yet. */
static void format_spare(struct crash *crash, void *expect)
{
	format(crash, expect, 1, 2);
	nr_devices = 3;
}

static void format_raid5(struct crash *crash, void *expect)
{
	format(crash, expect, 5, 3);
}

static void format_raid6(struct crash *crash, void *expect)
{
	format(crash, expect, 6, 4);
}

/* No redundancy is used up yet. */
static bool spare(const struct expect *expect)
{
	return missing_leg(arrays[0].raid) == NO_LEG && !expect->lost;
}

static void attach(struct crash *crash, const void *expect)
{
	nesting = 0;
	may_poison = false;
	open_array(&arrays[0], crash_media(crash));
	may_poison = spare(expect);
}

static void detach(struct crash *crash)
{
	(void)crash;
	nesting = 0;
}

/* --- checks ---------------------------------------------------------------- */

/* What is written: word @w of the i-th page. */
static u64 new_word(const struct expect *expect, u32 i, u32 w)
{
	return (expect->seed + i) * 0x9e3779b97f4a7c15ULL ^ (u64)w << 20 ^ w;
}

static bool covered(const struct expect *expect, u32 page, u32 w)
{
	u32 i = page - expect->first;

	return page >= expect->first && i < expect->nr &&
	       (i || w >= expect->lo / 8) &&
	       (i < expect->nr - 1 || w < expect->hi / 8);
}

static int read_page(struct array *a, u64 page, void *dst)
{
	struct raid_group group;
	u32 index;
	u64 g = raid_layout_locate(&plan.layout, page, &index);
	int err;

	if (!raid_group_written(a->raid, g)) {
		memset(dst, 0, RAID_PAGE_SIZE);
		return 0;
	}
	raid_layout_group(&plan.layout, g, &group);
	err = raid_group_read(a->raid, &group, index, 0, RAID_PAGE_SIZE, dst);
	if (err)
		err = raid_group_read_locked(a->raid, &group, &a->buf, index, 0,
					     RAID_PAGE_SIZE, dst);
	return err;
}

static bool is_zero(const u64 *data)
{
	static const u64 zero[WORDS];

	return !memcmp(data, zero, sizeof(zero));
}

/* Is a page that was being forgotten zero, and was it not before? */
static bool is_gone(const struct expect *expect, u32 page, const u64 *data)
{
	return expect->gone >> page & 1 && is_zero(data) &&
	       !is_zero(expect->data[page]);
}

static bool covered_any(const struct expect *expect, u32 page)
{
	return page >= expect->first && page - expect->first < expect->nr;
}

static const char *check_page(struct array *a, struct expect *expect, u32 page)
{
	u64 data[WORDS];
	u32 w;

	if (read_page(a, page, data)) {
		/* Several pages at once, and one of them unreadable. */
		if (expect->lost >> page & 1 ||
		    (expect->nr > 1 && page - expect->first < expect->nr)) {
			expect->lost |= 1ULL << page;
			return NULL;
		}
		return "a page cannot be read";
	}
	if (in_doubt && is_zero(expect->data[page]) &&
	    !covered_any(expect, page))
		memcpy(expect->data[page], data, RAID_PAGE_SIZE);
	if (is_gone(expect, page, data)) {
		expect->gone |= 1ULL << 32 << page;
		memset(expect->data[page], 0, RAID_PAGE_SIZE);
	} else if (expect->gone >> page & 1 && *expect->data[page]) {
		expect->gone |= 1ULL << 63;
	}
	if (expect->lost >> page & 1 && !covered(expect, page, 0))
		return "a page that was lost is back";
	for (w = 0; w < WORDS; w++) {
		if (data[w] == expect->data[page][w] &&
		    !(expect->lost >> page & 1))
			continue;
		if (!covered(expect, page, w) ||
		    data[w] != new_word(expect, page - expect->first, w))
			return expect->nr ? "a word is neither old nor new" :
					    "a word is not what was written";
		expect->data[page][w] = data[w];
	}
	expect->lost &= ~(1ULL << page);
	return NULL;
}

static const char *check_groups(struct array *a)
{
	struct raid_group group;
	struct raid_check check;
	u64 g;

	for (g = 0; g < plan.layout.nr_groups; g++) {
		if (!raid_group_written(a->raid, g))
			continue;
		raid_layout_group(&plan.layout, g, &group);
		if (!raid_group_check(a->raid, &group, &a->buf, false, &check) &&
		    check.mismatch)
			return "redundancy does not fit the data";
	}
	return NULL;
}

/* As before the change that was under way, or as after it. */
static const char *check_flags(struct array *a, struct expect *expect)
{
	u32 mostly = a->raid->write_mostly;

	if (mostly != expect->mostly && mostly != expect->mostly_next)
		return "a leg's flag is neither old nor new";
	expect->mostly = mostly;
	expect->mostly_next = mostly;
	return NULL;
}

/* What was named a spare is found as one, or has been taken. */
static const char *check_spares(struct array *a, struct expect *expect)
{
	u32 role, i;

	for (i = 0; i < nr_devices; i++) {
		if (!(expect->spares >> i & 1) || a->spares >> i & 1)
			continue;
		for (role = 0; role < plan.layout.nr_legs; role++)
			if (raid_leg_live(a->raid, role) && a->device[role] == i)
				break;
		if (role == plan.layout.nr_legs)
			return "a spare was forgotten";
	}
	expect->spares = a->spares;
	return NULL;
}

static const char *recover(struct pinfold_media *media, void *p)
{
	struct array *a = &arrays[++nesting];
	struct expect *expect = p;
	const char *why;
	u32 page, i;

	/* What one recovery could not know, another one inside of it does not. */
	if (nesting == 1)
		in_doubt = false;
	why = open_array(a, media);
	if (in_doubt && missing_leg(a->raid) == NO_LEG)
		why = "the bitmap is lost, and no leg is missing";
	for (i = 0; !why && i < nr_devices; i++)
		if (a->spares >> i & 1 && raid_spare_mend(a->raid, &a->legs[i]))
			why = "a spare is not mended";
	for (page = 0; !why && page < plan.layout.size_pages; page++)
		why = check_page(a, expect, page);
	if (!why && expect->gone >> 63 && expect->gone << 1 >> 33)
		why = "a region is forgotten in part";
	expect->gone = 0;
	if (!why)
		why = check_groups(a);
	if (!why)
		why = check_flags(a, expect);
	if (!why)
		why = check_spares(a, expect);
	if (!why && a->raid->sb.layout.leg_pages != expect->size &&
	    a->raid->sb.layout.leg_pages != expect->size_next)
		why = "the size is neither old nor new";
	expect->size = a->raid->sb.layout.leg_pages;
	expect->size_next = expect->size;
	expect->nr = 0;
	nesting--;
	return why;
}

/* --- operations ------------------------------------------------------------ */

static u64 random_write(struct crash *crash, struct expect *expect,
			u32 *index)
{
	u64 page = crash_random_below(crash, plan.layout.size_pages), g;

	/* What is lost is written first, as a whole. */
	if (expect->lost)
		page = __builtin_ctzll(expect->lost);
	g = raid_layout_locate(&plan.layout, page, index);
	expect->first = page;
	expect->lo = 0;
	expect->hi = RAID_PAGE_SIZE;
	expect->nr = 1;
	if (expect->lost)
		return g;
	expect->nr += crash_random_below(crash, plan.layout.nr_data - *index);
	if (crash_random_below(crash, 2))
		expect->lo = 512 * crash_random_below(crash, 7);
	if (crash_random_below(crash, 2))
		expect->hi = 512 * (1 + crash_random_below(crash, 8));
	if (expect->nr == 1 && expect->hi <= expect->lo)
		expect->hi = expect->lo + 512;
	return g;
}

static void land(struct expect *expect)
{
	u32 i, w;

	for (i = 0; i < expect->nr; i++)
		for (w = 0; w < WORDS; w++)
			if (covered(expect, expect->first + i, w))
				expect->data[expect->first + i][w] =
					new_word(expect, i, w);
	for (i = 0; i < expect->nr; i++)
		expect->lost &= ~(1ULL << (expect->first + i));
	expect->nr = 0;
}

static void write_pages(struct crash *crash, struct array *a,
			struct expect *expect)
{
	struct raid_write write;
	struct raid_group group;
	u32 index, i, w;
	u64 g = random_write(crash, expect, &index);

	expect->seed = crash_random_below(crash, ~0ULL);
	crash_expect(crash, missing_leg(a->raid) == NO_LEG ? "write" :
		     "degraded write", expect);
	write = (struct raid_write){ .first = index, .nr = expect->nr,
				     .lo = expect->lo, .hi = expect->hi };
	for (i = 0; i < expect->nr; i++)
		for (w = 0; w < WORDS; w++)
			((u64 *)a->buf.new[index + i])[w] =
				new_word(expect, i, w);
	raid_layout_group(&plan.layout, g, &group);
	in_place = crash_random_below(crash, 2);
	/* An error leaves all of it as it may be found after a crash. */
	if (raid_group_lock_written(a->raid, g) ||
	    raid_group_write(a->raid, &group, &a->buf, &write))
		abort();
	mutex_unlock(raid_group_lock(a->raid, g));
	land(expect);
}

static void fail_leg(struct crash *crash, struct array *a,
		     struct expect *expect)
{
	may_poison = false;
	crash_expect(crash, "fail", expect);
	raid_leg_fail(a->raid, crash_random_below(crash, plan.layout.nr_legs),
		      NULL);
}

/* Regions are one group here. */
static void forget_region(struct crash *crash, struct array *a,
			  struct expect *expect)
{
	u64 region = crash_random_below(crash, plan.layout.nr_groups);
	u32 page, index;

	for (page = 0; page < plan.layout.size_pages; page++)
		if (raid_layout_locate(&plan.layout, page, &index) == region)
			expect->gone |= 1ULL << page;
	crash_expect(crash, "forget", expect);
	if (raid_region_forget(a->raid, region))
		abort();
	for (page = 0; page < plan.layout.size_pages; page++)
		if (expect->gone >> page & 1)
			memset(expect->data[page], 0, RAID_PAGE_SIZE);
	expect->gone = 0;
}

static void mark_leg(struct crash *crash, struct array *a,
		     struct expect *expect)
{
	u32 leg = crash_random_below(crash, plan.layout.nr_legs);

	expect->mostly_next ^= 1U << leg;
	crash_expect(crash, "mark", expect);
	if (raid_leg_mark(a->raid, leg, PINFOLD_RAID_WRITE_MOSTLY,
			  expect->mostly_next >> leg & 1))
		abort();
	expect->mostly = expect->mostly_next;
}

static void rebuild(struct crash *crash, struct array *a,
		    struct expect *expect, u32 leg)
{
	struct raid_group group;
	u8 uuid[RAID_UUID_SIZE] = {};
	u64 g;

	if (a->spares && raid_leg_state(a->raid, leg) ==
			 PINFOLD_RAID_ROLE_MISSING) {
		a->device[leg] = __builtin_ctz(a->spares);
		a->spares &= ~(1U << a->device[leg]);
		/* Taken, or a spare still. */
	}
	crash_expect(crash, "rebuild", expect);
	uuid[1] = 1 + crash_random_below(crash, 255);
	uuid[2] = crash_random_below(crash, 256);
	if (raid_leg_state(a->raid, leg) == PINFOLD_RAID_ROLE_MISSING &&
	    raid_leg_join(a->raid, leg, &a->legs[a->device[leg]], uuid))
		abort();
	expect->spares = a->spares;
	for (g = a->raid->sb.roles[leg].synced; g < plan.layout.nr_groups; g++) {
		if (raid_region_pass(a->raid, leg, g))
			continue;
		raid_layout_group(&plan.layout, g, &group);
		if (raid_group_rebuild(a->raid, &group, &a->buf, leg))
			abort();
		WRITE_ONCE(a->raid->sb.roles[leg].synced, g + 1);
		if (!crash_random_below(crash, 3))
			raid_commit(a->raid);
	}
	raid_leg_complete(a->raid, leg);
}

/* A device that is no leg becomes a spare, whatever it was. */
static void add_spare(struct crash *crash, struct array *a,
		      struct expect *expect)
{
	u32 i = 0, role;

	for (role = 0; role < plan.layout.nr_legs; role++)
		if (raid_leg_live(a->raid, role) && a->device[role] == i) {
			i++;
			role = -1;
		}
	expect->spares &= ~(1U << i);
	crash_expect(crash, "spare", expect);
	if (raid_spare_mark(a->raid, &a->legs[i]))
		abort();
	a->spares |= 1U << i;
	expect->spares |= 1U << i;
}

static void operate_spare(struct crash *crash, void *p)
{
	struct array *a = &arrays[0];
	struct expect *expect = p;
	u32 leg = missing_leg(a->raid);

	may_poison = spare(expect);
	/* What becomes a spare may be a role's former device. */
	if (!crash_random_below(crash, 6) && (leg == NO_LEG || !a->spares) &&
	    (leg == NO_LEG || !raid_leg_live(a->raid, leg)))
		add_spare(crash, a, expect);
	else if (leg != NO_LEG && (a->spares || raid_leg_live(a->raid, leg)) &&
		 crash_random_below(crash, 2))
		rebuild(crash, a, expect, leg);
	else if (leg == NO_LEG && !crash_random_below(crash, 6))
		fail_leg(crash, a, expect);
	else
		write_pages(crash, a, expect);
}

static void grow(struct crash *crash, struct array *a, struct expect *expect)
{
	struct raid_super grown = a->raid->sb;

	expect->size_next = LEG_PAGES;
	crash_expect(crash, "grow", expect);
	if (raid_super_grow(&grown, LEG_PAGES, LEG_SIZE) ||
	    raid_grow(a->raid, &grown))
		abort();
	expect->size = LEG_PAGES;
	plan.layout = a->raid->sb.layout;
}

static bool rebuilding(const struct raid *raid)
{
	u32 leg = missing_leg(raid);

	return leg != NO_LEG && raid_leg_live(raid, leg);
}

static void operate(struct crash *crash, void *p)
{
	struct array *a = &arrays[0];
	struct expect *expect = p;
	u32 leg = missing_leg(a->raid);

	plan.layout = a->raid->sb.layout;
	may_poison = spare(expect);
	if (leg != NO_LEG && crash_random_below(crash, 2))
		rebuild(crash, a, expect, leg);
	else if (leg == NO_LEG && !crash_random_below(crash, 12))
		fail_leg(crash, a, expect);
	else if (raid_is_mirror(&plan.layout) && !crash_random_below(crash, 10))
		mark_leg(crash, a, expect);
	else if (plan.layout.leg_pages < LEG_PAGES && !rebuilding(a->raid) &&
		 !crash_random_below(crash, 4))
		grow(crash, a, expect);
	else if (!expect->lost && plan.region_groups == 1 &&
		 !crash_random_below(crash, 6))
		forget_region(crash, a, expect);
	else
		write_pages(crash, a, expect);
}

/* One line of one leg, of its data or of something that says what it is. */
static bool poison(struct crash *crash, struct pinfold_media *media)
{
	static const u64 metadata[] = {
		PINFOLD_RAID_SB0_OFFSET, PINFOLD_RAID_SB1_OFFSET,
		PINFOLD_RAID_BAD_OFFSET,
		PINFOLD_RAID_BAD_OFFSET + PINFOLD_RAID_BAD_COPY,
		PINFOLD_RAID_LOG_OFFSET,
		PINFOLD_RAID_LOG_OFFSET + PINFOLD_RAID_LOG_COPY,
		PINFOLD_RAID_BITMAP_OFFSET,
	};
	u64 at = crash_random_below(crash, nr_devices) * LEG_SIZE;

	if (!may_poison)
		return false;
	if (crash_random_below(crash, 3))
		at += DATA_OFFSET + crash_random_below(crash, LEG_PAGES *
						       RAID_PAGE_SIZE);
	else
		at += metadata[crash_random_below(crash, ARRAY_SIZE(metadata))];
	crash_poison_line(media, at);
	return true;
}

const struct crash_structure crash_raid1 = {
	.name = "raid1",
	.windows = windows_2,
	.expect_size = sizeof(struct expect),
	.nr_ops = 40,
	.inner = 80,
	.format = format_raid1,
	.attach = attach,
	.operate = operate,
	.detach = detach,
	.recover = recover,
	.poison = poison,
};

const struct crash_structure crash_grow = {
	.name = "grow",
	.windows = windows_2,
	.expect_size = sizeof(struct expect),
	.nr_ops = 10,
	.inner = 80,
	.format = format_grow,
	.attach = attach,
	.operate = operate,
	.detach = detach,
	.recover = recover,
	.poison = poison,
};

const struct crash_structure crash_spare = {
	.name = "spare",
	.windows = windows_3,
	.expect_size = sizeof(struct expect),
	.nr_ops = 60,
	.inner = 80,
	.format = format_spare,
	.attach = attach,
	.operate = operate_spare,
	.detach = detach,
	.recover = recover,
	.poison = poison,
};

const struct crash_structure crash_raid5 = {
	.name = "raid5",
	.windows = windows_3,
	.expect_size = sizeof(struct expect),
	.nr_ops = 40,
	.inner = 80,
	.format = format_raid5,
	.attach = attach,
	.operate = operate,
	.detach = detach,
	.recover = recover,
	.poison = poison,
};

const struct crash_structure crash_raid6 = {
	.name = "raid6",
	.windows = windows_4,
	.expect_size = sizeof(struct expect),
	.nr_ops = 40,
	.inner = 80,
	.format = format_raid6,
	.attach = attach,
	.operate = operate,
	.detach = detach,
	.recover = recover,
	.poison = poison,
};
