// SPDX-License-Identifier: GPL-2.0
/*
 * Making right, at assembly, the groups that were being written when power
 * failed. Running it twice, or again after it was interrupted, does no harm.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "log.h"
#include "parity.h"

#define SECTOR_BYTES	512

/**
 * struct replay - replaying one entry
 * @raid: the array
 * @buf: pages
 * @slot: the entry's number
 * @entry: the entry
 * @group: its group
 * @off: first byte of the range written
 * @len: its length
 * @unread: members that cannot be read, as bits
 * @v: vector; data where it can be read, payload as parity
 */
struct replay {
	struct raid *raid;
	struct raid_buf *buf;
	u32 slot;
	struct raid_log_entry entry;
	struct raid_group group;
	u32 off;
	u32 len;
	u32 unread;
	void *v[RAID_VECTOR];
};

enum found { FOUND_NONE, FOUND_ENTRY, FOUND_UNREADABLE };

/* Either copy will do. */
static enum found read_entry(struct raid *raid, u32 leg, u32 slot,
			     struct raid_log_entry *entry)
{
	struct pinfold_raid_log_entry raw;
	u32 copy, unreadable = 0;

	if (!raid_leg_live(raid, leg))
		return FOUND_NONE;
	for (copy = 0; copy < 2; copy++) {
		if (raid_leg_load(raid, leg, raid_log_offset(raid, slot, copy),
				  &raw, sizeof(raw)))
			unreadable++;
		else if (raid_log_decode(raid, &raw, entry))
			return FOUND_ENTRY;
	}
	return unreadable == 2 ? FOUND_UNREADABLE : FOUND_NONE;
}

/*
 * An entry that is not on every leg it names was being announced, with nothing
 * stored yet, or retired, with everything stored. An unreadable one is taken
 * for the same: replaying it in vain does no harm.
 */
static bool entry_counts(struct raid *raid, u32 slot,
			 const struct raid_log_entry *entry)
{
	struct raid_log_entry other;
	u32 leg;

	for (leg = 0; leg < raid->sb.layout.nr_legs; leg++) {
		if (!(entry->legs >> leg & 1) ||
		    !raid_leg_in_sync(raid, leg, entry->group))
			continue;
		switch (read_entry(raid, leg, slot, &other)) {
		case FOUND_NONE:
			return false;
		case FOUND_ENTRY:
			if (other.id != entry->id)
				return false;
			break;
		case FOUND_UNREADABLE:
			break;
		}
	}
	return true;
}

static int store(struct replay *r, u32 i)
{
	return raid_member_store(r->raid, &r->group, i, r->off, r->len,
				 r->v[i]) < 0 ? -EIO : 0;
}

static int store_parity(struct replay *r)
{
	u32 i;
	int err = 0;

	for (i = r->raid->sb.layout.nr_data; !err && i < r->group.nr; i++)
		err = store(r, i);
	return err;
}

static int replay_mirror(struct replay *r)
{
	u32 unread, i;
	int err = 0;

	if (raid_group_load(r->raid, &r->group, r->buf, false, &unread))
		return 0;
	for (i = 0; !err && i < r->group.nr; i++) {
		r->v[i] = (char *)r->buf->old[0] + r->off;
		err = store(r, i);
	}
	return err;
}

/* Payload as parity; zero where there is none. What is unreadable, as bits. */
static u32 load_payload(struct replay *r)
{
	u64 offset = r->raid->sb.payload_offset +
		     (u64)r->slot * RAID_PAGE_SIZE + r->off;
	u32 i, unknown = 0;

	for (i = r->raid->sb.layout.nr_data; i < r->group.nr; i++) {
		u32 leg = r->group.member[i].leg;

		if (!r->entry.payload || !(r->entry.legs >> leg & 1) ||
		    !raid_member_in_sync(r->raid, &r->group, i))
			memset(r->v[i], 0, r->len);
		else if (raid_leg_load(r->raid, leg, offset, r->v[i], r->len))
			unknown |= BIT(i);
	}
	return unknown;
}

static void load_data(struct replay *r)
{
	u32 i;

	r->unread = 0;
	for (i = 0; i < r->group.nr; i++) {
		r->v[i] = (char *)r->buf->old[i] + r->off;
		if (i < r->raid->sb.layout.nr_data &&
		    raid_member_load(r->raid, &r->group, i, r->off, r->len,
				     r->v[i]))
			r->unread |= BIT(i);
	}
}

/* The pages the write was about. */
static u32 written_mask(const struct raid_log_entry *entry)
{
	return (u32)((1ULL << entry->nr) - 1) << entry->first;
}

static void add_written(struct replay *r)
{
	u32 i;

	for (i = r->entry.first; i < r->entry.first + r->entry.nr; i++)
		raid_parity_add(&r->raid->sb.layout, i, r->len, r->v);
}

/* Add the pages written to the payload, which is the parity of all others. */
static int finish_partial(struct replay *r)
{
	add_written(r);
	return store_parity(r);
}

/* What cannot be known: say so rather than make it up. It is zero from now on. */
static int give_up_pages(struct replay *r, u32 lost)
{
	u32 i;

	for (i = 0; i < r->raid->sb.layout.nr_data; i++) {
		const struct raid_member *m = &r->group.member[i];

		if (!(lost & BIT(i)))
			continue;
		if (raid_bad_add(r->raid, m->leg, m->page,
				 PINFOLD_RAID_BAD_LOST))
			return -EIO;
		raid_note(r->raid, RAID_NOTE_LOST, m->leg, m->page);
		memset(r->v[i], 0, r->len);
	}
	return 0;
}

/*
 * Parity from data and payload, but one of two payloads is unreadable: the other
 * one has to be enough for the data, or else that is lost.
 */
static int without_payload(struct replay *r, u32 unknown)
{
	const struct raid_layout *layout = &r->raid->sb.layout;
	int err;

	raid_note(r->raid, RAID_NOTE_LOG_LOST, 0, 0);
	if (raid_parity_recover(layout, r->unread | unknown, r->len, r->v))
		return store_parity(r);
	err = give_up_pages(r, r->unread);
	if (err)
		return err;
	raid_parity_generate(layout, r->len, r->v);
	return store_parity(r);
}

/*
 * The one page written is all that is missing: it is what P says, be that the old
 * or the new data, and Q has to agree; or the other way round.
 */
static int agree(struct replay *r)
{
	const struct raid_layout *layout = &r->raid->sb.layout;
	u32 p = layout->nr_data, q = p + 1, m = r->entry.first, other;

	if (layout->nr_parity < 2)
		return 0;
	if (!raid_member_load(r->raid, &r->group, p, r->off, r->len, r->v[p]))
		other = q;
	else if (!raid_member_load(r->raid, &r->group, q, r->off, r->len,
				   r->v[q]))
		other = p;
	else
		return 0;
	raid_parity_recover(layout, BIT(m) | BIT(other), r->len, r->v);
	return store(r, other);
}

/* The same with another page missing, too, so that it takes the payload. */
static int agree_with_p(struct replay *r)
{
	const struct raid_layout *layout = &r->raid->sb.layout;
	u32 p = layout->nr_data, m = r->entry.first, i;

	if (layout->nr_parity < 2 ||
	    !raid_member_in_sync(r->raid, &r->group, p) ||
	    !(r->entry.legs >> r->group.member[p].leg & 1) ||
	    raid_member_load(r->raid, &r->group, p, r->off, r->len, r->v[m]))
		return 0;
	for (i = 0; i < r->len; i++)
		((u8 *)r->v[m])[i] ^= ((u8 *)r->v[p])[i];
	return finish_partial(r);
}

static int replay_partial(struct replay *r)
{
	u32 lost, unknown;
	int err;

	load_data(r);
	if (!r->unread) {
		raid_parity_generate(&r->raid->sb.layout, r->len, r->v);
		return store_parity(r);
	}
	lost = r->unread & written_mask(&r->entry);
	if (r->entry.nr == 1 && lost == r->unread)
		return agree(r);
	unknown = load_payload(r);
	if (lost && r->entry.nr == 1 && !unknown)
		return agree_with_p(r);
	/*
	 * Several pages were being written, and one of them is missing on top of
	 * the power failure.
	 */
	if (lost) {
		err = give_up_pages(r, unknown ? r->unread : lost);
		if (err)
			return err;
	}
	if (unknown && lost) {
		raid_parity_generate(&r->raid->sb.layout, r->len, r->v);
		return store_parity(r);
	}
	add_written(r);
	return unknown ? without_payload(r, unknown) : store_parity(r);
}

static int replay_redo(struct replay *r)
{
	u32 unknown, i;
	int err = 0;

	load_data(r);
	unknown = load_payload(r);
	if (unknown)
		return without_payload(r, unknown);
	for (i = r->raid->sb.layout.nr_data; !err && i < r->group.nr; i++)
		if (r->entry.legs >> r->group.member[i].leg & 1)
			err = store(r, i);
	return err;
}

static int replay_entry(struct replay *r)
{
	raid_layout_group(&r->raid->sb.layout, r->entry.group, &r->group);
	r->off = r->entry.sector * SECTOR_BYTES;
	r->len = r->entry.sectors * SECTOR_BYTES;
	switch (r->entry.kind) {
	case PINFOLD_RAID_LOG_MIRROR:
		return replay_mirror(r);
	case PINFOLD_RAID_LOG_PARTIAL:
		return replay_partial(r);
	default:
		return replay_redo(r);
	}
}

/* All legs that have an entry in this slot have the same one. */
static int replay_slot(struct replay *r, u32 *replayed)
{
	struct raid *raid = r->raid;
	bool unreadable = false;
	enum found found;
	u32 leg;
	int err;

	for (leg = 0; leg < raid->sb.layout.nr_legs; leg++) {
		found = read_entry(raid, leg, r->slot, &r->entry);
		unreadable |= found == FOUND_UNREADABLE;
		if (found != FOUND_ENTRY ||
		    !raid_leg_in_sync(raid, leg, r->entry.group) ||
		    !entry_counts(raid, r->slot, &r->entry))
			continue;
		err = replay_entry(r);
		*replayed += !err;
		return err;
	}
	/* Most likely it was just being written, and nothing else. */
	if (unreadable) {
		raid_note(raid, RAID_NOTE_LOG_LOST, 0, 0);
		raid->suspect = true;
	}
	return 0;
}

/**
 * raid_log_replay() - make right what was being written, and empty the log
 * @raid: the array, its metadata loaded, not in use yet
 * @buf: pages to work with
 * @replayed: number of entries replayed
 *
 * Context: process context; takes meta_lock.
 * Return: 0 or -EIO.
 */
int raid_log_replay(struct raid *raid, struct raid_buf *buf, u32 *replayed)
{
	struct replay r = { .raid = raid, .buf = buf };
	u32 leg, nr = raid->sb.layout.nr_legs;
	int err;

	*replayed = 0;
	for (r.slot = 0; r.slot < PINFOLD_RAID_LOG_SLOTS; r.slot++) {
		err = replay_slot(&r, replayed);
		if (err)
			return err;
	}
	raid_fence();
	/* What is left would be replayed by another assembly. */
	for (leg = 0; leg < nr; leg++)
		if (raid_leg_live(raid, leg) && raid_log_wipe(raid, leg) &&
		    raid_leg_fail(raid, leg, NULL))
			return -EIO;
	return 0;
}
