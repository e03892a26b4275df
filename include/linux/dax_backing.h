/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Struct pages on demand for a DAX device (fs/dax, dax_backing.ko).
 *
 * A "backing" stands for the data area of one pageless DAX device. The device's
 * driver asks it for a pfn whenever a pfn is about to become visible through
 * the MMU; the backing sees to it that the pfn has a struct page, and takes the
 * struct pages away again when nobody uses them. It knows nothing about the
 * media format, and its user nothing about struct pages.
 *
 * Documentation/locking.rst tells the life of a span and the locks.
 */
#ifndef _LINUX_DAX_BACKING_H
#define _LINUX_DAX_BACKING_H

#include <linux/pfn_t.h>
#include <linux/types.h>

struct attribute_group;
struct dax_backing;
struct gendisk;

/**
 * struct dax_backing_ops - what a backing asks of its driver
 * @memory_failure: the pages at [@offset, @offset + @len) (bytes from the start
 *	of the backing) failed. @mf_flags are the MF_* flags of memory_failure().
 *	Called in process context, may sleep, never after dax_backing_kill()
 *	returned. Return what dax_holder_notify_failure() returned; -EOPNOTSUPP
 *	lets the kernel kill the mappings' users itself.
 * @read: copy @len bytes at @offset of the media, machine-check safe. Process
 *	context. Used to look at a mounted file system's super block for features
 *	that forbid evicting its entries. Return 0 or -EIO.
 */
struct dax_backing_ops {
	int (*memory_failure)(void *private, u64 offset, u64 len, int mf_flags);
	int (*read)(void *private, u64 offset, void *buf, size_t len);
};

/**
 * struct dax_backing_desc - description of a new backing
 * @name: for messages and tracepoints; copied
 * @resource: physical range to reserve, in bytes: the whole namespace. It stays
 *	reserved until the last struct page of the backing is gone, which may be
 *	after dax_backing_destroy()
 * @resource_size: its size in bytes
 * @base: physical address of the data area, a multiple of PMD_SIZE
 * @size: its size in bytes, a multiple of PMD_SIZE
 * @nid: NUMA node of the memory, or NUMA_NO_NODE
 * @owner: module of the driver; pinned from dax_backing_kill() until the backing
 *	is gone, because a file system may outlive the driver's binding
 * @ops: never NULL
 * @private: passed to @ops
 */
struct dax_backing_desc {
	const char *name;
	phys_addr_t resource;
	u64 resource_size;
	phys_addr_t base;
	u64 size;
	int nid;
	struct module *owner;
	const struct dax_backing_ops *ops;
	void *private;
};

/*
 * Life of a backing, in the order its driver goes through it:
 *
 *	dax_backing_create()		reserves the range, tries both ends of it
 *	device_add_disk()
 *	dax_backing_add_disk()		sysfs, shrinker; the disk tells who mounts it
 *	dax_backing_get_pfn() ...
 *	dax_backing_remove_disk()	no more sysfs, shrinking and trimming
 *	del_gendisk(), kill_dax()	nobody asks for a pfn any more
 *	dax_backing_kill()		users' mappings are gone
 *	put_disk()
 *	  ->free_disk()			the last opener, e.g. a mounted file system,
 *	    dax_backing_destroy()	is gone: so are the struct pages, now or as
 *					soon as the last page reference is dropped
 */
struct dax_backing *dax_backing_create(const struct dax_backing_desc *desc);
int dax_backing_add_disk(struct dax_backing *backing, struct gendisk *disk);
void dax_backing_remove_disk(struct dax_backing *backing);
void dax_backing_kill(struct dax_backing *backing);
void dax_backing_destroy(struct dax_backing *backing);
void dax_backing_flush(void);

long dax_backing_get_pfn(struct dax_backing *backing, u64 offset,
			 long nr_pages, pfn_t *pfn);
bool dax_backing_clear_hwpoison(struct dax_backing *backing, u64 offset,
				u64 len);

int dax_backing_prefault(struct dax_backing *backing, u64 offset, u64 len,
			 u64 *populated);
int dax_backing_trim(struct dax_backing *backing, u64 target, bool mapped,
		     u64 *trimmed, u64 *busy);

#endif /* _LINUX_DAX_BACKING_H */
