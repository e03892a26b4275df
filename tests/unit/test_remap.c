// SPDX-License-Identifier: GPL-2.0
/*
 * The remap table: its entries on the media, every wrong call, full tables, and
 * what loading makes of damage. Power failures are tests/crash's subject.
 */
#include <string.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>

#include "info_update.h"
#include "media_io.h"
#include "plain_media.h"
#include "remap_table.h"
#include "unit.h"

#define NR_SLOTS	128
#define NR_PAGES	4
#define DATA		8192
#define SPARE		(DATA + NR_PAGES * PINFOLD_PAGE_SIZE)
#define NR_SPARE	4	/* slots that have memory behind them */
#define SIZE		(SPARE + NR_SPARE * PINFOLD_PAGE_SIZE)

static u8 memory[SIZE] __aligned(64);
static struct pinfold_media media = { .base = memory, .size = SIZE };
static struct pinfold_remap table;
static struct pinfold_remap_report report;

static const struct pinfold_remap_layout layout = {
	.table_offset = { 0, 4096 },
	.data_offset = DATA,
	.spare_offset = SPARE,
	.nr_slots = NR_SLOTS,
	.nr_pages = NR_PAGES,
	.seed = 0x4242,
};

static int load(void)
{
	pinfold_remap_free(&table);
	if (pinfold_remap_alloc(&table, &media, &layout))
		abort();
	return pinfold_remap_load(&table, &report);
}

static void start(void)
{
	plain_media_reset();
	memset(memory, 0, sizeof(memory));
	if (pinfold_remap_format(&media, &layout) || load())
		abort();
}

static u8 *entry(unsigned int mirror, u32 slot)
{
	return memory + layout.table_offset[mirror] + 8 * slot;
}

/* Put @word, sealed, into one mirror or, with 2, into both. */
static void plant(unsigned int mirror, u32 slot, u64 word)
{
	const __le64 value = cpu_to_le64(pinfold_remap_seal(&layout, slot,
							    word));

	if (mirror != 1)
		memcpy(entry(0, slot), &value, 8);
	if (mirror != 0)
		memcpy(entry(1, slot), &value, 8);
}

static u64 claim(u64 page, unsigned int gen)
{
	return page | PINFOLD_REMAP_CLAIMED |
	       (u64)gen << PINFOLD_REMAP_GEN_SHIFT;
}

/* Fixed for ever: made by another implementation. */
static void test_media_layout(void)
{
	static const u8 uuid[16] = "0123456789abcdef";
	struct pinfold_remap_layout l = { .nr_slots = 1 << 20,
					  .nr_pages = 1ULL << 40 };

	l.seed = pinfold_remap_seed(uuid);
	CHECK(l.seed == 0xbaf1);
	CHECK(pinfold_remap_seal(&l, 0, 0) == 0xc11e800000000000ULL);
	CHECK(pinfold_remap_seal(&l, 0x12345, claim(0x123456789aULL, 9) |
				 PINFOLD_REMAP_HOME_RETIRED) ==
	      0xd9e1cb123456789aULL);
}

static void test_zero_is_no_entry(void)
{
	struct pinfold_remap_layout l = layout;
	u32 slot, seed;

	/* Whatever the checksum happens to be. */
	for (seed = 0; seed < 65536; seed += 7) {
		l.seed = seed;
		for (slot = 0; slot < 64; slot++)
			CHECK(!pinfold_remap_valid(&l, slot, 0) &&
			      !pinfold_remap_valid(&l, slot, ~0ULL));
	}
}

/* Every single and double bit, and every other place. */
static void test_corruption(void)
{
	u64 word = pinfold_remap_seal(&layout, 5, claim(3, 2));
	unsigned int i, j;
	u32 slot;

	CHECK(pinfold_remap_valid(&layout, 5, word));
	for (i = 0; i < 64; i++)
		for (j = 0; j <= i; j++)
			CHECK(!pinfold_remap_valid(&layout, 5, word ^ 1ULL << i
						   ^ (i == j ? 0 : 1ULL << j)));
	for (slot = 0; slot < NR_SLOTS; slot++)
		CHECK(pinfold_remap_valid(&layout, slot, word) == (slot == 5));
}

/* A right checksum over nonsense. */
static void test_nonsense(void)
{
	static const u64 words[] = {
		1, 1ULL << PINFOLD_REMAP_GEN_SHIFT, NR_PAGES |
		PINFOLD_REMAP_CLAIMED, PINFOLD_REMAP_OWNER_MASK |
		PINFOLD_REMAP_CLAIMED, PINFOLD_REMAP_HOME_RETIRED,
		PINFOLD_REMAP_SLOT_RETIRED | 1, PINFOLD_REMAP_SLOT_RETIRED |
		PINFOLD_REMAP_HOME_RETIRED, NR_PAGES | PINFOLD_REMAP_CLAIMED |
		PINFOLD_REMAP_PARTS_LOST,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		CHECK(!pinfold_remap_valid(&layout, 0,
					   pinfold_remap_seal(&layout, 0,
							      words[i])));
}

static void test_operations(void)
{
	start();
	CHECK(pinfold_remap_offset(&table, 1) == DATA + PINFOLD_PAGE_SIZE);
	CHECK(!pinfold_remap_claim(&table, 1, 2, false));
	CHECK(pinfold_remap_lookup(&table, 1) == 2);
	CHECK(pinfold_remap_offset(&table, 1) == SPARE + 2 * PINFOLD_PAGE_SIZE);
	CHECK(!pinfold_remap_transfer(&table, 1, 3, false));
	CHECK(pinfold_remap_lookup(&table, 1) == 3);
	CHECK(!pinfold_remap_retire_home(&table, 1));
	CHECK(pinfold_remap_release(&table, 1) == -EPERM);
	CHECK(!pinfold_remap_transfer(&table, 1, 9, true));
	CHECK(table.nr_homes_retired == 1 && table.nr_retired == 1);
	CHECK(pinfold_remap_release(&table, 1) == -EPERM);
	CHECK(!pinfold_remap_claim(&table, 2, 4, false));
	CHECK(!pinfold_remap_release(&table, 2));
	CHECK(pinfold_remap_lookup(&table, 2) == PINFOLD_NO_SLOT);
	CHECK(!pinfold_remap_retire_slot(&table, 7));

	CHECK(!load() && !table.needs_mending);
	CHECK(pinfold_remap_lookup(&table, 1) == 9);
	CHECK(pinfold_remap_lookup(&table, 2) == PINFOLD_NO_SLOT);
	CHECK(table.nr_claimed == 1 && table.nr_retired == 2 &&
	      table.nr_homes_retired == 1);
}

static void test_wrong_calls(void)
{
	start();
	CHECK(pinfold_remap_claim(&table, NR_PAGES, 0, false) == -EINVAL);
	CHECK(pinfold_remap_claim(&table, 0, NR_SLOTS, false) == -EINVAL);
	CHECK(pinfold_remap_transfer(&table, 0, 0, false) == -ENOENT);
	CHECK(pinfold_remap_release(&table, 0) == -ENOENT);
	CHECK(pinfold_remap_retire_home(&table, 0) == -ENOENT);
	CHECK(pinfold_remap_move_home(&table, 0) == -ENOENT);
	CHECK(pinfold_remap_move_on(&table, 0, 0, false) == -ENOENT);
	CHECK(!pinfold_remap_claim(&table, 0, 0, false));
	CHECK(pinfold_remap_claim(&table, 0, 1, false) == -EEXIST);
	CHECK(pinfold_remap_move_out(&table, 0, 1, false) == -EEXIST);
	CHECK(pinfold_remap_claim(&table, 1, 0, false) == -EBUSY);
	CHECK(pinfold_remap_transfer(&table, 0, 0, false) == -EBUSY);
	CHECK(pinfold_remap_retire_slot(&table, 0) == -EBUSY);
	CHECK(!load() && table.nr_claimed == 1);
}

static void test_quarantine(void)
{
	start();
	CHECK(!pinfold_remap_claim(&table, 0, 5, false));
	CHECK(!pinfold_remap_release(&table, 0));
	CHECK(pinfold_remap_claim(&table, 1, 5, false) == -EBUSY);
	CHECK(pinfold_remap_find_free(&table, 5) == 6);
	pinfold_remap_reuse(&table, 5);
	pinfold_remap_reuse(&table, 5);
	CHECK(!table.nr_quarantined);
	CHECK(pinfold_remap_find_free(&table, 5) == 5);
	CHECK(!pinfold_remap_claim(&table, 1, 5, false));
}

static void test_full(void)
{
	u32 slot;

	start();
	for (slot = 0; slot < NR_SLOTS; slot++)
		CHECK(!pinfold_remap_retire_slot(&table,
						 pinfold_remap_find_free(&table, slot * 37)));
	CHECK(pinfold_remap_find_free(&table, 0) == PINFOLD_NO_SLOT);
	CHECK(pinfold_remap_claim(&table, 0, 0, false) == -EBUSY);
	CHECK(!load() && table.nr_retired == NR_SLOTS);
}

static void test_move_data(void)
{
	start();
	memset(memory + DATA, 'a', PINFOLD_PAGE_SIZE);
	CHECK(!pinfold_remap_move_out(&table, 0, 1, false));
	memset(memory + DATA, 0, PINFOLD_PAGE_SIZE);
	CHECK(memory[SPARE + PINFOLD_PAGE_SIZE] == 'a');
	CHECK(!pinfold_remap_move_on(&table, 0, 2, false));
	CHECK(memory[SPARE + 2 * PINFOLD_PAGE_SIZE + 4095] == 'a');
	CHECK(!pinfold_remap_move_home(&table, 0));
	CHECK(memory[DATA] == 'a' && memory[DATA + 4095] == 'a');

	/* What cannot be read stays where it is. */
	plain_media.bad = memory + DATA + PINFOLD_PAGE_SIZE + 100;
	plain_media.bad_len = 1;
	CHECK(pinfold_remap_move_out(&table, 1, 3, false) == -EIO);
	CHECK(pinfold_remap_lookup(&table, 1) == PINFOLD_NO_SLOT);
	CHECK(!table.broken && !load() && !table.nr_claimed);
	/* A slot outside of the media. */
	CHECK(pinfold_remap_move_out(&table, 0, 100, false) == -EINVAL);
}

/* Move page 1, whose memory is poisoned at @bad, out of a place. */
static int salvage(u32 slot, const u8 *bad, unsigned int *lost)
{
	int err;

	plain_media.bad = bad;
	plain_media.bad_len = 1;
	err = pinfold_remap_copy_readable(&table, 1, slot, lost);
	if (!err)
		err = pinfold_remap_salvage(&table, 1, slot, true);
	plain_media.bad_len = 0;
	return err;
}

static unsigned int lost_of(u32 slot)
{
	unsigned int lost;

	return pinfold_remap_find_lost(&table, slot, &lost) ? ~0U : lost;
}

static void test_salvage(void)
{
	u8 *home = memory + DATA + PINFOLD_PAGE_SIZE;
	u8 *slot3 = memory + SPARE + 3 * PINFOLD_PAGE_SIZE;
	unsigned int lost = 1 << 7, i;

	start();
	for (i = 0; i < PINFOLD_PAGE_SIZE; i++)
		home[i] = i / 512 + 1;
	CHECK(lost_of(2) == ~0U);
	/* One sector is known to be bad, one turns out to be. */
	CHECK(!salvage(2, home + 3 * 512 + 511, &lost) && lost == 0x88);
	CHECK(!load() && table.nr_homes_retired == 1 && !table.nr_retired);
	CHECK(table.entries[2] & PINFOLD_REMAP_HOME_RETIRED);
	CHECK(lost_of(2) == 0x88);
	for (i = 0; i < 7; i++)
		CHECK(i == 3 || memory[SPARE + 2 * PINFOLD_PAGE_SIZE + i * 512]
		      == i + 1);

	/* It goes on with what it has; the page stays that one's. */
	CHECK(!salvage(3, memory, &lost) && lost == 0x88 && !load());
	CHECK(pinfold_remap_lookup(&table, 1) == 3 && lost_of(3) == 0x88);
	CHECK(table.entries[3] & PINFOLD_REMAP_HOME_RETIRED);
	CHECK(table.nr_retired == 1 && lost_of(2) == ~0U);

	/* Lost until the last line of it was written, by whatever. */
	memset(slot3 + 3 * 512, 'x', 512 - 64);
	CHECK(lost_of(3) == 0x88);
	memset(slot3 + 4 * 512 - 1, 'x', 1);
	CHECK(lost_of(3) == 0x80);
	/* Marks of another page, instance or sector are data. */
	memcpy(slot3, slot3 + 7 * 512, 512);
	CHECK(lost_of(3) == 0x80);
	table.layout.seed++;
	CHECK(!lost_of(3));
	table.layout.seed--;
	table.entries[3] ^= 2;
	CHECK(!lost_of(3));
	table.entries[3] ^= 2;

	/* Written anew, it is a page like any other. */
	memset(slot3, 'y', PINFOLD_PAGE_SIZE);
	CHECK(!lost_of(3) && !pinfold_remap_move_on(&table, 1, 1, false));
	CHECK(lost_of(1) == ~0U);
}

/* Nothing of it can be read, or the media fails: it stays. */
static void test_salvage_fails(void)
{
	unsigned int lost = 0xff;

	start();
	CHECK(salvage(1, memory, &lost) == -EIO && lost == 0xff);
	CHECK(pinfold_remap_lookup(&table, 1) == PINFOLD_NO_SLOT);
	lost = 1;
	CHECK(pinfold_remap_copy_readable(&table, 1, NR_SLOTS, &lost) ==
	      -EINVAL);
	CHECK(!pinfold_remap_claim(&table, 0, 1, false));
	CHECK(salvage(1, memory, &lost) == -EBUSY);
	plain_media.fences_left = 0;
	CHECK(salvage(2, memory, &lost) == -EIO && !table.broken);
	plain_media.fences_left = 1;
	CHECK(salvage(2, memory, &lost) == -EIO && table.broken);
}

static void test_fence_fails(void)
{
	unsigned int n;

	for (n = 0; n < 3; n++) {
		start();
		plain_media.fences_left = n;
		/* Mirror 0 decides: the change stands if only mirror 1 failed. */
		CHECK(pinfold_remap_move_out(&table, 0, 0, false) ==
		      (n < 2 ? -EIO : 0));
		CHECK(pinfold_remap_lookup(&table, 0) ==
		      (n < 2 ? PINFOLD_NO_SLOT : 0));
		/* The copy's fence: nothing was claimed yet. */
		CHECK(table.broken == !!n);
		plain_media_reset();
		CHECK(pinfold_remap_claim(&table, 1, 1, false) ==
		      (n ? -EIO : 0));
	}
}

/* From slot to slot: the page is where the next attach finds it. */
static void test_fence_fails_on_the_way(void)
{
	unsigned int n;

	for (n = 1; n < 5; n++) {
		start();
		CHECK(!pinfold_remap_move_out(&table, 1, 2, false));
		plain_media.fences_left = n;
		CHECK(pinfold_remap_move_on(&table, 1, 3, false) ==
		      (n < 2 ? -EIO : 0));
		CHECK(table.broken);
		CHECK(pinfold_remap_lookup(&table, 1) == (n < 2 ? 2 : 3));
		plain_media_reset();
		if (n < 2)
			continue;
		CHECK(!load());
		CHECK(pinfold_remap_lookup(&table, 1) == 3);
	}
}

static void test_one_mirror_damaged(void)
{
	unsigned int m;

	for (m = 0; m < 2; m++) {
		start();
		CHECK(!pinfold_remap_claim(&table, 1, 2, false));
		entry(m, 2)[0] ^= 1;
		memset(entry(m, 70), 0, 24);
		CHECK(!load() && table.needs_mending);
		CHECK(report.damaged[m] == 4 && !report.damaged[!m]);
		CHECK(pinfold_remap_lookup(&table, 1) == 2);
		CHECK(pinfold_remap_claim(&table, 0, 0, false) == -EROFS);
		CHECK(!pinfold_remap_mend(&table));
		CHECK(!load() && !table.needs_mending);
		CHECK(!memcmp(entry(0, 0), entry(1, 0), 8 * NR_SLOTS));
	}
}

static void test_unreadable_block(void)
{
	unsigned int m;

	for (m = 0; m < 2; m++) {
		start();
		CHECK(!pinfold_remap_claim(&table, 1, 2, false));
		plain_media.bad = entry(m, 63);
		plain_media.bad_len = 8;
		memset(entry(m, 56), 0, 64);
		CHECK(!load() && report.unreadable[m] == 1);
		CHECK(pinfold_remap_lookup(&table, 1) == 2);
		plain_media.no_clear = true;
		CHECK(pinfold_remap_mend(&table) == -EIO);
		CHECK(pinfold_remap_lookup(&table, 1) == 2);
		CHECK(!load());
		plain_media.no_clear = false;
		CHECK(!pinfold_remap_mend(&table));
		CHECK(!load() && !table.needs_mending);
	}
}

static void test_mirror_1_behind(void)
{
	start();
	plant(0, 3, claim(2, 0));
	CHECK(!load() && report.behind == 1);
	CHECK(pinfold_remap_lookup(&table, 2) == 3);
	CHECK(!pinfold_remap_mend(&table) && !load() && !report.behind);
	plant(0, 3, 0);
	CHECK(!load() && report.behind == 1 && !table.nr_claimed);
}

static void test_halfway(void)
{
	unsigned int gen, swap;

	for (gen = 0; gen < 16; gen++)
		for (swap = 0; swap < 2; swap++) {
			start();
			plant(2, swap ? 90 : 7, claim(2, gen));
			plant(2, swap ? 7 : 90, claim(2, (gen + 1) % 16));
			CHECK(!load() && report.halfway == 1);
			CHECK(pinfold_remap_lookup(&table, 2) ==
			      (swap ? 7 : 90));
			CHECK(!pinfold_remap_mend(&table));
			CHECK(!load() && !table.needs_mending &&
			      table.nr_claimed == 1);
			CHECK(pinfold_remap_lookup(&table, 2) ==
			      (swap ? 7 : 90));
		}
}

static void test_conflicts(void)
{
	unsigned int gen;

	for (gen = 0; gen < 16; gen++) {
		start();
		plant(2, 7, claim(2, 3));
		plant(2, 8, claim(2, gen));
		CHECK(load() == (gen == 2 || gen == 4 ? 0 : -EUCLEAN));
		CHECK(report.conflicts == !(gen == 2 || gen == 4));
	}
	/* Two pages at once, and one page three times. */
	start();
	plant(2, 7, claim(2, 0));
	plant(2, 8, claim(2, 1));
	plant(2, 9, claim(3, 0));
	plant(2, 10, claim(3, 1));
	CHECK(load() == -EUCLEAN && report.conflict_owner == 3);
	start();
	plant(2, 7, claim(2, 0));
	plant(2, 8, claim(2, 1));
	plant(2, 9, claim(2, 2));
	CHECK(load() == -EUCLEAN);
}

static void test_lost(void)
{
	start();
	CHECK(!pinfold_remap_claim(&table, 1, 2, false));
	memset(entry(0, 2), 0, 16);
	memset(entry(1, 2), 0, 16);
	CHECK(load() == -EUCLEAN);
	CHECK(report.lost == 2 && report.first_lost == 2);
	CHECK(pinfold_remap_find_free(&table, 2) == 4);
	pinfold_remap_give_up_lost(&table);
	CHECK(!pinfold_remap_mend(&table));
	CHECK(!load() && table.nr_retired == 2 && !table.nr_claimed);
}

static void test_layout_of_info(void)
{
	struct pinfold_info info = { 0 };
	struct pinfold_remap_layout l;

	CHECK(!pinfold_geometry_plan(1ULL << 32, 0, 0, &info.geo));
	CHECK(!pinfold_remap_layout_init(&l, &info));
	CHECK(!pinfold_geometry_plan(1ULL << 32, 0, 1 << 21, &info.geo));
	CHECK(pinfold_remap_layout_init(&l, &info));
	CHECK(l.nr_slots == 512 && l.spare_offset == info.geo.spare_offset);
	CHECK(l.nr_pages == info.geo.data_size / 4096);
	/* More than the format has numbers for. */
	CHECK(!pinfold_geometry_plan(1ULL << 62, 0, PINFOLD_SPARE_DEFAULT,
				     &info.geo));
	CHECK(pinfold_remap_layout_init(&l, &info));
	CHECK(l.nr_slots == PINFOLD_REMAP_MAX_SLOTS &&
	      l.nr_pages == PINFOLD_REMAP_MAX_PAGES);
}

/* The table is formatted by the first use, and only by that. */
static void test_activate(void)
{
	static u8 large[PINFOLD_INFO1_OFFSET + PINFOLD_INFO_SIZE + 8192]
		__aligned(64);
	const struct pinfold_info_ctx ctx = { .ns_size = 1ULL << 26 };
	struct pinfold_media m = { .base = large, .size = sizeof(large) };
	struct pinfold_remap_layout l = layout;
	struct pinfold_info info = { .seq = 3 };
	struct pinfold_info_block block;

	plain_media_reset();
	l.table_offset[0] = PINFOLD_INFO1_OFFSET + PINFOLD_INFO_SIZE;
	l.table_offset[1] = l.table_offset[0] + 4096;
	CHECK(!pinfold_geometry_plan(ctx.ns_size, 0, 1 << 21, &info.geo));
	pinfold_info_prepare(&block, &info);
	CHECK(!pinfold_remap_activate(&m, &l, &block, 0));

	pinfold_remap_free(&table);
	CHECK(!pinfold_remap_alloc(&table, &m, &l));
	CHECK(!pinfold_remap_load(&table, &report) && !table.needs_mending);
	CHECK(!pinfold_remap_claim(&table, 1, 2, false));
	CHECK(!pinfold_remap_activate(&m, &l, &block, 1));
	pinfold_remap_free(&table);
	CHECK(!pinfold_remap_alloc(&table, &m, &l));
	CHECK(!pinfold_remap_load(&table, &report));
	CHECK(pinfold_remap_lookup(&table, 1) == 2);

	CHECK(pinfold_info_verify(large + PINFOLD_INFO0_OFFSET, 0, &ctx,
				  &info) == PINFOLD_VALID);
	CHECK(info.seq == 5 && info.incompat == PINFOLD_INCOMPAT_REMAP);
	CHECK(pinfold_info_verify(large + PINFOLD_INFO1_OFFSET, 1, &ctx,
				  &info) == PINFOLD_VALID && info.seq == 5);
}

/* Ranges that reach out of the media, however large. */
static void test_media_bounds(void)
{
	u8 buf[16];

	start();
	CHECK(!pinfold_media_read(&media, SIZE - 16, buf, 16));
	CHECK(pinfold_media_read(&media, SIZE - 8, buf, 16) == -EINVAL);
	CHECK(pinfold_media_read(&media, SIZE + 8, buf, 8) == -EINVAL);
	CHECK(pinfold_media_read(&media, ~0ULL, buf, 8) == -EINVAL);
	CHECK(pinfold_media_copy(&media, SIZE, 0, 8) == -EINVAL);
	CHECK(pinfold_media_copy(&media, ~7ULL, 0, 16) == -EINVAL);
	CHECK(pinfold_media_copy(&media, 0, SIZE, 8) == -EINVAL);
}

/* Any words in the table: no crash, and what is accepted is consistent. */
static void test_random_words(void)
{
	unsigned int round, i;
	u64 page;

	for (round = 0; round < 2000; round++) {
		start();
		for (i = 0; i < 8; i++)
			plant(unit_random_below(3), unit_random_below(NR_SLOTS),
			      unit_random() & (PINFOLD_REMAP_CLAIMED | 3 |
			      PINFOLD_REMAP_HOME_RETIRED |
			      PINFOLD_REMAP_PARTS_LOST |
			      PINFOLD_REMAP_GEN_MASK <<
			      PINFOLD_REMAP_GEN_SHIFT));
		if (load())
			continue;
		CHECK(!table.needs_mending || !pinfold_remap_mend(&table));
		for (page = 0; page < NR_PAGES; page++) {
			u32 slot = pinfold_remap_lookup(&table, page);

			CHECK(slot == PINFOLD_NO_SLOT ||
			      pinfold_remap_owner(table.entries[slot]) == page);
		}
		CHECK(!load() && !table.needs_mending);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		{ "remap.media_layout", test_media_layout },
		{ "remap.zero_is_no_entry", test_zero_is_no_entry },
		{ "remap.corruption", test_corruption },
		{ "remap.nonsense", test_nonsense },
		{ "remap.operations", test_operations },
		{ "remap.wrong_calls", test_wrong_calls },
		{ "remap.quarantine", test_quarantine },
		{ "remap.full", test_full },
		{ "remap.move_data", test_move_data },
		{ "remap.salvage", test_salvage },
		{ "remap.salvage_fails", test_salvage_fails },
		{ "remap.fence_fails", test_fence_fails },
		{ "remap.fence_fails_on_the_way", test_fence_fails_on_the_way },
		{ "remap.one_mirror_damaged", test_one_mirror_damaged },
		{ "remap.unreadable_block", test_unreadable_block },
		{ "remap.mirror_1_behind", test_mirror_1_behind },
		{ "remap.halfway", test_halfway },
		{ "remap.conflicts", test_conflicts },
		{ "remap.lost", test_lost },
		{ "remap.layout_of_info", test_layout_of_info },
		{ "remap.activate", test_activate },
		{ "remap.media_bounds", test_media_bounds },
		{ "remap.random_words", test_random_words },
	};
	int failed = unit_run(tests, ARRAY_SIZE(tests));

	pinfold_remap_free(&table);
	return failed;
}
