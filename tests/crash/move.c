// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that move: whatever power does, a page has the data that were written to
 * it, all old or all new, wherever it lives.
 */
#include <string.h>

#include <linux/kernel.h>

#include "crash.h"
#include "remap_table.h"

#define NR_PAGES	3
#define NR_SPARE	4
#define WORDS		(PINFOLD_PAGE_SIZE / 8)
#define DATA		4096
#define SPARE		(DATA + NR_PAGES * PINFOLD_PAGE_SIZE)

static const struct crash_window windows[] = {
	{ 0, 1024, true },
	{ DATA, (NR_PAGES + NR_SPARE) * PINFOLD_PAGE_SIZE, false },
	{ }
};

/* The table has more slots than there are pages for them: never used here. */
static const struct pinfold_remap_layout layout = {
	.table_offset = { 0, 512 },
	.data_offset = DATA,
	.spare_offset = SPARE,
	.nr_slots = PINFOLD_REMAP_PER_BLOCK,
	.nr_pages = NR_PAGES,
	.seed = 0x5678,
};

/*
 * What each page may have: of one write, or while it runs, of it and the last. And
 * which of its sectors are lost, before and after what is under way.
 */
struct expect {
	u32 older[NR_PAGES];
	u32 newer[NR_PAGES];
	u32 was_lost[NR_PAGES];
	u32 lost[NR_PAGES];
};

static struct pinfold_remap table;
static u32 writes;

static u64 pattern(u64 page, u32 write, u32 word)
{
	return (page << 56 | (u64)write << 24 | word) * 0x9e3779b97f4a7c15ULL;
}

static void write_page(struct pinfold_media *media, u64 offset, u64 page,
		       u32 write)
{
	u64 data[WORDS];
	u32 i;

	for (i = 0; i < WORDS; i++)
		data[i] = pattern(page, write, i);
	pinfold_media_write(media, offset, data, sizeof(data));
	pinfold_media_fence(media);
}

static void format(struct crash *crash, void *p)
{
	struct expect *expect = p;
	u64 page;

	pinfold_remap_format(crash_media(crash), &layout);
	writes = 0;
	memset(expect, 0, sizeof(*expect));
	for (page = 0; page < NR_PAGES; page++)
		write_page(crash_media(crash),
			   DATA + page * PINFOLD_PAGE_SIZE, page, 0);
}

static const char *open_table(struct pinfold_media *media,
			      struct pinfold_remap *t)
{
	struct pinfold_remap_report report;

	if (pinfold_remap_alloc(t, media, &layout))
		return "out of memory";
	if (pinfold_remap_load(t, &report))
		return "the table is lost";
	if (t->needs_mending && pinfold_remap_mend(t))
		return "mending failed";
	return NULL;
}

static void attach(struct crash *crash, const void *expect)
{
	(void)expect;
	open_table(crash_media(crash), &table);
}

static void detach(struct crash *crash)
{
	(void)crash;
	pinfold_remap_free(&table);
}

/* Is @lost what may be found to be lost of a page? */
static bool lost_as_expected(u32 lost, u64 page, const struct expect *expect)
{
	/* Written while power failed: any of it. */
	if (expect->older[page] != expect->newer[page])
		return !(lost & ~expect->was_lost[page]);
	return lost == expect->was_lost[page] || lost == expect->lost[page];
}

static const char *check_page(const struct pinfold_remap *t, u64 page,
			      const struct expect *expect)
{
	const u64 *data = t->media->base + pinfold_remap_offset(t, page);
	u32 slot = pinfold_remap_lookup(t, page), i;
	bool writing = expect->older[page] != expect->newer[page];
	unsigned int lost = 0;

	if (slot != PINFOLD_NO_SLOT)
		pinfold_remap_find_lost(t, slot, &lost);
	if (!lost_as_expected(lost, page, expect))
		return "a page has lost other parts than it should";
	for (i = 0; i < WORDS; i++) {
		u32 sector = 1U << i * 8 / PINFOLD_LOST_UNIT;

		/* Of a sector that was lost, a write may have left a mixture. */
		if (lost & sector ||
		    (writing && expect->was_lost[page] & sector))
			continue;
		if (data[i] != pattern(page, expect->older[page], i) &&
		    data[i] != pattern(page, expect->newer[page], i))
			return "a page has data that nobody wrote there last";
	}
	return NULL;
}

static const char *recover(struct pinfold_media *media, void *p)
{
	struct pinfold_remap t;
	const char *why = open_table(media, &t);
	u64 page;

	for (page = 0; page < NR_PAGES && !why; page++)
		why = check_page(&t, page, p);
	pinfold_remap_free(&t);
	return why;
}

static void write_somewhere(struct crash *crash, struct expect *expect,
			    u64 page)
{
	/* Cut off by a crash: again. */
	if (expect->older[page] != expect->newer[page]) {
		crash_expect(crash, "write", expect);
		write_page(crash_media(crash),
			   pinfold_remap_offset(&table, page), page,
			   expect->newer[page]);
		expect->older[page] = expect->newer[page];
	}
	expect->newer[page] = ++writes;
	crash_expect(crash, "write", expect);
	write_page(crash_media(crash), pinfold_remap_offset(&table, page), page,
		   writes);
	expect->older[page] = writes;
	expect->was_lost[page] = 0;
	expect->lost[page] = 0;
}

static u32 random_slot(struct crash *crash)
{
	u32 slot = crash_random_below(crash, NR_SPARE), i;

	for (i = 0; i < NR_SPARE; i++, slot = (slot + 1) % NR_SPARE)
		if (!pinfold_remap_may_claim(&table, 0, slot))
			return slot;
	return PINFOLD_NO_SLOT;
}

/* Of the page or of another attempt, cut off by a crash: what is lost is what is there. */
static void settle_lost(struct expect *expect, u64 page)
{
	u32 slot = pinfold_remap_lookup(&table, page);
	unsigned int lost = 0;

	if (slot != PINFOLD_NO_SLOT)
		pinfold_remap_find_lost(&table, slot, &lost);
	expect->was_lost[page] = lost;
	expect->lost[page] = lost;
}

/* Some sectors cannot be read any more. */
static void salvage(struct crash *crash, struct expect *expect, u64 page,
		    u32 slot)
{
	unsigned int lost = expect->lost[page] |
			    1U << crash_random_below(crash, 8);

	if (lost == 0xff)
		return;
	expect->lost[page] = lost;
	crash_expect(crash, "salvage", expect);
	pinfold_remap_copy_readable(&table, page, slot, &lost);
	pinfold_remap_salvage(&table, page, slot, false);
	expect->was_lost[page] = lost;
}

static void move(struct crash *crash, struct expect *expect, u64 page)
{
	u32 from = pinfold_remap_lookup(&table, page);
	u32 slot = random_slot(crash);

	settle_lost(expect, page);
	if (expect->older[page] != expect->newer[page]) {
		write_somewhere(crash, expect, page);
		return;
	}
	if (slot != PINFOLD_NO_SLOT &&
	    (expect->lost[page] || !crash_random_below(crash, 8))) {
		salvage(crash, expect, page, slot);
		pinfold_remap_reuse(&table, from);
		return;
	}
	if (expect->lost[page])
		return;
	if (from == PINFOLD_NO_SLOT) {
		if (slot == PINFOLD_NO_SLOT)
			return;
		crash_expect(crash, "move out", expect);
		pinfold_remap_move_out(&table, page, slot, false);
		return;
	}
	if (slot != PINFOLD_NO_SLOT && crash_random_below(crash, 2)) {
		crash_expect(crash, "move on", expect);
		pinfold_remap_move_on(&table, page, slot, false);
	} else {
		crash_expect(crash, "move home", expect);
		pinfold_remap_move_home(&table, page);
	}
	/* No reader is left. */
	pinfold_remap_reuse(&table, from);
}

static void operate(struct crash *crash, void *p)
{
	u64 page = crash_random_below(crash, NR_PAGES);

	if (crash_random_below(crash, 3))
		move(crash, p, page);
	else
		write_somewhere(crash, p, page);
}

static bool poison(struct crash *crash, struct pinfold_media *media)
{
	crash_poison_line(media, crash_random_below(crash, 1024));
	return true;
}

/* Whether the table alone keeps what it promised is remap.c's business. */
static const struct crash_skip needless[] = {
	{ "move out", CRASH_FENCE, 2,
	  "no write is acknowledged before another fence" },
	{ "move on", CRASH_FENCE, 4,
	  "the newer claim wins, whether the older one is gone or not" },
	{ "recovery", CRASH_FLUSH, 2,
	  "it takes back an older claim, and the newer one wins anyway" },
	{ "recovery", CRASH_FENCE, 2,
	  "it takes back an older claim, and the newer one wins anyway" },
	{ }
};

const struct crash_structure crash_move = {
	.name = "moving pages",
	.windows = windows,
	.expect_size = sizeof(struct expect),
	.nr_ops = 60,
	.format = format,
	.attach = attach,
	.operate = operate,
	.detach = detach,
	.recover = recover,
	.poison = poison,
	.needless = needless,
};
