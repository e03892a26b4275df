/* SPDX-License-Identifier: GPL-2.0 */
/* Binding namespaces to drivers. */
#ifndef _PINFOLD_TOOL_DRIVER_H
#define _PINFOLD_TOOL_DRIVER_H

#include "namespace.h"

/**
 * struct binding - how a namespace was bound, to be able to return to it
 * @driver: name of the driver, "" for none
 * @raw_mode: whether it was told to ignore all info blocks
 */
struct binding {
	char driver[NAME_LEN];
	int raw_mode;
};

void binding_save(const struct ns *ns, struct binding *saved);
int binding_restore(struct ns *ns, const struct binding *saved);

int driver_unbind(struct ns *ns);
int driver_bind_raw(struct ns *ns);
int driver_bind_pinfold(struct ns *ns, bool *declined);

#endif /* _PINFOLD_TOOL_DRIVER_H */
