// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/pinfold.h>

#include "command.h"
#include "namespace.h"
#include "output.h"

/**
 * struct trim - what to give back
 * @bytes: stop after so many, 0 for all that is possible
 * @mapped: also evict what is mapped
 * @done: array of results, for "all"
 * @failed: one of them failed
 */
struct trim {
	u64 bytes;
	bool mapped;
	struct json_object *done;
	bool failed;
};

static int trim_disk(const struct ns *ns, struct pinfold_trim *arg)
{
	char path[PATH_MAX];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "/dev/%s", ns->disk);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(ns->name, "%s: %s", path, strerror(errno));
	if (ioctl(fd, PINFOLD_IOC_TRIM, arg))
		rc = fail(ns->name, "trimming it failed: %s; %s",
			  strerror(errno), errno == ENOTTY ?
			  "'pinfold version' shows the loaded driver" :
			  "'dmesg' may tell why");
	close(fd);
	return rc;
}

static struct json_object *trim_ns(const struct ns *ns, const struct trim *trim)
{
	struct pinfold_trim arg = {
		.target = trim->bytes,
		.flags = trim->mapped ? PINFOLD_TRIM_MAPPED : 0,
	};
	struct json_object *object;

	if (trim_disk(ns, &arg))
		return NULL;
	object = json_object_new_object();
	put_string(object, "dev", ns->name);
	put_string(object, "blockdev", ns->disk);
	put_size(object, "trimmed", arg.trimmed);
	put_size(object, "busy", arg.busy);
	return object;
}

static int trim_visit(struct ns *ns, void *arg)
{
	struct trim *trim = arg;
	struct json_object *object;

	if (!ns_attached(ns) || !*ns->disk)
		return 0;
	object = trim_ns(ns, trim);
	if (object)
		json_object_array_add(trim->done, object);
	else
		trim->failed = true;
	return 0;
}

static int trim_all(struct trim *trim)
{
	trim->done = json_object_new_array();
	if (ns_for_each(trim_visit, trim))
		trim->failed = true;
	if (print_json(trim->done))
		trim->failed = true;
	return trim->failed ? -1 : 0;
}

static int trim_one(const char *name, const struct trim *trim)
{
	struct json_object *object;
	struct ns ns;

	if (ns_find(name, &ns) || ns_require_attached(&ns))
		return -1;
	object = trim_ns(&ns, trim);
	return object ? print_json(object) : -1;
}

int cmd_trim(const struct command *cmd, int argc, char **argv)
{
	struct trim trim = {};
	const struct option_def options[] = {
		{ "mapped", 'm', OPTION_FLAG, &trim.mapped, NULL,
		  "also take pages that are mapped, they fault again" },
		{ "bytes", 'b', OPTION_SIZE, &trim.bytes, "SIZE",
		  "stop after the pages of so much media" },
		OPTION_HUMAN,
		OPTION_END,
	};
	const char *name;
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	name = argv[0] ? argv[0] : "all";
	if (require_privileges(name))
		return EXIT_FAIL;
	if (!strcmp(name, "all"))
		rc = trim_all(&trim);
	else
		rc = trim_one(name, &trim);
	return rc ? EXIT_FAIL : EXIT_OK;
}
