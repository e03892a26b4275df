/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One thread: a mutex only notices that it is taken twice. A test that has another
 * thread begin something in between (host_contended()) has it begin again later.
 */
#ifndef _PINFOLD_HOST_LINUX_MUTEX_H
#define _PINFOLD_HOST_LINUX_MUTEX_H

#include <stdlib.h>

struct mutex {
	int locked;
};

void host_contended(void) __attribute__((weak));
void host_locked(struct mutex *lock) __attribute__((weak));

static inline void mutex_init(struct mutex *lock)
{
	lock->locked = 0;
}

static inline void mutex_lock(struct mutex *lock)
{
	if (lock->locked && host_contended)
		host_contended();
	if (lock->locked++)
		abort();
	if (host_locked)
		host_locked(lock);
}

static inline void mutex_unlock(struct mutex *lock)
{
	if (--lock->locked)
		abort();
}

#endif /* _PINFOLD_HOST_LINUX_MUTEX_H */
