// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

/* Everything that is no file is looked for among the namespaces. */
bool target_is_ns(const char *word)
{
	struct stat st;

	if (ns_is_name(word))
		return true;
	if (stat(word, &st))
		return !strchr(word, '/');
	return S_ISBLK(st.st_mode);
}

/* Cut the range that was asked for down to what there is. */
int target_clip(const char *thing, struct range *range, u64 size)
{
	if (range->offset > size)
		return fail(thing, "the range starts at %llu, behind the end at %llu; give one that starts before it",
			    range->offset, size);
	if (range->length > size - range->offset)
		range->length = size - range->offset;
	return 0;
}

static int check_file(int fd, const char *path, struct range *range)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail(path, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(path, "is not a regular file; give a file or a namespace");
	return target_clip(path, range, st.st_size);
}

/* Return: a file descriptor, with @range clipped to the file; or -1. */
int target_open_file(const char *path, struct range *range)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return fail(path, "%s", strerror(errno));
	if (!check_file(fd, path, range))
		return fd;
	close(fd);
	return -1;
}

/* For the driver's ioctls. Return: a file descriptor or -1. */
int target_open_disk(const char *disk, const char *thing)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", disk);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(thing, "%s: %s", path, strerror(errno));
	return fd;
}

/* An attached namespace, for somebody who may use it. */
int target_find_ns(const char *name, struct ns *ns)
{
	if (require_privileges(name) || ns_find(name, ns))
		return -1;
	return ns_require_attached(ns);
}

int target_clip_ns(const struct ns *ns, struct range *range)
{
	u64 size;
	int rc = ns_disk_size(ns, &size);

	if (rc)
		return fail(ns->name, "reading the size of /dev/%s failed: %s",
			    ns->disk, strerror(-rc));
	return target_clip(ns->name, range, size);
}

int target_elsewhere(const char *path)
{
	return fail(path, "is not on a pinfold namespace; 'pinfold list' shows those");
}
