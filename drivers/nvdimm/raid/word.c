// SPDX-License-Identifier: GPL-2.0
#include <linux/crc32c.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "word.h"

#define CHECKSUM_SHIFT	8
#define CHECKSUM_MASK	(0xffffULL << CHECKSUM_SHIFT)
#define KIND_SHIFT	6
/* Never zero: neither is a word whose checksum happens to be. */
#define VALID		BIT(5)
#define ROLE_MASK	(RAID_MAX_LEGS - 1)
#define PAGE_SHIFT_IN_WORD	24

/**
 * raid_uuid_seed() - seed of the checksums that are not a superblock's
 * @sb: the array's
 *
 * Context: any.
 * Return: checksum of its uuid.
 */
u32 raid_uuid_seed(const struct raid_super *sb)
{
	return crc32c(~0, sb->uuid, RAID_UUID_SIZE);
}

static u32 checksum(u32 seed, u64 place, u64 value)
{
	__le64 raw[2] = { cpu_to_le64(place), cpu_to_le64(value) };

	return crc32c(seed, raw, sizeof(raw));
}

static u64 bad_checksum(u32 seed, u32 slot, u64 word)
{
	return (u64)(checksum(seed, slot, word & ~CHECKSUM_MASK) & 0xffff) <<
	       CHECKSUM_SHIFT;
}

/**
 * raid_bad_encode() - make a word of the list of bad pages
 * @seed: from raid_uuid_seed()
 * @slot: its place in the list
 * @bad: contents
 *
 * Context: any.
 * Return: the word.
 */
__le64 raid_bad_encode(u32 seed, u32 slot, const struct raid_bad *bad)
{
	u64 word = VALID;

	if (bad->kind)
		word |= bad->page << PAGE_SHIFT_IN_WORD |
			(u64)bad->kind << KIND_SHIFT | bad->leg;
	return cpu_to_le64(word | bad_checksum(seed, slot, word));
}

/**
 * raid_bad_decode() - judge a word of the list of bad pages
 * @seed: from raid_uuid_seed()
 * @slot: its place in the list
 * @raw: what was read
 * @bad: contents, if it is one
 *
 * Context: any.
 * Return: false if it is none.
 */
bool raid_bad_decode(u32 seed, u32 slot, __le64 raw, struct raid_bad *bad)
{
	u64 word = le64_to_cpu(raw);

	if (!(word & VALID) ||
	    (word & CHECKSUM_MASK) != bad_checksum(seed, slot, word))
		return false;
	bad->page = word >> PAGE_SHIFT_IN_WORD;
	bad->kind = word >> KIND_SHIFT & 3;
	bad->leg = word & ROLE_MASK;
	return bad->kind <= PINFOLD_RAID_BAD_LOST;
}

/**
 * raid_bits_encode() - make a word of the bitmap
 * @seed: from raid_uuid_seed()
 * @index: its place in the bitmap
 * @bits: contents
 *
 * Context: any.
 * Return: the word.
 */
__le64 raid_bits_encode(u32 seed, u64 index, u32 bits)
{
	return cpu_to_le64((u64)~checksum(seed, index, bits) << 32 | bits);
}

/**
 * raid_bits_decode() - judge a word of the bitmap
 * @seed: from raid_uuid_seed()
 * @index: its place in the bitmap
 * @raw: what was read
 * @bits: contents, if it is one
 *
 * Context: any.
 * Return: false if it is none.
 */
bool raid_bits_decode(u32 seed, u64 index, __le64 raw, u32 *bits)
{
	*bits = le64_to_cpu(raw);
	return raw == raid_bits_encode(seed, index, *bits);
}
