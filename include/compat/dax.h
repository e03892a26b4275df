/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DAX: how ->direct_access says "poison". Until 6.5 the core took -EIO for it;
 * since then -EIO means some other error, and -EHWPOISON becomes the SIGBUS
 * that a memory error is.
 */
#ifndef _PINFOLD_COMPAT_DAX_H
#define _PINFOLD_COMPAT_DAX_H

#include <linux/dax.h>
#include <linux/errno.h>

#if PINFOLD_HAVE_DAX_EHWPOISON
#define COMPAT_DAX_POISON	(-EHWPOISON)
#else
#define COMPAT_DAX_POISON	(-EIO)
#endif

struct dax_device;

/* Exported to the DAX core's own drivers, from drivers/dax/bus.h. */
void run_dax(struct dax_device *dax_dev);

#endif /* _PINFOLD_COMPAT_DAX_H */
