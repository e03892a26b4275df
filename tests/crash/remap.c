// SPDX-License-Identifier: GPL-2.0
/*
 * The remap table by itself: after any crash it is either as before the change
 * that was under way or as after it, all of it, and in both mirrors.
 */
#include <string.h>

#include <linux/kernel.h>

#include "crash.h"
#include "remap_table.h"

#define NR_SLOTS	(3 * PINFOLD_REMAP_PER_BLOCK)
#define NR_PAGES	10
#define NO_SLOT		0xff

static const struct crash_window windows[] = {
	{ 0, 8 * NR_SLOTS, true }, { 4096, 8 * NR_SLOTS, true }, { }
};

static const struct pinfold_remap_layout layout = {
	.table_offset = { 0, 4096 },
	.nr_slots = NR_SLOTS,
	.nr_pages = NR_PAGES,
	.seed = 0x1234,
};

/**
 * struct contents - what a table says
 * @slot: slot of each page, or NO_SLOT
 * @home_retired: whether its home is
 * @retired: a bit for each slot
 */
struct contents {
	u8 slot[NR_PAGES];
	u8 home_retired[NR_PAGES];
	u8 retired[NR_SLOTS / 8];
};

/* What may be found: the first @nr of them. */
struct expect {
	u32 nr;
	struct contents contents[3];
};

static struct pinfold_remap table;

static void format(struct crash *crash, void *p)
{
	struct expect *expect = p;

	pinfold_remap_format(crash_media(crash), &layout);
	memset(expect, 0, sizeof(*expect));
	expect->nr = 1;
	memset(expect->contents[0].slot, NO_SLOT, NR_PAGES);
}

static const char *open_table(struct pinfold_media *media,
			      struct pinfold_remap *t)
{
	struct pinfold_remap_report report;

	if (pinfold_remap_alloc(t, media, &layout))
		return "out of memory";
	if (pinfold_remap_load(t, &report))
		return report.lost ? "entries are lost" : "claims conflict";
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

/* Return: NULL, or what is wrong with the table by itself. */
static const char *describe(const struct pinfold_remap *t,
			    struct contents *contents)
{
	u32 slot, claimed = 0, retired = 0;

	memset(contents, 0, sizeof(*contents));
	memset(contents->slot, NO_SLOT, NR_PAGES);
	for (slot = 0; slot < NR_SLOTS; slot++) {
		u64 word = t->entries[slot];
		u64 page = pinfold_remap_owner(word);

		if (!pinfold_remap_valid(&layout, slot, word))
			return "an entry is not valid";
		if ((word & (PINFOLD_REMAP_CLAIMED |
			     PINFOLD_REMAP_SLOT_RETIRED)) ==
		    PINFOLD_REMAP_SLOT_RETIRED) {
			contents->retired[slot / 8] |= 1 << slot % 8;
			retired++;
		}
		if (!(word & PINFOLD_REMAP_CLAIMED))
			continue;
		if (contents->slot[page] != NO_SLOT)
			return "a page has two slots";
		if (pinfold_remap_lookup(t, page) != slot)
			return "a claim is not found by its page";
		contents->slot[page] = slot;
		contents->home_retired[page] =
			!!(word & PINFOLD_REMAP_HOME_RETIRED);
		claimed++;
	}
	if (claimed != t->nr_claimed || retired != t->nr_retired)
		return "the numbers of claims are wrong";
	return NULL;
}

/* After mending, each mirror by itself must have what @t says. */
static const char *check_mirrors(const struct pinfold_remap *t)
{
	u32 slot;
	u64 word;
	int m;

	for (slot = 0; slot < NR_SLOTS; slot++)
		for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++) {
			memcpy(&word, t->media->base +
			       pinfold_remap_entry_offset(&layout, m, slot), 8);
			if (word != t->entries[slot])
				return "the mirrors differ after recovery";
		}
	return NULL;
}

static const char *check(const struct pinfold_remap *t, struct expect *expect)
{
	struct contents found;
	const char *why = describe(t, &found);
	u32 i;

	if (!why)
		why = check_mirrors(t);
	if (why)
		return why;
	for (i = 0; i < expect->nr; i++) {
		if (memcmp(&expect->contents[i], &found, sizeof(found)))
			continue;
		expect->nr = 1;
		expect->contents[0] = found;
		return NULL;
	}
	return expect->nr == 1 ? "an acknowledged change is not what is found" :
		"neither the old nor the new state is found";
}

static const char *recover(struct pinfold_media *media, void *expect)
{
	struct pinfold_remap t;
	const char *why = open_table(media, &t);

	if (!why)
		why = check(&t, expect);
	pinfold_remap_free(&t);
	return why;
}

static u32 random_slot(struct crash *crash)
{
	u32 from = crash_random_below(crash, NR_SLOTS);

	return pinfold_remap_find_free(&table, from);
}

/* An operation begins that makes of the table what @next says. */
static void begin(struct crash *crash, const char *operation,
		  struct expect *expect, const struct contents *next)
{
	expect->contents[1] = *next;
	expect->nr = 2;
	crash_expect(crash, operation, expect);
}

/* The same with a third state on the way: moved, the old slot not retired yet. */
static void begin_transfer(struct crash *crash, struct expect *expect,
			   struct contents *next, u64 page, u32 slot,
			   bool retire_slot)
{
	u32 from = next->slot[page];

	next->slot[page] = slot;
	expect->contents[2] = *next;
	if (retire_slot)
		next->retired[from / 8] |= 1 << from % 8;
	expect->contents[1] = *next;
	expect->nr = 3;
	crash_expect(crash, "transfer", expect);
}

static void operate(struct crash *crash, void *p)
{
	struct expect *expect = p;
	struct contents next = expect->contents[0];
	u64 page = crash_random_below(crash, NR_PAGES);
	u32 from = next.slot[page], slot = random_slot(crash);
	bool retire = !crash_random_below(crash, 4);
	int failed = 0;

	if (slot != PINFOLD_NO_SLOT && !crash_random_below(crash, 12)) {
		next.retired[slot / 8] |= 1 << slot % 8;
		begin(crash, "retire slot", expect, &next);
		failed = pinfold_remap_retire_slot(&table, slot);
	} else if (from == NO_SLOT) {
		if (slot == PINFOLD_NO_SLOT)
			return;
		next.slot[page] = slot;
		next.home_retired[page] = retire;
		begin(crash, "claim", expect, &next);
		failed = pinfold_remap_claim(&table, page, slot, retire);
	} else if (slot != PINFOLD_NO_SLOT && crash_random_below(crash, 2)) {
		begin_transfer(crash, expect, &next, page, slot, retire);
		failed = pinfold_remap_transfer(&table, page, slot, retire);
	} else if (!next.home_retired[page] && !retire) {
		next.slot[page] = NO_SLOT;
		begin(crash, "release", expect, &next);
		failed = pinfold_remap_release(&table, page);
		pinfold_remap_reuse(&table, from);
	} else {
		next.home_retired[page] = 1;
		begin(crash, "retire home", expect, &next);
		failed = pinfold_remap_retire_home(&table, page);
	}
	expect->contents[0] = next;
	expect->nr = failed ? 0 : 1;
}

/* A line of one mirror, and sometimes one of another block in the other. */
static bool poison(struct crash *crash, struct pinfold_media *media)
{
	u32 blocks = NR_SLOTS / PINFOLD_REMAP_PER_BLOCK;
	u32 block = crash_random_below(crash, blocks);
	u32 m = crash_random_below(crash, PINFOLD_TABLE_MIRRORS);

	crash_poison_line(media, layout.table_offset[m] +
			  block * PINFOLD_REMAP_BLOCK +
			  crash_random_below(crash, PINFOLD_REMAP_BLOCK));
	block = (block + 1 + crash_random_below(crash, blocks - 1)) % blocks;
	if (crash_random_below(crash, 2))
		crash_poison_line(media, layout.table_offset[!m] +
				  block * PINFOLD_REMAP_BLOCK +
				  crash_random_below(crash, PINFOLD_REMAP_BLOCK));
	return true;
}

const struct crash_structure crash_remap = {
	.name = "remap table",
	.windows = windows,
	.expect_size = sizeof(struct expect),
	.nr_ops = 60,
	.format = format,
	.attach = attach,
	.operate = operate,
	.detach = detach,
	.recover = recover,
	.poison = poison,
};
