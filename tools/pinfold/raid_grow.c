// SPDX-License-Identifier: GPL-2.0
/* pinfold raid grow: the same table, but longer. */
#define _GNU_SOURCE	/* asprintf() */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "raid.h"

/* "259:1" is /dev/pmem1, or whatever the kernel calls it. */
static int open_number(struct raid_leg_media *leg, const char *number)
{
	char path[64], line[128], name[64] = "";
	FILE *in;

	snprintf(path, sizeof(path), "/sys/dev/block/%s/uevent", number);
	in = fopen(path, "r");
	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, "DEVNAME=%57s", name) == 1)
			break;
	if (in)
		fclose(in);
	if (!*name)
		return fail(number, "there is no such device");
	snprintf(path, sizeof(path), "/dev/%s", name);
	return raid_media_open(leg, path, O_RDONLY);
}

/**
 * struct line - an array's table
 * @level: word
 * @nr: legs
 * @rest: devices, and what follows
 */
struct line {
	char level[16];
	unsigned int nr;
	const char *rest;
};

/* The newest superblock, and the size of the smallest device. */
static int find_newest(const char *name, const struct line *line,
		       struct raid_super *sb, u64 *smallest)
{
	static struct raid_leg_media leg;
	const char *at = line->rest;
	char word[32];
	int used;

	memset(sb, 0, sizeof(*sb));
	*smallest = ~0ULL;
	/* Spares, too: they follow behind "spare". */
	for (; sscanf(at, "%31s%n", word, &used) == 1; at += used) {
		if (!strchr(word, ':'))
			continue;
		if (open_number(&leg, word))
			return -1;
		if (leg.media.ctx.ns_size < *smallest)
			*smallest = leg.media.ctx.ns_size;
		if (leg.verdict == RAID_SB_VALID &&
		    (!sb->events || leg.sb.events > sb->events))
			*sb = leg.sb;
		media_close(&leg.media);
	}
	return sb->events ? 0 : fail(name, "no leg has a superblock that can be read");
}

/* What it will be like: the newest superblock, larger. */
static int plan_growth(const char *name, const struct line *line, u64 size,
		       struct raid_super *sb)
{
	u64 smallest, before;
	const char *why;

	if (find_newest(name, line, sb, &smallest))
		return -1;
	before = sb->layout.leg_pages;
	why = raid_super_grow(sb, size / RAID_PAGE_SIZE, smallest);
	if (why)
		return fail(name, "%s", why);
	if (sb->layout.leg_pages == before)
		return fail(name, "has all the size that there is already");
	return 0;
}

/* The same table, but longer. Return: allocated, or NULL. */
static char *longer(const struct line *line, const struct raid_super *sb)
{
	const char *at = line->rest;
	char *table, *rest;
	unsigned long features;
	unsigned int i;

	for (i = 0; i < line->nr; i++) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
	}
	features = strtoul(at, &rest, 10);
	if (asprintf(&table, "0 %llu pfn_raid %s %u%.*s %lu%s grow %llu",
		     (unsigned long long)(sb->layout.size_pages *
					  (RAID_PAGE_SIZE / 512)),
		     line->level, line->nr, (int)(at - line->rest), line->rest,
		     features + 2, rest,
		     (unsigned long long)(sb->layout.leg_pages *
					  (RAID_PAGE_SIZE / 512))) < 0)
		return NULL;
	return table;
}

static bool has_grown(const char *name, const struct line *line,
		      const struct raid_super *sb)
{
	static struct raid_super found;
	u64 smallest;

	return !find_newest(name, line, &found, &smallest) &&
	       found.layout.leg_pages == sb->layout.leg_pages;
}

/* The device is suspended only for as long as it takes to use the other table. */
static int use_table(const char *name, const struct line *line, char *table,
		     char *former, const struct raid_super *sb)
{
	if (raid_dm_load(name, table))
		return -1;
	if (!raid_dm_cycle(name) && has_grown(name, line, sb))
		return 0;
	warn(name, "the array goes back to the size it had");
	if (raid_dm_load(name, former) || raid_dm_cycle(name))
		fail(name, "is suspended; load its former table, and resume it: %s",
		     former);
	return -1;
}

/**
 * raid_grow_array() - use more of each leg
 * @size: bytes of data on each leg, 0 for all
 */
int raid_grow_array(const char *name, u64 size)
{
	static struct raid_super sb;
	char *former = raid_dm_table(name), *table = NULL;
	struct line line;
	int used = 0, rc = -1;

	if (!former)
		return -1;
	if (sscanf(former, "0 %*u pfn_raid %15s %u%n", line.level, &line.nr,
		   &used) != 2 || !used) {
		rc = fail(name, "has a table that is not understood: %s", former);
	} else {
		line.rest = former + used;
		rc = plan_growth(name, &line, size, &sb);
	}
	if (!rc) {
		table = longer(&line, &sb);
		rc = table ? use_table(name, &line, table, former,
				       &sb) :
			     fail(name, "has a table that is not understood: %s",
				  former);
	}
	free(table);
	free(former);
	return rc;
}
