// SPDX-License-Identifier: GPL-2.0
/* How long a device that has pages pinned is kept away from them when they move. */
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/pin_registry.h>

#include "pinbench.h"

static struct pinner *pause_pinner;
static struct pin_handle *held;
/* Moves of the benchmark come one after the other. */
static u64 begun, paused;

static int pause_prepare(struct pin_handle *pin, unsigned long first,
			 unsigned long nr, unsigned long deadline)
{
	begun = ktime_get_ns();
	return 0;
}

static void pause_commit(struct pin_handle *pin, unsigned long first,
			 unsigned long nr)
{
	paused += ktime_get_ns() - begun;
}

static void pause_abort(struct pin_handle *pin, unsigned long first,
			unsigned long nr)
{
}

static void pause_revoke(struct pin_handle *pin, unsigned long first,
			 unsigned long nr, enum pin_revoke_why why)
{
}

static const struct pinner_ops pause_ops = {
	.prepare = pause_prepare,
	.commit = pause_commit,
	.abort = pause_abort,
	.revoke = pause_revoke,
};

/* Pin user memory until the file is closed. */
int pause_hold(const struct pinbench_job *job)
{
	struct pin_handle *pin;

	if (held)
		return -EBUSY;
	paused = 0;
	pin = pin_user(pause_pinner, job->addr, job->len, PIN_WRITE, NULL,
		       "benchmark");
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	held = pin;
	return 0;
}

u64 pause_total(void)
{
	return paused;
}

void pause_drop(void)
{
	if (!held)
		return;
	WARN_ON(pin_end(pause_pinner, held));
	pin_put(held);
	held = NULL;
}

int pause_init(void)
{
	/* As a driver's whose device takes a while: the callbacks may sleep. */
	const struct pinner_desc desc = {
		.name = "pinbench-pause",
		.class = PIN_DEVICE_IO,
		.ops = &pause_ops,
		.owner = THIS_MODULE,
	};

	pause_pinner = pinner_register(&desc);
	return PTR_ERR_OR_ZERO(pause_pinner);
}

void pause_exit(void)
{
	WARN_ON(pinner_unregister(pause_pinner, 0));
}
