// SPDX-License-Identifier: GPL-2.0
/*
 * Pins that follow their mapping: pages that were let go because they seemed to
 * migrate are pinned again where they are now; pages of DAX files that were written
 * back are made dirty again, because a device goes on writing to them.
 */
#include <compat/gup.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <trace/events/pin_registry.h>

#include "registry.h"

/* A page of a file that nobody maps again within this time will not come back. */
#define TRIES		40
#define TRY_DELAY	(HZ / 20 ?: 1)

/* Pages that are looked for at a time. */
#define BATCH		128

/*
 * The follower holds a reference to the pin while it is queued or running; the
 * caller has one of its own. None is queued once the pin has ended: user_end()
 * takes back the last one.
 */
void follow_kick(struct pin_user *u, unsigned long delay)
{
	struct pin_handle *pin = &u->pin;

	spin_lock(&pin->lock);
	if (!u->followed && !(pin->state & PIN_ENDED)) {
		INIT_DELAYED_WORK(&u->follow, follow_work_fn);
		u->followed = true;
	}
	if (!(pin->state & PIN_ENDED) &&
	    queue_delayed_work(pin_follow_wq, &u->follow, delay))
		pin_get(pin);
	spin_unlock(&pin->lock);
}

/*
 * Was the page swapped out or evicted? A page that is in the file but not mapped may
 * be about to be punched out: the fault would wait for that, and fill the hole.
 */
static bool evicted(struct vm_area_struct *vma, unsigned long addr)
{
	struct address_space *mapping = vma->vm_file->f_mapping;

	return xa_is_value(xa_load(&mapping->i_pages,
				   linear_page_index(vma, addr)));
}

/*
 * May a page be faulted in, because the process's data is somewhere? That of a file
 * may have been punched out.
 */
static bool may_fault(struct vm_area_struct *vma, unsigned long addr)
{
	if (vma_is_anonymous(vma))
		return true;
	if (is_vm_hugetlb_page(vma) || !vma->vm_file)
		return false;
	/* A private mapping may have its own copy, maybe swapped out. */
	return (vma->anon_vma && !(vma->vm_flags & VM_SHARED)) ||
		evicted(vma, addr);
}

/* How many pages from @addr on can be treated alike? */
static unsigned long alike(struct vm_area_struct *vma, unsigned long addr,
			   unsigned long nr)
{
	unsigned long most = min(nr, (vma->vm_end - addr) >> PAGE_SHIFT), n;
	bool fault = may_fault(vma, addr);

	for (n = 1; n < most; n++) {
		if (may_fault(vma, addr + n * PAGE_SIZE) != fault)
			break;
	}
	return n;
}

/*
 * Return: how many pages were pinned; -ENOENT if the first one is not mapped now
 * but may be soon; or another error.
 */
static long find_pages(struct pin_user *u, struct mm_struct *mm,
		       unsigned long addr, unsigned long nr,
		       struct page **pages)
{
	unsigned int gup = FOLL_LONGTERM;
	struct vm_area_struct *vma;
	bool fault = false;
	long got = -EFAULT;

	if (u->pin.flags & PIN_WRITE)
		gup |= FOLL_WRITE;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma) {
		nr = alike(vma, addr, nr);
		fault = may_fault(vma, addr);
		if (!fault)
			gup |= compat_gup_nofault(vma);
		got = compat_pin_remote(mm, addr, nr, gup, pages);
		if (got == -EFAULT && !fault)
			got = -ENOENT;
	}
	mmap_read_unlock(mm);
	return got ?: -EFAULT;
}

/* The slot is taken. The pages are the pin's if it still waits for all of them. */
static int adopt(struct pin_user *u, struct pin_span run, struct page **pages,
		 unsigned long seq)
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
	if (WARN_ON_ONCE(pin->lazy))
		goto out;
	if (mmu_interval_read_retry(&w->mni, seq))
		goto out;
	err = index_link(pin, run, pages, PIN_SUSPENDED);
out:
	spin_unlock(&pin->lock);
	spin_unlock(&w->lock);
	return err;
}

static int take_and_adopt(struct pin_user *u, struct pin_span run,
			  struct page **pages, unsigned long seq)
{
	struct pin_handle *pin = &u->pin;
	int err;

	err = pin_slot_take(pin, pin_deadline(pin), false);
	if (err)
		return err == -ESTALE ? err : -EAGAIN;
	err = adopt(u, run, pages, seq);
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
 * Return: 0 or an error for the first pages of the run, to which it is cut: -EAGAIN,
 * -ENOENT and -ENOMEM are worth a try later, -ESTALE means that the pin has ended.
 */
static int follow_run(struct pin_user *u, struct mm_struct *mm,
		      struct pin_span *run, struct page **pages)
{
	unsigned long addr = u->va.start + run->first * PAGE_SIZE;
	struct pin_handle *pin = &u->pin;
	unsigned long seq;
	long got;
	int err;

	run->nr = min_t(unsigned long, run->nr, BATCH);
	seq = mmu_interval_read_begin(&u->window->mni);
	got = find_pages(u, mm, addr, run->nr, pages);
	run->nr = max(got, 1L);
	if (got <= 0)
		return got;
	err = user_check_pages(pages, got, pin->flags & PIN_WRITE);
	if (err > 0)
		err = -EOPNOTSUPP;
	if (!err)
		err = index_prepare(pages, got, GFP_KERNEL);
	if (!err)
		err = take_and_adopt(u, *run, pages, seq);
	if (err)
		unpin_user_pages(pages, got);
	return err;
}

static void lose(struct pin_user *u, struct pin_span run)
{
	struct pin_handle *pin = &u->pin;
	int err;

	err = pin_slot_take(pin, pin_deadline(pin), false);
	if (err == -EBUSY)
		pin_revoke_later(pin, run, PIN_REVOKE_LOST);
	if (err)
		return;
	err = pin_revoke(pin, run, PIN_REVOKE_LOST, pin_deadline(pin));
	if (err != -ETIMEDOUT)
		pin_slot_release(pin);
}

static void follow(struct pin_user *u, struct mm_struct *mm,
		   struct page **pages)
{
	struct pin_span rest = { 0, u->pin.nr }, run;
	bool absent = false, wait = false;
	int err;

	/* Pages come back to the index. */
	if (READ_ONCE(u->pin.lazy) && lazy_look(GFP_KERNEL)) {
		follow_kick(u, TRY_DELAY);
		return;
	}
	while (pin_find_run(&u->pin, rest, true, &run)) {
		err = follow_run(u, mm, &run, pages);
		switch (err) {
		case 0:
			break;
		case -ESTALE:
			return;
		case -ENOENT:
			absent = true;
			fallthrough;
		case -EAGAIN:
		case -ENOMEM:
			wait = true;
			if (err != -ENOENT || u->tries < TRIES)
				break;
			fallthrough;
		default:
			lose(u, run);
		}
		rest.first = run.first + run.nr;
		rest.nr = u->pin.nr - rest.first;
		cond_resched();
	}
	u->tries = absent ? u->tries + 1 : 0;
	if (wait)
		follow_kick(u, TRY_DELAY);
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
		/* A write-back that is still going on would undo it. */
		mmu_interval_read_begin(&u->window->mni);
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

static int retag(struct pin_user *u)
{
	struct mm_struct *mm = u->window->mm;
	struct page **pages;
	int err;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	pages = kmalloc_array(BATCH, sizeof(*pages), GFP_KERNEL);
	err = pages ? retag_pages(u, mm, pages) : -ENOMEM;
	kfree(pages);
	mmput_async(mm);
	return err;
}

/* Return: 0, also if nothing was written back meanwhile. */
int follow_retag(struct pin_user *u)
{
	struct pin_handle *pin = &u->pin;
	bool todo;
	int err;

	/* Also while another one is at it: the caller wants it done on return. */
	spin_lock(&pin->lock);
	todo = (u->retag || u->retagging) && !(pin->state & PIN_ENDED);
	u->retag = false;
	u->retagging += todo;
	spin_unlock(&pin->lock);
	if (!todo)
		return 0;
	err = retag(u);
	spin_lock(&pin->lock);
	u->retagging--;
	if (err)
		u->retag = true;
	spin_unlock(&pin->lock);
	return err;
}

void follow_work_fn(struct work_struct *work)
{
	struct pin_user *u = container_of(to_delayed_work(work),
					  struct pin_user, follow);
	struct pin_window *w = u->window;
	struct page **pages;

	/* Without memory, try again; what else fails is for pin_mark_dirty(). */
	if (follow_retag(u) == -ENOMEM)
		follow_kick(u, TRY_DELAY);
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
