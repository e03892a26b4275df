/* SPDX-License-Identifier: GPL-2.0 */
/* Exported by both kernels (kernel/rcu/update.c), declared only in kernel/rcu. */
#ifndef _COMPAT_RCU_H
#define _COMPAT_RCU_H

void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);

#endif /* _COMPAT_RCU_H */
