/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that libnvdimm exports to its namespace drivers without publishing
 * a header. The prototypes are copied from drivers/nvdimm/nd.h, where they are
 * the same in the whole supported range (but for a const that the ABI does not
 * see). Nothing checks them: compare again before the range is extended.
 */
#ifndef _PINFOLD_COMPAT_NVDIMM_H
#define _PINFOLD_COMPAT_NVDIMM_H

#include <linux/badblocks.h>
#include <linux/libnvdimm.h>
#include <linux/nd.h>
#include <linux/ndctl.h>
#include <linux/range.h>
#include <linux/uuid.h>

/*
 * Since 6.12.93 nvdimm_flush() may say that it completes the bio itself; what
 * it returns before that is 0 or negative.
 */
#ifndef NVDIMM_FLUSH_ASYNC
#define NVDIMM_FLUSH_ASYNC	1
#endif

struct gendisk;

struct nd_namespace_common *nvdimm_namespace_common_probe(struct device *dev);
const char *nvdimm_namespace_disk_name(struct nd_namespace_common *ndns,
				       char *name);
const uuid_t *nd_dev_to_uuid(struct device *dev);
unsigned int pmem_sector_size(struct nd_namespace_common *ndns);
void nvdimm_check_and_set_ro(struct gendisk *disk);

int devm_namespace_enable(struct device *dev, struct nd_namespace_common *ndns,
			  resource_size_t size);
void devm_namespace_disable(struct device *dev,
			    struct nd_namespace_common *ndns);

void nvdimm_badblocks_populate(struct nd_region *nd_region,
			       struct badblocks *bb, const struct range *range);
long nvdimm_clear_poison(struct device *dev, phys_addr_t phys,
			 unsigned int len);

bool is_nd_btt(struct device *dev);
bool is_nd_pfn(struct device *dev);
bool is_nd_dax(const struct device *dev);

#endif /* _PINFOLD_COMPAT_NVDIMM_H */
