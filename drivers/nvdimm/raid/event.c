// SPDX-License-Identifier: GPL-2.0
/*
 * Uevents, for those who watch arrays. What happened is noted wherever it happens,
 * under any lock and without memory, and told by a worker.
 */
#include <linux/blkdev.h>
#include <linux/kobject.h>
#include <linux/slab.h>

#include "pfn_raid.h"

static const char * const names[] = {
	[RAID_EVENT_LEG_FAILED] = "leg_failed",
	[RAID_EVENT_SPARE_TAKEN] = "spare_taken",
	[RAID_EVENT_REBUILT] = "rebuild_done",
	[RAID_EVENT_REPLACED] = "replace_done",
	[RAID_EVENT_SCRUBBED] = "scrub_done",
	[RAID_EVENT_REPAIRED] = "poison_repaired",
	[RAID_EVENT_LOST] = "data_lost",
	[RAID_EVENT_STOPPED] = "stopped",
};

/* Of these there may be many: they are told together. */
static bool adds_up(enum raid_event_kind kind)
{
	return kind == RAID_EVENT_REPAIRED || kind == RAID_EVENT_LOST;
}

/* The entry for an event, or NULL if there is no room. Under event_lock. */
static struct raid_event *find_entry(struct raid_target *rt,
				     enum raid_event_kind kind, u32 leg)
{
	u32 i;

	for (i = 0; adds_up(kind) && i < rt->nr_events; i++)
		if (rt->events[i].kind == kind && rt->events[i].leg == leg)
			return &rt->events[i];
	if (rt->nr_events == RAID_MAX_EVENTS) {
		rt->missed_events++;
		return NULL;
	}
	return memset(&rt->events[rt->nr_events++], 0, sizeof(*rt->events));
}

/**
 * raid_event_add() - have something told by a uevent
 * @rt: target
 * @kind: what happened
 * @leg: its role
 * @count: how much of it
 *
 * Context: process context, any lock of the array may be held.
 */
void raid_event_add(struct raid_target *rt, enum raid_event_kind kind, u32 leg,
		    u64 count)
{
	struct raid_device *device = READ_ONCE(rt->devices[leg]);
	struct raid_event *event;

	spin_lock(&rt->event_lock);
	event = find_entry(rt, kind, leg);
	if (event) {
		event->kind = kind;
		event->leg = leg;
		event->count += count;
		strscpy(event->device, device ? device->dm_dev->name : "-",
			sizeof(event->device));
	}
	spin_unlock(&rt->event_lock);
	schedule_work(&rt->event_work);
}

static bool take_event(struct raid_target *rt, struct raid_event *event,
		       u64 *missed)
{
	bool found;

	spin_lock(&rt->event_lock);
	found = rt->nr_events;
	*missed = rt->missed_events;
	if (found) {
		*event = rt->events[0];
		memmove(&rt->events[0], &rt->events[1],
			--rt->nr_events * sizeof(*event));
		rt->missed_events = 0;
	}
	spin_unlock(&rt->event_lock);
	return found;
}

static void tell(struct raid_target *rt, const struct raid_event *event,
		 u64 missed)
{
	struct mapped_device *md = dm_table_get_md(rt->ti->table);
	char name[DM_NAME_LEN], *env[8];
	u32 nr = 0, i;

	if (dm_copy_name_and_uuid(md, name, NULL))
		strscpy(name, "-", sizeof(name));
	env[nr++] = kasprintf(GFP_KERNEL, "PFN_RAID_EVENT=%s",
			      names[event->kind]);
	env[nr++] = kasprintf(GFP_KERNEL, "PFN_RAID_NAME=%s", name);
	env[nr++] = kasprintf(GFP_KERNEL, "PFN_RAID_LEG=%u", event->leg);
	env[nr++] = kasprintf(GFP_KERNEL, "PFN_RAID_DEVICE=%s", event->device);
	env[nr++] = kasprintf(GFP_KERNEL, "PFN_RAID_COUNT=%llu", event->count);
	env[nr++] = kasprintf(GFP_KERNEL, "PFN_RAID_MISSED=%llu", missed);
	env[nr] = NULL;
	/* Without memory for all of it the rest has to do. */
	kobject_uevent_env(&disk_to_dev(dm_disk(md))->kobj, KOBJ_CHANGE, env);
	for (i = 0; i < nr; i++)
		kfree(env[i]);
}

/**
 * raid_event_work() - tell what happened
 * @work: of a target
 *
 * Context: a workqueue, no lock held.
 */
void raid_event_work(struct work_struct *work)
{
	struct raid_target *rt = container_of(work, struct raid_target,
					      event_work);
	struct raid_event event;
	u64 missed;

	while (take_event(rt, &event, &missed))
		tell(rt, &event, missed);
	dm_table_event(rt->ti->table);
}
