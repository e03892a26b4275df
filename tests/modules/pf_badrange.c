// SPDX-License-Identifier: GPL-2.0
/*
 * Tells libnvdimm of a range of bad media, as firmware would; drivers see it when
 * they are bound the next time. Needed where "ndctl inject-error" is not offered.
 *
 * insmod pf_badrange.ko disk=/dev/pmem0 start=PHYSICAL[,PHYSICAL]... length=BYTES
 */
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/libnvdimm.h>
#include <linux/module.h>

/* Exported, without a header. */
struct nvdimm_bus *to_nvdimm_bus(struct device *dev);

static char *disk;
module_param(disk, charp, 0400);
MODULE_PARM_DESC(disk, "a block device on the bus");

static ulong start[16];
static unsigned int nr_start;
module_param_array(start, ulong, &nr_start, 0400);
MODULE_PARM_DESC(start, "physical addresses");

static ulong length;
module_param(length, ulong, 0400);
MODULE_PARM_DESC(length, "bytes of each");

/* disk -> namespace -> region -> bus; a pfn device is a namespace in this. */
static struct nvdimm_bus *find_bus(struct file *file)
{
	struct block_device *bdev = I_BDEV(file->f_mapping->host);
	struct device *dev = disk_to_dev(bdev->bd_disk)->parent;

	if (!dev || !dev->parent || !dev->parent->parent)
		return NULL;
	return to_nvdimm_bus(dev->parent->parent);
}

static int __init pf_badrange_init(void)
{
	struct nvdimm_bus *bus = NULL;
	struct file *file;
	unsigned int i;
	int err = 0;

	if (!disk || !length || !nr_start)
		return -EINVAL;
	file = filp_open(disk, O_RDONLY | O_LARGEFILE, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (S_ISBLK(file_inode(file)->i_mode))
		bus = find_bus(file);
	if (!bus)
		err = -ENODEV;
	for (i = 0; i < nr_start && !err; i++)
		err = nvdimm_bus_add_badrange(bus, start[i], length);
	filp_close(file, NULL);
	return err;
}

static void __exit pf_badrange_exit(void)
{
}

module_init(pf_badrange_init);
module_exit(pf_badrange_exit);
MODULE_DESCRIPTION("Test: add a bad range to an nvdimm bus");
MODULE_LICENSE("GPL");
