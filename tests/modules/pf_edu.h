/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What the driver of QEMU's edu device (edu.ko) and the test program say to each other. */
#ifndef _PF_EDU_H
#define _PF_EDU_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Of each page that much is transferred: the device's buffer is a page, but QEMU (until
 * 9.0) ends, with everything in it, at a transfer that reaches the end of the buffer.
 */
#define PF_EDU_BYTES	4088

/**
 * struct pf_edu_start - argument of PF_EDU_START: stream through a buffer
 * @addr: of a range of the caller's memory, if @fd is negative
 * @length: of it, bytes
 * @fd: a dma-buf
 *
 * The first half of the pages is read by the device, one after the other, and each is
 * written to the same place of the second half; again and again.
 */
struct pf_edu_start {
	__u64	addr;
	__u64	length;
	__s32	fd;
	__u32	reserved;
};

/**
 * struct pf_edu_report - argument of PF_EDU_REPORT
 * @rounds: times that all pages were copied
 * @transfers: of a page, in either direction
 * @waited: transfers that had to wait for a page to come back
 * @stopped: moves that had to wait for a transfer, or let go of a mapping
 * @readdressed: times that a page had another DMA address than the time before
 * @dead: the pages were taken away
 * @error: that ended the stream, negative
 */
struct pf_edu_report {
	__u64	rounds;
	__u64	transfers;
	__u64	waited;
	__u64	stopped;
	__u64	readdressed;
	__u32	dead;
	__s32	error;
};

#define PF_EDU_START	_IOW('p', 80, struct pf_edu_start)
#define PF_EDU_STOP	_IO('p', 81)
#define PF_EDU_REPORT	_IOR('p', 82, struct pf_edu_report)

#endif /* _PF_EDU_H */
