// SPDX-License-Identifier: GPL-2.0
/*
 * Pinners come and go; what each class of pins has to put up with.
 */
#define pr_fmt(fmt) "pin_registry: " fmt

#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "registry.h"

/* Covers the list, and keeps the pinners on it. */
static DEFINE_MUTEX(pinners_lock);
static LIST_HEAD(pinners);

/*
 * The seven kinds of pins of the 2013 discussion. Documentation/pin-registry.rst
 * gives the reason for each line.
 */
static const struct pin_policy policies[PIN_NR_CLASSES] = {
	[PIN_MLOCK] = { "mlock", true, false, 100, 0 },
	[PIN_RECLAIM] = { "reclaim", true, true, 100, 0 },
	[PIN_DEVICE_IO] = { "device-io", true, true, 1000, 1000 },
	[PIN_LOW_LATENCY] = { "low-latency", false, false, 100, 0 },
	[PIN_MIGRATION] = { "migration", false, false, 100, 1000 },
	[PIN_PERF] = { "perf", false, false, 100, 0 },
	[PIN_CROSS_SYSTEM] = { "cross-system", true, true, 10000, 0 },
};

/**
 * pin_class_policy() - what pins of a class have to put up with
 * @class: class
 *
 * Context: Any.
 * Return: the policy.
 */
const struct pin_policy *pin_class_policy(enum pin_class class)
{
	return &policies[class];
}
EXPORT_SYMBOL_GPL(pin_class_policy);

/* Listings are lines of KEY=VALUE, with blanks between. */
static bool bad_name(const char *name)
{
	const char *c;

	if (!name || !*name || strlen(name) >= sizeof_field(struct pinner, name))
		return true;
	for (c = name; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == '=' || *c == 0x7f)
			return true;
	}
	return false;
}

static int check_desc(const struct pinner_desc *d)
{
	const struct pinner_ops *ops = d->ops;

	if (bad_name(d->name)) {
		pr_err("pinner without a name of 1 to 31 characters, no blanks, '=' or control characters\n");
		return -EINVAL;
	}
	if ((unsigned int)d->class >= PIN_NR_CLASSES ||
	    (d->flags & ~PINNER_ATOMIC) ||
	    d->timeout_ms > PIN_TIMEOUT_MAX_MS) {
		pr_err("pinner %s: unknown class or flags, or a timeout over %u ms\n",
		       d->name, PIN_TIMEOUT_MAX_MS);
		return -EINVAL;
	}
	if (!ops || !ops->prepare || !ops->commit || !ops->abort ||
	    !ops->revoke) {
		pr_err("pinner %s: callbacks are missing; use pin_general_ops if it has none\n",
		       d->name);
		return -EINVAL;
	}
	return 0;
}

void pinner_put(struct pinner *p)
{
	if (!refcount_dec_and_test(&p->ref))
		return;
	free_percpu(p->stats);
	kfree(p);
}

static struct pinner *pinner_alloc(const struct pinner_desc *desc)
{
	struct pinner *p = kzalloc(sizeof(*p), GFP_KERNEL);
	unsigned int ms;

	if (!p)
		return NULL;
	refcount_set(&p->ref, 1);
	p->ops = desc->ops;
	p->owner = desc->owner;
	p->class = desc->class;
	p->flags = desc->flags;
	if (p->ops == &pin_general_ops)
		p->flags |= PINNER_ATOMIC;
	ms = desc->timeout_ms ?: policies[p->class].timeout_ms;
	p->timeout = msecs_to_jiffies(ms);
	strscpy(p->name, desc->name, sizeof(p->name));
	p->stats = alloc_percpu(struct pinner_stats);
	if (!p->stats)
		goto free;
	if (p->flags & PINNER_ATOMIC)
		return p;
	p->wq = alloc_workqueue("pin/%s", WQ_UNBOUND | WQ_MEM_RECLAIM |
				WQ_HIGHPRI, 0, p->name);
	if (p->wq)
		return p;
free:
	pinner_put(p);
	return NULL;
}

/* No pin is left, but the end of the last callback may still be running. */
static void pinner_retire(struct pinner *p)
{
	if (p->wq)
		destroy_workqueue(p->wq);
	pinner_put(p);
}

/**
 * pinner_register() - make a pinner known
 * @desc: what it is; copied, except for the callbacks
 *
 * Context: Process context, may sleep.
 * Return: the pinner, to be passed to pinner_unregister(), or an ERR_PTR():
 * -EINVAL for a bad description, -EEXIST if the name is taken, -ENOMEM.
 */
struct pinner *pinner_register(const struct pinner_desc *desc)
{
	struct pinner *p, *other;
	int err;

	err = check_desc(desc);
	if (err)
		return ERR_PTR(err);
	p = pinner_alloc(desc);
	if (!p)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&pinners_lock);
	list_for_each_entry(other, &pinners, node) {
		if (!strcmp(other->name, p->name)) {
			mutex_unlock(&pinners_lock);
			pinner_retire(p);
			return ERR_PTR(-EEXIST);
		}
	}
	list_add_tail(&p->node, &pinners);
	mutex_unlock(&pinners_lock);
	return p;
}
EXPORT_SYMBOL_GPL(pinner_register);

/**
 * pinner_unregister() - a pinner goes
 * @pinner: from pinner_register()
 * @wait_ms: how long to wait for the end of its pins
 *
 * Context: Process context, may sleep.
 * Return: 0 if it is gone, and none of its callbacks runs or will run. -EBUSY if
 * it still has pins: nothing has changed then. The module of the pinner cannot be
 * unloaded while it has pins, so a call from its exit function does not fail.
 */
int pinner_unregister(struct pinner *pinner, unsigned int wait_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(wait_ms);

	if (IS_ERR_OR_NULL(pinner))
		return 0;
	while (atomic_long_cmpxchg(&pinner->live, 0, PINNER_CLOSED)) {
		if (time_after(jiffies, end))
			return -EBUSY;
		msleep(20);
	}
	mutex_lock(&pinners_lock);
	list_del(&pinner->node);
	mutex_unlock(&pinners_lock);
	pinner_retire(pinner);
	return 0;
}
EXPORT_SYMBOL_GPL(pinner_unregister);

/*
 * A new pin. The first one takes a reference to the module: whoever pins does so
 * in code of that module or on its behalf, so it cannot be going meanwhile.
 */
int pinner_live_get(struct pinner *p)
{
	long live = atomic_long_inc_return(&p->live);

	if (unlikely(live <= 0)) {
		atomic_long_dec(&p->live);
		return -ESHUTDOWN;
	}
	if (live == 1 && !try_module_get(p->owner)) {
		atomic_long_dec(&p->live);
		return -ESHUTDOWN;
	}
	refcount_inc(&p->ref);
	return 0;
}

/*
 * The pin has ended: no callback of it runs or will run. Its handle keeps the
 * memory of the pinner, but not its module.
 */
void pinner_live_put(struct pinner *p)
{
	struct module *owner = p->owner;

	if (atomic_long_dec_return(&p->live) == 0)
		module_put(owner);
}

/* Return: true if the log has not been told of this yet. */
bool pinner_complain(struct pinner *p, enum pinner_complaint what)
{
	return !test_and_set_bit(what, &p->complained);
}

void pinner_for_each(void (*fn)(struct pinner *p, void *arg), void *arg)
{
	struct pinner *p;

	mutex_lock(&pinners_lock);
	list_for_each_entry(p, &pinners, node)
		fn(p, arg);
	mutex_unlock(&pinners_lock);
}
