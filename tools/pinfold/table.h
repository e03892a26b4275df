/* SPDX-License-Identifier: GPL-2.0 */
/* The remap table of a detached namespace or an image file. */
#ifndef _PINFOLD_TOOL_TABLE_H
#define _PINFOLD_TOOL_TABLE_H

#include <json-c/json.h>

#include "media.h"
#include "remap_table.h"

/**
 * enum table_verdict - what the table is worth
 * @TABLE_NONE: no spare area, or not in use
 * @TABLE_GOOD: both mirrors are right
 * @TABLE_MENDABLE: nothing is lost, but a mirror has to be rewritten
 * @TABLE_LOST: no mirror has some of the entries
 * @TABLE_CONFLICT: two entries contradict each other
 */
enum table_verdict {
	TABLE_NONE,
	TABLE_GOOD,
	TABLE_MENDABLE,
	TABLE_LOST,
	TABLE_CONFLICT,
};

/**
 * struct table_state - what was found
 * @verdict: what it is worth
 * @slots: spare pages
 * @claimed: those that have a page of the data
 * @retired: those that are never used again
 * @homes_retired: pages whose home is never used again
 * @report: the details
 */
struct table_state {
	enum table_verdict verdict;
	u32 slots;
	u32 claimed;
	u32 retired;
	u32 homes_retired;
	struct pinfold_remap_report report;
};

int table_read(const struct media *media, const struct pinfold_info *info,
	       struct table_state *state);
int table_mend(const struct media *media, const struct pinfold_info *info,
	       struct table_state *state);
void table_describe(struct json_object *object,
		    const struct table_state *state);
int table_explain(const struct media *media, const struct table_state *state);

#endif /* _PINFOLD_TOOL_TABLE_H */
