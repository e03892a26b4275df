/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernels pinfold was tested on. The only comparison of kernel versions in
 * the tree: what differs within the range is found out by probe.sh.
 */
#ifndef _PINFOLD_COMPAT_VERSION_H
#define _PINFOLD_COMPAT_VERSION_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0) || \
	LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#error "pinfold: this kernel is not supported (6.1 to 6.12 are)"
#endif

#endif /* _PINFOLD_COMPAT_VERSION_H */
