/* SPDX-License-Identifier: GPL-2.0 */
/* iommu_map() took no allocation flags until 6.3; a function of its own did not sleep. */
#ifndef _COMPAT_IOMMU_H
#define _COMPAT_IOMMU_H

#include <linux/iommu.h>

/* Does not sleep. */
static inline int compat_iommu_map(struct iommu_domain *domain,
				   unsigned long iova, phys_addr_t paddr,
				   size_t size, int prot)
{
#if PINFOLD_HAVE_IOMMU_MAP_GFP
	return iommu_map(domain, iova, paddr, size, prot,
			 GFP_ATOMIC | __GFP_NOWARN);
#else
	return iommu_map_atomic(domain, iova, paddr, size, prot);
#endif
}

#endif /* _COMPAT_IOMMU_H */
