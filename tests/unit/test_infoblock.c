// SPDX-License-Identifier: GPL-2.0
/*
 * The info-block codec: encoding, verdicts, the choice between the copies, the
 * planner, and hostile blocks with a right checksum.
 */
#include <string.h>

#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>

#include "infoblock.h"
#include "unit.h"

#define MIB	(1024ULL * 1024)
#define GIB	(1024 * MIB)
#define CHUNK	((u64)PINFOLD_CHUNK_SIZE)

static const u8 uuid_a[PINFOLD_UUID_SIZE] = "instance-a......";
static const u8 uuid_b[PINFOLD_UUID_SIZE] = "instance-b......";
static const u8 parent[PINFOLD_UUID_SIZE] = "namespace.......";

static struct pinfold_info_ctx example_ctx(void)
{
	struct pinfold_info_ctx ctx = {
		.ns_size = 4 * GIB,
		.phys_known = true,
		.parent_known = true,
		.phys_base = 4 * GIB,
	};

	memcpy(ctx.parent_uuid, parent, sizeof(parent));
	return ctx;
}

static struct pinfold_info example_info(void)
{
	struct pinfold_info info = { .seq = 7, .compat = 1ULL << 63 };

	memcpy(info.uuid, uuid_a, sizeof(uuid_a));
	memcpy(info.parent_uuid, parent, sizeof(parent));
	if (pinfold_geometry_plan(4 * GIB, 4 * GIB, PINFOLD_SPARE_DEFAULT,
				  &info.geo))
		abort();
	return info;
}

static struct pinfold_info_block sealed(const struct pinfold_info *info,
					unsigned int copy)
{
	struct pinfold_info_block block;

	pinfold_info_prepare(&block, info);
	pinfold_info_seal(&block, copy);
	return block;
}

/* Verdict on copy 0 with these contents in the example namespace. */
static enum pinfold_verdict verdict_of(const struct pinfold_info *info)
{
	const struct pinfold_info_block block = sealed(info, 0);
	const struct pinfold_info_ctx ctx = example_ctx();
	struct pinfold_info out;

	return pinfold_info_verify(&block, 0, &ctx, &out);
}

/* The same for a block changed after encoding, sealed again. */
static enum pinfold_verdict resealed_verdict(struct pinfold_info_block *block)
{
	const struct pinfold_info_ctx ctx = example_ctx();
	struct pinfold_info out;

	pinfold_info_seal(block, 0);
	return pinfold_info_verify(block, 0, &ctx, &out);
}

static void test_crc32c(void)
{
	u8 buf[32] = { 0 };

	/* RFC 3720, B.4 */
	CHECK(~crc32c(~0U, buf, sizeof(buf)) == 0x8a9136aaU);
	memset(buf, 0xff, sizeof(buf));
	CHECK(~crc32c(~0U, buf, sizeof(buf)) == 0x62a8ab43U);
}

static void test_media_layout(void)
{
	const struct pinfold_info info = example_info();
	const struct pinfold_info_block block = sealed(&info, 1);
	const u8 *p = (const u8 *)&block;

	/* Fixed for ever: where another implementation would look. */
	CHECK(!memcmp(p, "PINFOLD\xf0\x9f\x90\x91 INFO", 16));
	CHECK(p[16] == 1 && p[17] == 0 && p[18] == 0 && p[19] == 0);
	CHECK(p[20] == 1 && !p[21] && !p[22] && !p[23]);
	CHECK(p[31] == 0x80 && p[48] == 7);
	CHECK(!memcmp(p + 56, uuid_a, 16) && !memcmp(p + 72, parent, 16));
	CHECK(p[88 + 4] == 1);
	CHECK(le32_to_cpu(block.checksum) ==
	      ~crc32c(crc32c(~0U, p, sizeof(block) - 4), "\0\0\0", 4));
	CHECK(pinfold_info_offset(0) == 4096);
	CHECK(pinfold_info_offset(1) == MIB);
}

static void test_round_trip(void)
{
	const struct pinfold_info_ctx ctx = example_ctx();
	struct pinfold_info in = example_info(), out;
	unsigned int copy;

	in.version_major = PINFOLD_VERSION_MAJOR;
	in.version_minor = PINFOLD_VERSION_MINOR;
	for (copy = 0; copy < PINFOLD_INFO_COPIES; copy++) {
		const struct pinfold_info_block block = sealed(&in, copy);

		memset(&out, 0x5a, sizeof(out));
		CHECK(pinfold_info_verify(&block, copy, &ctx, &out) ==
		      PINFOLD_VALID);
		CHECK(out.version_major == in.version_major &&
		      out.version_minor == in.version_minor);
		CHECK(out.compat == in.compat && out.ro_compat == 0 &&
		      out.incompat == 0 && out.seq == in.seq);
		CHECK(!memcmp(out.uuid, in.uuid, sizeof(in.uuid)));
		CHECK(!memcmp(out.parent_uuid, in.parent_uuid,
			      sizeof(in.parent_uuid)));
		CHECK(!memcmp(&out.geo, &in.geo, sizeof(in.geo)));
	}
}

/* Every byte, every other value of it. */
static void test_single_byte_corruption(void)
{
	const struct pinfold_info_ctx ctx = example_ctx();
	const struct pinfold_info info = example_info();
	struct pinfold_info_block block = sealed(&info, 0);
	u8 *p = (u8 *)&block;
	struct pinfold_info out;
	size_t i;
	int flip;

	for (i = 0; i < sizeof(block); i++) {
		for (flip = 1; flip < 256; flip = flip < 128 ? flip * 2 :
							flip == 128 ? 255 : 256) {
			enum pinfold_verdict v;

			p[i] ^= flip;
			v = pinfold_info_verify(&block, 0, &ctx, &out);
			p[i] ^= flip;
			CHECK(v == (i < 16 ? PINFOLD_NO_MAGIC :
					     PINFOLD_BAD_CHECKSUM));
		}
	}
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) == PINFOLD_VALID);
}

/* Old and new contents mixed at any 8-byte boundary. */
static void test_torn(void)
{
	const struct pinfold_info_ctx ctx = example_ctx();
	struct pinfold_info info = example_info();
	const struct pinfold_info_block old = sealed(&info, 0);
	struct pinfold_info_block new, torn;
	struct pinfold_info out;
	size_t cut;

	info.seq++;
	memcpy(info.uuid, uuid_b, sizeof(uuid_b));
	new = sealed(&info, 0);
	for (cut = 8; cut < sizeof(torn); cut += 8) {
		memcpy(&torn, &new, cut);
		memcpy((u8 *)&torn + cut, (const u8 *)&old + cut,
		       sizeof(torn) - cut);
		if (!memcmp(&torn, &old, sizeof(torn)))
			continue;
		CHECK(pinfold_info_verify(&torn, 0, &ctx, &out) ==
		      PINFOLD_BAD_CHECKSUM);
	}
}

static void test_not_ours(void)
{
	static const char * const foreign[] = {
		"BTT_ARENA_INFO\0", "NVDIMM_PFN_INFO", "NVDIMM_DAX_INFO",
	};
	const struct pinfold_info_ctx ctx = example_ctx();
	union {
		u8 bytes[PINFOLD_INFO_SIZE];
		u64 aligned;
	} buf = { { 0 } };
	struct pinfold_info out;
	unsigned int i, j;

	CHECK(pinfold_info_verify(&buf, 0, &ctx, &out) == PINFOLD_NO_MAGIC);
	for (i = 0; i < ARRAY_SIZE(foreign); i++) {
		memcpy(buf.bytes, foreign[i], 16);
		CHECK(pinfold_info_verify(&buf, 0, &ctx, &out) ==
		      PINFOLD_FOREIGN);
	}
	for (i = 0; i < 1000; i++) {
		for (j = 0; j < sizeof(buf); j++)
			buf.bytes[j] = unit_random();
		CHECK(pinfold_info_verify(&buf, 0, &ctx, &out) ==
		      PINFOLD_NO_MAGIC);
	}
}

static void test_version_and_features(void)
{
	struct pinfold_info info = example_info();
	struct pinfold_info_block block = sealed(&info, 0);

	block.version_major = cpu_to_le16(PINFOLD_VERSION_MAJOR + 1);
	CHECK(resealed_verdict(&block) == PINFOLD_BAD_VERSION);
	block.version_major = cpu_to_le16(0);
	CHECK(resealed_verdict(&block) == PINFOLD_BAD_VERSION);

	/* A greater minor version is fine, even with new fields. */
	block.version_major = cpu_to_le16(PINFOLD_VERSION_MAJOR);
	block.version_minor = cpu_to_le16(0xffff);
	block.reserved[17] = 1;
	CHECK(resealed_verdict(&block) == PINFOLD_VALID);

	info.compat = ~0ULL;
	CHECK(verdict_of(&info) == PINFOLD_VALID);
	info.ro_compat = 1ULL << 40;
	CHECK(verdict_of(&info) == PINFOLD_VALID_READ_ONLY);
	info.incompat = PINFOLD_INCOMPAT_REMAP;
	CHECK(verdict_of(&info) == PINFOLD_VALID_READ_ONLY);
	info.incompat |= 2;
	CHECK(verdict_of(&info) == PINFOLD_BAD_INCOMPAT);
}

/* A remap table that is in use, but has no room. */
static void test_remap_without_spare(void)
{
	struct pinfold_info info = example_info();

	info.incompat = PINFOLD_INCOMPAT_REMAP;
	CHECK(verdict_of(&info) == PINFOLD_VALID);
	if (pinfold_geometry_plan(4 * GIB, 4 * GIB, 0, &info.geo))
		abort();
	CHECK(verdict_of(&info) == PINFOLD_BAD_GEOMETRY);
}

static void test_wrong_place(void)
{
	const struct pinfold_info_ctx ctx = example_ctx();
	const struct pinfold_info info = example_info();
	const struct pinfold_info_block zero = sealed(&info, 0);
	const struct pinfold_info_block one = sealed(&info, 1);
	struct pinfold_info out;

	CHECK(pinfold_info_verify(&zero, 1, &ctx, &out) == PINFOLD_BAD_COPY);
	CHECK(pinfold_info_verify(&one, 0, &ctx, &out) == PINFOLD_BAD_COPY);
}

static void test_namespace(void)
{
	struct pinfold_info_ctx ctx = example_ctx();
	struct pinfold_info info = example_info(), out;
	struct pinfold_info_block block = sealed(&info, 0);

	ctx.ns_size -= 4096;
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) ==
	      PINFOLD_BAD_NS_SIZE);
	ctx.ns_size = 8 * GIB;
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) == PINFOLD_VALID);

	ctx.phys_base += 4096;
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) ==
	      PINFOLD_BAD_ALIGNMENT);
	ctx.phys_known = false;
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) == PINFOLD_VALID);

	ctx.parent_uuid[15] ^= 1;
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) ==
	      PINFOLD_BAD_PARENT);
	/* The label is gone: not the namespace it was, either. */
	memset(ctx.parent_uuid, 0, sizeof(ctx.parent_uuid));
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) ==
	      PINFOLD_BAD_PARENT);
	ctx.parent_known = false;
	CHECK(pinfold_info_verify(&block, 0, &ctx, &out) == PINFOLD_VALID);

	/* Without a parent it goes anywhere. */
	memset(info.parent_uuid, 0, sizeof(info.parent_uuid));
	CHECK(verdict_of(&info) == PINFOLD_VALID);
}

struct bad_geometry {
	const char *why;
	size_t field;
	u64 value;
};

#define BAD(why, field, value) \
	{ why, offsetof(struct pinfold_geometry, field), value }

static void test_bad_geometry(void)
{
	const struct pinfold_geometry good = example_info().geo;
	const struct bad_geometry bad[] = {
		BAD("data in the metadata", data_offset, MIB),
		BAD("data unaligned", data_offset, good.data_offset + 512),
		BAD("data over the table", data_offset, 2 * MIB),
		BAD("data beyond the end", data_offset, 4 * GIB),
		BAD("data offset overflows", data_offset, ~0ULL - 4095),
		BAD("no data", data_size, 0),
		BAD("data of no whole chunks", data_size, CHUNK + 4096),
		BAD("data into the spare area", data_size,
		    good.data_size + CHUNK),
		BAD("data size overflows", data_size, 0 - CHUNK),
		BAD("data sum overflows", data_size, 0 - 2 * CHUNK),
		BAD("spare in the data", spare_offset,
		    good.spare_offset - CHUNK),
		BAD("spare at 0", spare_offset, 0),
		BAD("spare misaligned", spare_offset,
		    good.spare_offset - 4096),
		BAD("spare beyond the end", spare_offset,
		    good.spare_offset + CHUNK),
		BAD("spare offset overflows", spare_offset, 0 - CHUNK),
		BAD("spare of no whole chunks", spare_size, 4096),
		BAD("spare too large", spare_size, good.spare_size + CHUNK),
		BAD("spare size overflows", spare_size, 0 - CHUNK),
		BAD("no spare, but tables", spare_size, 0),
		BAD("table in the metadata", table_offset[0], 4096),
		BAD("table unaligned", table_offset[0], 2 * MIB + 8),
		BAD("table in the data", table_offset[0], good.data_offset),
		BAD("tables overlap", table_offset[1], 2 * MIB),
		BAD("tables overlap in part", table_offset[1],
		    2 * MIB + good.table_size - 4096),
		BAD("table in the spare area", table_offset[1],
		    good.spare_offset),
		BAD("table offset overflows", table_offset[1], 0 - 4096ULL),
		BAD("no table", table_size, 0),
		BAD("table too small", table_size, good.table_size - 4096),
		BAD("table of no whole pages", table_size,
		    good.table_size + 8),
		BAD("table size overflows", table_size, 0 - 4096ULL),
		BAD("namespace too small", ns_size, 15 * MIB),
		BAD("namespace of nothing", ns_size, 0),
		BAD("namespace ends in the data", ns_size, GIB),
	};
	struct pinfold_info info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		info = example_info();
		memcpy((char *)&info.geo + bad[i].field, &bad[i].value, 8);
		if (verdict_of(&info) != PINFOLD_BAD_GEOMETRY)
			printf("accepted: %s\n", bad[i].why);
		CHECK(verdict_of(&info) == PINFOLD_BAD_GEOMETRY);
	}

	/* Wrong in one thing only, which hides behind another one above. */
	info = example_info();
	memset(&info.geo, 0, sizeof(info.geo));
	info.geo.ns_size = 16 * MIB;
	info.geo.data_offset = 4 * MIB;
	info.geo.data_size = 2 * MIB;
	CHECK(verdict_of(&info) == PINFOLD_VALID);
	info.geo.ns_size = 8 * MIB;
	CHECK(verdict_of(&info) == PINFOLD_BAD_GEOMETRY);
	info.geo.ns_size = 16 * MIB;
	info.geo.data_offset += 512;
	CHECK(verdict_of(&info) == PINFOLD_BAD_GEOMETRY);
	info.geo.data_offset -= 512;
	info.geo.spare_offset = 8 * MIB;
	info.geo.spare_size = 2 * MIB;
	info.geo.table_offset[0] = 2 * MIB;
	info.geo.table_offset[1] = 2 * MIB + 4096;
	info.geo.table_size = 4096;
	CHECK(verdict_of(&info) == PINFOLD_VALID);
	swap(info.geo.data_offset, info.geo.spare_offset);
	CHECK(verdict_of(&info) == PINFOLD_BAD_GEOMETRY);

	/* Not every oddity is bad: nobody says that tables come first. */
	info = example_info();
	swap(info.geo.table_offset[0], info.geo.table_offset[1]);
	CHECK(verdict_of(&info) == PINFOLD_VALID);
	info.geo.spare_offset = 0;
	info.geo.spare_size = 0;
	info.geo.table_size = 0;
	CHECK(verdict_of(&info) == PINFOLD_BAD_GEOMETRY);
	info.geo.table_offset[0] = 0;
	info.geo.table_offset[1] = 0;
	CHECK(verdict_of(&info) == PINFOLD_VALID);
}

/* What the accepted layouts must guarantee, computed in wider integers. */
static bool layout_sound(const struct pinfold_geometry *g, u64 ns_size)
{
	typedef unsigned __int128 u128;
	const u64 start[] = { 0, g->data_offset, g->spare_offset,
			      g->table_offset[0], g->table_offset[1] };
	const u64 size[] = { PINFOLD_META_SIZE, g->data_size, g->spare_size,
			     g->table_size, g->table_size };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(start); i++) {
		if ((u128)start[i] + size[i] > ns_size)
			return false;
		for (j = 0; j < i; j++)
			if (size[i] && size[j] &&
			    start[i] < (u128)start[j] + size[j] &&
			    start[j] < (u128)start[i] + size[i])
				return false;
	}
	return g->data_size && g->data_size % CHUNK == 0 &&
	       g->spare_size % CHUNK == 0 &&
	       g->table_size >= g->spare_size / 4096 * 8 &&
	       g->table_offset[0] % 4096 == 0 &&
	       g->table_offset[1] % 4096 == 0;
}

static u64 hostile_value(u64 was)
{
	const u64 edges[] = { 0, 1, 8, 4096, CHUNK, 4 * GIB, 1ULL << 63, ~0ULL };
	u64 edge = edges[unit_random_below(ARRAY_SIZE(edges))];

	switch (unit_random_below(6)) {
	case 0:
		return unit_random();
	case 1:
		return edge;
	case 2:
		return was + edge;
	case 3:
		return was - edge;
	case 4:
		return unit_random() & ~(CHUNK - 1);
	default:
		return unit_random_below(4 * GIB) & ~4095ULL;
	}
}

static struct pinfold_geometry hostile_geometry(void)
{
	struct pinfold_geometry geo = example_info().geo;
	u64 fields[sizeof(geo) / 8];
	unsigned int n;

	memcpy(fields, &geo, sizeof(fields));
	for (n = 1 + unit_random_below(3); n; n--) {
		size_t i = unit_random_below(ARRAY_SIZE(fields));

		fields[i] = hostile_value(fields[i]);
	}
	memcpy(&geo, fields, sizeof(fields));
	return geo;
}

static void test_hostile_geometry(void)
{
	unsigned int i, accepted = 0;

	for (i = 0; i < 2000000; i++) {
		const struct pinfold_geometry geo = hostile_geometry();

		if (!pinfold_geometry_valid(&geo))
			continue;
		accepted++;
		CHECK(layout_sound(&geo, geo.ns_size));
	}
	/* A codec that refuses everything would prove nothing. */
	CHECK(accepted > 1000);
}

/* The same through the front door, with a checksum that is right. */
static void test_hostile_block(void)
{
	const struct pinfold_info_ctx ctx = example_ctx();
	struct pinfold_info info = example_info(), out;
	unsigned int i, accepted = 0;

	for (i = 0; i < 20000; i++) {
		struct pinfold_info_block block;

		info.geo = hostile_geometry();
		block = sealed(&info, 0);
		if (!pinfold_verdict_usable(pinfold_info_verify(&block, 0, &ctx,
								&out)))
			continue;
		accepted++;
		CHECK(layout_sound(&out.geo, ctx.ns_size));
		CHECK((ctx.phys_base + out.geo.data_offset) % CHUNK == 0);
	}
	CHECK(accepted > 10);
}

struct choice_case {
	enum pinfold_verdict v0, v1;
	enum pinfold_choice choice;
	unsigned int chosen;
};

#define ANY	PINFOLD_INFO_COPIES

static struct pinfold_copy copy_of(enum pinfold_verdict verdict, u64 seq,
				   const u8 *uuid)
{
	struct pinfold_copy copy = { .verdict = verdict };

	copy.info.seq = seq;
	memcpy(copy.info.uuid, uuid, PINFOLD_UUID_SIZE);
	return copy;
}

static void test_choose_table(void)
{
	static const struct choice_case cases[] = {
		/* one copy left: copy 0 is the claim */
		{ PINFOLD_VALID, PINFOLD_BAD_CHECKSUM, PINFOLD_USE, 0 },
		{ PINFOLD_VALID, PINFOLD_BAD_COPY, PINFOLD_USE, 0 },
		{ PINFOLD_VALID, PINFOLD_UNREADABLE, PINFOLD_USE, 0 },
		{ PINFOLD_VALID, PINFOLD_NO_MAGIC, PINFOLD_USE, 0 },
		{ PINFOLD_VALID, PINFOLD_FOREIGN, PINFOLD_USE, 0 },
		{ PINFOLD_BAD_CHECKSUM, PINFOLD_VALID, PINFOLD_USE, 1 },
		{ PINFOLD_BAD_COPY, PINFOLD_VALID, PINFOLD_USE, 1 },
		{ PINFOLD_UNREADABLE, PINFOLD_VALID, PINFOLD_USE, 1 },
		{ PINFOLD_UNREADABLE, PINFOLD_VALID_READ_ONLY, PINFOLD_USE, 1 },
		/* somebody else wrote there */
		{ PINFOLD_NO_MAGIC, PINFOLD_VALID, PINFOLD_REUSED, ANY },
		{ PINFOLD_NO_MAGIC, PINFOLD_BAD_VERSION, PINFOLD_REUSED, ANY },
		{ PINFOLD_NO_MAGIC, PINFOLD_BAD_CHECKSUM, PINFOLD_REUSED, ANY },
		{ PINFOLD_FOREIGN, PINFOLD_VALID, PINFOLD_NOT_OURS, ANY },
		{ PINFOLD_FOREIGN, PINFOLD_BAD_CHECKSUM, PINFOLD_NOT_OURS,
		  ANY },
		/* no copy left */
		{ PINFOLD_NO_MAGIC, PINFOLD_NO_MAGIC, PINFOLD_NOT_OURS, ANY },
		{ PINFOLD_NO_MAGIC, PINFOLD_FOREIGN, PINFOLD_NOT_OURS, ANY },
		{ PINFOLD_NO_MAGIC, PINFOLD_UNREADABLE, PINFOLD_NOT_OURS, ANY },
		{ PINFOLD_UNREADABLE, PINFOLD_NO_MAGIC, PINFOLD_NOT_OURS, ANY },
		{ PINFOLD_UNREADABLE, PINFOLD_FOREIGN, PINFOLD_NOT_OURS, ANY },
		{ PINFOLD_UNREADABLE, PINFOLD_UNREADABLE, PINFOLD_ILLEGIBLE,
		  ANY },
		{ PINFOLD_UNREADABLE, PINFOLD_BAD_CHECKSUM, PINFOLD_CORRUPT,
		  ANY },
		{ PINFOLD_BAD_CHECKSUM, PINFOLD_NO_MAGIC, PINFOLD_CORRUPT,
		  ANY },
		{ PINFOLD_BAD_CHECKSUM, PINFOLD_UNREADABLE, PINFOLD_CORRUPT,
		  ANY },
		{ PINFOLD_BAD_CHECKSUM, PINFOLD_BAD_CHECKSUM, PINFOLD_CORRUPT,
		  ANY },
		{ PINFOLD_BAD_COPY, PINFOLD_BAD_COPY, PINFOLD_CORRUPT, ANY },
		/* intact, but not for us: the other is no way out */
		{ PINFOLD_BAD_VERSION, PINFOLD_BAD_CHECKSUM, PINFOLD_REFUSE,
		  0 },
		{ PINFOLD_BAD_CHECKSUM, PINFOLD_BAD_INCOMPAT, PINFOLD_REFUSE,
		  1 },
		{ PINFOLD_UNREADABLE, PINFOLD_BAD_PARENT, PINFOLD_REFUSE, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct choice_case *c = &cases[i];
		const struct pinfold_copy copies[] = {
			copy_of(c->v0, 1, uuid_a), copy_of(c->v1, 1, uuid_a),
		};
		unsigned int chosen = ANY;

		if (pinfold_info_choose(copies, &chosen) != c->choice ||
		    chosen != c->chosen)
			printf("wrong choice for: %s, %s\n",
			       pinfold_verdict_string(c->v0),
			       pinfold_verdict_string(c->v1));
		CHECK(pinfold_info_choose(copies, &chosen) == c->choice);
		CHECK(chosen == c->chosen);
	}
}

/* Both intact, for every pair of verdicts: the newer one speaks. */
static void test_choose_newer(void)
{
	int v0, v1, newer;

	for (v0 = 0; v0 <= PINFOLD_BAD_GEOMETRY; v0++)
		for (v1 = 0; v1 <= PINFOLD_BAD_GEOMETRY; v1++)
			for (newer = 0; newer < 2; newer++) {
				const struct pinfold_copy copies[] = {
					copy_of(v0, 8 - newer, uuid_a),
					copy_of(v1, 7 + newer, uuid_a),
				};
				enum pinfold_verdict said =
					copies[newer].verdict;
				unsigned int chosen = ANY;

				CHECK(pinfold_info_choose(copies, &chosen) ==
				      (pinfold_verdict_usable(said) ?
				       PINFOLD_USE : PINFOLD_REFUSE));
				CHECK(chosen == (unsigned int)newer);
			}
}

static void test_choose_pairs(void)
{
	struct pinfold_copy copies[] = {
		copy_of(PINFOLD_VALID, ~0ULL, uuid_a),
		copy_of(PINFOLD_VALID, ~0ULL, uuid_a),
	};
	unsigned int chosen = ANY;

	CHECK(pinfold_info_choose(copies, &chosen) == PINFOLD_USE);
	CHECK(chosen == 0);
	copies[1] = copy_of(PINFOLD_VALID, 1, uuid_b);
	CHECK(pinfold_info_choose(copies, &chosen) == PINFOLD_CONFLICT);
	copies[1].verdict = PINFOLD_BAD_VERSION;
	CHECK(pinfold_info_choose(copies, &chosen) == PINFOLD_CONFLICT);
}

static void test_strings(void)
{
	int i, j;

	for (i = 0; i <= PINFOLD_UNREADABLE; i++)
		for (j = 0; j < i; j++)
			CHECK(strcmp(pinfold_verdict_string(i),
				     pinfold_verdict_string(j)));
	CHECK(!strcmp(pinfold_verdict_string(99), "unknown verdict"));
	for (i = 0; i <= PINFOLD_CONFLICT; i++)
		for (j = 0; j < i; j++)
			CHECK(strcmp(pinfold_choice_string(i),
				     pinfold_choice_string(j)));
	CHECK(!strcmp(pinfold_choice_string(99), "unknown decision"));
}

static void test_plan_defaults(void)
{
	struct pinfold_geometry geo;

	CHECK(!pinfold_geometry_plan(16 * MIB, 4 * GIB, PINFOLD_SPARE_DEFAULT,
				     &geo));
	CHECK(geo.data_offset == 2 * MIB && geo.data_size == 14 * MIB);
	CHECK(!geo.spare_size && !geo.table_size);

	CHECK(!pinfold_geometry_plan(GIB, 4 * GIB, PINFOLD_SPARE_DEFAULT,
				     &geo));
	CHECK(geo.spare_size == 2 * MIB && geo.table_size == 4096);
	CHECK(geo.table_offset[0] == 2 * MIB);
	CHECK(geo.data_offset == 4 * MIB);

	CHECK(!pinfold_geometry_plan(512 * GIB, 4 * GIB, PINFOLD_SPARE_DEFAULT,
				     &geo));
	CHECK(geo.spare_size == 512 * MIB && geo.table_size == MIB);

	/* 4 KiB past a chunk: the data starts at the next one. */
	CHECK(!pinfold_geometry_plan(GIB, 4 * GIB + 4096, 0, &geo));
	CHECK(geo.data_offset == 4 * MIB - 4096);
	CHECK(geo.data_size == GIB - 4 * MIB);
}

static void test_plan_refuses(void)
{
	struct pinfold_geometry geo;

	CHECK(pinfold_geometry_plan(16 * MIB - 1, 0, 0, &geo) == -ENOSPC);
	CHECK(pinfold_geometry_plan(0, 0, 0, &geo) == -ENOSPC);
	CHECK(pinfold_geometry_plan(GIB, 512, 0, &geo) == -EINVAL);
	CHECK(pinfold_geometry_plan(GIB, 0 - GIB + 4096, 0, &geo) == -EINVAL);
	CHECK(pinfold_geometry_plan(~0ULL, 4096, 0, &geo) == -EINVAL);
	CHECK(pinfold_geometry_plan(~0ULL, 0, ~0ULL - 1, &geo) == -EINVAL);
	CHECK(pinfold_geometry_plan(GIB, 1ULL << 63, 0, &geo) == -EINVAL);
	CHECK(pinfold_geometry_plan(GIB, 0, GIB, &geo) == -ENOSPC);
	CHECK(pinfold_geometry_plan(GIB, 0, GIB - 4096, &geo) == -ENOSPC);
	CHECK(pinfold_geometry_plan(GIB, 0, ~0ULL - 1, &geo) == -ENOSPC);
	CHECK(!pinfold_geometry_plan(GIB, 0, GIB / 2 + 1, &geo));
	CHECK(geo.spare_size == GIB / 2 + CHUNK);
}

/* A size between 1 B and 2^63 B, all magnitudes alike. */
static u64 random_size(void)
{
	return unit_random() >> (1 + unit_random_below(62));
}

static void test_plan_random(void)
{
	unsigned int i, planned = 0;

	for (i = 0; i < 200000; i++) {
		u64 size = random_size(), base = random_size() & ~4095ULL;
		u64 spare = unit_random_below(2) ? PINFOLD_SPARE_DEFAULT :
						   random_size();
		struct pinfold_geometry geo, larger;

		if (pinfold_geometry_plan(size, base, spare, &geo))
			continue;
		planned++;
		CHECK(pinfold_geometry_valid(&geo));
		CHECK(layout_sound(&geo, size));
		CHECK((base + geo.data_offset) % CHUNK == 0);
		CHECK(geo.ns_size == size);
		/* Nothing is wasted but what rounding costs. */
		CHECK(size - geo.data_size - geo.spare_size <
		      PINFOLD_META_SIZE + 2 * geo.table_size + 2 * CHUNK);
		if (spare != PINFOLD_SPARE_DEFAULT)
			CHECK(geo.spare_size - spare < CHUNK);
		else
			CHECK(geo.spare_size <= size / 512);

		/* More room is never less data, for the same spare area. */
		if (pinfold_geometry_plan(size + unit_random_below(GIB), base,
					  geo.spare_size, &larger))
			continue;
		CHECK(larger.data_size >= geo.data_size);
		CHECK(larger.data_offset == geo.data_offset);
	}
	CHECK(planned > 1000);
}

/* Every page alignment of a small namespace, down to where it stops fitting. */
static void test_plan_small(void)
{
	struct pinfold_geometry geo;
	u64 base, size;

	for (base = 0; base < CHUNK; base += 4096)
		for (size = 16 * MIB; size < 20 * MIB; size += 256 * 1024) {
			CHECK(!pinfold_geometry_plan(size, base, 4 * MIB,
						     &geo));
			CHECK(pinfold_geometry_valid(&geo));
			CHECK((base + geo.data_offset) % CHUNK == 0);
		}
}

static const struct unit_test tests[] = {
	{ "infoblock.crc32c", test_crc32c },
	{ "infoblock.media_layout", test_media_layout },
	{ "infoblock.round_trip", test_round_trip },
	{ "infoblock.single_byte_corruption", test_single_byte_corruption },
	{ "infoblock.torn", test_torn },
	{ "infoblock.not_ours", test_not_ours },
	{ "infoblock.version_and_features", test_version_and_features },
	{ "infoblock.remap_without_spare", test_remap_without_spare },
	{ "infoblock.wrong_place", test_wrong_place },
	{ "infoblock.namespace", test_namespace },
	{ "infoblock.bad_geometry", test_bad_geometry },
	{ "infoblock.hostile_geometry", test_hostile_geometry },
	{ "infoblock.hostile_block", test_hostile_block },
	{ "infoblock.choose_table", test_choose_table },
	{ "infoblock.choose_newer", test_choose_newer },
	{ "infoblock.choose_pairs", test_choose_pairs },
	{ "infoblock.strings", test_strings },
	{ "infoblock.plan_defaults", test_plan_defaults },
	{ "infoblock.plan_refuses", test_plan_refuses },
	{ "infoblock.plan_random", test_plan_random },
	{ "infoblock.plan_small", test_plan_small },
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}
