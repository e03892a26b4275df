// SPDX-License-Identifier: GPL-2.0
/*
 * The remap table of an attached namespace: read and judged before anything is
 * shown. The I/O paths do not translate yet, so a namespace with pages that are
 * elsewhere than at home is refused.
 */
#include <linux/device.h>
#include <linux/libnvdimm.h>

#include <compat/nvdimm.h>

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
	if (pf->remap.nr_claimed) {
		dev_err(pf->dev, "not attached: %u of its pages are remapped to spare pages, which this driver cannot follow; use a pinfold that can\n",
			pf->remap.nr_claimed);
		return -ENODEV;
	}
	return 0;
}

/**
 * pinfold_open_remap() - read the remap table, if it is in use
 * @pf: namespace
 * @base: kernel address of the whole namespace
 * @res: its physical range
 *
 * Reads each mirror once: 2 MiB for each TiB, with the default spare area. The
 * caller frees @pf->remap, after an error, too.
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
	return err ? err : judge(pf);
}

/**
 * pinfold_mend_remap() - make both mirrors of the remap table whole again
 * @pf: namespace, whose disk is known to be writable
 *
 * Late, when that is known: no page depends on the table, see judge().
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
