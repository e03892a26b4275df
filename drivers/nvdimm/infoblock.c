// SPDX-License-Identifier: GPL-2.0
/*
 * Codec of the pinfold info block: layout planning, encoding, verification,
 * and the choice between the two copies. Needs no kernel: the tool and the
 * host tests compile this very file against tools/include.
 *
 * Everything read from the media is hostile until it passed here.
 */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "infoblock.h"

static_assert(sizeof(struct pinfold_info_block) == PINFOLD_INFO_SIZE);
static_assert(offsetof(struct pinfold_info_block, checksum) ==
	      PINFOLD_INFO_SIZE - sizeof(__le32));
static_assert(sizeof(PINFOLD_MAGIC) == PINFOLD_MAGIC_LEN + 1);

#define LIBNVDIMM_SIG_LEN	16
#define MAX_ADDRESS		(~0ULL >> 1)

static const char * const libnvdimm_signatures[] = {
	"BTT_ARENA_INFO\0",
	"NVDIMM_PFN_INFO",
	"NVDIMM_DAX_INFO",
};

/**
 * struct area - a part of the namespace
 * @offset: its start in bytes
 * @size: its size in bytes; an area that does not exist is 0 at 0
 */
struct area {
	u64 offset;
	u64 size;
};

static bool area_inside(const struct area *a, u64 start, u64 end)
{
	return a->offset >= start && a->offset <= end &&
	       a->size <= end - a->offset;
}

/* Both areas were found inside the namespace, so the sums do not overflow. */
static bool areas_overlap(const struct area *a, const struct area *b)
{
	return a->offset < b->offset + b->size &&
	       b->offset < a->offset + a->size;
}

/* Size of a mirror with one entry for each page of the spare area. */
static u64 table_size_for(u64 spare_size)
{
	u64 pages = spare_size / PINFOLD_PAGE_SIZE;

	return ALIGN(pages * PINFOLD_TABLE_ENTRY_SIZE, PINFOLD_PAGE_SIZE);
}

/* About 0.1 %, and nothing where even one chunk would be a waste. */
static u64 default_spare_size(u64 ns_size)
{
	if (ns_size < 1024ULL * 1024 * 1024)
		return 0;
	return ALIGN(ns_size >> 10, PINFOLD_CHUNK_SIZE);
}

/**
 * pinfold_geometry_plan() - lay out a new namespace
 * @ns_size: size of the namespace
 * @phys_base: its physical address, a multiple of PINFOLD_PAGE_SIZE
 * @spare_size: bytes wanted for the spare area, rounded up to whole chunks;
 *	0 for none, PINFOLD_SPARE_DEFAULT for about 0.1 %
 * @geo: result
 *
 * Metadata, both table mirrors, data, spare area, in this order. What is left
 * before and after the whole chunks of physical memory stays unused.
 *
 * Context: any.
 * Return: 0, -EINVAL for a base or size no namespace has, or -ENOSPC if not
 * even one chunk would be left for data.
 */
int pinfold_geometry_plan(u64 ns_size, u64 phys_base, u64 spare_size,
			  struct pinfold_geometry *geo)
{
	u64 data_start, data_end, table;

	/* Below the greatest loff_t no sum that follows can overflow. */
	if (!IS_ALIGNED(phys_base, PINFOLD_PAGE_SIZE) ||
	    phys_base > MAX_ADDRESS || ns_size > MAX_ADDRESS - phys_base)
		return -EINVAL;
	if (ns_size < PINFOLD_MIN_NS_SIZE)
		return -ENOSPC;

	if (spare_size == PINFOLD_SPARE_DEFAULT)
		spare_size = default_spare_size(ns_size);
	if (spare_size >= ns_size)
		return -ENOSPC;
	spare_size = ALIGN(spare_size, PINFOLD_CHUNK_SIZE);
	table = table_size_for(spare_size);

	data_start = PINFOLD_META_SIZE + PINFOLD_TABLE_MIRRORS * table;
	data_start = ALIGN(phys_base + data_start, PINFOLD_CHUNK_SIZE) -
		     phys_base;
	data_end = ALIGN_DOWN(phys_base + ns_size, PINFOLD_CHUNK_SIZE) -
		   phys_base;
	if (data_start + spare_size >= data_end)
		return -ENOSPC;

	memset(geo, 0, sizeof(*geo));
	geo->ns_size = ns_size;
	geo->data_offset = data_start;
	geo->data_size = data_end - data_start - spare_size;
	if (spare_size) {
		geo->spare_offset = data_end - spare_size;
		geo->spare_size = spare_size;
		geo->table_offset[0] = PINFOLD_META_SIZE;
		geo->table_offset[1] = PINFOLD_META_SIZE + table;
		geo->table_size = table;
	}
	return 0;
}

/**
 * pinfold_info_prepare() - encode an info block, but for copy and checksum
 * @block: result
 * @info: contents; the version is always this code's, whatever @info says
 *
 * Context: any.
 */
void pinfold_info_prepare(struct pinfold_info_block *block,
			  const struct pinfold_info *info)
{
	const struct pinfold_geometry *geo = &info->geo;
	unsigned int i;

	memset(block, 0, sizeof(*block));
	memcpy(block->magic, PINFOLD_MAGIC, PINFOLD_MAGIC_LEN);
	block->version_major = cpu_to_le16(PINFOLD_VERSION_MAJOR);
	block->version_minor = cpu_to_le16(PINFOLD_VERSION_MINOR);
	block->compat = cpu_to_le64(info->compat);
	block->ro_compat = cpu_to_le64(info->ro_compat);
	block->incompat = cpu_to_le64(info->incompat);
	block->seq = cpu_to_le64(info->seq);
	memcpy(block->uuid, info->uuid, sizeof(block->uuid));
	memcpy(block->parent_uuid, info->parent_uuid,
	       sizeof(block->parent_uuid));
	block->ns_size = cpu_to_le64(geo->ns_size);
	block->data_offset = cpu_to_le64(geo->data_offset);
	block->data_size = cpu_to_le64(geo->data_size);
	block->spare_offset = cpu_to_le64(geo->spare_offset);
	block->spare_size = cpu_to_le64(geo->spare_size);
	for (i = 0; i < PINFOLD_TABLE_MIRRORS; i++)
		block->table_offset[i] = cpu_to_le64(geo->table_offset[i]);
	block->table_size = cpu_to_le64(geo->table_size);
}

static u32 block_checksum(const struct pinfold_info_block *block)
{
	static const __le32 zero;
	u32 crc;

	crc = crc32c(~0, block, offsetof(struct pinfold_info_block, checksum));
	return ~crc32c(crc, &zero, sizeof(zero));
}

/**
 * pinfold_info_seal() - make an encoded block the given copy
 * @block: from pinfold_info_prepare(), or a copy to be rewritten
 * @copy: 0 or 1
 *
 * Context: any.
 */
void pinfold_info_seal(struct pinfold_info_block *block, unsigned int copy)
{
	block->copy = cpu_to_le32(copy);
	block->checksum = cpu_to_le32(block_checksum(block));
}

static void decode(const struct pinfold_info_block *block,
		   struct pinfold_info *info)
{
	struct pinfold_geometry *geo = &info->geo;
	unsigned int i;

	info->version_major = le16_to_cpu(block->version_major);
	info->version_minor = le16_to_cpu(block->version_minor);
	info->compat = le64_to_cpu(block->compat);
	info->ro_compat = le64_to_cpu(block->ro_compat);
	info->incompat = le64_to_cpu(block->incompat);
	info->seq = le64_to_cpu(block->seq);
	memcpy(info->uuid, block->uuid, sizeof(info->uuid));
	memcpy(info->parent_uuid, block->parent_uuid,
	       sizeof(info->parent_uuid));
	geo->ns_size = le64_to_cpu(block->ns_size);
	geo->data_offset = le64_to_cpu(block->data_offset);
	geo->data_size = le64_to_cpu(block->data_size);
	geo->spare_offset = le64_to_cpu(block->spare_offset);
	geo->spare_size = le64_to_cpu(block->spare_size);
	for (i = 0; i < PINFOLD_TABLE_MIRRORS; i++)
		geo->table_offset[i] = le64_to_cpu(block->table_offset[i]);
	geo->table_size = le64_to_cpu(block->table_size);
}

/* The rules of data and spare area, which share the chunks' alignment. */
static bool chunks_valid(const struct pinfold_geometry *geo)
{
	if (!IS_ALIGNED(geo->data_offset, PINFOLD_PAGE_SIZE) ||
	    !geo->data_size ||
	    !IS_ALIGNED(geo->data_size, PINFOLD_CHUNK_SIZE))
		return false;
	if (!geo->spare_size)
		return !geo->spare_offset && !geo->table_size &&
		       !geo->table_offset[0] && !geo->table_offset[1];
	if (!IS_ALIGNED(geo->spare_size, PINFOLD_CHUNK_SIZE) ||
	    geo->spare_offset < geo->data_offset)
		return false;
	return IS_ALIGNED(geo->spare_offset - geo->data_offset,
			  PINFOLD_CHUNK_SIZE);
}

static bool tables_valid(const struct pinfold_geometry *geo)
{
	unsigned int i;

	for (i = 0; i < PINFOLD_TABLE_MIRRORS; i++)
		if (!IS_ALIGNED(geo->table_offset[i], PINFOLD_PAGE_SIZE))
			return false;
	return IS_ALIGNED(geo->table_size, PINFOLD_PAGE_SIZE) &&
	       geo->table_size >= table_size_for(geo->spare_size);
}

/**
 * pinfold_geometry_valid() - is the layout one that the format allows?
 * @geo: anything
 *
 * Context: any.
 * Return: true if all areas lie within @geo->ns_size and behind the metadata,
 * do not overlap, and have the sizes and alignments the format asks for.
 */
bool pinfold_geometry_valid(const struct pinfold_geometry *geo)
{
	const struct area areas[] = {
		{ geo->data_offset, geo->data_size },
		{ geo->spare_offset, geo->spare_size },
		{ geo->table_offset[0], geo->table_size },
		{ geo->table_offset[1], geo->table_size },
	};
	unsigned int i, j;

	if (geo->ns_size < PINFOLD_MIN_NS_SIZE)
		return false;
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		if (areas[i].size && !area_inside(&areas[i], PINFOLD_META_SIZE,
						  geo->ns_size))
			return false;
	for (i = 0; i < ARRAY_SIZE(areas); i++)
		for (j = 0; j < i; j++)
			if (areas_overlap(&areas[i], &areas[j]))
				return false;
	return chunks_valid(geo) && tables_valid(geo);
}

static bool parent_matches(const struct pinfold_info *info,
			   const struct pinfold_info_ctx *ctx)
{
	return !ctx->parent_known ||
	       !memchr_inv(info->parent_uuid, 0, PINFOLD_UUID_SIZE) ||
	       !memcmp(info->parent_uuid, ctx->parent_uuid, PINFOLD_UUID_SIZE);
}

/* The block is what somebody sealed: does it fit this code and namespace? */
static enum pinfold_verdict judge_intact(const struct pinfold_info *info,
					 const struct pinfold_info_ctx *ctx)
{
	const struct pinfold_geometry *geo = &info->geo;

	if (info->version_major != PINFOLD_VERSION_MAJOR)
		return PINFOLD_BAD_VERSION;
	if (info->incompat & ~PINFOLD_INCOMPAT_KNOWN)
		return PINFOLD_BAD_INCOMPAT;
	if (!pinfold_geometry_valid(geo) ||
	    (info->incompat & PINFOLD_INCOMPAT_REMAP && !geo->spare_size))
		return PINFOLD_BAD_GEOMETRY;
	if (!parent_matches(info, ctx))
		return PINFOLD_BAD_PARENT;
	/* One that has grown is fine: the rest stays unused. */
	if (geo->ns_size > ctx->ns_size)
		return PINFOLD_BAD_NS_SIZE;
	if (ctx->phys_known && !IS_ALIGNED(ctx->phys_base + geo->data_offset,
					   PINFOLD_CHUNK_SIZE))
		return PINFOLD_BAD_ALIGNMENT;
	if (info->ro_compat & ~PINFOLD_RO_COMPAT_KNOWN)
		return PINFOLD_VALID_READ_ONLY;
	return PINFOLD_VALID;
}

static enum pinfold_verdict judge_other(const void *buf)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(libnvdimm_signatures); i++)
		if (!memcmp(buf, libnvdimm_signatures[i], LIBNVDIMM_SIG_LEN))
			return PINFOLD_FOREIGN;
	return PINFOLD_NO_MAGIC;
}

/**
 * pinfold_info_verify() - judge what was read from one copy's place
 * @buf: PINFOLD_INFO_SIZE bytes, aligned to 8
 * @copy: whose place they were read from, 0 or 1
 * @ctx: the namespace
 * @info: contents, filled in if the verdict is an intact one
 *
 * Magic, version and checksum have the same place and meaning in every version
 * of the format, so a newer block is told from a corrupt one.
 *
 * Context: any.
 * Return: the verdict, never PINFOLD_UNREADABLE.
 */
enum pinfold_verdict pinfold_info_verify(const void *buf, unsigned int copy,
					 const struct pinfold_info_ctx *ctx,
					 struct pinfold_info *info)
{
	const struct pinfold_info_block *block = buf;

	if (memcmp(block->magic, PINFOLD_MAGIC, PINFOLD_MAGIC_LEN))
		return judge_other(buf);
	if (le32_to_cpu(block->checksum) != block_checksum(block))
		return PINFOLD_BAD_CHECKSUM;
	if (le32_to_cpu(block->copy) != copy)
		return PINFOLD_BAD_COPY;
	decode(block, info);
	return judge_intact(info, ctx);
}

static bool carries_magic(enum pinfold_verdict verdict)
{
	return verdict <= PINFOLD_BAD_CHECKSUM;
}

/* No copy is intact: is this a ruin of ours at all? */
static enum pinfold_choice choose_none(enum pinfold_verdict v0,
				       enum pinfold_verdict v1)
{
	/* Two places of nobody else's, a megabyte apart: hardly by chance. */
	if (v0 == PINFOLD_UNREADABLE && v1 == PINFOLD_UNREADABLE)
		return PINFOLD_ILLEGIBLE;
	if (!carries_magic(v0) && !carries_magic(v1))
		return PINFOLD_NOT_OURS;
	if (v0 == PINFOLD_NO_MAGIC)
		return PINFOLD_REUSED;
	return PINFOLD_CORRUPT;
}

static unsigned int newer_copy(const struct pinfold_copy *copies)
{
	return copies[1].info.seq > copies[0].info.seq;
}

/**
 * pinfold_info_choose() - decide with both copies in view
 * @copies: what is in the places of copy 0 and 1
 * @chosen: the copy that speaks for the namespace; set for PINFOLD_USE and
 *	PINFOLD_REFUSE
 *
 * The newest intact copy speaks, even if it says something this code does not
 * understand: the older one may describe what is no longer so. Copy 0 is the
 * claim to the namespace: without it, copy 1 counts only if copy 0's place is
 * visibly ours (magic) or unreadable, since otherwise whoever overwrote it owns
 * the namespace now.
 *
 * Context: any.
 * Return: the decision.
 */
enum pinfold_choice
pinfold_info_choose(const struct pinfold_copy copies[PINFOLD_INFO_COPIES],
		    unsigned int *chosen)
{
	enum pinfold_verdict v0 = copies[0].verdict;
	enum pinfold_verdict v1 = copies[1].verdict;

	if (v0 == PINFOLD_FOREIGN)
		return PINFOLD_NOT_OURS;
	if (!pinfold_verdict_intact(v0) && !pinfold_verdict_intact(v1))
		return choose_none(v0, v1);

	if (pinfold_verdict_intact(v0) && pinfold_verdict_intact(v1)) {
		if (memcmp(copies[0].info.uuid, copies[1].info.uuid,
			   PINFOLD_UUID_SIZE))
			return PINFOLD_CONFLICT;
		*chosen = newer_copy(copies);
	} else {
		if (v0 == PINFOLD_NO_MAGIC)
			return PINFOLD_REUSED;
		*chosen = !pinfold_verdict_intact(v0);
	}
	return pinfold_verdict_usable(copies[*chosen].verdict) ?
		PINFOLD_USE : PINFOLD_REFUSE;
}

/**
 * pinfold_verdict_string() - a verdict in words, for messages
 * @verdict: what to name
 *
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *pinfold_verdict_string(enum pinfold_verdict verdict)
{
	switch (verdict) {
	case PINFOLD_VALID:
		return "valid";
	case PINFOLD_VALID_READ_ONLY:
		return "valid, read-only because of unknown features";
	case PINFOLD_BAD_VERSION:
		return "unsupported format version";
	case PINFOLD_BAD_INCOMPAT:
		return "unknown incompatible features";
	case PINFOLD_BAD_PARENT:
		return "copied from another namespace";
	case PINFOLD_BAD_NS_SIZE:
		return "written for a larger namespace";
	case PINFOLD_BAD_ALIGNMENT:
		return "data area not aligned in physical memory";
	case PINFOLD_BAD_GEOMETRY:
		return "impossible layout";
	case PINFOLD_BAD_COPY:
		return "belongs to the other copy's place";
	case PINFOLD_BAD_CHECKSUM:
		return "corrupt";
	case PINFOLD_NO_MAGIC:
		return "no pinfold info block";
	case PINFOLD_FOREIGN:
		return "info block of a btt, pfn or dax namespace";
	case PINFOLD_UNREADABLE:
		return "unreadable";
	}
	return "unknown verdict";
}

/**
 * pinfold_choice_string() - a decision in words, for messages
 * @choice: what to name
 *
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *pinfold_choice_string(enum pinfold_choice choice)
{
	switch (choice) {
	case PINFOLD_USE:
		return "pinfold namespace";
	case PINFOLD_REFUSE:
		return "pinfold namespace that cannot be used";
	case PINFOLD_NOT_OURS:
		return "not a pinfold namespace";
	case PINFOLD_REUSED:
		return "the first info block is overwritten, the second one is left";
	case PINFOLD_ILLEGIBLE:
		return "both places of a pinfold info block are unreadable";
	case PINFOLD_CORRUPT:
		return "both info blocks are damaged";
	case PINFOLD_CONFLICT:
		return "the two info blocks are of different instances";
	}
	return "unknown decision";
}
