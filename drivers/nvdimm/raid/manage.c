// SPDX-License-Identifier: GPL-2.0
/*
 * Devices follow what the array decided: it may give a role to another device, or
 * give a device up, in any context, but only here is one opened, closed or moved.
 */
#include <linux/uuid.h>

#include "pfn_raid.h"

/**
 * raid_device_join() - give a missing role a device, to be rebuilt
 * @rt: target
 * @role: the role
 * @device: from raid_device_get(), which is retired if that fails
 *
 * Context: under manage_lock, the worker stopped.
 * Return: 0 or -errno.
 */
int raid_device_join(struct raid_target *rt, u32 role,
		     struct raid_device *device)
{
	u8 uuid[RAID_UUID_SIZE];
	int err;

	raid_device_retire(rt, role);
	WRITE_ONCE(rt->devices[role], device);
	generate_random_uuid(uuid);
	err = raid_leg_join(&rt->raid, role, &device->io, uuid);
	if (err)
		raid_device_retire(rt, role);
	return err;
}

/**
 * raid_device_replace() - let the worker replace a leg that stays meanwhile
 * @rt: target
 * @role: of the leg
 * @device: from raid_device_get(), which is retired if that fails
 *
 * Context: under manage_lock, the worker stopped.
 * Return: 0 or -errno.
 */
int raid_device_replace(struct raid_target *rt, u32 role,
			struct raid_device *device)
{
	u8 uuid[RAID_UUID_SIZE];
	int err;

	generate_random_uuid(uuid);
	WRITE_ONCE(rt->devices[RAID_TWIN], device);
	err = raid_twin_begin(&rt->raid, role, &device->io, uuid);
	if (err) {
		DMERR("leg %u cannot be replaced by %s (%d)", role,
		      device->dm_dev->name, err);
		raid_device_retire(rt, RAID_TWIN);
	}
	return err;
}

/**
 * raid_device_end_replace() - the leg being replaced stays for good
 * @rt: target
 *
 * Context: under manage_lock, the worker stopped.
 */
void raid_device_end_replace(struct raid_target *rt)
{
	raid_twin_end(&rt->raid);
	raid_devices_settle(rt);
}

/**
 * raid_devices_settle() - let the device that replaces a leg have the leg's place
 * @rt: target
 *
 * If it has the role by now; if it has failed it is let go of.
 *
 * Context: under manage_lock.
 */
void raid_devices_settle(struct raid_target *rt)
{
	struct raid_device *device = rt->devices[RAID_TWIN], *former;
	struct raid *raid = &rt->raid;
	u32 leg = raid->twin.leg;

	if (!device || READ_ONCE(raid->twin.active))
		return;
	if (raid_leg_media(raid, leg) != &device->io) {
		raid_device_retire(rt, RAID_TWIN);
		return;
	}
	former = rt->devices[leg];
	WRITE_ONCE(rt->devices[leg], device);
	WRITE_ONCE(raid->legs[RAID_TWIN].media, NULL);
	WRITE_ONCE(rt->devices[RAID_TWIN], NULL);
	list_add(&former->retired, &rt->retired);
}

/* The leg being replaced failed: its role is free for the device. */
static void replace_failed(struct raid_target *rt)
{
	struct raid_device *device = rt->devices[RAID_TWIN];
	u32 leg = rt->raid.twin.leg;
	int err;

	if (!device || raid_leg_live(&rt->raid, leg))
		return;
	raid_sync_stop(rt);
	raid_twin_end(&rt->raid);
	WRITE_ONCE(rt->raid.legs[RAID_TWIN].media, NULL);
	WRITE_ONCE(rt->devices[RAID_TWIN], NULL);
	err = raid_device_join(rt, leg, device);
	if (err)
		DMERR("leg %u: %s cannot take its place (%d)", leg,
		      device->dm_dev->name, err);
	else
		DMINFO("leg %u: %s takes its place, and is rebuilt", leg,
		       device->dm_dev->name);
	raid_sync_start(rt);
}

/**
 * raid_manage_work() - after a leg failed, or was replaced
 * @work: of a target
 *
 * Context: a workqueue; takes manage_lock.
 */
void raid_manage_work(struct work_struct *work)
{
	struct raid_target *rt = container_of(work, struct raid_target,
					      manage_work);

	mutex_lock(&rt->manage_lock);
	/* Suspended: the resume looks again. */
	if (rt->running) {
		raid_devices_settle(rt);
		replace_failed(rt);
		raid_spares_take(rt);
	}
	mutex_unlock(&rt->manage_lock);
}
