// SPDX-License-Identifier: GPL-2.0
/*
 * Pages of a pin as a device sees them.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pin_dma.h>
#include <linux/scatterlist.h>

#include "registry.h"

/* Nobody changes the array: see below. */
static bool all_there(const struct pin_handle *pin, unsigned long first,
		      unsigned long nr)
{
	unsigned long i;

	if (READ_ONCE(pin->state) & PIN_ENDED)
		return false;
	for (i = first; i < first + nr; i++) {
		if (!pin_has_page(READ_ONCE(pin->pages[i])))
			return false;
	}
	return true;
}

/**
 * pin_map_sgt() - map pages of a pin for a device
 * @pin: pin of the caller
 * @first: index of the first page
 * @nr: number of pages
 * @dev: device that is going to access them
 * @dir: how; anything but DMA_TO_DEVICE needs PIN_WRITE
 * @sgt: the table, made here; adjacent pages become one entry
 *
 * The caller makes sure that none of the pages moves or goes meanwhile: a prepare or
 * revoke of them that begins now does not end before this has returned and the table
 * has been found by it. Before a prepare is agreed to, or a revoke returns, the table is
 * given back: a bounce buffer would be copied to the old page otherwise.
 *
 * Context: Process context, may sleep and reclaim: not in a callback.
 * Return: 0, -EINVAL for an empty range or one that is not in the pin, -EACCES, -ENXIO
 * if a page was revoked, or an error of the DMA API, -ENOMEM.
 */
int pin_map_sgt(struct pin_handle *pin, unsigned long first, unsigned long nr,
		struct device *dev, enum dma_data_direction dir,
		struct sg_table *sgt)
{
	int err;

	if (!nr || nr > UINT_MAX || first + nr < first || first + nr > pin->nr)
		return -EINVAL;
	if (dir != DMA_TO_DEVICE && !(pin->flags & PIN_WRITE))
		return -EACCES;
	if (!all_there(pin, first, nr))
		return -ENXIO;
	err = sg_alloc_table_from_pages_segment(sgt, pin->pages + first, nr, 0,
						nr << PAGE_SHIFT,
						dma_get_max_seg_size(dev),
						GFP_KERNEL);
	if (err)
		return err;
	err = dma_map_sgtable(dev, sgt, dir, 0);
	if (err)
		sg_free_table(sgt);
	return err;
}
EXPORT_SYMBOL_GPL(pin_map_sgt);

/**
 * pin_unmap_sgt() - the device has done with what pin_map_sgt() mapped
 * @dev: device
 * @dir: as for pin_map_sgt()
 * @sgt: table, freed
 *
 * What was in a bounce buffer is in the pages on return.
 *
 * Context: Process context; may be called by a callback of the pin.
 */
void pin_unmap_sgt(struct device *dev, enum dma_data_direction dir,
		   struct sg_table *sgt)
{
	dma_unmap_sgtable(dev, sgt, dir, 0);
	sg_free_table(sgt);
}
EXPORT_SYMBOL_GPL(pin_unmap_sgt);
