// SPDX-License-Identifier: GPL-2.0
/*
 * Importers that cannot be told keep the blocks of their file where they are.
 *
 * References to the pages are not enough: a file system waits for them before it frees
 * blocks only as long as somebody maps the file (dax_layout_busy_page()). So the file is
 * held the way a swap file is: truncate, punch and write(2) are -ETXTBSY.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "export.h"

/* Return: the one file that is mapped there, with a reference, or an ERR_PTR(). */
static struct file *find_file(unsigned long addr, unsigned long len)
{
	struct mm_struct *mm = current->mm;
	unsigned long end = addr + len;
	struct file *file = NULL;
	int err = 0;

	mmap_read_lock(mm);
	while (addr < end && !err) {
		struct vm_area_struct *vma = vma_lookup(mm, addr);

		if (!vma || !vma->vm_file) {
			err = -EFAULT;
		} else if (file && file_inode(file) != file_inode(vma->vm_file)) {
			err = -EOPNOTSUPP;
		} else {
			file = vma->vm_file;
			addr = vma->vm_end;
		}
	}
	if (!err)
		get_file(file);
	mmap_read_unlock(mm);
	return err ? ERR_PTR(err) : file;
}

/**
 * export_hold_file() - the file's blocks stay where they are
 * @e: export whose pages are pinned
 * @addr: where it is mapped
 *
 * Context: Process context of the user process, may sleep.
 * Return: 0; -ETXTBSY if it is a swap file or held already, -EOPNOTSUPP if there is
 * more than one file, -EFAULT if it is not mapped any more.
 */
int export_hold_file(struct export *e, unsigned long addr)
{
	struct file *file = find_file(addr, e->nr << PAGE_SHIFT);
	struct inode *inode;
	int err = 0;

	if (IS_ERR(file))
		return PTR_ERR(file);
	inode = file_inode(file);
	inode_lock(inode);
	if (IS_SWAPFILE(inode))
		err = -ETXTBSY;
	else
		inode->i_flags |= S_SWAPFILE;
	inode_unlock(inode);
	if (err)
		fput(file);
	else
		e->held = file;
	return err;
}

/**
 * export_let_file() - the file's blocks may go
 * @e: export without importers
 *
 * Context: Process context, may sleep.
 */
void export_let_file(struct export *e)
{
	struct inode *inode;

	if (!e->held)
		return;
	inode = file_inode(e->held);
	inode_lock(inode);
	inode->i_flags &= ~S_SWAPFILE;
	inode_unlock(inode);
	fput(e->held);
	e->held = NULL;
}
