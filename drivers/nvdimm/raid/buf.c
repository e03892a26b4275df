// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers: allocated with the table, so that writing under memory pressure needs
 * none. A CPU looks for the one it used last first: its pages are in the cache.
 */
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "pfn_raid.h"

/* Others' writes are done long before, or will never be. */
#define BUF_WAIT	(120 * HZ)

/* For each CPU, so that one may sleep while another works. */
#define BUFS_PER_CPU	2

static bool alloc_pages_of(void **pages, u32 nr)
{
	while (nr--) {
		pages[nr] = (void *)__get_free_page(GFP_KERNEL);
		if (!pages[nr])
			return false;
	}
	return true;
}

static void free_buf(struct raid_io_buf *io)
{
	u32 i;

	if (!io)
		return;
	for (i = 0; i < RAID_MAX_LEGS; i++) {
		free_page((unsigned long)io->buf.new[i]);
		free_page((unsigned long)io->buf.old[i]);
	}
	free_page((unsigned long)io->buf.spare);
	kfree(io);
}

static struct raid_io_buf *alloc_buf(const struct raid *raid, u32 slot)
{
	struct raid_io_buf *io = kzalloc(sizeof(*io), GFP_KERNEL);

	if (!io)
		return NULL;
	io->buf.slot = slot;
	/* Not to be mixed up with an entry that an earlier table left. */
	io->buf.log_id = get_random_u64();
	if (!alloc_pages_of(io->buf.new, raid->sb.layout.nr_data) ||
	    !alloc_pages_of(io->buf.old, raid->sb.layout.nr_legs) ||
	    !alloc_pages_of(&io->buf.spare, 1)) {
		free_buf(io);
		return NULL;
	}
	return io;
}

/**
 * raid_bufs_alloc() - make the buffers of a target
 * @rt: target whose layout is known
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM; raid_bufs_free() in both cases.
 */
int raid_bufs_alloc(struct raid_target *rt)
{
	u32 i;

	rt->nr_bufs = clamp_t(u32, BUFS_PER_CPU * num_possible_cpus(), 4,
			      BITS_PER_LONG);
	init_waitqueue_head(&rt->buf_wait);
	rt->bufs = kcalloc(rt->nr_bufs + 1, sizeof(*rt->bufs), GFP_KERNEL);
	if (!rt->bufs)
		return -ENOMEM;
	for (i = 0; i <= rt->nr_bufs; i++) {
		rt->bufs[i] = alloc_buf(&rt->raid, i);
		if (!rt->bufs[i])
			return -ENOMEM;
	}
	return 0;
}

/**
 * raid_bufs_free() - free the buffers
 * @rt: target
 *
 * Context: process context; nobody uses them.
 */
void raid_bufs_free(struct raid_target *rt)
{
	u32 i;

	for (i = 0; rt->bufs && i <= rt->nr_bufs; i++)
		free_buf(rt->bufs[i]);
	kfree(rt->bufs);
	rt->bufs = NULL;
}

static struct raid_io_buf *try_get(struct raid_target *rt)
{
	u32 first = raw_smp_processor_id() * BUFS_PER_CPU, i, n;

	for (n = 0; n < rt->nr_bufs; n++) {
		i = (first + n) % rt->nr_bufs;
		if (!test_and_set_bit_lock(i, &rt->buf_used))
			return rt->bufs[i];
	}
	return NULL;
}

/**
 * raid_buf_get() - get a buffer, waiting for one if need be
 * @rt: target
 *
 * Before the lock of any group: who has a buffer gets on without another.
 *
 * Context: process context, no lock of the array held.
 * Return: a buffer, for raid_buf_put(), or NULL if none became free in time.
 */
struct raid_io_buf *raid_buf_get(struct raid_target *rt)
{
	struct raid_io_buf *buf = try_get(rt);

	if (unlikely(!buf))
		wait_event_timeout(rt->buf_wait, (buf = try_get(rt)), BUF_WAIT);
	return buf;
}

/**
 * raid_buf_put() - give a buffer back
 * @rt: target
 * @buf: from raid_buf_get()
 *
 * Context: process context.
 */
void raid_buf_put(struct raid_target *rt, struct raid_io_buf *buf)
{
	clear_bit_unlock(buf->buf.slot, &rt->buf_used);
	/* Pairs with the waiter, which queues itself before it looks again. */
	smp_mb__after_atomic();
	/* The barrier above makes this safe. */
	if (waitqueue_active(&rt->buf_wait))
		wake_up(&rt->buf_wait);
}
