// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting until every DAX operation and every access by an address from one is
 * over, everywhere. The DAX core keeps its SRCU to itself, but kill_dax() waits
 * for it, and on a device of our own that nobody uses does nothing else.
 *
 * A reader copies to user memory and may take as long as a page fault does, so the
 * wait is a work item's, and whoever needs it waits for that with a bound.
 */
#include <linux/dax.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <compat/dax.h>

#include "gate.h"

#define GATE_PATIENCE	(10 * HZ)
#define GATE_BRIEFLY	(HZ / 5)

/**
 * struct gate_wait - one wait
 * @work: does it
 * @done: completed when it is over
 * @refs: who asked, and the work
 */
struct gate_wait {
	struct work_struct work;
	struct completion done;
	refcount_t refs;
};

/* The device, and whose turn it is: one wait after the other (ordered). */
static struct dax_device *gate_dev;
static struct workqueue_struct *gate_wq;

/*
 * Somebody gave up a wait that is still going on: until it is over nobody needs to
 * queue another one behind it, only to give up as well.
 */
static atomic_t gate_stuck = ATOMIC_INIT(0);

static void gate_put(struct gate_wait *wait)
{
	if (refcount_dec_and_test(&wait->refs))
		kfree(wait);
}

static void gate_work_fn(struct work_struct *work)
{
	struct gate_wait *wait = container_of(work, struct gate_wait, work);

	kill_dax(gate_dev);
	run_dax(gate_dev);
	/* In this order, see pinfold_gate_wait(). */
	complete(&wait->done);
	atomic_set(&gate_stuck, 0);
	gate_put(wait);
}

/**
 * pinfold_gate_wait() - wait out all DAX operations that have begun
 * @briefly: somebody waits for the caller, and perhaps one of those operations for
 *	him: that it takes longer means nothing then
 *
 * Context: process context, may sleep; no lock that a page fault may wait for.
 * Return: 0, -ENOMEM, -EINTR on a fatal signal, or -ETIMEDOUT.
 */
int pinfold_gate_wait(bool briefly)
{
	struct gate_wait *wait;
	long left;

	if (atomic_read(&gate_stuck))
		return -ETIMEDOUT;
	wait = kmalloc(sizeof(*wait), GFP_KERNEL);
	if (!wait)
		return -ENOMEM;
	INIT_WORK(&wait->work, gate_work_fn);
	init_completion(&wait->done);
	refcount_set(&wait->refs, 2);
	queue_work(gate_wq, &wait->work);
	left = wait_for_completion_killable_timeout(&wait->done,
						    briefly ? GATE_BRIEFLY :
							      GATE_PATIENCE);
	if (!left && !briefly) {
		/* A full barrier. It may have ended before that, and told nobody. */
		atomic_xchg(&gate_stuck, 1);
		if (completion_done(&wait->done))
			atomic_set(&gate_stuck, 0);
	}
	gate_put(wait);
	if (left < 0)
		return -EINTR;
	return left ? 0 : -ETIMEDOUT;
}

/**
 * pinfold_gate_init() - make the device
 *
 * Context: module init.
 * Return: 0 or -errno.
 */
int __init pinfold_gate_init(void)
{
	gate_wq = alloc_ordered_workqueue("nd_pinfold_gate", 0);
	if (!gate_wq)
		return -ENOMEM;
	gate_dev = alloc_dax(NULL, NULL);
	if (IS_ERR_OR_NULL(gate_dev)) {
		destroy_workqueue(gate_wq);
		return gate_dev ? PTR_ERR(gate_dev) : -EOPNOTSUPP;
	}
	return 0;
}

/**
 * pinfold_gate_exit() - undo pinfold_gate_init()
 *
 * Context: module init or exit; waits for waits that nobody waits for any more.
 */
void pinfold_gate_exit(void)
{
	destroy_workqueue(gate_wq);
	kill_dax(gate_dev);
	put_dax(gate_dev);
}
