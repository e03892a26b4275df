// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges of mapped DAX files as dma-bufs: /dev/pinfold-dmabuf, and the life of
 * dax_dmabuf.ko.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <uapi/linux/pinfold_dmabuf.h>

#include "export.h"

struct export_stats export_stats;
/* Ends pins of exports that were closed. */
struct workqueue_struct *export_wq;

/* Covers the list, and keeps the exports on it. */
static DEFINE_MUTEX(exports_lock);
static LIST_HEAD(exports);

void export_listed(struct export *e)
{
	mutex_lock(&exports_lock);
	list_add_tail(&e->node, &exports);
	mutex_unlock(&exports_lock);
}

void export_unlisted(struct export *e)
{
	mutex_lock(&exports_lock);
	list_del(&e->node);
	mutex_unlock(&exports_lock);
}

static int export_fd(const struct pinfold_dmabuf_export *arg)
{
	bool pinnable = arg->flags & PINFOLD_DMABUF_PINNABLE;
	struct dma_buf *dmabuf;
	int fd;

	if (arg->reserved ||
	    arg->flags & ~(PINFOLD_DMABUF_WRITE | PINFOLD_DMABUF_PINNABLE))
		return -EINVAL;
	if (pinnable && !capable(CAP_IPC_LOCK))
		return -EPERM;
	dmabuf = export_create(arg->addr, arg->length,
			       arg->flags & PINFOLD_DMABUF_WRITE, pinnable);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

static long dmabuf_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	struct pinfold_dmabuf_export arg;

	if (cmd != PINFOLD_DMABUF_EXPORT)
		return -ENOTTY;
	if (copy_from_user(&arg, (void __user *)p, sizeof(arg)))
		return -EFAULT;
	return export_fd(&arg);
}

static const struct file_operations dmabuf_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = dmabuf_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Exports with an importer that keeps the pages where they are. */
static ssize_t count(char *buf, bool immovable)
{
	struct export *e;
	long n = 0;
	int err;

	err = mutex_lock_interruptible(&exports_lock);
	if (err)
		return err;
	list_for_each_entry(e, &exports, node) {
		if (!immovable) {
			n++;
			continue;
		}
		err = dma_resv_lock_interruptible(&e->resv, NULL);
		if (err)
			break;
		n += export_immovable(e);
		dma_resv_unlock(&e->resv);
	}
	mutex_unlock(&exports_lock);
	return err ?: sysfs_emit(buf, "%ld\n", n);
}

static ssize_t exports_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return count(buf, false);
}
static DEVICE_ATTR_RO(exports);

static ssize_t immovable_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	return count(buf, true);
}
static DEVICE_ATTR_RO(immovable);

static ssize_t moves_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%ld\n", atomic_long_read(&export_stats.moves));
}
static DEVICE_ATTR_RO(moves);

static ssize_t refused_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%ld\n", atomic_long_read(&export_stats.refused));
}
static DEVICE_ATTR_RO(refused);

static ssize_t revoked_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%ld\n", atomic_long_read(&export_stats.revoked));
}
static DEVICE_ATTR_RO(revoked);

static struct attribute *dmabuf_attrs[] = {
	&dev_attr_exports.attr,
	&dev_attr_immovable.attr,
	&dev_attr_moves.attr,
	&dev_attr_refused.attr,
	&dev_attr_revoked.attr,
	NULL
};
ATTRIBUTE_GROUPS(dmabuf);

static struct miscdevice dmabuf_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "pinfold-dmabuf",
	.fops = &dmabuf_fops,
	.groups = dmabuf_groups,
};

static int __init dmabuf_init(void)
{
	int err;

	export_wq = alloc_workqueue("dax_dmabuf", WQ_UNBOUND, 0);
	if (!export_wq)
		return -ENOMEM;
	err = export_pinner_init();
	if (err)
		goto no_wq;
	err = misc_register(&dmabuf_misc);
	if (err)
		goto no_pinner;
	return 0;

no_pinner:
	export_pinner_exit();
no_wq:
	destroy_workqueue(export_wq);
	return err;
}

/* Each dma-buf holds the module, and after it its pin, until that has ended. */
static void __exit dmabuf_exit(void)
{
	misc_deregister(&dmabuf_misc);
	/* The last of its work may still be on its way out. */
	destroy_workqueue(export_wq);
	export_pinner_exit();
}

module_init(dmabuf_init);
module_exit(dmabuf_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Ranges of mapped DAX files as dma-bufs");
MODULE_VERSION(PINFOLD_VERSION);
MODULE_IMPORT_NS(DMA_BUF);
