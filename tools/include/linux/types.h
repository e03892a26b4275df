/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Host shim: the kernel's integer names on top of the system's <linux/types.h>,
 * so that the pure parts of the drivers also compile for the tool and the unit
 * tests.
 */
#ifndef _PINFOLD_HOST_LINUX_TYPES_H
#define _PINFOLD_HOST_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef u64 phys_addr_t;
typedef u64 sector_t;

#define __aligned(bytes)	__attribute__((__aligned__(bytes)))

#endif /* _PINFOLD_HOST_LINUX_TYPES_H */
