// SPDX-License-Identifier: GPL-2.0
/*
 * nd_pinfold: driver of pmem namespaces without struct pages.
 *
 * It shares its device type with nd_pmem, and the bus asks drivers in the order
 * in which they were registered: tools/modprobe.d/pinfold.conf has nd_pinfold
 * loaded first. It takes namespaces with a pinfold info block and leaves all
 * others, by -ENODEV, to the next driver.
 */
#include <linux/dax.h>
#include <linux/dax_backing.h>
#include <linux/io.h>
#include <linux/libnvdimm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <compat/nvdimm.h>

#include "gate.h"
#include "pinfold.h"

static const struct dax_backing_ops backing_ops = {
	.memory_failure = pinfold_memory_failure,
	.read = pinfold_read,
	.move_begin = pinfold_move_begin,
	.move_commit = pinfold_move_commit,
	.move_end = pinfold_move_end,
	.evacuate = pinfold_evacuate,
};

static struct dax_backing *create_backing(struct pinfold *pf,
					  const struct resource *res)
{
	const struct dax_backing_desc desc = {
		.name = dev_name(pf->dev),
		.resource = res->start,
		.resource_size = resource_size(res),
		.base = pf->phys,
		.size = pinfold_mapped_size(&pf->info.geo),
		.nid = dev_to_node(pf->dev),
		.owner = THIS_MODULE,
		.ops = &backing_ops,
		.private = pf,
	};

	return dax_backing_create(&desc);
}

static void report_no_backing(struct device *dev, const struct resource *res,
			      int err)
{
	if (err == -EBUSY)
		dev_err(dev, "not attached: %pR is in use, perhaps by a file system mounted before it was detached; unmount that and try again\n",
			res);
	else
		dev_err(dev, "not attached: the kernel cannot make struct pages for %pR (error %d); try again when memory is free, or see the messages above\n",
			res, err);
}

static void report_failure(struct device *dev, const char *what, int err)
{
	dev_err(dev, "not attached: cannot %s (error %d); try again when memory is free, or see the messages above\n",
		what, err);
}

/* Without a word for -ENODEV: not ours, or the reason was told. */
static void report_unread(struct device *dev, int err)
{
	if (err == -EBUSY)
		report_no_backing(dev, &to_nd_namespace_io(dev)->res, err);
	else if (err != -ENODEV)
		report_failure(dev, "read the info block", err);
}

/* Nobody but the backing knows it yet, or any more. */
static void free_unadded(struct pinfold *pf)
{
	dax_backing_kill(pf->backing);
	dax_backing_destroy(pf->backing);
	pinfold_close_remap(pf);
	kfree(pf);
}

/*
 * devm_memremap(), here and in libnvdimm, says -ENXIO if it lacks memory. The
 * driver core takes that for a device of somebody else's and keeps silent.
 */
static int mapping_error(int err)
{
	return err == -ENXIO ? -ENOMEM : err;
}

/*
 * Map the whole namespace, not only its data: with the start's alignment the
 * kernel can use 1 GiB pages. The remap table is read through it.
 */
static int map_media(struct pinfold *pf, const struct resource *res)
{
	void *addr = devm_memremap(pf->dev, res->start, resource_size(res),
				   ARCH_MEMREMAP_PMEM);

	if (IS_ERR(addr))
		return mapping_error(PTR_ERR(addr));
	pf->data = addr + pf->info.geo.data_offset;
	return pinfold_open_remap(pf, addr, res);
}

/* Follow the region, but never make writable what must not be written. */
static void update_read_only(struct pinfold *pf)
{
	if (!pf->read_only)
		nvdimm_check_and_set_ro(pf->disk);
}

static int add_disk_and_dax(struct pinfold *pf,
			    struct nd_namespace_common *ndns)
{
	int err;

	pf->disk = pinfold_alloc_disk(pf, ndns, dev_to_node(pf->dev));
	if (IS_ERR(pf->disk))
		return PTR_ERR(pf->disk);
	err = pinfold_add_dax(pf);
	if (err)
		goto put_disk;
	err = device_add_disk(pf->dev, pf->disk, pinfold_disk_groups);
	if (err)
		goto remove_dax;
	return 0;

remove_dax:
	pinfold_remove_dax(pf);
	put_dax(pf->dax_dev);
put_disk:
	put_disk(pf->disk);
	return err;
}

/*
 * Unlike nd_pmem, take the disk away while the DAX device is still alive: a
 * file system on it is then synced through it, where it otherwise finds its
 * dirty data without a device. Each step's end of use is the next one's licence:
 *
 *   pinfold_stop_moves()   no page moves, in whatever ioctl
 *   pinfold_mce_stop()     nor because of a machine check
 *   del_gendisk()          no bio and no sysfs access runs any more
 *   pinfold_remove_dax()   no DAX operation, no kernel address in use
 *   dax_backing_kill()     no user mapping, no callback of the backing
 *
 * and devres takes down mapping and bad blocks after us. What remains, @pf and
 * the backing, belongs to whoever still has the disk open.
 */
static void detach(struct pinfold *pf)
{
	struct kernfs_node *bb_state = pf->bb_state;

	dax_backing_remove_disk(pf->backing);
	pinfold_stop_moves(pf);
	pinfold_mce_stop(pf);
	del_gendisk(pf->disk);
	pinfold_remove_dax(pf);
	dax_backing_kill(pf->backing);
	put_dax(pf->dax_dev);
	pf->dax_dev = NULL;
	pf->bb_state = NULL;
	sysfs_put(bb_state);
	pinfold_close_remap(pf);
	put_disk(pf->disk);
	/* If nobody has it open, the module can be unloaded on return. */
	dax_backing_flush();
}

static int attach(struct pinfold *pf, struct nd_namespace_common *ndns)
{
	const struct resource *res = &to_nd_namespace_io(&ndns->dev)->res;
	int err;

	pf->phys = res->start + pf->info.geo.data_offset;
	pf->nr_pages = PHYS_PFN(pf->info.geo.data_size);
	pf->backing = create_backing(pf, res);
	if (IS_ERR(pf->backing)) {
		err = PTR_ERR(pf->backing);
		report_no_backing(pf->dev, res, err);
		kfree(pf);
		return err;
	}
	err = map_media(pf, res);
	if (!err)
		err = pinfold_init_badblocks(pf);
	if (!err)
		err = add_disk_and_dax(pf, ndns);
	if (err) {
		/* The reason was told already: the remap table. */
		if (err != -ENODEV)
			report_failure(pf->dev, "set up the disk", err);
		free_unadded(pf);
		return err;
	}

	update_read_only(pf);
	if (!get_disk_ro(pf->disk)) {
		/* The disk is there, and somebody may have asked for a move. */
		mutex_lock(&pf->move_lock);
		pinfold_mend_remap(pf);
		mutex_unlock(&pf->move_lock);
	}
	pinfold_mce_start(pf);
	pf->bb_state = sysfs_get_dirent(disk_to_dev(pf->disk)->kobj.sd,
					"badblocks");
	if (!pf->bb_state)
		dev_warn(pf->dev, "'badblocks' notification disabled\n");
	err = dax_backing_add_disk(pf->backing, pf->disk);
	if (err) {
		report_failure(pf->dev, "show the disk's statistics", err);
		detach(pf);
	}
	return err;
}

static struct pinfold *read_namespace(struct device *dev,
				      struct nd_namespace_common *ndns)
{
	struct pinfold *pf;
	int err;

	pf = kzalloc_node(sizeof(*pf), GFP_KERNEL, dev_to_node(dev));
	if (!pf)
		return ERR_PTR(-ENOMEM);
	mutex_init(&pf->move_lock);
	pf->dev = dev;
	pf->region = to_nd_region(dev->parent);

	/* Raw access, which reserves and maps what it reads: give it back. */
	err = mapping_error(devm_namespace_enable(dev, ndns,
						  PINFOLD_META_SIZE));
	if (!err) {
		err = pinfold_info_read(ndns, &pf->info, &pf->valid_copies,
					&pf->read_only);
		devm_namespace_disable(dev, ndns);
	}
	if (err) {
		kfree(pf);
		return ERR_PTR(err);
	}
	return pf;
}

/* Without a word: whatever is wrong with it, nd_pmem is next, and tells. */
static struct nd_namespace_common *find_namespace(struct device *dev)
{
	struct nd_namespace_common *ndns;

	/* btt, pfn and dax devices have the type of the namespace they claim */
	if (is_nd_btt(dev) || is_nd_pfn(dev) || is_nd_dax(dev))
		return NULL;
	ndns = to_ndns(dev);
	if (ndns->force_raw || ndns->claim)
		return NULL;
	if (resource_size(&to_nd_namespace_io(dev)->res) < PINFOLD_MIN_NS_SIZE)
		return NULL;
	ndns = nvdimm_namespace_common_probe(dev);
	return IS_ERR(ndns) ? NULL : ndns;
}

static int nd_pinfold_probe(struct device *dev)
{
	struct nd_namespace_common *ndns = find_namespace(dev);
	struct pinfold *pf;
	int err;

	if (!ndns)
		return -ENODEV;
	pf = read_namespace(dev, ndns);
	if (IS_ERR(pf)) {
		report_unread(dev, PTR_ERR(pf));
		return PTR_ERR(pf);
	}
	dev_set_drvdata(dev, pf);
	err = attach(pf, ndns);
	if (err)
		dev_set_drvdata(dev, NULL);
	return err;
}

static void nd_pinfold_remove(struct device *dev)
{
	detach(dev_get_drvdata(dev));
	nvdimm_flush(to_nd_region(dev->parent), NULL);
}

static void nd_pinfold_shutdown(struct device *dev)
{
	nvdimm_flush(to_nd_region(dev->parent), NULL);
}

/* Under the device lock, so not concurrent with probe and remove. */
static void nd_pinfold_notify(struct device *dev, enum nvdimm_event event)
{
	struct pinfold *pf = dev_get_drvdata(dev);

	switch (event) {
	case NVDIMM_REVALIDATE_POISON:
		pinfold_populate_badblocks(pf);
		pinfold_salvage_bad(pf);
		break;
	case NVDIMM_REVALIDATE_REGION:
		update_read_only(pf);
		break;
	default:
		dev_WARN_ONCE(dev, 1, "notify: unknown event: %d\n", event);
		break;
	}
}

static struct nd_device_driver nd_pinfold_driver = {
	.probe = nd_pinfold_probe,
	.remove = nd_pinfold_remove,
	.notify = nd_pinfold_notify,
	.shutdown = nd_pinfold_shutdown,
	.drv = {
		.name = "nd_pinfold",
	},
	.type = ND_DRIVER_NAMESPACE_IO | ND_DRIVER_NAMESPACE_PMEM,
};

static int __init nd_pinfold_init(void)
{
	int err = pinfold_gate_init();

	if (err)
		return err;
	pinfold_mce_init();
	err = nd_driver_register(&nd_pinfold_driver);
	if (err) {
		pinfold_mce_exit();
		pinfold_gate_exit();
	}
	return err;
}
module_init(nd_pinfold_init);

static void __exit nd_pinfold_exit(void)
{
	nd_driver_unregister(&nd_pinfold_driver);
	pinfold_mce_exit();
	pinfold_gate_exit();
}
module_exit(nd_pinfold_exit);

MODULE_ALIAS_ND_DEVICE(ND_DEVICE_NAMESPACE_IO);
MODULE_ALIAS_ND_DEVICE(ND_DEVICE_NAMESPACE_PMEM);
MODULE_DESCRIPTION("Persistent memory namespaces with struct pages on demand");
MODULE_LICENSE("GPL");
MODULE_VERSION(PINFOLD_VERSION);
