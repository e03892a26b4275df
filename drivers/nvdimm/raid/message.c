// SPDX-License-Identifier: GPL-2.0
/* Messages: what administrators do to a running array. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "pfn_raid.h"

static int parse_role(struct raid_target *rt, const char *arg, u32 *role)
{
	if (kstrtou32(arg, 10, role) ||
	    *role >= rt->raid.sb.layout.nr_legs) {
		DMERR("%s is no role of this array: 0 to %u are", arg,
		      rt->raid.sb.layout.nr_legs - 1);
		return -EINVAL;
	}
	return 0;
}

static int fail_leg(struct raid_target *rt, u32 role)
{
	int err = raid_leg_drop(&rt->raid, role);

	if (err)
		DMERR("leg %u cannot be spared: other legs are missing, not rebuilt yet, or have pages that could not be written",
		      role);
	return err;
}

/* The device is let go of with the next suspend, or with the table. */
static int remove_leg(struct raid_target *rt, u32 role)
{
	int err = fail_leg(rt, role);

	if (err)
		return err;
	raid_sync_stop(rt);
	raid_device_retire(rt, role);
	raid_sync_start(rt);
	return 0;
}

/* The new device must not be a leg of something else, unless it is said so. */
static int check_new(struct raid_target *rt, struct raid_device *device,
		     bool force)
{
	u64 need = raid_data_offset(&rt->raid, rt->raid.sb.layout.leg_pages);
	enum raid_verdict verdict;
	struct raid_super *sb;
	void *page;
	int err = 0;

	if (device->io.size < need) {
		DMERR("%s is too small: %llu bytes, needed are %llu",
		      device->dm_dev->name, device->io.size, need);
		return -ENOSPC;
	}
	page = (void *)__get_free_page(GFP_KERNEL);
	sb = kmalloc(sizeof(*sb), GFP_KERNEL);
	if (page && sb) {
		verdict = raid_read_super(&rt->raid, &device->io,
					  device->io.size, page, sb);
		if (verdict <= RAID_SB_SPARE && !force &&
		    memcmp(sb->uuid, rt->raid.sb.uuid, RAID_UUID_SIZE)) {
			DMERR("%s belongs to another array; say force if it shall not be",
			      device->dm_dev->name);
			err = -EEXIST;
		}
	} else {
		err = -ENOMEM;
	}
	kfree(sb);
	free_page((unsigned long)page);
	return err;
}

/* Open and judge a device before anything changes for it. */
static struct raid_device *get_new(struct raid_target *rt, u32 role,
				   const char *path, bool force)
{
	struct raid_device *device = raid_device_get(rt, role, path);
	int err;

	if (IS_ERR(device))
		return device;
	err = check_new(rt, device, force);
	if (!err)
		return device;
	raid_device_put(rt, device);
	return ERR_PTR(err);
}

/* The leg stays until the new device has what it has. */
static int replace_leg(struct raid_target *rt, u32 role,
		       struct raid_device *device)
{
	int err;

	raid_sync_stop(rt);
	err = raid_device_replace(rt, role, device);
	raid_sync_start(rt);
	return err;
}

static bool can_replace(struct raid_target *rt, u32 role)
{
	u32 i;

	if (raid_leg_state(&rt->raid, role) != PINFOLD_RAID_ROLE_IN_SYNC)
		return false;
	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++)
		if (i != role && raid_leg_state(&rt->raid, i) ==
				 PINFOLD_RAID_ROLE_IN_SYNC)
			return true;
	return false;
}

/* What is wrong with the new device is said before the old one is given up. */
static int give_leg(struct raid_target *rt, u32 role, const char *path,
		    bool replace, bool force)
{
	struct raid_device *device;
	int err = 0;

	if (!replace && raid_leg_live(&rt->raid, role)) {
		DMERR("leg %u is in use; fail or remove it first", role);
		return -EBUSY;
	}
	if (rt->devices[RAID_TWIN] &&
	    (replace || role == rt->raid.twin.leg)) {
		DMERR("leg %u is being replaced: wait, or end that with: replace %u -",
		      rt->raid.twin.leg, rt->raid.twin.leg);
		return -EBUSY;
	}
	device = get_new(rt, role, path, force);
	if (IS_ERR(device))
		return PTR_ERR(device);
	if (replace && can_replace(rt, role))
		return replace_leg(rt, role, device);
	if (replace)
		err = fail_leg(rt, role);
	if (err) {
		raid_device_put(rt, device);
		return err;
	}
	/* It may still be about to note how far it got with the former leg. */
	raid_sync_stop(rt);
	err = raid_device_join(rt, role, device);
	raid_sync_start(rt);
	return err;
}

static int add_spare(struct raid_target *rt, const char *path, bool force)
{
	struct raid_device *device = get_new(rt, RAID_NO_ROLE, path, force);

	return IS_ERR(device) ? PTR_ERR(device) : raid_spare_add(rt, device);
}

static int end_replace(struct raid_target *rt, u32 role)
{
	if (!rt->devices[RAID_TWIN] || rt->raid.twin.leg != role) {
		DMERR("leg %u is not being replaced", role);
		return -EINVAL;
	}
	raid_sync_stop(rt);
	raid_device_end_replace(rt);
	raid_sync_start(rt);
	return 0;
}

/* What a leg of a mirror has others have, too: nobody has to read it there. */
static int mark_write_mostly(struct raid_target *rt, u32 role, const char *how)
{
	bool on = !strcasecmp(how, "on");
	int err;

	if (!on && strcasecmp(how, "off")) {
		DMERR("write_mostly ROLE %s: on or off", how);
		return -EINVAL;
	}
	if (on && !raid_is_mirror(&rt->raid.sb.layout)) {
		DMERR("legs of a raid1 or raid10 can be write-mostly, not those of a %s",
		      raid_level_name(rt->raid.sb.layout.level));
		return -EINVAL;
	}
	err = raid_leg_mark(&rt->raid, role, PINFOLD_RAID_WRITE_MOSTLY, on);
	if (err)
		DMERR("leg %u: no leg takes the record", role);
	return err;
}

/* FLOOR [LATENCY], in percent */
static int set_throttle(struct raid_target *rt, const char *floor_arg,
			const char *latency_arg)
{
	u32 floor, latency = RAID_THROTTLE_LATENCY;

	if (kstrtou32(floor_arg, 10, &floor) || !floor || floor > 100 ||
	    (latency_arg && (kstrtou32(latency_arg, 10, &latency) ||
			     latency < 100 ||
			     latency > RAID_THROTTLE_MAX_LATENCY))) {
		DMERR("throttle FLOOR [LATENCY]: 1 to 100, and 100 to %u percent",
		      RAID_THROTTLE_MAX_LATENCY);
		return -EINVAL;
	}
	spin_lock(&rt->throttle_lock);
	rt->throttle.floor = floor;
	rt->throttle.latency = latency;
	spin_unlock(&rt->throttle_lock);
	return 0;
}

static int start_scrub(struct raid_target *rt, const char *how)
{
	enum raid_action wanted;

	if (!strcasecmp(how, "check")) {
		wanted = RAID_CHECK;
	} else if (!strcasecmp(how, "repair")) {
		wanted = RAID_REPAIR;
	} else {
		DMERR("%s is no way to scrub: check and repair are", how);
		return -EINVAL;
	}
	WRITE_ONCE(rt->wanted, wanted);
	raid_sync_start(rt);
	return 0;
}

/*
 * Who copies from leg to leg, for the worker: until the table is loaded again. The one
 * before is given back first: it may be the same, which has failed.
 */
static int set_engine(struct raid_target *rt, const char *name)
{
	bool cpu = !strcasecmp(name, "cpu");
	const char *why;

	raid_sync_stop(rt);
	pfn_io_dma_close(rt->dma);
	rt->dma = cpu ? NULL : pfn_io_dma_open(name, &why);
	raid_sync_start(rt);
	if (cpu || rt->dma)
		return 0;
	DMERR("engine %s: %s; it is the CPU now", name, why);
	return -EINVAL;
}

static int show_traffic(struct raid_target *rt, char *result,
			unsigned int maxlen)
{
	u64 read = 0, written = 0, metadata = 0;
	unsigned int sz = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct raid_traffic *t = per_cpu_ptr(rt->traffic, cpu);

		read += t->read;
		written += t->written;
		metadata += t->metadata;
	}
	DMEMIT("read %llu written %llu metadata %llu dma %llu dma_failed %llu", read,
	       written, metadata, (u64)atomic64_read(&rt->stats.dma_copied),
	       (u64)atomic64_read(&rt->stats.dma_failed));
	return 1;
}

static int handle(struct raid_target *rt, unsigned int argc, char **argv)
{
	bool force = (argc == 3 || argc == 4) &&
		     !strcasecmp(argv[argc - 1], "force");
	u32 role;

	if (argc == 1 && !strcasecmp(argv[0], "idle")) {
		WRITE_ONCE(rt->wanted, RAID_IDLE);
		return 0;
	}
	if (argc == 2 && !strcasecmp(argv[0], "engine"))
		return set_engine(rt, argv[1]);
	if (argc == 2 && !strcasecmp(argv[0], "scrub"))
		return start_scrub(rt, argv[1]);
	if (argc == 2 && !strcasecmp(argv[0], "fail"))
		return parse_role(rt, argv[1], &role) ?: fail_leg(rt, role);
	if (argc == 2 && !strcasecmp(argv[0], "remove"))
		return parse_role(rt, argv[1], &role) ?: remove_leg(rt, role);
	if ((argc == 2 || (argc == 3 && force)) && !strcasecmp(argv[0], "spare"))
		return add_spare(rt, argv[1], force);
	if (argc == 2 && !strcasecmp(argv[0], "unspare"))
		return raid_spare_remove(rt, argv[1]);
	if ((argc == 3 || force) && !strcasecmp(argv[0], "add"))
		return parse_role(rt, argv[1], &role) ?:
		       give_leg(rt, role, argv[2], false, force);
	if (argc == 3 && !strcasecmp(argv[0], "replace") && !strcmp(argv[2], "-"))
		return parse_role(rt, argv[1], &role) ?: end_replace(rt, role);
	if ((argc == 3 || force) && !strcasecmp(argv[0], "replace"))
		return parse_role(rt, argv[1], &role) ?:
		       give_leg(rt, role, argv[2], true, force);
	if ((argc == 2 || argc == 3) && !strcasecmp(argv[0], "throttle"))
		return set_throttle(rt, argv[1], argc == 3 ? argv[2] : NULL);
	if (argc == 3 && !strcasecmp(argv[0], "write_mostly"))
		return parse_role(rt, argv[1], &role) ?:
		       mark_write_mostly(rt, role, argv[2]);
	DMERR("unknown message: fail ROLE, remove ROLE, add|replace ROLE DEVICE [force], replace ROLE -, spare DEVICE [force], unspare DEVICE, write_mostly ROLE on|off, throttle FLOOR [LATENCY], scrub check|repair, engine cpu|CHANNEL, idle and traffic are known");
	return -EINVAL;
}

/**
 * raid_message() - device-mapper's message
 * @ti: target
 * @argc: number of words
 * @argv: words
 * @result: buffer for an answer
 * @maxlen: its size
 *
 * Context: process context; takes manage_lock.
 * Return: 0, 1 if there is an answer, or -errno; why is in the log.
 */
int raid_message(struct dm_target *ti, unsigned int argc, char **argv,
		 char *result, unsigned int maxlen)
{
	struct raid_target *rt = ti->private;
	int err;

	if (argc == 1 && !strcasecmp(argv[0], "traffic"))
		return show_traffic(rt, result, maxlen);
	mutex_lock(&rt->manage_lock);
	if (rt->running) {
		raid_devices_settle(rt);
		err = handle(rt, argc, argv);
	} else {
		DMERR("the array is suspended; resume the device first");
		err = -ENXIO;
	}
	mutex_unlock(&rt->manage_lock);
	return err;
}
