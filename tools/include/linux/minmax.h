/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_MINMAX_H
#define _PINFOLD_HOST_LINUX_MINMAX_H

#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); \
		     _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); \
		     _a > _b ? _a : _b; })
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))

#define swap(a, b) do { \
	__typeof__(a) _tmp = (a); (a) = (b); (b) = _tmp; \
} while (0)

#define min3(x, y, z)	min(min(x, y), z)

#endif /* _PINFOLD_HOST_LINUX_MINMAX_H */
