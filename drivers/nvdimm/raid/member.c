// SPDX-License-Identifier: GPL-2.0
/* One page of a group on its leg, and what happens when the leg does not obey. */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "group.h"

/**
 * raid_member_in_sync() - does a member's leg have what it should have?
 * @raid: the array
 * @group: the group
 * @i: the member
 *
 * Context: any.
 * Return: true if it may be read and must be written.
 */
bool raid_member_in_sync(const struct raid *raid,
			 const struct raid_group *group, u32 i)
{
	return raid_leg_in_sync(raid, group->member[i].leg, group->index);
}

/**
 * raid_member_reluctant() - is a member read only if no other one can be?
 * @raid: the array
 * @group: the group, of copies
 * @i: the member
 *
 * Context: any.
 * Return: true if its leg is write-mostly.
 */
bool raid_member_reluctant(const struct raid *raid,
			   const struct raid_group *group, u32 i)
{
	return READ_ONCE(raid->write_mostly) >> group->member[i].leg & 1;
}

/*
 * The device that was in sync at some time between the two looks at it: what it
 * has may be returned to whoever asked before. NULL if there is none.
 */
static void *member_media(struct raid *raid, const struct raid_group *group,
			  u32 i)
{
	u32 leg = group->member[i].leg;
	void *media = raid_leg_media(raid, leg);

	if (!raid_member_in_sync(raid, group, i))
		return NULL;
	return media == raid_leg_media(raid, leg) ? media : NULL;
}

/**
 * raid_member_load() - read a member
 * @raid: the array
 * @group: the group
 * @i: the member
 * @off: first byte, a multiple of 512
 * @len: bytes, a multiple of 512
 * @dst: where to
 *
 * Context: process context; may take meta_lock.
 * Return: 0; -EIO if the page is unreadable; -ENODATA if it is lost; -ENODEV if
 * its leg is missing or not rebuilt yet; -ENXIO if its leg is gone and cannot be
 * spared.
 */
int raid_member_load(struct raid *raid, const struct raid_group *group, u32 i,
		     u32 off, u32 len, void *dst)
{
	const struct raid_member *m = &group->member[i];
	u32 kind = raid_bad_kind(raid, m->leg, m->page);
	void *media;
	int err;

	if (unlikely(kind == PINFOLD_RAID_BAD_LOST))
		return -ENODATA;
	media = member_media(raid, group, i);
	if (!media)
		return -ENODEV;
	if (unlikely(kind))
		return -EIO;
	err = raid_media_load(raid, media,
			      raid_data_offset(raid, m->page) + off, dst, len);
	if (likely(!err) || err == -EIO)
		return err;
	return raid_leg_fail(raid, m->leg, media) ? -ENXIO : -ENODEV;
}

/**
 * raid_member_stale() - a member could not be written
 * @raid: the array
 * @group: the group
 * @i: the member
 *
 * Its page is not read any more, or else its leg is not.
 *
 * Context: process context; takes meta_lock.
 * Return: 0 if that is durable, or -EIO.
 */
int raid_member_stale(struct raid *raid, const struct raid_group *group, u32 i)
{
	const struct raid_member *m = &group->member[i];

	if (!raid_bad_add(raid, m->leg, m->page, PINFOLD_RAID_BAD_STALE)) {
		raid_note(raid, RAID_NOTE_STALE, m->leg, m->page);
		return 0;
	}
	return raid_leg_fail(raid, m->leg, NULL) ? -EIO : 0;
}

/**
 * raid_member_bad() - is a member known not to be readable?
 * @raid: the array
 * @group: the group
 * @i: the member
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: true if writing it takes more than a store.
 */
bool raid_member_bad(struct raid *raid, const struct raid_group *group, u32 i)
{
	const struct raid_member *m = &group->member[i];
	void *media = member_media(raid, group, i);

	return !media || raid_bad_kind(raid, m->leg, m->page) ||
	       raid_media_probe(raid, media, raid_data_offset(raid, m->page));
}

/*
 * Clearing poison destroys the page before it is written: until it is, the list
 * has it.
 */
static int renew(struct raid *raid, const struct raid_member *m, void *media,
		 const void *src)
{
	int err;

	if (raid_bad_add(raid, m->leg, m->page, PINFOLD_RAID_BAD_STALE))
		return raid_leg_fail(raid, m->leg, media) ? -EIO : 1;
	err = raid_media_clear(raid, media, raid_data_offset(raid, m->page),
			       src);
	if (err == -EIO) {
		raid_note(raid, RAID_NOTE_STALE, m->leg, m->page);
		return 1;
	}
	if (err)
		return raid_leg_fail(raid, m->leg, media) ? -EIO : 1;
	raid_fence();
	raid_bad_remove(raid, m->leg, m->page);
	return 0;
}

/*
 * What was copied to the device that is about to replace the leg is kept up to
 * date. Poison there is cleared: until it has the role, nobody reads it.
 */
static int store_twin(struct raid *raid, const struct raid_member *m, u32 off,
		      u32 len, const void *src)
{
	void *media = raid_leg_media(raid, RAID_TWIN);
	u64 page = raid_data_offset(raid, m->page);
	int err = raid_media_store(raid, media, page + off, src, len);

	if (err == -EIO && len == RAID_PAGE_SIZE) {
		mutex_lock(&raid->meta_lock);
		/* If it has, store() writes it as the leg it is. */
		err = raid->twin.taken ? 0 :
		      raid_media_clear(raid, media, page, src);
		mutex_unlock(&raid->meta_lock);
	}
	return err ? raid_leg_fail(raid, RAID_TWIN, media) : 0;
}

static int store(struct raid *raid, const struct raid_group *group, u32 i,
		 u32 off, u32 len, const void *src)
{
	const struct raid_member *m = &group->member[i];
	void *media = member_media(raid, group, i);
	bool whole = len == RAID_PAGE_SIZE;
	u32 kind;
	int err;

	if (!media)
		return 1;
	kind = raid_bad_kind(raid, m->leg, m->page);
	/* A part of such a page would be no better. */
	if (unlikely(kind && !whole))
		return 1;
	err = raid_media_store(raid, media,
			       raid_data_offset(raid, m->page) + off, src, len);
	if (unlikely(err == -EIO && whole))
		return renew(raid, m, media, src);
	if (unlikely(err == -EIO))
		return raid_member_stale(raid, group, i) ? -EIO : 1;
	if (unlikely(err))
		return raid_leg_fail(raid, m->leg, media) ? -EIO : 1;
	if (unlikely(kind)) {
		raid_fence();
		raid_bad_remove(raid, m->leg, m->page);
	}
	return 0;
}

/**
 * raid_member_store() - write a member
 * @raid: the array
 * @group: the group
 * @i: the member
 * @off: first byte, a multiple of 512
 * @len: bytes, a multiple of 512
 * @src: what
 *
 * Not having the data is recorded durably before this returns 1.
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0 if the member has the data, 1 if it does not and is not read, or
 * -EIO if neither could be achieved.
 */
int raid_member_store(struct raid *raid, const struct raid_group *group, u32 i,
		      u32 off, u32 len, const void *src)
{
	const struct raid_member *m = &group->member[i];
	int err = 0;

	/* The position stays behind this group until its lock is free. */
	if (raid_leg_has_twin(raid, m->leg) &&
	    group->index < READ_ONCE(raid->twin.position))
		err = store_twin(raid, m, off, len, src);
	return store(raid, group, i, off, len, src) ?: err;
}
