// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses of a device behind an IOMMU that stay, while the pages behind them move.
 *
 * The addresses are the DMA API's: a scatter list in which every entry is the same
 * scratch page is mapped, so that no two entries merge to a larger page of the IOMMU, and
 * given back in the end. In between each page's entry of the IOMMU's page table is
 * exchanged below the DMA API. The tables themselves stay, because no call takes out as
 * much as a table covers: an entry can be set again without memory.
 */
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pin_dma.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <compat/iommu.h>

#include "registry.h"

/* Loops over pages of a table, in process context. */
#define PIN_IOVA_MAX	(SZ_1G >> PAGE_SHIFT)
#define PIN_IOVA_BATCH	1024UL

/**
 * struct pin_iova - a range of addresses of a device
 * @dev: device, the caller's
 * @domain: of the DMA API for @dev; stays while a driver is bound to it
 * @scratch: page that is behind all addresses while the DMA API gives them out or takes
 *	them back, and never else
 * @sgt: as mapped by the DMA API
 * @addr: of the first page
 * @nr: number of pages
 * @dir: how the device accesses them
 * @mapped: bit for each page: something is behind the address
 */
struct pin_iova {
	struct device *dev;
	struct iommu_domain *domain;
	struct page *scratch;
	struct sg_table sgt;
	dma_addr_t addr;
	unsigned long nr;
	enum dma_data_direction dir;
	unsigned long mapped[];
};

/*
 * An IOMMU without tables in memory sends a message to change an entry, which may fail
 * where a prepare and a revoke must not.
 */
static bool has_tables(struct device *dev)
{
	struct device *iommu = dev->iommu->iommu_dev->dev;

	return !iommu || !iommu->parent || !iommu->parent->bus ||
		strcmp(iommu->parent->bus->name, "virtio");
}

static bool is_trusted(struct device *dev)
{
	return !dev_is_pci(dev) || !to_pci_dev(dev)->untrusted;
}

/* The domain, if it is the DMA API's, with pages as the kernel has them. */
static struct iommu_domain *dma_domain(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	const unsigned int type = __IOMMU_DOMAIN_PAGING |
				  __IOMMU_DOMAIN_DMA_API;

	if (!domain || (domain->type & type) != type)
		return NULL;
	if (!(domain->pgsize_bitmap & PAGE_SIZE) ||
	    !domain->ops->flush_iotlb_all)
		return NULL;
	/* An incoherent device would need its caches looked after at each map. */
	if (!dev_is_dma_coherent(dev) || !is_trusted(dev) || !has_tables(dev))
		return NULL;
	return domain;
}

static int prot_of(const struct pin_iova *iova)
{
	switch (iova->dir) {
	case DMA_TO_DEVICE:
		return IOMMU_CACHE | IOMMU_READ;
	case DMA_FROM_DEVICE:
		return IOMMU_CACHE | IOMMU_WRITE;
	default:
		return IOMMU_CACHE | IOMMU_READ | IOMMU_WRITE;
	}
}

static int map_page(struct pin_iova *iova, unsigned long i, struct page *page,
		    int prot)
{
	int err = compat_iommu_map(iova->domain, pin_iova_addr(iova, i),
				   page_to_phys(page), PAGE_SIZE, prot);

	if (!err)
		set_bit(i, iova->mapped);
	return err;
}

/*
 * One piece, as the addresses of a list are if there are no bounce buffers, and nothing
 * but the scratch page behind it?
 */
static bool is_plain(struct pin_iova *iova)
{
	dma_addr_t end = sg_dma_address(iova->sgt.sgl);
	struct scatterlist *sg;
	unsigned long i;

	iova->addr = end;
	for_each_sgtable_dma_sg(&iova->sgt, sg, i) {
		if (sg_dma_address(sg) != end)
			return false;
		end += sg_dma_len(sg);
	}
	if (!PAGE_ALIGNED(iova->addr) ||
	    end - iova->addr != iova->nr << PAGE_SHIFT)
		return false;
	for (i = 0; i < iova->nr; i++) {
		if (iommu_iova_to_phys(iova->domain, pin_iova_addr(iova, i)) !=
		    page_to_phys(iova->scratch))
			return false;
		if (!(i % PIN_IOVA_BATCH))
			cond_resched();
	}
	return true;
}

/* The device may read it, at most: whatever it does there is a mistake. */
static int map_scratch(struct pin_iova *iova)
{
	struct scatterlist *sg;
	unsigned long i;
	int err;

	err = sg_alloc_table(&iova->sgt, iova->nr, GFP_KERNEL);
	if (err)
		return err;
	for_each_sgtable_sg(&iova->sgt, sg, i)
		sg_set_page(sg, iova->scratch, PAGE_SIZE, 0);
	err = dma_map_sgtable(iova->dev, &iova->sgt, DMA_TO_DEVICE,
			      DMA_ATTR_SKIP_CPU_SYNC);
	if (err)
		goto free;
	if (is_plain(iova)) {
		bitmap_fill(iova->mapped, iova->nr);
		return 0;
	}
	err = -EOPNOTSUPP;
	dma_unmap_sgtable(iova->dev, &iova->sgt, DMA_TO_DEVICE,
			  DMA_ATTR_SKIP_CPU_SYNC);
free:
	sg_free_table(&iova->sgt);
	return err;
}

/**
 * pin_iova_alloc() - get addresses for a device
 * @dev: device, with a driver that stays bound until pin_iova_free()
 * @nr: number of pages
 * @dir: how the device will access them
 *
 * Nothing is behind them at first.
 *
 * Context: Process context, may sleep and reclaim: not in a callback.
 * Return: the addresses; or an ERR_PTR(): -EOPNOTSUPP if there is no IOMMU that
 * translates for @dev by means of the DMA API, one without tables in memory, or a device
 * that is not trusted or not coherent (use pin_map_sgt() then), -EINVAL for no pages or
 * more than 1 GiB, -ENOMEM, or an error of the DMA API.
 */
struct pin_iova *pin_iova_alloc(struct device *dev, unsigned long nr,
				enum dma_data_direction dir)
{
	struct iommu_domain *domain = dma_domain(dev);
	struct pin_iova *iova;
	int err = -ENOMEM;

	if (!nr || nr > PIN_IOVA_MAX || !valid_dma_direction(dir))
		return ERR_PTR(-EINVAL);
	if (!domain)
		return ERR_PTR(-EOPNOTSUPP);
	iova = kvzalloc(struct_size(iova, mapped, BITS_TO_LONGS(nr)),
			GFP_KERNEL);
	if (!iova)
		return ERR_PTR(-ENOMEM);
	iova->dev = dev;
	iova->domain = domain;
	iova->nr = nr;
	iova->dir = dir;
	iova->scratch = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!iova->scratch)
		goto free;
	err = map_scratch(iova);
	if (err)
		goto free_scratch;
	pin_iova_unmap(iova, 0, nr);
	return iova;

free_scratch:
	__free_page(iova->scratch);
free:
	kvfree(iova);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(pin_iova_alloc);

/**
 * pin_iova_addr() - address of a page
 * @iova: addresses
 * @index: of the page
 *
 * Context: Any.
 * Return: the address, which stays until pin_iova_free().
 */
dma_addr_t pin_iova_addr(const struct pin_iova *iova, unsigned long index)
{
	return iova->addr + (index << PAGE_SHIFT);
}
EXPORT_SYMBOL_GPL(pin_iova_addr);

/**
 * pin_iova_map() - put pages of a pin behind addresses
 * @iova: addresses
 * @index: of the first address, behind which there is nothing, nor behind the others
 * @pin: pin of the caller
 * @first: index of the first page in it
 * @nr: number of pages
 *
 * Behind the address of a page that was revoked, or lost in a move, there is nothing
 * afterwards either.
 *
 * The caller makes sure that none of the pages moves or goes meanwhile, as for
 * pin_map_sgt(), and that nobody else is at the same addresses.
 *
 * Context: Any in which callbacks of the pin may run, commit and abort themselves above
 * all: does not sleep, and needs no memory.
 * Return: how many pages are there; or -EINVAL for a range that is not in @pin or @iova,
 * -EACCES if the device would write and the pin must not, -EEXIST if something is behind
 * an address (all of these change nothing), or an error of the IOMMU's driver: nothing
 * is behind the addresses then.
 */
long pin_iova_map(struct pin_iova *iova, unsigned long index,
		  struct pin_handle *pin, unsigned long first, unsigned long nr)
{
	unsigned long i;
	long there = 0;
	int err;

	if (!nr || first >= pin->nr || nr > pin->nr - first ||
	    index >= iova->nr || nr > iova->nr - index)
		return -EINVAL;
	if (iova->dir != DMA_TO_DEVICE && !(pin->flags & PIN_WRITE))
		return -EACCES;
	if (find_next_bit(iova->mapped, index + nr, index) < index + nr)
		return -EEXIST;
	if (READ_ONCE(pin->state) & PIN_ENDED)
		return 0;
	for (i = 0; i < nr; i++) {
		struct page *page = READ_ONCE(pin->pages[first + i]);

		if (!pin_has_page(page))
			continue;
		err = map_page(iova, index + i, page, prot_of(iova));
		if (err) {
			pin_iova_unmap(iova, index, nr);
			return err;
		}
		there++;
	}
	return there;
}
EXPORT_SYMBOL_GPL(pin_iova_map);

/**
 * pin_iova_unmap() - let nothing be behind addresses
 * @iova: addresses
 * @index: of the first page
 * @nr: number of pages, behind whose addresses there need not be anything
 *
 * The device does not get at the pages any more on return: whatever it tries is a fault of
 * the IOMMU. Entries go one by one, or tables might be freed that a map needs. The IOMMU's
 * cache is emptied for the whole domain, as the DMA API's flush queue has it: for part of
 * it, 6.1 (VT-d, first level) forgets pages of a range that does not start at a multiple of
 * its size.
 *
 * Context: as for pin_iova_map(): for prepare and revoke.
 */
void pin_iova_unmap(struct pin_iova *iova, unsigned long index,
		    unsigned long nr)
{
	struct iommu_iotlb_gather gather;
	bool flush = false;
	unsigned long i;

	if (WARN_ON_ONCE(index > iova->nr || nr > iova->nr - index))
		return;
	iommu_iotlb_gather_init(&gather);
	gather.queued = true;
	for (i = index; i < index + nr; i++) {
		if (!test_and_clear_bit(i, iova->mapped))
			continue;
		WARN_ON_ONCE(iommu_unmap_fast(iova->domain,
					      pin_iova_addr(iova, i), PAGE_SIZE,
					      &gather) != PAGE_SIZE);
		flush = true;
	}
	if (flush)
		iommu_flush_iotlb_all(iova->domain);
}
EXPORT_SYMBOL_GPL(pin_iova_unmap);

/**
 * pin_iova_free() - give addresses back
 * @iova: addresses; the device does not use them any more
 *
 * Context: Process context, may sleep; while the driver is bound.
 */
void pin_iova_free(struct pin_iova *iova)
{
	unsigned long i;

	for (i = 0; i < iova->nr; i += PIN_IOVA_BATCH) {
		pin_iova_unmap(iova, i, min(iova->nr - i, PIN_IOVA_BATCH));
		cond_resched();
	}
	for (i = 0; i < iova->nr; i++) {
		/*
		 * The DMA API would stop at a hole, and give addresses out again that
		 * are in use: better to keep them.
		 */
		if (WARN_ON_ONCE(map_page(iova, i, iova->scratch,
					  IOMMU_CACHE | IOMMU_READ)))
			return;
		if (!(i % PIN_IOVA_BATCH))
			cond_resched();
	}
	dma_unmap_sgtable(iova->dev, &iova->sgt, DMA_TO_DEVICE,
			  DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&iova->sgt);
	__free_page(iova->scratch);
	kvfree(iova);
}
EXPORT_SYMBOL_GPL(pin_iova_free);
