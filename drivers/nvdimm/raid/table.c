// SPDX-License-Identifier: GPL-2.0
/* Table lines: parsing them, and judging the array that they name. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "parity.h"
#include "pfn_raid.h"

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

/* Sectors of data on each leg */
static int parse_grow(struct raid_target *rt, const char *arg)
{
	u64 sectors;

	if (kstrtou64(arg, 10, &sectors) || !sectors ||
	    sectors % RAID_PAGE_SECTORS) {
		rt->ti->error = "Invalid number of sectors to grow to";
		return -EINVAL;
	}
	rt->grow_pages = sectors / RAID_PAGE_SECTORS;
	return 0;
}

static int parse_feature(struct raid_target *rt, struct dm_arg_set *as,
			 const struct dm_arg *role_arg)
{
	const char *name = dm_shift_arg(as);
	unsigned int role;
	int err;

	if (!strcasecmp(name, "rebuild")) {
		err = dm_read_arg(role_arg, as, &role, &rt->ti->error);
		if (!err)
			rt->fresh |= 1U << role;
		return err;
	}
	if (!strcasecmp(name, "grow"))
		return parse_grow(rt, dm_shift_arg(as));
	if (!strcasecmp(name, "spare")) {
		rt->ti->error = "A spare cannot be used, see the line before";
		return raid_spare_open(rt, dm_shift_arg(as));
	}
	rt->ti->error = "Features: rebuild <role>, spare <device>, grow <sectors>";
	return -EINVAL;
}

/* [<#feature args> [rebuild <role>]... [spare <device>]... [grow <sectors>]] */
static int parse_features(struct raid_target *rt, struct dm_arg_set *as)
{
	static const struct dm_arg nr_features = {
		0, 2 * (RAID_MAX_LEGS + RAID_MAX_SPARES + 1), "Invalid number of feature arguments"
	};
	const struct dm_arg role_arg = {
		0, rt->raid.sb.layout.nr_legs - 1, "Invalid role to rebuild"
	};
	unsigned int nr;
	int err;

	if (!as->argc)
		return 0;
	err = dm_read_arg_group(&nr_features, as, &nr, &rt->ti->error);
	for (; !err && nr >= 2; nr -= 2)
		err = parse_feature(rt, as, &role_arg);
	if (!err && (nr || as->argc)) {
		rt->ti->error = "Surplus arguments";
		err = -EINVAL;
	}
	return err;
}

/**
 * raid_table_parse() - parse a table line, and open its devices
 * @rt: target
 * @as: <level> <#legs> <device or ->... and features
 *
 * Context: the constructor.
 * Return: 0 or -errno; why is in rt->ti->error.
 */
int raid_table_parse(struct raid_target *rt, struct dm_arg_set *as)
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

/* The smallest device, also of those that wait. */
static u64 smallest(struct raid_target *rt)
{
	u64 size = U64_MAX;
	u32 i;

	for (i = 0; i < RAID_MAX_LEGS; i++)
		if (rt->devices[i])
			size = min(size, rt->devices[i]->io.size);
	for (i = 0; i < RAID_MAX_SPARES; i++)
		if (rt->spares[i])
			size = min(size, rt->spares[i]->io.size);
	return size;
}

/**
 * raid_table_growth() - what does the table want the superblock to be?
 * @rt: target
 * @sb: as it is; becomes what it is to be, if the table says so
 *
 * Context: process context.
 * Return: 0 or -errno; why is in the log.
 */
int raid_table_growth(struct raid_target *rt, struct raid_super *sb)
{
	const char *why;
	u32 i;

	if (!rt->grow_pages)
		return 0;
	for (i = 0; i < sb->layout.nr_legs; i++) {
		if (sb->roles[i].state != PINFOLD_RAID_ROLE_REBUILDING)
			continue;
		DMERR("the array does not grow: leg %u is not rebuilt yet", i);
		return -EBUSY;
	}
	why = raid_super_grow(sb, rt->grow_pages, smallest(rt));
	if (!why)
		return 0;
	DMERR("the array does not grow: %s", why);
	return -ENOSPC;
}

/**
 * raid_table_judge() - does the array that the legs make fit the table line?
 * @rt: target, its table parsed
 *
 * Sets the array's superblock to what is on the legs.
 *
 * Context: the constructor.
 * Return: 0 or -errno; why is in rt->ti->error, or in the log.
 */
int raid_table_judge(struct raid_target *rt)
{
	u32 level = rt->raid.sb.layout.level;
	struct raid_assembly *assembly;
	const struct raid_layout *layout;
	u64 sectors;
	int err;

	assembly = kmalloc(sizeof(*assembly), GFP_KERNEL);
	if (!assembly)
		return -ENOMEM;
	rt->ti->error = "The legs make no array, see the line before";
	err = raid_legs_judge(rt, assembly);
	if (!err)
		err = raid_spares_judge(rt, &assembly->sb);
	if (err)
		goto out;
	err = raid_target_in_use(rt, assembly->sb.uuid) ? -EBUSY : 0;
	if (err)
		goto out;
	rt->raid.sb = assembly->sb;
	err = raid_table_growth(rt, &assembly->sb);
	if (err)
		goto out;
	rt->nr_words = raid_super_nr_words(&assembly->sb);
	layout = &assembly->sb.layout;
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
