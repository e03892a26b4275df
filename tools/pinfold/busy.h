/* SPDX-License-Identifier: GPL-2.0 */
/* Who uses a block device. */
#ifndef _PINFOLD_TOOL_BUSY_H
#define _PINFOLD_TOOL_BUSY_H

#include <stdbool.h>
#include <stddef.h>

/* Two paths of mount points, and the words around them. */
#define BUSY_WHY_LEN	2200

bool busy_explain(const char *disk, char *why, size_t len);
int busy_open(const char *disk, int flags, const char *thing);
int busy_check(const char *disk, const char *thing);

#endif /* _PINFOLD_TOOL_BUSY_H */
