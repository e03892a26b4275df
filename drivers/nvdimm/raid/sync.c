// SPDX-License-Identifier: GPL-2.0
/* The worker: rebuild and scrub, run by run, while I/O goes on. */
#include <linux/sched.h>

#include "pfn_raid.h"
#include "run.h"

/* Groups after which the position of a rebuild is recorded: 256 MiB of a leg. */
#define CHECKPOINT_GROUPS	65536

static bool stopped(struct raid_target *rt)
{
	return READ_ONCE(rt->stop);
}

static int rebuild_run(struct raid_target *rt, u32 leg, u64 first, u64 *end)
{
	struct mutex *lock = raid_group_lock(&rt->raid, first);
	int err;

	mutex_lock(lock);
	err = raid_run_rebuild(&rt->raid, first, end, &raid_worker_buf(rt)->buf,
			       leg);
	/* Under the lock: from here on, writers keep this leg up to date. */
	if (!err && raid_leg_live(&rt->raid, leg))
		WRITE_ONCE(rt->raid.sb.roles[leg].synced, *end);
	mutex_unlock(lock);
	if (!err && rt->dma_late) {
		DMERR("leg %u: a DMA controller may still write to it: it failed; end the controller's copies before it is added again",
		      leg);
		err = -EIO;
	}
	rt->dma_late = false;
	if (err == -EIO)
		raid_leg_fail(&rt->raid, leg, NULL);
	return err;
}

/* False if it cannot go on, for want of a leg that may be back. */
static bool rebuild_leg(struct raid_target *rt, u32 leg)
{
	struct raid *raid = &rt->raid;
	u64 nr = raid->sb.layout.nr_groups, g, end;
	u64 recorded = raid->sb.roles[leg].synced;
	int err;

	DMINFO("leg %u: rebuild from %llu of %llu", leg, recorded, nr);
	for (g = recorded; g < nr && !stopped(rt);) {
		if (raid_leg_state(raid, leg) != PINFOLD_RAID_ROLE_REBUILDING)
			return true;
		WRITE_ONCE(rt->position, g);
		if (!(g % raid->sb.region_groups) &&
		    raid_region_pass(raid, leg, g)) {
			g += raid->sb.region_groups;
			continue;
		}
		end = raid_run_end(raid, g);
		err = rebuild_run(rt, leg, g, &end);
		if (err == -ENXIO) {
			DMERR("leg %u: rebuild stops at %llu of %llu: legs it needs are gone; assemble the array again when they are back",
			      leg, g, nr);
			raid_commit(raid);
			return false;
		}
		if (err)
			return true;
		g = end;
		if (g - recorded >= CHECKPOINT_GROUPS) {
			raid_commit(raid);
			recorded = g;
		}
		raid_pace(rt);
		cond_resched();
	}
	if (g < nr) {
		raid_commit(raid);
		return true;
	}
	raid_leg_complete(raid, leg);
	if (raid_leg_state(raid, leg) == PINFOLD_RAID_ROLE_IN_SYNC) {
		DMINFO("leg %u: rebuilt", leg);
		raid_event_add(rt, RAID_EVENT_REBUILT, leg, 1);
	}
	return true;
}

static int copy_run(struct raid_target *rt, u64 first)
{
	u64 end = raid_run_end(&rt->raid, first);
	struct mutex *lock = raid_group_lock(&rt->raid, first);
	int err;

	mutex_lock(lock);
	err = raid_run_copy(&rt->raid, first, &end, &raid_worker_buf(rt)->buf);
	mutex_unlock(lock);
	if (!err && rt->dma_late)
		err = -ETIMEDOUT;
	rt->dma_late = false;
	return err;
}

static int copy_groups(struct raid_target *rt)
{
	struct raid *raid = &rt->raid;
	u64 nr = raid->sb.layout.nr_groups, g;
	int err;

	while ((g = raid->twin.position) < nr) {
		if (stopped(rt))
			return -EAGAIN;
		if (!READ_ONCE(raid->twin.active))
			return -ENODEV;
		WRITE_ONCE(rt->position, g);
		raid_pace(rt);
		cond_resched();
		if (!(g % raid->sb.region_groups) &&
		    raid_region_pass(raid, RAID_TWIN, g))
			continue;
		err = copy_run(rt, g);
		if (err)
			return err;
	}
	return 0;
}

/* It goes on where it was after a suspend. What failed has been said. */
static void replace_leg(struct raid_target *rt)
{
	struct raid *raid = &rt->raid;
	u32 leg = raid->twin.leg;
	int err;

	DMINFO("leg %u: being replaced, from group %llu of %llu", leg,
	       raid->twin.position, raid->sb.layout.nr_groups);
	err = copy_groups(rt);
	if (!err)
		err = raid_twin_commit(raid);
	switch (err) {
	case 0:
		raid_twin_finish(raid);
		DMINFO("leg %u: replaced", leg);
		raid_event_add(rt, RAID_EVENT_REPLACED, leg, 1);
		break;
	case -EAGAIN:
		return;
	case -ENXIO:
		DMERR("leg %u: the replacement stops at %llu of %llu: legs it needs are gone; assemble the array again when they are back",
		      leg, raid->twin.position, raid->sb.layout.nr_groups);
		return;
	default:
		DMERR("leg %u: not replaced (%d)", leg, err);
		/* A leg that is missing leaves its role to the device. */
		if (raid_leg_live(raid, leg))
			raid_twin_end(raid);
		break;
	}
	queue_work(system_unbound_wq, &rt->manage_work);
}

static void check_run(struct raid_target *rt, u64 first, u64 *end, bool repair)
{
	struct mutex *lock = raid_group_lock(&rt->raid, first);
	struct raid_run_check check;

	mutex_lock(lock);
	raid_run_check(&rt->raid, first, end, &raid_worker_buf(rt)->buf, repair,
		       &check);
	mutex_unlock(lock);
	if (check.failed)
		DMERR_LIMIT("scrub: group %llu cannot be read or repaired",
			    first);
	if (check.mismatch)
		atomic64_inc(&rt->stats.mismatches);
}

static void scrub_groups(struct raid_target *rt, enum raid_action wanted)
{
	u64 nr = rt->raid.sb.layout.nr_groups, g, end;

	atomic64_set(&rt->stats.mismatches, 0);
	for (g = 0; g < nr && !stopped(rt); g = end) {
		/* Ended, or another one was asked for. */
		if (READ_ONCE(rt->wanted) != wanted)
			break;
		WRITE_ONCE(rt->position, g);
		end = raid_run_end(&rt->raid, g);
		if (raid_group_written(&rt->raid, g))
			check_run(rt, g, &end, wanted == RAID_REPAIR);
		raid_pace(rt);
		cond_resched();
	}
	/* Suspended: it starts again with the resume. */
	if (g < nr && stopped(rt))
		return;
	DMINFO("scrub %s: %llu mismatches", g == nr ? "done" : "ended",
	       (u64)atomic64_read(&rt->stats.mismatches));
	if (g == nr)
		raid_event_add(rt, RAID_EVENT_SCRUBBED, 0,
			       atomic64_read(&rt->stats.mismatches));
	cmpxchg(&rt->wanted, wanted, RAID_IDLE);
}

static bool find_rebuilding(struct raid_target *rt, u32 *leg)
{
	u32 i;

	for (i = 0; i < rt->raid.sb.layout.nr_legs; i++) {
		if (raid_leg_state(&rt->raid, i) !=
		    PINFOLD_RAID_ROLE_REBUILDING)
			continue;
		*leg = i;
		return true;
	}
	return false;
}

static void begin(struct raid_target *rt, enum raid_action action)
{
	WRITE_ONCE(rt->position, 0);
	WRITE_ONCE(rt->action, action);
}

/**
 * raid_sync_work() - rebuild what has to be, then scrub if asked to
 * @work: of a target
 *
 * Context: the target's workqueue.
 */
void raid_sync_work(struct work_struct *work)
{
	struct raid_target *rt = container_of(work, struct raid_target,
					      sync_work);
	enum raid_action wanted;
	bool more = true;
	u32 leg;

	raid_pace_begin(rt);
	while (more && !stopped(rt) && find_rebuilding(rt, &leg)) {
		begin(rt, RAID_REBUILD);
		more = rebuild_leg(rt, leg);
		schedule_work(&rt->event_work);
	}
	if (!stopped(rt) && READ_ONCE(rt->raid.twin.active) &&
	    raid_leg_in_sync(&rt->raid, rt->raid.twin.leg, 0)) {
		begin(rt, RAID_REPLACE);
		replace_leg(rt);
		schedule_work(&rt->event_work);
	}
	while (!stopped(rt)) {
		wanted = READ_ONCE(rt->wanted);
		if (wanted == RAID_IDLE)
			break;
		begin(rt, wanted);
		scrub_groups(rt, wanted);
	}
	raid_pace_end(rt);
	begin(rt, RAID_IDLE);
	schedule_work(&rt->event_work);
}

/**
 * raid_sync_stop() - wait until the worker does nothing
 * @rt: target
 *
 * Context: under manage_lock or in the destructor; waits for one run to be
 * done.
 */
void raid_sync_stop(struct raid_target *rt)
{
	WRITE_ONCE(rt->stop, true);
	wake_up(&rt->pace_wait);
	cancel_work_sync(&rt->sync_work);
}

/**
 * raid_sync_start() - let the worker look what there is to do
 * @rt: target
 *
 * Context: under manage_lock, while the target is running.
 */
void raid_sync_start(struct raid_target *rt)
{
	WRITE_ONCE(rt->stop, false);
	queue_work(rt->wq, &rt->sync_work);
}
