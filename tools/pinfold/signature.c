// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE	/* O_DIRECT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <blkid/blkid.h>

#include "signature.h"

/* More signatures than any real device carries. */
#define MAX_SIGNATURES	64

/* libblkid reads at any offset into any buffer, which O_DIRECT refuses. */
static void set_direct(const struct media *media, bool direct)
{
	int flags = fcntl(media->fd, F_GETFL);

	if (media->direct)
		fcntl(media->fd, F_SETFL, direct ? flags | O_DIRECT :
		      flags & ~O_DIRECT);
}

static void end_probe(const struct media *media, blkid_probe probe)
{
	blkid_free_probe(probe);
	set_direct(media, true);
}

/* As wipefs probes: everything, also with a bad checksum. */
static blkid_probe new_probe(const struct media *media)
{
	blkid_probe probe = blkid_new_probe();

	set_direct(media, false);
	if (!probe || blkid_probe_set_device(probe, media->fd, 0, 0)) {
		end_probe(media, probe);
		fail(media->name, "libblkid cannot probe it: %s",
		     strerror(errno));
		return NULL;
	}
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE |
					  BLKID_SUBLKS_MAGIC |
					  BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_set_partitions_flags(probe, BLKID_PARTS_MAGIC |
					 BLKID_PARTS_FORCE_GPT);
	return probe;
}

static const char *signature_name(blkid_probe probe)
{
	const char *name;

	if (!blkid_probe_lookup_value(probe, "TYPE", &name, NULL) ||
	    !blkid_probe_lookup_value(probe, "PTTYPE", &name, NULL))
		return name;
	return "unknown";
}

static void append(char *text, size_t len, const char *what)
{
	size_t used = strlen(text);

	/* The same kind often has several signatures: one word is enough. */
	if (strstr(text, what))
		return;
	snprintf(text + used, len - used, "%s%s", used ? ", " : "", what);
}

static int describe_blkid(const struct media *media, char *text, size_t len)
{
	blkid_probe probe = new_probe(media);
	int i, rc = 0;

	if (!probe)
		return -1;
	for (i = 0; i < MAX_SIGNATURES; i++) {
		rc = blkid_do_probe(probe);
		if (rc)
			break;
		append(text, len, signature_name(probe));
	}
	end_probe(media, probe);
	/* 1 is the end of what there is to find. */
	if (rc < 0)
		return fail(media->name, "libblkid failed to read it; 'dmesg' may tell why, --force skips the look");
	return 0;
}

/**
 * signature_describe() - say what would be destroyed
 * @text: result: a list of names, "" if nothing known was found
 */
int signature_describe(const struct media *media, const struct media_info *info,
		       char *text, size_t len)
{
	text[0] = '\0';
	if (info->choice != PINFOLD_NOT_OURS)
		append(text, len, pinfold_choice_string(info->choice));
	if (info->copies[0].verdict == PINFOLD_FOREIGN)
		append(text, len, pinfold_verdict_string(PINFOLD_FOREIGN));
	else if (media_foreign_at_start(media))
		append(text, len, "btt");
	return describe_blkid(media, text, len);
}

/**
 * signature_wipe() - remove every signature libblkid finds
 *
 * Zeroing the metadata area took those at the start; partition tables and RAID
 * have backups at the end.
 */
int signature_wipe(const struct media *media)
{
	blkid_probe probe = new_probe(media);
	int i, rc = 0;

	if (!probe)
		return -1;
	for (i = 0; i < MAX_SIGNATURES; i++) {
		rc = blkid_do_probe(probe);
		if (rc)
			break;
		rc = blkid_do_wipe(probe, 0);
		if (rc)
			break;
	}
	end_probe(media, probe);
	if (rc == 1)
		return media_sync(media);
	return fail(media->name, "wiping its old signatures failed; 'wipefs -a' on the block device may tell why");
}
