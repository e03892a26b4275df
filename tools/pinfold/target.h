/* SPDX-License-Identifier: GPL-2.0 */
/* What a command works on: a part of a file or of a namespace. */
#ifndef _PINFOLD_TOOL_TARGET_H
#define _PINFOLD_TOOL_TARGET_H

#include "namespace.h"

/**
 * struct range - a part of something
 * @offset: start in the file or namespace
 * @length: bytes, ~0 for up to the end
 */
struct range {
	u64 offset;
	u64 length;
};

bool target_is_ns(const char *word);
int target_open_file(const char *path, struct range *range);
int target_open_disk(const char *disk, const char *thing);
int target_find_ns(const char *name, struct ns *ns);
int target_clip_ns(const struct ns *ns, struct range *range);
int target_clip(const char *thing, struct range *range, u64 size);
int target_elsewhere(const char *path);

#endif /* _PINFOLD_TOOL_TARGET_H */
