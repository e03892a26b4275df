/* SPDX-License-Identifier: GPL-2.0 */
/*
 * MIGRATE_SYNC_NO_COPY (until 6.11) asks for the bookkeeping of a migration without
 * the copy.
 */
#ifndef _COMPAT_MIGRATE_H
#define _COMPAT_MIGRATE_H

#include <linux/migrate.h>

static inline bool compat_migrate_copies(enum migrate_mode mode)
{
#if PINFOLD_HAVE_MIGRATE_NO_COPY
	return mode != MIGRATE_SYNC_NO_COPY;
#else
	return true;
#endif
}

#endif /* _COMPAT_MIGRATE_H */
