// SPDX-License-Identifier: GPL-2.0
/*
 * Test: somebody comes at the worst moment of a trim. As GUP may, with a reference to
 * a page, after it was found unused, and before its page tables are emptied; or as a
 * fault may, asking for a pfn when the trim has passed all inodes.
 *
 * Write a pfn to parameters/pfn: the next time the writing process comes to
 * unmap_mapping_pages(), the page gets its reference; 0 drops it. parameters/state
 * then reads "waiting", "none", or what the page is: "entry" if a file has it, "free"
 * if none.
 *
 * Write the pfn of a file's page to parameters/lookup: the next time the writing
 * process returns from evict_spans(), ->direct_access() is asked for the page; 0
 * forgets it. parameters/lookup then reads "waiting", "none", "found" or "error".
 */
#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pfn_t.h>
#include <linux/sched.h>

static struct page *page;
static pid_t asker;
static bool grabbed;

static int grab(struct kprobe *probe, struct pt_regs *regs)
{
	if (page && !grabbed && current->tgid == asker) {
		get_page(page);
		grabbed = true;
	}
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "unmap_mapping_pages",
	.pre_handler = grab,
};

static void let_go(void)
{
	if (page && grabbed)
		put_page(page);
	page = NULL;
	grabbed = false;
}

static int pfn_set(const char *val, const struct kernel_param *kp)
{
	unsigned long pfn;
	int err = kstrtoul(val, 0, &pfn);

	if (err)
		return err;
	let_go();
	if (pfn && !pfn_valid(pfn))
		return -EINVAL;
	asker = current->tgid;
	/* The probe looks at it last, and in this process only. */
	page = pfn ? pfn_to_page(pfn) : NULL;
	return 0;
}

static const struct kernel_param_ops pfn_ops = { .set = pfn_set };
module_param_cb(pfn, &pfn_ops, NULL, 0200);
MODULE_PARM_DESC(pfn, "page to take a reference to; 0 drops it");

static int state_get(char *buf, const struct kernel_param *kp)
{
	const char *state = "none";

	if (page && !grabbed)
		state = "waiting";
	else if (page)
		state = READ_ONCE(page->mapping) ? "entry" : "free";
	return sysfs_emit(buf, "%s\n", state);
}

static const struct kernel_param_ops state_ops = { .get = state_get };
module_param_cb(state, &state_ops, NULL, 0400);
MODULE_PARM_DESC(state, "none, waiting, entry or free");

static struct dax_device *dax_dev;
static pgoff_t pgoff;
static pid_t looker;
static long found;

static int look_up(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	pfn_t pfn;
	int id;

	if (!dax_dev || found || current->tgid != looker)
		return 0;
	id = dax_read_lock();
	found = dax_direct_access(dax_dev, pgoff, 1, DAX_ACCESS, NULL, &pfn);
	dax_read_unlock(id);
	return 0;
}

static struct kretprobe walked = {
	.kp.symbol_name = "evict_spans",
	.handler = look_up,
};

static void forget(void)
{
	struct dax_device *old = dax_dev;

	dax_dev = NULL;
	if (old)
		fs_put_dax(old, NULL);
}

/* Where the disk's pages are as they were: its first one always has its struct page. */
static int find(struct dax_device *dev, unsigned long pfn)
{
	int id = dax_read_lock();
	pfn_t first;
	long nr;

	nr = dax_direct_access(dev, 0, 1, DAX_ACCESS, NULL, &first);
	dax_read_unlock(id);
	if (nr < 1)
		return -ENXIO;
	pgoff = pfn - pfn_t_to_pfn(first);
	return 0;
}

static int lookup_set(const char *val, const struct kernel_param *kp)
{
	struct address_space *mapping;
	struct dax_device *dev;
	unsigned long pfn;
	u64 start;
	int err = kstrtoul(val, 0, &pfn);

	if (err)
		return err;
	forget();
	if (!pfn)
		return 0;
	mapping = pfn_valid(pfn) ? READ_ONCE(pfn_to_page(pfn)->mapping) : NULL;
	if (!mapping)
		return -EINVAL;
	dev = fs_dax_get_by_bdev(mapping->host->i_sb->s_bdev, &start, NULL, NULL);
	if (!dev)
		return -ENODEV;
	err = find(dev, pfn);
	if (err) {
		fs_put_dax(dev, NULL);
		return err;
	}
	looker = current->tgid;
	found = 0;
	dax_dev = dev;
	return 0;
}

static int lookup_get(char *buf, const struct kernel_param *kp)
{
	if (!dax_dev)
		return sysfs_emit(buf, "none\n");
	if (!found)
		return sysfs_emit(buf, "waiting\n");
	return sysfs_emit(buf, "%s\n", found > 0 ? "found" : "error");
}

static const struct kernel_param_ops lookup_ops = {
	.set = lookup_set,
	.get = lookup_get,
};
module_param_cb(lookup, &lookup_ops, NULL, 0600);
MODULE_PARM_DESC(lookup, "page to ask for; 0 forgets it");

static int __init pf_grab_init(void)
{
	int err = register_kprobe(&probe);

	if (err)
		return err;
	err = register_kretprobe(&walked);
	if (err)
		unregister_kprobe(&probe);
	return err;
}

static void __exit pf_grab_exit(void)
{
	unregister_kretprobe(&walked);
	unregister_kprobe(&probe);
	forget();
	let_go();
}

module_init(pf_grab_init);
module_exit(pf_grab_exit);
MODULE_DESCRIPTION("Test: a reference that comes in the middle of a trim");
MODULE_LICENSE("GPL");
