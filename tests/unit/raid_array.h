/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A whole array on legs in memory (raid_model.h), and a plain copy of its data to
 * compare it with. One at a time, of each shape in turn.
 */
#ifndef _PINFOLD_RAID_ARRAY_H
#define _PINFOLD_RAID_ARRAY_H

#include "raid_model.h"

struct unit_test;

#define PAGES	8
#define CHUNK	2
#define WORDS	(RAID_PAGE_SIZE / 8)
#define MAX_PAGES	(PAGES * RAID_MAX_LEGS)

struct shape {
	u32 level, legs, copies;
};

/* Data pages [page, page + nr) of a group; parts of the ends. */
struct op {
	u64 page;
	u32 nr, lo, hi;
};

/* What the latest write was to write. */
struct flight {
	u64 data[MAX_PAGES * WORDS / 4];
};

extern struct raid *raid;
extern struct raid_buf *buf;
extern struct raid_super plan;
extern u64 expect[MAX_PAGES][WORDS];
extern struct flight flight;

u32 tolerance(void);
void make_plan(const struct shape *shape);
void start_array(const struct shape *shape);
void start_planned(void);
/* Who did not fit, the last time. */
extern u32 culprit;
enum raid_refusal assemble(u32 without, u32 fresh, u32 *replayed);
enum raid_refusal start_again(u32 *replayed);
u32 missing_legs(void);
u32 random_live_leg(void);
void fail_all_spare(void);
void join_again(u32 leg);
int rebuild(u32 leg);

int read_page(u64 page, u64 *dst);
void read_all(void);
u64 first_page(u32 *leg);
u64 random_data_page(void);
struct op random_op(void);
int do_op(const struct op *op);
void land(const struct op *op);
void random_writes(u32 nr);

bool covered(u32 i, u32 nr, u32 lo, u32 hi, u32 w);
void verify_all(void);
void verify_redundancy(void);
void judge_page(u64 page, const u64 *data, const struct op *op);

void each_shape(void (*fn)(const struct shape *shape));
int array_tests_run(const struct unit_test *tests, size_t nr);

#endif /* _PINFOLD_RAID_ARRAY_H */
