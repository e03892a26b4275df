// SPDX-License-Identifier: GPL-2.0
/* Status, in the order and with the letters of dm-raid as far as it has them. */
#include "pfn_raid.h"

/**
 * raid_level_name() - the word for a level
 * @level: 1, 4, 5, 6 or 10
 *
 * Context: any.
 * Return: a constant string.
 */
const char *raid_level_name(u32 level)
{
	switch (level) {
	case 1:
		return "raid1";
	case 4:
		return "raid4";
	case 5:
		return "raid5";
	case 6:
		return "raid6";
	default:
		return "raid10";
	}
}

static char health(struct raid_target *rt, u32 role)
{
	switch (raid_leg_state(&rt->raid, role)) {
	case PINFOLD_RAID_ROLE_IN_SYNC:
		return 'A';
	case PINFOLD_RAID_ROLE_REBUILDING:
		return 'a';
	default:
		return rt->devices[role] ? 'D' : '-';
	}
}

static const char *action_name(enum raid_action action)
{
	static const char * const names[] = {
		[RAID_IDLE] = "idle",
		[RAID_REBUILD] = "rebuild",
		[RAID_REPLACE] = "replace",
		[RAID_CHECK] = "check",
		[RAID_REPAIR] = "repair",
	};

	return names[action];
}

/* What the worker has not begun yet counts: who asked for it may be waiting. */
static enum raid_action action_of(struct raid_target *rt)
{
	enum raid_action action = READ_ONCE(rt->action);
	u32 i;

	if (action != RAID_IDLE)
		return action;
	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++)
		if (raid_leg_state(&rt->raid, i) ==
		    PINFOLD_RAID_ROLE_REBUILDING)
			return RAID_REBUILD;
	if (READ_ONCE(rt->raid.twin.active))
		return RAID_REPLACE;
	return READ_ONCE(rt->wanted);
}

static void status_spares(struct raid_target *rt, char *result,
			  unsigned int maxlen, unsigned int *size)
{
	unsigned int sz = *size;
	const char *before = " ";
	u32 i;

	for (i = 0; i < RAID_MAX_SPARES; i++) {
		if (!rt->spares[i])
			continue;
		DMEMIT("%s%s", before, rt->spares[i]->dm_dev->name);
		before = ",";
	}
	if (*before == ' ')
		DMEMIT(" -");
	*size = sz;
}

static void status_throttle(struct raid_target *rt, char *result,
			    unsigned int maxlen, unsigned int *size)
{
	struct raid_throttle throttle;
	unsigned int sz = *size;

	spin_lock(&rt->throttle_lock);
	throttle = rt->throttle;
	spin_unlock(&rt->throttle_lock);
	DMEMIT(" %u/%u/%u", throttle.share, throttle.floor, throttle.latency);
	*size = sz;
}

static void status_info(struct raid_target *rt, char *result,
			unsigned int maxlen)
{
	enum raid_action action = action_of(rt);
	struct raid_stats *stats = &rt->stats;
	u64 total = rt->raid.sb.layout.nr_groups;
	unsigned int sz = 0;
	u32 i;

	DMEMIT("%s %u ", raid_level_name(rt->raid.sb.layout.level),
	       rt->raid.sb.layout.nr_legs);
	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++)
		DMEMIT("%c", health(rt, i));
	DMEMIT(" %llu/%llu %s %llu",
	       action == RAID_IDLE ? total : READ_ONCE(rt->position), total,
	       action_name(action), (u64)atomic64_read(&stats->mismatches));
	DMEMIT(" %llu %u %llu %u %s", (u64)atomic64_read(&stats->repaired),
	       READ_ONCE(rt->raid.nr_bad), (u64)atomic64_read(&stats->lost),
	       stats->replayed, READ_ONCE(rt->raid.broken) ? "stopped" : "rw");
	DMEMIT(" ");
	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++)
		DMEMIT("%c", READ_ONCE(rt->raid.write_mostly) >> i & 1 ? 'w' :
									'-');
	status_spares(rt, result, maxlen, &sz);
	status_throttle(rt, result, maxlen, &sz);
}

static void status_table(struct raid_target *rt, char *result,
			 unsigned int maxlen)
{
	/* Once started, a fresh leg is a leg like any other. */
	u32 fresh = rt->started ? 0 : rt->fresh, nr, i;
	u64 grow = rt->started ? 0 : rt->grow_pages;
	unsigned int sz = 0;

	DMEMIT("%s %u", raid_level_name(rt->raid.sb.layout.level),
	       rt->raid.sb.layout.nr_legs);
	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++)
		DMEMIT(" %s", rt->devices[i] ? rt->devices[i]->dm_dev->name :
					       "-");
	nr = hweight32(fresh) + !!grow;
	for (i = 0; i < RAID_MAX_SPARES; i++)
		nr += !!rt->spares[i];
	if (!nr)
		return;
	DMEMIT(" %u", 2 * nr);
	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++)
		if (fresh >> i & 1)
			DMEMIT(" rebuild %u", i);
	for (i = 0; i < RAID_MAX_SPARES; i++)
		if (rt->spares[i])
			DMEMIT(" spare %s", rt->spares[i]->dm_dev->name);
	if (grow)
		DMEMIT(" grow %llu", grow * RAID_PAGE_SECTORS);
}

static void status_ima(struct raid_target *rt, char *result,
		       unsigned int maxlen)
{
	unsigned int sz = 0;
	u32 i;

	DMEMIT_TARGET_NAME_VERSION(rt->ti->type);
	DMEMIT(",level=%s,legs=%u", raid_level_name(rt->raid.sb.layout.level),
	       rt->raid.sb.layout.nr_legs);
	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++)
		DMEMIT(",leg_%u=%s", i,
		       rt->devices[i] ? rt->devices[i]->dm_dev->name : "-");
	DMEMIT(";");
}

/**
 * raid_status() - device-mapper's status
 * @ti: target
 * @type: which
 * @status_flags: DM_STATUS_*
 * @result: buffer
 * @maxlen: its size
 *
 * Context: process context; takes manage_lock.
 */
void raid_status(struct dm_target *ti, status_type_t type,
		 unsigned int status_flags, char *result, unsigned int maxlen)
{
	struct raid_target *rt = ti->private;

	mutex_lock(&rt->manage_lock);
	if (rt->running)
		raid_devices_settle(rt);
	switch (type) {
	case STATUSTYPE_INFO:
		status_info(rt, result, maxlen);
		break;
	case STATUSTYPE_TABLE:
		status_table(rt, result, maxlen);
		break;
	case STATUSTYPE_IMA:
		status_ima(rt, result, maxlen);
		break;
	}
	mutex_unlock(&rt->manage_lock);
}
