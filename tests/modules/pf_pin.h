/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What the test pinners (pf_pindev.ko, pf_pinstore.ko) and the test program say to
 * each other.
 */
#ifndef _PF_PIN_H
#define _PF_PIN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PF_PINDEV	"/dev/pf_pindev"
#define PF_PINSTORE	"/dev/pf_pinstore"

/*
 * /dev/pf_pindev: a device that writes to the pages it pins. Each open file is a
 * device, and a pinner, of its own; closing it ends its pins.
 */

/* Callbacks, in the order of struct pinner_ops. */
enum pf_op {
	PF_PREPARE,
	PF_COMMIT,
	PF_ABORT,
	PF_REVOKE,
	PF_FLUSH,
	PF_NR_OPS,
};

#define PF_NR_WHY	4	/* enum pin_revoke_why */

/* Where a device writes: one of the slots at the beginning of each page. */
#define PF_SLOT_SIZE	64
#define PF_NR_SLOTS	8
#define PF_DATA_START	(PF_SLOT_SIZE * PF_NR_SLOTS)

/**
 * struct pf_slot - what a device keeps in each page; it counts how often it came
 * @magic: PF_SLOT_MAGIC
 * @id: of the area
 * @page: index of the page in the area
 * @count: how often the device was here
 * @check: of the others
 */
struct pf_slot {
	__u64 magic;
	__u32 id;
	__u32 page;
	__u64 count;
	__u64 check;
};

#define PF_SLOT_MAGIC	0x70696e666f6c6431ULL

static inline __u64 pf_slot_check(const struct pf_slot *s)
{
	return (s->magic ^ s->count ^ ((__u64)s->id << 32 | s->page)) *
		0x9e3779b97f4a7c15ULL;
}

#define PF_DEV_ATOMIC	1	/* PINNER_ATOMIC */
#define PF_DEV_GENERAL	2	/* pin_general_ops */

/**
 * struct pf_setup - register the device as a pinner
 * @name: its name
 * @class: enum pin_class
 * @flags: PF_DEV_*
 * @timeout_ms: see struct pinner_desc
 * @slot: where it writes
 * @no_ops: register without callbacks
 */
struct pf_setup {
	char name[40];
	__u32 class;
	__u32 flags;
	__u32 timeout_ms;
	__u32 slot;
	__u32 no_ops;
};

/**
 * struct pf_behave - how the callbacks behave from now on
 * @result: what prepare returns
 * @delay_ms: how long each callback takes
 * @hang: bits of enum pf_op: these wait until the next PF_BEHAVE clears the bit
 */
struct pf_behave {
	__s32 result;
	__u32 delay_ms;
	__u32 hang;
};

enum pf_kind {
	PF_USER,	/* addr, len: of the process */
	PF_PAGES,	/* addr: first pfn, len: number of pages */
	PF_ARRAY,	/* addr: points to pfns, len: their number */
};

#define PF_WRITE	1	/* PIN_WRITE */

/**
 * struct pf_area - pin something
 * @addr: see enum pf_kind
 * @len: the same
 * @kind: the same
 * @flags: of the pin
 * @id: set: the area
 */
struct pf_area {
	__u64 addr;
	__u64 len;
	__u32 kind;
	__u32 flags;
	__u32 id;
	__u32 pad;
};

/**
 * struct pf_unpin - end a pin
 * @id: of the area
 * @victim: file descriptor of the device that has it, or -1 for this one
 * @again: end it a second time, and tell that result
 */
struct pf_unpin {
	__u32 id;
	__s32 victim;
	__u32 again;
};

/**
 * struct pf_report - what happened to an area
 * @id: in: which
 * @present: pages that the pin has now
 * @sum: of the counts in these pages
 * @writes: visits of the device
 * @errors: pages in which the device did not find what it had left there
 * @misuse: callbacks against the rules of struct pinner_ops
 * @calls: by enum pf_op
 * @pages: in these calls
 * @why: pages that were revoked, by enum pin_revoke_why
 * @lost: pages that were gone when they were committed
 */
struct pf_report {
	__u32 id;
	__u32 present;
	__u64 sum;
	__u64 writes;
	__u64 errors;
	__u64 misuse;
	__u64 calls[PF_NR_OPS];
	__u64 pages[PF_NR_OPS];
	__u64 why[PF_NR_WHY];
	__u64 lost;
};

/**
 * struct pf_pfns - where the pages are
 * @pfns: pointer to room for @nr of them; 0 for a page that is gone
 * @first: index of the first
 * @nr: number
 * @id: of the area
 * @pad: zero
 */
struct pf_pfns {
	__u64 pfns;
	__u64 first;
	__u64 nr;
	__u32 id;
	__u32 pad;
};

/**
 * struct pf_where - argument of PF_MOVE and PF_REVOKE_PAGES
 * @pfn: first page
 * @nr: number of pages
 * @timeout_ms: when to give up
 * @pad: zero
 */
struct pf_where {
	__u64 pfn;
	__u64 nr;
	__u32 timeout_ms;
	__u32 pad;
};

/**
 * struct pf_many - make many pins of random pages, look up some, end them
 * @blocks: pointer to the first pfns of blocks of 512 pages
 * @nr_blocks: number of blocks
 * @pins: number of pins
 * @seed: which pages
 * @lookups: how many lookups
 * @found: set: how many found a pin
 * @listed: set: pins that a walk over everything found
 */
struct pf_many {
	__u64 blocks;
	__u64 nr_blocks;
	__u64 pins;
	__u64 seed;
	__u64 lookups;
	__u64 found;
	__u64 listed;
};

/**
 * struct pf_move_dax - move pages of a DAX file, all but the file system's part
 * @src: first pfn
 * @dst: where to: pages of another file
 * @nr: number of pages
 * @offset: of the first page in the file
 * @fd: the file whose pages at @src are unmapped
 * @timeout_ms: when to give up
 * @change_mind: abort when the pages could be copied
 * @src_refs: set: the most references that a page at @src has afterwards
 * @dst_refs: set: the same at @dst
 */
struct pf_move_dax {
	__u64 src;
	__u64 dst;
	__u64 nr;
	__u64 offset;
	__s32 fd;
	__u32 timeout_ms;
	__u32 change_mind;
	__u32 src_refs;
	__u32 dst_refs;
	__u32 pad;
};

/**
 * struct pf_map - map an area for the device, and undo that at once
 * @id: the area
 * @writes: the device may write to it
 */
struct pf_map {
	__u32 id;
	__u32 writes;
};

/**
 * struct pf_event - a callback; read() tells them
 * @serial: their order, over all devices
 * @op: enum pf_op
 * @id: of the area
 * @first: first page
 * @nr: number of pages
 */
struct pf_event {
	__u64 serial;
	__u32 op;
	__u32 id;
	__u64 first;
	__u64 nr;
};

#define PF_SETUP	_IOW('p', 1, struct pf_setup)
#define PF_BEHAVE	_IOW('p', 2, struct pf_behave)
#define PF_PIN		_IOWR('p', 3, struct pf_area)
#define PF_UNPIN	_IOW('p', 4, struct pf_unpin)
#define PF_RUN		_IO('p', 5)	/* argument: write from now on, or not */
#define PF_REPORT	_IOWR('p', 6, struct pf_report)
#define PF_PFNS		_IOWR('p', 7, struct pf_pfns)
#define PF_DIRTY	_IO('p', 8)	/* argument: area */
#define PF_MOVE		_IOW('p', 9, struct pf_where)
#define PF_REVOKE_PAGES	_IOW('p', 10, struct pf_where)
#define PF_MANY		_IOWR('p', 11, struct pf_many)
#define PF_UNREGISTER	_IO('p', 12)	/* argument: how long to wait, ms */
#define PF_MOVE_DAX	_IOWR('p', 13, struct pf_move_dax)
#define PF_MAP		_IOW('p', 14, struct pf_map)

/*
 * /dev/pf_pinstore: pages of the kernel with known contents, which joined the
 * registry. Each open file is a store of its own.
 */

enum pf_store_kind {
	PF_STORE_PAGES,		/* single movable pages, each pinned by the store */
	PF_STORE_BLOCKS,	/* blocks of 512: data in the even ones, which */
				/* move to the odd one behind and back */
};

/**
 * struct pf_store_make - fill the store
 * @nr: number of pages or of blocks, which is even
 * @seed: of the contents
 * @kind: enum pf_store_kind
 * @pad: zero
 */
struct pf_store_make {
	__u64 nr;
	__u64 seed;
	__u32 kind;
	__u32 pad;
};

/**
 * struct pf_store_state - what became of the store
 * @bad: pages with wrong contents, now or right after a move
 * @moved: how often pages moved
 * @away: pages that are not where they were made
 */
struct pf_store_state {
	__u64 bad;
	__u64 moved;
	__u64 away;
};

/**
 * struct pf_store_pfns - where the pages are, or the blocks begin
 * @pfns: pointer to room for @nr of them
 * @nr: number
 */
struct pf_store_pfns {
	__u64 pfns;
	__u64 nr;
};

/**
 * struct pf_store_block - memory that somebody needs, as CMA would
 * @pfn: the first of 512 pages; a multiple of that
 */
struct pf_store_block {
	__u64 pfn;
};

#define PF_STORE_MAKE	_IOW('p', 32, struct pf_store_make)
#define PF_STORE_CHECK	_IOR('p', 33, struct pf_store_state)
#define PF_STORE_WHERE	_IOW('p', 34, struct pf_store_pfns)
#define PF_STORE_CHURN	_IO('p', 35)	/* argument: new seed; rewrites all */
#define PF_STORE_TAKE	_IOW('p', 36, struct pf_store_block)	/* and fill it */
#define PF_STORE_GIVE	_IO('p', 37)	/* back, if nobody wrote to it */

#endif /* _PF_PIN_H */
