/* SPDX-License-Identifier: GPL-2.0 */
/* pinfold raid: arrays of the pfn_raid target. */
#ifndef _PINFOLD_TOOL_RAID_H
#define _PINFOLD_TOOL_RAID_H

#include "assemble.h"
#include "media.h"

struct json_object;

/**
 * struct raid_leg_media - a device that is, or becomes, a leg
 * @media: opened, or fd -1
 * @verdict: on its better superblock
 * @sb: that one, if the verdict is RAID_SB_VALID or RAID_SB_SPARE
 */
struct raid_leg_media {
	struct media media;
	enum raid_verdict verdict;
	struct raid_super sb;
};

/* raid_media.c */
int raid_media_open(struct raid_leg_media *leg, const char *path, int flags);
int raid_media_ask(struct raid_leg_media *leg, bool force);
int raid_media_format(const struct raid_leg_media *leg,
		      const struct raid_super *sb, u32 role);
const char *raid_level_word(u32 level);
int raid_parse_level(const char *word, u32 *level);

/* raid_dm.c */
int raid_dm_create(const char *name, const struct raid_super *sb,
		   const char *const devices[], const char *const spares[]);
char *raid_dm_table(const char *name);
int raid_dm_load(const char *name, char *table);
int raid_dm_remove(const char *name);
int raid_dm_message(const char *name, const char *word, const char *arg1,
		    const char *arg2, const char *arg3);
int raid_dm_cycle(const char *name);
int raid_dm_status(const char *name, struct json_object *array);

/* raid_grow.c */
int raid_grow_array(const char *name, u64 size);

#endif /* _PINFOLD_TOOL_RAID_H */
