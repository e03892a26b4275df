/* SPDX-License-Identifier: GPL-2.0 */
/* Ordering and single accesses for code that the kernel compiles, too. */
#ifndef _PINFOLD_TOOLS_ASM_BARRIER_H
#define _PINFOLD_TOOLS_ASM_BARRIER_H

#ifndef READ_ONCE
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), (val), __ATOMIC_RELAXED)
#endif

/* A test may have something happen on another CPU after each acquire. */
void host_acquired(void) __attribute__((weak));

#ifndef smp_load_acquire
#define smp_load_acquire(p) ({						\
	__auto_type _v = __atomic_load_n((p), __ATOMIC_ACQUIRE);	\
	if (host_acquired)						\
		host_acquired();					\
	_v; })
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)
#endif

#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)

#endif
