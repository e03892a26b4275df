/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Persistent memory on the host: the functions that drivers/nvdimm/media_io.c
 * stands on. Whoever links it provides them: the crash model with a memory that
 * loses what was not flushed, the tool with a file.
 */
#ifndef _PINFOLD_HOST_LINUX_LIBNVDIMM_H
#define _PINFOLD_HOST_LINUX_LIBNVDIMM_H

#include <linux/types.h>

struct bio;
struct nd_region;

/* Store and start to write back; with 8 aligned bytes, atomically. */
void memcpy_flushcache(void *dst, const void *src, size_t len);
/* Start to write back what was stored. */
void arch_wb_cache_pmem(void *addr, size_t len);
/* Wait until all of that is durable. */
int nvdimm_flush(struct nd_region *region, struct bio *bio);

#endif /* _PINFOLD_HOST_LINUX_LIBNVDIMM_H */
