// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that wait for a leg to fail. Who takes one holds manage_lock, so each is
 * taken once.
 */
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "pfn_raid.h"

/* Space that a leg of the array takes. */
static u64 leg_size(const struct raid_super *sb)
{
	return sb->data_offset + sb->layout.leg_pages * RAID_PAGE_SIZE;
}

static struct raid_device **free_place(struct raid_target *rt)
{
	u32 i;

	for (i = 0; i < RAID_MAX_SPARES; i++)
		if (!rt->spares[i])
			return &rt->spares[i];
	DMERR("an array has %u spares at most", RAID_MAX_SPARES);
	return NULL;
}

/**
 * raid_spare_open() - open a spare named by the table
 * @rt: target
 * @path: of the device
 *
 * Context: the constructor.
 * Return: 0 or -errno; why is in the log.
 */
int raid_spare_open(struct raid_target *rt, const char *path)
{
	struct raid_device **place = free_place(rt), *device;

	if (!place)
		return -ENOSPC;
	device = raid_device_get(rt, RAID_NO_ROLE, path);
	if (IS_ERR(device))
		return PTR_ERR(device);
	*place = device;
	return 0;
}

/**
 * raid_spares_judge() - are the spares that the table names spares of the array?
 * @rt: target
 * @sb: of the array
 *
 * Context: process context, may sleep.
 * Return: 0 or -errno; which one is not is in the log.
 */
int raid_spares_judge(struct raid_target *rt, const struct raid_super *sb)
{
	struct raid_super *found = kmalloc(sizeof(*found), GFP_NOIO);
	void *page = (void *)__get_free_page(GFP_NOIO);
	int err = found && page ? 0 : -ENOMEM;
	enum raid_verdict verdict;
	u32 i;

	for (i = 0; !err && i < RAID_MAX_SPARES; i++) {
		struct raid_device *device = rt->spares[i];

		if (!device)
			continue;
		verdict = raid_read_super(&rt->raid, &device->io,
					  device->io.size, page, found);
		if (verdict == RAID_SB_SPARE &&
		    !memcmp(found->uuid, sb->uuid, RAID_UUID_SIZE) &&
		    device->io.size >= leg_size(sb))
			continue;
		DMERR("not assembled: %s is no spare of the array; leave it out, then add it",
		      device->dm_dev->name);
		err = -EINVAL;
	}
	free_page((unsigned long)page);
	kfree(found);
	return err;
}

/**
 * raid_spares_mend() - mend what says that devices are spares
 * @rt: target, just started
 *
 * Context: process context.
 */
void raid_spares_mend(struct raid_target *rt)
{
	u32 i;

	for (i = 0; i < RAID_MAX_SPARES; i++)
		if (rt->spares[i] &&
		    raid_spare_mend(&rt->raid, &rt->spares[i]->io))
			DMWARN("%s: a superblock of the spare cannot be written",
			       rt->spares[i]->dm_dev->name);
}

/**
 * raid_spare_add() - have a device wait for a leg to fail
 * @rt: target
 * @device: from raid_device_get(), large enough; closed if that fails
 *
 * If a leg is missing already, it does not wait long.
 *
 * Context: under manage_lock, while the target is running.
 * Return: 0 or -errno; why is in the log.
 */
int raid_spare_add(struct raid_target *rt, struct raid_device *device)
{
	struct raid_device **place = free_place(rt);
	int err = place ? raid_spare_mark(&rt->raid, &device->io) : -ENOSPC;

	if (err) {
		DMERR("%s is not made a spare (%d)", device->dm_dev->name, err);
		raid_device_put(rt, device);
		return err;
	}
	WRITE_ONCE(*place, device);
	DMINFO("%s is a spare", device->dm_dev->name);
	queue_work(system_unbound_wq, &rt->manage_work);
	return 0;
}

static int find_dev(const char *path, dev_t *dev)
{
	unsigned int major, minor;
	char dummy;

	if (sscanf(path, "%u:%u%c", &major, &minor, &dummy) == 2) {
		*dev = MKDEV(major, minor);
		return 0;
	}
	return lookup_bdev(path, dev);
}

/**
 * raid_spare_remove() - a device does not wait any more
 * @rt: target
 * @path: of the device, or its numbers
 *
 * It is let go of with the next suspend.
 *
 * Context: under manage_lock, while the target is running.
 * Return: 0 or -errno; why is in the log.
 */
int raid_spare_remove(struct raid_target *rt, const char *path)
{
	int err;
	dev_t dev;
	u32 i;

	err = find_dev(path, &dev);
	if (err) {
		DMERR("%s is no block device (%d)", path, err);
		return err;
	}
	for (i = 0; i < RAID_MAX_SPARES; i++) {
		struct raid_device *device = rt->spares[i];

		if (!device || device->io.bdev->bd_dev != dev)
			continue;
		err = raid_spare_forget(&rt->raid, &device->io);
		if (err)
			DMWARN("%s: what says that it is a spare stays on it (%d)",
			       device->dm_dev->name, err);
		WRITE_ONCE(rt->spares[i], NULL);
		list_add(&device->retired, &rt->retired);
		return 0;
	}
	DMERR("%s is no spare of this array", path);
	return -ENODEV;
}

/* The first that is large enough is no spare any more. */
static struct raid_device *pick(struct raid_target *rt)
{
	u64 need = leg_size(&rt->raid.sb);
	struct raid_device *device;
	u32 i;

	for (i = 0; i < RAID_MAX_SPARES; i++) {
		device = rt->spares[i];
		if (!device || device->io.size < need)
			continue;
		WRITE_ONCE(rt->spares[i], NULL);
		return device;
	}
	return NULL;
}

static void give_role(struct raid_target *rt, u32 role,
		      struct raid_device *device)
{
	int err;

	/* It may still be about to note how far it got with the former leg. */
	raid_sync_stop(rt);
	err = raid_device_join(rt, role, device);
	if (err) {
		DMERR("leg %u: spare %s cannot take its place (%d)", role,
		      device->dm_dev->name, err);
	} else {
		DMWARN("leg %u: spare %s takes its place, and is rebuilt", role,
		       device->dm_dev->name);
		raid_event_add(rt, RAID_EVENT_SPARE_TAKEN, role, 1);
	}
	raid_sync_start(rt);
}

/**
 * raid_spares_take() - give missing roles to spares
 * @rt: target
 *
 * Context: under manage_lock, while the target is running, after
 * raid_devices_settle() and once a device that was replacing a failed leg has
 * its role.
 */
void raid_spares_take(struct raid_target *rt)
{
	struct raid_device *device;
	u32 role;

	/* Nothing could be rebuilt. */
	if (READ_ONCE(rt->raid.broken))
		return;
	for (role = 0; role < rt->raid.sb.layout.nr_legs; role++) {
		/* Each try takes a spare away, so this ends. */
		while (!raid_leg_live(&rt->raid, role)) {
			device = pick(rt);
			if (!device)
				return;
			give_role(rt, role, device);
		}
	}
}

/**
 * raid_spares_close() - let go of all spares
 * @rt: target
 *
 * Context: the destructor.
 */
void raid_spares_close(struct raid_target *rt)
{
	u32 i;

	for (i = 0; i < RAID_MAX_SPARES; i++)
		if (rt->spares[i])
			raid_device_put(rt, rt->spares[i]);
}
