/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of pin_registry.ko. Locks, outermost first:
 *
 *	the slot of a pin		a sleeping lock with a deadline, callback.c
 *	  pin_window.lock		spinlock, user.c
 *	    pin_handle.lock		spinlock
 *	      index			spinlock of an xarray: buckets come and go
 *		pin_bucket.lock		spinlock; two by ascending number
 *	    lazy_lock			spinlock, lazy.c: a list of windows
 *	windows_lock			spinlock, innermost
 *	join_lock			mutex, range.c; alone
 *
 * No lock is held while memory is pinned or a callback runs, except the slot. A
 * notifier of the mm may hold folio, i_mmap or anon_vma locks and a journal
 * handle when it takes any of these, so nothing under them reclaims, faults, or
 * takes mmap_lock or a folio lock. The slot excepted: see struct pinner_ops.
 */
#ifndef _PIN_REGISTRY_REGISTRY_H
#define _PIN_REGISTRY_REGISTRY_H

#include <linux/interval_tree.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/percpu.h>
#include <linux/pin_registry.h>
#include <linux/refcount.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

/* Bookkeeping is by chunk of 2 MiB of physical memory. */
#define PIN_CHUNK_SHIFT	(PMD_SHIFT - PAGE_SHIFT)
#define PIN_CHUNK_PAGES	BIT(PIN_CHUNK_SHIFT)

/* No callback and no wait for one may take longer, whatever a pinner asks for. */
#define PIN_TIMEOUT_MAX_MS	30000

/* An age histogram has a bar for each power of two of microseconds. */
#define PIN_AGE_BARS	40

/**
 * struct pinner_stats - counters of a pinner, one set for each CPU
 * @pins: pins made less pins ended on this CPU; the sum is the number of pins
 * @pages: the same for pages
 * @moves: pages that moved under its pins
 * @refused: prepares that it refused
 * @timeouts: callbacks that were late
 * @revoked: pages that it lost
 * @age: how long ended pins lived, by powers of two of microseconds
 */
struct pinner_stats {
	s64 pins;
	s64 pages;
	u64 moves;
	u64 refused;
	u64 timeouts;
	u64 revoked;
	u64 age[PIN_AGE_BARS];
};

/**
 * struct pinner - see struct pinner_desc
 * @ref: one for being registered, one for each handle: a late callback's caller may
 *	look at the pinner after its pin has ended
 * @live: pins that have not ended. The first one holds a reference to @owner for
 *	all of them. PINNER_CLOSED once unregistering has won
 * @ops: callbacks
 * @owner: their module
 * @class: class
 * @flags: PINNER_*
 * @timeout: of a callback, in jiffies
 * @wq: runs callbacks that sleep; NULL for PINNER_ATOMIC. One for each pinner, so
 *	that stuck ones do not hold up others, with a rescuer: reclaim may wait
 * @complained: bits of enum pinner_complaint: the log was told
 * @node: on the list of pinners
 * @stats: counters
 * @name: name
 */
struct pinner {
	refcount_t ref;
	atomic_long_t live;
	const struct pinner_ops *ops;
	struct module *owner;
	enum pin_class class;
	unsigned int flags;
	unsigned long timeout;
	struct workqueue_struct *wq;
	unsigned long complained;
	struct list_head node;
	struct pinner_stats __percpu *stats;
	char name[32];
};

#define PINNER_CLOSED	(LONG_MIN / 2)

enum pinner_complaint {
	COMPLAINT_LATE,
	COMPLAINT_NONSENSE,
};

/**
 * struct pin_bucket - the pins of one chunk
 * @lock: covers @slots, @nr, @moves and @arrivals
 * @slots: for each page of the chunk its links, those of the newest pin first
 * @nr: links in @slots; they keep the bucket
 * @moves: running moves of pages of the chunk
 * @arrivals: running moves to pages of the chunk
 * @users: one for being in the index, one for each move and whoever looks at it
 * @chunk: its number
 * @rcu: lookups find a bucket under RCU
 */
struct pin_bucket {
	spinlock_t lock;		/* see above */
	struct hlist_head *slots;
	unsigned long nr;
	struct list_head moves;
	struct list_head arrivals;
	atomic_t users;
	unsigned long chunk;
	struct rcu_head rcu;
};

/**
 * struct pin_link - finds a pin by one of its pages
 * @node: in the slot of the page; there as long as the page is in the pin
 * @pin: the pin; its place in pin_handle.links is that of the page in the pin
 */
struct pin_link {
	struct hlist_node node;
	struct pin_handle *pin;
};

/* What a pinner can be called for. */
enum pin_op {
	PIN_OP_PREPARE,
	PIN_OP_COMMIT,
	PIN_OP_ABORT,
	PIN_OP_REVOKE,
	PIN_OP_FLUSH,
};

/* What has to be done by whoever releases the slot of a pin. */
#define PIN_PENDING_MOVE	BIT(0)
#define PIN_PENDING_REVOKE	BIT(1)
#define PIN_PENDING_END		BIT(2)

/**
 * struct pin_span - pages of a pin
 * @first: index of the first
 * @nr: number, 0 for none
 */
struct pin_span {
	unsigned long first;
	unsigned long nr;
};

/**
 * struct pin_late - what is to be done when the slot is free
 * @next: next one of the pin
 * @where: pages
 * @moved: how a move ended: commit, otherwise abort
 * @why: pages are to be revoked
 */
struct pin_late {
	struct pin_late *next;
	struct pin_span where;
	bool moved;
	enum pin_revoke_why why;
};

/**
 * struct pin_callback - a callback that runs in a worker, to bound the wait for it
 * @work: the work
 * @pin: on which pin; its slot is held until @work has run
 * @done: completed after it
 * @op: which
 * @where: on which pages
 * @why: argument of PIN_OP_REVOKE
 * @deadline: argument of PIN_OP_PREPARE
 * @result: what it returned
 * @abandoned: nobody waits any more: the work releases the slot itself. Under the
 *	pin's lock, as is @finished
 * @finished: it has run
 */
struct pin_callback {
	struct work_struct work;
	struct pin_handle *pin;
	struct completion done;
	enum pin_op op;
	struct pin_span where;
	enum pin_revoke_why why;
	unsigned long deadline;
	int result;
	bool abandoned;
	bool finished;
};

/* The page moved away and will be pinned again; see follow.c. */
#define PIN_SUSPENDED	((struct page *)1UL)

/* State bits of a pin, under its lock. */
#define PIN_BUSY	BIT(0)	/* the slot is taken */
#define PIN_ENDED	BIT(1)	/* no callbacks, no pages any more */
#define PIN_AWAITED	BIT(2)	/* somebody waits for the slot */

/**
 * struct pin_handle - a pin
 * @ref: the pinner's, and one for each lookup, move and work on it
 * @lock: covers @state, @pending, what is late, @late_taken, @mover, and changes of
 *	@pages
 * @state: PIN_BUSY, PIN_ENDED, PIN_AWAITED
 * @lazy: not in the index yet, see lazy.c; becomes false with the window's lock as well
 * @holes: it has lost pages, for good or for a while; those who came back do not count
 * @starting: not all pages are linked yet, and they may be unlinked again: who
 *	finds one does not touch the pin
 * @user: a struct pin_user is around it
 * @dax: user pages of a DAX file
 * @flags: PIN_WRITE
 * @pending: PIN_PENDING_*
 * @users: for pin_general_ops, see general.c
 * @pinner: a reference is held; its callbacks only until the pin has ended
 * @cookie: the pinner's
 * @why: the pinner's
 * @since: when it was pinned, nanoseconds of ktime_get_mono_fast_ns()
 * @timeout: of a callback, in jiffies: the pinner's
 * @tgid: who pinned
 * @nr: number of pages
 * @pages: the pages; NULL for one that was revoked, PIN_SUSPENDED. They change with
 *	@links, under the lock of the bucket as well
 * @links: find the pin by its pages
 * @ranges: memory of the pages, a reference is held for each. NULL for user pages,
 *	which are held by references of their own
 * @one: @pages of a pin of one page
 * @link_one: its @links
 * @range_one: its @ranges
 * @runner: task that runs a callback directly
 * @mover: move that prepared this pin
 * @callback: for pinners whose callbacks sleep
 * @late: for PIN_PENDING_MOVE
 * @late_one: memory for one that is late, or may be
 * @late_taken: it is used
 * @late_revokes: for PIN_PENDING_REVOKE
 * @late_hull: what should be there, but there was no memory for it: some pages, and
 *	maybe others between them
 * @late_why: and the reason
 */
struct pin_handle {
	refcount_t ref;
	spinlock_t lock;		/* see above */
	u8 state;
	u8 pending;
	u8 flags;
	bool user;
	bool dax;
	bool lazy;
	bool holes;
	bool starting;
	atomic64_t users;
	struct pinner *pinner;
	void *cookie;
	const char *why;
	u64 since;
	unsigned long timeout;
	pid_t tgid;
	unsigned long nr;
	struct page **pages;
	struct pin_link *links;
	struct pin_range **ranges;
	struct page *one;
	struct pin_link link_one;
	struct pin_range *range_one;
	struct task_struct *runner;
	struct pin_move *mover;
	struct pin_callback *callback;
	struct pin_late *late;
	struct pin_late late_one;
	bool late_taken;
	struct pin_late *late_revokes;
	struct pin_span late_hull;
	enum pin_revoke_why late_why;
};

/**
 * struct pin_window - a part of an address space that is watched
 * @mni: notifier
 * @lock: covers @tree, and decides between a notification and a new pin
 * @tree: struct pin_user, by address, but lazy ones that nobody has looked for
 * @mm: address space; the notifier holds a reference to it
 * @users: pins, and one for being in the table
 * @serial: of the last one that came to the tree, under @lock
 * @lazies: pins that are not in the index yet, under @lock, see lazy.c. Those that
 *	are not in @tree are first
 * @lazy_pages: their pages
 * @listed: in the list of windows with such pins, under @lock and lazy_lock
 * @is_listed: is it, under @lock
 * @dax: the last pin was of DAX pages: a guess, to pin at the first try
 * @idle_since: jiffies
 * @hash: in the table of windows, unless it was made for one large pin
 * @dead: on the list of windows nobody needs any more
 * @rcu: lookups run under RCU
 */
struct pin_window {
	struct mmu_interval_notifier mni;
	spinlock_t lock;		/* see above */
	struct rb_root_cached tree;
	struct mm_struct *mm;
	atomic_t users;
	unsigned long serial;
	struct hlist_head lazies;
	unsigned long lazy_pages;
	struct list_head listed;
	bool is_listed;
	bool dax;
	unsigned long idle_since;
	struct hlist_node hash;
	struct llist_node dead;
	struct rcu_head rcu;
};

/**
 * struct pin_user - a pin of a user mapping
 * @pin: the pin
 * @va: addresses, inclusive, in the tree of the window
 * @window: watches them; a user of it is held until the pin is freed
 * @serial: its place among those of the same start
 * @planted: in the tree of the window, under its lock
 * @lazy: in the list of the window, as long as the pin is lazy
 * @retag: pages were written back since they were last marked dirty; under the
 *	pin's lock, as is @retagging
 * @retagging: how many are marking them dirty now
 * @tries: how often the pages were looked for in vain
 * @followed: @follow was initialised, by the first who needed it; under the pin's lock
 * @follow: pins suspended pages again, marks pages dirty again; a reference to the
 *	pin is held while it is queued
 */
struct pin_user {
	struct pin_handle pin;
	struct interval_tree_node va;
	struct pin_window *window;
	unsigned long serial;
	bool planted;
	struct hlist_node lazy;
	bool retag;
	unsigned int retagging;
	unsigned int tries;
	bool followed;
	struct delayed_work follow;
};

/* Under the pin's lock; pin_page() looks without. */
static inline void pin_set_state(struct pin_handle *pin, u8 state)
{
	WRITE_ONCE(pin->state, state);
}

/* All of it is linked: from now on it is a pin for everybody. */
static inline void pin_made(struct pin_handle *pin)
{
	/* Pairs with index_starting(). */
	smp_store_release(&pin->starting, false);
}

static inline struct pin_user *to_user(struct pin_handle *pin)
{
	return container_of(pin, struct pin_user, pin);
}

static inline bool pin_has_page(const struct page *page)
{
	return page && page != PIN_SUSPENDED;
}

/**
 * struct pin_range - memory that joined
 * @users: one for being joined, one for each pinned page and running move
 * @name: owner
 * @pfn: first page; changes with the page lock held for single pages
 * @nr: number of pages
 * @ops: how it moves; never NULL
 * @cookie: the owner's
 * @page: joined by pin_range_join_page()
 * @rcu: lookups run under RCU
 */
struct pin_range {
	refcount_t users;
	const char *name;
	unsigned long pfn;
	unsigned long nr;
	const struct pin_mover_ops *ops;
	void *cookie;
	bool page;
	struct rcu_head rcu;
};

/* main.c */
extern struct workqueue_struct *pin_follow_wq;

/* pinner.c */
int pinner_live_get(struct pinner *p);
void pinner_live_put(struct pinner *p);
void pinner_put(struct pinner *p);
bool pinner_complain(struct pinner *p, enum pinner_complaint what);
void pinner_for_each(void (*fn)(struct pinner *p, void *arg), void *arg);

#define pinner_stat_add(p, counter, n)	this_cpu_add((p)->stats->counter, n)

/* index.c */
int index_prepare(struct page **pages, unsigned long nr, gfp_t gfp);
int index_link(struct pin_handle *pin, struct pin_span where,
	       struct page **pages, struct page *mark);
void index_unlink(struct pin_handle *pin, struct pin_span where,
		  struct page *mark);
void index_unlink_ended(struct pin_handle *pin);
unsigned long index_missing(struct pin_handle *pin);
void index_relink(struct pin_bucket *from, struct pin_bucket *to,
		  struct pin_handle *pin, unsigned long i, struct page *page);
struct pin_link *index_links(struct pin_bucket *b, unsigned long pfn);
struct pin_link *index_next(struct pin_link *link);
bool index_starting(struct pin_link *link);
struct pin_span index_run(struct pin_link *link, unsigned long pfn,
			  unsigned long first, unsigned long last);
void index_lock_both(struct pin_bucket *x, struct pin_bucket *y);
void index_unlock_both(struct pin_bucket *x, struct pin_bucket *y);
bool index_moving(struct pin_bucket *b, unsigned long pfn, unsigned long nr);
bool index_mover_here(unsigned long pfn);
struct pin_bucket *index_bucket_find(unsigned long chunk);
struct pin_bucket *index_bucket_get(unsigned long chunk, gfp_t gfp);
struct pin_bucket *index_bucket_after(unsigned long chunk);
void index_bucket_put(struct pin_bucket *b);
void index_exit(void);

/* pin.c */
struct pin_handle *pin_alloc(struct pinner *p, struct kmem_cache *cache,
			     unsigned long nr, unsigned int flags, void *cookie,
			     const char *why);
void pin_construct(void *memory);
void pin_free(struct pin_handle *pin);
bool pin_keep_memory(struct pin_handle *pin);
struct pin_handle *pin_kept_memory(int cpu);
void pin_started(struct pin_handle *pin);
void pin_drop(struct pin_handle *pin, struct pin_span where,
	      struct page *mark);
bool pin_find_run(struct pin_handle *pin, struct pin_span in, bool suspended,
		  struct pin_span *run);
void pin_finish_end(struct pin_handle *pin);
int pin_init(void);
void pin_exit(void);

/* user.c */
long user_check_pages(struct page **pages, unsigned long nr, bool write);
void user_reset(struct pin_user *u);
void user_end(struct pin_user *u);
void user_free(struct pin_user *u);
int user_init(void);
void user_exit(void);

/* window.c */
struct pin_window *window_get(struct mm_struct *mm, unsigned long start,
			      unsigned long last);
void window_put(struct pin_window *w);
void window_plant(struct pin_user *u);
void window_exit(void);

/* lazy.c */
bool lazy_add(struct pin_user *u);
void lazy_plant(struct pin_window *w);
void lazy_forget(struct pin_window *w);
int lazy_ask(gfp_t gfp);
void lazy_answered(void);
int lazy_look(gfp_t gfp);

/* The pin ends, with the lock of its window. If it is lazy, it stays so. */
static inline void lazy_remove(struct pin_user *u)
{
	if (!u->pin.lazy)
		return;
	__hlist_del(&u->lazy);
	u->window->lazy_pages -= u->pin.nr;
}

/* notify.c */
extern const struct mmu_interval_notifier_ops pin_notifier_ops;

/* follow.c */
void follow_work_fn(struct work_struct *work);
void follow_kick(struct pin_user *u, unsigned long delay);
int follow_retag(struct pin_user *u);

/* callback.c */
int pin_slot_take(struct pin_handle *pin, unsigned long deadline, bool atomic);
void pin_slot_release(struct pin_handle *pin);
void pin_callback_fn(struct work_struct *work);
int pin_call(struct pin_handle *pin, enum pin_op op, struct pin_span where,
	     enum pin_revoke_why why, unsigned long deadline);
void pin_end_later(struct pin_handle *pin);
void pin_revoke_later(struct pin_handle *pin, struct pin_span where,
		      enum pin_revoke_why why);
struct pin_late *pin_late_get(struct pin_handle *pin, gfp_t gfp);
void pin_late_put(struct pin_handle *pin, struct pin_late *late);
void pin_conclude_later(struct pin_handle *pin, struct pin_late *late);
struct pin_move *pin_mover(struct pin_handle *pin);
unsigned long pin_deadline(const struct pin_handle *pin);
int pin_revoke(struct pin_handle *pin, struct pin_span where,
	       enum pin_revoke_why why, unsigned long deadline);

/* general.c */
void general_revoked(struct pin_handle *pin);

/* range.c */
struct pin_range *range_get(unsigned long pfn);
void range_put(struct pin_range *range);
bool range_of_page(unsigned long pfn);
int range_move_page(struct pin_range *range, unsigned long deadline);

/* show.c */
void show_init(void);
void show_exit(void);

#endif /* _PIN_REGISTRY_REGISTRY_H */
