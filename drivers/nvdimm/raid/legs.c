// SPDX-License-Identifier: GPL-2.0
/* Devices of legs: opening them, judging them together, letting them go. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "pfn_raid.h"

static const char *check_device(struct raid_target *rt,
				struct raid_device *device)
{
	const char *why;
	u32 i;

	if (bdev_read_only(device->dm_dev->bdev))
		return "it is read-only";
	why = pfn_io_init(&device->io, device->dm_dev->dax_dev,
			  device->dm_dev->bdev);
	if (why)
		return why;
	for (i = 0; i < RAID_MAX_DEVICES; i++)
		if (rt->devices[i] &&
		    rt->devices[i]->io.bdev == device->io.bdev)
			return "it is a leg already";
	for (i = 0; i < RAID_MAX_SPARES; i++)
		if (rt->spares[i] && rt->spares[i]->io.bdev == device->io.bdev)
			return "it is a spare already";
	return NULL;
}

/**
 * raid_device_put() - close a device that is no leg
 * @rt: target
 * @device: from raid_device_get()
 *
 * Context: process context, under manage_lock or in the destructor.
 */
void raid_device_put(struct raid_target *rt, struct raid_device *device)
{
	dm_put_device(rt->ti, device->dm_dev);
	kfree(device);
}

/**
 * raid_device_get() - open a leg's device
 * @rt: target
 * @role: of the leg, or RAID_NO_ROLE
 * @path: of the device
 *
 * Does not make it a leg yet: rt->devices[] and raid_leg.media do.
 *
 * Context: process context, under manage_lock or in the constructor.
 * Return: the device, for raid_device_put(), or ERR_PTR(-errno); what is wrong is
 * in the log.
 */
struct raid_device *raid_device_get(struct raid_target *rt, u32 role,
				    const char *path)
{
	struct raid_device *device = kzalloc(sizeof(*device), GFP_KERNEL);
	const char *why;
	char who[16] = "spare";
	int err;

	if (!device)
		return ERR_PTR(-ENOMEM);
	if (role != RAID_NO_ROLE)
		snprintf(who, sizeof(who), "leg %u", role);
	err = dm_get_device(rt->ti, path, dm_table_get_mode(rt->ti->table),
			    &device->dm_dev);
	if (err) {
		DMERR("%s: %s cannot be opened (%d)", who, path, err);
		kfree(device);
		return ERR_PTR(err);
	}
	why = check_device(rt, device);
	if (why) {
		DMERR("%s: %s cannot be used: %s", who, path, why);
		raid_device_put(rt, device);
		return ERR_PTR(-EINVAL);
	}
	return device;
}

/**
 * raid_device_retire() - a device is not a leg any more
 * @rt: target
 * @role: of the leg, which has failed, or RAID_TWIN
 *
 * Bios may be on their way to it, and stores under way: it stays open until the
 * target is suspended.
 *
 * Context: process context, under manage_lock or in the destructor.
 */
void raid_device_retire(struct raid_target *rt, u32 role)
{
	struct raid_device *device = rt->devices[role];

	if (!device)
		return;
	WRITE_ONCE(rt->raid.legs[role].media, NULL);
	WRITE_ONCE(rt->devices[role], NULL);
	list_add(&device->retired, &rt->retired);
}

/**
 * raid_devices_put_retired() - let go of devices that are not legs any more
 * @rt: target, no bio of which is on its way
 *
 * Context: process context, under manage_lock or in the destructor.
 */
void raid_devices_put_retired(struct raid_target *rt)
{
	struct raid_device *device, *next;

	list_for_each_entry_safe(device, next, &rt->retired, retired) {
		list_del(&device->retired);
		raid_device_put(rt, device);
	}
}

static void read_candidate(struct raid_target *rt, u32 role,
			   struct raid_candidate *candidate, void *page)
{
	struct raid_device *device = rt->devices[role];

	if (!device)
		return;
	candidate->given = true;
	candidate->fresh = rt->fresh >> role & 1;
	generate_random_uuid(candidate->uuid);
	candidate->verdict = raid_read_super(&rt->raid, &device->io,
					     device->io.size, page,
					     &candidate->sb);
}

static void say_refusal(struct raid_target *rt,
			const struct raid_candidate *candidates,
			const struct raid_assembly *assembly)
{
	u32 i = assembly->culprit;
	const char *name = rt->devices[i] ? rt->devices[i]->dm_dev->name : "-";

	switch (assembly->refusal) {
	case RAID_REFUSE_NO_LEG:
	case RAID_REFUSE_TOO_FEW:
		DMERR("not assembled: %s",
		      raid_refusal_string(assembly->refusal));
		break;
	case RAID_REFUSE_INVALID:
		DMERR("not assembled: leg %u (%s): %s: %s", i, name,
		      raid_verdict_string(candidates[i].verdict),
		      raid_refusal_string(assembly->refusal));
		break;
	default:
		DMERR("not assembled: leg %u (%s): %s", i, name,
		      raid_refusal_string(assembly->refusal));
		break;
	}
}

static bool fresh_fit(struct raid_target *rt,
		      const struct raid_assembly *assembly)
{
	u64 need = assembly->sb.data_offset +
		   assembly->sb.layout.leg_pages * RAID_PAGE_SIZE;
	u32 i;

	for (i = 0; i < assembly->sb.layout.nr_legs; i++) {
		if (!rt->devices[i] || rt->devices[i]->io.size >= need)
			continue;
		DMERR("leg %u (%s): too small: %llu bytes, needed are %llu",
		      i, rt->devices[i]->dm_dev->name, rt->devices[i]->io.size,
		      need);
		return false;
	}
	return true;
}

/**
 * raid_legs_judge() - decide whether the table's legs make an array
 * @rt: target with its devices; raid.sb.layout.nr_legs is set
 * @assembly: the decision
 *
 * Context: process context, may sleep.
 * Return: 0 or -errno; what is wrong is in the log.
 */
int raid_legs_judge(struct raid_target *rt, struct raid_assembly *assembly)
{
	u32 nr = rt->raid.sb.layout.nr_legs, i;
	struct raid_candidate *candidates;
	void *page;
	int err = -ENOMEM;

	candidates = kvcalloc(nr, sizeof(*candidates), GFP_KERNEL);
	page = (void *)__get_free_page(GFP_KERNEL);
	if (!candidates || !page)
		goto out;
	for (i = 0; i < nr; i++)
		read_candidate(rt, i, &candidates[i], page);
	raid_assemble(candidates, nr, assembly);
	err = 0;
	if (assembly->refusal) {
		say_refusal(rt, candidates, assembly);
		err = -EINVAL;
	} else if (!fresh_fit(rt, assembly)) {
		err = -ENOSPC;
	}
out:
	free_page((unsigned long)page);
	kvfree(candidates);
	return err;
}
