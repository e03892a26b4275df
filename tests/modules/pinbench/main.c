// SPDX-License-Identifier: GPL-2.0
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pin_registry.h>
#include <linux/uaccess.h>

#include "pinbench.h"

struct pinner *pinbench_atomic, *pinbench_sleeping;

/* One user at a time, and one ioctl of it. */
static atomic_t in_use;
static DEFINE_MUTEX(job_lock);

/* A device that is idle: there is nothing to stop. */
static int idle_prepare(struct pin_handle *pin, unsigned long first,
			unsigned long nr, unsigned long deadline)
{
	return 0;
}

static void idle_resume(struct pin_handle *pin, unsigned long first,
			unsigned long nr)
{
}

static void idle_revoke(struct pin_handle *pin, unsigned long first,
			unsigned long nr, enum pin_revoke_why why)
{
}

static const struct pinner_ops idle_ops = {
	.prepare = idle_prepare,
	.commit = idle_resume,
	.abort = idle_resume,
	.revoke = idle_revoke,
};

static struct pinner *register_one(const char *name, unsigned int flags)
{
	struct pinner_desc desc = {
		.name = name,
		.class = PIN_DEVICE_IO,
		.flags = flags,
		.ops = &idle_ops,
		.owner = THIS_MODULE,
	};

	return pinner_register(&desc);
}

static long do_job(unsigned int cmd, const struct pinbench_job *job)
{
	switch (cmd) {
	case PINBENCH_USER:
		return user_pins(job);
	case PINBENCH_PINS:
		return lookup_prepare(job->nr);
	case PINBENCH_LOOKUP:
		return lookup_run(job->nr);
	case PINBENCH_PAGES:
		return move_prepare(job);
	case PINBENCH_MOVED:
		return move_moved();
	case PINBENCH_HOLD:
		return pause_hold(job);
	}
	return -ENOTTY;
}

static long pinbench_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	struct pinbench_job job = {};
	long ret;

	if (cmd == PINBENCH_PAUSE)
		return put_user(pause_total(), (u64 __user *)arg);
	if (_IOC_SIZE(cmd) == sizeof(job) &&
	    copy_from_user(&job, (void __user *)arg, sizeof(job)))
		return -EFAULT;
	mutex_lock(&job_lock);
	ret = do_job(cmd, &job);
	mutex_unlock(&job_lock);
	return ret;
}

static int pinbench_open(struct inode *inode, struct file *file)
{
	return atomic_cmpxchg(&in_use, 0, 1) ? -EBUSY : 0;
}

static int pinbench_release(struct inode *inode, struct file *file)
{
	lookup_drop();
	move_drop();
	pause_drop();
	atomic_set(&in_use, 0);
	return 0;
}

static const struct file_operations pinbench_fops = {
	.owner = THIS_MODULE,
	.open = pinbench_open,
	.release = pinbench_release,
	.unlocked_ioctl = pinbench_ioctl,
};

static struct miscdevice pinbench_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pf_pinbench",
	.fops = &pinbench_fops,
	.mode = 0600,
};

static int __init pinbench_init(void)
{
	int err;

	pinbench_atomic = register_one("pinbench", PINNER_ATOMIC);
	if (IS_ERR(pinbench_atomic))
		return PTR_ERR(pinbench_atomic);
	pinbench_sleeping = register_one("pinbench-sleeping", 0);
	if (IS_ERR(pinbench_sleeping)) {
		err = PTR_ERR(pinbench_sleeping);
		goto no_atomic;
	}
	err = pause_init();
	if (err)
		goto no_sleeping;
	err = dma_init();
	if (err)
		goto no_pause;
	err = misc_register(&pinbench_dev);
	if (!err)
		return 0;
	dma_exit();
no_pause:
	pause_exit();
no_sleeping:
	WARN_ON(pinner_unregister(pinbench_sleeping, 0));
no_atomic:
	WARN_ON(pinner_unregister(pinbench_atomic, 0));
	return err;
}

static void __exit pinbench_exit(void)
{
	misc_deregister(&pinbench_dev);
	dma_exit();
	pause_exit();
	WARN_ON(pinner_unregister(pinbench_sleeping, 0));
	WARN_ON(pinner_unregister(pinbench_atomic, 0));
}

module_init(pinbench_init);
module_exit(pinbench_exit);
MODULE_DESCRIPTION("Benchmark of the pin registry");
MODULE_LICENSE("GPL");
