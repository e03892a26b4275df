// SPDX-License-Identifier: GPL-2.0
/*
 * The device-mapper target: its life, suspend and resume.
 *
 * The constructor only reads: another table of the same device may be using the
 * legs until the resume, which is where the array is assembled.
 */
#include <linux/dax.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "pfn_raid.h"

/* What a bio that has no data may be about: some thousand regions, at most. */
#define MAX_FORGET_SECTORS	((64U << 20) >> SECTOR_SHIFT)

/*
 * Arrays in use. All device-mapper devices are one holder to the block layer,
 * so it would let two of them have the same legs.
 */
static DEFINE_MUTEX(active_lock);	/* covers active_targets */
static LIST_HEAD(active_targets);

/* Another table of the same device is about to hand over, or to take over. */
static bool in_use(struct raid_target *rt, const u8 *uuid)
{
	struct mapped_device *md = dm_table_get_md(rt->ti->table);
	struct raid_target *other;

	list_for_each_entry(other, &active_targets, active) {
		if (dm_table_get_md(other->ti->table) == md ||
		    memcmp(other->raid.sb.uuid, uuid, RAID_UUID_SIZE))
			continue;
		DMERR("the array is in use already, as %s",
		      dm_table_device_name(other->ti->table));
		return true;
	}
	return false;
}

/**
 * raid_target_in_use() - is an array in use by another device?
 * @rt: target
 * @uuid: of the array
 *
 * Context: process context; takes active_lock.
 * Return: true if it is; the log says by which.
 */
bool raid_target_in_use(struct raid_target *rt, const u8 *uuid)
{
	bool used;

	mutex_lock(&active_lock);
	used = in_use(rt, uuid);
	mutex_unlock(&active_lock);
	return used;
}

static int activate(struct raid_target *rt, const u8 *uuid)
{
	int err = -EBUSY;

	mutex_lock(&active_lock);
	if (!in_use(rt, uuid)) {
		list_add(&rt->active, &active_targets);
		err = 0;
	}
	mutex_unlock(&active_lock);
	return err;
}

static void deactivate(struct raid_target *rt)
{
	mutex_lock(&active_lock);
	list_del_init(&rt->active);
	mutex_unlock(&active_lock);
}

static int alloc_array(struct raid_target *rt)
{
	u64 words = rt->nr_words;

	rt->raid.written = kvcalloc(words, sizeof(*rt->raid.written),
				    GFP_KERNEL);
	rt->raid.shadow = kvcalloc(words, sizeof(*rt->raid.shadow), GFP_KERNEL);
	rt->raid.meta_page = (void *)__get_free_page(GFP_KERNEL);
	rt->wq = alloc_workqueue("pfn_raid", WQ_MEM_RECLAIM | WQ_UNBOUND, 1);
	rt->flush_wq = alloc_workqueue("pfn_raid_flush",
				       WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!rt->raid.written || !rt->raid.shadow || !rt->raid.meta_page ||
	    !rt->wq || !rt->flush_wq)
		return -ENOMEM;
	return raid_bufs_alloc(rt);
}

static void raid_dtr(struct dm_target *ti)
{
	struct raid_target *rt = ti->private;
	u32 i;

	if (rt->wq) {
		raid_sync_stop(rt);
		destroy_workqueue(rt->wq);
	}
	if (rt->flush_wq)
		destroy_workqueue(rt->flush_wq);
	pfn_io_dma_close(rt->dma);
	deactivate(rt);
	cancel_work_sync(&rt->manage_work);
	cancel_work_sync(&rt->event_work);
	for (i = 0; i < RAID_MAX_DEVICES; i++)
		raid_device_retire(rt, i);
	raid_spares_close(rt);
	raid_devices_put_retired(rt);
	raid_bufs_free(rt);
	free_page((unsigned long)rt->raid.meta_page);
	kvfree(rt->raid.shadow);
	kvfree(rt->raid.written);
	free_percpu(rt->pace);
	free_percpu(rt->traffic);
	kvfree(rt);
}

static void set_limits(struct dm_target *ti)
{
	ti->num_flush_bios = 1;
	ti->num_write_zeroes_bios = 1;
	ti->num_discard_bios = 1;
	ti->discards_supported = true;
	ti->flush_supported = true;
	ti->per_io_data_size = raid_per_io_data_size;
}

static int raid_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	struct raid_target *rt = kvzalloc(sizeof(*rt), GFP_KERNEL);
	int err;

	if (!rt) {
		ti->error = "No memory for the target";
		return -ENOMEM;
	}
	ti->private = rt;
	rt->ti = ti;
	mutex_init(&rt->manage_lock);
	INIT_LIST_HEAD(&rt->retired);
	INIT_LIST_HEAD(&rt->active);
	INIT_WORK(&rt->sync_work, raid_sync_work);
	INIT_WORK(&rt->event_work, raid_event_work);
	spin_lock_init(&rt->event_lock);
	spin_lock_init(&rt->throttle_lock);
	init_waitqueue_head(&rt->pace_wait);
	raid_throttle_init(&rt->throttle);
	INIT_WORK(&rt->manage_work, raid_manage_work);
	rt->traffic = alloc_percpu(struct raid_traffic);
	rt->pace = alloc_percpu(struct raid_pace);
	err = rt->traffic && rt->pace ? raid_table_parse(rt, &as) : -ENOMEM;
	if (!err)
		err = raid_table_judge(rt);
	if (!err) {
		ti->error = "No memory for the array";
		err = alloc_array(rt);
	}
	if (err) {
		raid_dtr(ti);
		return err;
	}
	set_limits(ti);
	return 0;
}

/*
 * Nobody uses the array yet. Its roles are as its superblock says by now. If it
 * cannot grow it is used as it is: a resume that fails would leave it suspended.
 */
static void grow(struct raid_target *rt, struct raid_super *sb)
{
	int err;

	*sb = rt->raid.sb;
	if (rt->grow_pages && rt->grow_pages != sb->layout.leg_pages) {
		err = raid_table_growth(rt, sb);
		if (!err)
			err = raid_grow(&rt->raid, sb);
		if (err)
			DMERR("the array has not grown (%d): behind its end there are errors; load a table of its size",
			      err);
		else
			DMINFO("the array has grown to %llu sectors",
			       sb->layout.size_pages * RAID_PAGE_SECTORS);
	}
	rt->size = rt->raid.sb.layout.size_pages * RAID_PAGE_SIZE;
}

/* The array is ours: now its legs' judgement stays true. */
static int start_claimed(struct raid_target *rt, struct raid_assembly *assembly)
{
	int err = raid_legs_judge(rt, assembly);

	if (!err)
		err = raid_spares_judge(rt, &assembly->sb);
	if (err)
		return err;
	/* What was allocated and claimed is for the array that was read then. */
	if (!raid_same_array(&rt->raid.sb, &assembly->sb)) {
		DMERR("the legs changed since the table was loaded; load it again");
		return -ESTALE;
	}
	/* An earlier attempt may have failed half way. */
	raid_reset(&rt->raid, rt->nr_words);
	err = raid_start(&rt->raid, assembly, &raid_worker_buf(rt)->buf,
			 &rt->stats.replayed);
	if (err)
		return err;
	grow(rt, &assembly->sb);
	raid_spares_mend(rt);
	return 0;
}

/* Only now is nobody else using the legs: judge them anew. */
static int start(struct raid_target *rt)
{
	struct raid_assembly *assembly;
	int err;

	assembly = kmalloc(sizeof(*assembly), GFP_NOIO);
	if (!assembly)
		return -ENOMEM;
	err = activate(rt, rt->raid.sb.uuid);
	if (!err) {
		err = start_claimed(rt, assembly);
		if (err)
			deactivate(rt);
	}
	kfree(assembly);
	if (err)
		return err;
	rt->started = true;
	if (rt->raid.suspect) {
		DMWARN("some redundancy may not fit its data: a repair begins");
		rt->wanted = RAID_REPAIR;
	}
	if (rt->stats.replayed)
		DMINFO("%u interrupted writes made right", rt->stats.replayed);
	return 0;
}

static int raid_preresume(struct dm_target *ti)
{
	struct raid_target *rt = ti->private;
	unsigned int noio;
	int err = 0;

	mutex_lock(&rt->manage_lock);
	/* Reclaim may be waiting for this very device, which is suspended. */
	noio = memalloc_noio_save();
	if (!rt->started)
		err = start(rt);
	memalloc_noio_restore(noio);
	mutex_unlock(&rt->manage_lock);
	return err;
}

static void raid_resume(struct dm_target *ti)
{
	struct raid_target *rt = ti->private;

	mutex_lock(&rt->manage_lock);
	rt->running = true;
	raid_sync_start(rt);
	queue_work(system_unbound_wq, &rt->manage_work);
	mutex_unlock(&rt->manage_lock);
}

/* From here on the legs may be another table's: no worker, no messages. */
static void raid_presuspend(struct dm_target *ti)
{
	struct raid_target *rt = ti->private;

	mutex_lock(&rt->manage_lock);
	rt->running = false;
	raid_sync_stop(rt);
	raid_devices_settle(rt);
	mutex_unlock(&rt->manage_lock);
}

/* No bio is on its way any more. */
static void raid_postsuspend(struct dm_target *ti)
{
	struct raid_target *rt = ti->private;

	mutex_lock(&rt->manage_lock);
	raid_devices_put_retired(rt);
	mutex_unlock(&rt->manage_lock);
}

static int raid_iterate_devices(struct dm_target *ti,
				iterate_devices_callout_fn fn, void *data)
{
	struct raid_target *rt = ti->private;
	const struct raid_super *sb = &rt->raid.sb;
	struct raid_device *device;
	u32 i;
	int rc = 0;

	for (i = 0; !rc && i < sb->layout.nr_legs + RAID_MAX_SPARES; i++) {
		/* A message may take it away, but not yet free it. */
		device = i < sb->layout.nr_legs ?
			 READ_ONCE(rt->devices[i]) :
			 READ_ONCE(rt->spares[i - sb->layout.nr_legs]);
		if (device)
			rc = fn(ti, device->dm_dev,
				sb->data_offset >> SECTOR_SHIFT,
				sb->layout.leg_pages * RAID_PAGE_SECTORS, data);
	}
	return rc;
}

static void raid_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct raid_target *rt = ti->private;
	const struct raid_layout *layout = &rt->raid.sb.layout;
	u64 unit = raid_discard_unit(&rt->raid.sb), chunk, row;

	limits->max_write_zeroes_sectors = MAX_FORGET_SECTORS;
	limits->max_discard_sectors = MAX_FORGET_SECTORS;
	limits->max_hw_discard_sectors = MAX_FORGET_SECTORS;
	limits->discard_alignment = 0;
	/* The block layer rounds to powers of two. */
	limits->discard_granularity = min_t(u64, rounddown_pow_of_two(unit),
					    MAX_FORGET_SECTORS << SECTOR_SHIFT);
	if (layout->level == 1)
		return;
	chunk = (u64)layout->chunk_pages * RAID_PAGE_SIZE;
	row = chunk * (raid_is_mirror(layout) ?
		       layout->nr_legs / layout->copies : layout->nr_data);
	/* A hint that does not fit is none. */
	if (row > UINT_MAX)
		return;
	limits->io_min = chunk;
	limits->io_opt = row;
}

static struct target_type pfn_raid_target = {
	.name = "pfn_raid",
	.version = { 1, 0, 0 },
	.features = DM_TARGET_SINGLETON | DM_TARGET_ALWAYS_WRITEABLE,
	.module = THIS_MODULE,
	.ctr = raid_ctr,
	.dtr = raid_dtr,
	.map = raid_map,
	.status = raid_status,
	.message = raid_message,
	.presuspend = raid_presuspend,
	.presuspend_undo = raid_resume,
	.postsuspend = raid_postsuspend,
	.preresume = raid_preresume,
	.resume = raid_resume,
	.iterate_devices = raid_iterate_devices,
	.io_hints = raid_io_hints,
};

static int __init pfn_raid_init(void)
{
	return dm_register_target(&pfn_raid_target);
}

static void __exit pfn_raid_exit(void)
{
	dm_unregister_target(&pfn_raid_target);
}

module_init(pfn_raid_init);
module_exit(pfn_raid_exit);

MODULE_DESCRIPTION("RAID between persistent memory devices, on pfns");
MODULE_VERSION(PINFOLD_VERSION);
MODULE_LICENSE("GPL");
