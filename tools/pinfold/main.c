// SPDX-License-Identifier: GPL-2.0
/* pinfold: manage pmem namespaces that get struct pages on demand. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "util.h"

static int cmd_help(const struct command *cmd, int argc, char **argv);

static const struct command commands[] = {
	{ "create", "NAMESPACE|IMAGE", "make a raw namespace a pinfold namespace",
	  1, 1, cmd_create },
	{ "destroy", "NAMESPACE", "make a pinfold namespace raw again",
	  1, 1, cmd_destroy },
	{ "attach", "NAMESPACE|all", "bind namespaces to the pinfold driver",
	  1, 1, cmd_attach },
	{ "detach", "NAMESPACE|all", "release namespaces from the pinfold driver",
	  1, 1, cmd_detach },
	{ "list", "", "list pinfold namespaces, attached or not",
	  0, 0, cmd_list },
	{ "status", "[NAMESPACE]", "show struct pages, RAM spent and saved, pages that moved",
	  0, 1, cmd_status },
	{ "set-budget", "NAMESPACE SIZE", "limit the RAM spent on struct pages",
	  2, 2, cmd_set_budget },
	{ "prefault", "FILE|NAMESPACE", "give a file or range struct pages now",
	  1, 1, cmd_prefault },
	{ "trim", "[NAMESPACE|all]", "give back struct pages nobody uses",
	  0, 1, cmd_trim },
	{ "relocate", "FILE|NAMESPACE", "move pages to the spare area while they are in use",
	  1, 1, cmd_relocate },
	{ "restore", "FILE|NAMESPACE", "move pages back home",
	  1, 1, cmd_restore },
	{ "evacuate", "NAMESPACE", "empty a range of the media",
	  1, 1, cmd_evacuate },
	{ "retire", "NAMESPACE", "empty pages of the media, and never use them again",
	  1, 1, cmd_retire },
	{ "check", "NAMESPACE|IMAGE", "verify info blocks and remap table, repair what is damaged",
	  1, 1, cmd_check },
	{ "raid", "VERB ...", "make and manage arrays of pmem devices",
	  1, 64, cmd_raid },
	{ "pins", "", "show who pins which pages, and for how long",
	  0, 0, cmd_pins },
	{ "version", "", "print versions of tool, media format and driver",
	  0, 0, cmd_version },
	{ "help", "[COMMAND]", "print this list, or the help of a command",
	  0, 1, cmd_help },
};

static void print_commands(FILE *out)
{
	size_t i;

	fputs("usage: pinfold COMMAND [OPTIONS] [ARGUMENTS]\n\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-11s %-16s %s\n", commands[i].name,
			commands[i].args, commands[i].summary);
	fputs("\n'pinfold COMMAND --help' and 'man pinfold' tell more.\n", out);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	fprintf(stderr, "pinfold: %s: unknown command; 'pinfold help' lists the commands\n",
		name);
	return NULL;
}

static int cmd_help(const struct command *cmd, int argc, char **argv)
{
	static const struct option_def no_options[] = { OPTION_END };

	argv = parse_options(cmd, argc, argv, no_options);
	if (!argv[0]) {
		print_commands(stdout);
		return EXIT_OK;
	}
	cmd = find_command(argv[0]);
	if (!cmd)
		return EXIT_USAGE;
	if (cmd->run == cmd_help) {
		print_commands(stdout);
		return EXIT_OK;
	}
	return cmd->run(cmd, 2, (char *[]){ argv[0], (char *)"--help", NULL });
}

/* The spellings that people try first. */
static char *alias(char *word)
{
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return (char *)"help";
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return (char *)"version";
	return word;
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	argv[1] = alias(argv[1]);
	cmd = find_command(argv[1]);
	if (!cmd) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	return cmd->run(cmd, argc - 1, argv + 1);
}
