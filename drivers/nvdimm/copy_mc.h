/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_COPY_MC_H
#define _PINFOLD_COPY_MC_H

#include <linux/types.h>

unsigned long copy_mc_flushcache(void *dst, const void *src, size_t len);

#endif /* _PINFOLD_COPY_MC_H */
