/* SPDX-License-Identifier: GPL-2.0 */
/* __assign_str() lost its second argument in 6.10. */
#ifndef _COMPAT_TRACE_H
#define _COMPAT_TRACE_H

#if PINFOLD_HAVE_ASSIGN_STR_1ARG
#define compat_assign_str(dst, src)	__assign_str(dst)
#else
#define compat_assign_str(dst, src)	__assign_str(dst, src)
#endif

#endif /* _COMPAT_TRACE_H */
