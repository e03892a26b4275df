// SPDX-License-Identifier: GPL-2.0
/*
 * Ready-made callbacks for pinners that look at their pages only for moments, and
 * do not care where they are otherwise.
 *
 * pin_handle.users counts who is looking in its lower half, and in its upper half
 * the pages that are on their way: nobody looks while there are any.
 */
#include <linux/atomic.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "registry.h"

#define AWAY(nr)	((s64)(nr) << 32)

static bool used(s64 users)
{
	return (u32)users;
}

static int general_prepare(struct pin_handle *pin, unsigned long first,
			   unsigned long nr, unsigned long deadline)
{
	s64 users = atomic64_read(&pin->users);

	do {
		if (used(users))
			return -EBUSY;
	} while (!atomic64_try_cmpxchg(&pin->users, &users, users + AWAY(nr)));
	return 0;
}

static void general_resume(struct pin_handle *pin, unsigned long first,
			   unsigned long nr)
{
	atomic64_sub(AWAY(nr), &pin->users);
}

/*
 * Whoever looks does so with preemption off, so this is no longer than a wait for a
 * spinlock. The pages leave the pin after this: general_revoked() lets others look
 * again then.
 */
static void general_revoke(struct pin_handle *pin, unsigned long first,
			   unsigned long nr, enum pin_revoke_why why)
{
	atomic64_add(AWAY(1), &pin->users);
	while (used(atomic64_read(&pin->users)))
		cpu_relax();
	/* Whatever they wrote is written. */
	smp_mb();
}

void general_revoked(struct pin_handle *pin)
{
	if (pin->pinner->ops == &pin_general_ops)
		atomic64_sub(AWAY(1), &pin->users);
}

const struct pinner_ops pin_general_ops = {
	.prepare = general_prepare,
	.commit = general_resume,
	.abort = general_resume,
	.revoke = general_revoke,
};
EXPORT_SYMBOL_GPL(pin_general_ops);

/**
 * pin_use() - look at the pages of a pin whose pinner has pin_general_ops
 * @pin: pin
 *
 * Until pin_unuse() the pages neither move nor go. They may have gone already: ask
 * pin_page() after this.
 *
 * Context: Process context. The caller must not sleep until pin_unuse().
 * Return: 0, or -EAGAIN if pages of the pin are moving right now.
 */
int pin_use(struct pin_handle *pin)
{
	s64 users = atomic64_read(&pin->users);

	preempt_disable();
	do {
		if (users >= AWAY(1)) {
			preempt_enable();
			return -EAGAIN;
		}
	} while (!atomic64_try_cmpxchg(&pin->users, &users, users + 1));
	return 0;
}
EXPORT_SYMBOL_GPL(pin_use);

/**
 * pin_unuse() - end of pin_use()
 * @pin: pin
 *
 * Context: As pin_use() left it.
 */
void pin_unuse(struct pin_handle *pin)
{
	/* Full ordering: a mover sees what was written before. */
	atomic64_dec_return(&pin->users);
	preempt_enable();
}
EXPORT_SYMBOL_GPL(pin_unuse);
