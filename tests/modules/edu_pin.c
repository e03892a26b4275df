// SPDX-License-Identifier: GPL-2.0
/*
 * A stream through memory of the process, pinned by the registry. Each page keeps its
 * DMA mapping until it moves or goes; with "stable", its address even then.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pin_dma.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "edu.h"

#define NOBODY	ULONG_MAX

static bool stable;
module_param(stable, bool, 0444);
MODULE_PARM_DESC(stable, "a page that moves keeps its DMA address, which needs an IOMMU");

/**
 * struct edu_page - a page of the stream
 * @sgt: its DMA mapping, if @mapped, and if addresses are not stable. Theirs who are
 *	between begin and end of the page, or have stopped it and waited for that to end
 * @addr: that the device used last; the engine's
 * @mapped: it has a mapping
 * @stopped: somebody moves it
 */
struct edu_page {
	struct sg_table sgt;
	dma_addr_t addr;
	bool mapped;
	bool stopped;
};

/**
 * struct edu_pin - a stream
 * @s: what the device knows of it
 * @pin: the pages
 * @iova: addresses of the pages that the device reads, and of those that it writes; or
 *	NULL if addresses are not stable
 * @lock: covers @busy, @dead, @ending, and whether pages are stopped
 * @busy: page that the device is at, or NOBODY
 * @dead: pages were taken away: the stream has ended
 * @ending: the engine is no more: what is unmapped stays so
 * @wait: @busy has changed, or a page goes on
 * @pages: the pages
 */
struct edu_pin {
	struct edu_stream s;
	struct pin_handle *pin;
	struct pin_iova *iova[2];
	spinlock_t lock;	/* see above */
	unsigned long busy;
	bool dead;
	bool ending;
	wait_queue_head_t wait;
	struct edu_page pages[];
};

static struct pinner *edu_pinner;

static struct edu_pin *to_pin(struct edu_stream *s)
{
	return container_of(s, struct edu_pin, s);
}

static struct device *dev_of(struct edu_pin *p)
{
	return &p->s.edu->pdev->dev;
}

/*
 * One direction for each page: a bounce buffer that the device only reads is not to be
 * copied back over what the process has written since.
 */
static enum dma_data_direction dir_of(struct edu_pin *p, unsigned long i)
{
	return i < p->s.nr / 2 ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

static bool is_busy(struct edu_pin *p, unsigned long first, unsigned long nr)
{
	unsigned long busy;

	/* What was done while it was busy is seen by who finds that it is not. */
	spin_lock(&p->lock);
	busy = p->busy;
	spin_unlock(&p->lock);
	return busy >= first && busy < first + nr;
}

/* The addresses that page @i is at, and its index there. */
static struct pin_iova *iova_of(struct edu_pin *p, unsigned long i,
				unsigned long *index)
{
	unsigned long half = p->s.nr / 2;

	*index = i % half;
	return p->iova[i / half];
}

/*
 * In a callback only if addresses are stable: a scatter list would be allocated. @pin is
 * that of the callback, which may come before pin_user() has returned.
 */
static int map_page(struct edu_pin *p, struct pin_handle *pin, unsigned long i)
{
	struct edu_page *page = &p->pages[i];
	struct pin_iova *iova;
	unsigned long index;
	int err;

	iova = iova_of(p, i, &index);
	if (iova) {
		long there = pin_iova_map(iova, index, pin, i, 1);

		/* None: it was revoked. */
		err = there < 0 ? there : there ? 0 : -ENXIO;
	} else {
		err = pin_map_sgt(pin, i, 1, dev_of(p), dir_of(p, i),
				  &page->sgt);
	}
	/* What is there has to go before the page does, whoever put it there. */
	page->mapped = !err || WARN_ON_ONCE(err == -EEXIST);
	return err;
}

static void unmap_page(struct edu_pin *p, unsigned long i)
{
	struct edu_page *page = &p->pages[i];
	struct pin_iova *iova;
	unsigned long index;

	if (!page->mapped)
		return;
	iova = iova_of(p, i, &index);
	if (iova)
		pin_iova_unmap(iova, index, 1);
	else
		pin_unmap_sgt(dev_of(p), dir_of(p, i), &page->sgt);
	page->mapped = false;
}

static void unmap_pages(struct edu_pin *p, unsigned long first,
			unsigned long nr)
{
	while (nr--)
		unmap_page(p, first++);
}

static dma_addr_t address_of(struct edu_pin *p, unsigned long i)
{
	struct edu_page *page = &p->pages[i];
	struct pin_iova *iova;
	unsigned long index;
	dma_addr_t addr;

	iova = iova_of(p, i, &index);
	addr = iova ? pin_iova_addr(iova, index) : sg_dma_address(page->sgt.sgl);
	if (page->addr && page->addr != addr)
		p->s.report.readdressed++;
	page->addr = addr;
	return addr;
}

static void set_stopped(struct edu_pin *p, unsigned long first,
			unsigned long nr, bool stopped)
{
	spin_lock(&p->lock);
	while (nr--)
		p->pages[first++].stopped = stopped;
	spin_unlock(&p->lock);
	wake_up_all(&p->wait);
}

static int edu_prepare(struct pin_handle *pin, unsigned long first,
		       unsigned long nr, unsigned long deadline)
{
	struct edu_pin *p = pin_cookie(pin);
	/* An answer at the deadline would be late. */
	long left = max((long)(deadline - jiffies) * 3 / 4, 1L);

	set_stopped(p, first, nr, true);
	/* What was begun ends first: it cannot be called back. */
	if (!wait_event_timeout(p->wait, !is_busy(p, first, nr), left)) {
		set_stopped(p, first, nr, false);
		return -EBUSY;
	}
	/* The address is that of the old place, or a bounce buffer's for it. */
	unmap_pages(p, first, nr);
	p->s.report.stopped++;
	return 0;
}

/*
 * The page is mapped where it is now when its turn comes: not here, that allocates. But
 * an address that it keeps is: if that fails, its turn comes all the same.
 */
static void edu_resume(struct pin_handle *pin, unsigned long first,
		       unsigned long nr)
{
	struct edu_pin *p = pin_cookie(pin);
	unsigned long i;

	/*
	 * Read without the lock: these pages were stopped under it, so either end_mappings()
	 * has yet to come to them and waits, or it had set this before.
	 */
	for (i = first; stable && !READ_ONCE(p->ending) && i < first + nr; i++)
		map_page(p, pin, i);
	set_stopped(p, first, nr, false);
}

static void edu_revoke(struct pin_handle *pin, unsigned long first,
		       unsigned long nr, enum pin_revoke_why why)
{
	struct edu_pin *p = pin_cookie(pin);

	spin_lock(&p->lock);
	p->dead = true;
	spin_unlock(&p->lock);
	set_stopped(p, first, nr, true);
	/* A transfer has a bound of its own; the registry does not wait for longer. */
	wait_event(p->wait, !is_busy(p, first, nr));
	unmap_pages(p, first, nr);
	set_stopped(p, first, nr, false);
}

static const struct pinner_ops edu_ops = {
	.prepare = edu_prepare,
	.commit = edu_resume,
	.abort = edu_resume,
	.revoke = edu_revoke,
};

/* Return: 1 if the page is ours now, -ENXIO if none will ever be, or 0. */
static int try_page(struct edu_pin *p, unsigned long i)
{
	int ret = 0;

	spin_lock(&p->lock);
	if (p->dead) {
		ret = -ENXIO;
	} else if (!p->pages[i].stopped) {
		p->busy = i;
		ret = 1;
	}
	spin_unlock(&p->lock);
	return ret;
}

static void leave_page(struct edu_pin *p)
{
	spin_lock(&p->lock);
	p->busy = NOBODY;
	spin_unlock(&p->lock);
	wake_up_all(&p->wait);
}

static int take_page(struct edu_pin *p, unsigned long i)
{
	int ret = try_page(p, i);

	if (ret)
		return ret;
	p->s.report.waited++;
	wait_event_timeout(p->wait, (ret = try_page(p, i)), HZ);
	return ret ?: -EAGAIN;
}

static int edu_pin_begin(struct edu_stream *s, unsigned long i, bool to_device,
			 dma_addr_t *addr)
{
	struct edu_pin *p = to_pin(s);
	struct edu_page *page = &p->pages[i];
	int err;

	err = take_page(p, i);
	if (err < 0)
		return err;
	if (!page->mapped) {
		err = map_page(p, p->pin, i);
		if (err) {
			leave_page(p);
			return err;
		}
	}
	if (!stable)
		dma_sync_sgtable_for_device(dev_of(p), &page->sgt,
					    dir_of(p, i));
	*addr = address_of(p, i);
	return 0;
}

static void edu_pin_end(struct edu_stream *s, unsigned long i, bool to_device)
{
	struct edu_pin *p = to_pin(s);

	/* Who writes back or moves sees what the device wrote. */
	if (!to_device && !stable)
		dma_sync_sgtable_for_cpu(dev_of(p), &p->pages[i].sgt,
					 dir_of(p, i));
	leave_page(p);
}

/* The next fsync covers what was written. */
static int edu_pin_round(struct edu_stream *s)
{
	int err = pin_mark_dirty(to_pin(s)->pin);

	return READ_ONCE(to_pin(s)->dead) ? -ENXIO : err;
}

static void edu_pin_free(struct edu_pin *p)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(p->iova); i++) {
		if (!IS_ERR_OR_NULL(p->iova[i]))
			pin_iova_free(p->iova[i]);
	}
	kvfree(p);
}

/* Before the pin: a commit of one of its pages maps. */
static int get_addresses(struct edu_pin *p)
{
	unsigned long half = p->s.nr / 2;
	int i;

	for (i = 0; stable && i < ARRAY_SIZE(p->iova); i++) {
		p->iova[i] = pin_iova_alloc(dev_of(p), half,
					    dir_of(p, i * half));
		if (IS_ERR(p->iova[i]))
			return PTR_ERR(p->iova[i]);
	}
	return 0;
}

static bool try_ending(struct edu_pin *p, unsigned long i)
{
	bool ours;

	spin_lock(&p->lock);
	ours = !p->pages[i].stopped;
	if (ours)
		p->busy = i;
	spin_unlock(&p->lock);
	return ours;
}

/*
 * While the pages are still the pin's: unmapping copies out of a bounce buffer. Who moves
 * or takes a page goes first, which has a bound.
 */
static void end_mappings(struct edu_pin *p)
{
	unsigned long i;

	spin_lock(&p->lock);
	WRITE_ONCE(p->ending, true);
	spin_unlock(&p->lock);
	for (i = 0; i < p->s.nr; i++) {
		wait_event(p->wait, try_ending(p, i));
		unmap_page(p, i);
		leave_page(p);
	}
}

static void edu_pin_stop(struct edu_stream *s)
{
	struct edu_pin *p = to_pin(s);

	end_mappings(p);
	/* Late callbacks are those of other devices: ours have bounds. */
	while (pin_end(edu_pinner, p->pin) == -EINPROGRESS)
		;
	pin_put(p->pin);
	edu_pin_free(p);
}

static const struct edu_source edu_pin_source = {
	.begin = edu_pin_begin,
	.end = edu_pin_end,
	.round = edu_pin_round,
	.stop = edu_pin_stop,
};

struct edu_stream *edu_pin_start(struct edu *edu, u64 addr, u64 len)
{
	unsigned long nr = len >> PAGE_SHIFT;
	struct edu_pin *p;
	int err;

	if (nr < 2 || nr % 2 || nr > 1024)
		return ERR_PTR(-EINVAL);
	p = kvzalloc(struct_size(p, pages, nr), GFP_KERNEL);
	if (!p)
		return ERR_PTR(-ENOMEM);
	p->s.edu = edu;
	p->s.ops = &edu_pin_source;
	p->s.nr = nr;
	p->busy = NOBODY;
	spin_lock_init(&p->lock);
	init_waitqueue_head(&p->wait);
	err = get_addresses(p);
	if (err)
		goto free;
	/* Callbacks may come before this returns. */
	p->pin = pin_user(edu_pinner, addr, len, PIN_WRITE, p, "edu stream");
	err = PTR_ERR_OR_ZERO(p->pin);
	if (err)
		goto free;
	return &p->s;

free:
	edu_pin_free(p);
	return ERR_PTR(err);
}

int edu_pin_init(void)
{
	const struct pinner_desc desc = {
		.name = "edu",
		.class = PIN_DEVICE_IO,
		.ops = &edu_ops,
		.owner = THIS_MODULE,
	};

	edu_pinner = pinner_register(&desc);
	return PTR_ERR_OR_ZERO(edu_pinner);
}

void edu_pin_exit(void)
{
	WARN_ON(pinner_unregister(edu_pinner, 1000));
}
