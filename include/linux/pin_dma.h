/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages of a pin for a device: Documentation/driver-api/long-term-dma.rst.
 */
#ifndef _LINUX_PIN_DMA_H
#define _LINUX_PIN_DMA_H

#include <linux/dma-direction.h>
#include <linux/err.h>
#include <linux/pin_registry.h>
#include <linux/types.h>

struct device;
struct pin_iova;
struct sg_table;

int pin_map_sgt(struct pin_handle *pin, unsigned long first, unsigned long nr,
		struct device *dev, enum dma_data_direction dir,
		struct sg_table *sgt);
void pin_unmap_sgt(struct device *dev, enum dma_data_direction dir,
		   struct sg_table *sgt);

#ifdef CONFIG_IOMMU_API
struct pin_iova *pin_iova_alloc(struct device *dev, unsigned long nr,
				enum dma_data_direction dir);
dma_addr_t pin_iova_addr(const struct pin_iova *iova, unsigned long index);
long pin_iova_map(struct pin_iova *iova, unsigned long index,
		  struct pin_handle *pin, unsigned long first, unsigned long nr);
void pin_iova_unmap(struct pin_iova *iova, unsigned long index,
		    unsigned long nr);
void pin_iova_free(struct pin_iova *iova);
#else
static inline struct pin_iova *pin_iova_alloc(struct device *dev,
					      unsigned long nr,
					      enum dma_data_direction dir)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline dma_addr_t pin_iova_addr(const struct pin_iova *iova,
				       unsigned long index)
{
	return 0;
}

static inline long pin_iova_map(struct pin_iova *iova, unsigned long index,
				struct pin_handle *pin, unsigned long first,
				unsigned long nr)
{
	return -EOPNOTSUPP;
}

static inline void pin_iova_unmap(struct pin_iova *iova, unsigned long index,
				  unsigned long nr)
{
}

static inline void pin_iova_free(struct pin_iova *iova)
{
}
#endif

#endif /* _LINUX_PIN_DMA_H */
