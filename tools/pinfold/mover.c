// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/align.h>

#include "busy.h"
#include "mover.h"

#define NSEC_PER_SEC	1000000000.0
/* With a rate, that many calls in a second, and looks for ^C. */
#define STEPS_PER_SEC	8

static u64 range_end(const struct mover *mover)
{
	return mover->range.offset + mover->range.length;
}

/* Where the command has to go on if it ends here. */
static const char *how_to_go_on(const struct mover *mover, u64 at, char *buf,
				size_t len)
{
	snprintf(buf, len, "pinfold %s --offset %llu --length %llu %s",
		 mover->command, at, range_end(mover) - at,
		 mover->progress.thing);
	return buf;
}

static bool has_spare_area(const struct ns *ns)
{
	u64 size;

	return ns_read_u64(ns, "pinfold_media", "spare_size", &size) || size;
}

static int fail_unsupported(const struct mover *mover)
{
	const char *thing = mover->progress.thing;

	if (!has_spare_area(mover->ns))
		return fail(thing, "%s has no spare area that pages could move to; 'pinfold create --spare SIZE' makes one, and destroys what is on it",
			    mover->ns->name);
	return fail(thing, "an XFS with the reflink feature is on %s, where a page may belong to several files; 'mkfs.xfs -m reflink=0' makes one whose pages can move",
		    mover->ns->name);
}

static int fail_busy(const struct mover *mover)
{
	char why[BUSY_WHY_LEN];
	const char *disk = mover->ns->disk;

	if (!busy_explain(disk, why, sizeof(why)))
		snprintf(why, sizeof(why),
			 "is in use; 'lsof /dev/%s' may tell by whom", disk);
	return fail(mover->progress.thing, "/dev/%s %s: only ext2, ext3, ext4 and XFS, on the disk itself or its partitions, can be asked for their pages",
		    disk, why);
}

/* Why the driver ended; what is left of the range begins at @at. */
static int fail_call(const struct mover *mover, u64 at, int error)
{
	const char *thing = mover->progress.thing;
	char moved[64], rest[PATH_MAX + 128];

	progress_end(&mover->progress);
	format_size(mover->progress.result, moved, sizeof(moved));
	how_to_go_on(mover, at, rest, sizeof(rest));
	switch (error) {
	case EINTR:
		return fail(thing, "interrupted after %s; to go on: %s", moved,
			    rest);
	case ENOSPC:
		return fail(thing, "no spare page is free, after %s; 'pinfold restore' frees some, 'pinfold create' with a larger --spare has more; to go on: %s",
			    moved, rest);
	case EOPNOTSUPP:
		return fail_unsupported(mover);
	case EBUSY:
		return fail_busy(mover);
	case EROFS:
		return fail(thing, "/dev/%s is read-only; 'dmesg' tells why",
			    mover->ns->disk);
	case ENOTTY:
		return fail(thing, "the loaded driver cannot move pages; 'pinfold version' shows it");
	case ENODEV:
	case ENXIO:
		return fail(thing, "%s is being detached; 'pinfold list' shows its state",
			    mover->ns->name);
	case ETIMEDOUT:
		return fail(thing, "some program's access with DAX does not end, after %s; to try again: %s",
			    moved, rest);
	case EIO:
		return fail(thing, "the remap table of %s cannot be written; 'dmesg' tells more, 'pinfold check %s' examines it once it is detached",
			    mover->ns->name, mover->ns->name);
	default:
		return fail(thing, "failed after %s: %s; 'dmesg' may tell why; to go on: %s",
			    moved, strerror(error), rest);
	}
}

static void note_failed(struct mover *mover, const struct extent *extent,
			const struct pinfold_move *arg)
{
	if (arg->failed && !mover->failed) {
		mover->fail_offset = extent->logical + arg->fail_offset -
				     extent->start;
		mover->fail_error = arg->fail_error;
		snprintf(mover->blocker, sizeof(mover->blocker), "%.*s",
			 (int)sizeof(arg->blocker) - 1, arg->blocker);
	}
	mover->failed += arg->failed;
}

static void note_lost(struct mover *mover, const struct pinfold_move *arg)
{
	if (arg->lost && !mover->lost) {
		mover->lost_offset = arg->lost_offset;
		mover->lost_sectors = arg->lost_sectors;
	}
	mover->lost += arg->lost;
}

/* What one call is asked for. */
static u64 step_length(const struct mover *mover, u64 left)
{
	u64 step = ALIGN_DOWN(mover->rate / STEPS_PER_SEC,
			      (u64)PINFOLD_PAGE_SIZE);

	if (!mover->rate || step >= left)
		return left;
	return step ? step : PINFOLD_PAGE_SIZE;
}

static double seconds_since(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - began->tv_sec +
	       (now.tv_nsec - began->tv_nsec) / NSEC_PER_SEC;
}

/* Wait until what has moved is no more than the rate allows. */
static void keep_rate(const struct mover *mover)
{
	const useconds_t nap = 1000000 / STEPS_PER_SEC;
	double due;

	if (!mover->rate)
		return;
	due = (double)mover->progress.result / mover->rate;
	while (!interrupted() && seconds_since(&mover->began) < due)
		usleep(nap);
}

/* One call. The driver says how far it came, also if it fails. */
static int step(struct mover *mover, const struct extent *extent, u64 *at)
{
	struct pinfold_move arg = {
		.op = mover->op,
		.offset = *at,
		.length = step_length(mover, extent->end - *at),
	};
	u64 length = arg.length;
	int error = 0;

	if (ioctl(mover->fd, PINFOLD_IOC_MOVE, &arg))
		error = errno;
	mover->progress.result += arg.moved * PINFOLD_PAGE_SIZE;
	mover->progress.done += length - arg.length;
	*at += length - arg.length;
	note_failed(mover, extent, &arg);
	note_lost(mover, &arg);
	/* Some other signal. */
	if (error == EINTR && !interrupted())
		return 0;
	if (!error && arg.length == length)
		error = EPROTO;
	if (!error && interrupted() && *at < extent->end)
		error = EINTR;
	if (error)
		return fail_call(mover, extent->logical + *at - extent->start,
				 error);
	return 0;
}

static int move_extent(struct mover *mover, const struct extent *extent)
{
	u64 at = extent->start;

	while (at < extent->end) {
		if (interrupted())
			return fail_call(mover, extent->logical + at -
					 extent->start, EINTR);
		if (step(mover, extent, &at))
			return -1;
		progress_show(&mover->progress);
		keep_rate(mover);
	}
	return 0;
}

/**
 * mover_run() - move all pages
 * @mover: with what is asked for; gets the results
 * @extents: where the pages are, in the order of the range
 *
 * Pages that cannot move now are counted and passed over.
 */
int mover_run(struct mover *mover, const struct extents *extents)
{
	int rc = 0;
	size_t i;

	mover->fd = target_open_disk(mover->ns->disk, mover->progress.thing);
	if (mover->fd < 0)
		return -1;
	mover->progress.total = extents_bytes(extents);
	clock_gettime(CLOCK_MONOTONIC, &mover->began);
	for (i = 0; i < extents->nr && !rc; i++)
		rc = move_extent(mover, &extents->list[i]);
	close(mover->fd);
	if (!rc)
		progress_end(&mover->progress);
	return rc;
}

static const char *what_helps(int error)
{
	switch (error) {
	case EBUSY:
		return "try again later; 'pinfold pins' shows registered pins";
	case EIO:
		return "its data cannot be read; writing the whole page repairs it";
	case EPERM:
		return "it stays where it is";
	default:
		return "'dmesg' may tell why";
	}
}

/* Return: 0 if there is nothing to tell, else -1. */
int mover_report_lost(const struct mover *mover)
{
	if (!mover->lost)
		return 0;
	return fail(mover->progress.thing, "%llu pages moved, but a part of them could not be read and is lost, the first at offset %llu of /dev/%s; reading it is an error until it is written; 'dmesg' tells all of it",
		    mover->lost, mover->lost_offset, mover->ns->disk);
}

/* Return: 0 if there is nothing to tell, else -1. */
int mover_report_failed(const struct mover *mover)
{
	if (!mover->failed)
		return 0;
	return fail(mover->progress.thing, "%llu pages did not move, the first is at offset %llu: %s%s%s%s; %s",
		    mover->failed, mover->fail_offset,
		    strerror(mover->fail_error), *mover->blocker ? " (" : "",
		    mover->blocker, *mover->blocker ? ")" : "",
		    what_helps(mover->fail_error));
}
