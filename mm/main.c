// SPDX-License-Identifier: GPL-2.0
/*
 * The life of pin_registry.ko.
 */
#include <linux/module.h>

#include "registry.h"

/*
 * Followers and reapers. They fault, reclaim, and wait for notifications to end,
 * which wait for callbacks: these have queues of their own, see pinner.c.
 */
struct workqueue_struct *pin_follow_wq;

static int __init registry_init(void)
{
	int err;

	pin_follow_wq = alloc_workqueue("pin_follow", WQ_UNBOUND, 0);
	if (!pin_follow_wq)
		return -ENOMEM;
	err = pin_init();
	if (err)
		goto no_wq;
	err = user_init();
	if (err)
		goto no_pin;
	show_init();
	return 0;

no_pin:
	pin_exit();
no_wq:
	destroy_workqueue(pin_follow_wq);
	return err;
}

/* Everybody who could pin depends on this module: no pins, ranges or moves exist. */
static void __exit registry_exit(void)
{
	show_exit();
	/* Followers of ended pins drop their references; none is queued any more. */
	flush_workqueue(pin_follow_wq);
	window_exit();
	index_exit();
	destroy_workqueue(pin_follow_wq);
	user_exit();
	pin_exit();
}

module_init(registry_init);
module_exit(registry_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Who pins which page, and how to ask them to let it move");
MODULE_VERSION(PINFOLD_VERSION);
