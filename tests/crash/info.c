// SPDX-License-Identifier: GPL-2.0
/*
 * Changes of the info block, the first use of the remap table among them: there
 * is always a copy to attach with, and what it announces is there.
 */
#include <linux/string.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>

#include "crash.h"
#include "info_update.h"
#include "remap_table.h"

#define NS_SIZE	(64ULL << 20)

static const struct crash_window windows[] = {
	{ PINFOLD_INFO0_OFFSET, PINFOLD_INFO_SIZE, true },
	{ 16384, 1024, false },
	{ PINFOLD_INFO1_OFFSET, PINFOLD_INFO_SIZE, true },
	{ }
};

/* Not where the info block says: that would be a large media to copy. */
static const struct pinfold_remap_layout layout = {
	.table_offset = { 16384, 16384 + 512 },
	.nr_slots = PINFOLD_REMAP_PER_BLOCK,
	.nr_pages = 64,
	.seed = 0x9abc,
};

static const struct pinfold_info_ctx ctx = { .ns_size = NS_SIZE };

/* The feature words that may be found: the first @nr of them. */
struct expect {
	u32 nr;
	u64 compat[2];
	u64 incompat[2];
};

static struct pinfold_info_block blocks[PINFOLD_INFO_COPIES];

static void format(struct crash *crash, void *p)
{
	struct pinfold_media *media = crash_media(crash);
	struct pinfold_info info = { .seq = 1, .uuid = "an instance" };
	struct expect *expect = p;
	unsigned int copy;

	pinfold_geometry_plan(NS_SIZE, 0, PINFOLD_CHUNK_SIZE, &info.geo);
	pinfold_info_prepare(&blocks[0], &info);
	for (copy = 0; copy < PINFOLD_INFO_COPIES; copy++) {
		pinfold_info_seal(&blocks[0], copy);
		pinfold_media_write(media, pinfold_info_offset(copy),
				    &blocks[0], PINFOLD_INFO_SIZE);
	}
	pinfold_media_fence(media);
	memset(expect, 0, sizeof(*expect));
	expect->nr = 1;
}

static void attach(struct crash *crash, const void *expect)
{
	(void)crash;
	(void)expect;
}

static void detach(struct crash *crash)
{
	(void)crash;
}

/* Return: the copy that speaks, or -1. */
static int read_copies(struct pinfold_media *media,
		       struct pinfold_copy *copies)
{
	unsigned int copy, chosen;

	for (copy = 0; copy < PINFOLD_INFO_COPIES; copy++)
		copies[copy].verdict =
			pinfold_media_read(media, pinfold_info_offset(copy),
					   &blocks[copy], PINFOLD_INFO_SIZE) ?
			PINFOLD_UNREADABLE :
			pinfold_info_verify(&blocks[copy], copy, &ctx,
					    &copies[copy].info);
	return pinfold_info_choose(copies, &chosen) == PINFOLD_USE ?
		(int)chosen : -1;
}

static bool agree(const struct pinfold_copy *copies)
{
	return copies[0].verdict == PINFOLD_VALID &&
	       copies[1].verdict == PINFOLD_VALID &&
	       copies[0].info.seq == copies[1].info.seq;
}

static const char *check_table(struct pinfold_media *media)
{
	struct pinfold_remap_report report;
	struct pinfold_remap table;
	int err;

	if (pinfold_remap_alloc(&table, media, &layout))
		return "out of memory";
	err = pinfold_remap_load(&table, &report);
	err |= table.needs_mending;
	pinfold_remap_free(&table);
	return err ? "the table is announced, and not there" : NULL;
}

static const char *check(struct pinfold_media *media,
			 const struct pinfold_info *info, struct expect *expect)
{
	u32 i;

	for (i = 0; i < expect->nr; i++)
		if (expect->compat[i] == info->compat &&
		    expect->incompat[i] == info->incompat)
			break;
	if (i == expect->nr)
		return "the info block is neither the old nor the new one";
	expect->compat[0] = info->compat;
	expect->incompat[0] = info->incompat;
	expect->nr = 1;
	return info->incompat & PINFOLD_INCOMPAT_REMAP ? check_table(media) :
		NULL;
}

/* Is each word of the magic in its place, or zero? */
static bool magic_cleared(const struct pinfold_info_block *block)
{
	const u64 *found = (const u64 *)block->magic;
	u64 magic[2];

	memcpy(magic, PINFOLD_MAGIC, PINFOLD_MAGIC_LEN);
	return (!found[0] || found[0] == magic[0]) &&
	       (!found[1] || found[1] == magic[1]);
}

/*
 * Clearing poison leaves zeroes, and power may fail before copy 0 is written
 * again. Its place then looks as if the namespace were somebody else's. The
 * driver leaves it alone, and a person has to say that it is not, with
 * "pinfold check --repair --force": by this.
 */
static bool repair_copy0(struct pinfold_media *media,
			 const struct pinfold_copy *copies)
{
	struct pinfold_info_block *block = &blocks[1];

	pinfold_info_seal(block, 0);
	if (copies[0].verdict != PINFOLD_NO_MAGIC ||
	    copies[1].verdict != PINFOLD_VALID || !magic_cleared(&blocks[0]))
		return false;
	pinfold_media_write(media, PINFOLD_INFO0_OFFSET, block,
			    PINFOLD_INFO_SIZE);
	return !pinfold_media_fence(media);
}

/* What is to be done before the features are used: both copies announce them. */
static const char *recover(struct pinfold_media *media, void *expect)
{
	struct pinfold_copy copies[PINFOLD_INFO_COPIES];
	int chosen = read_copies(media, copies);
	const char *why;

	if (chosen < 0 && repair_copy0(media, copies))
		chosen = read_copies(media, copies);
	if (chosen < 0)
		return "no info block can be used";
	why = check(media, &copies[chosen].info, expect);
	if (why || agree(copies))
		return why;
	if (pinfold_info_update(media, &blocks[chosen], chosen))
		return "the info block cannot be completed";
	return NULL;
}

static void operate(struct crash *crash, void *p)
{
	struct pinfold_media *media = crash_media(crash);
	struct pinfold_copy copies[PINFOLD_INFO_COPIES];
	struct expect *expect = p;
	int chosen = read_copies(media, copies);

	if (chosen < 0)
		return;
	expect->nr = 2;
	expect->compat[1] = expect->compat[0];
	expect->incompat[1] = expect->incompat[0];
	if (crash_random_below(crash, 4)) {
		expect->compat[1]++;
		crash_expect(crash, "update", expect);
		blocks[chosen].compat = cpu_to_le64(expect->compat[1]);
		pinfold_info_update(media, &blocks[chosen], chosen);
	} else {
		expect->incompat[1] = PINFOLD_INCOMPAT_REMAP;
		crash_expect(crash, "activate", expect);
		pinfold_remap_activate(media, &layout, &blocks[chosen],
				       chosen);
	}
	expect->nr = 1;
	expect->compat[0] = expect->compat[1];
	expect->incompat[0] = expect->incompat[1];
}

/* One copy, if the other is whole. */
static bool poison(struct crash *crash, struct pinfold_media *media)
{
	struct pinfold_copy copies[PINFOLD_INFO_COPIES];
	unsigned int copy = crash_random_below(crash, PINFOLD_INFO_COPIES);
	unsigned int i;

	for (i = 0; i < PINFOLD_INFO_COPIES; i++)
		copies[i].verdict = pinfold_info_verify(media->base +
							pinfold_info_offset(i),
							i, &ctx,
							&copies[i].info);
	if (!agree(copies))
		return false;
	crash_poison_line(media, pinfold_info_offset(copy) +
			  crash_random_below(crash, PINFOLD_INFO_SIZE));
	return true;
}

const struct crash_structure crash_info = {
	.name = "info block",
	.windows = windows,
	.expect_size = sizeof(struct expect),
	.nr_ops = 12,
	.format = format,
	.attach = attach,
	.operate = operate,
	.detach = detach,
	.recover = recover,
	.poison = poison,
};
