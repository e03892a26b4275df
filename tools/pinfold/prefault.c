// SPDX-License-Identifier: GPL-2.0
/*
 * Give a file, or a range of a namespace, its struct pages before anyone
 * touches it. Where the place of the file's data on the disk is known the driver
 * is asked for exactly those chunks; with device-mapper in between, the file is
 * mapped and touched instead.
 */
#define _GNU_SOURCE	/* statx */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/pinfold.h>

#include "command.h"
#include "extents.h"
#include "output.h"
#include "progress.h"
#include "target.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#endif

/* Short enough to hear ^C and to show progress, long enough for huge spans. */
#define SLICE		(256ULL * 1024 * 1024)

static int fail_step(const struct progress *progress, int error)
{
	char done[64];

	format_size(progress->result, done, sizeof(done));
	if (interrupted())
		return fail(progress->thing, "interrupted; %s is done and stays, run it again for the rest",
			    done);
	if (error == ENOSPC)
		return fail(progress->thing, "the budget is used up after %s; 'pinfold set-budget' raises it, 'pinfold trim' frees some",
			    done);
	if (error == ENOTTY)
		return fail(progress->thing, "the loaded driver cannot prefault; 'pinfold version' shows it");
	return fail(progress->thing, "failed after %s: %s; 'dmesg' may tell why",
		    done, strerror(error));
}

/* How long a small one takes is not worth a line. */
static void show_progress(const struct progress *progress)
{
	if (progress->total <= SLICE)
		return;
	progress_show(progress);
	if (progress->done == progress->total)
		progress_end(progress);
}

static int prefault_slice(int fd, u64 start, u64 len, struct progress *progress)
{
	struct pinfold_range range = { .offset = start, .length = len };
	int error = 0;

	if (ioctl(fd, PINFOLD_IOC_PREFAULT, &range))
		error = errno;
	progress->result += range.populated;
	if (error || interrupted())
		return fail_step(progress, error);
	progress->done += len;
	show_progress(progress);
	return 0;
}

static int prefault_extent(int fd, const struct extent *extent,
			   struct progress *progress)
{
	u64 at = extent->start;

	while (at < extent->end) {
		u64 left = extent->end - at;
		u64 step = left < SLICE ? left : SLICE;

		if (prefault_slice(fd, at, step, progress))
			return -1;
		at += step;
	}
	return 0;
}

static int prefault_extents(const char *disk, const struct extents *extents,
			    struct progress *progress)
{
	int fd = target_open_disk(disk, progress->thing);
	int rc = 0;
	size_t i;

	if (fd < 0)
		return -1;
	progress->total = extents_bytes(extents);
	show_progress(progress);
	for (i = 0; i < extents->nr && !rc; i++)
		rc = prefault_extent(fd, &extents->list[i], progress);
	close(fd);
	return rc;
}

static int touch_slice(int fd, u64 offset, u64 len, struct progress *progress)
{
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, offset);
	int error = 0;

	if (map == MAP_FAILED)
		return fail(progress->thing, "cannot be mapped: %s",
			    strerror(errno));
	if (madvise(map, len, MADV_POPULATE_READ))
		error = errno;
	munmap(map, len);
	if (!error)
		progress->result += len;
	if (error || interrupted())
		return fail_step(progress, error);
	progress->done += len;
	show_progress(progress);
	return 0;
}

static int touch_file(int fd, const struct range *range,
		      struct progress *progress)
{
	u64 mask = sysconf(_SC_PAGESIZE) - 1;
	u64 at = range->offset & ~mask;
	u64 end = range->offset + range->length;

	progress->total = end - at;
	while (at < end) {
		u64 left = end - at;
		u64 step = left < SLICE ? left : SLICE;

		if (touch_slice(fd, at, step, progress))
			return -1;
		at += step;
	}
	return 0;
}

static int report_file(const char *path, const char *disk, size_t nr_ranges,
		       const struct progress *progress)
{
	struct json_object *object = json_object_new_object();

	put_string(object, "file", path);
	put_string(object, "method", disk ? "extents" : "mmap");
	if (disk) {
		put_string(object, "blockdev", disk);
		put_count(object, "ranges", nr_ranges);
		put_size(object, "populated", progress->result);
	} else {
		put_size(object, "mapped", progress->result);
	}
	return print_json(object);
}

static int prefault_direct(int fd, const char *path, const struct range *range,
			   const char *disk, u64 disk_start)
{
	struct progress progress = { .thing = path };
	struct extents extents = { .unit = PINFOLD_CHUNK_SIZE };
	int rc;

	rc = extents_of_file(fd, path, range->offset, range->length, disk_start,
			     &extents);
	extents_merge(&extents);
	if (!rc)
		rc = prefault_extents(disk, &extents, &progress);
	if (!rc)
		rc = report_file(path, disk, extents.nr, &progress);
	extents_free(&extents);
	return rc;
}

static int prefault_mapped(int fd, const char *path, const struct range *range)
{
	struct progress progress = { .thing = path };

	if (touch_file(fd, range, &progress))
		return -1;
	return report_file(path, NULL, 0, &progress);
}

/* Without DAX the file's pages are in the page cache: ours would be wasted. */
static int require_dax(int fd, const char *path)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st))
		return fail(path, "%s", strerror(errno));
	if (!(st.stx_attributes_mask & STATX_ATTR_DAX) ||
	    (st.stx_attributes & STATX_ATTR_DAX))
		return 0;
	return fail(path, "is not accessed with DAX; mount its file system with '-o dax=always'");
}

static int prefault_opened(int fd, const char *path, struct range *range)
{
	char disk[NAME_LEN];
	u64 start;

	switch (extents_place(fd, disk, &start)) {
	case PLACED_DIRECT:
		if (require_dax(fd, path) || require_privileges(path))
			return -1;
		return prefault_direct(fd, path, range, disk, start);
	case PLACED_INDIRECT:
		if (require_dax(fd, path))
			return -1;
		return prefault_mapped(fd, path, range);
	case PLACED_ELSEWHERE:
		break;
	}
	return target_elsewhere(path);
}

static int prefault_file(const char *path, struct range *range)
{
	int fd = target_open_file(path, range);
	int rc;

	if (fd < 0)
		return -1;
	rc = prefault_opened(fd, path, range);
	close(fd);
	return rc;
}

static int report_ns(const struct ns *ns, const struct progress *progress)
{
	struct json_object *object = json_object_new_object();

	put_string(object, "dev", ns->name);
	put_string(object, "blockdev", ns->disk);
	put_size(object, "populated", progress->result);
	return print_json(object);
}

static int prefault_ns(const char *name, struct range *range)
{
	struct extents extents = { .unit = PINFOLD_CHUNK_SIZE };
	struct progress progress = {};
	struct ns ns;
	int rc;

	if (target_find_ns(name, &ns) || target_clip_ns(&ns, range))
		return -1;
	progress.thing = ns.name;
	rc = extents_add(&extents, range->offset,
			 range->offset + range->length, range->offset);
	if (!rc)
		rc = prefault_extents(ns.disk, &extents, &progress);
	if (!rc)
		rc = report_ns(&ns, &progress);
	extents_free(&extents);
	return rc;
}

/* "OFFSET:LENGTH" or "OFFSET", with the suffixes of sizes. */
static int parse_range(const char *text, struct range *range)
{
	const char *colon = strchr(text, ':');
	char offset[32];

	if (!colon)
		return parse_size(text, &range->offset);
	if (snprintf(offset, sizeof(offset), "%.*s", (int)(colon - text),
		     text) >= (int)sizeof(offset))
		return -1;
	return parse_size(offset, &range->offset) ||
	       parse_size(colon + 1, &range->length) ? -1 : 0;
}

int cmd_prefault(const struct command *cmd, int argc, char **argv)
{
	struct range range = { .length = ~0ULL };
	const char *text = NULL;
	const struct option_def options[] = {
		{ "range", 'r', OPTION_STRING, &text, "OFFSET:LENGTH",
		  "only this part of the file or namespace" },
		OPTION_HUMAN,
		OPTION_END,
	};
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	if (text && parse_range(text, &range))
		usage_error(cmd, "--range %s: not OFFSET:LENGTH such as 1G:64M",
			    text);
	catch_interrupt();
	if (target_is_ns(argv[0]))
		rc = prefault_ns(argv[0], &range);
	else
		rc = prefault_file(argv[0], &range);
	return rc ? EXIT_FAIL : EXIT_OK;
}
