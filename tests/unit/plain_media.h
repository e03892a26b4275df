/* SPDX-License-Identifier: GPL-2.0 */
/* Media in plain memory, for tests that do not ask what a power failure leaves. */
#ifndef _PINFOLD_PLAIN_MEDIA_H
#define _PINFOLD_PLAIN_MEDIA_H

#include <linux/types.h>

/**
 * struct plain_media - what the kernel's functions below media_io.c do
 * @bad: start of the bytes that cannot be read
 * @bad_len: their number
 * @no_clear: poison cannot be cleared
 * @fences_left: the one after so many fails, and all that follow
 */
struct plain_media {
	const u8 *bad;
	size_t bad_len;
	bool no_clear;
	unsigned int fences_left;
};

extern struct plain_media plain_media;

void plain_media_reset(void);

#endif /* _PINFOLD_PLAIN_MEDIA_H */
