// SPDX-License-Identifier: GPL-2.0
/*
 * Calling pinners. The slot of a pin is a lock that may be waited for with a
 * bound, and that a callback which does not come back takes along: whoever gave
 * up waiting leaves what remains to be done to the one who releases the slot.
 */
#define pr_fmt(fmt) "pin_registry: " fmt

#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "registry.h"

#define CREATE_TRACE_POINTS
#include <trace/events/pin_registry.h>

static const char * const op_names[] = {
	[PIN_OP_PREPARE] = "prepare",
	[PIN_OP_COMMIT] = "commit",
	[PIN_OP_ABORT] = "abort",
	[PIN_OP_REVOKE] = "revoke",
	[PIN_OP_FLUSH] = "flush",
};

/* Return: when a callback that starts now is late. */
unsigned long pin_deadline(const struct pin_handle *pin)
{
	return jiffies + pin->timeout;
}

static int try_slot(struct pin_handle *pin, bool wait)
{
	int err = 0;

	spin_lock(&pin->lock);
	if (pin->state & PIN_ENDED)
		err = -ESTALE;
	else if (pin->state & PIN_BUSY)
		err = -EBUSY;
	else
		pin_set_state(pin, pin->state | PIN_BUSY);
	if (err == -EBUSY && wait)
		pin_set_state(pin, pin->state | PIN_AWAITED);
	spin_unlock(&pin->lock);
	return err;
}

/*
 * Take the slot of a pin: nobody else calls its pinner, ends it, or changes which
 * pages it has.
 *
 * Return: 0; -ESTALE if the pin has ended; -EBUSY if the slot did not become free
 * until @deadline, or at once if @atomic.
 */
int pin_slot_take(struct pin_handle *pin, unsigned long deadline, bool atomic)
{
	long left = (long)(deadline - jiffies);
	int err;

	err = try_slot(pin, false);
	if (likely(err != -EBUSY) || atomic)
		return err;
	left = clamp(left, 1L,
		     (long)msecs_to_jiffies(PIN_TIMEOUT_MAX_MS));
	wait_var_event_timeout(&pin->state,
			       (err = try_slot(pin, true)) != -EBUSY, left);
	return err;
}

static int check_result(struct pinner *p, int result)
{
	if (result <= 0 && result >= -MAX_ERRNO)
		return result;
	if (pinner_complain(p, COMPLAINT_NONSENSE))
		pr_err("pinner %s: prepare returned %d, which is no error code; taken for a refusal\n",
		       p->name, result);
	return -EINVAL;
}

static int call_ops(struct pin_handle *pin, enum pin_op op,
		    struct pin_span where, enum pin_revoke_why why,
		    unsigned long deadline)
{
	struct pinner *p = pin->pinner;
	const struct pinner_ops *ops = p->ops;

	switch (op) {
	case PIN_OP_PREPARE:
		return check_result(p, ops->prepare(pin, where.first, where.nr,
						    deadline));
	case PIN_OP_COMMIT:
		ops->commit(pin, where.first, where.nr);
		break;
	case PIN_OP_ABORT:
		ops->abort(pin, where.first, where.nr);
		break;
	case PIN_OP_REVOKE:
		ops->revoke(pin, where.first, where.nr, why);
		break;
	case PIN_OP_FLUSH:
		if (ops->flush)
			ops->flush(pin, where.first, where.nr);
		break;
	}
	return 0;
}

/* The callback came back when nobody was waiting any more. */
static void finish_late(struct pin_callback *cb)
{
	struct pin_span where = cb->where;
	struct pin_handle *pin = cb->pin;

	if (cb->op == PIN_OP_PREPARE && !cb->result)
		call_ops(pin, PIN_OP_ABORT, where, 0, 0);
	else if (cb->op == PIN_OP_REVOKE)
		pin_drop(pin, where, NULL);
	pin_slot_release(pin);
	pin_put(pin);
}

void pin_callback_fn(struct work_struct *work)
{
	struct pin_callback *cb = container_of(work, struct pin_callback, work);
	struct pin_handle *pin = cb->pin;
	bool late;

	cb->result = call_ops(pin, cb->op, cb->where, cb->why, cb->deadline);
	spin_lock(&pin->lock);
	cb->finished = true;
	late = cb->abandoned;
	if (!late)
		complete(&cb->done);
	spin_unlock(&pin->lock);
	if (late)
		finish_late(cb);
}

/* Return: false if the callback is still running, and has the slot now. */
static bool wait_callback(struct pin_callback *cb, unsigned long deadline)
{
	struct pin_handle *pin = cb->pin;
	long left = (long)(deadline - jiffies);
	bool finished;

	wait_for_completion_timeout(&cb->done, max(left, 1L));
	/* Also waits for the worker to be done with the lock. */
	spin_lock(&pin->lock);
	finished = cb->finished;
	cb->abandoned = !finished;
	spin_unlock(&pin->lock);
	return finished;
}

static int call_in_worker(struct pin_handle *pin, enum pin_op op,
			  struct pin_span where, enum pin_revoke_why why,
			  unsigned long deadline)
{
	struct pin_callback *cb = pin->callback;
	struct pinner *p = pin->pinner;

	cb->op = op;
	cb->where = where;
	cb->why = why;
	cb->deadline = deadline;
	cb->abandoned = false;
	cb->finished = false;
	reinit_completion(&cb->done);
	/* Held by the callback in case it has the slot in the end. */
	pin_get(pin);
	queue_work(p->wq, &cb->work);
	if (wait_callback(cb, deadline)) {
		int result = cb->result;

		pin_put(pin);
		return result;
	}
	pinner_stat_add(p, timeouts, 1);
	if (pinner_complain(p, COMPLAINT_LATE))
		pr_err("pinner %s: %s took longer than %u ms; its pages cannot move until it returns\n",
		       p->name, op_names[op], jiffies_to_msecs(p->timeout));
	return -ETIMEDOUT;
}

static void trace_call(struct pin_handle *pin, enum pin_op op,
		       struct pin_span where, int err)
{
	const char *name = pin->pinner->name;
	/* A constant of a module that may be gone when the slot is. */
	const char *why = err == -ETIMEDOUT ? "" : pin->why;

	switch (op) {
	case PIN_OP_PREPARE:
		trace_pin_prepare(pin, name, why, where.first, where.nr, err);
		break;
	case PIN_OP_COMMIT:
		trace_pin_commit(pin, name, why, where.first, where.nr, err);
		break;
	case PIN_OP_ABORT:
		trace_pin_abort(pin, name, why, where.first, where.nr, err);
		break;
	case PIN_OP_REVOKE:
		trace_pin_revoke(pin, name, why, where.first, where.nr, err);
		break;
	case PIN_OP_FLUSH:
		trace_pin_flush(pin, name, why, where.first, where.nr, err);
		break;
	}
}

/* What a late callback left is done where it ran: nobody waits for that. */
static bool in_own_work(struct pin_handle *pin)
{
	return current_work() == &pin->callback->work;
}

/*
 * Call the pinner; the caller has the slot, and no longer if this returns
 * -ETIMEDOUT: the callback is running still. A prepare that ends well after all is
 * aborted then, and a revoke drops its pages when it is done.
 *
 * Context: Process context, may sleep, unless the pinner is PINNER_ATOMIC.
 * Return: what prepare returned, 0 for the others, or -ETIMEDOUT.
 */
int pin_call(struct pin_handle *pin, enum pin_op op, struct pin_span where,
	     enum pin_revoke_why why, unsigned long deadline)
{
	struct pinner *p = pin->pinner;
	unsigned long last = jiffies + p->timeout;
	int err;

	if (op == PIN_OP_FLUSH && !p->ops->flush)
		return 0;
	if (time_before(last, deadline))
		deadline = last;
	if (p->flags & PINNER_ATOMIC || in_own_work(pin)) {
		WRITE_ONCE(pin->runner, current);
		err = call_ops(pin, op, where, why, deadline);
		WRITE_ONCE(pin->runner, NULL);
	} else {
		err = call_in_worker(pin, op, where, why, deadline);
	}
	trace_call(pin, op, where, err);
	return err;
}

static int conclude_late(struct pin_handle *pin)
{
	struct pin_late *late;
	int err = 0;

	while (!err) {
		spin_lock(&pin->lock);
		late = pin->late;
		if (late)
			pin->late = late->next;
		else
			pin->pending &= ~PIN_PENDING_MOVE;
		spin_unlock(&pin->lock);
		if (!late)
			break;
		err = pin_call(pin, late->moved ? PIN_OP_COMMIT : PIN_OP_ABORT,
			       late->where, 0, pin_deadline(pin));
		pin_late_put(pin, late);
	}
	return err;
}

static int revoke_late(struct pin_handle *pin)
{
	struct pin_span where = { 0, 0 };
	enum pin_revoke_why why;
	struct pin_late *late;

	spin_lock(&pin->lock);
	late = pin->late_revokes;
	if (late) {
		pin->late_revokes = late->next;
		where = late->where;
		why = late->why;
	} else {
		pin->pending &= ~PIN_PENDING_REVOKE;
		swap(where, pin->late_hull);
		why = pin->late_why;
	}
	spin_unlock(&pin->lock);
	kfree(late);
	return pin_revoke(pin, where, why, pin_deadline(pin));
}

static int do_pending(struct pin_handle *pin, unsigned int pending)
{
	if (pending & PIN_PENDING_MOVE)
		return conclude_late(pin);
	if (pending & PIN_PENDING_REVOKE)
		return revoke_late(pin);
	pin_finish_end(pin);
	return 0;
}

/* Give the slot of a pin back, after what was left for later. */
void pin_slot_release(struct pin_handle *pin)
{
	unsigned int pending;
	bool awaited;

	for (;;) {
		spin_lock(&pin->lock);
		pending = pin->pending;
		awaited = pin->state & PIN_AWAITED;
		if (likely(!pending))
			pin_set_state(pin, pin->state &
				      ~(PIN_BUSY | PIN_AWAITED));
		spin_unlock(&pin->lock);
		if (likely(!pending))
			break;
		if (do_pending(pin, pending) == -ETIMEDOUT)
			return;
	}
	if (unlikely(awaited)) {
		/* Orders the change against a waiter's queueing. */
		smp_mb();
		wake_up_var(&pin->state);
	}
}

static void widen(struct pin_span *span, struct pin_span by)
{
	unsigned long end;

	if (!span->nr) {
		*span = by;
		return;
	}
	end = max(span->first + span->nr, by.first + by.nr);
	span->first = min(span->first, by.first);
	span->nr = end - span->first;
}

/*
 * The slot could not be had in time: who has it does what is @pending when releasing
 * it, or we do, if it has become free. Called with the pin's lock, which is dropped.
 */
static void leave_pending(struct pin_handle *pin, unsigned int pending)
	__releases(&pin->lock)
{
	bool mine = false;

	if (!(pin->state & PIN_ENDED)) {
		pin->pending |= pending;
		mine = !(pin->state & PIN_BUSY);
		pin_set_state(pin, pin->state | PIN_BUSY);
	}
	spin_unlock(&pin->lock);
	if (mine)
		pin_slot_release(pin);
}

/* End the pin as soon as the slot is free. May sleep. */
void pin_end_later(struct pin_handle *pin)
{
	spin_lock(&pin->lock);
	leave_pending(pin, PIN_PENDING_END);
}

/*
 * Take pages away as soon as the slot is free. Without memory to note which, those
 * between the ones of several calls go as well: their pinner can pin them again. May
 * sleep, but not for memory: see the top of registry.h.
 */
void pin_revoke_later(struct pin_handle *pin, struct pin_span where,
		      enum pin_revoke_why why)
{
	struct pin_late *late = kmalloc(sizeof(*late),
					GFP_NOWAIT | __GFP_NOWARN);

	spin_lock(&pin->lock);
	if (pin->state & PIN_ENDED) {
		spin_unlock(&pin->lock);
		kfree(late);
		return;
	}
	if (late) {
		late->where = where;
		late->why = why;
		late->next = pin->late_revokes;
		pin->late_revokes = late;
	} else {
		widen(&pin->late_hull, where);
		pin->late_why = why;
	}
	leave_pending(pin, PIN_PENDING_REVOKE);
}

/* Memory for pin_conclude_later(), or NULL. One is there always, and rarely used. */
struct pin_late *pin_late_get(struct pin_handle *pin, gfp_t gfp)
{
	bool taken;

	spin_lock(&pin->lock);
	taken = pin->late_taken;
	pin->late_taken = true;
	spin_unlock(&pin->lock);
	return taken ? kmalloc(sizeof(*pin->late), gfp) : &pin->late_one;
}

void pin_late_put(struct pin_handle *pin, struct pin_late *late)
{
	if (late != &pin->late_one) {
		kfree(late);
		return;
	}
	spin_lock(&pin->lock);
	pin->late_taken = false;
	spin_unlock(&pin->lock);
}

/* Tell the end of a move as soon as the slot is free. May sleep unless atomic. */
void pin_conclude_later(struct pin_handle *pin, struct pin_late *late)
{
	spin_lock(&pin->lock);
	if (pin->state & PIN_ENDED) {
		spin_unlock(&pin->lock);
		pin_late_put(pin, late);
		return;
	}
	late->next = pin->late;
	pin->late = late;
	leave_pending(pin, PIN_PENDING_MOVE);
}

struct pin_move *pin_mover(struct pin_handle *pin)
{
	struct pin_move *m;

	spin_lock(&pin->lock);
	m = pin->mover;
	spin_unlock(&pin->lock);
	return m;
}

/* Pages that were on their way will not come back. */
static int lose_suspended(struct pin_handle *pin, struct pin_span where,
			  unsigned long deadline)
{
	struct pin_span run;
	int err = 0;

	while (!err && pin_find_run(pin, where, true, &run)) {
		pin_drop(pin, run, NULL);
		pinner_stat_add(pin->pinner, revoked, run.nr);
		err = pin_call(pin, PIN_OP_COMMIT, run, 0, deadline);
	}
	return err;
}

/*
 * Take pages away from a pin; the caller has the slot, and loses it on -ETIMEDOUT:
 * the pages stay until the callback returns then.
 */
int pin_revoke(struct pin_handle *pin, struct pin_span where,
	       enum pin_revoke_why why, unsigned long deadline)
{
	struct pin_span run;
	int err;

	err = lose_suspended(pin, where, deadline);
	while (!err && pin_find_run(pin, where, false, &run)) {
		pinner_stat_add(pin->pinner, revoked, run.nr);
		err = pin_call(pin, PIN_OP_REVOKE, run, why, deadline);
		if (err)
			break;
		pin_drop(pin, run, NULL);
		general_revoked(pin);
	}
	/* The callback has the slot: the rest is done when it returns. */
	if (err == -ETIMEDOUT)
		pin_revoke_later(pin, where, why);
	return err;
}
