/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page->mapping of a DAX page shared by reflink: PAGE_MAPPING_DAX_COW until 6.2,
 * then renamed and made a pointer.
 */
#ifndef _COMPAT_PAGE_H
#define _COMPAT_PAGE_H

#include <linux/page-flags.h>

#ifdef PAGE_MAPPING_DAX_SHARED
#define COMPAT_PAGE_MAPPING_SHARED \
	((struct address_space *)PAGE_MAPPING_DAX_SHARED)
#else
#define COMPAT_PAGE_MAPPING_SHARED \
	((struct address_space *)PAGE_MAPPING_DAX_COW)
#endif

#endif /* _COMPAT_PAGE_H */
