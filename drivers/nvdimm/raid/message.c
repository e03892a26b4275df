// SPDX-License-Identifier: GPL-2.0
/* Messages: what administrators do to a running array. */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/uuid.h>

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
	int err = raid_leg_fail(&rt->raid, role);

	if (err)
		DMERR("leg %u cannot be spared: other legs are missing or not rebuilt yet",
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

/* The new device must not be somebody's data, as far as we can tell. */
static int check_new(struct raid_target *rt, u32 role)
{
	struct raid_device *device = rt->devices[role];
	u64 need = raid_data_offset(&rt->raid, rt->raid.sb.layout.leg_pages);
	struct raid_leg leg = {
		.raid = &rt->raid,
		.index = role,
		.media = &device->io,
	};
	enum raid_verdict verdict;
	struct raid_super *sb;
	void *page;
	int err = 0;

	if (device->io.size < need) {
		DMERR("%s is too small for leg %u: %llu bytes, needed are %llu",
		      device->dm_dev->name, role, device->io.size, need);
		return -ENOSPC;
	}
	page = (void *)__get_free_page(GFP_KERNEL);
	sb = kmalloc(sizeof(*sb), GFP_KERNEL);
	if (page && sb) {
		verdict = raid_read_super(&leg, device->io.size, page, sb);
		if (verdict == RAID_SB_VALID &&
		    memcmp(sb->uuid, rt->raid.sb.uuid, RAID_UUID_SIZE)) {
			DMERR("%s is a leg of another array; wipe it first",
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

static int add_leg(struct raid_target *rt, u32 role, const char *path)
{
	u8 uuid[RAID_UUID_SIZE];
	int err;

	if (raid_leg_live(&rt->raid, role)) {
		DMERR("leg %u is in use; fail or remove it first", role);
		return -EBUSY;
	}
	raid_device_retire(rt, role);
	err = raid_device_get(rt, role, path);
	if (err)
		return err;
	/* It may still be about to note how far it got with the former leg. */
	raid_sync_stop(rt);
	err = check_new(rt, role);
	generate_random_uuid(uuid);
	if (!err)
		err = raid_leg_join(&rt->raid, role, &rt->devices[role]->io,
				    uuid);
	if (err)
		raid_device_retire(rt, role);
	raid_sync_start(rt);
	return err;
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
	DMEMIT("read %llu written %llu metadata %llu", read, written, metadata);
	return 1;
}

static int handle(struct raid_target *rt, unsigned int argc, char **argv)
{
	u32 role;

	if (argc == 1 && !strcasecmp(argv[0], "idle")) {
		WRITE_ONCE(rt->wanted, RAID_IDLE);
		return 0;
	}
	if (argc == 2 && !strcasecmp(argv[0], "scrub"))
		return start_scrub(rt, argv[1]);
	if (argc == 2 && !strcasecmp(argv[0], "fail"))
		return parse_role(rt, argv[1], &role) ?: fail_leg(rt, role);
	if (argc == 2 && !strcasecmp(argv[0], "remove"))
		return parse_role(rt, argv[1], &role) ?: remove_leg(rt, role);
	if (argc == 3 && !strcasecmp(argv[0], "add"))
		return parse_role(rt, argv[1], &role) ?:
		       add_leg(rt, role, argv[2]);
	DMERR("unknown message: fail ROLE, remove ROLE, add ROLE DEVICE, scrub check|repair, idle and traffic are known");
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
		err = handle(rt, argc, argv);
	} else {
		DMERR("the array is suspended; resume the device first");
		err = -ENXIO;
	}
	mutex_unlock(&rt->manage_lock);
	return err;
}
