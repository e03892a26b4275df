// SPDX-License-Identifier: GPL-2.0
/*
 * The remap table of an attached namespace: read and judged before anything is
 * shown, or taken into use when the first page is to move.
 */
#include <linux/device.h>
#include <linux/libnvdimm.h>
#include <linux/slab.h>

#include <compat/nvdimm.h>

#include "info_update.h"
#include "pinfold.h"

/* Bad blocks anywhere in the namespace: tables may be behind the data, too. */
static int init_media(struct pinfold *pf, void *base,
		      const struct resource *res)
{
	struct pinfold_media *media = &pf->media;
	const struct range range = { .start = res->start, .end = res->end };
	int err = devm_init_badblocks(pf->dev, &media->bb);

	if (err)
		return err;
	nvdimm_badblocks_populate(pf->region, &media->bb, &range);
	media->base = base;
	media->size = resource_size(res);
	media->phys = res->start;
	media->dev = pf->dev;
	media->region = pf->region;
	return 0;
}

static void report_corrupt(struct pinfold *pf,
			   const struct pinfold_remap_report *report)
{
	const char *name = dev_name(pf->dev);

	if (report->conflicts)
		dev_err(pf->dev, "not attached: two entries of its remap table claim page %llu; run: pinfold check %s\n",
			report->conflict_owner, name);
	else
		dev_err(pf->dev, "not attached: %u entries of its remap table are lost, the first is that of spare page %u; run: pinfold check %s\n",
			report->lost, report->first_lost, name);
}

/* Return: 0, or -ENODEV if the table forbids to attach, and the reason was told. */
static int judge(struct pinfold *pf)
{
	struct pinfold_remap_report report;

	if (pinfold_remap_load(&pf->remap, &report)) {
		report_corrupt(pf, &report);
		return -ENODEV;
	}
	return 0;
}

/* From here on pages may be elsewhere than at home. */
static int show_map(struct pinfold *pf)
{
	struct pinfold_map *map = pinfold_map_alloc(pf);

	if (!map)
		return -ENOMEM;
	/* Pairs with the accesses' READ_ONCE(): it is complete. */
	smp_store_release(&pf->map, map);
	return 0;
}

/**
 * pinfold_open_remap() - read the remap table, if it is in use
 * @pf: namespace
 * @base: kernel address of the whole namespace
 * @res: its physical range
 *
 * Reads each mirror once: 2 MiB for each TiB, with the default spare area. The
 * caller calls pinfold_close_remap(), after an error, too.
 *
 * Context: probe; may sleep.
 * Return: 0, -ENODEV if the namespace cannot be attached (the reason was told),
 * or -ENOMEM.
 */
int pinfold_open_remap(struct pinfold *pf, void *base,
		       const struct resource *res)
{
	struct pinfold_remap_layout layout;
	int err;

	if (!(pf->info.incompat & PINFOLD_INCOMPAT_REMAP) ||
	    !pinfold_remap_layout_init(&layout, &pf->info))
		return 0;
	err = init_media(pf, base, res);
	if (!err)
		err = pinfold_remap_alloc(&pf->remap, &pf->media, &layout);
	if (!err)
		err = judge(pf);
	return err ? err : show_map(pf);
}

/**
 * pinfold_close_remap() - forget the table
 * @pf: namespace that nobody accesses any more
 *
 * Context: process context.
 */
void pinfold_close_remap(struct pinfold *pf)
{
	pinfold_map_free(pf->map);
	pf->map = NULL;
	pinfold_remap_free(&pf->remap);
}

/* The chosen copy of the info block, as it is on the media. */
static int read_info(struct pinfold *pf, struct pinfold_info_block *block,
		     unsigned int *chosen)
{
	const struct pinfold_info_ctx ctx = { .ns_size = pf->media.size };
	struct pinfold_copy copies[PINFOLD_INFO_COPIES];
	unsigned int i;

	for (i = 0; i < PINFOLD_INFO_COPIES; i++) {
		if (pinfold_media_read(&pf->media, pinfold_info_offset(i),
				       block, sizeof(*block)))
			copies[i].verdict = PINFOLD_UNREADABLE;
		else
			copies[i].verdict = pinfold_info_verify(block, i, &ctx,
							&copies[i].info);
	}
	if (pinfold_info_choose(copies, chosen) != PINFOLD_USE ||
	    memcmp(copies[*chosen].info.uuid, pf->info.uuid,
		   sizeof(pf->info.uuid)))
		return -EIO;
	return pinfold_media_read(&pf->media, pinfold_info_offset(*chosen),
				  block, sizeof(*block));
}

static int activate(struct pinfold *pf,
		    const struct pinfold_remap_layout *layout)
{
	struct pinfold_info_block *block = kmalloc(sizeof(*block), GFP_KERNEL);
	unsigned int chosen;
	int err;

	if (!block)
		return -ENOMEM;
	err = read_info(pf, block, &chosen);
	if (!err)
		err = pinfold_remap_activate(&pf->media, layout, block, chosen);
	if (!err) {
		pf->info.incompat = le64_to_cpu(block->incompat);
		pf->info.seq = le64_to_cpu(block->seq);
		pf->valid_copies = PINFOLD_INFO_COPIES;
	}
	kfree(block);
	return err;
}

/* The table is on the media: have it in memory. */
static int load(struct pinfold *pf, const struct pinfold_remap_layout *layout)
{
	struct pinfold_remap_report report;
	int err = pinfold_remap_alloc(&pf->remap, &pf->media, layout);

	if (err)
		return err;
	if (pinfold_remap_load(&pf->remap, &report))
		err = -EIO;
	if (!err && pf->remap.needs_mending)
		err = pinfold_remap_mend(&pf->remap);
	if (!err)
		pinfold_adopt_badblocks(pf);
	if (!err)
		err = show_map(pf);
	if (err)
		pinfold_remap_free(&pf->remap);
	return err;
}

/**
 * pinfold_start_remap() - have a remap table that can be changed
 * @pf: writable namespace
 *
 * Nothing is written to the media if the table is in use and whole.
 *
 * Context: process context, may sleep; move_lock held.
 * Return: 0, -EOPNOTSUPP without a spare area, -ENOMEM, -EIO if the media cannot
 * be written, or -EROFS for a table that could not be mended.
 */
int pinfold_start_remap(struct pinfold *pf)
{
	struct pinfold_remap_layout layout;
	struct resource *res = &to_nd_namespace_io(pf->dev)->res;
	int err = 0;

	if (pf->map) {
		pinfold_mend_remap(pf);
		if (pf->remap.broken)
			return -EIO;
		return pf->remap.needs_mending ? -EROFS : 0;
	}
	if (!pinfold_remap_layout_init(&layout, &pf->info))
		return -EOPNOTSUPP;
	if (!pf->media.base)
		err = init_media(pf, pf->data - pf->info.geo.data_offset, res);
	if (!err)
		err = activate(pf, &layout);
	return err ? err : load(pf, &layout);
}

/**
 * pinfold_mend_remap() - make both mirrors of the remap table whole again
 * @pf: namespace, whose disk is known to be writable
 *
 * Late, when that is known. What a lookup says does not depend on it, and a power
 * failure before it finds what was found now.
 *
 * Context: probe; may sleep.
 */
void pinfold_mend_remap(struct pinfold *pf)
{
	if (!pf->remap.needs_mending)
		return;
	if (pinfold_remap_mend(&pf->remap))
		dev_warn(pf->dev, "remap table: one mirror is damaged, and cannot be rewritten; run: pinfold check %s\n",
			 dev_name(pf->dev));
	else
		dev_warn(pf->dev, "remap table: one mirror was damaged or behind, and is rewritten\n");
}
