/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * /dev/pinfold-dmabuf: a range of a mapped DAX file as a dma-buf.
 * Documentation/driver-api/dma-buf.rst says what may be done with one.
 */
#ifndef _UAPI_LINUX_PINFOLD_DMABUF_H
#define _UAPI_LINUX_PINFOLD_DMABUF_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PINFOLD_DMABUF_DEV	"/dev/pinfold-dmabuf"

/* Devices may write to the range; the mapping has to be shared and writable. */
#define PINFOLD_DMABUF_WRITE	(1U << 0)
/*
 * Importers that cannot follow a move may have the buffer. As long as one does, its
 * pages do not move. As long as the buffer is there, its file cannot be written to but
 * by mappings and devices, nor truncated or punched (ETXTBSY), and is in use. Needs
 * CAP_IPC_LOCK.
 */
#define PINFOLD_DMABUF_PINNABLE	(1U << 1)

/**
 * struct pinfold_dmabuf_export - argument of PINFOLD_DMABUF_EXPORT
 * @addr: first address of the range in the caller's memory, a multiple of the page
 *	size (in)
 * @length: its length in bytes, a multiple of the page size (in)
 * @flags: PINFOLD_DMABUF_* (in)
 * @reserved: must be 0 (in)
 */
struct pinfold_dmabuf_export {
	__u64	addr;
	__u64	length;
	__u32	flags;
	__u32	reserved;
};

#define PINFOLD_DMABUF_MAGIC	0xF6

/* Returns a file descriptor, which is closed on exec. */
#define PINFOLD_DMABUF_EXPORT	_IOW(PINFOLD_DMABUF_MAGIC, 32, struct pinfold_dmabuf_export)

#endif /* _UAPI_LINUX_PINFOLD_DMABUF_H */
