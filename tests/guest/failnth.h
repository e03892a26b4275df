/* SPDX-License-Identifier: GPL-2.0 */
/* pf failnth: what its actions share. In each, the Nth of what may fail does; none if N is 0. */
#ifndef _PF_GUEST_FAILNTH_H
#define _PF_GUEST_FAILNTH_H

#include "pf.h"

/* From here on the Nth fails in this task, until nth_disarm(): true if it was reached. */
void nth_arm(long n);
bool nth_disarm(long n);
/* Returns 0 or an errno. */
int nth_ioctl(long n, int fd, unsigned long cmd, void *arg, bool *fired);

/* Actions: each returns 0, an errno, or 1000 plus a signal. */
int nth_dm_load(long n, char **arg, bool *fired);
int nth_dm_clear(long n, char **arg, bool *fired);
int nth_dm_resume(long n, char **arg, bool *fired);
int nth_dm_message(long n, char **arg, bool *fired);
int nth_export(long n, char **arg, bool *fired);
int nth_import(long n, char **arg, bool *fired);
int nth_follow(long n, char **arg, bool *fired);

#endif /* _PF_GUEST_FAILNTH_H */
