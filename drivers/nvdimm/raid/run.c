// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/kernel.h>

#include "run.h"
#include "vector.h"

/**
 * struct run - groups being worked on at once
 * @raid: the array
 * @group: the first one
 * @last: number of the last one
 * @len: bytes of each leg
 * @nr: addresses in @at
 * @at: where the legs have it
 */
struct run {
	struct raid *raid;
	struct raid_group group;
	u64 last;
	size_t len;
	u32 nr;
	void *at[RAID_MAX_LEGS];
};

/**
 * raid_run_end() - how far a run goes
 * @raid: the array
 * @first: first group
 *
 * Context: any.
 * Return: the group behind it, of the same region at most.
 */
u64 raid_run_end(const struct raid *raid, u64 first)
{
	const struct raid_layout *layout = &raid->sb.layout;
	u64 chunk = layout->chunk_pages, region = raid->sb.region_groups;
	u64 end = round_down(first, (u64)RAID_RUN_GROUPS) + RAID_RUN_GROUPS;

	/* What follows a chunk of a raid1 is the next one. */
	if (layout->level != 1)
		end = min(end, round_down(first, chunk) + chunk);
	end = min(end, (first / region + 1) * region);
	return min(end, layout->nr_groups);
}

static void run_init(struct run *run, struct raid *raid, u64 first, u64 end)
{
	run->raid = raid;
	run->last = end - 1;
	run->len = (end - first) * RAID_PAGE_SIZE;
	run->nr = 0;
	raid_layout_group(&raid->sb.layout, first, &run->group);
}

static void *map(struct run *run, u32 i, void *media)
{
	const struct raid_member *m = &run->group.member[i];

	return raid_media_map(run->raid, media,
			      raid_data_offset(run->raid, m->page), run->len);
}

/* One more of the addresses, if the member is in sync and nothing is known of it. */
static bool add_member(struct run *run, u32 i)
{
	void *media = raid_leg_media_in_sync(run->raid, run->group.member[i].leg,
					     run->last);

	run->at[run->nr] = map(run, i, media);
	return run->at[run->nr++];
}

/* Members [first, end) without one of them, which may be none. */
static bool add_members(struct run *run, u32 first, u32 end, u32 but)
{
	u32 i;

	for (i = first; i < end; i++)
		if (i != but && !add_member(run, i))
			return false;
	return true;
}

/* A write-mostly one if there is no other. */
static bool add_copy(struct run *run)
{
	u32 i, late = 0;

	for (i = 0; i < run->group.nr; i++) {
		if (!raid_leg_in_sync(run->raid, run->group.member[i].leg,
				      run->last))
			continue;
		if (!raid_member_reluctant(run->raid, &run->group, i))
			return add_member(run, i);
		late = i + 1;
	}
	return late && add_member(run, late - 1);
}

/* No page of the array needs care: none gets to, under the lock of its group. */
static bool unharmed(struct raid *raid)
{
	return !READ_ONCE(raid->nr_bad) && !READ_ONCE(raid->broken);
}

/* From the other members, without a buffer in between. */
static bool compute(struct run *run, u32 i, void *dst)
{
	const struct raid_layout *layout = &run->raid->sb.layout;
	u32 nr_data = layout->nr_data;

	if (raid_is_mirror(layout))
		return add_copy(run) &&
		       raid_media_copy(run->raid, dst, run->at[0], run->len);
	if (i > nr_data)
		return add_members(run, 0, nr_data, i) &&
		       raid_vector_store_q(dst, run->at, run->nr, run->len);
	return add_members(run, 0, nr_data + 1, i) &&
	       raid_vector_store_xor(dst, run->at, run->nr, run->len);
}

/* Which member is on a leg; group.nr if none is. */
static u32 member_on(const struct run *run, u32 leg)
{
	u32 i;

	for (i = 0; i < run->group.nr && run->group.member[i].leg != leg; i++)
		;
	return i;
}

/* False if it has to be done group by group: nobody reads what is there then. */
static bool rebuild_at_once(struct run *run, u32 leg)
{
	struct raid *raid = run->raid;
	u32 i = member_on(run, leg);
	void *dst;
	bool done;
	int cookie;

	if (i == run->group.nr)
		return true;
	if (!unharmed(raid) || !raid_media_claim(&cookie))
		return false;
	dst = map(run, i, raid_leg_media(raid, leg));
	done = dst && compute(run, i, dst);
	raid_media_release(cookie);
	raid_fence();
	if (done)
		raid_media_moved(raid, run->nr * run->len, run->len);
	return done;
}

/**
 * raid_run_rebuild() - write what a new leg should have of a run
 * @raid: the array
 * @first: first group, from which on the leg is not in sync
 * @end: from raid_run_end(); how far it came on return
 * @buf: pages to work with
 * @leg: the leg
 *
 * Durable on return.
 *
 * Context: process context, under the lock of the groups; may take meta_lock.
 * Return: as raid_group_rebuild(): 0 or the first error.
 */
int raid_run_rebuild(struct raid *raid, u64 first, u64 *end,
		     struct raid_buf *buf, u32 leg)
{
	struct run run;

	run_init(&run, raid, first, *end);
	if (likely(rebuild_at_once(&run, leg)))
		return 0;
	*end = first + 1;
	return raid_group_rebuild(raid, &run.group, buf, leg);
}

/* Likewise: what the twin has is not read before all of it is copied. */
static bool copy_at_once(struct run *run)
{
	struct raid *raid = run->raid;
	u32 i = member_on(run, raid->twin.leg);
	void *dst;
	bool done;
	int cookie;

	if (i == run->group.nr)
		return true;
	if (!unharmed(raid) || !raid_media_claim(&cookie))
		return false;
	dst = map(run, i, raid_leg_media(raid, RAID_TWIN));
	done = dst && add_member(run, i) &&
	       raid_media_copy(raid, dst, run->at[0], run->len);
	raid_media_release(cookie);
	raid_fence();
	if (done)
		raid_media_moved(raid, run->len, run->len);
	return done;
}

/**
 * raid_run_copy() - copy a run's pages to the device that replaces their leg
 * @raid: the array, a leg of which is being replaced
 * @first: first group, where the copy is
 * @end: from raid_run_end(); how far it came on return
 * @buf: pages to work with
 *
 * Durable on return. From then on, what is written to the leg is written to the
 * device, too.
 *
 * Context: process context, under the lock of the groups; may take meta_lock.
 * Return: as raid_group_copy(): 0 or the first error.
 */
int raid_run_copy(struct raid *raid, u64 first, u64 *end, struct raid_buf *buf)
{
	struct run run;

	run_init(&run, raid, first, *end);
	if (likely(copy_at_once(&run))) {
		WRITE_ONCE(raid->twin.position, *end);
		return 0;
	}
	*end = first + 1;
	return raid_group_copy(raid, &run.group, buf);
}

static bool copies_fit(struct run *run)
{
	void *pair[2] = { run->at[0] };
	u32 i;

	for (i = 1; i < run->nr; i++) {
		pair[1] = run->at[i];
		if (!raid_vector_fits_p(pair, 2, run->len))
			return false;
	}
	return true;
}

/* Are all readable, and is the redundancy that of the data? */
static bool fit_at_once(struct run *run)
{
	const struct raid_layout *layout = &run->raid->sb.layout;
	bool fits;
	int cookie;

	if (!unharmed(run->raid) || !raid_media_claim(&cookie))
		return false;
	fits = add_members(run, 0, run->group.nr, run->group.nr);
	if (fits && raid_is_mirror(layout))
		fits = copies_fit(run);
	else if (fits && layout->nr_parity == 2)
		fits = raid_vector_fits_pq(run->at, run->nr, run->len);
	else if (fits)
		fits = raid_vector_fits_p(run->at, run->nr, run->len);
	raid_media_release(cookie);
	if (fits)
		raid_media_moved(run->raid, run->nr * run->len, 0);
	return fits;
}

/**
 * raid_run_check() - does the redundancy of a run fit its data?
 * @raid: the array
 * @first: first group
 * @end: from raid_run_end(); how far it came on return
 * @buf: pages to work with
 * @repair: as for raid_group_check()
 * @check: result
 *
 * What was mended or repaired is durable on return.
 *
 * Context: process context, under the lock of the groups; may take meta_lock.
 */
void raid_run_check(struct raid *raid, u64 first, u64 *end,
		    struct raid_buf *buf, bool repair,
		    struct raid_run_check *check)
{
	struct raid_check one;
	struct run run;

	*check = (struct raid_run_check){};
	run_init(&run, raid, first, *end);
	if (likely(fit_at_once(&run)))
		return;
	*end = first + 1;
	check->failed = raid_group_check(raid, &run.group, buf, repair, &one);
	check->mismatch = one.mismatch;
}
