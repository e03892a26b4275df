/* SPDX-License-Identifier: GPL-2.0 */
/* Where on a pinfold disk a file's data is. */
#ifndef _PINFOLD_TOOL_EXTENTS_H
#define _PINFOLD_TOOL_EXTENTS_H

#include "namespace.h"

struct extent {
	u64 start;
	u64 end;
};

/**
 * struct extents - ranges of the disk in whole chunks, sorted, none touching
 */
struct extents {
	struct extent *list;
	size_t nr;
	size_t room;
};

/**
 * enum placement - how a file lies on pinfold
 * @PLACED_DIRECT: the file system is on the disk or on a partition of it
 * @PLACED_INDIRECT: another block device is in between
 * @PLACED_ELSEWHERE: no pinfold disk is below
 */
enum placement { PLACED_DIRECT, PLACED_INDIRECT, PLACED_ELSEWHERE };

enum placement extents_place(int fd, char *disk, u64 *start);
int extents_of_file(int fd, const char *path, u64 offset, u64 length,
		    u64 disk_start, struct extents *extents);
int extents_add(struct extents *extents, u64 start, u64 end);
void extents_merge(struct extents *extents);
u64 extents_bytes(const struct extents *extents);
void extents_free(struct extents *extents);

#endif /* _PINFOLD_TOOL_EXTENTS_H */
