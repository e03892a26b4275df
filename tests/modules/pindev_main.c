// SPDX-License-Identifier: GPL-2.0
/*
 * Test: a device that writes to what it pins. Nothing but the behaviour its user
 * asks for distinguishes a good one from one that refuses, is slow, or hangs.
 */
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pin_dma.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pindev.h"

#define MOST_PAGES	BIT(20)

static const struct file_operations dev_fops;
static struct miscdevice dev_misc;

static int dev_open(struct inode *inode, struct file *file)
{
	struct dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return -ENOMEM;
	dev->events = kvcalloc(DEV_EVENTS, sizeof(*dev->events), GFP_KERNEL);
	if (!dev->events) {
		kfree(dev);
		return -ENOMEM;
	}
	mutex_init(&dev->mutex);
	INIT_LIST_HEAD(&dev->areas);
	init_waitqueue_head(&dev->gate);
	spin_lock_init(&dev->event_lock);
	file->private_data = dev;
	return 0;
}

static void area_free(struct area *a)
{
	kvfree(a->state);
	kvfree(a->count);
	kfree(a);
}

static struct area *area_alloc(struct dev *dev, unsigned long nr, bool write)
{
	struct area *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		return NULL;
	a->dev = dev;
	a->nr = nr;
	a->write = write;
	a->id = ++dev->last_id;
	spin_lock_init(&a->lock);
	a->state = kvcalloc(nr, sizeof(*a->state), GFP_KERNEL);
	a->count = kvcalloc(nr, sizeof(*a->count), GFP_KERNEL);
	if (a->state && a->count)
		return a;
	area_free(a);
	return NULL;
}

/* Returns what pin_end() did. The area stays known, for its report. */
static int area_end(struct dev *dev, struct area *a)
{
	int err = pin_end(dev->pinner, a->pin);

	spin_lock(&a->lock);
	a->ended = true;
	spin_unlock(&a->lock);
	return err;
}

static void stop_engine(struct dev *dev)
{
	if (dev->engine)
		kthread_stop(dev->engine);
	dev->engine = NULL;
}

static int dev_release(struct inode *inode, struct file *file)
{
	static const struct pf_behave well;
	struct dev *dev = file->private_data;
	struct area *a, *n;

	stop_engine(dev);
	behave(dev, &well);
	list_for_each_entry(a, &dev->areas, node)
		area_end(dev, a);
	/* Afterwards nobody calls us. */
	if (WARN_ON(pinner_unregister(dev->pinner, 60000)))
		return 0;
	list_for_each_entry_safe(a, n, &dev->areas, node) {
		pin_put(a->pin);
		area_free(a);
	}
	kvfree(dev->events);
	kfree(dev);
	return 0;
}

static ssize_t dev_read(struct file *file, char __user *buf, size_t len,
			loff_t *pos)
{
	struct dev *dev = file->private_data;
	struct pf_event event;
	size_t done = 0;

	while (done + sizeof(event) <= len) {
		spin_lock(&dev->event_lock);
		if (dev->event_tail == dev->event_head) {
			spin_unlock(&dev->event_lock);
			break;
		}
		event = dev->events[dev->event_tail++ % DEV_EVENTS];
		spin_unlock(&dev->event_lock);
		if (copy_to_user(buf + done, &event, sizeof(event)))
			return -EFAULT;
		done += sizeof(event);
	}
	return done;
}

static int dev_setup(struct dev *dev, struct pf_setup *s)
{
	struct pinner_desc desc = {
		.name = s->name,
		.class = s->class,
		.flags = s->flags & PF_DEV_ATOMIC ? PINNER_ATOMIC : 0,
		.timeout_ms = s->timeout_ms,
		.ops = &device_ops,
		.owner = THIS_MODULE,
	};
	struct pinner *pinner;

	s->name[sizeof(s->name) - 1] = '\0';
	if (dev->pinner || s->slot >= PF_NR_SLOTS)
		return -EINVAL;
	if (s->no_ops)
		desc.ops = NULL;
	else if (s->flags & PF_DEV_GENERAL)
		desc.ops = &pin_general_ops;
	pinner = pinner_register(&desc);
	if (IS_ERR(pinner))
		return PTR_ERR(pinner);
	dev->pinner = pinner;
	dev->general = s->flags & PF_DEV_GENERAL;
	dev->slot = s->slot * PF_SLOT_SIZE;
	strscpy(dev->name, s->name, sizeof(dev->name));
	return 0;
}

static struct pin_handle *pin_array(struct dev *dev, struct pf_area *want,
				    unsigned int flags, struct area *a)
{
	struct pin_handle *pin;
	struct page **pages;
	unsigned long i;
	u64 pfn;

	pages = kvcalloc(a->nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < a->nr; i++) {
		if (get_user(pfn, (u64 __user *)u64_to_user_ptr(want->addr) + i)) {
			kvfree(pages);
			return ERR_PTR(-EFAULT);
		}
		pages[i] = pfn_to_page(pfn);
	}
	pin = pin_page_array(dev->pinner, pages, a->nr, flags, a, dev->name);
	kvfree(pages);
	return pin;
}

/* What is wrong with the request is for the registry to say. */
static struct pin_handle *pin_area(struct dev *dev, struct pf_area *want,
				   struct area *a)
{
	unsigned int flags = want->flags & PF_WRITE ? PIN_WRITE : 0;

	flags |= want->flags & ~PF_WRITE;
	switch (want->kind) {
	case PF_USER:
		return pin_user(dev->pinner, want->addr, want->len, flags, a,
				dev->name);
	case PF_PAGES:
		return pin_pages(dev->pinner, pfn_to_page(want->addr),
				 want->len, flags, a, dev->name);
	case PF_ARRAY:
		return pin_array(dev, want, flags, a);
	}
	return ERR_PTR(-ENOTTY);
}

static int dev_pin(struct dev *dev, struct pf_area *want)
{
	unsigned long nr = want->len;
	struct area *a;

	if (want->kind == PF_USER)
		nr = DIV_ROUND_UP(want->len, PAGE_SIZE);
	a = area_alloc(dev, clamp(nr, 1UL, MOST_PAGES),
		       want->flags & PF_WRITE);
	if (!a)
		return -ENOMEM;
	a->pin = pin_area(dev, want, a);
	if (IS_ERR(a->pin)) {
		int err = PTR_ERR(a->pin);

		area_free(a);
		return err;
	}
	want->id = a->id;
	list_add_tail(&a->node, &dev->areas);
	return 0;
}

static struct area *find_area(struct dev *dev, u32 id)
{
	struct area *a;

	list_for_each_entry(a, &dev->areas, node) {
		if (a->id == id)
			return a;
	}
	return NULL;
}

/* Try to end the pin of another device. */
static int dev_steal(struct dev *dev, const struct pf_unpin *u)
{
	struct file *file = fget(u->victim);
	struct area *a = NULL;
	struct dev *other;
	int err = -EBADF;

	if (!file)
		return err;
	other = file->private_data;
	if (file->f_op == &dev_fops && other != dev) {
		mutex_lock_nested(&other->mutex, SINGLE_DEPTH_NESTING);
		a = find_area(other, u->id);
		err = pin_end(dev->pinner, a ? a->pin : NULL);
		mutex_unlock(&other->mutex);
	}
	fput(file);
	return err;
}

static int dev_unpin(struct dev *dev, const struct pf_unpin *u)
{
	struct area *a;
	int err;

	if (u->victim >= 0)
		return dev_steal(dev, u);
	a = find_area(dev, u->id);
	if (!a)
		return pin_end(dev->pinner, NULL);
	err = area_end(dev, a);
	if (u->again)
		return pin_end(dev->pinner, a->pin);
	if (!err) {
		/* No callback of it will run: forget it. */
		list_del(&a->node);
		pin_put(a->pin);
		area_free(a);
	}
	return err;
}

static int dev_run(struct dev *dev, bool run)
{
	struct task_struct *engine;

	if (!run || dev->engine) {
		if (!run)
			stop_engine(dev);
		return 0;
	}
	engine = kthread_run(engine_fn, dev, "pf_%s", dev->name);
	if (IS_ERR(engine))
		return PTR_ERR(engine);
	dev->engine = engine;
	return 0;
}

static int dev_pfns(struct dev *dev, const struct pf_pfns *p)
{
	u64 __user *to = u64_to_user_ptr(p->pfns);
	struct area *a = find_area(dev, p->id);
	struct page *page;
	u64 i;

	if (!a)
		return -ENOENT;
	for (i = 0; i < p->nr; i++) {
		page = pin_page(a->pin, p->first + i);
		if (put_user(page ? (u64)page_to_pfn(page) : 0, to + i))
			return -EFAULT;
	}
	return 0;
}

static int dev_report(struct dev *dev, struct pf_report *r)
{
	struct area *a = find_area(dev, r->id);
	u32 id = r->id;

	if (!a)
		return -ENOENT;
	area_sum(a, r);
	r->id = id;
	return 0;
}

static int dev_dirty(struct dev *dev, u32 id)
{
	struct area *a = find_area(dev, id);

	return a ? pin_mark_dirty(a->pin) : -ENOENT;
}

static int dev_map(struct dev *dev, const struct pf_map *m)
{
	struct device *device = dev_misc.this_device;
	struct area *a = find_area(dev, m->id);
	enum dma_data_direction dir = m->writes ? DMA_BIDIRECTIONAL :
						  DMA_TO_DEVICE;
	struct sg_table sgt;
	int err;

	if (!a)
		return -ENOENT;
	err = dma_coerce_mask_and_coherent(device, DMA_BIT_MASK(64));
	if (!err)
		err = pin_map_sgt(a->pin, 0, a->nr, device, dir, &sgt);
	if (!err)
		pin_unmap_sgt(device, dir, &sgt);
	return err;
}

static int dev_unregister(struct dev *dev, unsigned int wait_ms)
{
	int err = pinner_unregister(dev->pinner, wait_ms);

	if (!err)
		dev->pinner = NULL;
	return err;
}

union dev_arg {
	struct pf_setup setup;
	struct pf_behave behave;
	struct pf_area area;
	struct pf_unpin unpin;
	struct pf_report report;
	struct pf_pfns pfns;
	struct pf_where where;
	struct pf_many many;
	struct pf_move_dax move_dax;
	struct pf_map map;
};

static long dev_command(struct dev *dev, unsigned int cmd, union dev_arg *u,
			unsigned long arg)
{
	switch (cmd) {
	case PF_SETUP:
		return dev_setup(dev, &u->setup);
	case PF_PIN:
		return dev_pin(dev, &u->area);
	case PF_UNPIN:
		return dev_unpin(dev, &u->unpin);
	case PF_RUN:
		return dev_run(dev, arg);
	case PF_REPORT:
		return dev_report(dev, &u->report);
	case PF_PFNS:
		return dev_pfns(dev, &u->pfns);
	case PF_DIRTY:
		return dev_dirty(dev, arg);
	case PF_MANY:
		return pin_many(dev, &u->many);
	case PF_MAP:
		return dev_map(dev, &u->map);
	case PF_UNREGISTER:
		return dev_unregister(dev, arg);
	}
	return -ENOTTY;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dev *dev = file->private_data;
	void __user *user = (void __user *)arg;
	union dev_arg u;
	long ret;

	if (_IOC_SIZE(cmd) > sizeof(u))
		return -ENOTTY;
	if (_IOC_SIZE(cmd) && copy_from_user(&u, user, _IOC_SIZE(cmd)))
		return -EFAULT;
	/* These are about to make callbacks run or go on: not under the mutex. */
	switch (cmd) {
	case PF_BEHAVE:
		behave(dev, &u.behave);
		return 0;
	case PF_MOVE:
		return pin_registry_move(u.where.pfn, u.where.nr,
					 u.where.timeout_ms);
	case PF_REVOKE_PAGES:
		return pin_registry_revoke(u.where.pfn, u.where.nr,
					   u.where.timeout_ms);
	}
	if (cmd == PF_MOVE_DAX) {
		ret = move_dax(&u.move_dax);
	} else {
		mutex_lock(&dev->mutex);
		ret = dev_command(dev, cmd, &u, arg);
		mutex_unlock(&dev->mutex);
	}
	/* It tells where the references are also if nothing moved. */
	if ((!ret || cmd == PF_MOVE_DAX) && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(user, &u, _IOC_SIZE(cmd)))
		return -EFAULT;
	return ret;
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.open = dev_open,
	.release = dev_release,
	.read = dev_read,
	.unlocked_ioctl = dev_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice dev_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pf_pindev",
	.fops = &dev_fops,
	.mode = 0666,
};
module_misc_device(dev_misc);
MODULE_DESCRIPTION("Test: a device that writes to what it pins");
MODULE_LICENSE("GPL");
