// SPDX-License-Identifier: GPL-2.0
/*
 * Most pins of a process's memory end before anybody asks who pins a page. So a new
 * one is not entered into the index, which costs as much as pinning does; it is on a
 * list of its window until somebody looks a page up or moves one. Then all of them
 * are entered.
 *
 * While anybody moves or looks, new pins enter at once. Those who do count themselves
 * (@askers), then enter all pins that are lazy, and only then announce a move, or
 * look. Who makes a pin puts its window on the list of windows first, and then sees
 * whether anybody asks. So whatever has asked finds everything in the index, and
 * nothing else has to know of lazy pins but who takes pages away from one (pin.c).
 *
 * Nor is a new one in the tree of its window: a notification enters those on the list
 * before it looks there.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "registry.h"

/* Who asks enters so many pages of a window, with a lock held, and one pin more. */
#define MOST_PAGES	(4096 - PIN_CHUNK_PAGES)

/* Windows that may have lazy pins. */
static LIST_HEAD(windows);
static DEFINE_SPINLOCK(lazy_lock);
static atomic_t askers = ATOMIC_INIT(0);

static void enlist(struct pin_window *w)
{
	spin_lock(&lazy_lock);
	list_add_tail(&w->listed, &windows);
	spin_unlock(&lazy_lock);
	w->is_listed = true;
	/* Pairs with the one in lazy_ask(). */
	smp_mb();
}

/*
 * A pin that is about to be made, with the lock of its window.
 *
 * Return: false if it has to enter the index now.
 */
bool lazy_add(struct pin_user *u)
{
	struct pin_window *w = u->window;
	struct pin_handle *pin = &u->pin;

	lockdep_assert_held(&w->lock);
	if (pin->nr > PIN_CHUNK_PAGES || w->lazy_pages > MOST_PAGES)
		return false;
	if (unlikely(!w->is_listed))
		enlist(w);
	if (unlikely(atomic_read(&askers)))
		return false;
	pin->lazy = true;
	u->planted = false;
	w->lazy_pages += pin->nr;
	hlist_add_head(&u->lazy, &w->lazies);
	return true;
}

/* Pins that are on the list only enter the tree, with the lock of the window. */
void lazy_plant(struct pin_window *w)
{
	struct pin_user *u;

	lockdep_assert_held(&w->lock);
	/* New ones are added in front. */
	hlist_for_each_entry(u, &w->lazies, lazy) {
		if (u->planted)
			break;
		window_plant(u);
	}
}

/* Return: the first window, with a user, or NULL. */
static struct pin_window *first_window(void)
{
	struct pin_window *w, *found = NULL;

	spin_lock(&lazy_lock);
	while (!found && !list_empty(&windows)) {
		w = list_first_entry(&windows, struct pin_window, listed);
		if (atomic_inc_not_zero(&w->users))
			found = w;
		else
			list_del_init(&w->listed);
	}
	spin_unlock(&lazy_lock);
	return found;
}

/* The window goes. It has no pins. */
void lazy_forget(struct pin_window *w)
{
	spin_lock(&lazy_lock);
	list_del_init(&w->listed);
	spin_unlock(&lazy_lock);
}

/* Return: 0, or -ENOMEM if there is no bucket for @chunk. */
static int enter(struct pin_user *u, unsigned long *chunk)
{
	struct pin_span all = { 0, u->pin.nr };
	struct pin_handle *pin = &u->pin;
	int err;

	spin_lock(&pin->lock);
	err = index_link(pin, all, pin->pages, NULL);
	if (likely(!err))
		WRITE_ONCE(pin->lazy, false);	/* follow() looks */
	else
		*chunk = index_missing(pin);
	spin_unlock(&pin->lock);
	if (unlikely(err))
		return err;
	__hlist_del(&u->lazy);
	u->window->lazy_pages -= pin->nr;
	return 0;
}

static int enter_all(struct pin_window *w, unsigned long *chunk)
{
	struct hlist_node *node;
	int err = 0;

	spin_lock(&w->lock);
	lazy_plant(w);
	while (!err && (node = w->lazies.first))
		err = enter(container_of(node, struct pin_user, lazy), chunk);
	if (!err && w->is_listed) {
		spin_lock(&lazy_lock);
		list_del_init(&w->listed);
		spin_unlock(&lazy_lock);
		w->is_listed = false;
	}
	spin_unlock(&w->lock);
	return err;
}

/*
 * From now on, until lazy_answered(), every pin of user memory is in the index: those
 * there are, and new ones before they can be used. On failure there is nothing to
 * end.
 *
 * Context: Any that @gfp allows, with none of the registry's locks.
 * Return: 0 or -ENOMEM.
 */
int lazy_ask(gfp_t gfp)
{
	struct pin_bucket *b = NULL;
	struct pin_window *w;
	unsigned long chunk;
	int err = 0;

	atomic_inc(&askers);
	/* Pairs with the one in enlist(). */
	smp_mb__after_atomic();
	if (likely(list_empty(&windows)))
		return 0;
	/* New pins are not lazy: that ends. */
	while (!err && (w = first_window())) {
		err = enter_all(w, &chunk);
		window_put(w);
		/* The one that was missing stays until it is used. */
		if (b)
			index_bucket_put(b);
		b = NULL;
		if (err != -ENOMEM)
			continue;
		b = index_bucket_get(chunk, gfp);
		if (b)
			err = 0;
	}
	if (b)
		index_bucket_put(b);
	if (err)
		lazy_answered();
	return err;
}

void lazy_answered(void)
{
	atomic_dec(&askers);
}

/* For who asks about what is there now, and lets it change. */
int lazy_look(gfp_t gfp)
{
	int err;

	if (likely(list_empty(&windows)))
		return 0;
	err = lazy_ask(gfp);
	if (!err)
		lazy_answered();
	return err;
}
