// SPDX-License-Identifier: GPL-2.0
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "group.h"
#include "parity.h"
#include "vector.h"

/* Which member to read; group->nr if none can be. */
static u32 choose(struct raid *raid, const struct raid_group *group, u32 index)
{
	u32 i, n, late = 0;

	if (!raid_is_mirror(&raid->sb.layout))
		return index;
	/* Neighbouring regions are read from different copies. */
	i = group->index / raid->sb.region_groups % group->nr;
	for (n = 0; n < group->nr; n++) {
		if (raid_member_in_sync(raid, group, i)) {
			if (likely(!raid_member_reluctant(raid, group, i)))
				return i;
			late = i + 1;
		}
		i = i + 1 < group->nr ? i + 1 : 0;
	}
	return late ? late - 1 : group->nr;
}

/* From the leg itself, if nothing is out of the ordinary. False if it cannot be. */
static bool read_at_once(struct raid *raid, const struct raid_group *group,
			 u32 i, u32 off, u32 len, void *dst)
{
	const struct raid_member *m = &group->member[i];
	bool done = false;
	void *media, *at;
	int cookie;

	if (READ_ONCE(raid->nr_bad) || len % RAID_VECTOR_BLOCK ||
	    !raid_media_claim(&cookie))
		return false;
	media = raid_leg_media_in_sync(raid, m->leg, group->index);
	at = raid_media_map(raid, media, raid_data_offset(raid, m->page),
			    RAID_PAGE_SIZE);
	if (likely(at))
		done = raid_vector_load(dst, at + off, len);
	raid_media_release(cookie);
	if (done)
		raid_media_moved(raid, len, 0);
	return done;
}

static int read_one(struct raid *raid, const struct raid_group *group,
		    u32 index, u32 off, u32 len, void *dst)
{
	u32 i = choose(raid, group, index);

	if (unlikely(i == group->nr))
		return -EIO;
	if (likely(read_at_once(raid, group, i, off, len, dst)))
		return 0;
	return raid_member_load(raid, group, i, off, len, dst);
}

/**
 * raid_group_read() - read data as it is on the leg
 * @raid: the array
 * @group: the group
 * @index: which data page
 * @off: first byte, a multiple of 512
 * @len: bytes, a multiple of 512
 * @dst: where to
 *
 * Without the group's lock: a read that races with a write to the same sectors
 * may return either.
 *
 * Context: process context; may take meta_lock.
 * Return: 0, or -errno if it takes raid_group_read_locked().
 */
int raid_group_read(struct raid *raid, const struct raid_group *group,
		    u32 index, u32 off, u32 len, void *dst)
{
	u32 added;
	int err;

	/* Pairs with the barrier in raid_bad_add(), as the one below does. */
	added = smp_load_acquire(&raid->nr_added);
	err = read_one(raid, group, index, off, len, dst);
	/* Was a page just about to be cleared? */
	smp_rmb();
	return unlikely(READ_ONCE(raid->nr_added) != added) ? -EIO : err;
}

/**
 * raid_group_read_locked() - read data, computing and mending what is unreadable
 * @raid: the array
 * @group: the group
 * @buf: pages to work with
 * @index: which data page
 * @off: first byte, a multiple of 512
 * @len: bytes, a multiple of 512
 * @dst: where to
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0 or -EIO.
 */
int raid_group_read_locked(struct raid *raid, const struct raid_group *group,
			   struct raid_buf *buf, u32 index, u32 off, u32 len,
			   void *dst)
{
	const struct raid_member *m = &group->member[index];
	u32 unread;

	if (raid_group_load(raid, group, buf, false, &unread))
		return -EIO;
	if (!raid_is_mirror(&raid->sb.layout) && unread & BIT(index) &&
	    raid_bad_kind(raid, m->leg, m->page) == PINFOLD_RAID_BAD_LOST)
		return -EIO;
	memcpy(dst, (char *)buf->old[index] + off, len);
	/* The data is right, whether or not it can be written back. */
	raid_group_mend(raid, group, buf, unread);
	return 0;
}

/**
 * raid_group_zero() - make a group of a region never written zero
 * @raid: the array
 * @index: the group
 *
 * Zero data has zero parity, so the group is redundant. Not fenced.
 *
 * Context: process context, under the region's lock; may take meta_lock.
 * Return: 0 or -EIO.
 */
int raid_group_zero(struct raid *raid, u64 index)
{
	struct raid_group group;
	u32 i, failed = 0;

	raid_layout_group(&raid->sb.layout, index, &group);
	for (i = 0; i < group.nr; i++) {
		if (!raid_member_store(raid, &group, i, 0, RAID_PAGE_SIZE,
				       raid_zeroes))
			continue;
		failed++;
		/* Whatever was lost there, it is zero, and others say so. */
		raid_bad_settle(raid, group.member[i].leg,
				group.member[i].page);
	}
	return failed > (raid_is_mirror(&raid->sb.layout) ? group.nr - 1 :
			 raid->sb.layout.nr_parity) ? -EIO : 0;
}

static bool copies_equal(struct raid *raid, const struct raid_group *group,
			 struct raid_buf *buf, u32 unread)
{
	u32 i;

	for (i = 0; i < group->nr; i++) {
		if (unread & BIT(i) ||
		    raid_member_load(raid, group, i, 0, RAID_PAGE_SIZE,
				     buf->spare))
			continue;
		if (memcmp(buf->old[0], buf->spare, RAID_PAGE_SIZE))
			return false;
	}
	return true;
}

static int rewrite_redundancy(struct raid *raid, const struct raid_group *group,
			      struct raid_buf *buf)
{
	const struct raid_layout *layout = &raid->sb.layout;
	bool mirror = raid_is_mirror(layout);
	u32 i;

	if (!mirror)
		raid_parity_generate(layout, RAID_PAGE_SIZE, buf->old);
	for (i = mirror ? 0 : layout->nr_data; i < group->nr; i++)
		if (raid_member_store(raid, group, i, 0, RAID_PAGE_SIZE,
				      buf->old[mirror ? 0 : i]) < 0)
			return -EIO;
	raid_fence();
	return 0;
}

/**
 * raid_group_check() - does the redundancy fit the data?
 * @raid: the array
 * @group: the group
 * @buf: pages to work with
 * @repair: make it fit; without, only unreadable pages are mended
 * @check: result
 *
 * What was mended or repaired is durable on return.
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0, or -EIO if the group is beyond repair.
 */
int raid_group_check(struct raid *raid, const struct raid_group *group,
		     struct raid_buf *buf, bool repair,
		     struct raid_check *check)
{
	u32 unread;
	int err = raid_group_load(raid, group, buf, true, &unread);

	*check = (struct raid_check){};
	if (!err)
		err = raid_group_mend(raid, group, buf, unread);
	if (err)
		return -EIO;
	/* What was computed from the parity fits it. */
	if (raid_is_mirror(&raid->sb.layout) ?
	    copies_equal(raid, group, buf, unread) :
	    unread || raid_parity_fits(&raid->sb.layout, RAID_PAGE_SIZE,
				       buf->old))
		return 0;
	check->mismatch = true;
	if (!repair)
		return 0;
	err = rewrite_redundancy(raid, group, buf);
	check->repaired = !err;
	return err;
}

/* Nobody has what the new leg should get. */
static int give_up(struct raid *raid, const struct raid_group *group, u32 i)
{
	const struct raid_member *m = &group->member[i];
	bool data = i < raid->sb.layout.nr_data ||
		    raid_is_mirror(&raid->sb.layout);

	if (raid_bad_add(raid, m->leg, m->page, data ? PINFOLD_RAID_BAD_LOST :
			 PINFOLD_RAID_BAD_STALE))
		return -EIO;
	raid_note(raid, data ? RAID_NOTE_LOST : RAID_NOTE_STALE, m->leg,
		  m->page);
	return 0;
}

/**
 * raid_group_rebuild() - write what a new leg should have of a group
 * @raid: the array
 * @group: the group
 * @buf: pages to work with
 * @leg: the leg, not in sync for this group
 *
 * Durable on return. What no leg can give any more is recorded as lost: an
 * error for whoever reads it, and no reason to give up on the rest.
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0; -EIO if the leg cannot be written; -ENXIO if a leg that the array
 * cannot do without is gone: nothing is known to be lost, as it may come back.
 */
int raid_group_rebuild(struct raid *raid, const struct raid_group *group,
		       struct raid_buf *buf, u32 leg)
{
	bool mirror = raid_is_mirror(&raid->sb.layout);
	const struct raid_member *m;
	u32 unread, kind, i;
	int err;

	for (i = 0; i < group->nr && group->member[i].leg != leg; i++)
		;
	if (i == group->nr)
		return 0;
	m = &group->member[i];
	err = READ_ONCE(raid->broken) ? -ENXIO :
	      raid_group_load(raid, group, buf, false, &unread);
	if (err == -ENXIO)
		return err;
	if (err)
		return give_up(raid, group, i);
	raid_group_mend(raid, group, buf, unread & ~BIT(i));
	/* Not in sync here: nobody reads what clearing may leave. */
	err = raid_page_store(raid, leg, raid_data_offset(raid, m->page),
			      buf->old[mirror ? 0 : i]);
	raid_fence();
	kind = raid_bad_kind(raid, leg, m->page);
	if (err == -EIO)
		return raid_bad_add(raid, leg, m->page,
				    PINFOLD_RAID_BAD_STALE) ? -EIO : 0;
	/* What a copy has is not lost; what parity says of a lost page is. */
	if (!err && (kind == PINFOLD_RAID_BAD_STALE || (kind && mirror)))
		raid_bad_remove(raid, leg, m->page);
	return err ? -EIO : 0;
}

/*
 * What a member holds, or should: from its leg, or else from the others, which
 * mends the leg, too. NULL, and an error or 0, if there is nothing to be had.
 */
static void *member_contents(struct raid *raid, const struct raid_group *group,
			     struct raid_buf *buf, u32 i, int *err)
{
	u32 unread;

	*err = raid_member_load(raid, group, i, 0, RAID_PAGE_SIZE, buf->spare);
	if (!*err)
		return buf->spare;
	if (*err == -ENODEV)
		return NULL;
	*err = raid_group_load(raid, group, buf, true, &unread);
	if (*err == -ENXIO)
		return NULL;
	if (*err) {
		*err = give_up(raid, group, i) ? -ENOSPC : 0;
		return NULL;
	}
	raid_group_mend(raid, group, buf, unread);
	return buf->old[raid_is_mirror(&raid->sb.layout) ? 0 : i];
}

/**
 * raid_group_copy() - copy a group's page to the device that replaces its leg
 * @raid: the array, a leg of which is being replaced
 * @group: the group
 * @buf: pages to work with
 *
 * Durable on return. From then on, what is written to the leg is written to the
 * device, too. What no leg can give any more is recorded as lost.
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0; -ENODEV if the leg is missing; -ENXIO if the contents are to be had
 * only from legs that are gone and may come back; -EIO if the device failed;
 * -ENOSPC if the list of bad pages is full.
 */
int raid_group_copy(struct raid *raid, const struct raid_group *group,
		    struct raid_buf *buf)
{
	u32 leg = raid->twin.leg, i;
	int err = 0;
	void *page;

	for (i = 0; i < group->nr && group->member[i].leg != leg; i++)
		;
	if (i < group->nr) {
		if (READ_ONCE(raid->broken))
			return -ENXIO;
		page = member_contents(raid, group, buf, i, &err);
		if (err)
			return err;
		if (page)
			err = raid_page_store(raid, RAID_TWIN,
					      raid_data_offset(raid,
							       group->member[i].page),
					      page);
		raid_fence();
	}
	if (err) {
		raid_leg_fail(raid, RAID_TWIN, NULL);
		return -EIO;
	}
	WRITE_ONCE(raid->twin.position, group->index + 1);
	return 0;
}
