/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copying, XOR and raid6's syndrome by 32 bytes, straight from the legs: what is
 * loaded may be poisoned, and is reported then. Stores to legs go past the cache
 * and are durable with the next fence, in units of 8 aligned bytes.
 *
 * Lengths are multiples of RAID_VECTOR_BLOCK. Legs are aligned to it, all else
 * to nothing. Nothing here may be called unless raid_vector_usable() says so.
 */
#ifndef _PFN_RAID_VECTOR_H
#define _PFN_RAID_VECTOR_H

#include <linux/types.h>

#define RAID_VECTOR_BLOCK	256

bool raid_vector_usable(void);
bool raid_vector_load(void *dst, const void *src, size_t len);
bool raid_vector_store(void *dst, const void *src, size_t len);
bool raid_vector_store_copies(void *const *dst, u32 nr, const void *src,
			      size_t len);
bool raid_vector_store_xor(void *dst, void *const *src, u32 nr, size_t len);
bool raid_vector_store_q(void *dst, void *const *data, u32 nr, size_t len);
bool raid_vector_fits_p(void *const *v, u32 nr, size_t len);
bool raid_vector_fits_pq(void *const *v, u32 nr, size_t len);

#endif /* _PFN_RAID_VECTOR_H */
