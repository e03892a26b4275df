/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the driver reads and writes its own structures on the media. Everything
 * that must survive a power failure goes through here, and so does the host
 * model that cuts the power at every fence (tests/crash/): it compiles this very
 * file, with the kernel's functions below it replaced (tools/include).
 *
 * What was stored is durable after the next pinfold_media_fence() that succeeds,
 * and not before. Until then any part of it may be, in units of 8 aligned bytes.
 */
#ifndef _PINFOLD_MEDIA_IO_H
#define _PINFOLD_MEDIA_IO_H

#include <linux/badblocks.h>
#include <linux/types.h>

struct device;
struct nd_region;

/* What the platform reports as bad, and clears, at once. */
#define PINFOLD_MEDIA_BLOCK	512

/**
 * struct pinfold_media - a mapped namespace
 * @base: kernel address of its first byte
 * @size: bytes that are mapped
 * @phys: physical address of its first byte
 * @dev: for clearing poison
 * @region: for flushing
 * @bb: known bad blocks of the metadata, in units of PINFOLD_MEDIA_BLOCK
 *
 * Offsets are from the start of the namespace.
 */
struct pinfold_media {
	void *base;
	u64 size;
	phys_addr_t phys;
	struct device *dev;
	struct nd_region *region;
	struct badblocks bb;
};

int pinfold_media_read(struct pinfold_media *media, u64 offset, void *buf,
		       size_t len);
void pinfold_media_store(struct pinfold_media *media, u64 offset, u64 word);
void pinfold_media_write(struct pinfold_media *media, u64 offset,
			 const void *buf, size_t len);
int pinfold_media_mend(struct pinfold_media *media, u64 offset,
		       const void *buf, size_t len);
int pinfold_media_copy(struct pinfold_media *media, u64 to, u64 from,
		       size_t len);
int pinfold_media_fence(struct pinfold_media *media);

#endif /* _PINFOLD_MEDIA_IO_H */
