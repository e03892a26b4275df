/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * ioctl interface of a pinfold block device (/dev/pmemN).
 * Everything that only reads is in sysfs, /sys/block/pmemN/pinfold/.
 */
#ifndef _UAPI_LINUX_PINFOLD_H
#define _UAPI_LINUX_PINFOLD_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct pinfold_range - argument of PINFOLD_IOC_PREFAULT
 * @offset: start of the range in bytes of the block device (in)
 * @length: its length in bytes; 0 means up to the end of the device (in)
 * @populated: bytes of the range that have struct pages on return, counted in
 *	whole chunks of 2 MiB (out)
 * @flags: must be 0 (in)
 */
struct pinfold_range {
	__u64	offset;
	__u64	length;
	__u64	populated;
	__u64	flags;
};

/* Also evict the DAX entries of files that are mapped (they fault again). */
#define PINFOLD_TRIM_MAPPED	(1ULL << 0)

/**
 * struct pinfold_trim - argument of PINFOLD_IOC_TRIM
 * @target: stop after giving back the struct pages of this many bytes of
 *	media; 0 means as much as possible (in)
 * @trimmed: bytes of media whose struct pages were given back (out)
 * @busy: bytes of media that stay populated: mapped, pinned, or used by a
 *	holder that cannot be asked (out)
 * @flags: PINFOLD_TRIM_* (in)
 */
struct pinfold_trim {
	__u64	target;
	__u64	trimmed;
	__u64	busy;
	__u64	flags;
};

/**
 * enum pinfold_move_op - what to do with pages
 * @PINFOLD_MOVE_RELOCATE: move pages of the disk to other places, into the spare
 *	area
 * @PINFOLD_MOVE_RESTORE: move pages of the disk back home
 * @PINFOLD_MOVE_EVACUATE: move whatever is at these places of the media elsewhere
 * @PINFOLD_MOVE_RETIRE: the same, and never use these places again
 */
enum pinfold_move_op {
	PINFOLD_MOVE_RELOCATE = 1,
	PINFOLD_MOVE_RESTORE = 2,
	PINFOLD_MOVE_EVACUATE = 3,
	PINFOLD_MOVE_RETIRE = 4,
};

/**
 * struct pinfold_move - argument of PINFOLD_IOC_MOVE
 * @offset: where to begin, in bytes, a multiple of 4096: of the block device for
 *	RELOCATE and RESTORE; of the media from the start of the data area for
 *	EVACUATE and RETIRE, which only the whole device takes. The spare area
 *	follows the data there (in). Where the next call should go on (out)
 * @length: bytes, a multiple of 4096 (in); what is left to do (out). Call again
 *	until it is 0: a call does a bounded amount of work
 * @op: enum pinfold_move_op (in)
 * @flags: must be 0 (in)
 * @moved: pages that moved (out)
 * @failed: pages that did not, and were passed over (out)
 * @fail_offset: the first of these, as @offset counts (out)
 * @fail_error: why: an errno (out)
 * @lost_sectors: a bit for each 512 bytes of that page, the lowest for the first:
 *	what is lost of it; must be 0 (in, out)
 * @lost: pages that moved, but of which a part could not be read. That part cannot
 *	be read in the new place either, until it is written (out)
 * @lost_offset: the first of these, in bytes of the block device (out)
 * @blocker: who holds that page, for people, or empty (out)
 */
struct pinfold_move {
	__u64	offset;
	__u64	length;
	__u32	op;
	__u32	flags;
	__u64	moved;
	__u64	failed;
	__u64	fail_offset;
	__u32	fail_error;
	__u32	lost_sectors;
	__u64	lost;
	__u64	lost_offset;
	char	blocker[48];
};

#define PINFOLD_IOC_MAGIC	0xF6
/* Give the range struct pages now. Needs CAP_SYS_ADMIN. A fatal signal ends it. */
#define PINFOLD_IOC_PREFAULT	_IOWR(PINFOLD_IOC_MAGIC, 1, struct pinfold_range)
/* Give back struct pages nobody uses. Needs CAP_SYS_ADMIN. A fatal signal ends it. */
#define PINFOLD_IOC_TRIM	_IOWR(PINFOLD_IOC_MAGIC, 2, struct pinfold_trim)
/*
 * Move pages on the media while they are in use. Needs CAP_SYS_ADMIN. A fatal
 * signal ends it. Fails with ENOSPC if there is no free spare page, EROFS for a
 * read-only device, EOPNOTSUPP without a spare area or with an XFS that has the
 * reflink feature, EBUSY if somebody has the disk who cannot be asked for pages.
 */
#define PINFOLD_IOC_MOVE	_IOWR(PINFOLD_IOC_MAGIC, 3, struct pinfold_move)

#endif /* _UAPI_LINUX_PINFOLD_H */
