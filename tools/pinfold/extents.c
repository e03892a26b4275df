// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <linux/align.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

#include "extents.h"

#define SECTOR_SIZE	512
#define BATCH		256
/* Deeper stacks of block devices than this do not occur. */
#define MAX_DEPTH	8

static bool has_pinfold(const char *sysdir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/pinfold", sysdir) >=
	    (int)sizeof(path))
		return false;
	return sysfs_exists(path);
}

/*
 * Turn a partition's directory into its disk's, and tell where it starts.
 * Return: 0 or a negative errno, without a message.
 */
static int partition_to_disk(char *sysdir, u64 *start)
{
	char path[PATH_MAX + 16];
	u64 sectors;
	int rc;

	*start = 0;
	snprintf(path, sizeof(path), "%s/partition", sysdir);
	if (!sysfs_exists(path))
		return 0;
	snprintf(path, sizeof(path), "%s/start", sysdir);
	rc = sysfs_read_u64(path, &sectors);
	if (rc)
		return rc;
	*start = sectors * SECTOR_SIZE;
	*strrchr(sysdir, '/') = '\0';
	return 0;
}

/* Is there a pinfold disk anywhere below this block device? */
static bool stands_on_pinfold(const char *sysdir, int depth)
{
	char path[PATH_MAX + 16], lower[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	u64 start;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/slaves", sysdir);
	dir = depth ? opendir(path) : NULL;
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/class/block/%s",
			 entry->d_name);
		if (!realpath(path, lower) || partition_to_disk(lower, &start))
			continue;
		found = has_pinfold(lower) ||
			stands_on_pinfold(lower, depth - 1);
	}
	closedir(dir);
	return found;
}

/* Data of a file in XFS's real-time section is on another device than st_dev. */
static bool on_realtime_device(int fd)
{
	struct fsxattr attr;

	return !ioctl(fd, FS_IOC_FSGETXATTR, &attr) &&
	       (attr.fsx_xflags & FS_XFLAG_REALTIME);
}

/**
 * extents_place() - find the pinfold disk below a file
 * @disk: name of the disk, NAME_LEN bytes, for PLACED_DIRECT
 * @start: where the file system starts on it
 */
enum placement extents_place(int fd, char *disk, u64 *start)
{
	char path[PATH_MAX], sysdir[PATH_MAX];
	struct stat st;

	if (fstat(fd, &st))
		return PLACED_ELSEWHERE;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(st.st_dev),
		 minor(st.st_dev));
	if (!realpath(path, sysdir) || partition_to_disk(sysdir, start))
		return PLACED_ELSEWHERE;
	if (on_realtime_device(fd))
		return PLACED_INDIRECT;
	if (has_pinfold(sysdir)) {
		snprintf(disk, NAME_LEN, "%.*s", NAME_LEN - 1,
			 basename(sysdir));
		return PLACED_DIRECT;
	}
	return stands_on_pinfold(sysdir, MAX_DEPTH) ? PLACED_INDIRECT :
		PLACED_ELSEWHERE;
}

/**
 * extents_add() - add a range, grown to the units that it touches
 * @logical: where it is in the file, or again on the disk
 */
int extents_add(struct extents *extents, u64 start, u64 end, u64 logical)
{
	struct extent *list = extents->list;

	if (start >= end)
		return 0;
	if (extents->nr == extents->room) {
		extents->room = extents->room ? 2 * extents->room : 64;
		list = realloc(list, extents->room * sizeof(*list));
		if (!list)
			return fail(NULL, "out of memory");
		extents->list = list;
	}
	list[extents->nr].start = ALIGN_DOWN(start, extents->unit);
	list[extents->nr].end = ALIGN(end, extents->unit);
	list[extents->nr].logical = ALIGN_DOWN(logical, extents->unit);
	extents->nr++;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct extent *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Sort, and join what overlaps or touches: no unit is counted twice. */
void extents_merge(struct extents *extents)
{
	struct extent *list = extents->list;
	size_t i, last = 0;

	if (!extents->nr)
		return;
	qsort(list, extents->nr, sizeof(*list), compare);
	for (i = 1; i < extents->nr; i++) {
		if (list[i].start > list[last].end)
			list[++last] = list[i];
		else if (list[i].end > list[last].end)
			list[last].end = list[i].end;
	}
	extents->nr = last + 1;
}

u64 extents_bytes(const struct extents *extents)
{
	u64 sum = 0;
	size_t i;

	for (i = 0; i < extents->nr; i++)
		sum += extents->list[i].end - extents->list[i].start;
	return sum;
}

void extents_free(struct extents *extents)
{
	free(extents->list);
	memset(extents, 0, sizeof(*extents));
}

/* An extent may stick out of the range that was asked for. */
static int add_mapped(struct extents *extents, const struct fiemap_extent *fe,
		      u64 offset, u64 end, u64 disk_start)
{
	u64 from = fe->fe_logical > offset ? fe->fe_logical : offset;
	u64 to = fe->fe_logical + fe->fe_length;
	u64 physical;

	/* Those have no place on the disk that could be mapped. */
	if (fe->fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
			    FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE))
		return 0;
	if (to > end)
		to = end;
	if (from >= to)
		return 0;
	physical = disk_start + fe->fe_physical + (from - fe->fe_logical);
	return extents_add(extents, physical, physical + (to - from), from);
}

static int fiemap_batch(int fd, const char *path, struct fiemap *map,
			u64 offset, u64 end)
{
	memset(map, 0, sizeof(*map));
	map->fm_start = offset;
	map->fm_length = end - offset;
	map->fm_flags = FIEMAP_FLAG_SYNC;
	map->fm_extent_count = BATCH;
	if (!ioctl(fd, FS_IOC_FIEMAP, map))
		return 0;
	return fail(path, "its file system does not tell where it is: %s",
		    strerror(errno));
}

/**
 * extents_of_file() - find where a part of a file is on the disk
 * @disk_start: where the file system starts on the disk
 * @extents: result, in the order of the file; holes have none
 */
int extents_of_file(int fd, const char *path, u64 offset, u64 length,
		    u64 disk_start, struct extents *extents)
{
	size_t size = sizeof(struct fiemap) +
		      BATCH * sizeof(struct fiemap_extent);
	struct fiemap *map = malloc(size);
	u64 at = offset, end = offset + length;
	unsigned int i;
	int rc = map ? 0 : fail(path, "out of memory");

	while (!rc && at < end) {
		const struct fiemap_extent *fe;

		rc = fiemap_batch(fd, path, map, at, end);
		if (rc || !map->fm_mapped_extents)
			break;
		for (i = 0; !rc && i < map->fm_mapped_extents; i++)
			rc = add_mapped(extents, &map->fm_extents[i], offset,
					end, disk_start);
		fe = &map->fm_extents[map->fm_mapped_extents - 1];
		if (fe->fe_flags & FIEMAP_EXTENT_LAST)
			break;
		at = fe->fe_logical + fe->fe_length;
	}
	free(map);
	return rc;
}
