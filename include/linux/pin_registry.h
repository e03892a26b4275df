/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pin registry (mm/, pin_registry.ko): who pins which page, for how long, and
 * how to ask every one of them to let it move.
 *
 *	pinner	a subsystem or driver that pins pages, with its callbacks
 *	pin	a handle: pages that one pinner pins, for one reason
 *	range	memory that joined the registry, with the owner who can move it
 *	move	a transaction: all pinners of the pages agree, or nothing happens
 *
 * Documentation/pin-registry.rst has the contracts, a worked example, and what
 * each class of pins may expect.
 */
#ifndef _LINUX_PIN_REGISTRY_H
#define _LINUX_PIN_REGISTRY_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/pin_registry.h>

struct module;
struct page;
struct pin_handle;
struct pin_range;
struct pinner;

/**
 * struct pin_policy - what pins of a class have to put up with
 * @name: for people
 * @may_move: a move asks the pinner; otherwise it is refused without asking
 * @may_revoke: the registry may take the pages away for other reasons than the
 *	end of their mapping, see pin_registry_revoke()
 * @timeout_ms: how long a callback may take, unless the pinner says otherwise
 * @expected_ms: pins older than this are long ones; 0 if any age is usual
 */
struct pin_policy {
	const char *name;
	bool may_move;
	bool may_revoke;
	unsigned int timeout_ms;
	unsigned int expected_ms;
};

const struct pin_policy *pin_class_policy(enum pin_class class);

/**
 * struct pinner_ops - how a pinner is told what happens to its pages
 * @prepare: stop using pages @first to @first + @nr - 1 of the pin; they are
 *	about to move. Return 0 once no access is possible any more, -EBUSY to
 *	refuse. Each page prepared is committed or aborted once, maybe together
 *	with others. @deadline (jiffies) is when the answer is of no use any more
 * @commit: the pages are elsewhere now: ask pin_page() where, and go on. A page
 *	that reads NULL was lost on the way, and will not come back
 * @abort: the pages stay where they are; go on
 * @revoke: the pages are taken away for good. On return no access may be
 *	possible any more: they may be freed at once
 * @flush: whatever was written to the pages must be seen by a reader of memory
 *	on return: their file is being written back. The pin stays. May be NULL
 *
 * One callback of a pin runs at a time. Callbacks are called without locks of the
 * registry. They may call pin_page() and pin_end() on their own pin.
 *
 * A callback runs on behalf of whoever moves or takes the pages, possibly a task
 * in direct reclaim that holds a folio lock, i_mmap or anon_vma locks or a journal
 * handle. So it must not: allocate memory with __GFP_DIRECT_RECLAIM, take mmap_lock
 * or a folio lock, fault on user memory, wait for file system I/O, or wait for
 * anybody who does one of these. With PINNER_ATOMIC it does not sleep at all.
 */
struct pinner_ops {
	int (*prepare)(struct pin_handle *pin, unsigned long first,
		       unsigned long nr, unsigned long deadline);
	void (*commit)(struct pin_handle *pin, unsigned long first,
		       unsigned long nr);
	void (*abort)(struct pin_handle *pin, unsigned long first,
		      unsigned long nr);
	void (*revoke)(struct pin_handle *pin, unsigned long first,
		       unsigned long nr, enum pin_revoke_why why);
	void (*flush)(struct pin_handle *pin, unsigned long first,
		      unsigned long nr);
};

/* Callbacks never sleep: they are called directly, also by MIGRATE_ASYNC. */
#define PINNER_ATOMIC	BIT(0)

/**
 * struct pinner_desc - a new pinner
 * @name: for messages and listings, unique, 1 to 31 characters, none of them a blank,
 *	'=', newline or other control character; copied
 * @class: what it pins for
 * @flags: PINNER_ATOMIC
 * @timeout_ms: how long a callback may take; 0 for the default of the class
 * @ops: callbacks, all but @flush set, or &pin_general_ops
 * @owner: module of the callbacks; cannot be unloaded while pins exist
 */
struct pinner_desc {
	const char *name;
	enum pin_class class;
	unsigned int flags;
	unsigned int timeout_ms;
	const struct pinner_ops *ops;
	struct module *owner;
};

struct pinner *pinner_register(const struct pinner_desc *desc);
int __must_check pinner_unregister(struct pinner *pinner, unsigned int wait_ms);

/*
 * For pinners without wishes of their own: pages move whenever nobody is between
 * pin_use() and pin_unuse().
 */
extern const struct pinner_ops pin_general_ops;

/* Flags of a pin. */
#define PIN_WRITE	BIT(0)	/* the pinner writes to the pages */

struct pin_handle *pin_pages(struct pinner *pinner, struct page *page,
			     unsigned long nr, unsigned int flags, void *cookie,
			     const char *why);
struct pin_handle *pin_page_array(struct pinner *pinner, struct page **pages,
				  unsigned long nr, unsigned int flags,
				  void *cookie, const char *why);
struct pin_handle *pin_user(struct pinner *pinner, unsigned long addr,
			    size_t len, unsigned int flags, void *cookie,
			    const char *why);
struct pin_handle *pin_range_pin(struct pinner *pinner, struct pin_range *range,
				 unsigned int flags, void *cookie,
				 const char *why);
int pin_end(struct pinner *pinner, struct pin_handle *pin);

/**
 * struct pin_request - one pin of a batch
 * @page: first page
 * @nr: number of pages
 * @flags: PIN_WRITE
 * @cookie: for the pinner
 * @why: see pin_pages()
 * @pin: the handle, set on success
 */
struct pin_request {
	struct page *page;
	unsigned long nr;
	unsigned int flags;
	void *cookie;
	const char *why;
	struct pin_handle *pin;
};

int pin_batch(struct pinner *pinner, struct pin_request *req, unsigned long n);
int pin_end_batch(struct pinner *pinner, struct pin_request *req,
		  unsigned long n);

struct pin_handle *pin_get(struct pin_handle *pin);
void pin_put(struct pin_handle *pin);
struct page *pin_page(struct pin_handle *pin, unsigned long i);
unsigned long pin_nr(const struct pin_handle *pin);
void *pin_cookie(const struct pin_handle *pin);
int pin_use(struct pin_handle *pin);
void pin_unuse(struct pin_handle *pin);
int pin_mark_dirty(struct pin_handle *pin);

/**
 * struct pin_info - what can be told about a pin
 * @pinner: name of the pinner
 * @class: its class
 * @why: what the pinner said, maybe cut
 * @first_pfn: of the pages inside what was looked up
 * @first: their index in the pin
 * @nr: their number
 * @total: pages of the whole pin
 * @age_ns: time since it was pinned
 * @tgid: process that pinned
 * @flags: PIN_WRITE
 * @user: pages of a user mapping
 */
struct pin_info {
	char pinner[32];
	enum pin_class class;
	char why[48];
	unsigned long first_pfn;
	unsigned long first;
	unsigned long nr;
	unsigned long total;
	u64 age_ns;
	pid_t tgid;
	unsigned int flags;
	bool user;
};

struct pin_handle *pin_lookup(unsigned long pfn);
int pin_for_each(unsigned long first_pfn, unsigned long last_pfn,
		 int (*fn)(struct pin_handle *pin, const struct pin_info *info,
			   void *arg), void *arg);
unsigned int pin_registry_refs(unsigned long pfn);

/**
 * struct pin_mover_ops - how the owner of a range moves a page of it
 * @move: move pages @pfn to @pfn + @nr - 1, which lie in one aligned 2 MiB chunk,
 *	by pin_move_begin(), moving, and pin_move_commit() or pin_move_abort().
 *	May sleep; @deadline in jiffies. The range has a user meanwhile, and cannot
 *	leave. NULL if they cannot move
 * @moved: page registered by pin_range_join_page() moved; @dst has its contents
 *	and all its pins. Page locks of both are held; may sleep unless @atomic.
 *	Until it returns, nobody else moves the page. May be NULL
 */
struct pin_mover_ops {
	int (*move)(struct pin_range *range, unsigned long pfn,
		    unsigned long nr, unsigned long deadline);
	void (*moved)(struct pin_range *range, struct page *dst,
		      struct page *src, bool atomic);
};

struct pin_range *pin_range_join(const char *name, unsigned long pfn,
				 unsigned long nr,
				 const struct pin_mover_ops *ops, void *cookie);
struct pin_range *pin_range_join_page(const char *name, struct page *page,
				      const struct pin_mover_ops *ops,
				      void *cookie);
int pin_range_leave(struct pin_range *range);
void *pin_range_cookie(const struct pin_range *range);
struct page *pin_range_page(const struct pin_range *range);

struct pin_bucket;
struct pin_part;

/**
 * struct pin_move - a running move; the members belong to the registry
 * @node: on the list of moves of the chunk
 * @dst_node: on the list of moves to the chunk where it moves to
 * @src: first pfn
 * @dst: where it moves to
 * @nr: number of pages
 * @task: who moves: what it unmaps meanwhile does not end the pins
 * @atomic: nobody may sleep
 * @deadline: jiffies
 * @bucket: of the chunk
 * @dst_bucket: of the chunk where it moves to
 * @parts: pins that take part, innermost last
 * @nr_parts: number of @parts
 * @few: memory for them if it is one
 * @blocker: name of the pinner that refused, for messages, or empty
 */
struct pin_move {
	struct list_head node;
	struct list_head dst_node;
	unsigned long src;
	unsigned long dst;
	unsigned long nr;
	struct task_struct *task;
	bool atomic;
	unsigned long deadline;
	struct pin_bucket *bucket;
	struct pin_bucket *dst_bucket;
	struct pin_part *parts;
	unsigned long nr_parts;
	void *few[6];
	char blocker[32];
};

int pin_move_begin(struct pin_move *move, unsigned long src, unsigned long dst,
		   unsigned long nr, unsigned long deadline, bool atomic);
void pin_move_commit(struct pin_move *move);
void pin_move_commit_some(struct pin_move *move, const unsigned long *stays);
void pin_move_abort(struct pin_move *move);

int pin_registry_move(unsigned long pfn, unsigned long nr,
		      unsigned int timeout_ms);
int pin_registry_revoke(unsigned long pfn, unsigned long nr,
			unsigned int timeout_ms);

#endif /* _LINUX_PIN_REGISTRY_H */
