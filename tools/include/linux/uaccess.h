/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_UACCESS_H
#define _PINFOLD_HOST_LINUX_UACCESS_H

#include <stddef.h>

/* Return: the number of bytes that could not be copied; see libnvdimm.h. */
unsigned long copy_mc_to_kernel(void *dst, const void *src, size_t len);

#endif /* _PINFOLD_HOST_LINUX_UACCESS_H */
