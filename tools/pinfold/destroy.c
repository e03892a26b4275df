// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "busy.h"
#include "command.h"
#include "describe.h"
#include "driver.h"

static int fail_not_ours(const char *name)
{
	return fail(name, "is not a pinfold namespace: no info block is on it; nothing was changed");
}

/* Metadata and tables, whose place only an intact info block knows. */
static u64 meta_end(const struct media_info *info)
{
	const struct pinfold_info *chosen = media_chosen(info);

	if (!chosen || chosen->geo.data_offset < PINFOLD_META_SIZE ||
	    chosen->geo.data_offset >= chosen->geo.ns_size)
		return PINFOLD_META_SIZE;
	return chosen->geo.data_offset;
}

/*
 * Copy 0 is the claim to the namespace: once it is gone, an interruption leaves
 * nothing that anybody would attach. Where somebody else has its place already,
 * only our own remains go.
 */
static int wipe(const struct media *media)
{
	static struct media_info info;

	media_read_info(media, &info);
	if (info.choice == PINFOLD_ILLEGIBLE)
		return fail(media->name, "%s; whose it is cannot be told, so nothing was changed",
			    pinfold_choice_string(info.choice));
	if (info.choice == PINFOLD_NOT_OURS)
		return fail_not_ours(media->name);
	if (info.choice == PINFOLD_REUSED)
		return media_zero_copy(media, 1);
	if (info.choice == PINFOLD_REFUSE &&
	    info.copies[info.chosen].verdict == PINFOLD_BAD_NS_SIZE)
		warn(media->name, "was larger when it was created; its tables are left where they were");
	if (media_zero_copy(media, 0) || media_zero_copy(media, 1))
		return -1;
	if (meta_end(&info) > media->ctx.ns_size)
		return media_zero(media, 0, PINFOLD_META_SIZE);
	return media_zero(media, 0, meta_end(&info));
}

static int wipe_ns(struct ns *ns)
{
	struct media media;
	int rc;

	if (driver_bind_raw(ns) || media_open_ns(&media, ns, O_RDWR))
		return -1;
	rc = wipe(&media);
	media_close(&media);
	return rc;
}

/* Before anything is asked or changed: would it work? */
static int precheck(const struct ns *ns, bool force)
{
	if (ns_require_raw(ns))
		return -1;
	if (ns_raw(ns) && !media_looks_ours(ns))
		return fail_not_ours(ns->name);
	if (*ns->disk && busy_check(ns->disk, ns->name))
		return -1;
	if (force || confirm("Destroy %s and everything on it?", ns->name))
		return 0;
	return -1;
}

static int destroy(const char *name, bool force)
{
	struct binding before;
	struct ns ns;

	if (require_privileges(name) || ns_find(name, &ns) ||
	    precheck(&ns, force))
		return -1;
	binding_save(&ns, &before);
	if (wipe_ns(&ns)) {
		binding_restore(&ns, &before);
		return -1;
	}
	return print_ns(&ns);
}

int cmd_destroy(const struct command *cmd, int argc, char **argv)
{
	bool force = false;
	const struct option_def options[] = {
		{ "force", 'f', OPTION_FLAG, &force, NULL, "do not ask" },
		OPTION_HUMAN,
		OPTION_END,
	};

	argv = parse_options(cmd, argc, argv, options);
	return destroy(argv[0], force) ? EXIT_FAIL : EXIT_OK;
}
