// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "log.h"

static_assert(sizeof(struct pinfold_raid_log_entry) ==
	      PINFOLD_RAID_LOG_ENTRY_SIZE);

#define SECTOR_BYTES	512
#define PAGE_SECTORS_8	(RAID_PAGE_SIZE / SECTOR_BYTES)

/**
 * raid_log_offset() - where an entry is
 * @raid: the array
 * @slot: its number
 * @copy: 0 or 1
 *
 * Context: any.
 * Return: offset from the start of the leg.
 */
u64 raid_log_offset(const struct raid *raid, u32 slot, u32 copy)
{
	return raid->sb.log_offset + copy * PINFOLD_RAID_LOG_COPY +
	       (u64)slot * RAID_PAGE_SIZE;
}

static u32 entry_checksum(const struct raid *raid,
			  const struct pinfold_raid_log_entry *raw)
{
	const size_t after = offsetofend(struct pinfold_raid_log_entry,
					 checksum);

	return crc32c(raid->uuid_seed, (const u8 *)raw + after,
		      sizeof(*raw) - after);
}

/**
 * raid_log_encode() - make an entry for the media
 * @raid: the array
 * @raw: result
 * @entry: contents
 *
 * Context: any.
 */
void raid_log_encode(const struct raid *raid,
		     struct pinfold_raid_log_entry *raw,
		     const struct raid_log_entry *entry)
{
	memset(raw, 0, sizeof(*raw));
	raw->magic = cpu_to_le32(PINFOLD_RAID_LOG_MAGIC);
	raw->id = cpu_to_le64(entry->id);
	raw->group = cpu_to_le64(entry->group);
	raw->legs = cpu_to_le32(entry->legs);
	raw->kind = entry->kind;
	raw->first = entry->first;
	raw->nr = entry->nr;
	raw->sector = entry->sector;
	raw->sectors = entry->sectors;
	raw->payload = entry->payload;
	raw->checksum = cpu_to_le32(entry_checksum(raid, raw));
}

static bool entry_valid(const struct raid *raid,
			const struct raid_log_entry *entry)
{
	const struct raid_layout *layout = &raid->sb.layout;

	return entry->group < layout->nr_groups &&
	       entry->kind >= PINFOLD_RAID_LOG_MIRROR &&
	       entry->kind <= PINFOLD_RAID_LOG_REDO &&
	       (entry->kind == PINFOLD_RAID_LOG_MIRROR) ==
	       raid_is_mirror(layout) &&
	       entry->nr && entry->first + entry->nr <= layout->nr_data &&
	       entry->sectors &&
	       entry->sector + entry->sectors <= PAGE_SECTORS_8;
}

/**
 * raid_log_decode() - judge what was read from an entry's place
 * @raid: the array
 * @raw: what was read
 * @entry: contents, if there is an entry
 *
 * Context: any.
 * Return: true if it is an entry of this array.
 */
bool raid_log_decode(const struct raid *raid,
		     const struct pinfold_raid_log_entry *raw,
		     struct raid_log_entry *entry)
{
	if (le32_to_cpu(raw->magic) != PINFOLD_RAID_LOG_MAGIC ||
	    le32_to_cpu(raw->checksum) != entry_checksum(raid, raw))
		return false;
	entry->id = le64_to_cpu(raw->id);
	entry->group = le64_to_cpu(raw->group);
	entry->legs = le32_to_cpu(raw->legs);
	entry->kind = raw->kind;
	entry->first = raw->first;
	entry->nr = raw->nr;
	entry->sector = raw->sector;
	entry->sectors = raw->sectors;
	entry->payload = raw->payload;
	return entry_valid(raid, entry);
}

/* Nobody else needs what is in the page: if it is poisoned, clear it. */
static int store_on(struct raid *raid, u32 leg, u64 page, u32 off,
		    const void *src, size_t len)
{
	void *media = raid_leg_media(raid, leg);
	int err = raid_media_store(raid, media, page + off, src, len);

	if (likely(!err))
		return 0;
	if (err == -EIO)
		err = raid_media_clear(raid, media, page, raid_zeroes);
	if (!err)
		err = raid_media_store(raid, media, page + off, src, len);
	return err ? raid_leg_fail(raid, leg, media) : 0;
}

/* A device that is about to take the role has to have what is in flight then. */
static int store(struct raid *raid, u32 leg, u64 page, u32 off,
		 const void *src, size_t len)
{
	int err = raid_leg_has_twin(raid, leg) ?
		  store_on(raid, RAID_TWIN, page, off, src, len) : 0;

	return store_on(raid, leg, page, off, src, len) ?: err;
}

/*
 * Both copies at once: one that is unreadable afterwards because it was being
 * written when power failed means that nothing was stored yet, or everything.
 */
static int store_entry(struct raid *raid, u32 slot, u32 legs, const void *src,
		       size_t len)
{
	u32 i, copy;
	int err = 0, rc;

	for (i = 0; i < raid->sb.layout.nr_legs; i++)
		for (copy = 0; legs >> i & 1 && copy < 2; copy++) {
			rc = store(raid, i, raid_log_offset(raid, slot, copy),
				   0, src, len);
			if (rc)
				err = rc;
		}
	raid_fence();
	return err;
}

/*
 * Each parity leg has the payload that its own parity needs: if the leg is
 * lost, so is the need for it.
 */
static int store_payload(struct raid *raid, const struct raid_group *group,
			 u32 slot, const struct raid_log_entry *entry,
			 void *const parity[2])
{
	u32 nr_data = raid->sb.layout.nr_data, i;
	u64 page = raid->sb.payload_offset + (u64)slot * RAID_PAGE_SIZE;
	int err = 0;

	for (i = nr_data; i < group->nr && !err; i++)
		if (entry->legs >> group->member[i].leg & 1)
			err = store(raid, group->member[i].leg, page,
				    entry->sector * SECTOR_BYTES,
				    parity[i - nr_data],
				    entry->sectors * SECTOR_BYTES);
	raid_fence();
	return err;
}

/**
 * raid_log_end() - a write is complete
 * @raid: the array
 * @buf: as for raid_log_begin()
 * @entry: likewise
 *
 * All its stores are durable. So is the removal on return: the payload's place
 * may be used again, and the group written by somebody else. If a leg that
 * cannot be spared does not take it, nothing is: it would be replayed when the
 * leg is back.
 *
 * Context: process context, under the group's lock.
 */
void raid_log_end(struct raid *raid, const struct raid_buf *buf,
		  const struct raid_log_entry *entry)
{
	static const __le64 none;

	if (entry->legs && store_entry(raid, buf->slot, entry->legs, &none,
				       sizeof(none)))
		raid_stop_writing(raid);
}

/**
 * raid_stop_writing() - leave the log as it is for the next assembly
 * @raid: the array
 *
 * Context: process context.
 */
void raid_stop_writing(struct raid *raid)
{
	if (READ_ONCE(raid->broken))
		return;
	WRITE_ONCE(raid->broken, true);
	raid_note(raid, RAID_NOTE_BROKEN, 0, 0);
}

/**
 * raid_log_begin() - announce a write
 * @raid: the array
 * @group: what will be written
 * @buf: the entry's number is the buffer's
 * @entry: kind, first, nr, sector and sectors are set; @entry->legs stays 0 if
 *	there is no redundancy to protect, and nothing is announced
 * @parity: payload for P and Q, or NULL
 *
 * Durable on return. Nothing of the group may be stored before.
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0 or -errno.
 */
int raid_log_begin(struct raid *raid, const struct raid_group *group,
		   struct raid_buf *buf, struct raid_log_entry *entry,
		   void *const parity[2])
{
	u32 first = raid_is_mirror(&raid->sb.layout) ? 0 :
		    raid->sb.layout.nr_data;
	struct pinfold_raid_log_entry raw;
	u32 i, nr = 0;
	int err;

	entry->legs = 0;
	for (i = first; i < group->nr; i++) {
		if (!raid_leg_in_sync(raid, group->member[i].leg, group->index))
			continue;
		entry->legs |= 1U << group->member[i].leg;
		nr++;
	}
	/* One copy alone cannot differ from any other. */
	if (!nr || (!first && nr == 1)) {
		entry->legs = 0;
		return 0;
	}
	entry->group = group->index;
	entry->id = ++buf->log_id;
	entry->payload = !!parity;
	if (parity) {
		err = store_payload(raid, group, buf->slot, entry, parity);
		if (err)
			goto undo;
	}
	raid_log_encode(raid, &raw, entry);
	err = store_entry(raid, buf->slot, entry->legs, &raw, sizeof(raw));
	if (err)
		goto undo;
	return 0;

undo:
	raid_log_end(raid, buf, entry);
	return err;
}

/**
 * raid_log_map() - find the places of an entry on all copies of a mirror
 * @raid: the array
 * @group: what will be written
 * @buf: as for raid_log_begin()
 * @place: result
 *
 * Context: process context, after raid_media_claim().
 * Return: false if it takes raid_log_begin().
 */
bool raid_log_map(struct raid *raid, const struct raid_group *group,
		  const struct raid_buf *buf, struct raid_log_place *place)
{
	u32 i, copy;
	void *media;

	place->nr = 0;
	for (i = 0; i < group->nr; i++) {
		media = raid_leg_media(raid, group->member[i].leg);
		for (copy = 0; copy < 2; copy++) {
			void *at = raid_media_map(raid, media,
						  raid_log_offset(raid,
								  buf->slot,
								  copy),
						  RAID_PAGE_SIZE);

			if (!at)
				return false;
			place->at[place->nr++] = at;
		}
	}
	return true;
}

static void put_entry(struct raid *raid, const struct raid_log_place *place,
		      const void *src, size_t len)
{
	raid_media_put(raid, place->at, place->nr, src, len);
	raid_fence();
}

/**
 * raid_log_begin_at() - raid_log_begin() that cannot fail
 * @raid: the array
 * @group: all members of which are in sync, and there are several
 * @buf: as for raid_log_begin()
 * @entry: likewise
 * @place: from raid_log_map()
 *
 * Context: process context, under the group's lock.
 */
void raid_log_begin_at(struct raid *raid, const struct raid_group *group,
		       struct raid_buf *buf, struct raid_log_entry *entry,
		       const struct raid_log_place *place)
{
	struct pinfold_raid_log_entry raw;
	u32 i;

	entry->legs = 0;
	for (i = 0; i < group->nr; i++)
		entry->legs |= 1U << group->member[i].leg;
	entry->group = group->index;
	entry->id = ++buf->log_id;
	entry->payload = 0;
	raid_log_encode(raid, &raw, entry);
	put_entry(raid, place, &raw, sizeof(raw));
}

/**
 * raid_log_end_at() - raid_log_end() that cannot fail
 * @raid: the array
 * @place: as for raid_log_begin_at()
 *
 * Context: process context, under the group's lock.
 */
void raid_log_end_at(struct raid *raid, const struct raid_log_place *place)
{
	static const __le64 none;

	put_entry(raid, place, &none, sizeof(none));
}

/**
 * raid_log_wipe() - leave no entry on a leg
 * @raid: the array
 * @leg: the leg
 *
 * Only what is not empty is written, by whole pages, which mends poison.
 *
 * Context: process context; no write uses the leg's log.
 * Return: 0 or -errno.
 */
int raid_log_wipe(struct raid *raid, u32 leg)
{
	u64 offset = raid->sb.log_offset;
	u64 end = raid_log_offset(raid, PINFOLD_RAID_LOG_SLOTS, 1);
	int err = 0;

	for (; !err && offset < end; offset += RAID_PAGE_SIZE) {
		__le64 first;

		if (raid_leg_load(raid, leg, offset, &first, sizeof(first)) ||
		    first)
			err = raid_page_store(raid, leg, offset, raid_zeroes);
	}
	raid_fence();
	return err;
}
