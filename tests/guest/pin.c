// SPDX-License-Identifier: GPL-2.0
/* pf pin TEST PATH: tests of the pin registry. */
#include <stdio.h>
#include <string.h>

#include "pin.h"

static const struct {
	const char *name;
	void (*run)(const char *path);
} tests[] = {
	{ "after_exec", pin_after_exec },
	{ "bad", pin_bad },
	{ "classes", pin_classes },
	{ "compact", pin_compact },
	{ "contig", pin_contig },
	{ "dax", pin_dax },
	{ "dax_ends", pin_dax_ends },
	{ "dax_move", pin_dax_move },
	{ "ends", pin_ends },
	{ "fail", pin_fail },
	{ "fsync", pin_fsync },
	{ "kinds", pin_kinds },
	{ "late", pin_late },
	{ "limit", pin_limit },
	{ "many", pin_many },
	{ "migrate", pin_migrate },
	{ "nested", pin_nested },
	{ "offline", pin_offline },
	{ "offline_user", pin_offline_user },
	{ "race_kernel", pin_race_kernel },
	{ "race_user", pin_race_user },
	{ "relocate", pin_relocate },
	{ "stale", pin_stale },
	{ "store", pin_store },
	{ "truncate", pin_truncate },
};

/* PATH is a file to use, or what the test says. */
COMMAND(pin)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(argv[0], tests[i].name))
			continue;
		tests[i].run(argv[1]);
		note("pin %s: ok", argv[0]);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		fprintf(stderr, "usage: pf pin %s PATH\n", tests[i].name);
	return 2;
}
