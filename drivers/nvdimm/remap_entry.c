// SPDX-License-Identifier: GPL-2.0
/*
 * One entry of the remap table. Everything read from the media is hostile until
 * pinfold_remap_valid() has seen it.
 */
#include <linux/build_bug.h>
#include <linux/crc16.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>

#include "remap_entry.h"

#define FLAGS	(PINFOLD_REMAP_CLAIMED | PINFOLD_REMAP_HOME_RETIRED | \
		 PINFOLD_REMAP_SLOT_RETIRED)
#define SUM_MASK	(~0ULL << PINFOLD_REMAP_SUM_SHIFT)

static_assert(PINFOLD_REMAP_MAX_PAGES == PINFOLD_REMAP_OWNER_MASK + 1);
static_assert((PINFOLD_REMAP_GEN_MASK << PINFOLD_REMAP_GEN_SHIFT) <
	      PINFOLD_REMAP_PRESENT);

/**
 * pinfold_remap_seed() - start the checksums of an instance's entries
 * @uuid: from its info block, so that the table of another one is not valid
 *
 * Context: any.
 * Return: for &struct pinfold_remap_layout.
 */
u16 pinfold_remap_seed(const u8 uuid[16])
{
	return crc16(0, uuid, 16);
}

/* The slot's number makes entries in a wrong place invalid. */
static u16 checksum(const struct pinfold_remap_layout *layout, u32 slot,
		    u64 word)
{
	const __le32 place = cpu_to_le32(slot);
	const __le64 entry = cpu_to_le64(word);
	u16 crc;

	crc = crc16(layout->seed, (const u8 *)&place, sizeof(place));
	return crc16(crc, (const u8 *)&entry, PINFOLD_REMAP_SUM_SHIFT / 8);
}

/**
 * pinfold_remap_seal() - complete an entry
 * @layout: of the namespace
 * @slot: the entry's place
 * @word: owner, flags and generation
 *
 * Context: any.
 * Return: the word for the media, in the CPU's byte order.
 */
u64 pinfold_remap_seal(const struct pinfold_remap_layout *layout, u32 slot,
		       u64 word)
{
	word = (word & ~SUM_MASK) | PINFOLD_REMAP_PRESENT;
	return word | (u64)checksum(layout, slot, word) <<
		      PINFOLD_REMAP_SUM_SHIFT;
}

static bool makes_sense(const struct pinfold_remap_layout *layout, u64 word)
{
	u64 claim = pinfold_remap_owner(word) | pinfold_remap_gen(word);

	if (word & PINFOLD_REMAP_CLAIMED)
		return pinfold_remap_owner(word) < layout->nr_pages;
	switch (word & FLAGS) {
	case 0:
	case PINFOLD_REMAP_SLOT_RETIRED:
		return !claim;
	default:
		return false;
	}
}

/**
 * pinfold_remap_valid() - may the table have this word in this place?
 * @layout: of the namespace
 * @slot: the place, less than @layout->nr_slots
 * @word: anything, in the CPU's byte order
 *
 * Context: any.
 */
bool pinfold_remap_valid(const struct pinfold_remap_layout *layout, u32 slot,
			 u64 word)
{
	return word & PINFOLD_REMAP_PRESENT &&
	       word >> PINFOLD_REMAP_SUM_SHIFT ==
	       checksum(layout, slot, word) &&
	       makes_sense(layout, word);
}
