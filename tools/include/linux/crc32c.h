/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_CRC32C_H
#define _PINFOLD_HOST_LINUX_CRC32C_H

#include <linux/types.h>

/**
 * crc32c() - the kernel's crc32c: raw, neither seeded nor inverted
 * @crc: seed, or the result for the preceding bytes
 * @data: bytes to add
 * @len: their number
 *
 * Four bits at a time (reflected Castagnoli polynomial, 0x82f63b78): a table
 * small enough to be read here, and fast enough for millions of test cases.
 *
 * Return: the new value.
 */
static inline u32 crc32c(u32 crc, const void *data, unsigned int len)
{
	static const u32 table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const u8 *p = data;

#ifdef __SSE4_2__
	/* Where a test says that its machine has it. */
	for (; len >= 8; len -= 8, p += 8) {
		u64 word;

		__builtin_memcpy(&word, p, 8);
		crc = __builtin_ia32_crc32di(crc, word);
	}
#endif
	while (len--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ table[crc & 15];
		crc = (crc >> 4) ^ table[crc & 15];
	}
	return crc;
}

#endif /* _PINFOLD_HOST_LINUX_CRC32C_H */
