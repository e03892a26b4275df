// SPDX-License-Identifier: GPL-2.0
/*
 * Windows: parts of address spaces that are watched. Watching costs more than
 * pinning a page, so pins share a window of 32 MiB, which outlives them a while. A
 * pin that does not fit in one gets a window of its own.
 */
#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "registry.h"

#define WINDOW_SHIFT	25
#define TABLE_BITS	10
#define IDLE_TIME	(2 * HZ)

static struct hlist_head table[BIT(TABLE_BITS)];
/* Covers changes of the table; lookups use RCU. */
static DEFINE_SPINLOCK(windows_lock);
/* Windows without users, to be dismantled where that may sleep. */
static LLIST_HEAD(dead_windows);

static void reap_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(reap_work, reap_fn);

static struct hlist_head *slot(struct mm_struct *mm, unsigned long start)
{
	unsigned long key = (unsigned long)mm ^ (start >> WINDOW_SHIFT);

	return &table[hash_long(key, TABLE_BITS)];
}

static struct pin_window *window_alloc(struct mm_struct *mm,
				       unsigned long start, unsigned long len)
{
	struct pin_window *w = kzalloc(sizeof(*w), GFP_KERNEL);
	int err;

	if (!w)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&w->lock);
	w->tree = RB_ROOT_CACHED;
	w->mm = mm;
	atomic_set(&w->users, 1);
	INIT_HLIST_NODE(&w->hash);
	INIT_LIST_HEAD(&w->listed);
	err = mmu_interval_notifier_insert(&w->mni, mm, start, len,
					   &pin_notifier_ops);
	if (err) {
		kfree(w);
		return ERR_PTR(err);
	}
	return w;
}

static inline struct pin_window *find(struct mm_struct *mm, unsigned long start)
{
	struct pin_window *w;

	hlist_for_each_entry_rcu(w, slot(mm, start), hash,
				 lockdep_is_held(&windows_lock)) {
		if (w->mm == mm && w->mni.interval_tree.start == start &&
		    atomic_inc_not_zero(&w->users))
			return w;
	}
	return NULL;
}

static void bury(struct pin_window *w)
{
	llist_add(&w->dead, &dead_windows);
	mod_delayed_work(pin_follow_wq, &reap_work, 0);
}

/* Return: the window of a pin, with a user for it, or an ERR_PTR(). */
struct pin_window *window_get(struct mm_struct *mm, unsigned long start,
			      unsigned long last)
{
	unsigned long base = start & ~(BIT(WINDOW_SHIFT) - 1);
	struct pin_window *w, *other;

	if (start >> WINDOW_SHIFT != last >> WINDOW_SHIFT)
		return window_alloc(mm, start, last - start + 1);
	rcu_read_lock();
	w = find(mm, base);
	rcu_read_unlock();
	if (likely(w))
		return w;
	w = window_alloc(mm, base, BIT(WINDOW_SHIFT));
	if (IS_ERR(w))
		return w;
	spin_lock(&windows_lock);
	other = find(mm, base);
	if (!other) {
		atomic_inc(&w->users);
		hlist_add_head_rcu(&w->hash, slot(mm, base));
	}
	spin_unlock(&windows_lock);
	if (!other) {
		queue_delayed_work(pin_follow_wq, &reap_work, IDLE_TIME);
		return w;
	}
	bury(w);
	return other;
}

/*
 * A pin does not need its window any more. Taking the notifier off waits for running
 * notifications, one of which may be our caller: leave it to the reaper.
 */
void window_put(struct pin_window *w)
{
	WRITE_ONCE(w->idle_since, jiffies);
	if (atomic_dec_and_test(&w->users))
		bury(w);
}

/*
 * From now on notifications find the pin by its address. With the lock of the window,
 * and in the order of the serial numbers, which is that of the tree, too.
 */
void window_plant(struct pin_user *u)
{
	struct pin_window *w = u->window;

	lockdep_assert_held(&w->lock);
	u->serial = ++w->serial;
	interval_tree_insert(&u->va, &w->tree);
	u->planted = true;
}

static void dismantle(struct pin_window *w)
{
	WARN_ON_ONCE(!RB_EMPTY_ROOT(&w->tree.rb_root) ||
		     !hlist_empty(&w->lazies));
	lazy_forget(w);
	mmu_interval_notifier_remove(&w->mni);
	kfree_rcu(w, rcu);
}

/* Return: true if windows are left in the table. */
static bool unhash_idle(bool all)
{
	struct pin_window *w;
	struct hlist_node *n;
	bool left = false;
	int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		if (hlist_empty(&table[i]))
			continue;
		spin_lock(&windows_lock);
		hlist_for_each_entry_safe(w, n, &table[i], hash) {
			if ((!all && time_before(jiffies,
						 READ_ONCE(w->idle_since) +
						 IDLE_TIME)) ||
			    atomic_cmpxchg(&w->users, 1, 0) != 1) {
				left = true;
				continue;
			}
			hlist_del_rcu(&w->hash);
			llist_add(&w->dead, &dead_windows);
		}
		spin_unlock(&windows_lock);
	}
	return left;
}

static void reap_fn(struct work_struct *work)
{
	struct pin_window *w, *n;
	bool left = unhash_idle(false);

	llist_for_each_entry_safe(w, n, llist_del_all(&dead_windows), dead)
		dismantle(w);
	if (left)
		queue_delayed_work(pin_follow_wq, &reap_work, IDLE_TIME);
}

/* All pins have ended. */
void window_exit(void)
{
	struct pin_window *w, *n;

	cancel_delayed_work_sync(&reap_work);
	WARN_ON_ONCE(unhash_idle(true));
	llist_for_each_entry_safe(w, n, llist_del_all(&dead_windows), dead)
		dismantle(w);
}
