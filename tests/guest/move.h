/* SPDX-License-Identifier: GPL-2.0 */
/* Moving pages of the media. */
#ifndef _PF_GUEST_MOVE_H
#define _PF_GUEST_MOVE_H

#include <stdint.h>

/*
 * What became of it, added up over calls; of the first page that failed, why; of the
 * last one that lost something, what.
 */
struct move_result {
	unsigned long calls;
	unsigned long moved;
	unsigned long failed;
	uint64_t offset;
	int error;
	char blocker[48];
	unsigned long lost;
	uint64_t lost_offset;
	unsigned int lost_sectors;
};

/* One request, in as many calls as it takes. Return: 0 or an errno. */
int move_range(int disk, int op, uint64_t offset, uint64_t len,
	       struct move_result *r);
/* Where a page of a file is on its device, in bytes. */
uint64_t extent_of(int fd, uint64_t page);

#endif
