/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A DAX entry of one page, as dax_insert_entry() of fs/dax.c makes it, which is not
 * exported: a value of the pfn above the flags, counted in ->nrpages, and named by
 * the page. The same in 6.1 and 6.12; since 6.15 struct pages are counted instead.
 */
#ifndef _PINFOLD_COMPAT_DAX_ENTRY_H
#define _PINFOLD_COMPAT_DAX_ENTRY_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/xarray.h>

#define COMPAT_DAX_SHIFT	4

/**
 * compat_dax_insert() - have a file's entry say that a page is there
 * @mapping: the file's
 * @index: page of the file, without an entry
 * @page: an fsdax page without a mapping
 *
 * Context: process context; inode lock and invalidate_lock held for writing.
 * Return: 0, -EEXIST or -ENOMEM.
 */
static inline int compat_dax_insert(struct address_space *mapping,
				    pgoff_t index, struct page *page)
{
	void *entry = xa_mk_value(page_to_pfn(page) << COMPAT_DAX_SHIFT);
	XA_STATE(xas, &mapping->i_pages, index);
	int err = 0;

	do {
		xas_lock_irq(&xas);
		if (xas_load(&xas)) {
			err = -EEXIST;
		} else {
			xas_store(&xas, entry);
			if (!xas_error(&xas)) {
				mapping->nrpages++;
				page->mapping = mapping;
				page->index = index;
			}
		}
		xas_unlock_irq(&xas);
	} while (xas_nomem(&xas, GFP_NOFS));
	return err ?: xas_error(&xas);
}

#endif /* _PINFOLD_COMPAT_DAX_ENTRY_H */
