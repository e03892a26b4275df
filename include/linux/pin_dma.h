/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of a pin for a device: Documentation/driver-api/long-term-dma.rst.
 */
#ifndef _LINUX_PIN_DMA_H
#define _LINUX_PIN_DMA_H

#include <linux/dma-direction.h>
#include <linux/pin_registry.h>

struct device;
struct sg_table;

int pin_map_sgt(struct pin_handle *pin, unsigned long first, unsigned long nr,
		struct device *dev, enum dma_data_direction dir,
		struct sg_table *sgt);
void pin_unmap_sgt(struct device *dev, enum dma_data_direction dir,
		   struct sg_table *sgt);

#endif /* _LINUX_PIN_DMA_H */
