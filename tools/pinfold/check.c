// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"
#include "describe.h"
#include "driver.h"
#include "table.h"

/**
 * struct check - how
 * @repair: write what is wrong anew
 * @force: do not ask
 * @give_up: even if that means to let go of entries that are lost
 */
struct check {
	bool repair;
	bool force;
	bool give_up;
};

/**
 * struct findings - what is there, after a repair
 * @info: both copies of the info block
 * @table: the remap table, if one of them can be used
 * @repaired: something was written
 */
struct findings {
	struct media_info info;
	struct table_state table;
	bool repaired;
};

static bool good(const struct findings *found)
{
	return media_copies_agree(&found->info) &&
	       found->table.verdict <= TABLE_GOOD;
}

static struct json_object *describe_copy(const struct media_info *info,
					 unsigned int copy)
{
	struct json_object *object = json_object_new_object();
	const struct pinfold_copy *one = &info->copies[copy];

	put_count(object, "copy", copy);
	put_count(object, "offset", pinfold_info_offset(copy));
	put_string(object, "verdict", pinfold_verdict_string(one->verdict));
	put_bool(object, "usable", pinfold_verdict_usable(one->verdict));
	if (pinfold_verdict_intact(one->verdict)) {
		put_uuid(object, "uuid", one->info.uuid);
		put_count(object, "seq", one->info.seq);
	}
	return object;
}

static int print_verdict(const struct media *media,
			 const struct findings *found, bool is_ns)
{
	const struct media_info *info = &found->info;
	struct json_object *object = json_object_new_object();
	struct json_object *copies = json_object_new_array();
	struct json_object *table;
	unsigned int copy;

	put_string(object, is_ns ? "dev" : "file", media->name);
	put_size(object, "size", media->ctx.ns_size);
	put_string(object, "verdict", pinfold_choice_string(info->choice));
	put_bool(object, "good", good(found));
	if (found->repaired)
		put_bool(object, "repaired", true);
	for (copy = 0; copy < PINFOLD_INFO_COPIES; copy++)
		json_object_array_add(copies, describe_copy(info, copy));
	json_object_object_add(object, "copies", copies);
	if (media_chosen(info))
		describe_info(object, media_chosen(info), true);
	if (info->choice == PINFOLD_USE) {
		table = json_object_new_object();
		table_describe(table, &found->table);
		json_object_object_add(object, "remap_table", table);
	}
	return print_json(object);
}

/* What to call a copy that is fine in itself but not the newest. */
static const char *copy_fault(const struct media_info *info, unsigned int copy)
{
	enum pinfold_verdict verdict = info->copies[copy].verdict;

	return verdict == PINFOLD_VALID ? "outdated" :
		pinfold_verdict_string(verdict);
}

/*
 * A block may be written if it is the only thing its place can hold: the chosen
 * copy is one that we understand fully, and no one else claims the other place.
 */
static bool repairable(const struct media_info *info)
{
	return info->choice == PINFOLD_USE &&
	       info->copies[info->chosen].verdict == PINFOLD_VALID;
}

/* Something overwrote copy 0; only a person can know that it was a mistake. */
static bool recoverable(const struct media_info *info)
{
	return info->choice == PINFOLD_REUSED &&
	       info->copies[1].verdict == PINFOLD_VALID;
}

static int explain(const struct media *media, const struct media_info *info)
{
	const char *name = media->name;
	unsigned int chosen = info->chosen, other = !chosen;

	switch (info->choice) {
	case PINFOLD_USE:
		return fail(name, "info block copy %u is %s, copy %u is used; 'pinfold check --repair %s' rewrites it",
			    other, copy_fault(info, other), chosen, name);
	case PINFOLD_REFUSE:
		return fail(name, "info block copy %u: %s; a matching pinfold version or namespace is needed, nothing was changed",
			    chosen,
			    pinfold_verdict_string(info->copies[chosen].verdict));
	case PINFOLD_REUSED:
		return fail(name, "%s; if that was a mistake, 'pinfold check --repair --force %s' restores it",
			    pinfold_choice_string(info->choice), name);
	case PINFOLD_CONFLICT:
	case PINFOLD_CORRUPT:
		return fail(name, "%s; 'pinfold create' starts anew and destroys what is on it",
			    pinfold_choice_string(info->choice));
	case PINFOLD_ILLEGIBLE:
		return fail(name, "%s; if it was one, copy what is needed from the raw device, then 'pinfold create' starts anew",
			    pinfold_choice_string(info->choice));
	case PINFOLD_NOT_OURS:
		break;
	}
	return fail(name, "%s: copy 0: %s, copy 1: %s; 'pinfold create' makes one",
		    pinfold_choice_string(info->choice),
		    pinfold_verdict_string(info->copies[0].verdict),
		    pinfold_verdict_string(info->copies[1].verdict));
}

/* Return: 0, also if nothing can be done about it. */
static int repair_info(const struct media *media, struct findings *found,
		       const struct check *check)
{
	struct media_info *info = &found->info;
	unsigned int good = info->chosen;

	if (recoverable(info) && check->force)
		good = 1;
	else if (!repairable(info))
		return 0;
	else if (!check->force &&
		 !confirm("Rewrite info block copy %u (%s) of %s?", !good,
			  copy_fault(info, !good), media->name))
		return -1;
	if (media_write_copy(media, &info->blocks[good], !good))
		return -1;
	media_read_info(media, info);
	found->repaired = true;
	return 0;
}

static int repair_table(const struct media *media, struct findings *found,
			const struct check *check)
{
	enum table_verdict verdict = found->table.verdict;
	bool mendable = verdict == TABLE_MENDABLE ||
			(verdict == TABLE_LOST && check->give_up);

	if (!mendable || !repairable(&found->info))
		return 0;
	if (!check->force && !confirm("Rewrite the remap table of %s?",
				      media->name))
		return -1;
	if (table_mend(media, media_chosen(&found->info), &found->table))
		return -1;
	found->repaired = true;
	return 0;
}

static int examine(const struct media *media, const struct check *check,
		   struct findings *found)
{
	int rc = 0;

	media_read_info(media, &found->info);
	if (check->repair && !media_copies_agree(&found->info))
		rc = repair_info(media, found, check);
	if (rc || found->info.choice != PINFOLD_USE)
		return rc;
	if (table_read(media, media_chosen(&found->info), &found->table))
		return -1;
	return check->repair ? repair_table(media, found, check) : 0;
}

/* Look, repair if asked and possible, then tell: in this order. */
static int check_media(const struct media *media, const struct check *check,
		       bool is_ns)
{
	static struct findings found;
	int rc = examine(media, check, &found);

	if (print_verdict(media, &found, is_ns))
		return -1;
	if (rc || good(&found))
		return rc;
	if (!media_copies_agree(&found.info))
		explain(media, &found.info);
	table_explain(media, &found.table);
	return -1;
}

static int open_flags(const struct check *check)
{
	return check->repair ? O_RDWR : O_RDONLY;
}

static int check_image(const char *path, const struct check *check)
{
	struct media media;
	int rc;

	if (media_open_image(&media, path, open_flags(check)))
		return -1;
	rc = check_media(&media, check, false);
	media_close(&media);
	return rc;
}

static int check_bound(struct ns *ns, const struct check *check)
{
	struct media media;
	int rc;

	if (driver_bind_raw(ns) ||
	    media_open_ns(&media, ns, open_flags(check)))
		return -1;
	rc = check_media(&media, check, true);
	media_close(&media);
	return rc;
}

/* A disabled namespace is bound for as long as the look takes. */
static int check_ns(const char *name, const struct check *check)
{
	struct binding before;
	struct ns ns;
	int rc;

	if (require_privileges(name) || ns_find(name, &ns) ||
	    ns_require_raw(&ns))
		return -1;
	if (ns_attached(&ns))
		return fail(ns.name, "is attached, its info blocks belong to the driver; 'pinfold detach %s' first",
			    ns.name);
	binding_save(&ns, &before);
	rc = check_bound(&ns, check);
	if (binding_restore(&ns, &before))
		return -1;
	return rc;
}

/* A pmem block device is checked as the namespace that it belongs to. */
static bool is_namespace(const char *word)
{
	struct stat st;

	if (ns_is_name(word) || !strncmp(word, "/dev/pmem", 9))
		return true;
	return stat(word, &st) && !strchr(word, '/');
}

int cmd_check(const struct command *cmd, int argc, char **argv)
{
	struct check check = {};
	const struct option_def options[] = {
		{ "repair", 'r', OPTION_FLAG, &check.repair, NULL,
		  "rewrite what is damaged from what is good" },
		{ "force", 'f', OPTION_FLAG, &check.force, NULL,
		  "do not ask before writing" },
		{ "give-up", 'g', OPTION_FLAG, &check.give_up, NULL,
		  "with --repair: let go of lost entries of the remap table" },
		OPTION_HUMAN,
		OPTION_END,
	};
	int rc;

	argv = parse_options(cmd, argc, argv, options);
	if (is_namespace(argv[0]))
		rc = check_ns(argv[0], &check);
	else
		rc = check_image(argv[0], &check);
	return rc ? EXIT_FAIL : EXIT_OK;
}
