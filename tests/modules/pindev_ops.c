// SPDX-License-Identifier: GPL-2.0
/* The callbacks: stop the engine, let it go on; or behave badly, as was asked for. */
#include <linux/delay.h>
#include <linux/slab.h>

#include "pindev.h"

/* A callback that hangs does not hang for ever. */
#define HANG_LIMIT	(60 * HZ)

static atomic64_t event_serial;

static void log_event(struct area *a, enum pf_op op, unsigned long first,
		      unsigned long nr)
{
	struct dev *dev = a->dev;

	spin_lock(&dev->event_lock);
	dev->events[dev->event_head++ % DEV_EVENTS] = (struct pf_event){
		.serial = atomic64_inc_return(&event_serial),
		.op = op,
		.id = a->id,
		.first = first,
		.nr = nr,
	};
	if (dev->event_head - dev->event_tail > DEV_EVENTS)
		dev->event_tail = dev->event_head - DEV_EVENTS;
	spin_unlock(&dev->event_lock);
}

static void misbehave(struct area *a, enum pf_op op)
{
	struct dev *dev = a->dev;
	unsigned int delay = READ_ONCE(dev->behave.delay_ms);

	if (delay)
		msleep(delay);
	if (READ_ONCE(dev->behave.hang) & BIT(op))
		wait_event_idle_timeout(dev->gate,
					!(READ_ONCE(dev->behave.hang) & BIT(op)),
					HANG_LIMIT);
}

/* How the callbacks behave from now on; those that hang may go on. */
void behave(struct dev *dev, const struct pf_behave *how)
{
	WRITE_ONCE(dev->behave.result, how->result);
	WRITE_ONCE(dev->behave.delay_ms, how->delay_ms);
	WRITE_ONCE(dev->behave.hang, how->hang);
	wake_up_all(&dev->gate);
}

static struct area *begin(struct pin_handle *pin, enum pf_op op,
			  unsigned long first, unsigned long nr)
{
	struct area *a = pin_cookie(pin);

	log_event(a, op, first, nr);
	misbehave(a, op);
	spin_lock(&a->lock);
	a->report.calls[op]++;
	a->report.pages[op] += nr;
	if (!nr || first + nr > a->nr || first + nr < first) {
		a->report.misuse++;
		spin_unlock(&a->lock);
		return NULL;
	}
	return a;
}

static int dev_prepare(struct pin_handle *pin, unsigned long first,
		       unsigned long nr, unsigned long deadline)
{
	struct area *a = begin(pin, PF_PREPARE, first, nr);
	unsigned long i;
	int result;

	if (!a)
		return -EINVAL;
	result = READ_ONCE(a->dev->behave.result);
	for (i = first; i < first + nr && !result; i++) {
		/* Twice without an answer in between is against the rules. */
		if (a->state[i] == STOPPED)
			a->report.misuse++;
		else if (a->state[i] == RUNNING)
			a->state[i] = STOPPED;
	}
	spin_unlock(&a->lock);
	return result;
}

static void resume(struct pin_handle *pin, enum pf_op op, unsigned long first,
		   unsigned long nr)
{
	struct area *a = begin(pin, op, first, nr);
	unsigned long i;

	if (!a)
		return;
	for (i = first; i < first + nr; i++) {
		if (a->state[i] == RUNNING) {
			a->report.misuse++;
		} else if (a->state[i] == STOPPED && !pin_page(pin, i)) {
			a->state[i] = GONE;
			a->report.lost++;
		} else if (a->state[i] == STOPPED) {
			a->state[i] = RUNNING;
		}
	}
	spin_unlock(&a->lock);
}

static void dev_commit(struct pin_handle *pin, unsigned long first,
		       unsigned long nr)
{
	resume(pin, PF_COMMIT, first, nr);
}

static void dev_abort(struct pin_handle *pin, unsigned long first,
		      unsigned long nr)
{
	resume(pin, PF_ABORT, first, nr);
}

static void dev_revoke(struct pin_handle *pin, unsigned long first,
		       unsigned long nr, enum pin_revoke_why why)
{
	struct area *a = begin(pin, PF_REVOKE, first, nr);
	unsigned long i;

	if (!a)
		return;
	for (i = first; i < first + nr; i++)
		a->state[i] = GONE;
	if ((unsigned int)why < PF_NR_WHY)
		a->report.why[why] += nr;
	else
		a->report.misuse++;
	spin_unlock(&a->lock);
}

/* Memory is coherent here: what was written is seen once the engine is out. */
static void dev_flush(struct pin_handle *pin, unsigned long first,
		      unsigned long nr)
{
	struct area *a = begin(pin, PF_FLUSH, first, nr);

	if (a)
		spin_unlock(&a->lock);
}

const struct pinner_ops device_ops = {
	.prepare = dev_prepare,
	.commit = dev_commit,
	.abort = dev_abort,
	.revoke = dev_revoke,
	.flush = dev_flush,
};
