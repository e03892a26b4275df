/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pin_user_pages_remote() could return the VMAs as well, until 6.5. With mmap_lock
 * held throughout: 6.1 does not let go of it for FOLL_LONGTERM.
 */
#ifndef _COMPAT_GUP_H
#define _COMPAT_GUP_H

#include <linux/hugetlb.h>
#include <linux/mm.h>

static inline long compat_pin_remote(struct mm_struct *mm, unsigned long start,
				     unsigned long nr, unsigned int flags,
				     struct page **pages)
{
#if PINFOLD_HAVE_GUP_VMAS
	return pin_user_pages_remote(mm, start, nr, flags, pages, NULL, NULL);
#else
	return pin_user_pages_remote(mm, start, nr, flags, pages, NULL);
#endif
}

/*
 * Flags to pin only what is mapped. Huge pages did not know FOLL_NOFAULT at first;
 * FOLL_DUMP keeps them from being allocated.
 */
static inline unsigned int compat_gup_nofault(struct vm_area_struct *vma)
{
#if PINFOLD_HAVE_GUP_VMAS
	if (is_vm_hugetlb_page(vma))
		return FOLL_NOFAULT | FOLL_DUMP;
#endif
	return FOLL_NOFAULT;
}

/*
 * Does FOLL_LONGTERM refuse to write to files that need to know when they are written?
 * That came with the same release.
 */
static inline bool compat_longterm_spares_files(void)
{
	return !PINFOLD_HAVE_GUP_VMAS;
}

#endif /* _COMPAT_GUP_H */
