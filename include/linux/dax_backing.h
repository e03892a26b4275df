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

#include <linux/errno.h>
#include <linux/pfn_t.h>
#include <linux/types.h>

struct attribute_group;
struct dax_backing;
struct gendisk;

/* What a move's error reads until something happened to it. */
#define DAX_MOVE_PENDING	(-EINPROGRESS)

/**
 * struct dax_move - a page that should move
 * @from: where it is, in bytes from the start of the backing
 * @to: where it goes, likewise; nobody uses that page
 * @page: its number on the disk
 * @error: result: 0 if it moved, DAX_MOVE_PENDING if it was not tried, -EBUSY if
 *	somebody uses it in a way that cannot be waited for
 */
struct dax_move {
	u64 from;
	u64 to;
	u64 page;
	int error;
};

/**
 * enum dax_move_kind - what keeps users away from the pages of a batch
 * @DAX_MOVE_FILES: the locks of the inode they belong to, at the time of the
 *	commit; only I/O that knows no inode must be held off by the driver
 * @DAX_MOVE_HIDDEN: the driver alone: whoever arrives cancels the batch
 */
enum dax_move_kind {
	DAX_MOVE_FILES,
	DAX_MOVE_HIDDEN,
};

/**
 * struct dax_move_batch - pages that move together
 * @moves: the pages, in ascending order of @page
 * @nr: their number
 * @deadline: when to leave the rest as it is, in jiffies
 * @insist: hold back the users of files, one file after the other; false on return
 *	if those of one were kept waiting for it in vain
 * @held: those of a file are, so be quick; not the driver's to set
 * @blocker: who was in the way, for people; empty if nobody
 * @blocked: @from of the page he has
 */
struct dax_move_batch {
	struct dax_move *moves;
	unsigned int nr;
	unsigned long deadline;
	bool insist;
	bool held;
	char blocker[48];
	u64 blocked;
};

/**
 * struct dax_backing_ops - what a backing asks of its driver
 * @memory_failure: the pages at [@offset, @offset + @len) (bytes from the start
 *	of the backing) failed. @mf_flags are the MF_* flags of memory_failure().
 *	Called in process context, may sleep, never after dax_backing_kill()
 *	returned. Return what dax_holder_notify_failure() returned; -EOPNOTSUPP
 *	lets the kernel kill the mappings' users itself.
 * @read: copy @len bytes at @offset of the *disk*, machine-check safe. Process
 *	context. Used to look at a mounted file system's super block for features
 *	that forbid evicting its entries. Return 0 or -EIO.
 * @move_begin: pages of the batch whose error is DAX_MOVE_PENDING are about to
 *	move. On return every access that began before is over (with
 *	DAX_MOVE_FILES: all but those under an inode's lock). May sleep; no lock of
 *	a file system is held, unless the batch is @held: do not wait for long then.
 *	NULL if the driver moves nothing. Return 0, or -errno to give the batch up
 * @move_commit: move those pages among @moves to @moves + @nr - 1 that are pending:
 *	copy, make it permanent, publish, and set their error. With DAX_MOVE_FILES
 *	called under inode locks, perhaps several times. Must not wait for the DAX
 *	SRCU. Return 0, or -EAGAIN if somebody arrived meanwhile: nothing happened
 * @move_end: the batch is over
 * @evacuate: move what is at [@offset, @offset + @len) elsewhere, by
 *	dax_backing_move(), until @deadline (jiffies). Somebody asked the pin
 *	registry for it. NULL if the driver moves nothing. Must end soon once the
 *	driver is going. Return 0, -EBUSY if not all of it moved, or -errno
 */
struct dax_backing_ops {
	int (*memory_failure)(void *private, u64 offset, u64 len, int mf_flags);
	int (*read)(void *private, u64 offset, void *buf, size_t len);
	int (*move_begin)(void *private, struct dax_move_batch *batch,
			  enum dax_move_kind kind);
	int (*move_commit)(void *private, struct dax_move *moves,
			   unsigned int nr);
	void (*move_end)(void *private);
	int (*evacuate)(void *private, u64 offset, u64 len,
			unsigned long deadline);
};

/**
 * struct dax_backing_desc - description of a new backing
 * @name: for messages and tracepoints; copied
 * @resource: physical range to reserve, in bytes: the whole namespace. It stays
 *	reserved until the last struct page of the backing is gone, which may be
 *	after dax_backing_destroy()
 * @resource_size: its size in bytes
 * @base: physical address of the area that may be mapped, a multiple of PMD_SIZE
 * @size: its size in bytes, a multiple of PMD_SIZE: the data, and where pages of
 *	it may move to
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
int dax_backing_may_move(struct dax_backing *backing);
void dax_backing_unsplit(struct dax_backing *backing, u64 offset);
int dax_backing_move(struct dax_backing *backing,
		     struct dax_move_batch *batch);
bool dax_backing_shared_owners(struct dax_backing *backing);

#endif /* _LINUX_DAX_BACKING_H */
