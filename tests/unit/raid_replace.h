/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A whole array on legs in memory (raid_model.h), a device that is to replace one of
 * the legs, and a plain copy of the data to compare with. One at a time, of each
 * shape in turn.
 */
#ifndef _PINFOLD_RAID_REPLACE_H
#define _PINFOLD_RAID_REPLACE_H

#include "raid_model.h"

struct unit_test;

#define PAGES	8
#define WORDS	(RAID_PAGE_SIZE / 8)
#define MAX_PAGES	(PAGES * 6)

struct shape {
	u32 level, legs, copies;
};

/* A write of data pages [first, first + nr) of a group, under way or done. */
struct op {
	u64 group;
	struct raid_write write;
};

extern struct raid *raid;
extern struct raid_buf *buf;
extern struct raid_super plan;
extern struct raid_assembly assembly;	/* the latest decision */
extern struct op op;
extern u64 expect[MAX_PAGES][WORDS];	/* what was written */
extern const u8 new_uuid[RAID_UUID_SIZE];

/* The device that is to replace one of the legs: it follows them in the model. */
struct model_leg *new_device(void);
u32 tolerance(void);
u32 random_leg(void);
void start_array(const struct shape *shape);
void spoil_log(u32 leg);

/* @devices: by role, NULL for none. judge_*() starts nothing. */
enum raid_refusal judge_legs(struct model_leg *const devices[]);
enum raid_refusal judge_with(u32 role, struct model_leg *device, u32 without);
enum raid_refusal assemble(struct model_leg *const devices[]);
enum raid_refusal assemble_with(u32 role, struct model_leg *device,
				u32 without);

/* write_*(): @op is in flight until it lands, or until verify(). */
int write_op(void);
u64 aim_at(u32 leg);	/* @op: writes the page of that leg that is returned */
int write_random(void);
void land(void);
void random_writes(u32 nr);
int read_page(u64 page, u64 *dst);

/* Each word is old or new where a write was cut off, else as it was. */
void verify(void);
void verify_redundancy(void);

/* Copy all groups, with writes in between; -errno as that of the copy. */
int copy_all(u32 writes);
int replace(u32 leg, u32 writes);

void each_shape(void (*fn)(const struct shape *shape));
int replace_tests_run(const struct unit_test *tests, size_t nr);

#endif /* _PINFOLD_RAID_REPLACE_H */
