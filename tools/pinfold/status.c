// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "namespace.h"
#include "output.h"

#define STRUCT_PAGE_SIZE	64

enum counter_kind { KIND_SIZE, KIND_COUNT, KIND_TIME };

struct counter {
	const char *name;
	enum counter_kind kind;
};

/* In the order of the output. Those a driver lacks are left out. */
static const struct counter page_counters[] = {
	{ "attached_bytes", KIND_SIZE },
	{ "populated_bytes", KIND_SIZE },
	{ "memmap_bytes", KIND_SIZE },
	{ "budget_bytes", KIND_SIZE },
	{ "spans", KIND_COUNT },
	{ "populate_events", KIND_COUNT },
	{ "populate_time_ns", KIND_TIME },
	{ "populate_failures", KIND_COUNT },
	{ "wait_timeouts", KIND_COUNT },
	{ "trims", KIND_COUNT },
	{ "trimmed_bytes", KIND_SIZE },
};

static const struct counter media_counters[] = {
	{ "remapped", KIND_COUNT },
	{ "retired", KIND_COUNT },
	{ "spare_pages", KIND_COUNT },
	{ "spare_free", KIND_COUNT },
	{ "moves", KIND_COUNT },
	{ "moves_cancelled", KIND_COUNT },
	{ "moves_held", KIND_COUNT },
};

static void put_counter(struct json_object *object, const struct ns *ns,
			const char *group, const struct counter *counter)
{
	u64 value;

	if (ns_read_u64(ns, group, counter->name, &value))
		return;
	switch (counter->kind) {
	case KIND_SIZE:
		put_size(object, counter->name, value);
		break;
	case KIND_COUNT:
		put_count(object, counter->name, value);
		break;
	case KIND_TIME:
		put_time_ns(object, counter->name, value);
		break;
	}
}

/* What the same namespace would cost with a struct page for every page. */
static void put_saved(struct json_object *object, const struct ns *ns)
{
	u64 data, spare, memmap, full;

	if (ns_read_u64(ns, "pinfold", "memmap_bytes", &memmap))
		return;
	if (ns_read_u64(ns, "pinfold", "attached_bytes", &data))
		return;
	if (ns_read_u64(ns, "pinfold_media", "spare_size", &spare))
		spare = 0;
	full = (data + spare) / PINFOLD_PAGE_SIZE * STRUCT_PAGE_SIZE;
	put_size(object, "full_memmap_bytes", full);
	put_size(object, "saved_bytes", full > memmap ? full - memmap : 0);
}

static struct json_object *describe_status(const struct ns *ns)
{
	struct json_object *object = json_object_new_object();
	char path[PATH_MAX], holder[NAME_LEN];
	size_t i;

	put_string(object, "dev", ns->name);
	put_string(object, "blockdev", ns->disk);
	for (i = 0; i < ARRAY_SIZE(page_counters); i++)
		put_counter(object, ns, "pinfold", &page_counters[i]);
	put_saved(object, ns);
	for (i = 0; i < ARRAY_SIZE(media_counters); i++)
		put_counter(object, ns, "pinfold_media", &media_counters[i]);
	if (!ns_attribute(ns, "pinfold", "holder", path) &&
	    !sysfs_read(path, holder, sizeof(holder)))
		put_string(object, "holder", holder);
	return object;
}

static int status_visit(struct ns *ns, void *arg)
{
	struct json_object *array = arg;

	if (ns_attached(ns) && *ns->disk)
		json_object_array_add(array, describe_status(ns));
	return 0;
}

static int status_all(void)
{
	struct json_object *array = json_object_new_array();

	if (ns_for_each(status_visit, array)) {
		json_object_put(array);
		return -1;
	}
	return print_json(array);
}

static int status_one(const char *name)
{
	struct ns ns;

	if (ns_find(name, &ns) || ns_require_attached(&ns))
		return -1;
	return print_json(describe_status(&ns));
}

int cmd_status(const struct command *cmd, int argc, char **argv)
{
	const struct option_def options[] = { OPTION_HUMAN, OPTION_END };
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	rc = argv[0] ? status_one(argv[0]) : status_all();
	return rc ? EXIT_FAIL : EXIT_OK;
}

static int set_budget(const char *name, u64 size)
{
	char path[PATH_MAX], text[32];
	struct ns ns;
	int rc;

	if (require_privileges(name) || ns_find(name, &ns) ||
	    ns_require_attached(&ns))
		return -1;
	if (ns_attribute(&ns, "pinfold", "budget_bytes", path))
		return fail(ns.name, "its driver knows no budget; 'pinfold version' shows the driver's version");
	snprintf(text, sizeof(text), "%llu", size);
	rc = sysfs_write(path, text);
	if (rc)
		return fail(ns.name, "setting its budget failed: %s",
			    strerror(-rc));
	return print_json(describe_status(&ns));
}

int cmd_set_budget(const struct command *cmd, int argc, char **argv)
{
	const struct option_def options[] = { OPTION_HUMAN, OPTION_END };
	u64 size = 0;

	argv = parse_options(cmd, argc, argv, options);
	/* For the driver, no limit is 0. */
	if (strcmp(argv[1], "unlimited") && parse_size(argv[1], &size))
		usage_error(cmd, "%s: not a size such as 64M or 1G, nor 'unlimited'",
			    argv[1]);
	return set_budget(argv[0], size) ? EXIT_FAIL : EXIT_OK;
}
