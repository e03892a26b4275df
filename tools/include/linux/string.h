/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_STRING_H
#define _PINFOLD_HOST_LINUX_STRING_H

#include <string.h>
#include <linux/types.h>

/**
 * memchr_inv() - find the first byte that differs from @c
 * @start: memory to search
 * @c: byte it should be made of
 * @bytes: its length
 *
 * Return: the address of the first other byte, or NULL.
 */
static inline void *memchr_inv(const void *start, int c, size_t bytes)
{
	const u8 *p = start;

	for (; bytes; bytes--, p++)
		if (*p != (u8)c)
			return (void *)p;
	return NULL;
}

#endif /* _PINFOLD_HOST_LINUX_STRING_H */
