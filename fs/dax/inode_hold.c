// SPDX-License-Identifier: GPL-2.0
/*
 * Holding back those who read and write a file, for a moment.
 *
 * Trying does not get a lock that is always shared by somebody. Who waits for it gets it,
 * because later readers queue behind him; but the kernel has no wait for an rw_semaphore
 * that ends after a while, and a reader may copy to memory that a hung server provides. So
 * the wait is a thread's, which a signal takes off the queue, and the readers behind it go
 * on. What it holds then, it holds for the caller.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "backing.h"

/* How long others may have to queue behind us, in jiffies. */
#define HOLD_PATIENCE	(HZ / 5)

/**
 * struct inode_hold - a file whose i_rwsem is held by a thread
 * @inode: the file
 * @task: the thread
 * @waited: it has the lock, or was taken off the queue
 * @release: it is to let go
 * @err: it does not have the lock
 */
struct inode_hold {
	struct inode *inode;
	struct task_struct *task;
	struct completion waited;
	struct completion release;
	int err;
};

static int hold_thread(void *p)
{
	struct inode_hold *hold = p;

	/* Only from the kernel. */
	allow_kernel_signal(SIGKILL);
	hold->err = down_write_killable(&hold->inode->i_rwsem);
	complete(&hold->waited);
	wait_for_completion(&hold->release);
	if (!hold->err)
		up_write(&hold->inode->i_rwsem);
	return 0;
}

/**
 * inode_release() - undo inode_hold()
 * @hold: what it returned
 *
 * Context: Process context, may sleep.
 */
void inode_release(struct inode_hold *hold)
{
	complete(&hold->release);
	/* It ends by itself: this waits until it has left our code. */
	kthread_stop(hold->task);
	put_task_struct(hold->task);
	kfree(hold);
}

/**
 * inode_hold() - have a file's i_rwsem, exclusively
 * @inode: the file, with a reference
 *
 * Context: Process context, may sleep; no lock that an owner of i_rwsem may wait for
 * without a bound.
 * Return: to be passed to inode_release(), or NULL if it was not to be had in time.
 */
struct inode_hold *inode_hold(struct inode *inode)
{
	struct inode_hold *hold = kzalloc(sizeof(*hold), GFP_KERNEL);

	if (!hold)
		return NULL;
	hold->inode = inode;
	init_completion(&hold->waited);
	init_completion(&hold->release);
	hold->task = kthread_create(hold_thread, hold, "pinfold_hold");
	if (IS_ERR(hold->task)) {
		kfree(hold);
		return NULL;
	}
	get_task_struct(hold->task);
	wake_up_process(hold->task);
	/* A signal that comes before the thread wants signals is lost: once more, then. */
	while (!wait_for_completion_timeout(&hold->waited, HOLD_PATIENCE))
		send_sig(SIGKILL, hold->task, 1);
	if (!hold->err)
		return hold;
	inode_release(hold);
	return NULL;
}
