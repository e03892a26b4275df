// SPDX-License-Identifier: GPL-2.0
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "util.h"

#define MAX_OPTIONS	16
#define OPT_HELP	'h'
/* Long options are numbered above every letter. */
#define OPT_LONG	256

static void print_usage(const struct command *cmd, FILE *out)
{
	fprintf(out, "usage: pinfold %s [OPTIONS]%s%s\n", cmd->name,
		*cmd->args ? " " : "", cmd->args);
}

static void print_help(const struct command *cmd, const struct option_def *defs)
{
	print_usage(cmd, stdout);
	printf("\n%s\n\n", cmd->summary);
	for (; defs->name; defs++) {
		char left[40];

		snprintf(left, sizeof(left), "--%s%s%s", defs->name,
			 defs->arg ? " " : "", defs->arg ? defs->arg : "");
		printf("  %c%c%c %-22s %s\n", defs->letter ? '-' : ' ',
		       defs->letter ? defs->letter : ' ',
		       defs->letter ? ',' : ' ', left, defs->help);
	}
	printf("  -h, %-22s %s\n\n", "--help", "print this help");
	/* A verb of a command is in the command's manual. */
	printf("'man pinfold-%.*s' tells more.\n",
	       (int)strcspn(cmd->name, " "), cmd->name);
}

/* Say what is wrong with the command line, and how it should look. */
void usage_error(const struct command *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "pinfold: %s: ", cmd->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "; 'pinfold %s --help' lists what it takes\n",
		cmd->name);
	print_usage(cmd, stderr);
	exit(EXIT_USAGE);
}

/* Fill in getopt's two descriptions of our options. */
static void build_getopt(const struct option_def *defs, struct option *longs,
			 char *shorts)
{
	int i;

	/* Tell a missing argument from an unknown option, print neither. */
	*shorts++ = ':';
	for (i = 0; defs[i].name; i++) {
		longs[i].name = defs[i].name;
		longs[i].has_arg = defs[i].arg ? required_argument : no_argument;
		longs[i].flag = NULL;
		longs[i].val = OPT_LONG + i;
		if (!defs[i].letter)
			continue;
		*shorts++ = defs[i].letter;
		if (defs[i].arg)
			*shorts++ = ':';
	}
	longs[i] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	longs[i + 1] = (struct option){};
	*shorts++ = OPT_HELP;
	*shorts = '\0';
}

static const struct option_def *find_option(const struct option_def *defs,
					    int opt)
{
	if (opt >= OPT_LONG)
		return &defs[opt - OPT_LONG];
	while (defs->name && defs->letter != opt)
		defs++;
	return defs;
}

static void set_option(const struct command *cmd, const struct option_def *def)
{
	switch (def->kind) {
	case OPTION_FLAG:
		*(bool *)def->value = true;
		return;
	case OPTION_STRING:
		*(const char **)def->value = optarg;
		return;
	case OPTION_SIZE:
		if (parse_size(optarg, def->value))
			usage_error(cmd, "--%s %s: not a size such as 4096, 512K, 64M, 1G or 2T",
				    def->name, optarg);
		return;
	}
}

static void refuse_option(const struct command *cmd, int opt, char **argv)
{
	const char *what = opt == ':' ? "argument missing" : "unknown option";

	if (optopt > 0 && optopt < OPT_LONG)
		usage_error(cmd, "-%c: %s", optopt, what);
	if (opt != ':' && optopt >= OPT_LONG)
		what = "takes no argument";
	/* getopt_long() has already stepped over the word it dislikes. */
	usage_error(cmd, "%s: %s", argv[optind - 1], what);
}

/**
 * parse_options() - read the command line of a command
 *
 * Does not return if the command line is wrong or asks for help.
 *
 * Return: the arguments that are no options, ended by NULL.
 */
char **parse_options(const struct command *cmd, int argc, char **argv,
		     const struct option_def *defs)
{
	struct option longs[MAX_OPTIONS + 2];
	char shorts[2 * MAX_OPTIONS + 3];
	int opt, nr_args;

	build_getopt(defs, longs, shorts);
	while ((opt = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (opt == OPT_HELP) {
			print_help(cmd, defs);
			exit(EXIT_OK);
		}
		if (opt == '?' || opt == ':')
			refuse_option(cmd, opt, argv);
		set_option(cmd, find_option(defs, opt));
	}
	nr_args = argc - optind;
	if (nr_args < cmd->min_args)
		usage_error(cmd, "argument missing");
	if (nr_args > cmd->max_args)
		usage_error(cmd, "%s: unexpected argument",
			    argv[optind + cmd->max_args]);
	return argv + optind;
}
