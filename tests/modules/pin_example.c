// SPDX-License-Identifier: GPL-2.0
/*
 * The worked example of Documentation/pin-registry.rst: a device that writes a stamp
 * into each page of a buffer of user memory, again and again, while the pages move.
 * Its DMA engine is a work item; a stamp is a transfer.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pin_registry.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

static struct pinner *example_pinner;
/* Covers private_data of files, which changes once. */
static DEFINE_MUTEX(example_files);

struct example {
	struct pin_handle *pin;
	spinlock_t lock;	/* covers the rest, and a running transfer */
	unsigned long stopped;	/* pages that may not be written now */
	bool dead;		/* pages were taken away */
	u64 stamps;
	struct delayed_work engine;
};

static int example_prepare(struct pin_handle *pin, unsigned long first,
			   unsigned long nr, unsigned long deadline)
{
	struct example *ex = pin_cookie(pin);

	spin_lock(&ex->lock);	/* a transfer that runs has ended then */
	ex->stopped += nr;
	spin_unlock(&ex->lock);
	return 0;
}

static void example_resume(struct pin_handle *pin, unsigned long first,
			   unsigned long nr)
{
	struct example *ex = pin_cookie(pin);

	spin_lock(&ex->lock);
	ex->stopped -= nr;	/* a real device learns its new addresses here */
	spin_unlock(&ex->lock);
}

static void example_revoke(struct pin_handle *pin, unsigned long first,
			   unsigned long nr, enum pin_revoke_why why)
{
	struct example *ex = pin_cookie(pin);

	spin_lock(&ex->lock);
	ex->dead = true;
	spin_unlock(&ex->lock);
}

static const struct pinner_ops example_ops = {
	.prepare = example_prepare,
	.commit = example_resume,
	.abort = example_resume,
	.revoke = example_revoke,
};

static void example_transfer(struct example *ex, unsigned long i)
{
	struct page *page;

	spin_lock(&ex->lock);
	page = pin_page(ex->pin, i);
	if (page && !ex->stopped && !ex->dead) {
		u64 *to = kmap_local_page(page);

		*to = ++ex->stamps;
		kunmap_local(to);
	}
	spin_unlock(&ex->lock);
}

static void example_engine(struct work_struct *work)
{
	struct example *ex = container_of(to_delayed_work(work),
					  struct example, engine);
	unsigned long i;

	for (i = 0; i < pin_nr(ex->pin); i++)
		example_transfer(ex, i);
	/* Before anybody is told that the data are there. */
	pin_mark_dirty(ex->pin);
	schedule_delayed_work(&ex->engine, 1);
}

static struct example *example_start(unsigned long addr, size_t len)
{
	struct example *ex = kzalloc(sizeof(*ex), GFP_KERNEL);
	struct pin_handle *pin;

	if (!ex)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&ex->lock);
	INIT_DELAYED_WORK(&ex->engine, example_engine);
	/* Callbacks may come before this returns. */
	pin = pin_user(example_pinner, addr, len, PIN_WRITE, ex, "stamp buffer");
	if (IS_ERR(pin)) {
		kfree(ex);
		return ERR_CAST(pin);
	}
	ex->pin = pin;
	schedule_delayed_work(&ex->engine, 0);
	return ex;
}

/* Two words: address and length of the buffer. */
static ssize_t example_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	struct example *ex = ERR_PTR(-EBUSY);
	u64 where[2];

	if (len != sizeof(where))
		return -EINVAL;
	if (copy_from_user(where, buf, len))
		return -EFAULT;
	mutex_lock(&example_files);
	if (!file->private_data)
		ex = example_start(where[0], where[1]);
	if (!IS_ERR(ex))
		file->private_data = ex;
	mutex_unlock(&example_files);
	return IS_ERR(ex) ? PTR_ERR(ex) : len;
}

static int example_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;	/* misc_open() left the device there */
	return nonseekable_open(inode, file);
}

static int example_release(struct inode *inode, struct file *file)
{
	struct example *ex = file->private_data;

	if (!ex)
		return 0;
	cancel_delayed_work_sync(&ex->engine);
	/* PINNER_ATOMIC: no callback is late. None runs after this. */
	WARN_ON(pin_end(example_pinner, ex->pin));
	pin_put(ex->pin);
	kfree(ex);
	return 0;
}

static const struct file_operations example_fops = {
	.owner = THIS_MODULE,
	.open = example_open,
	.write = example_write,
	.release = example_release,
};

static struct miscdevice example_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pin_example",
	.fops = &example_fops,
	.mode = 0600,
};

static int __init example_init(void)
{
	static const struct pinner_desc desc = {
		.name = "example",
		.class = PIN_DEVICE_IO,
		.flags = PINNER_ATOMIC,
		.ops = &example_ops,
		.owner = THIS_MODULE,
	};
	int err;

	example_pinner = pinner_register(&desc);
	if (IS_ERR(example_pinner))
		return PTR_ERR(example_pinner);
	err = misc_register(&example_dev);
	if (err)
		WARN_ON(pinner_unregister(example_pinner, 0));
	return err;
}

static void __exit example_exit(void)
{
	misc_deregister(&example_dev);
	/* Every file is closed, so no pin is left: see example_release(). */
	WARN_ON(pinner_unregister(example_pinner, 0));
}

module_init(example_init);
module_exit(example_exit);
MODULE_DESCRIPTION("Example of a driver that pins user memory");
MODULE_LICENSE("GPL");
