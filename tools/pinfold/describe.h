/* SPDX-License-Identifier: GPL-2.0 */
/* Namespaces and info blocks as JSON. */
#ifndef _PINFOLD_TOOL_DESCRIBE_H
#define _PINFOLD_TOOL_DESCRIBE_H

#include "media.h"
#include "output.h"

struct json_object *describe_ns(const struct ns *ns, bool verbose,
				bool *ours);
void describe_info(struct json_object *object, const struct pinfold_info *info,
		   bool verbose);
int print_ns(const struct ns *ns);

#endif /* _PINFOLD_TOOL_DESCRIBE_H */
