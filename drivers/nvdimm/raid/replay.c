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

static enum found read_entry(struct raid *raid, u32 leg, u32 slot,
			     struct raid_log_entry *entry)
{
	u64 offset = raid->sb.log_offset + (u64)slot * RAID_PAGE_SIZE;
	struct pinfold_raid_log_entry raw;

	if (!raid_leg_live(raid, leg))
		return FOUND_NONE;
	if (raid_leg_load(&raid->legs[leg], offset, &raw, sizeof(raw)))
		return FOUND_UNREADABLE;
	return raid_log_decode(raid, &raw, entry) ? FOUND_ENTRY : FOUND_NONE;
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

/* Payload as parity; zero where there is none. False if it is unreadable. */
static bool load_payload(struct replay *r)
{
	u64 offset = r->raid->sb.payload_offset +
		     (u64)r->slot * RAID_PAGE_SIZE + r->off;
	u32 i;

	for (i = r->raid->sb.layout.nr_data; i < r->group.nr; i++) {
		u32 leg = r->group.member[i].leg;

		if (!r->entry.payload || !(r->entry.legs >> leg & 1) ||
		    !raid_member_in_sync(r->raid, &r->group, i))
			memset(r->v[i], 0, r->len);
		else if (raid_leg_load(&r->raid->legs[leg], offset, r->v[i],
				       r->len))
			return false;
	}
	return true;
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

/* Add the pages written to the payload, which is the parity of all others. */
static int finish_partial(struct replay *r)
{
	u32 i;

	for (i = r->entry.first; i < r->entry.first + r->entry.nr; i++)
		raid_parity_add(&r->raid->sb.layout, i, r->len, r->v);
	return store_parity(r);
}

/*
 * Several pages were being written, and the leg of one was lost on top of the
 * power failure: what it should have been cannot be known. Say so rather than
 * make it up; as zero it is out of the way of the other pages.
 */
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
	return finish_partial(r);
}

/*
 * The one page written is missing: it is what P says, be that the old or the
 * new data. Q has to agree.
 */
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
	u32 lost;

	load_data(r);
	if (!r->unread) {
		raid_parity_generate(&r->raid->sb.layout, r->len, r->v);
		return store_parity(r);
	}
	if (!load_payload(r)) {
		raid_note(r->raid, RAID_NOTE_LOG_LOST, 0, 0);
		return 0;
	}
	lost = r->unread & written_mask(&r->entry);
	if (!lost)
		return finish_partial(r);
	if (r->entry.nr == 1)
		return agree_with_p(r);
	return give_up_pages(r, lost);
}

static int replay_redo(struct replay *r)
{
	u32 i;
	int err = 0;

	load_data(r);
	if (!load_payload(r)) {
		raid_note(r->raid, RAID_NOTE_LOG_LOST, 0, 0);
		return 0;
	}
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
		for (leg = 0; leg < nr; leg++) {
			if (read_entry(raid, leg, r.slot, &r.entry) !=
			    FOUND_ENTRY ||
			    !raid_leg_in_sync(raid, leg, r.entry.group) ||
			    !entry_counts(raid, r.slot, &r.entry))
				continue;
			err = replay_entry(&r);
			if (err)
				return err;
			++*replayed;
			/* The other legs have the same one. */
			break;
		}
	}
	raid_fence();
	for (leg = 0; leg < nr; leg++)
		if (raid_leg_live(raid, leg) && raid_log_wipe(raid, leg))
			raid_leg_fail(raid, leg);
	return 0;
}
