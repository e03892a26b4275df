/* SPDX-License-Identifier: GPL-2.0 */
/* Commands that take long: how far they are, and being asked to stop. */
#ifndef _PINFOLD_TOOL_PROGRESS_H
#define _PINFOLD_TOOL_PROGRESS_H

#include <stdbool.h>
#include <linux/types.h>

/**
 * struct progress - how far we are
 * @thing: for messages
 * @done: bytes asked for so far
 * @total: bytes to ask for
 * @result: bytes that came of it: they have struct pages, or moved
 */
struct progress {
	const char *thing;
	u64 done;
	u64 total;
	u64 result;
};

void progress_show(const struct progress *progress);
void progress_end(const struct progress *progress);

void catch_interrupt(void);
bool interrupted(void);

#endif /* _PINFOLD_TOOL_PROGRESS_H */
