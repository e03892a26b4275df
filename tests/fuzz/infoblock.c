// SPDX-License-Identifier: GPL-2.0
/*
 * Info blocks. Input: one byte of options, then up to both copies. Fuzzers do not
 * find checksums, so by one of the options they are made right.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "fuzz.h"
#include "infoblock.h"

enum { SEAL = 1, KNOWN_PHYS = 2, KNOWN_PARENT = 4 };

static struct pinfold_info_block blocks[PINFOLD_INFO_COPIES];

/* What is accepted keeps the format's promises, so that nobody checks again. */
static void check_usable(const struct pinfold_info *info,
			 const struct pinfold_info_ctx *ctx)
{
	const struct pinfold_geometry *geo = &info->geo;

	FUZZ_CHECK(geo->ns_size <= ctx->ns_size);
	FUZZ_CHECK(geo->data_offset >= PINFOLD_META_SIZE && geo->data_size);
	FUZZ_CHECK(geo->data_offset + geo->data_size <= geo->ns_size &&
		   geo->data_offset + geo->data_size > geo->data_offset);
	if (!geo->spare_size)
		return;
	FUZZ_CHECK(geo->spare_offset + geo->spare_size <= geo->ns_size);
	FUZZ_CHECK(geo->table_size / PINFOLD_TABLE_ENTRY_SIZE >=
		   geo->spare_size / PINFOLD_PAGE_SIZE);
	FUZZ_CHECK(geo->table_offset[0] + geo->table_size <= geo->ns_size &&
		   geo->table_offset[1] + geo->table_size <= geo->ns_size);
}

/* Encoding what was decoded gives what can be decoded, with the same meaning. */
static void check_round_trip(const struct pinfold_info *info,
			     const struct pinfold_info_ctx *ctx)
{
	struct pinfold_info_block block;
	struct pinfold_info again;

	pinfold_info_prepare(&block, info);
	pinfold_info_seal(&block, 0);
	FUZZ_CHECK(pinfold_verdict_usable(pinfold_info_verify(&block, 0, ctx,
							      &again)));
	FUZZ_CHECK(!memcmp(&info->geo, &again.geo, sizeof(again.geo)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct pinfold_info_ctx ctx = { .ns_size = 1ULL << 32 };
	struct pinfold_copy copies[PINFOLD_INFO_COPIES];
	unsigned int i, chosen;
	u8 options;

	if (!size)
		return 0;
	options = *data++;
	size = min_t(size_t, size - 1, sizeof(blocks));
	memset(blocks, 0, sizeof(blocks));
	memcpy(blocks, data, size);
	ctx.phys_known = options & KNOWN_PHYS;
	ctx.parent_known = options & KNOWN_PARENT;
	for (i = 0; i < PINFOLD_INFO_COPIES; i++) {
		if (options & SEAL)
			pinfold_info_seal(&blocks[i], i);
		copies[i].verdict = pinfold_info_verify(&blocks[i], i, &ctx,
							&copies[i].info);
		FUZZ_CHECK(pinfold_verdict_string(copies[i].verdict));
	}
	if (pinfold_info_choose(copies, &chosen) != PINFOLD_USE)
		return 0;
	check_usable(&copies[chosen].info, &ctx);
	check_round_trip(&copies[chosen].info, &ctx);
	return 0;
}
