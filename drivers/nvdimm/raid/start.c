// SPDX-License-Identifier: GPL-2.0
/* From accepted legs to an array in use. */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "array.h"
#include "log.h"

/*
 * All legs get what any of them has. The superblocks come last: a fresh leg is
 * not part of the array before.
 */
static int level_metadata(struct raid *raid, u32 fresh)
{
	int err = 0;
	u32 i;

	for (i = 0; !err && i < raid->sb.layout.nr_legs; i++) {
		if (!raid_leg_live(raid, i))
			continue;
		if (fresh >> i & 1)
			err = raid_log_wipe(raid, i);
		if (!err)
			err = raid_bad_write(raid, i);
		if (!err)
			err = raid_region_write(raid, i);
		if (err)
			err = raid_leg_fail(raid, i, NULL);
	}
	return err;
}

/**
 * raid_start() - make an array ready for use
 * @raid: zeroed, with its legs' media, its bitmaps and its page
 * @assembly: the decision, an accepting one
 * @buf: pages to work with
 * @replayed: number of writes that power failure interrupted
 *
 * Legs that are missing from now on are recorded before anything else changes.
 *
 * Context: process context.
 * Return: 0 or -errno.
 */
int raid_start(struct raid *raid, const struct raid_assembly *assembly,
	       struct raid_buf *buf, u32 *replayed)
{
	int err;

	raid_init(raid, &assembly->sb);
	err = raid_bad_load(raid);
	if (err)
		return err;
	raid_region_load(raid);
	err = level_metadata(raid, assembly->fresh);
	if (err)
		return err;
	/* Also where nothing changed: one copy may have been unreadable. */
	raid_commit(raid);
	return raid_log_replay(raid, buf, replayed);
}
