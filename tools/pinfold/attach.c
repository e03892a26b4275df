// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "busy.h"
#include "command.h"
#include "describe.h"
#include "driver.h"

/**
 * struct batch - "all" or one namespace
 * @done: descriptions of those that were changed
 * @failed: some were not, and the user knows why
 * @force: do not ask who uses them
 */
struct batch {
	struct json_object *done;
	bool failed;
	bool force;
};

static void batch_add(struct batch *batch, const struct ns *ns)
{
	bool ours;

	json_object_array_add(batch->done, describe_ns(ns, false, &ours));
}

/*
 * nd_pmem has the namespace: see what is on it before taking it away.
 * Return: 1 if it is not pinfold's, 0 if it can be attached, else -1.
 */
static int inspect(const struct ns *ns, struct media_info *info)
{
	struct media media;

	if (media_open_ns(&media, ns, O_RDONLY))
		return -1;
	media_read_info(&media, info);
	media_close(&media);
	if (info->choice == PINFOLD_NOT_OURS)
		return 1;
	if (info->choice == PINFOLD_USE)
		return 0;
	if (info->choice == PINFOLD_REFUSE)
		return fail(ns->name, "%s; 'pinfold check %s' tells more",
			    pinfold_verdict_string(info->copies[info->chosen].verdict),
			    ns->name);
	return fail(ns->name, "%s; 'pinfold check %s' tells more",
		    pinfold_choice_string(info->choice), ns->name);
}

static int attach_named(struct ns *ns)
{
	static struct media_info info;
	int rc;

	if (ns_attached(ns))
		return 0;
	if (ns_require_raw(ns))
		return -1;
	if (*ns->driver) {
		rc = inspect(ns, &info);
		if (rc > 0)
			return fail(ns->name, "has no pinfold info block; 'pinfold create %s' makes it a pinfold namespace",
				    ns->name);
		if (rc)
			return -1;
	}
	return driver_bind_pinfold(ns, NULL);
}

/* Those that are not ours are passed over, those that fail are told. */
static int attach_visit(struct ns *ns, void *arg)
{
	struct batch *batch = arg;
	bool declined = false;

	if (ns_attached(ns) || *ns->claim)
		return 0;
	if (*ns->driver) {
		if (!ns_raw(ns) || !media_looks_ours(ns))
			return 0;
		if (attach_named(ns)) {
			batch->failed = true;
			return 0;
		}
	} else if (driver_bind_pinfold(ns, &declined)) {
		batch->failed |= !declined;
		return 0;
	}
	batch_add(batch, ns);
	return 0;
}

static int detach_named(struct ns *ns, bool force)
{
	if (ns_require_attached(ns) ||
	    (!force && busy_check(ns->disk, ns->name)))
		return -1;
	return driver_unbind(ns);
}

static int detach_visit(struct ns *ns, void *arg)
{
	struct batch *batch = arg;

	if (!ns_attached(ns))
		return 0;
	if (detach_named(ns, batch->force))
		batch->failed = true;
	else
		batch_add(batch, ns);
	return 0;
}

static int run_all(struct batch *batch, ns_visit_fn visit)
{
	batch->done = json_object_new_array();
	if (ns_for_each(visit, batch))
		batch->failed = true;
	if (print_json(batch->done))
		batch->failed = true;
	return batch->failed ? EXIT_FAIL : EXIT_OK;
}

int cmd_attach(const struct command *cmd, int argc, char **argv)
{
	const struct option_def options[] = { OPTION_HUMAN, OPTION_END };
	struct batch batch = {};
	struct ns ns;

	argv = parse_options(cmd, argc, argv, options);
	if (require_privileges(argv[0]))
		return EXIT_FAIL;
	if (!strcmp(argv[0], "all"))
		return run_all(&batch, attach_visit);
	if (ns_find(argv[0], &ns) || attach_named(&ns) || print_ns(&ns))
		return EXIT_FAIL;
	return EXIT_OK;
}

int cmd_detach(const struct command *cmd, int argc, char **argv)
{
	struct batch batch = {};
	const struct option_def options[] = {
		{ "force", 'f', OPTION_FLAG, &batch.force, NULL,
		  "detach it even while it is mounted" },
		OPTION_HUMAN,
		OPTION_END,
	};
	struct ns ns;

	argv = parse_options(cmd, argc, argv, options);
	if (require_privileges(argv[0]))
		return EXIT_FAIL;
	if (!strcmp(argv[0], "all"))
		return run_all(&batch, detach_visit);
	if (ns_find(argv[0], &ns) || detach_named(&ns, batch.force) ||
	    print_ns(&ns))
		return EXIT_FAIL;
	return EXIT_OK;
}
