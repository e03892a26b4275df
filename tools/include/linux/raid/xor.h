/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_RAID_XOR_H
#define _PINFOLD_HOST_LINUX_RAID_XOR_H

#include <linux/types.h>

#define MAX_XOR_BLOCKS	4

static inline void xor_blocks(unsigned int count, unsigned int bytes,
			      void *dest, void **srcs)
{
	u64 *d = dest;
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		const u64 *s = srcs[i];

		for (j = 0; j < bytes / sizeof(*d); j++)
			d[j] ^= s[j];
	}
}

#endif /* _PINFOLD_HOST_LINUX_RAID_XOR_H */
