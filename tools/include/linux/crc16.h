/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_CRC16_H
#define _PINFOLD_HOST_LINUX_CRC16_H

#include <linux/types.h>

/**
 * crc16() - the kernel's crc16 (reflected polynomial 0xa001)
 * @crc: seed, or the result for the preceding bytes
 * @data: bytes to add
 * @len: their number
 *
 * Return: the new value.
 */
static inline u16 crc16(u16 crc, const u8 *data, size_t len)
{
	static const u16 table[16] = {
		0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
		0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
	};

	while (len--) {
		crc ^= *data++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

#endif /* _PINFOLD_HOST_LINUX_CRC16_H */
