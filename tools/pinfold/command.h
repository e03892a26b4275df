/* SPDX-License-Identifier: GPL-2.0 */
/* A command of the tool, and its options. */
#ifndef _PINFOLD_TOOL_COMMAND_H
#define _PINFOLD_TOOL_COMMAND_H

#include "util.h"

/**
 * struct command - one verb
 * @name: the verb
 * @args: what follows it, for the usage line
 * @summary: one line for the list of commands
 * @min_args: arguments needed besides options
 * @max_args: arguments allowed
 * @run: does it; returns the exit code
 */
struct command {
	const char *name;
	const char *args;
	const char *summary;
	int min_args;
	int max_args;
	int (*run)(const struct command *cmd, int argc, char **argv);
};

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_SIZE,	/* u64 */
	OPTION_STRING,	/* const char * */
};

/**
 * struct option_def - one option of a command
 * @name: long name, NULL ends the table
 * @letter: short name or 0
 * @kind: type of @value
 * @value: where the answer goes
 * @arg: name of the argument in the help, NULL for a flag
 * @help: one line
 */
struct option_def {
	const char *name;
	char letter;
	enum option_kind kind;
	void *value;
	const char *arg;
	const char *help;
};

#define OPTION_HUMAN	{ "human", 'u', OPTION_FLAG, &human, NULL, \
			  "print sizes and times with units" }
#define OPTION_END	{ NULL, 0, OPTION_FLAG, NULL, NULL, NULL }

char **parse_options(const struct command *cmd, int argc, char **argv,
		     const struct option_def *defs);
__noreturn __printf(2, 3)
void usage_error(const struct command *cmd, const char *fmt, ...);

int cmd_attach(const struct command *cmd, int argc, char **argv);
int cmd_check(const struct command *cmd, int argc, char **argv);
int cmd_create(const struct command *cmd, int argc, char **argv);
int cmd_destroy(const struct command *cmd, int argc, char **argv);
int cmd_detach(const struct command *cmd, int argc, char **argv);
int cmd_evacuate(const struct command *cmd, int argc, char **argv);
int cmd_list(const struct command *cmd, int argc, char **argv);
int cmd_pins(const struct command *cmd, int argc, char **argv);
int cmd_prefault(const struct command *cmd, int argc, char **argv);
int cmd_raid(const struct command *cmd, int argc, char **argv);
int cmd_relocate(const struct command *cmd, int argc, char **argv);
int cmd_restore(const struct command *cmd, int argc, char **argv);
int cmd_retire(const struct command *cmd, int argc, char **argv);
int cmd_set_budget(const struct command *cmd, int argc, char **argv);
int cmd_status(const struct command *cmd, int argc, char **argv);
int cmd_trim(const struct command *cmd, int argc, char **argv);
int cmd_version(const struct command *cmd, int argc, char **argv);

#endif /* _PINFOLD_TOOL_COMMAND_H */
