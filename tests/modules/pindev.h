/* SPDX-License-Identifier: GPL-2.0 */
/* Inside of pf_pindev.ko, see pf_pin.h. */
#ifndef _PINDEV_H
#define _PINDEV_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pin_registry.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "pf_pin.h"

#define DEV_EVENTS	4096

/**
 * struct dev - an open file: a device that writes to memory
 * @mutex: covers @areas, @last_id, and the engine's task; ioctls hold it, and the
 *	engine while it goes through the areas. No callback takes it
 * @pinner: what it is to the registry; NULL before PF_SETUP
 * @name: of the pinner
 * @slot: where in a page it writes, bytes
 * @general: has pin_general_ops
 * @areas: what it pins
 * @last_id: of an area
 * @engine: writes, while it is there
 * @behave: how callbacks behave; read without a lock
 * @gate: callbacks that hang wait here
 * @event_lock: covers @events, @event_head and @event_tail
 * @events: ring of callbacks, for read()
 * @event_head: number of events ever
 * @event_tail: number of events read
 */
struct dev {
	struct mutex mutex;		/* see above */
	struct pinner *pinner;
	char name[32];
	unsigned int slot;
	bool general;
	struct list_head areas;
	u32 last_id;
	struct task_struct *engine;
	struct pf_behave behave;
	wait_queue_head_t gate;
	spinlock_t event_lock;		/* see above */
	struct pf_event *events;
	unsigned long event_head;
	unsigned long event_tail;
};

/* State of a page of an area. */
enum {
	RUNNING,	/* the engine may write to it */
	STOPPED,	/* prepared */
	GONE,		/* revoked, or lost on the way */
};

/**
 * struct area - pages that the device has pinned
 * @node: in the list of the device
 * @dev: whose it is
 * @pin: the pin
 * @id: its name
 * @nr: number of pages
 * @write: the device may write
 * @lock: covers what follows. The engine holds it while it is in a page, so a
 *	callback that has it knows that the engine is in none
 * @ended: nobody touches a page any more
 * @state: of each page
 * @count: what each page contains
 * @report: what happened
 */
struct area {
	struct list_head node;
	struct dev *dev;
	struct pin_handle *pin;
	u32 id;
	unsigned long nr;
	bool write;
	spinlock_t lock;		/* see above */
	bool ended;
	u8 *state;
	u64 *count;
	struct pf_report report;
};

/* pindev_engine.c */
int engine_fn(void *arg);
void area_sum(struct area *a, struct pf_report *report);

/* pindev_ops.c */
extern const struct pinner_ops device_ops;
void behave(struct dev *dev, const struct pf_behave *how);

/* pindev_many.c */
int pin_many(struct dev *dev, struct pf_many *many);

/* pindev_dax.c */
int move_dax(struct pf_move_dax *m);

#endif /* _PINDEV_H */
