/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_COMPAT_NVDIMM_H
#define _PINFOLD_HOST_COMPAT_NVDIMM_H

#include <linux/types.h>

struct device;

/* Return: bytes that are good now, or a negative errno; see libnvdimm.h. */
long nvdimm_clear_poison(struct device *dev, phys_addr_t phys,
			 unsigned int len);

#endif /* _PINFOLD_HOST_COMPAT_NVDIMM_H */
