// SPDX-License-Identifier: GPL-2.0
/* Superblocks of legs, read and written as the module does it. */
#define _GNU_SOURCE	/* O_DIRECT */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "raid.h"
#include "signature.h"
#include "word.h"

static const struct {
	const char *word;
	u32 level;
} levels[] = {
	{ "raid1", 1 }, { "raid10", 10 }, { "raid4", 4 }, { "raid5", 5 },
	{ "raid6", 6 },
};

const char *raid_level_word(u32 level)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
		if (levels[i].level == level)
			return levels[i].word;
	return "unknown";
}

/* Return: 0, or -1 without a message. */
int raid_parse_level(const char *word, u32 *level)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].word, word) &&
		    strcmp(levels[i].word + 4, word))
			continue;
		*level = levels[i].level;
		return 0;
	}
	return -1;
}

static void read_super(struct raid_leg_media *leg)
{
	static u8 block[PINFOLD_RAID_SB_SIZE] __aligned(PINFOLD_RAID_SB_SIZE);
	static struct raid_super sb;
	enum raid_verdict verdict;
	unsigned int copy;

	leg->verdict = RAID_SB_UNREADABLE;
	for (copy = 0; copy < 2; copy++) {
		if (read_full(leg->media.fd, block, sizeof(block),
			      raid_super_offset(copy)))
			continue;
		verdict = raid_super_verify(block, copy,
					    leg->media.ctx.ns_size, &sb);
		if (verdict > leg->verdict ||
		    (verdict <= RAID_SB_SPARE &&
		     leg->verdict == verdict &&
		     sb.events <= leg->sb.events))
			continue;
		leg->verdict = verdict;
		leg->sb = sb;
	}
}

/**
 * raid_media_open() - open a device and read its superblock
 *
 * Past the page cache: the module changes what is on the device.
 */
int raid_media_open(struct raid_leg_media *leg, const char *path, int flags)
{
	struct stat st;

	memset(leg, 0, sizeof(*leg));
	if (!stat(path, &st) && S_ISBLK(st.st_mode))
		flags |= O_DIRECT;
	if (media_open_image(&leg->media, path, flags))
		return -1;
	leg->media.direct = flags & O_DIRECT;
	read_super(leg);
	return 0;
}

/* Ask before what is on a device is destroyed. */
int raid_media_ask(struct raid_leg_media *leg, bool force)
{
	static struct media_info info;
	char found[256];

	if (force)
		return 0;
	media_read_info(&leg->media, &info);
	if (signature_describe(&leg->media, &info, found, sizeof(found)))
		return -1;
	if (leg->verdict <= RAID_SB_CORRUPT)
		strncat(found, *found ? ", leg of an array" : "leg of an array",
			sizeof(found) - strlen(found) - 1);
	if (!*found)
		return 0;
	warn(leg->media.name, "found on it: %s", found);
	return confirm("Destroy what is on %s?", leg->media.name) ? 0 : -1;
}

static int write_super(const struct raid_leg_media *leg,
		       const struct raid_super *sb, u32 role, unsigned int copy)
{
	static struct pinfold_raid_super_block block
		__aligned(PINFOLD_RAID_SB_SIZE);
	int rc;

	raid_super_encode(&block, sb, role, copy);
	rc = write_full(leg->media.fd, &block, sizeof(block),
			raid_super_offset(copy));
	if (rc)
		return fail(leg->media.name, "writing the superblock failed: %s; 'dmesg' may tell why",
			    strerror(-rc));
	return media_sync(&leg->media);
}

#define PAGE_WORDS	(RAID_PAGE_SIZE / sizeof(__le64))

static __le64 words[PAGE_WORDS] __aligned(RAID_PAGE_SIZE);

static int write_words(const struct raid_leg_media *leg, u64 offset)
{
	int rc = write_full(leg->media.fd, words, sizeof(words), offset);

	return rc ? fail(leg->media.name, "writing failed: %s; 'dmesg' may tell why",
			 strerror(-rc)) : 0;
}

/* No bad pages, in both copies; no region was ever written. */
static int write_empty(const struct raid_leg_media *leg,
		       const struct raid_super *sb)
{
	static const struct raid_bad none;
	u32 seed = raid_uuid_seed(sb);
	u64 i, word = 0, offset;

	for (i = 0; i < PAGE_WORDS; i++)
		words[i] = raid_bad_encode(seed, i, &none);
	if (write_words(leg, sb->bad_offset) ||
	    write_words(leg, sb->bad_offset + PINFOLD_RAID_BAD_COPY))
		return -1;
	for (offset = 0; offset < sb->bitmap_size; offset += RAID_PAGE_SIZE) {
		for (i = 0; i < PAGE_WORDS; i++)
			words[i] = raid_bits_encode(seed, word++, 0);
		if (write_words(leg, sb->bitmap_offset + offset))
			return -1;
	}
	return 0;
}

/**
 * raid_media_format() - make a device a leg
 *
 * Zeroes are an empty log.
 */
int raid_media_format(const struct raid_leg_media *leg,
		      const struct raid_super *sb, u32 role)
{
	if (media_zero(&leg->media, 0, sb->bitmap_offset) ||
	    write_empty(leg, sb) || signature_wipe(&leg->media) ||
	    write_super(leg, sb, role, 1) || write_super(leg, sb, role, 0))
		return -1;
	return 0;
}
