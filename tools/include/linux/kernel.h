/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_KERNEL_H
#define _PINFOLD_HOST_LINUX_KERNEL_H

#include_next <linux/kernel.h>
#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/types.h>

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define round_up(x, y)		ALIGN(x, y)
#define round_down(x, y)	ALIGN_DOWN(x, y)

#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof(((type *)0)->member))

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

#endif /* _PINFOLD_HOST_LINUX_KERNEL_H */
