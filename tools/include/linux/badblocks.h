/* SPDX-License-Identifier: GPL-2.0 */
/* No list of bad blocks on the host: what is bad shows when it is read. */
#ifndef _PINFOLD_HOST_LINUX_BADBLOCKS_H
#define _PINFOLD_HOST_LINUX_BADBLOCKS_H

#include <linux/types.h>

struct badblocks {
	int count;
};

static inline int badblocks_check(struct badblocks *bb, sector_t sector,
				  int sectors, sector_t *first_bad,
				  int *num_bad)
{
	(void)bb;
	(void)sector;
	(void)sectors;
	*first_bad = 0;
	*num_bad = 0;
	return 0;
}

static inline int badblocks_clear(struct badblocks *bb, sector_t sector,
				  int sectors)
{
	(void)bb;
	(void)sector;
	(void)sectors;
	return 0;
}

#endif /* _PINFOLD_HOST_LINUX_BADBLOCKS_H */
