// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE	/* O_DIRECT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/fs.h>

#include "busy.h"
#include "media.h"

#define ZERO_STEP	(1024 * 1024)

static int device_size(const struct media *media, u64 *size)
{
	if (!ioctl(media->fd, BLKGETSIZE64, size))
		return 0;
	return fail(media->name, "reading its size failed: %s",
		    strerror(errno));
}

static int check_device_size(const struct media *media)
{
	u64 size;

	if (device_size(media, &size))
		return -1;
	if (size == media->ctx.ns_size)
		return 0;
	return fail(media->name, "its block device has %llu bytes, the namespace %llu: it is not raw; 'ndctl list -Ni' shows its mode",
		    size, media->ctx.ns_size);
}

static void media_init_ns(struct media *media, const struct ns *ns)
{
	media->direct = true;
	media->name = ns->name;
	media->ctx = ns->ctx;
}

/* The kernel lets a read-only disk be opened for writing and fails the writes. */
static int check_writable(const struct media *media, int flags)
{
	int read_only = 0;

	if ((flags & O_ACCMODE) == O_RDONLY ||
	    ioctl(media->fd, BLKROGET, &read_only) || !read_only)
		return 0;
	return fail(media->name, "the namespace is read-only, its region says so (an unarmed NVDIMM?); see 'ndctl list -R', and read_only of the region in sysfs");
}

/**
 * media_open_ns() - open the raw block device of a namespace exclusively
 *
 * O_DIRECT: what is read back was read from the media, and nobody finds old
 * blocks in the page cache of a device that other drivers change underneath.
 */
int media_open_ns(struct media *media, const struct ns *ns, int flags)
{
	media_init_ns(media, ns);
	media->fd = busy_open(ns->disk, flags | O_DIRECT, ns->name);
	if (media->fd < 0)
		return -1;
	if (!check_writable(media, flags) && !check_device_size(media))
		return 0;
	media_close(media);
	return -1;
}

/**
 * media_peek_ns() - open it for reading, whoever uses it
 *
 * Return: 0 or a negative errno, without a message.
 */
int media_peek_ns(struct media *media, const struct ns *ns)
{
	char path[PATH_MAX];

	media_init_ns(media, ns);
	snprintf(path, sizeof(path), "/dev/%s", ns->disk);
	media->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	return media->fd < 0 ? -errno : 0;
}

static int open_image(struct media *media, int flags)
{
	struct stat st;

	if (fstat(media->fd, &st))
		return fail(media->name, "%s", strerror(errno));
	if (S_ISREG(st.st_mode)) {
		media->ctx.ns_size = st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return fail(media->name, "is neither a file nor a block device; give a namespace or an image");
	/* A mounted or otherwise used device must not be written to. */
	if ((flags & O_ACCMODE) != O_RDONLY) {
		close(media->fd);
		media->fd = open(media->name, flags | O_EXCL | O_CLOEXEC);
		if (media->fd < 0)
			return fail(media->name, "%s", strerror(errno));
	}
	return device_size(media, &media->ctx.ns_size);
}

/**
 * media_open_image() - open an image file or a foreign block device
 *
 * Where it will be in physical memory and in which namespace nobody knows.
 */
int media_open_image(struct media *media, const char *path, int flags)
{
	memset(media, 0, sizeof(*media));
	media->name = path;
	media->fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
	if (media->fd < 0)
		return fail(path, "%s", strerror(errno));
	if (!open_image(media, flags))
		return 0;
	media_close(media);
	return -1;
}

void media_close(struct media *media)
{
	if (media->fd >= 0)
		close(media->fd);
	media->fd = -1;
}

static void read_copy(const struct media *media, struct media_info *info,
		      unsigned int copy)
{
	struct pinfold_info_block *block = &info->blocks[copy];
	struct pinfold_copy *result = &info->copies[copy];
	u64 offset = pinfold_info_offset(copy);

	if (offset + PINFOLD_INFO_SIZE > media->ctx.ns_size)
		result->verdict = PINFOLD_NO_MAGIC;
	else if (read_full(media->fd, block, sizeof(*block), offset))
		result->verdict = PINFOLD_UNREADABLE;
	else
		result->verdict = pinfold_info_verify(block, copy, &media->ctx,
						      &result->info);
}

/* Read and judge both copies. What cannot be read is part of the judgement. */
void media_read_info(const struct media *media, struct media_info *info)
{
	unsigned int copy;

	memset(info, 0, sizeof(*info));
	for (copy = 0; copy < PINFOLD_INFO_COPIES; copy++)
		read_copy(media, info, copy);
	info->choice = pinfold_info_choose(info->copies, &info->chosen);
}

/* A btt of version 2 has its info block at the very start. */
bool media_foreign_at_start(const struct media *media)
{
	static u8 block[PINFOLD_INFO_SIZE]
		__aligned(PINFOLD_INFO_SIZE);
	struct pinfold_info ignored;

	return !read_full(media->fd, block, sizeof(block), 0) &&
	       pinfold_info_verify(block, 0, &media->ctx, &ignored) ==
		PINFOLD_FOREIGN;
}

/* Are both copies good, and the same but for their number? */
bool media_copies_agree(const struct media_info *info)
{
	struct pinfold_info_block other;

	if (info->choice != PINFOLD_USE ||
	    !pinfold_verdict_usable(info->copies[0].verdict) ||
	    !pinfold_verdict_usable(info->copies[1].verdict))
		return false;
	other = info->blocks[1];
	pinfold_info_seal(&other, 0);
	return !memcmp(&info->blocks[0], &other, sizeof(other));
}

/* The copy that speaks for the media, or NULL. */
const struct pinfold_info *media_chosen(const struct media_info *info)
{
	if (info->choice != PINFOLD_USE && info->choice != PINFOLD_REFUSE)
		return NULL;
	return &info->copies[info->chosen].info;
}

int media_sync(const struct media *media)
{
	if (!fsync(media->fd))
		return 0;
	return fail(media->name, "making it durable failed: %s; 'pinfold check %s' examines it",
		    strerror(errno), media->name);
}

/* Is it raw media with our info block, whoever uses it? */
bool media_looks_ours(const struct ns *ns)
{
	static struct media_info info;
	struct media media;

	if (media_peek_ns(&media, ns))
		return false;
	media_read_info(&media, &info);
	media_close(&media);
	return info.choice != PINFOLD_NOT_OURS &&
		info.choice != PINFOLD_ILLEGIBLE;
}

static int write_range(const struct media *media, const void *buf, size_t len,
		       u64 offset)
{
	int rc = write_full(media->fd, buf, len, offset);

	if (!rc)
		return 0;
	return fail(media->name, "writing at offset %llu failed: %s; 'dmesg' may tell why",
		    offset, strerror(-rc));
}

/**
 * media_write_copy() - write one copy durably and read it back
 * @block: prepared, or the other copy; it need not be sealed for @copy
 */
int media_write_copy(const struct media *media,
		     const struct pinfold_info_block *block, unsigned int copy)
{
	static struct pinfold_info_block sealed, back
		__aligned(PINFOLD_INFO_SIZE);
	u64 offset = pinfold_info_offset(copy);

	memcpy(&sealed, block, sizeof(sealed));
	pinfold_info_seal(&sealed, copy);
	if (write_range(media, &sealed, sizeof(sealed), offset) ||
	    media_sync(media))
		return -1;
	if (read_full(media->fd, &back, sizeof(back), offset) ||
	    memcmp(&sealed, &back, sizeof(back)))
		return fail(media->name, "info block copy %u does not read back as written; the media is bad at offset %llu",
			    copy, offset);
	return 0;
}

/* Zero a range, which also clears poison in it, and make that durable. */
int media_zero(const struct media *media, u64 offset, u64 len)
{
	void *zeroes;
	int rc = 0;

	if (posix_memalign(&zeroes, PINFOLD_INFO_SIZE, ZERO_STEP))
		return fail(media->name, "out of memory");
	memset(zeroes, 0, ZERO_STEP);
	while (len && !rc) {
		u64 step = len < ZERO_STEP ? len : ZERO_STEP;

		rc = write_range(media, zeroes, step, offset);
		offset += step;
		len -= step;
	}
	free(zeroes);
	return rc ? rc : media_sync(media);
}

int media_zero_copy(const struct media *media, unsigned int copy)
{
	return media_zero(media, pinfold_info_offset(copy), PINFOLD_INFO_SIZE);
}
