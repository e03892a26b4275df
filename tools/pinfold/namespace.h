/* SPDX-License-Identifier: GPL-2.0 */
/* Namespaces, as libndctl and sysfs know them. */
#ifndef _PINFOLD_TOOL_NAMESPACE_H
#define _PINFOLD_TOOL_NAMESPACE_H

#include <stdbool.h>
#include <linux/types.h>

#include "infoblock.h"
#include "util.h"

#define DRIVER_PINFOLD	"nd_pinfold"
#define DRIVER_RAW	"nd_pmem"

struct ndctl_namespace;

/**
 * struct ns - a namespace
 * @ndns: libndctl's handle
 * @name: "namespace0.0"
 * @ctx: what the media's info block is judged by
 * @driver: name of the driver bound to it, "" if it is disabled
 * @disk: name of its block device, "" without one
 * @claim: the btt, pfn or dax device that owns it, or the mode its label
 *	reserves it for; "" for a raw one
 */
struct ns {
	struct ndctl_namespace *ndns;
	char name[NAME_LEN];
	struct pinfold_info_ctx ctx;
	char driver[NAME_LEN];
	char disk[NAME_LEN];
	char claim[NAME_LEN];
};

/**
 * typedef ns_visit_fn - called for each namespace
 *
 * Return: 0 to go on, else the value ns_for_each() shall return.
 */
typedef int (*ns_visit_fn)(struct ns *ns, void *arg);

bool ns_is_name(const char *word);
int ns_for_each(ns_visit_fn visit, void *arg);
int ns_find(const char *word, struct ns *ns);
void ns_refresh(struct ns *ns);
int ns_require_raw(const struct ns *ns);
int ns_require_attached(const struct ns *ns);
int ns_attribute(const struct ns *ns, const char *group, const char *name,
		 char *path);
int ns_read_u64(const struct ns *ns, const char *group, const char *name,
		u64 *value);
int ns_disk_size(const struct ns *ns, u64 *size);

static inline bool ns_attached(const struct ns *ns)
{
	return !__builtin_strcmp(ns->driver, DRIVER_PINFOLD);
}

static inline bool ns_raw(const struct ns *ns)
{
	return !*ns->claim && !__builtin_strcmp(ns->driver, DRIVER_RAW);
}

#endif /* _PINFOLD_TOOL_NAMESPACE_H */
