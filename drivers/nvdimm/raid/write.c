// SPDX-License-Identifier: GPL-2.0
/*
 * Writing a group: announce, store, retire the announcement. What the log can
 * put right after a power failure, and so what may be stored together, is said
 * in Documentation/dm-pfn-raid.rst.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "group.h"
#include "log.h"
#include "parity.h"
#include "vector.h"

#define SECTOR_BYTES	512

/* What of page @index is written. */
static u32 part_lo(const struct raid_write *write, u32 index)
{
	return index == write->first ? write->lo : 0;
}

static u32 part_hi(const struct raid_write *write, u32 index)
{
	return index == write->first + write->nr - 1 ? write->hi :
						       RAID_PAGE_SIZE;
}

static bool part_is_page(const struct raid_write *write, u32 index)
{
	return part_lo(write, index) == 0 &&
	       part_hi(write, index) == RAID_PAGE_SIZE;
}

static struct raid_log_entry log_entry(u8 kind, u32 first, u32 nr, u32 lo,
				       u32 hi)
{
	return (struct raid_log_entry){
		.kind = kind,
		.first = first,
		.nr = nr,
		.sector = lo / SECTOR_BYTES,
		.sectors = (hi - lo) / SECTOR_BYTES,
	};
}

/* A part of an unreadable page does not mend it: complete it from a copy. */
static void mend_copies(struct raid *raid, const struct raid_group *group,
			struct raid_buf *buf)
{
	u32 unread;

	if (!raid_group_load(raid, group, buf, true, &unread))
		raid_group_mend(raid, group, buf, unread);
}

/*
 * All stores of a write are done. If one failed, on a leg that cannot be spared
 * and may come back, the entry stays for the next assembly to replay.
 */
static void retire(struct raid *raid, const struct raid_buf *buf,
		   const struct raid_log_entry *entry, int err)
{
	raid_fence();
	if (unlikely(err))
		raid_stop_writing(raid);
	else
		raid_log_end(raid, buf, entry);
}

/* Is the data of all pages to be had without those that are not readable? */
static bool redundant(struct raid *raid, const struct raid_group *group)
{
	u32 i, missing = 0;

	for (i = 0; i < group->nr; i++)
		missing += !raid_member_in_sync(raid, group, i) ||
			   raid_bad_kind(raid, group->member[i].leg,
					 group->member[i].page);
	return missing <= raid->sb.layout.nr_parity;
}

static bool map_copies(struct raid *raid, const struct raid_group *group,
		       u32 off, void **at)
{
	u32 i;

	for (i = 0; i < group->nr; i++) {
		const struct raid_member *m = &group->member[i];

		at[i] = raid_media_map(raid,
				       raid_leg_media_in_sync(raid, m->leg,
							      group->index),
				       raid_data_offset(raid, m->page),
				       RAID_PAGE_SIZE);
		if (!at[i])
			return false;
		at[i] += off;
	}
	return true;
}

/*
 * All copies in one go, if nothing is out of the ordinary: then nothing fails on
 * the way. False if nothing was stored.
 */
static bool write_at_once(struct raid *raid, const struct raid_group *group,
			  struct raid_buf *buf, const struct raid_write *write,
			  int *err)
{
	struct raid_log_entry entry = log_entry(PINFOLD_RAID_LOG_MIRROR, 0, 1,
						write->lo, write->hi);
	const void *src = write->lent ?: (char *)buf->new[0] + write->lo;
	u32 len = write->hi - write->lo;
	struct raid_log_place place;
	void *at[RAID_MAX_LEGS];
	bool mapped;
	int cookie;

	/* A new device that does not see what follows is not copied to yet. */
	if (READ_ONCE(raid->nr_bad) || smp_load_acquire(&raid->twin.active) ||
	    !raid_media_claim(&cookie))
		return false;
	mapped = map_copies(raid, group, write->lo, at) &&
		 raid_log_map(raid, group, buf, &place);
	if (mapped) {
		raid_log_begin_at(raid, group, buf, &entry, &place);
		*err = raid_vector_store_copies(at, group->nr, src, len) ?
		       0 : -EIO;
		raid_media_moved(raid, 0, (u64)group->nr * len);
		raid_fence();
		raid_log_end_at(raid, &place);
	}
	raid_media_release(cookie);
	return mapped;
}

static int write_copies(struct raid *raid, const struct raid_group *group,
			struct raid_buf *buf, const struct raid_write *write)
{
	struct raid_log_entry entry = log_entry(PINFOLD_RAID_LOG_MIRROR, 0, 1,
						write->lo, write->hi);
	u32 len = write->hi - write->lo, i, stored = 0;
	bool stale = false;
	int err, rc;

	if (likely(write_at_once(raid, group, buf, write, &err)))
		return err;
	if (write->lent &&
	    !raid_data_take((char *)buf->new[0] + write->lo, write->lent, len))
		return -EIO;
	err = raid_log_begin(raid, group, buf, &entry, NULL);
	if (err)
		return -EIO;
	for (i = 0; i < group->nr; i++) {
		bool in_sync = raid_member_in_sync(raid, group, i);

		rc = raid_member_store(raid, group, i, write->lo, len,
				       (char *)buf->new[0] + write->lo);
		if (!rc)
			stored++;
		else if (rc < 0)
			err = rc;
		else if (in_sync)
			stale = true;
	}
	retire(raid, buf, &entry, err);
	if (stale && stored && !err)
		mend_copies(raid, group, buf);
	return stored ? err : -EIO;
}

/**
 * struct parity_write - a write to a group with parity, under way
 * @raid: the array
 * @group: the group
 * @buf: pages; P and Q being computed are the last of its old[]
 * @lo: first byte of the range that all pages written have in common
 * @len: its length
 * @v: vector of addresses at @lo
 */
struct parity_write {
	struct raid *raid;
	const struct raid_group *group;
	struct raid_buf *buf;
	u32 lo;
	u32 len;
	void *v[RAID_VECTOR];
};

static void point_to(struct parity_write *w, u32 i, const void *page)
{
	w->v[i] = (char *)page + w->lo;
}

static void point_to_parity(struct parity_write *w)
{
	u32 i;

	for (i = w->raid->sb.layout.nr_data; i < w->group->nr; i++)
		point_to(w, i, w->buf->old[i]);
}

/*
 * Store data pages [first, first + nr) from the vector, and the parity, after
 * saying so. The parity in the vector is that of all other data.
 */
static int commit_partial(struct parity_write *w, u32 first, u32 nr)
{
	const struct raid_layout *layout = &w->raid->sb.layout;
	struct raid_log_entry entry = log_entry(PINFOLD_RAID_LOG_PARTIAL, first,
						nr, w->lo, w->lo + w->len);
	bool others = nr < layout->nr_data;
	bool unstored = false;
	u32 i;
	int err, rc;

	/* The parity of no data is zero, and needs no payload. */
	if (!others)
		raid_parity_generate(layout, w->len, w->v);
	err = raid_log_begin(w->raid, w->group, w->buf, &entry,
			     others ? &w->v[layout->nr_data] : NULL);
	if (err)
		return -EIO;
	for (i = first; others && i < first + nr; i++)
		raid_parity_add(layout, i, w->len, w->v);
	for (i = 0; i < w->group->nr; i++) {
		if (i < layout->nr_data && (i < first || i >= first + nr))
			continue;
		rc = raid_member_store(w->raid, w->group, i, w->lo, w->len,
				       w->v[i]);
		if (rc < 0)
			err = rc;
		unstored |= rc;
	}
	retire(w->raid, w->buf, &entry, err);
	if (likely(!unstored))
		return err;
	if (!redundant(w->raid, w->group))
		return -EIO;
	for (i = first; !err && i < first + nr; i++)
		raid_bad_settle(w->raid, w->group->member[i].leg,
				w->group->member[i].page);
	return err;
}

/* Page @index exists as parity only. Both parities must change together. */
static int commit_missing(struct parity_write *w, u32 index)
{
	const struct raid_layout *layout = &w->raid->sb.layout;
	const struct raid_member *m = &w->group->member[index];
	struct raid_log_entry entry = log_entry(PINFOLD_RAID_LOG_REDO, index, 1,
						w->lo, w->lo + w->len);
	u32 i, stored = 0;
	int err;

	raid_parity_generate(layout, w->len, w->v);
	err = raid_log_begin(w->raid, w->group, w->buf, &entry,
			     &w->v[layout->nr_data]);
	if (err)
		return -EIO;
	for (i = layout->nr_data; !err && i < w->group->nr; i++) {
		int rc = raid_member_store(w->raid, w->group, i, w->lo, w->len,
					   w->v[i]);

		if (rc < 0)
			err = rc;
		stored += !rc;
	}
	retire(w->raid, w->buf, &entry, err);
	if (err || !stored || !redundant(w->raid, w->group))
		return -EIO;
	if (raid_bad_kind(w->raid, m->leg, m->page))
		raid_bad_remove(w->raid, m->leg, m->page);
	return 0;
}

/* Make pages that are written in part whole, if several are written. */
static int complete_ends(struct raid *raid, const struct raid_group *group,
			 struct raid_buf *buf, const struct raid_write *write)
{
	u32 last = write->first + write->nr - 1;
	int err = 0;

	if (write->lo)
		err = raid_member_load(raid, group, write->first, 0, write->lo,
				       buf->new[write->first]);
	if (!err && write->hi < RAID_PAGE_SIZE)
		err = raid_member_load(raid, group, last, write->hi,
				       RAID_PAGE_SIZE - write->hi,
				       (char *)buf->new[last] + write->hi);
	return err;
}

/* Parity without the pages written: by taking their old data out of it. */
static int subtract_old(struct parity_write *w, const struct raid_write *write)
{
	const struct raid_layout *layout = &w->raid->sb.layout;
	u32 i;
	int err = 0;

	for (i = layout->nr_data; !err && i < w->group->nr; i++)
		err = raid_member_load(w->raid, w->group, i, w->lo, w->len,
				       w->v[i]);
	for (i = write->first; !err && i < write->first + write->nr; i++) {
		point_to(w, i, w->buf->old[i]);
		err = raid_member_load(w->raid, w->group, i, w->lo, w->len,
				       w->v[i]);
		if (!err)
			raid_parity_add(layout, i, w->len, w->v);
	}
	return err;
}

/* The same, by adding up the pages that stay. */
static int add_up_others(struct parity_write *w, const struct raid_write *write)
{
	const struct raid_layout *layout = &w->raid->sb.layout;
	int err = 0;
	u32 i;

	for (i = 0; !err && i < layout->nr_data; i++) {
		if (i >= write->first && i < write->first + write->nr) {
			w->v[i] = (void *)raid_zeroes;
			continue;
		}
		point_to(w, i, w->buf->old[i]);
		err = raid_member_load(w->raid, w->group, i, w->lo, w->len,
				       w->v[i]);
	}
	if (!err)
		raid_parity_generate(layout, w->len, w->v);
	return err;
}

/*
 * The rebuild's position on the media is behind that in memory, and replay goes
 * by the former: an entry about several pages would make it give up those on
 * the new leg.
 */
static bool any_rebuilding(struct raid *raid, const struct raid_group *group)
{
	u32 i;

	for (i = 0; i < group->nr; i++)
		if (raid_leg_state(raid, group->member[i].leg) ==
		    PINFOLD_RAID_ROLE_REBUILDING)
			return true;
	return false;
}

static bool all_in_sync(struct raid *raid, const struct raid_group *group)
{
	u32 i;

	for (i = 0; i < group->nr; i++)
		if (!raid_member_in_sync(raid, group, i))
			return false;
	return true;
}

/*
 * The old data of several pages that are written together is lost if power fails
 * and one of them cannot be read afterwards.
 */
static bool any_bad(struct raid *raid, const struct raid_group *group,
		    const struct raid_write *write)
{
	u32 i;

	/* One page may be bad, but what is on the list takes all of it. */
	if (write->nr == 1)
		return raid_bad_kind(raid, group->member[write->first].leg,
				     group->member[write->first].page);
	for (i = write->first; i < write->first + write->nr; i++)
		if (raid_member_bad(raid, group, i))
			return true;
	return false;
}

/*
 * All members are there, and what has to be read can be. An error means that
 * nothing was stored yet: write_degraded() can do it.
 */
static int prepare_healthy(struct parity_write *w,
			   const struct raid_write *write)
{
	const struct raid_layout *layout = &w->raid->sb.layout;
	u32 i;
	int err = 0;

	if (write->nr > 1)
		err = complete_ends(w->raid, w->group, w->buf, write);
	w->lo = write->nr > 1 ? 0 : write->lo;
	w->len = (write->nr > 1 ? RAID_PAGE_SIZE : write->hi) - w->lo;
	point_to_parity(w);
	if (!err && write->nr < layout->nr_data)
		err = write->nr + layout->nr_parity <=
		      layout->nr_data - write->nr ?
		      subtract_old(w, write) : add_up_others(w, write);
	for (i = write->first; i < write->first + write->nr; i++)
		point_to(w, i, w->buf->new[i]);
	return err;
}

/* old[] has all data; new[] gets what is to be there of the pages written. */
static void overlay(struct raid_buf *buf, const struct raid_write *write)
{
	u32 i;

	for (i = write->first; i < write->first + write->nr; i++) {
		u32 lo = part_lo(write, i), hi = part_hi(write, i);

		memcpy(buf->new[i], buf->old[i], lo);
		memcpy((char *)buf->new[i] + hi, (char *)buf->old[i] + hi,
		       RAID_PAGE_SIZE - hi);
	}
}

/* One data page, whole, of a group whose data is all in old[]. */
static int write_one(struct parity_write *w, u32 index)
{
	const struct raid_layout *layout = &w->raid->sb.layout;
	u32 i;
	int err;

	for (i = 0; i < layout->nr_data; i++)
		point_to(w, i, w->buf->old[i]);
	if (raid_member_in_sync(w->raid, w->group, index)) {
		w->v[index] = (void *)raid_zeroes;
		raid_parity_generate(layout, w->len, w->v);
		point_to(w, index, w->buf->new[index]);
		err = commit_partial(w, index, 1);
	} else {
		point_to(w, index, w->buf->new[index]);
		err = commit_missing(w, index);
	}
	if (!err)
		memcpy(w->buf->old[index], w->buf->new[index], RAID_PAGE_SIZE);
	return err;
}

/* A page that is lost can only be written as a whole. */
static bool lost_in_part(struct raid *raid, const struct raid_group *group,
			 const struct raid_write *write, u32 unread)
{
	u32 i;

	for (i = write->first; i < write->first + write->nr; i++)
		if (unread & BIT(i) && !part_is_page(write, i) &&
		    raid_bad_kind(raid, group->member[i].leg,
				  group->member[i].page) ==
		    PINFOLD_RAID_BAD_LOST)
			return true;
	return false;
}

/* Is none of the unreadable pages written in part only? */
static bool all_whole(const struct raid_write *write, u32 unread)
{
	u32 i;

	for (i = write->first; i < write->first + write->nr; i++)
		if (unread & BIT(i) && !part_is_page(write, i))
			return false;
	return true;
}

/*
 * Too much is unreadable to compute it. That is no reason to refuse new data:
 * what nobody has is lost, and taken for zero, so that parity can be computed.
 */
static int give_up_unread(struct parity_write *w,
			  const struct raid_write *write, u32 unread)
{
	u32 i;

	if (!all_whole(write, unread))
		return -EIO;
	for (i = 0; i < w->raid->sb.layout.nr_data; i++) {
		const struct raid_member *m = &w->group->member[i];

		if (!(unread & BIT(i)))
			continue;
		if (raid_bad_add(w->raid, m->leg, m->page,
				 PINFOLD_RAID_BAD_LOST))
			return -EIO;
		raid_note(w->raid, RAID_NOTE_LOST, m->leg, m->page);
		memset(w->buf->old[i], 0, RAID_PAGE_SIZE);
	}
	return 0;
}

/*
 * Something is missing or unreadable: one page after the other, so that after a
 * power failure each is as it was or as it should be, the missing ones too.
 */
static int write_degraded(struct parity_write *w,
			  const struct raid_write *write)
{
	u32 unread, i;
	int err;

	w->lo = 0;
	w->len = RAID_PAGE_SIZE;
	point_to_parity(w);
	err = raid_group_load(w->raid, w->group, w->buf, false, &unread);
	if (err == -EIO || err == -ENODATA)
		err = give_up_unread(w, write, unread);
	if (err || lost_in_part(w->raid, w->group, write, unread))
		return -EIO;
	overlay(w->buf, write);
	for (i = write->first; !err && i < write->first + write->nr; i++)
		err = write_one(w, i);
	if (!err && unread)
		err = raid_group_mend(w->raid, w->group, w->buf, unread);
	return err;
}

/**
 * raid_group_write() - write data pages of a group
 * @raid: the array
 * @group: the group, locked by raid_group_lock_written()
 * @buf: new[] has the data, nobody else's to change, unless it is lent
 * @write: which, and what of them
 *
 * Durable on return, on all legs that take part in the group then.
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0 or -EIO.
 */
int raid_group_write(struct raid *raid, const struct raid_group *group,
		     struct raid_buf *buf, const struct raid_write *write)
{
	struct parity_write w = { .raid = raid, .group = group, .buf = buf };

	if (unlikely(READ_ONCE(raid->broken)))
		return -EIO;
	if (raid_is_mirror(&raid->sb.layout))
		return write_copies(raid, group, buf, write);
	if (likely(all_in_sync(raid, group)) &&
	    (write->nr == 1 || !any_rebuilding(raid, group)) &&
	    !any_bad(raid, group, write) &&
	    !prepare_healthy(&w, write))
		return commit_partial(&w, write->first, write->nr);
	return write_degraded(&w, write);
}
