// SPDX-License-Identifier: GPL-2.0
/*
 * The superblock's codec and the decision which legs make an array
 * (drivers/nvdimm/raid/superblock.c, assemble.c).
 */
#include <linux/crc32c.h>
#include <linux/kernel.h>
#include <string.h>

#include "assemble.h"
#include "unit.h"
#include "word.h"

#define LEG_SIZE	(64ULL << 20)
#define LEGS		4

static struct raid_super plan_array(u32 level)
{
	struct raid_super sb;
	u32 i;

	memset(&sb, 0, sizeof(sb));
	sb.layout.level = level;
	sb.layout.nr_legs = LEGS;
	sb.layout.copies = level == 1 ? LEGS : level == 10 ? 2 : 1;
	sb.layout.chunk_pages = level == 1 ? 1 : 16;
	if (raid_super_plan(&sb, LEG_SIZE))
		abort();
	sb.events = 7;
	memset(sb.uuid, 0x11, sizeof(sb.uuid));
	for (i = 0; i < LEGS; i++) {
		sb.roles[i].state = PINFOLD_RAID_ROLE_IN_SYNC;
		sb.roles[i].uuid[3] = i + 1;
	}
	return sb;
}

static u64 block_space[PINFOLD_RAID_SB_SIZE / 8];
#define block	((struct pinfold_raid_super_block *)block_space)

static void reseal(void)
{
	static const u32 zero;
	u32 crc = crc32c(~0, block, PINFOLD_RAID_SB_SIZE - 4);

	block->checksum = ~crc32c(crc, &zero, 4);
}

static void test_round_trip(void)
{
	static const u32 levels[] = { 1, 4, 5, 6, 10 };
	struct raid_super sb, back;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		sb = plan_array(levels[i]);
		raid_super_encode(block, &sb, 2, 1);
		CHECK(raid_super_verify(block, 1, LEG_SIZE, &back) ==
		      RAID_SB_VALID);
		sb.role = 2;
		sb.version_major = 1;
		CHECK(!memcmp(&sb, &back, sizeof(sb)));
		CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) ==
		      RAID_SB_CORRUPT);
		CHECK(raid_super_verify(block, 1, sb.data_offset, &back) ==
		      RAID_SB_TRUNCATED);
	}
}

/* Data fits for every size of leg, and metadata does not run into it. */
static void test_plan(void)
{
	struct raid_super sb;
	u64 size;

	for (size = 1 << 20; size < 1ULL << 44; size += size / 3) {
		memset(&sb, 0, sizeof(sb));
		sb.layout.level = 5;
		sb.layout.nr_legs = 5;
		sb.layout.copies = 1;
		sb.layout.chunk_pages = 16;
		if (raid_super_plan(&sb, size)) {
			CHECK(size < 8 << 20);
			continue;
		}
		CHECK(sb.data_offset + sb.layout.leg_pages * 4096 <= size);
		CHECK(sb.data_offset >= sb.bitmap_offset + sb.bitmap_size);
		CHECK(sb.bitmap_size * 8 >= raid_super_nr_regions(&sb));
		CHECK(size - sb.layout.leg_pages * 4096 <=
		      (8 << 20) + size / 10000);
	}
}

static void test_every_bit(void)
{
	struct raid_super sb = plan_array(5), back;
	u8 *bytes = (u8 *)block_space;
	u32 i;

	raid_super_encode(block, &sb, 0, 0);
	for (i = 0; i < PINFOLD_RAID_SB_SIZE; i++) {
		bytes[i] ^= 1 << i % 8;
		CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) !=
		      RAID_SB_VALID);
		bytes[i] ^= 1 << i % 8;
	}
}

/* With a right checksum, fields are judged one by one: no crash, no nonsense. */
static void test_hostile(void)
{
	static const u64 values[] = {
		0, 1, 3, 33, 4095, 1ULL << 31, 1ULL << 32, 1ULL << 40,
		~0ULL >> 1, ~0ULL,
	};
	struct raid_super sb = plan_array(5), back;
	struct raid_group group;
	u32 at, i, n;

	for (n = 0; n < 200000; n++) {
		raid_super_encode(block, &sb, 0, 0);
		for (i = 0; i < 1 + n % 3; i++) {
			u64 value;

			value = values[unit_random_below(ARRAY_SIZE(values))];
			at = 16 + 4 * unit_random_below((1200 - 16) / 4);
			memcpy((u8 *)block + at, &value,
			       unit_random() & 1 ? 4 : 8);
		}
		reseal();
		if (raid_super_verify(block, 0, LEG_SIZE, &back) !=
		    RAID_SB_VALID)
			continue;
		CHECK(back.data_offset + back.layout.leg_pages * 4096 <=
		      LEG_SIZE);
		CHECK(back.bitmap_size * 8 >= raid_super_nr_regions(&back));
		CHECK(back.role < back.layout.nr_legs);
		raid_layout_group(&back.layout, back.layout.nr_groups - 1,
				  &group);
	}
}

static void test_features(void)
{
	struct raid_super sb = plan_array(6), back;

	sb.compat = 1;
	raid_super_encode(block, &sb, 0, 0);
	CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) == RAID_SB_VALID);
	sb.compat = 0;
	sb.ro_compat = 4;
	raid_super_encode(block, &sb, 0, 0);
	CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) == RAID_SB_FEATURES);
	sb.ro_compat = 0;
	sb.incompat = 1ULL << 63;
	raid_super_encode(block, &sb, 0, 0);
	CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) == RAID_SB_FEATURES);
	block->version_major = 2;
	reseal();
	CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) == RAID_SB_VERSION);
}

/* --- assembly ------------------------------------------------------------- */

static struct raid_candidate legs[LEGS];
static struct raid_assembly result;

static void legs_of(u32 level)
{
	u32 i;

	memset(legs, 0, sizeof(legs));
	for (i = 0; i < LEGS; i++) {
		legs[i].given = true;
		legs[i].verdict = RAID_SB_VALID;
		legs[i].sb = plan_array(level);
		legs[i].sb.role = i;
	}
}

/* Legs of @mask record that @leg is missing, at @events. */
static void gone(u32 leg, u32 mask, u64 events)
{
	u32 i;

	for (i = 0; i < LEGS; i++) {
		if (!(mask >> i & 1))
			continue;
		legs[i].sb.roles[leg].state = PINFOLD_RAID_ROLE_MISSING;
		legs[i].sb.events = events;
	}
}

static bool refused(enum raid_refusal why, u32 culprit)
{
	raid_assemble(legs, LEGS, &result);
	return result.refusal == why && result.culprit == culprit;
}

static void test_complete(void)
{
	legs_of(5);
	CHECK(refused(RAID_ACCEPTED, 0));
	CHECK(!result.changed);
	/* Power failed between two legs' superblocks: not stale for that. */
	legs[1].sb.events++;
	CHECK(refused(RAID_ACCEPTED, 0));
	CHECK(result.leader == 1);
}

static void test_missing(void)
{
	u32 i;

	for (i = 0; i < LEGS; i++) {
		legs_of(5);
		legs[i].given = false;
		CHECK(refused(RAID_ACCEPTED, 0));
		CHECK(result.changed);
		CHECK(result.sb.roles[i].state == PINFOLD_RAID_ROLE_MISSING);
		legs[(i + 1) % LEGS].given = false;
		CHECK(refused(RAID_REFUSE_TOO_FEW, 0));
	}
	legs_of(10);
	legs[0].given = false;
	legs[2].given = false;
	CHECK(refused(RAID_ACCEPTED, 0));
	legs[1].given = false;
	CHECK(refused(RAID_REFUSE_TOO_FEW, 0));
	legs_of(1);
	legs[0].given = false;
	legs[1].given = false;
	legs[3].given = false;
	CHECK(refused(RAID_ACCEPTED, 0));
	legs[2].given = false;
	CHECK(refused(RAID_REFUSE_NO_LEG, 0));
}

static void test_stale(void)
{
	legs_of(5);
	gone(2, 0xb, 9);
	CHECK(refused(RAID_REFUSE_STALE, 2));
	/* Even if its events are as many, or more. */
	legs[2].sb.events = 9;
	CHECK(refused(RAID_REFUSE_STALE, 2));
	/* Replaced by another leg since. */
	legs_of(5);
	legs[0].sb.roles[2].uuid[0] = 99;
	legs[0].sb.events = 20;
	CHECK(refused(RAID_REFUSE_STALE, 2));
}

static void test_diverged(void)
{
	legs_of(1);
	gone(0, 0xe, 9);
	gone(1, 0x1, 12);
	CHECK(refused(RAID_REFUSE_DIVERGED, 1));
	legs[0].given = false;
	CHECK(refused(RAID_ACCEPTED, 0));
}

static void test_foreign(void)
{
	legs_of(5);
	legs[3].sb.uuid[0] = 0x99;
	CHECK(refused(RAID_REFUSE_FOREIGN, 3));
	legs_of(5);
	legs[1].sb.layout.chunk_pages = 8;
	CHECK(refused(RAID_REFUSE_MISMATCH, 1));
	legs_of(5);
	legs[2].sb.role = 3;
	CHECK(refused(RAID_REFUSE_SWAPPED, 2));
	legs_of(5);
	legs[2].verdict = RAID_SB_CORRUPT;
	CHECK(refused(RAID_REFUSE_INVALID, 2));
	legs_of(5);
	raid_assemble(legs, LEGS - 1, &result);
	CHECK(result.refusal == RAID_REFUSE_COUNT);
}

static void test_fresh(void)
{
	legs_of(5);
	legs[1].verdict = RAID_SB_NONE;
	legs[1].fresh = true;
	legs[1].uuid[0] = 77;
	CHECK(refused(RAID_ACCEPTED, 0));
	CHECK(result.changed && result.fresh == 2);
	CHECK(result.sb.roles[1].state == PINFOLD_RAID_ROLE_REBUILDING);
	CHECK(result.sb.roles[1].uuid[0] == 77);
	legs[2].fresh = true;
	CHECK(refused(RAID_REFUSE_TOO_FEW, 0));
}

/* Power failed while superblocks were written that make the array larger. */
static void test_outgrown(void)
{
	legs_of(5);
	legs[2].sb.events++;
	legs[2].sb.layout.leg_pages += 16;
	CHECK(refused(RAID_ACCEPTED, 0));
	CHECK(result.sb.layout.leg_pages == legs[2].sb.layout.leg_pages);
	/* The leg that knows less is not the smaller one. */
	legs_of(5);
	legs[2].sb.events++;
	legs[2].sb.layout.leg_pages -= 16;
	CHECK(refused(RAID_REFUSE_MISMATCH, 0));
	/* None of them knows more. */
	legs_of(5);
	legs[2].sb.layout.leg_pages += 16;
	CHECK(refused(RAID_REFUSE_MISMATCH, 2));
	/* It was not there when the array grew. */
	legs_of(5);
	gone(1, 0xd, 9);
	legs[0].sb.layout.leg_pages += 16;
	legs[2].sb.layout.leg_pages += 16;
	legs[3].sb.layout.leg_pages += 16;
	CHECK(refused(RAID_REFUSE_STALE, 1));
}

/* A spare is told from a leg before anything else is asked about it. */
static void test_spare(void)
{
	struct raid_super sb = plan_array(5), back;

	raid_super_encode(block, &sb, PINFOLD_RAID_SPARE, 1);
	CHECK(raid_super_verify(block, 1, LEG_SIZE, &back) == RAID_SB_SPARE);
	CHECK(!memcmp(back.uuid, sb.uuid, RAID_UUID_SIZE));
	raid_super_encode(block, &sb, PINFOLD_RAID_SPARE - 1, 1);
	CHECK(raid_super_verify(block, 1, LEG_SIZE, &back) ==
	      RAID_SB_GEOMETRY);
	legs_of(5);
	legs[1].verdict = RAID_SB_SPARE;
	legs[1].sb.events = 99;
	CHECK(refused(RAID_REFUSE_INVALID, 1));
}

static void test_words(void)
{
	int i;

	for (i = RAID_ACCEPTED; i <= RAID_REFUSE_TOO_FEW; i++)
		CHECK(strcmp(raid_refusal_string(i), "unknown refusal"));
	for (i = RAID_SB_VALID; i <= RAID_SB_UNREADABLE; i++)
		CHECK(strcmp(raid_verdict_string(i), "unknown verdict"));
}

/* A rebuild that is further than the array is long would be complete at once. */
static void test_synced(void)
{
	struct raid_super sb = plan_array(5), back;

	sb.roles[1].state = PINFOLD_RAID_ROLE_REBUILDING;
	sb.roles[1].synced = sb.layout.nr_groups;
	raid_super_encode(block, &sb, 0, 0);
	CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) == RAID_SB_VALID);
	sb.roles[1].synced++;
	raid_super_encode(block, &sb, 0, 0);
	CHECK(raid_super_verify(block, 0, LEG_SIZE, &back) == RAID_SB_GEOMETRY);
}

/* Words have their checksums in them; zeroes are none. */
static void test_media_words(void)
{
	struct raid_bad bad = { .page = 1ULL << 39, .leg = 31, .kind = 2 };
	struct raid_bad back, none = {};
	u32 bits, bit;
	__le64 word;

	CHECK(!raid_bad_decode(1, 0, 0, &back));
	CHECK(!raid_bits_decode(1, 0, 0, &bits));
	word = raid_bad_encode(1, 5, &none);
	CHECK(raid_bad_decode(1, 5, word, &back) && !back.kind);
	CHECK(!raid_bad_decode(1, 4, word, &back));
	CHECK(!raid_bad_decode(2, 5, word, &back));
	word = raid_bad_encode(1, 5, &bad);
	CHECK(raid_bad_decode(1, 5, word, &back));
	CHECK(back.page == bad.page && back.leg == 31 && back.kind == 2);
	for (bit = 0; bit < 64; bit++)
		CHECK(!raid_bad_decode(1, 5, word ^ 1ULL << bit, &back));
	word = raid_bits_encode(1, 7, 0x80000001);
	CHECK(raid_bits_decode(1, 7, word, &bits) && bits == 0x80000001);
	CHECK(!raid_bits_decode(1, 8, word, &bits));
	for (bit = 0; bit < 64; bit++)
		CHECK(!raid_bits_decode(1, 7, word ^ 1ULL << bit, &bits));
}

/* An array is what was read before only if all that was allocated for fits. */
static void test_same_array(void)
{
	struct raid_super a = plan_array(6), b = a;

	b.events++;
	b.roles[0].state = PINFOLD_RAID_ROLE_MISSING;
	CHECK(raid_same_array(&a, &b));
	b.region_groups *= 2;
	CHECK(!raid_same_array(&a, &b));
	b = a;
	b.uuid[15] ^= 1;
	CHECK(!raid_same_array(&a, &b));
	b = a;
	b.layout.leg_pages--;
	CHECK(!raid_same_array(&a, &b));
}

static const struct unit_test tests[] = {
	{ "raid_super: round trip", test_round_trip },
	{ "raid_super: plans for all sizes", test_plan },
	{ "raid_super: no changed bit goes unnoticed", test_every_bit },
	{ "raid_super: hostile contents", test_hostile },
	{ "raid_super: versions and features", test_features },
	{ "raid_assemble: complete", test_complete },
	{ "raid_assemble: missing legs", test_missing },
	{ "raid_assemble: stale legs", test_stale },
	{ "raid_assemble: two histories", test_diverged },
	{ "raid_assemble: foreign, mismatched, swapped, corrupt", test_foreign },
	{ "raid_assemble: fresh legs", test_fresh },
	{ "raid_assemble: power failed while it grew", test_outgrown },
	{ "raid_assemble: a spare is no leg", test_spare },
	{ "raid_assemble: everything has words", test_words },
	{ "raid_super: position of a rebuild", test_synced },
	{ "raid_super: words with checksums", test_media_words },
	{ "raid_super: the same array", test_same_array },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
