// SPDX-License-Identifier: GPL-2.0
/*
 * Remap tables. Input: one byte of options, then instructions of 10 bytes each
 * that change a good table: where, how, and 8 bytes of what.
 */
#include <string.h>

#include <linux/kernel.h>
#include <asm/byteorder.h>

#include "fuzz.h"
#include "media_io.h"
#include "plain_media.h"
#include "remap_table.h"

#define NR_SLOTS	128
#define NR_PAGES	64
#define INSTRUCTION	10

enum { BAD_LINE = 1, NO_CLEAR = 2 };

static u8 memory[2 * 8 * NR_SLOTS] __aligned(64);
static struct pinfold_media media = { .base = memory, .size = sizeof(memory) };
static const struct pinfold_remap_layout layout = {
	.table_offset = { 0, 8 * NR_SLOTS },
	.nr_slots = NR_SLOTS,
	.nr_pages = NR_PAGES,
	.seed = 0x1111,
};

/* In one mirror or both, as it is or with a right checksum. */
static void change(const u8 *instruction)
{
	u32 slot = instruction[0] % NR_SLOTS;
	unsigned int m, how = instruction[1];
	__le64 entry;
	u64 word;

	memcpy(&word, instruction + 2, 8);
	if (how & 4)
		word &= PINFOLD_REMAP_CLAIMED | PINFOLD_REMAP_HOME_RETIRED |
			PINFOLD_REMAP_PARTS_LOST |
			PINFOLD_REMAP_GEN_MASK << PINFOLD_REMAP_GEN_SHIFT |
			(NR_PAGES - 1);
	if (how & 8)
		word = pinfold_remap_seal(&layout, slot, word);
	entry = cpu_to_le64(word);
	for (m = 0; m < PINFOLD_TABLE_MIRRORS; m++)
		if (how & 1 << m)
			memcpy(memory + pinfold_remap_entry_offset(&layout, m,
								   slot),
			       &entry, 8);
}

/* What is accepted is a map: pages and slots belong to each other. */
static void check_map(const struct pinfold_remap *table)
{
	u32 slot, claimed = 0, found = 0;
	u64 page;

	for (slot = 0; slot < NR_SLOTS; slot++) {
		FUZZ_CHECK(pinfold_remap_valid(&layout, slot,
					       table->entries[slot]));
		claimed += !!(table->entries[slot] & PINFOLD_REMAP_CLAIMED);
	}
	for (page = 0; page < NR_PAGES; page++) {
		slot = pinfold_remap_lookup(table, page);
		if (slot == PINFOLD_NO_SLOT)
			continue;
		found++;
		FUZZ_CHECK(pinfold_remap_owner(table->entries[slot]) == page);
	}
	FUZZ_CHECK(table->nr_claimed == claimed);
	FUZZ_CHECK(found + (table->halfway != PINFOLD_NO_SLOT) == claimed);
}

static void check_again(const struct pinfold_remap *table)
{
	struct pinfold_remap_report report;
	struct pinfold_remap again;

	if (pinfold_remap_alloc(&again, &media, &layout))
		return;
	FUZZ_CHECK(!pinfold_remap_load(&again, &report));
	FUZZ_CHECK(!again.needs_mending);
	FUZZ_CHECK(!memcmp(again.entries, table->entries, 8 * NR_SLOTS));
	pinfold_remap_free(&again);
}

static void use(struct pinfold_remap *table, u64 page)
{
	u32 slot = pinfold_remap_find_free(table, page);

	if (slot == PINFOLD_NO_SLOT)
		return;
	if (pinfold_remap_lookup(table, page) == PINFOLD_NO_SLOT)
		FUZZ_CHECK(!pinfold_remap_claim(table, page, slot, false));
	else
		FUZZ_CHECK(!pinfold_remap_transfer(table, page, slot, false));
	FUZZ_CHECK(pinfold_remap_lookup(table, page) == slot);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct pinfold_remap_report report;
	struct pinfold_remap table;
	u8 options;

	if (!size)
		return 0;
	options = data[0];
	plain_media_reset();
	pinfold_remap_format(&media, &layout);
	for (data++, size--; size >= INSTRUCTION;
	     data += INSTRUCTION, size -= INSTRUCTION)
		change(data);
	if (options & BAD_LINE) {
		plain_media.bad = memory + options / 4 * 32;
		plain_media.bad_len = 1;
		plain_media.no_clear = options & NO_CLEAR;
	}
	if (pinfold_remap_alloc(&table, &media, &layout))
		return 0;
	if (!pinfold_remap_load(&table, &report)) {
		check_map(&table);
		if (!table.needs_mending || !pinfold_remap_mend(&table)) {
			check_again(&table);
			use(&table, options % NR_PAGES);
			check_again(&table);
		}
	} else if (report.lost && !report.conflicts) {
		pinfold_remap_give_up_lost(&table);
		if (!pinfold_remap_mend(&table))
			check_again(&table);
	}
	pinfold_remap_free(&table);
	return 0;
}
