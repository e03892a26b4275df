// SPDX-License-Identifier: GPL-2.0
/*
 * Pins of user mappings.
 *
 * Anonymous, shmem and hugetlb pages are pinned with FOLL_LONGTERM. The kernel
 * refuses that for DAX files, whose blocks the file system could not free any more;
 * pages of these are pinned without it, and given back as soon as the mapping ends
 * or changes, before the file system goes on (notify.c).
 */
#define pr_fmt(fmt) "pin_registry: " fmt

#include <compat/gup.h>
#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/memremap.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <trace/events/pin_registry.h>

#include "registry.h"

/* How long a mapping may go on changing before we give up pinning it. */
#define PIN_PATIENCE_MS	5000

static struct kmem_cache *user_cache;

static bool is_fsdax(struct page *page)
{
	return is_zone_device_page(page) &&
		page->pgmap->type == MEMORY_DEVICE_FS_DAX;
}

/*
 * May a page of a file be pinned for writing? The file systems of the page cache do
 * not expect writes after they have cleaned a page. Newer kernels refuse as well.
 */
static bool may_write(struct page *head)
{
	struct folio *folio = page_folio(head);

	return folio_test_anon(folio) || folio_test_swapbacked(folio) ||
		folio_test_hugetlb(folio);
}

/*
 * Look at what was pinned.
 *
 * Return: 1 if all pages are of DAX files, 0 if none is, -EOPNOTSUPP for a mixture
 * or pages that must not be pinned.
 */
long user_check_pages(struct page **pages, unsigned long nr, bool write)
{
	struct page *head, *last = NULL;
	unsigned long i, dax = 0;

	for (i = 0; i < nr; i++) {
		/* Device memory comes in pieces of 2 MiB, pinned or not. */
		if (is_zone_device_page(pages[i])) {
			dax += is_fsdax(pages[i]);
			continue;
		}
		head = compound_head(pages[i]);
		if (head != last && write && !may_write(head))
			return -EOPNOTSUPP;
		last = head;
	}
	if (!dax)
		return 0;
	return dax == nr ? 1 : -EOPNOTSUPP;
}

/* For what FOLL_LONGTERM has pinned, which refuses DAX files. */
static bool may_write_all(struct page **pages, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		if (!PageAnon(pages[i]) && !may_write(compound_head(pages[i])))
			return false;
	}
	return true;
}

/* Pin all pages or none. */
static int get_all(struct pin_user *u, unsigned int gup)
{
	struct pin_handle *pin = &u->pin;
	unsigned long n;
	int got;

	got = pin_user_pages_fast(u->va.start,
				  min_t(unsigned long, pin->nr, INT_MAX), gup,
				  pin->pages);
	if (unlikely(got <= 0))
		return got ?: -EFAULT;
	for (n = got; unlikely(n < pin->nr);) {
		int most = min_t(unsigned long, pin->nr - n, INT_MAX);

		got = pin_user_pages_fast(u->va.start + n * PAGE_SIZE, most, gup,
					  pin->pages + n);
		if (got <= 0) {
			unpin_user_pages(pin->pages, n);
			return got ?: -EFAULT;
		}
		n += got;
	}
	return 0;
}

static int get_kind(struct pin_user *u, unsigned int gup, bool dax)
{
	struct pin_handle *pin = &u->pin;
	long kind;
	int err;

	err = get_all(u, gup);
	if (err)
		return err;
	if (!dax && (!(gup & FOLL_WRITE) || compat_longterm_spares_files() ||
		     may_write_all(pin->pages, pin->nr)))
		return 0;
	kind = user_check_pages(pin->pages, pin->nr, pin->flags & PIN_WRITE);
	if (kind == dax)
		return 0;
	unpin_user_pages(pin->pages, pin->nr);
	/* Not what was expected: what worked last is not there any more. */
	return kind < 0 ? kind : -EAGAIN;
}

/* Pin as DAX or as anything else, trying first what worked last. */
static int get_pages(struct pin_user *u)
{
	unsigned int gup = u->pin.flags & PIN_WRITE ? FOLL_WRITE : 0;
	struct pin_window *w = u->window;
	bool dax = READ_ONCE(w->dax);
	int err;

	err = get_kind(u, dax ? gup : gup | FOLL_LONGTERM, dax);
	/* Newer kernels answer -EFAULT for a file that must not be written to. */
	if (unlikely(err == -EOPNOTSUPP || err == -EAGAIN ||
		     (err == -EFAULT && gup && !dax))) {
		dax = !dax;
		err = get_kind(u, dax ? gup : gup | FOLL_LONGTERM, dax);
		if (!err)
			WRITE_ONCE(w->dax, dax);
	}
	u->pin.dax = dax;
	return err;
}

/*
 * From when the notifier's sequence number was read, no page has left the mapping:
 * make the pin known to the notifier and to everybody else.
 */
static int publish(struct pin_user *u, unsigned long seq)
{
	struct pin_span all = { 0, u->pin.nr };
	struct pin_window *w = u->window;
	int err = 0;

	spin_lock(&w->lock);
	if (unlikely(mmu_interval_read_retry(&w->mni, seq))) {
		err = -EAGAIN;
	} else if (unlikely(!lazy_add(u))) {
		err = index_link(&u->pin, all, u->pin.pages, NULL);
		if (!err)
			window_plant(u);
	}
	if (likely(!err))
		pin_made(&u->pin);
	spin_unlock(&w->lock);
	return err;
}

static int try_attach(struct pin_user *u)
{
	struct pin_handle *pin = &u->pin;
	unsigned long seq;
	int err;

	seq = mmu_interval_read_begin(&u->window->mni);
	err = get_pages(u);
	if (err)
		return err;
	err = publish(u, seq);
	if (likely(!err))
		return 0;
	/* Now that nobody waits for us: the next try finds the buckets. */
	if (err == -ENOMEM && !index_prepare(pin->pages, pin->nr, GFP_KERNEL))
		err = -EAGAIN;
	unpin_user_pages(pin->pages, pin->nr);
	return err;
}

static int attach(struct pin_user *u)
{
	unsigned long end = jiffies + msecs_to_jiffies(PIN_PATIENCE_MS);
	int err;

	for (;;) {
		err = try_attach(u);
		if (likely(err != -EAGAIN))
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, end))
			return -EAGAIN;
		usleep_range(50, 500);
	}
}

/* Accounted as the kernel does for other pins that live long. */
static int charge(struct mm_struct *mm, unsigned long nr)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (likely(atomic64_add_return(nr, &mm->pinned_vm) <= limit) ||
	    capable(CAP_IPC_LOCK))
		return 0;
	atomic64_sub(nr, &mm->pinned_vm);
	return -ENOMEM;
}

static bool bad_range(unsigned long addr, size_t len)
{
	return !len || !PAGE_ALIGNED(addr) || !PAGE_ALIGNED(len) ||
		addr + len < addr || len >> PAGE_SHIFT > BIT(28) ||
		!access_ok((void __user *)addr, len);
}

static struct pin_handle *start_user(struct pin_user *u, unsigned long addr,
				     size_t len)
{
	struct mm_struct *mm = current->mm;
	struct pin_window *w;
	int err;

	u->va.start = addr;
	u->va.last = addr + len - 1;
	w = window_get(mm, u->va.start, u->va.last);
	err = PTR_ERR_OR_ZERO(w);
	if (err)
		goto free;
	u->window = w;
	err = attach(u);
	if (err)
		goto free;
	pin_started(&u->pin);
	return &u->pin;

free:
	pinner_live_put(u->pin.pinner);
	pin_free(&u->pin);
	return ERR_PTR(err);
}

/**
 * pin_user() - pin a range of the calling process's memory
 * @pinner: who pins
 * @addr: first address, a multiple of the page size
 * @len: bytes, a multiple of the page size
 * @flags: PIN_WRITE if the pinner writes to the pages
 * @cookie: for the pinner, see pin_cookie()
 * @why: see pin_pages()
 *
 * The pin follows the mapping: pages that migrate are prepared, pinned again, and
 * committed; munmap(), exec(), exit(), and whatever makes a DAX file's mapping show
 * other pages, revoke. Pages count as pinned memory of the process (RLIMIT_MEMLOCK).
 *
 * Context: Process context of a user process, may sleep; without mmap_lock.
 * Return: a handle with one reference for the caller, or an ERR_PTR(): -EINVAL for
 * an empty, unaligned or overflowing range; -EFAULT if a part is not mapped, or
 * read-only with PIN_WRITE; -ENOMEM, also over RLIMIT_MEMLOCK; -EOPNOTSUPP for
 * pages of the page cache to write to, and for a mixture of DAX and others; -EAGAIN
 * if the mapping does not stop changing; -EINTR; -ESHUTDOWN if the pinner is going.
 */
struct pin_handle *pin_user(struct pinner *pinner, unsigned long addr,
			    size_t len, unsigned int flags, void *cookie,
			    const char *why)
{
	struct mm_struct *mm = current->mm;
	struct pin_handle *pin;
	int err;

	if (unlikely(bad_range(addr, len) || !current->mm ||
		     current->flags & PF_KTHREAD))
		return ERR_PTR(-EINVAL);
	err = charge(mm, len >> PAGE_SHIFT);
	if (unlikely(err))
		return ERR_PTR(err);
	pin = pin_alloc(pinner, user_cache, len >> PAGE_SHIFT, flags, cookie,
			why);
	if (!IS_ERR(pin))
		pin = start_user(to_user(pin), addr, len);
	if (IS_ERR(pin))
		atomic64_sub(len >> PAGE_SHIFT, &mm->pinned_vm);
	return pin;
}
EXPORT_SYMBOL_GPL(pin_user);

/**
 * pin_mark_dirty() - data was written to the pages since the last call
 * @pin: pin of a user mapping, with PIN_WRITE
 *
 * A file system that has written a DAX file back does not look at its pages again
 * until somebody writes through a mapping. The registry makes pinned pages dirty
 * again some time after each write-back; call this before telling the application
 * that its data has arrived, so that its next fsync() covers it.
 *
 * Context: Process context, may sleep; not from a callback.
 * Return: 0, or -ESRCH if the process is gone, or the error of the write fault.
 */
int pin_mark_dirty(struct pin_handle *pin)
{
	if (!pin->user || !pin->dax || !(pin->flags & PIN_WRITE))
		return 0;
	return follow_retag(to_user(pin));
}
EXPORT_SYMBOL_GPL(pin_mark_dirty);

static void user_construct(void *memory)
{
	struct pin_user *u = memory;

	memset(u, 0, sizeof(*u));
	pin_construct(&u->pin);
}

void user_reset(struct pin_user *u)
{
	u->window = NULL;
	u->retag = false;
	u->retagging = 0;
	u->tries = 0;
	u->followed = false;
}

/* The pin ends: notifications do not find it any more. */
void user_end(struct pin_user *u)
{
	struct pin_window *w = u->window;

	spin_lock(&w->lock);
	if (unlikely(u->planted))
		interval_tree_remove(&u->va, &w->tree);
	lazy_remove(u);
	spin_unlock(&w->lock);
	/* The window keeps the mm_struct. */
	atomic64_sub(u->pin.nr, &w->mm->pinned_vm);
	/* It has ended: none is queued from now on. */
	if (unlikely(u->followed) && cancel_delayed_work(&u->follow))
		pin_put(&u->pin);
}

void user_free(struct pin_user *u)
{
	if (u->window)
		window_put(u->window);
	if (!pin_keep_memory(&u->pin))
		kmem_cache_free(user_cache, u);
}

int user_init(void)
{
	user_cache = kmem_cache_create("pin_user", sizeof(struct pin_user), 0, 0,
				       user_construct);
	return user_cache ? 0 : -ENOMEM;
}

void user_exit(void)
{
	struct pin_handle *pin;
	int cpu;

	for_each_possible_cpu(cpu) {
		pin = pin_kept_memory(cpu);
		if (pin)
			kmem_cache_free(user_cache, to_user(pin));
	}
	kmem_cache_destroy(user_cache);
}
