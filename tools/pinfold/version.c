// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "command.h"
#include "infoblock.h"
#include "output.h"
#include "util.h"

/* "not loaded", or what the module says. */
static void put_module(struct json_object *object, const char *module)
{
	char path[PATH_MAX], text[NAME_LEN];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	if (!sysfs_exists(path)) {
		put_string(object, module, "not loaded");
		return;
	}
	snprintf(path, sizeof(path), "/sys/module/%s/version", module);
	if (sysfs_read(path, text, sizeof(text)))
		snprintf(text, sizeof(text), "unknown");
	put_string(object, module, text);
}

int cmd_version(const struct command *cmd, int argc, char **argv)
{
	const struct option_def options[] = { OPTION_HUMAN, OPTION_END };
	struct json_object *object;
	char format[16];

	parse_options(cmd, argc, argv, options);
	snprintf(format, sizeof(format), "%d.%d", PINFOLD_VERSION_MAJOR,
		 PINFOLD_VERSION_MINOR);
	object = json_object_new_object();
	put_string(object, "pinfold", TOOL_VERSION);
	put_string(object, "format", format);
	put_module(object, "nd_pinfold");
	put_module(object, "dax_backing");
	put_module(object, "pin_registry");
	put_module(object, "dax_dmabuf");
	return print_json(object) ? EXIT_FAIL : EXIT_OK;
}
