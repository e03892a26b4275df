// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "command.h"
#include "describe.h"

struct list {
	struct json_object *array;
	bool verbose;
};

static int list_one(struct ns *ns, void *arg)
{
	struct list *list = arg;
	struct json_object *object;
	bool ours;

	object = describe_ns(ns, list->verbose, &ours);
	if (ours)
		json_object_array_add(list->array, object);
	else
		json_object_put(object);
	return 0;
}

/* Asked for by name, it is shown whatever it is. */
static int list_named(const char *name, const struct list *list)
{
	struct ns ns;
	bool ours;

	if (ns_find(name, &ns))
		return -1;
	json_object_array_add(list->array,
			      describe_ns(&ns, list->verbose, &ours));
	return 0;
}

int cmd_list(const struct command *cmd, int argc, char **argv)
{
	struct list list = {};
	const char *name = NULL;
	const struct option_def options[] = {
		{ "namespace", 'N', OPTION_STRING, &name, "NAMESPACE",
		  "show this one only" },
		{ "verbose", 'v', OPTION_FLAG, &list.verbose, NULL,
		  "show the layout on the media, too" },
		OPTION_HUMAN,
		OPTION_END,
	};
	int rc;

	parse_options(cmd, argc, argv, options);
	list.array = json_object_new_array();
	rc = name ? list_named(name, &list) : ns_for_each(list_one, &list);
	if (rc) {
		json_object_put(list.array);
		return EXIT_FAIL;
	}
	return print_json(list.array) ? EXIT_FAIL : EXIT_OK;
}
