/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_SLAB_H
#define _PINFOLD_HOST_LINUX_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL		0
#define kvcalloc(n, size, gfp)	calloc(n, size)
#define kvfree(p)		free(p)

#endif /* _PINFOLD_HOST_LINUX_SLAB_H */
