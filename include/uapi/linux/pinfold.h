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

#define PINFOLD_IOC_MAGIC	0xF6
/* Give the range struct pages now. Needs CAP_SYS_ADMIN. A fatal signal ends it. */
#define PINFOLD_IOC_PREFAULT	_IOWR(PINFOLD_IOC_MAGIC, 1, struct pinfold_range)
/* Give back struct pages nobody uses. Needs CAP_SYS_ADMIN. A fatal signal ends it. */
#define PINFOLD_IOC_TRIM	_IOWR(PINFOLD_IOC_MAGIC, 2, struct pinfold_trim)

#endif /* _UAPI_LINUX_PINFOLD_H */
