// SPDX-License-Identifier: GPL-2.0
/*
 * A driver of QEMU's edu device that keeps DMA running in both directions on a DAX
 * file, for as long as its user likes: the example of
 * Documentation/driver-api/long-term-dma.rst.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "edu.h"

static DEFINE_IDA(edu_ids);

static bool dmaengine;
module_param(dmaengine, bool, 0444);
MODULE_PARM_DESC(dmaengine, "copy for others, as a dmaengine channel, and have no files");

static int transfer(struct edu_stream *s, unsigned long i, bool to_device)
{
	dma_addr_t addr;
	int err;

	do {
		err = s->ops->begin(s, i, to_device, &addr);
		if (err == -EAGAIN && kthread_should_stop())
			return err;
	} while (err == -EAGAIN);
	if (err)
		return err;
	err = edu_dma(s->edu, addr, PF_EDU_BYTES, to_device);
	s->ops->end(s, i, to_device);
	if (!err)
		s->report.transfers++;
	return err;
}

static int one_round(struct edu_stream *s)
{
	unsigned long i, half = s->nr / 2;
	int err = 0;

	for (i = 0; i < half && !err && !kthread_should_stop(); i++) {
		err = transfer(s, i, true);
		if (!err)
			err = transfer(s, i + half, false);
	}
	if (err || i < half)
		return err;
	err = s->ops->round(s);
	if (!err)
		WRITE_ONCE(s->report.rounds, s->report.rounds + 1);
	return err;
}

static int engine_fn(void *arg)
{
	struct edu_stream *s = arg;
	int err = 0;

	while (!kthread_should_stop()) {
		if (!err)
			err = one_round(s);
		if (!err)
			continue;
		WRITE_ONCE(s->report.error, err);
		WRITE_ONCE(s->report.dead, err == -ENXIO);
		msleep_interruptible(20);
	}
	return 0;
}

/* With the mutex. */
static void stream_stop(struct edu *edu)
{
	struct edu_stream *s = edu->stream;

	if (!s)
		return;
	kthread_stop(s->engine);
	s->ops->stop(s);
	edu->stream = NULL;
}

static int stream_start(struct edu *edu, const struct pf_edu_start *arg)
{
	struct task_struct *engine;
	struct edu_stream *s;

	if (edu->stream)
		return -EBUSY;
	s = arg->fd < 0 ? edu_pin_start(edu, arg->addr, arg->length) :
			  edu_dmabuf_start(edu, arg->fd);
	if (IS_ERR(s))
		return PTR_ERR(s);
	engine = kthread_run(engine_fn, s, "%s", edu->name);
	if (IS_ERR(engine)) {
		s->ops->stop(s);
		return PTR_ERR(engine);
	}
	s->engine = engine;
	edu->stream = s;
	return 0;
}

static int edu_command(struct edu *edu, unsigned int cmd,
		       struct pf_edu_start *start,
		       struct pf_edu_report *report)
{
	if (edu->gone)
		return -ENODEV;
	switch (cmd) {
	case PF_EDU_START:
		return stream_start(edu, start);
	case PF_EDU_STOP:
		stream_stop(edu);
		return 0;
	case PF_EDU_REPORT:
		if (!edu->stream)
			return -ENOENT;
		*report = edu->stream->report;
		return 0;
	}
	return -ENOTTY;
}

static long edu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct edu *edu = file->private_data;
	void __user *user = (void __user *)arg;
	struct pf_edu_report report;
	struct pf_edu_start start;
	int err;

	if (cmd == PF_EDU_START && copy_from_user(&start, user, sizeof(start)))
		return -EFAULT;
	mutex_lock(&edu->mutex);
	err = edu_command(edu, cmd, &start, &report);
	mutex_unlock(&edu->mutex);
	if (!err && cmd == PF_EDU_REPORT &&
	    copy_to_user(user, &report, sizeof(report)))
		return -EFAULT;
	return err;
}

static void edu_free(struct kref *ref)
{
	kfree(container_of(ref, struct edu, ref));
}

/* misc_open() holds a lock that misc_deregister() takes: the device is there. */
static int edu_open(struct inode *inode, struct file *file)
{
	struct edu *edu = container_of(file->private_data, struct edu, misc);

	kref_get(&edu->ref);
	file->private_data = edu;
	return 0;
}

/* The stream is the device's, not the file's: who passes the file on keeps it. */
static int edu_release(struct inode *inode, struct file *file)
{
	struct edu *edu = file->private_data;

	mutex_lock(&edu->mutex);
	stream_stop(edu);
	mutex_unlock(&edu->mutex);
	kref_put(&edu->ref, edu_free);
	return 0;
}

static const struct file_operations edu_fops = {
	.owner = THIS_MODULE,
	.open = edu_open,
	.release = edu_release,
	.unlocked_ioctl = edu_ioctl,
};

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);
	int err;

	if (!edu)
		return -ENOMEM;
	kref_init(&edu->ref);
	mutex_init(&edu->mutex);
	edu->pdev = pdev;
	pci_set_drvdata(pdev, edu);
	err = edu_dma_init(edu);
	if (err)
		goto free;
	if (dmaengine) {
		err = edu_engine_start(edu);
		if (err)
			goto no_irq;
		return 0;
	}
	err = ida_alloc(&edu_ids, GFP_KERNEL);
	if (err < 0)
		goto no_irq;
	edu->id = err;
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	snprintf(edu->name, sizeof(edu->name), "edu%d", edu->id);
	edu->misc.name = edu->name;
	edu->misc.fops = &edu_fops;
	edu->misc.parent = &pdev->dev;
	err = misc_register(&edu->misc);
	if (!err)
		return 0;
	ida_free(&edu_ids, edu->id);
no_irq:
	free_irq(pci_irq_vector(pdev, 0), edu);
free:
	pci_free_irq_vectors(pdev);
	kref_put(&edu->ref, edu_free);
	return err;
}

/* No transfer runs and no page is pinned on return, whoever has a file open. */
static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);

	if (edu->engine) {
		edu_engine_stop(edu);
	} else {
		misc_deregister(&edu->misc);
		ida_free(&edu_ids, edu->id);
	}
	mutex_lock(&edu->mutex);
	stream_stop(edu);
	edu->gone = true;
	mutex_unlock(&edu->mutex);
	free_irq(pci_irq_vector(pdev, 0), edu);
	pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
	kref_put(&edu->ref, edu_free);
}

static const struct pci_device_id edu_table[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_table);

static struct pci_driver edu_driver = {
	.name = "edu",
	.id_table = edu_table,
	.probe = edu_probe,
	.remove = edu_remove,
};

static int __init edu_init(void)
{
	int err = edu_pin_init();

	if (err)
		return err;
	err = pci_register_driver(&edu_driver);
	if (err)
		edu_pin_exit();
	return err;
}

static void __exit edu_exit(void)
{
	pci_unregister_driver(&edu_driver);
	ida_destroy(&edu_ids);
	edu_pin_exit();
}

module_init(edu_init);
module_exit(edu_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test: QEMU's edu device keeps DMA running on DAX files");
MODULE_IMPORT_NS(DMA_BUF);
