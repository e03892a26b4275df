// SPDX-License-Identifier: GPL-2.0
/*
 * The device-mapper target: table lines, suspend and resume.
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

#include "parity.h"
#include "pfn_raid.h"

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

static void event_work(struct work_struct *work)
{
	struct raid_target *rt = container_of(work, struct raid_target,
					      event_work);

	dm_table_event(rt->ti->table);
}

static int parse_level(struct dm_target *ti, const char *arg, u32 *level)
{
	static const u32 levels[] = { 1, 4, 5, 6, 10 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcasecmp(arg, raid_level_name(levels[i])))
			continue;
		*level = levels[i];
		return 0;
	}
	ti->error = "Level: raid1, raid10, raid4, raid5 or raid6";
	return -EINVAL;
}

/* [<#feature args> [rebuild <role>]...] */
static int parse_features(struct raid_target *rt, struct dm_arg_set *as)
{
	static const struct dm_arg nr_features = {
		0, 2 * RAID_MAX_LEGS, "Invalid number of feature arguments"
	};
	const struct dm_arg role_arg = {
		0, rt->raid.sb.layout.nr_legs - 1, "Invalid role to rebuild"
	};
	unsigned int nr, role;
	int err;

	if (!as->argc)
		return 0;
	err = dm_read_arg_group(&nr_features, as, &nr, &rt->ti->error);
	for (; !err && nr >= 2; nr -= 2) {
		if (strcasecmp(dm_shift_arg(as), "rebuild")) {
			rt->ti->error = "Feature: rebuild <role>";
			return -EINVAL;
		}
		err = dm_read_arg(&role_arg, as, &role, &rt->ti->error);
		if (!err)
			rt->fresh |= 1U << role;
	}
	if (!err && (nr || as->argc)) {
		rt->ti->error = "Surplus arguments";
		err = -EINVAL;
	}
	return err;
}

/* <level> <#legs> <device or ->... */
static int parse_table(struct raid_target *rt, struct dm_arg_set *as)
{
	static const struct dm_arg nr_legs = {
		2, RAID_MAX_LEGS, "Invalid number of legs: 2 to 32"
	};
	struct raid_layout *layout = &rt->raid.sb.layout;
	struct dm_target *ti = rt->ti;
	struct raid_device *device;
	const char *path;
	u32 i;
	int err;

	if (as->argc < 2) {
		ti->error = "Arguments: <level> <#legs> <device or ->...";
		return -EINVAL;
	}
	err = parse_level(ti, dm_shift_arg(as), &layout->level);
	if (!err)
		err = dm_read_arg(&nr_legs, as, &layout->nr_legs, &ti->error);
	if (err)
		return err;
	if (as->argc < layout->nr_legs) {
		ti->error = "Fewer devices than legs; - stands for a missing one";
		return -EINVAL;
	}
	for (i = 0; i < layout->nr_legs; i++) {
		path = dm_shift_arg(as);
		if (!strcmp(path, "-"))
			continue;
		ti->error = "A leg cannot be used, see the line before";
		device = raid_device_get(rt, i, path);
		if (IS_ERR(device))
			return PTR_ERR(device);
		rt->devices[i] = device;
		rt->raid.legs[i].raid = &rt->raid;
		rt->raid.legs[i].index = i;
		rt->raid.legs[i].media = &rt->devices[i]->io;
	}
	return parse_features(rt, as);
}

static int alloc_array(struct raid_target *rt)
{
	u64 words = raid_super_nr_words(&rt->raid.sb);

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

/* Does the array that the legs make fit the table line? */
static int judge(struct raid_target *rt, u32 level)
{
	struct raid_assembly *assembly;
	const struct raid_layout *layout;
	u64 sectors;
	int err;

	assembly = kmalloc(sizeof(*assembly), GFP_KERNEL);
	if (!assembly)
		return -ENOMEM;
	rt->ti->error = "The legs make no array, see the line before";
	err = raid_legs_judge(rt, assembly);
	if (err)
		goto out;
	mutex_lock(&active_lock);
	err = in_use(rt, assembly->sb.uuid) ? -EBUSY : 0;
	mutex_unlock(&active_lock);
	if (err)
		goto out;
	rt->raid.sb = assembly->sb;
	layout = &rt->raid.sb.layout;
	sectors = layout->size_pages * RAID_PAGE_SECTORS;
	err = -EINVAL;
	if (layout->level != level) {
		DMERR("the array is a %s, not a %s",
		      raid_level_name(layout->level), raid_level_name(level));
	} else if (rt->ti->len != sectors) {
		DMERR("the array has %llu sectors, not %llu", sectors,
		      (u64)rt->ti->len);
	} else {
		rt->ti->error = (char *)raid_parity_supported(layout);
		err = rt->ti->error ? -EOPNOTSUPP : 0;
	}
out:
	kfree(assembly);
	return err;
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
	raid_devices_put_retired(rt);
	raid_bufs_free(rt);
	free_page((unsigned long)rt->raid.meta_page);
	kvfree(rt->raid.shadow);
	kvfree(rt->raid.written);
	free_percpu(rt->traffic);
	kvfree(rt);
}

static void set_limits(struct dm_target *ti)
{
	ti->num_flush_bios = 1;
	ti->num_write_zeroes_bios = 1;
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
	INIT_WORK(&rt->event_work, event_work);
	INIT_WORK(&rt->manage_work, raid_manage_work);
	rt->traffic = alloc_percpu(struct raid_traffic);
	err = rt->traffic ? parse_table(rt, &as) : -ENOMEM;
	if (!err)
		err = judge(rt, rt->raid.sb.layout.level);
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

/* The array is ours: now its legs' judgement stays true. */
static int start_claimed(struct raid_target *rt, struct raid_assembly *assembly)
{
	int err = raid_legs_judge(rt, assembly);

	if (err)
		return err;
	/* What was allocated and claimed is for the array that was read then. */
	if (!raid_same_array(&rt->raid.sb, &assembly->sb)) {
		DMERR("the legs changed since the table was loaded; load it again");
		return -ESTALE;
	}
	return raid_start(&rt->raid, assembly, &raid_worker_buf(rt)->buf,
			  &rt->stats.replayed);
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

	for (i = 0; !rc && i < sb->layout.nr_legs; i++) {
		/* A message may take it away, but not yet free it. */
		device = READ_ONCE(rt->devices[i]);
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
	u64 chunk, row;

	limits->max_write_zeroes_sectors = (32 << 20) >> SECTOR_SHIFT;
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
