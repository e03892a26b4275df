// SPDX-License-Identifier: GPL-2.0
/*
 * Test: ends lock validation, for what would take hours with it. Each disk that goes takes
 * lock classes along, for which lockdep searches all it knows, with interrupts off.
 */
#include <linux/debug_locks.h>
#include <linux/module.h>

static int __init pf_nolockdep_init(void)
{
	debug_locks = 0;
	return 0;
}

static void __exit pf_nolockdep_exit(void)
{
}

module_init(pf_nolockdep_init);
module_exit(pf_nolockdep_exit);
MODULE_DESCRIPTION("Test: end lock validation");
MODULE_LICENSE("GPL");
