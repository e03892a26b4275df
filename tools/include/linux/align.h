/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_ALIGN_H
#define _PINFOLD_HOST_LINUX_ALIGN_H

#define __PINFOLD_ALIGN_MASK(x, a)	((__typeof__(x))(a) - 1)
#define ALIGN(x, a) \
	(((x) + __PINFOLD_ALIGN_MASK(x, a)) & ~__PINFOLD_ALIGN_MASK(x, a))
#define ALIGN_DOWN(x, a)	((x) & ~__PINFOLD_ALIGN_MASK(x, a))
#define IS_ALIGNED(x, a)	(((x) & __PINFOLD_ALIGN_MASK(x, a)) == 0)

#endif /* _PINFOLD_HOST_LINUX_ALIGN_H */
