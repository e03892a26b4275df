/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_ERRNO_H
#define _PINFOLD_HOST_LINUX_ERRNO_H

#include_next <linux/errno.h>

#endif /* _PINFOLD_HOST_LINUX_ERRNO_H */
