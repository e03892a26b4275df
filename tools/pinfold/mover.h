/* SPDX-License-Identifier: GPL-2.0 */
/* Has the driver move pages, call by call, until all is done. */
#ifndef _PINFOLD_TOOL_MOVER_H
#define _PINFOLD_TOOL_MOVER_H

#include <time.h>
#include <linux/pinfold.h>

#include "extents.h"
#include "progress.h"
#include "target.h"

/**
 * struct mover - what is to be moved, and what came of it
 * @op: enum pinfold_move_op
 * @command: its name, for the user to go on with
 * @ns: namespace
 * @range: what was asked for, whole pages of a file, the disk or the media
 * @rate: bytes per second at most, 0 for no limit
 * @fd: disk
 * @progress: for the terminal; .thing is a file or the namespace
 * @began: when
 * @failed: pages that did not move
 * @fail_offset: first of them, counted as @range is
 * @fail_error: why, an errno
 * @blocker: who holds it, or ""
 * @lost: pages that moved without a part of their data
 * @lost_offset: the first of them, in bytes of the disk
 * @lost_sectors: a bit for each 512 bytes of it
 */
struct mover {
	unsigned int op;
	const char *command;
	const struct ns *ns;
	struct range range;
	u64 rate;
	int fd;
	struct progress progress;
	struct timespec began;
	u64 failed;
	u64 fail_offset;
	int fail_error;
	char blocker[sizeof(((struct pinfold_move *)0)->blocker)];
	u64 lost;
	u64 lost_offset;
	unsigned int lost_sectors;
};

int mover_run(struct mover *mover, const struct extents *extents);
int mover_report_lost(const struct mover *mover);
int mover_report_failed(const struct mover *mover);

#endif /* _PINFOLD_TOOL_MOVER_H */
