// SPDX-License-Identifier: GPL-2.0
/* Whole groups, with members missing: what the others say they hold. */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "group.h"
#include "parity.h"

/* Any readable copy will do: of those first that may be read at will. */
static int load_copies(struct raid *raid, const struct raid_group *group,
		       struct raid_buf *buf, bool all, u32 *unread)
{
	bool found = false;
	int err = -EIO, rc;
	u32 i, n;

	for (n = 0; n < 2 * group->nr && (all || !found); n++) {
		bool late = n >= group->nr;

		i = n % group->nr;
		if (raid_member_reluctant(raid, group, i) != late)
			continue;
		rc = raid_member_load(raid, group, i, 0, RAID_PAGE_SIZE,
				      found ? buf->spare : buf->old[0]);
		if (rc)
			*unread |= BIT(i);
		else
			found = true;
		if (rc == -ENXIO || (rc == -ENODATA && err != -ENXIO))
			err = rc;
	}
	return found ? 0 : err;
}

/*
 * Parity: all of it, or as much as takes the place of unreadable data. True if a
 * leg that cannot be spared is gone.
 */
static bool load_parity(struct raid *raid, const struct raid_group *group,
			struct raid_buf *buf, bool all, u32 *unread)
{
	u32 needed = hweight32(*unread), i;
	bool gone = false;
	int rc;

	for (i = raid->sb.layout.nr_data; i < group->nr; i++) {
		if (!all && !needed && raid_member_in_sync(raid, group, i))
			continue;
		rc = raid_member_load(raid, group, i, 0, RAID_PAGE_SIZE,
				      buf->old[i]);
		if (rc)
			*unread |= BIT(i);
		else if (needed)
			needed--;
		gone |= rc == -ENXIO;
	}
	return gone;
}

/**
 * raid_group_load() - read the members of a group, or compute them
 * @raid: the array
 * @group: the group
 * @buf: old[] is the result: all data, and what parity was read or computed;
 *	of a mirror only old[0]
 * @all: read also what is not needed for the data, to see whether it can be
 * @unread: result, members that could not be read, as bits
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0, -EIO if too many members are unreadable, -ENODATA if so much was
 * lost before, -ENXIO if legs that cannot be spared are gone for now.
 */
int raid_group_load(struct raid *raid, const struct raid_group *group,
		    struct raid_buf *buf, bool all, u32 *unread)
{
	int err = -EIO, rc;
	u32 i;

	*unread = 0;
	if (raid_is_mirror(&raid->sb.layout))
		return load_copies(raid, group, buf, all, unread);
	for (i = 0; i < raid->sb.layout.nr_data; i++) {
		rc = raid_member_load(raid, group, i, 0, RAID_PAGE_SIZE,
				      buf->old[i]);
		if (rc)
			*unread |= BIT(i);
		if (rc == -ENXIO || (rc == -ENODATA && err != -ENXIO))
			err = rc;
	}
	if (load_parity(raid, group, buf, all, unread))
		err = -ENXIO;
	if (!*unread)
		return 0;
	return raid_parity_recover(&raid->sb.layout, *unread, RAID_PAGE_SIZE,
				   buf->old) ? 0 : err;
}

/**
 * raid_group_mend() - write back what could be computed but not read
 * @raid: the array
 * @group: the group
 * @buf: old[] from raid_group_load()
 * @unread: likewise
 *
 * Context: process context, under the group's lock; may take meta_lock.
 * Return: 0 or -EIO.
 */
int raid_group_mend(struct raid *raid, const struct raid_group *group,
		    struct raid_buf *buf, u32 unread)
{
	bool mirror = raid_is_mirror(&raid->sb.layout);
	u32 i;
	int rc;

	/* What was computed may be of a group that is half written. */
	if (unlikely(READ_ONCE(raid->broken)))
		return -EIO;
	for (i = 0; i < group->nr; i++) {
		const struct raid_member *m = &group->member[i];

		if (!(unread & BIT(i)) || !raid_member_in_sync(raid, group, i))
			continue;
		/* What a copy has is not lost; what parity says of the page is. */
		if (!mirror && raid_bad_kind(raid, m->leg, m->page) ==
		    PINFOLD_RAID_BAD_LOST)
			continue;
		rc = raid_member_store(raid, group, i, 0, RAID_PAGE_SIZE,
				       buf->old[mirror ? 0 : i]);
		if (rc < 0)
			return rc;
		if (!rc)
			raid_note(raid, RAID_NOTE_REPAIRED, m->leg, m->page);
	}
	raid_fence();
	return 0;
}
