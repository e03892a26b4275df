/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside dm_pfn_raid: the target around an array, and what its files owe each
 * other.
 */
#ifndef _PFN_RAID_H
#define _PFN_RAID_H

#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/pfn_io.h>
#include <linux/sched/clock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "array.h"
#include "group.h"
#include "throttle.h"

#define DM_MSG_PREFIX "pfn_raid"

#define RAID_PAGE_SECTORS	(RAID_PAGE_SIZE >> SECTOR_SHIFT)

/* Legs by role, then the device that is replacing one of them, RAID_TWIN. */
#define RAID_MAX_DEVICES	(RAID_MAX_LEGS + 1)

/* Devices that wait for a leg to fail. */
#define RAID_MAX_SPARES		8

/* Of a device that has none. */
#define RAID_NO_ROLE		RAID_MAX_DEVICES

/**
 * struct raid_device - a leg's device
 * @io: for the accessors
 * @dm_dev: reference of device-mapper
 * @retired: on &struct raid_target.retired: not a leg any more, but bios may
 *	still be on their way to it
 */
struct raid_device {
	struct pfn_io_dev io;
	struct dm_dev *dm_dev;
	struct list_head retired;
};

/**
 * struct raid_io_buf - pages to work with, for one bio at a time
 * @buf: pages, and an entry of the intent log
 * @cursor: where in the bio the data of each data page comes from
 */
struct raid_io_buf {
	struct raid_buf buf;
	struct bvec_iter cursor[RAID_MAX_LEGS];
};

/**
 * enum raid_action - what the worker does
 * @RAID_IDLE: nothing
 * @RAID_REBUILD: a leg gets its data
 * @RAID_REPLACE: a leg's data is copied to the device that replaces it
 * @RAID_CHECK: compares, and mends what is unreadable
 * @RAID_REPAIR: the same, and makes redundancy fit the data
 */
enum raid_action {
	RAID_IDLE,
	RAID_REBUILD,
	RAID_REPLACE,
	RAID_CHECK,
	RAID_REPAIR,
};

/**
 * struct raid_traffic - bytes moved since the table was loaded, of one CPU
 * @read: from legs
 * @written: to legs, data
 * @metadata: to legs, all else
 */
struct raid_traffic {
	u64 read;
	u64 written;
	u64 metadata;
};

/**
 * struct raid_pace - I/O since the table was loaded, of one CPU
 * @ios: number of bios
 * @latency: what some of them took while the worker paused, and while it worked
 */
struct raid_pace {
	u64 ios;
	struct raid_latency latency[2];
};

/* One bio in so many is measured. */
#define RAID_PACE_SAMPLE	16

/**
 * struct raid_stats - counters since the table was loaded
 * @repaired: unreadable pages that were mended
 * @stale: pages that could not be mended
 * @lost: pages whose data is lost
 * @mismatches: groups of the last scrub whose redundancy did not fit
 * @replayed: writes that a power failure had interrupted
 * @dma_copied: bytes that a DMA controller copied
 * @dma_failed: copies that it did not make
 */
struct raid_stats {
	atomic64_t repaired;
	atomic64_t stale;
	atomic64_t lost;
	atomic64_t mismatches;
	u32 replayed;
	atomic64_t dma_copied;
	atomic64_t dma_failed;
};

/**
 * enum raid_event_kind - what is told by a uevent
 * @RAID_EVENT_LEG_FAILED: the array goes on without a leg
 * @RAID_EVENT_SPARE_TAKEN: a spare has the role of one
 * @RAID_EVENT_REBUILT: a leg is in sync again
 * @RAID_EVENT_REPLACED: a leg has another device
 * @RAID_EVENT_SCRUBBED: a scrub came to its end, and found so many mismatches
 * @RAID_EVENT_REPAIRED: so many unreadable pages were mended
 * @RAID_EVENT_LOST: the data of so many pages is lost
 * @RAID_EVENT_STOPPED: nothing is written any more
 */
enum raid_event_kind {
	RAID_EVENT_LEG_FAILED,
	RAID_EVENT_SPARE_TAKEN,
	RAID_EVENT_REBUILT,
	RAID_EVENT_REPLACED,
	RAID_EVENT_SCRUBBED,
	RAID_EVENT_REPAIRED,
	RAID_EVENT_LOST,
	RAID_EVENT_STOPPED,
};

/* More that happen before the worker comes to it are counted only. */
#define RAID_MAX_EVENTS	32

/**
 * struct raid_event - something to tell
 * @kind: what
 * @leg: its role
 * @count: how much of it
 * @device: of the leg at that time
 */
struct raid_event {
	enum raid_event_kind kind;
	u32 leg;
	u64 count;
	char device[16];
};

/**
 * struct raid_target - a table line
 * @raid: the array; its superblock is what the constructor read until @started
 * @ti: the target
 * @devices: by role, and RAID_TWIN; NULL where there is none; changes under
 *	@manage_lock
 * @spares: in any order, NULL where there is none; likewise
 * @fresh: legs named by "rebuild", as bits
 * @grow_pages: data pages of a leg that the table asks for, 0 for as many as it has
 * @nr_words: of the bitmaps in memory
 * @size: bytes of the array, once started; the table may be longer
 * @started: raid_start() succeeded
 * @running: resumed, and not suspended
 * @manage_lock: one message at a time; covers @devices, @spares, @retired, @running,
 *	and who starts and stops the worker
 * @retired: devices to be put when no bio is on its way
 * @bufs: buffers, the last one the worker's
 * @nr_bufs: number of those that bios share
 * @buf_used: which of them are in use, as bits
 * @buf_wait: for who found all in use
 * @wq: runs @sync_work
 * @flush_wq: goes on with flushes, which must not wait for @wq
 * @sync_work: rebuild and scrub
 * @event_work: sends @events, and tells those who wait for events of the table
 * @event_lock: covers the three that follow
 * @events: to be told, oldest first
 * @nr_events: their number
 * @missed_events: there was no room for
 * @manage_work: gives devices the places that the array has given them
 * @wanted: scrub asked for, RAID_IDLE for none
 * @action: what the worker does now
 * @position: how far it is, in groups
 * @stop: the worker has to end soon
 * @working: the worker is at work, and does not pause
 * @pace: what I/O there was
 * @paced: what of it the worker has looked at
 * @pace_start: when it last did
 * @pace_wait: where it pauses
 * @throttle_lock: covers @throttle
 * @throttle: how much of the time it may work
 * @active: on the list of arrays in use, once started
 * @dma: copies for the worker, or NULL; changes under @manage_lock while the worker
 *	does not run
 * @dma_late: a copy may still be written to, after all: its leg is no good
 * @stats: counters
 * @traffic: more of them
 */
struct raid_target {
	struct raid raid;
	struct dm_target *ti;
	struct raid_device *devices[RAID_MAX_DEVICES];
	struct raid_device *spares[RAID_MAX_SPARES];
	u32 fresh;
	u64 grow_pages;
	u64 nr_words;
	u64 size;
	bool started;
	bool running;
	struct mutex manage_lock;	/* messages, devices, the worker */
	struct list_head retired;
	struct raid_io_buf **bufs;
	u32 nr_bufs;
	unsigned long buf_used;
	wait_queue_head_t buf_wait;
	struct workqueue_struct *wq;
	struct workqueue_struct *flush_wq;
	struct work_struct sync_work;
	struct work_struct event_work;
	spinlock_t event_lock;		/* events */
	struct raid_event events[RAID_MAX_EVENTS];
	u32 nr_events;
	u64 missed_events;
	struct work_struct manage_work;
	enum raid_action wanted;
	enum raid_action action;
	u64 position;
	bool stop;
	bool working;
	struct raid_pace __percpu *pace;
	struct raid_pace paced;
	u64 pace_start;
	wait_queue_head_t pace_wait;
	spinlock_t throttle_lock;	/* throttle */
	struct raid_throttle throttle;
	struct list_head active;
	struct pfn_io_dma *dma;
	bool dma_late;
	struct raid_stats stats;
	struct raid_traffic __percpu *traffic;
};

static inline struct raid_target *to_target(struct raid *raid)
{
	return container_of(raid, struct raid_target, raid);
}

/* buf.c */
int raid_bufs_alloc(struct raid_target *rt);
void raid_bufs_free(struct raid_target *rt);
struct raid_io_buf *raid_buf_get(struct raid_target *rt);
void raid_buf_put(struct raid_target *rt, struct raid_io_buf *buf);

static inline struct raid_io_buf *raid_worker_buf(struct raid_target *rt)
{
	return rt->bufs[rt->nr_bufs];
}

/* event.c */
void raid_event_add(struct raid_target *rt, enum raid_event_kind kind, u32 leg,
		    u64 count);
void raid_event_work(struct work_struct *work);

/* hotspare.c */
int raid_spare_open(struct raid_target *rt, const char *path);
int raid_spares_judge(struct raid_target *rt, const struct raid_super *sb);
int raid_spare_add(struct raid_target *rt, struct raid_device *device);
int raid_spare_remove(struct raid_target *rt, const char *path);
void raid_spares_mend(struct raid_target *rt);
void raid_spares_take(struct raid_target *rt);
void raid_spares_close(struct raid_target *rt);

/* io.c */
int raid_map(struct dm_target *ti, struct bio *bio);
extern const unsigned int raid_per_io_data_size;

/* legs.c */
struct raid_device *raid_device_get(struct raid_target *rt, u32 role,
				    const char *path);
void raid_device_put(struct raid_target *rt, struct raid_device *device);
void raid_device_retire(struct raid_target *rt, u32 role);
void raid_devices_put_retired(struct raid_target *rt);
int raid_legs_judge(struct raid_target *rt, struct raid_assembly *assembly);

/* manage.c */
int raid_device_join(struct raid_target *rt, u32 role,
		     struct raid_device *device);
int raid_device_replace(struct raid_target *rt, u32 role,
			struct raid_device *device);
void raid_device_end_replace(struct raid_target *rt);
void raid_devices_settle(struct raid_target *rt);
void raid_manage_work(struct work_struct *work);

/* message.c */
int raid_message(struct dm_target *ti, unsigned int argc, char **argv,
		 char *result, unsigned int maxlen);

/* pace.c */
void raid_pace_begin(struct raid_target *rt);
void raid_pace_end(struct raid_target *rt);
void raid_pace(struct raid_target *rt);

/* Note a bio. Return: when it began, or 0 if it is not measured. */
static inline u64 raid_pace_enter(struct raid_target *rt)
{
	if (likely(this_cpu_inc_return(rt->pace->ios) % RAID_PACE_SAMPLE))
		return 0;
	return ktime_get_ns();
}

static inline void raid_pace_exit(struct raid_target *rt, u64 begin)
{
	u32 i;

	if (likely(!begin))
		return;
	i = READ_ONCE(rt->working);
	this_cpu_inc(rt->pace->latency[i].nr);
	this_cpu_add(rt->pace->latency[i].ns, ktime_get_ns() - begin);
}

/* status.c */
void raid_status(struct dm_target *ti, status_type_t type,
		 unsigned int status_flags, char *result, unsigned int maxlen);
const char *raid_level_name(u32 level);

/* table.c */
int raid_table_parse(struct raid_target *rt, struct dm_arg_set *as);
int raid_table_growth(struct raid_target *rt, struct raid_super *sb);
int raid_table_judge(struct raid_target *rt);

/* target.c */
bool raid_target_in_use(struct raid_target *rt, const u8 *uuid);

/* sync.c */
void raid_sync_work(struct work_struct *work);
void raid_sync_stop(struct raid_target *rt);
void raid_sync_start(struct raid_target *rt);

#endif /* _PFN_RAID_H */
