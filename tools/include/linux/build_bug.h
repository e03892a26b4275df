/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_BUILD_BUG_H
#define _PINFOLD_HOST_LINUX_BUILD_BUG_H

/* As in the kernel: the message is optional, before C23 too. */
#undef static_assert
#define static_assert(expr, ...) \
	__pinfold_static_assert(expr, ##__VA_ARGS__, #expr)
#define __pinfold_static_assert(expr, msg, ...)	_Static_assert(expr, msg)

#endif /* _PINFOLD_HOST_LINUX_BUILD_BUG_H */
