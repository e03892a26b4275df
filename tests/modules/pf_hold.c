// SPDX-License-Identifier: GPL-2.0
/*
 * Test: somebody is held where it matters most, until somebody else has done his
 * worst. Who is to be held is asked for by parameters/hold:
 *
 * pin		the writing process, when it has pinned pages of its own
 * follow	whoever next pins pages of the writing process for it
 * evict	the writing process, before it writes back a file's pages to evict or
 *		move them, with the file system's s_umount; it goes on when another
 *		one waits for that, or has unmounted the file system without
 * go		nobody any more, and who is held goes on
 *
 * It reads "none", "waiting", "held", or "late" if nobody said "go" in time.
 *
 * Instead of a function that is called there a stand-in is, which calls it: unlike a
 * probe it may sleep.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include <compat/gup.h>

#define PATIENCE	(60 * HZ)
/* An unmount that nobody keeps from it comes this far. */
#define UNMOUNT_MS	2000

/**
 * struct spot - where somebody can be held
 * @how: what to write to have it
 * @probe: at the function
 * @wanted: is it he who is to be held?
 * @stand_in: what is called instead
 */
struct spot {
	const char *how;
	struct kprobe probe;
	bool (*wanted)(struct pt_regs *regs);
	void *stand_in;
};

static DECLARE_WAIT_QUEUE_HEAD(queue);
static const struct spot *waiting;
static atomic_t inside = ATOMIC_INIT(0);
static bool held, go, late;
static pid_t asker;
static struct mm_struct *asker_mm;

static void hold(void)
{
	WRITE_ONCE(held, true);
	if (!wait_event_timeout(queue, READ_ONCE(go), PATIENCE))
		WRITE_ONCE(late, true);
	WRITE_ONCE(held, false);
}

static void done(void)
{
	if (atomic_dec_and_test(&inside))
		wake_up(&queue);
}

static int pin_fast(unsigned long start, int nr, unsigned int gup,
		    struct page **pages)
{
	int ret = pin_user_pages_fast(start, nr, gup, pages);

	hold();
	done();
	return ret;
}

/* What else the function is told, the registry does not use. */
static long pin_remote(struct mm_struct *mm, unsigned long start,
		       unsigned long nr, unsigned int gup, struct page **pages)
{
	long ret = compat_pin_remote(mm, start, nr, gup, pages);

	hold();
	done();
	return ret;
}

static bool mounted(struct super_block *sb)
{
	return READ_ONCE(sb->s_flags) & SB_ACTIVE;
}

static int write_range(struct address_space *mapping, loff_t start, loff_t end)
{
	struct super_block *sb = mapping->host->i_sb;
	unsigned long until = jiffies + PATIENCE;

	WRITE_ONCE(held, true);
	while (mounted(sb) && !rwsem_is_contended(&sb->s_umount) &&
	       !READ_ONCE(go) && time_before(jiffies, until))
		usleep_range(1000, 2000);
	if (!mounted(sb))
		msleep(UNMOUNT_MS);
	if (time_after_eq(jiffies, until))
		WRITE_ONCE(late, true);
	WRITE_ONCE(held, false);
	done();
	return filemap_fdatawrite_range(mapping, start, end);
}

static bool by_asker(struct pt_regs *regs)
{
	return current->tgid == asker;
}

static bool for_asker(struct pt_regs *regs)
{
	return regs_get_kernel_argument(regs, 0) == (unsigned long)asker_mm;
}

/* The stand-in comes here again: one call only. */
static int take_place(struct kprobe *probe, struct pt_regs *regs)
{
	struct spot *spot = container_of(probe, struct spot, probe);

	if (READ_ONCE(waiting) != spot || !spot->wanted(regs) ||
	    cmpxchg(&waiting, spot, NULL) != spot)
		return 0;
	atomic_inc(&inside);
	instruction_pointer_set(regs, (unsigned long)spot->stand_in);
	return 1;
}

/* A probe without one may not change where the function goes on. */
static void unused(struct kprobe *probe, struct pt_regs *regs,
		   unsigned long flags)
{
}

#define SPOT(_how, _function, _wanted, _stand_in) {			\
	.how = _how,							\
	.probe = {							\
		.symbol_name = _function,				\
		.pre_handler = take_place,				\
		.post_handler = unused,					\
	},								\
	.wanted = _wanted,						\
	.stand_in = _stand_in,						\
}

static struct spot spots[] = {
	SPOT("pin", "pin_user_pages_fast", by_asker, pin_fast),
	SPOT("follow", "pin_user_pages_remote", for_asker, pin_remote),
	SPOT("evict", "filemap_fdatawrite_range", by_asker, write_range),
};

static void let_go(void)
{
	WRITE_ONCE(waiting, NULL);
	WRITE_ONCE(go, true);
	wake_up(&queue);
}

static int hold_set(const char *val, const struct kernel_param *kp)
{
	size_t i;

	if (sysfs_streq(val, "go")) {
		let_go();
		return 0;
	}
	if (atomic_read(&inside))
		return -EBUSY;
	for (i = 0; i < ARRAY_SIZE(spots); i++) {
		if (!sysfs_streq(val, spots[i].how))
			continue;
		asker = current->tgid;
		asker_mm = current->mm;
		go = false;
		late = false;
		/* Pairs with cmpxchg(): who is held sees the above. */
		smp_store_release(&waiting, &spots[i]);
		return 0;
	}
	return -EINVAL;
}

static int hold_get(char *buf, const struct kernel_param *kp)
{
	if (READ_ONCE(waiting))
		return sysfs_emit(buf, "waiting\n");
	if (READ_ONCE(late))
		return sysfs_emit(buf, "late\n");
	return sysfs_emit(buf, "%s\n", READ_ONCE(held) ? "held" : "none");
}

static const struct kernel_param_ops hold_ops = {
	.set = hold_set,
	.get = hold_get,
};
module_param_cb(hold, &hold_ops, NULL, 0600);
MODULE_PARM_DESC(hold, "pin, follow, evict or go; reads none, waiting, held or late");

static void unregister(size_t nr)
{
	while (nr--)
		unregister_kprobe(&spots[nr].probe);
}

static int __init pf_hold_init(void)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(spots); i++) {
		err = register_kprobe(&spots[i].probe);
		if (err) {
			unregister(i);
			return err;
		}
	}
	return 0;
}

static void __exit pf_hold_exit(void)
{
	let_go();
	unregister(ARRAY_SIZE(spots));
	/* Nobody stays for longer than PATIENCE, and UNMOUNT_MS. */
	wait_event(queue, !atomic_read(&inside));
	/* Of the stand-in its return is left. */
	synchronize_rcu_tasks();
}

module_init(pf_hold_init);
module_exit(pf_hold_exit);
MODULE_DESCRIPTION("Test: somebody is held at the worst moment");
MODULE_LICENSE("GPL");
