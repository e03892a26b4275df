/* SPDX-License-Identifier: GPL-2.0 */
/* Who uses a block device. */
#ifndef _PINFOLD_TOOL_BUSY_H
#define _PINFOLD_TOOL_BUSY_H

int busy_open(const char *disk, int flags, const char *thing);
int busy_check(const char *disk, const char *thing);

#endif /* _PINFOLD_TOOL_BUSY_H */
