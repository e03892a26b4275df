// SPDX-License-Identifier: GPL-2.0
/* pinfold raid VERB: create, assemble and manage arrays. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "command.h"
#include "output.h"
#include "raid.h"

#define DEFAULT_CHUNK	(64 * 1024)

static struct raid_leg_media legs[RAID_MAX_LEGS];
static u32 nr_legs;

static void close_legs(void)
{
	while (nr_legs)
		media_close(&legs[--nr_legs].media);
}

static int open_legs(char **paths, int flags)
{
	for (nr_legs = 0; paths[nr_legs]; nr_legs++) {
		if (nr_legs == RAID_MAX_LEGS)
			return fail(paths[nr_legs], "too many legs; an array has %u at most",
				    RAID_MAX_LEGS);
		if (raid_media_open(&legs[nr_legs], paths[nr_legs], flags))
			return -1;
	}
	return 0;
}

/* One array, or all, on stdout. */
static int show(const char *name)
{
	struct json_object *array = json_object_new_array();
	int rc = raid_dm_status(name, array);

	if (!rc && name && json_object_array_length(array) != 1)
		rc = fail(name, "is no array; 'pinfold raid status' lists them");
	if (rc) {
		json_object_put(array);
		return EXIT_FAIL;
	}
	if (!name)
		return print_json(array) ? EXIT_FAIL : EXIT_OK;
	rc = print_json(json_object_get(json_object_array_get_idx(array, 0)));
	json_object_put(array);
	return rc ? EXIT_FAIL : EXIT_OK;
}

/* --- create --------------------------------------------------------------- */

/**
 * struct create - how
 * @level: word
 * @chunk: bytes
 * @copies: of a raid10
 * @size: bytes of each leg to use, 0 for all
 * @write_mostly: roles, separated by commas, or NULL
 * @force: do not ask
 * @no_start: write the superblocks only
 */
struct create {
	const char *level;
	u64 chunk;
	u64 copies;
	u64 size;
	const char *write_mostly;
	bool force;
	bool no_start;
};

/* "1,3": legs that are read only if no other one can be. */
static int mark_write_mostly(const char *list, struct raid_super *sb)
{
	unsigned long role;
	char *end;

	while (list && *list) {
		role = strtoul(list, &end, 10);
		if (end == list || role >= sb->layout.nr_legs ||
		    (*end && *end != ','))
			return fail(list, "--write-mostly: roles from 0 to %u, separated by commas",
				    sb->layout.nr_legs - 1);
		sb->roles[role].flags |= PINFOLD_RAID_WRITE_MOSTLY;
		list = *end ? end + 1 : end;
	}
	return 0;
}

static int plan(const char *name, const struct create *create,
		struct raid_super *sb)
{
	u64 smallest = ~0ULL;
	const char *why;
	u32 i;

	for (i = 0; i < nr_legs; i++)
		if (legs[i].media.ctx.ns_size < smallest)
			smallest = legs[i].media.ctx.ns_size;
	memset(sb, 0, sizeof(*sb));
	raid_parse_level(create->level, &sb->layout.level);
	sb->layout.nr_legs = nr_legs;
	sb->layout.copies = 1;
	if (sb->layout.level == 1)
		sb->layout.copies = nr_legs;
	if (sb->layout.level == 10)
		sb->layout.copies = create->copies;
	sb->layout.chunk_pages = sb->layout.level == 1 ? 1 :
				 create->chunk / RAID_PAGE_SIZE;
	sb->layout.leg_pages = create->size / RAID_PAGE_SIZE;
	why = raid_super_plan(sb, smallest);
	if (why)
		return fail(name, "no %s of these %u legs: %s", create->level,
			    nr_legs, why);
	sb->events = 1;
	uuid_generate(sb->uuid);
	for (i = 0; i < nr_legs; i++) {
		uuid_generate(sb->roles[i].uuid);
		sb->roles[i].state = PINFOLD_RAID_ROLE_IN_SYNC;
	}
	if (create->write_mostly && !raid_is_mirror(&sb->layout))
		return fail(name, "legs of a raid1 or raid10 can be write-mostly, not those of a %s",
			    create->level);
	return mark_write_mostly(create->write_mostly, sb);
}

static int create_array(const char *name, char **paths,
			const struct create *create)
{
	static struct raid_super sb;
	u32 i;

	if (open_legs(paths, O_RDWR) || plan(name, create, &sb))
		return -1;
	for (i = 0; i < nr_legs; i++)
		if (raid_media_ask(&legs[i], create->force))
			return -1;
	for (i = 0; i < nr_legs; i++)
		if (raid_media_format(&legs[i], &sb, i))
			return -1;
	close_legs();
	if (create->no_start)
		return 0;
	return raid_dm_create(name, &sb, (const char *const *)paths, NULL);
}

static int raid_create(const struct command *cmd, int argc, char **argv)
{
	struct create create = { .chunk = DEFAULT_CHUNK, .copies = 2 };
	const struct option_def options[] = {
		{ "level", 'l', OPTION_STRING, &create.level, "LEVEL",
		  "raid1, raid10, raid4, raid5 or raid6" },
		{ "chunk", 'c', OPTION_SIZE, &create.chunk, "SIZE",
		  "a power of two from 4K on, 64K if not given" },
		{ "copies", 'n', OPTION_SIZE, &create.copies, "NUMBER",
		  "copies of a raid10, 2 if not given" },
		{ "size", 's', OPTION_SIZE, &create.size, "SIZE",
		  "use so much of each leg for data" },
		{ "write-mostly", 'w', OPTION_STRING, &create.write_mostly,
		  "ROLE[,ROLE]...", "legs to read only if no other one can be" },
		{ "force", 'f', OPTION_FLAG, &create.force, NULL,
		  "do not ask before destroying what is there" },
		{ "no-start", 'N', OPTION_FLAG, &create.no_start, NULL,
		  "write the superblocks only" },
		OPTION_HUMAN,
		OPTION_END,
	};
	u32 level;
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	if (!create.level || raid_parse_level(create.level, &level))
		usage_error(cmd, "--level: raid1, raid10, raid4, raid5 or raid6");
	if (create.chunk % RAID_PAGE_SIZE || create.copies > RAID_MAX_LEGS ||
	    create.chunk > 1ULL << 32)
		usage_error(cmd, "--chunk: a multiple of 4K; --copies: up to %u",
			    RAID_MAX_LEGS);
	if (require_privileges(argv[0]))
		return EXIT_FAIL;
	rc = create_array(argv[0], argv + 1, &create);
	close_legs();
	if (rc)
		return EXIT_FAIL;
	return create.no_start ? EXIT_OK : show(argv[0]);
}

/* --- assemble ------------------------------------------------------------- */

/* The superblock that was changed last knows who has which role. */
static const struct raid_super *newest_super(void)
{
	const struct raid_super *newest = &legs[0].sb;
	u32 i;

	/* Spares have no events. */
	for (i = 1; i < nr_legs; i++)
		if (legs[i].sb.events > newest->events)
			newest = &legs[i].sb;
	return newest;
}

static bool has_role(u32 i, const struct raid_super *newest)
{
	const struct raid_super *sb = &legs[i].sb;

	return !memcmp(sb->roles[sb->role].uuid, newest->roles[sb->role].uuid,
		       RAID_UUID_SIZE);
}

/* Of a leg and the device that replaced it, or was about to, take the right one. */
static int take_one(char **paths, u32 i, u32 j, u32 *taken)
{
	const struct raid_super *newest = newest_super();
	u32 left;

	if (memcmp(legs[i].sb.uuid, newest->uuid, RAID_UUID_SIZE) ||
	    memcmp(legs[j].sb.uuid, newest->uuid, RAID_UUID_SIZE) ||
	    has_role(i, newest) == has_role(j, newest))
		return fail(paths[i], "has role %u, as %s has; they are of different arrays or times",
			    legs[i].sb.role, paths[j]);
	*taken = has_role(i, newest) ? i : j;
	left = *taken == i ? j : i;
	warn(paths[left], "is left out: %s has its role", paths[*taken]);
	return 0;
}

/* A spare of the array to assemble? */
static int check_spare(const char *path, u32 i)
{
	if (!memcmp(legs[i].sb.uuid, newest_super()->uuid, RAID_UUID_SIZE))
		return 0;
	return fail(path, "is a spare of another array; leave it out");
}

/* Sort legs by the role they have, so that the order of names does not matter. */
static int sort_legs(struct raid_candidate *candidates, const char **devices,
		     const char **spares, char **paths, u32 *nr)
{
	u32 i, role, taken, of_role[RAID_MAX_LEGS];

	*nr = 0;
	for (i = 0; i < nr_legs; i++)
		if (legs[i].verdict > RAID_SB_SPARE)
			return fail(paths[i], "%s; leave it out, and add it after wiping it",
				    raid_verdict_string(legs[i].verdict));
	for (i = 0; i < nr_legs; i++) {
		if (legs[i].verdict == RAID_SB_SPARE) {
			if (check_spare(paths[i], i))
				return -1;
			*spares++ = paths[i];
			continue;
		}
		role = legs[i].sb.role;
		taken = i;
		if (devices[role] && take_one(paths, i, of_role[role], &taken))
			return -1;
		of_role[role] = taken;
		devices[role] = paths[taken];
		candidates[role].given = true;
		candidates[role].verdict = legs[taken].verdict;
		candidates[role].sb = legs[taken].sb;
		if (legs[i].sb.layout.nr_legs > *nr)
			*nr = legs[i].sb.layout.nr_legs;
	}
	return 0;
}

/* Is what was not named to be rebuilt anyway? A spare will do for that. */
static bool spares_do(const char *const *devices, const char *const *spares,
		      u32 nr)
{
	const struct raid_super *newest = newest_super();
	u32 i;

	for (i = 0; i < nr; i++)
		if (!devices[i] &&
		    newest->roles[i].state == PINFOLD_RAID_ROLE_IN_SYNC)
			return false;
	return spares[0];
}

static int assemble_array(const char *name, char **paths, bool degraded)
{
	static struct raid_candidate candidates[RAID_MAX_LEGS];
	static struct raid_assembly assembly;
	const char *devices[RAID_MAX_LEGS] = {}, *who;
	const char *spares[RAID_MAX_LEGS + 1] = {};
	u32 nr;

	if (open_legs(paths, O_RDONLY) ||
	    sort_legs(candidates, devices, spares, paths, &nr))
		return -1;
	raid_assemble(candidates, nr, &assembly);
	if (assembly.refusal) {
		who = devices[assembly.culprit];
		if (assembly.refusal == RAID_REFUSE_TOO_FEW || !who)
			who = name;
		return fail(who, "%s", raid_refusal_string(assembly.refusal));
	}
	/* A leg that is late would have to be rebuilt for nothing. */
	if (assembly.changed && !degraded && !spares_do(devices, spares, nr))
		return fail(name, "a leg that is in sync was not named; name it, or use --degraded to go on without it");
	close_legs();
	return raid_dm_create(name, &assembly.sb, devices, spares);
}

static int raid_assemble_cmd(const struct command *cmd, int argc, char **argv)
{
	bool degraded = false;
	const struct option_def options[] = {
		{ "degraded", 'd', OPTION_FLAG, &degraded, NULL,
		  "go on without legs that are not named" },
		OPTION_HUMAN,
		OPTION_END,
	};
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	if (require_privileges(argv[0]))
		return EXIT_FAIL;
	rc = assemble_array(argv[0], argv + 1, degraded);
	close_legs();
	return rc ? EXIT_FAIL : show(argv[0]);
}

/* --- running arrays ------------------------------------------------------- */

static char **plain_options(const struct command *cmd, int argc, char **argv)
{
	const struct option_def options[] = { OPTION_HUMAN, OPTION_END };

	return parse_options(cmd, argc, argv, options);
}

static int raid_stop(const struct command *cmd, int argc, char **argv)
{
	argv = plain_options(cmd, argc, argv);
	if (require_privileges(argv[0]) || raid_dm_remove(argv[0]))
		return EXIT_FAIL;
	return EXIT_OK;
}

static int raid_status(const struct command *cmd, int argc, char **argv)
{
	argv = plain_options(cmd, argc, argv);
	if (require_privileges(argv[0] ? argv[0] : "status"))
		return EXIT_FAIL;
	return show(argv[0]);
}

/* Messages take effect at once; a device is let go of by the cycle. */
static int change(char **argv, const char *word, const char *how, bool cycle)
{
	if (require_privileges(argv[0]) ||
	    raid_dm_message(argv[0], word, argv[1], argv[2], how) ||
	    (cycle && raid_dm_cycle(argv[0])))
		return EXIT_FAIL;
	return show(argv[0]);
}

/* NAME DEVICE */
static int change_spare(char **argv, const char *word, const char *how,
			bool cycle)
{
	if (require_privileges(argv[0]) ||
	    raid_dm_message(argv[0], word, argv[1], how, NULL) ||
	    (cycle && raid_dm_cycle(argv[0])))
		return EXIT_FAIL;
	return show(argv[0]);
}

/*
 * NAME ROLE DEVICE, or NAME DEVICE for a spare: nothing is written before the
 * module has accepted it.
 */
static int give_device(const struct command *cmd, int argc, char **argv,
		       const char *word)
{
	static struct raid_leg_media leg;
	bool force = false, spare;
	const struct option_def options[] = {
		{ "force", 'f', OPTION_FLAG, &force, NULL,
		  "do not ask before destroying what is there" },
		OPTION_HUMAN,
		OPTION_END,
	};
	const char *how;
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	if (!strcmp(word, "replace") && !strcmp(argv[2], "-"))
		return change(argv, word, NULL, true);
	spare = !argv[2];
	if (require_privileges(argv[0]) ||
	    raid_media_open(&leg, argv[spare ? 1 : 2], O_RDONLY))
		return EXIT_FAIL;
	rc = raid_media_ask(&leg, force);
	media_close(&leg.media);
	if (rc)
		return EXIT_FAIL;
	how = leg.verdict <= RAID_SB_SPARE ? "force" : NULL;
	if (spare)
		return change_spare(argv, "spare", how, false);
	/* Only "replace" leaves a device behind that is to be let go of. */
	return change(argv, word, how, !strcmp(word, "replace"));
}

static int raid_add(const struct command *cmd, int argc, char **argv)
{
	return give_device(cmd, argc, argv, "add");
}

static int raid_replace(const struct command *cmd, int argc, char **argv)
{
	return give_device(cmd, argc, argv, "replace");
}

static int raid_fail(const struct command *cmd, int argc, char **argv)
{
	return change(plain_options(cmd, argc, argv), "fail", NULL, false);
}

static int raid_remove(const struct command *cmd, int argc, char **argv)
{
	argv = plain_options(cmd, argc, argv);
	if (strchr(argv[1], '/') || strchr(argv[1], ':'))
		return change_spare(argv, "unspare", NULL, true);
	return change(argv, "remove", NULL, true);
}

static int raid_throttle(const struct command *cmd, int argc, char **argv)
{
	argv = plain_options(cmd, argc, argv);
	if (require_privileges(argv[0]) ||
	    raid_dm_message(argv[0], "throttle", argv[1], argv[2], NULL))
		return EXIT_FAIL;
	return show(argv[0]);
}

static int raid_write_mostly(const struct command *cmd, int argc, char **argv)
{
	bool off = false;
	const struct option_def options[] = {
		{ "off", 'o', OPTION_FLAG, &off, NULL,
		  "read the leg like any other again" },
		OPTION_HUMAN,
		OPTION_END,
	};

	argv = parse_options(cmd, argc, argv, options);
	if (require_privileges(argv[0]) ||
	    raid_dm_message(argv[0], "write_mostly", argv[1],
			    off ? "off" : "on", NULL))
		return EXIT_FAIL;
	return show(argv[0]);
}

static int raid_scrub(const struct command *cmd, int argc, char **argv)
{
	bool repair = false, stop = false;
	const struct option_def options[] = {
		{ "repair", 'r', OPTION_FLAG, &repair, NULL,
		  "make redundancy fit the data where it does not" },
		{ "stop", 's', OPTION_FLAG, &stop, NULL,
		  "end a scrub that is running" },
		OPTION_HUMAN,
		OPTION_END,
	};
	const char *name;

	name = parse_options(cmd, argc, argv, options)[0];
	if (require_privileges(name) ||
	    raid_dm_message(name, stop ? "idle" : "scrub",
			    stop ? NULL : repair ? "repair" : "check", NULL,
			    NULL))
		return EXIT_FAIL;
	return show(name);
}

static int raid_grow(const struct command *cmd, int argc, char **argv)
{
	u64 size = 0;
	const struct option_def options[] = {
		{ "size", 's', OPTION_SIZE, &size, "SIZE",
		  "use so much of each leg for data, all if not given" },
		OPTION_HUMAN,
		OPTION_END,
	};

	argv = parse_options(cmd, argc, argv, options);
	if (size % RAID_PAGE_SIZE)
		usage_error(cmd, "--size: a multiple of 4K");
	if (require_privileges(argv[0]) || raid_grow_array(argv[0], size))
		return EXIT_FAIL;
	return show(argv[0]);
}

static const struct command verbs[] = {
	{ "raid create", "NAME DEVICE...", "make an array of pmem devices",
	  3, 1 + RAID_MAX_LEGS, raid_create },
	{ "raid assemble", "NAME DEVICE...", "start an array from its legs",
	  2, 1 + RAID_MAX_LEGS, raid_assemble_cmd },
	{ "raid stop", "NAME", "stop an array", 1, 1, raid_stop },
	{ "raid status", "[NAME]", "show arrays and how they are", 0, 1,
	  raid_status },
	{ "raid add", "NAME [ROLE] DEVICE", "give a role a device, or add a spare",
	  2, 3, raid_add },
	{ "raid replace", "NAME ROLE DEVICE", "give a role another device, - for none",
	  3, 3, raid_replace },
	{ "raid fail", "NAME ROLE", "go on without a leg", 2, 2, raid_fail },
	{ "raid remove", "NAME ROLE|SPARE", "the same, and let go of its device", 2, 2,
	  raid_remove },
	{ "raid write-mostly", "NAME ROLE",
	  "read a leg only if no other one can be", 2, 2, raid_write_mostly },
	{ "raid throttle", "NAME PERCENT [PERCENT]",
	  "the worker's share under I/O, and what I/O may take", 2, 3,
	  raid_throttle },
	{ "raid grow", "NAME", "use more of each leg", 1, 1, raid_grow },
	{ "raid scrub", "NAME", "compare data and redundancy", 1, 1,
	  raid_scrub },
};

static void print_verbs(FILE *out)
{
	size_t i;

	fputs("usage: pinfold raid VERB [OPTIONS] [ARGUMENTS]\n\n", out);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(out, "  %-17s %-22s %s\n", verbs[i].name, verbs[i].args,
			verbs[i].summary);
	fputs("\n'pinfold raid VERB --help' and 'man pinfold-raid' tell more.\n",
	      out);
}

int cmd_raid(const struct command *cmd, int argc, char **argv)
{
	size_t i;

	(void)cmd;
	if (argc < 2) {
		print_verbs(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_verbs(stdout);
		return EXIT_OK;
	}
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name + strlen("raid "), argv[1]))
			return verbs[i].run(&verbs[i], argc - 1, argv + 1);
	fprintf(stderr, "pinfold: raid %s: unknown verb; 'pinfold raid --help' lists them\n",
		argv[1]);
	return EXIT_USAGE;
}
