/* SPDX-License-Identifier: GPL-2.0 */
/* Where on a pinfold disk a file's data is. */
#ifndef _PINFOLD_TOOL_EXTENTS_H
#define _PINFOLD_TOOL_EXTENTS_H

#include "namespace.h"

/**
 * struct extent - a range of the disk
 * @start: its start
 * @end: behind it
 * @logical: where it is in the file; of no meaning after extents_merge()
 */
struct extent {
	u64 start;
	u64 end;
	u64 logical;
};

/**
 * struct extents - ranges of the disk, in whole units
 * @unit: a power of two: chunks or pages
 * @list: array
 * @nr: its length
 * @room: what is allocated for it
 */
struct extents {
	u64 unit;
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
int extents_add(struct extents *extents, u64 start, u64 end, u64 logical);
void extents_merge(struct extents *extents);
u64 extents_bytes(const struct extents *extents);
void extents_free(struct extents *extents);

#endif /* _PINFOLD_TOOL_EXTENTS_H */
