// SPDX-License-Identifier: GPL-2.0
/*
 * Test: somebody takes a reference to a page at the worst moment of a trim, after the
 * page was found unused, and before its page tables are emptied, as GUP may.
 *
 * Write a pfn to parameters/pfn: the next time the writing process comes to
 * unmap_mapping_pages(), the page gets its reference; 0 drops it. parameters/state
 * then reads "waiting", "none", or what the page is: "entry" if a file has it, "free"
 * if none.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
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

static int __init pf_grab_init(void)
{
	return register_kprobe(&probe);
}

static void __exit pf_grab_exit(void)
{
	unregister_kprobe(&probe);
	let_go();
}

module_init(pf_grab_init);
module_exit(pf_grab_exit);
MODULE_DESCRIPTION("Test: a reference that comes in the middle of a trim");
MODULE_LICENSE("GPL");
