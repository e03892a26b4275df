// SPDX-License-Identifier: GPL-2.0
/*
 * Test: a bio is in the middle of its copy, to where it found a page, when the page
 * moves. Write 1 to parameters/catch in the thread that writes the page to the disk.
 * From then on a mover waits, before a commit, until that thread has come to its copy,
 * which begins when the mover has
 *
 * - found the move cancelled, by this bio or another one: it is not yet caught;
 * - begun to wait for bios, or ended the commit without: it is caught.
 *
 * parameters/catch reads 1 until one was caught, then 0. Nobody sleeps there: a copy
 * must not, so both spin, not for ever.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#define PATIENCE_NS	(5 * NSEC_PER_SEC)

enum { NOBODY, MOVER, BOTH };

static pid_t writer;
static struct task_struct *mover;
static int here;

/* Until @here changes from @from, or it takes too long: then change it to NOBODY. */
static void spin(int from)
{
	u64 end = ktime_get_mono_fast_ns() + PATIENCE_NS;

	/* Pairs with the releases below: what was done before is done. */
	while (smp_load_acquire(&here) == from) {
		if (ktime_get_mono_fast_ns() > end)
			cmpxchg(&here, from, NOBODY);
		cpu_relax();
	}
}

static int mover_comes(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (!READ_ONCE(writer) || READ_ONCE(here) != NOBODY)
		return 1;
	WRITE_ONCE(mover, current);
	/* Pairs with the one in spin(). */
	smp_store_release(&here, MOVER);
	spin(MOVER);
	return 0;
}

/* Let the bio go on. */
static void release(bool caught)
{
	if (READ_ONCE(mover) != current || READ_ONCE(here) != BOTH)
		return;
	if (caught)
		WRITE_ONCE(writer, 0);
	/* Pairs with the one in spin(). */
	smp_store_release(&here, NOBODY);
}

static int mover_leaves(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	/* It returns a bool. */
	if (!(regs_return_value(regs) & 0xff))
		release(false);
	return 0;
}

static int commit_waits_or_ends(struct kprobe *probe, struct pt_regs *regs)
{
	release(true);
	return 0;
}

static int bio_comes(struct kprobe *probe, struct pt_regs *regs)
{
	if (current->pid == READ_ONCE(writer) &&
	    cmpxchg(&here, MOVER, BOTH) == MOVER)
		spin(BOTH);
	return 0;
}

static struct kretprobe begin = {
	.kp.symbol_name = "pinfold_map_begin_commit",
	.entry_handler = mover_comes,
	.handler = mover_leaves,
};

static struct kprobe waits = {
	.symbol_name = "synchronize_rcu_expedited",
	.pre_handler = commit_waits_or_ends,
};

static struct kprobe ends = {
	.symbol_name = "pinfold_map_end_commit",
	.pre_handler = commit_waits_or_ends,
};

static struct kprobe copies = {
	.symbol_name = "__memcpy_flushcache",
	.pre_handler = bio_comes,
};

static struct kprobe *probes[] = { &waits, &ends, &copies };

static int catch_set(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(val, &on);

	if (!err)
		WRITE_ONCE(writer, on ? current->pid : 0);
	return err;
}

static int catch_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", !!READ_ONCE(writer));
}

static const struct kernel_param_ops catch_ops = {
	.set = catch_set,
	.get = catch_get,
};
module_param_cb(catch, &catch_ops, NULL, 0600);
MODULE_PARM_DESC(catch, "1: catch a bio of this thread");

static int __init pf_holdbio_init(void)
{
	int err = register_kretprobe(&begin);

	if (err)
		return err;
	err = register_kprobes(probes, ARRAY_SIZE(probes));
	if (err)
		unregister_kretprobe(&begin);
	return err;
}

static void __exit pf_holdbio_exit(void)
{
	WRITE_ONCE(writer, 0);
	unregister_kprobes(probes, ARRAY_SIZE(probes));
	unregister_kretprobe(&begin);
}

module_init(pf_holdbio_init);
module_exit(pf_holdbio_exit);
MODULE_DESCRIPTION("Test: a bio in the middle of its copy");
MODULE_LICENSE("GPL");
