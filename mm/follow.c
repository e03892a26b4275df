// SPDX-License-Identifier: GPL-2.0
/*
 * Pins that follow their mapping: pages that were let go because they seemed to
 * migrate are pinned again where they are now; pages of DAX files that were written
 * back are made dirty again, because a device goes on writing to them.
 */
#include <compat/gup.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <trace/events/pin_registry.h>

#include "registry.h"

/* A page of a file that nobody maps again within this time will not come back. */
#define TRIES		40
#define TRY_DELAY	(HZ / 20 ?: 1)

/* Pages that are looked for at a time. */
#define BATCH		128

/* The follower holds a reference to the pin while it is queued or running. */
void follow_kick(struct pin_user *u, unsigned long delay)
{
	pin_get(&u->pin);
	if (!queue_delayed_work(pin_wq, &u->follow, delay))
		pin_put(&u->pin);
}

/*
 * Anonymous memory is faulted in: the process's data is somewhere. A page of a file
 * must be mapped: faulting would bring back what was punched out.
 */
static long find_pages(struct pin_user *u, struct mm_struct *mm,
		       unsigned long addr, unsigned long nr,
		       struct page **pages)
{
	unsigned int gup = FOLL_LONGTERM;
	struct vm_area_struct *vma;
	long got = -EFAULT;

	if (u->pin.flags & PIN_WRITE)
		gup |= FOLL_WRITE;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma) {
		nr = min(nr, (vma->vm_end - addr) >> PAGE_SHIFT);
		if (!vma_is_anonymous(vma))
			gup |= FOLL_NOFAULT;
		got = compat_pin_remote(mm, addr, nr, gup, pages);
		if (got == -EFAULT && !vma_is_anonymous(vma))
			got = -EAGAIN;
	}
	mmap_read_unlock(mm);
	return got ?: -EFAULT;
}

/* The slot is taken. The pages are the pin's if it still waits for all of them. */
static int adopt(struct pin_user *u, struct pin_span run, struct page **pages,
		 struct pin_node **nodes, unsigned long seq)
{
	struct pin_window *w = u->window;
	struct pin_handle *pin = &u->pin;
	int err = -EAGAIN;
	unsigned long i;

	spin_lock(&w->lock);
	spin_lock(&pin->lock);
	for (i = 0; i < run.nr; i++) {
		if (pin->pages[run.first + i] != PIN_SUSPENDED)
			goto out;
	}
	if (mmu_interval_read_retry(&w->mni, seq))
		goto out;
	err = pin_link_nodes(pin, *nodes);
	if (err)
		goto out;
	*nodes = NULL;
	for (i = 0; i < run.nr; i++)
		WRITE_ONCE(pin->pages[run.first + i], pages[i]);
out:
	spin_unlock(&pin->lock);
	spin_unlock(&w->lock);
	return err;
}

static int take_and_adopt(struct pin_user *u, struct pin_span run,
			  struct page **pages, struct pin_node **nodes,
			  unsigned long seq)
{
	struct pin_handle *pin = &u->pin;
	int err;

	err = pin_slot_take(pin, pin_deadline(pin), false);
	if (err)
		return err == -ESTALE ? err : -EAGAIN;
	err = adopt(u, run, pages, nodes, seq);
	if (!err) {
		pinner_stat_add(pin->pinner, moves, run.nr);
		if (pin_call(pin, PIN_OP_COMMIT, run, 0, pin_deadline(pin)) ==
		    -ETIMEDOUT)
			return 0;
	}
	pin_slot_release(pin);
	return err;
}

/*
 * The slot is not held while pages are looked for: a fault may wait for somebody
 * who waits for the slot.
 *
 * Return: 0 if a part of the run came back, or an error; -EAGAIN is worth a try
 * later, -ESTALE means that the pin has ended.
 */
static int follow_run(struct pin_user *u, struct mm_struct *mm,
		      struct pin_span run, struct page **pages)
{
	unsigned long addr = u->va.start + run.first * PAGE_SIZE;
	struct pin_handle *pin = &u->pin;
	struct pin_node *nodes = NULL;
	unsigned long seq;
	long got;
	int err;

	run.nr = min_t(unsigned long, run.nr, BATCH);
	seq = mmu_interval_read_begin(&u->window->mni);
	got = find_pages(u, mm, addr, run.nr, pages);
	if (got <= 0)
		return got;
	run.nr = got;
	err = user_check_pages(pages, got, pin->flags & PIN_WRITE);
	if (err > 0)
		err = -EOPNOTSUPP;
	if (!err)
		err = pin_make_nodes(pin, pages, run, &nodes, GFP_KERNEL);
	if (!err)
		err = take_and_adopt(u, run, pages, &nodes, seq);
	pin_free_nodes(pin, nodes);
	if (err)
		unpin_user_pages(pages, got);
	return err;
}

static void lose(struct pin_user *u, struct pin_span run)
{
	struct pin_handle *pin = &u->pin;

	if (pin_slot_take(pin, pin_deadline(pin), false))
		return;
	if (pin_revoke(pin, run, PIN_REVOKE_LOST) != -ETIMEDOUT)
		pin_slot_release(pin);
}

static void follow(struct pin_user *u, struct mm_struct *mm,
		   struct page **pages)
{
	struct pin_span all = { 0, u->pin.nr }, run;
	int err;

	while (pin_find_run(&u->pin, all, true, &run)) {
		err = follow_run(u, mm, run, pages);
		if (!err) {
			u->tries = 0;
			continue;
		}
		if (err == -ESTALE)
			return;
		if (err == -EAGAIN && ++u->tries < TRIES) {
			follow_kick(u, TRY_DELAY);
			return;
		}
		u->tries = 0;
		lose(u, run);
	}
}

/*
 * A write fault on each page tells the file system that it is dirty. Pages that the
 * pin lost are left alone.
 */
static int retag_pages(struct pin_user *u, struct mm_struct *mm,
		       struct page **pages)
{
	struct pin_span rest = { 0, u->pin.nr }, run;

	while (pin_find_run(&u->pin, rest, false, &run)) {
		unsigned long addr = u->va.start + run.first * PAGE_SIZE;
		long got;

		run.nr = min_t(unsigned long, run.nr, BATCH);
		mmap_read_lock(mm);
		got = compat_pin_remote(mm, addr, run.nr, FOLL_WRITE, pages);
		mmap_read_unlock(mm);
		if (got <= 0)
			return got ?: -EFAULT;
		unpin_user_pages(pages, got);
		rest.first = run.first + got;
		rest.nr = u->pin.nr - rest.first;
		cond_resched();
	}
	return 0;
}

/* Return: 0, also if nothing was written back meanwhile. */
int follow_retag(struct pin_user *u)
{
	struct pin_handle *pin = &u->pin;
	struct pin_window *w = u->window;
	struct page **pages;
	bool todo;
	int err;

	spin_lock(&pin->lock);
	todo = u->retag && !(pin->state & PIN_ENDED);
	u->retag = false;
	spin_unlock(&pin->lock);
	if (!todo)
		return 0;
	if (!mmget_not_zero(w->mm))
		return -ESRCH;
	pages = kmalloc_array(BATCH, sizeof(*pages), GFP_KERNEL);
	err = pages ? retag_pages(u, w->mm, pages) : -ENOMEM;
	kfree(pages);
	mmput_async(w->mm);
	if (err) {
		/* Not done: the next one tries again. */
		spin_lock(&pin->lock);
		u->retag = true;
		spin_unlock(&pin->lock);
	}
	return err;
}

void follow_work_fn(struct work_struct *work)
{
	struct pin_user *u = container_of(to_delayed_work(work),
					  struct pin_user, follow);
	struct pin_window *w = u->window;
	struct page **pages;

	follow_retag(u);
	pages = kmalloc_array(BATCH, sizeof(*pages), GFP_KERNEL);
	if (!pages) {
		follow_kick(u, TRY_DELAY);
	} else if (mmget_not_zero(w->mm)) {
		follow(u, w->mm, pages);
		mmput_async(w->mm);
	}
	/* Without users the address space is about to tell that it ends. */
	kfree(pages);
	pin_put(&u->pin);
}
