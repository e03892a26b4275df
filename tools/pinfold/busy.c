// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel lets one exclusive opener have a disk and its partitions: a mount,
 * swap, device-mapper, md, an external journal. So O_EXCL is the question, and
 * the rest of this file only finds words for the answer.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "busy.h"
#include "util.h"

#define RETRIES		20
#define RETRY_USEC	100000

/* Undo the octal escapes of /proc: \040 for a blank and so on. */
static void unescape(char *text)
{
	char *to = text;
	unsigned int c;

	while (*text) {
		if (*text == '\\' && sscanf(text + 1, "%3o", &c) == 1 &&
		    strlen(text) >= 4) {
			*to++ = c;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* One mountinfo line: "id parent maj:min root mountpoint ... - type source". */
static bool mount_line_matches(char *line, const char *name, const char *devt,
			       char *where, size_t len)
{
	char id[32], point[1024], type[64], source[256], *tail;

	if (sscanf(line, "%*s %*s %31s %*s %1023s", id, point) != 2)
		return false;
	tail = strstr(line, " - ");
	/* btrfs shows a device number of its own: the source tells. */
	if (!tail || sscanf(tail, " - %63s %255s", type, source) != 2)
		source[0] = '\0';
	if (strcmp(id, devt) &&
	    (strncmp(source, "/dev/", 5) || strcmp(source + 5, name)))
		return false;
	unescape(point);
	snprintf(where, len, "is mounted at %s; 'umount %s' first", point,
		 point);
	return true;
}

static bool find_mount(const char *name, const char *devt, char *why,
		       size_t len)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	bool found = false;
	char *line = NULL;
	size_t size = 0;

	if (!mounts)
		return false;
	while (!found && getline(&line, &size, mounts) > 0)
		found = mount_line_matches(line, name, devt, why, len);
	free(line);
	fclose(mounts);
	return found;
}

static bool find_swap(const char *name, char *why, size_t len)
{
	FILE *swaps = fopen("/proc/swaps", "re");
	char line[1024], path[256];
	bool found = false;

	if (!swaps)
		return false;
	while (!found && fgets(line, sizeof(line), swaps))
		found = sscanf(line, "%255s", path) == 1 &&
			!strncmp(path, "/dev/", 5) && !strcmp(path + 5, name);
	fclose(swaps);
	if (found)
		snprintf(why, len, "is used for swap; 'swapoff /dev/%s' first",
			 name);
	return found;
}

static bool find_holder(const char *name, char *why, size_t len)
{
	char path[PATH_MAX], holder[NAME_LEN];

	snprintf(path, sizeof(path), "/sys/class/block/%s/holders", name);
	if (sysfs_first_entry(path, holder, sizeof(holder)))
		return false;
	snprintf(why, len, "is used by /dev/%s; remove that device first",
		 holder);
	return true;
}

/* Who uses this very disk or partition? */
static bool explain_one(const char *name, char *why, size_t len)
{
	char path[PATH_MAX], devt[32];

	snprintf(path, sizeof(path), "/sys/class/block/%s/dev", name);
	if (sysfs_read(path, devt, sizeof(devt)))
		return false;
	return find_mount(name, devt, why, len) ||
	       find_swap(name, why, len) || find_holder(name, why, len);
}

/**
 * busy_explain() - who uses the disk or one of its partitions?
 * @why: result, "is mounted at ...; what to do"
 *
 * Return: false if that cannot be found out.
 */
bool busy_explain(const char *disk, char *why, size_t len)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found;
	DIR *dir;

	found = explain_one(disk, why, len);
	snprintf(path, sizeof(path), "/sys/block/%s", disk);
	dir = opendir(path);
	if (!dir)
		return found;
	while (!found && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, disk, strlen(disk)))
			found = explain_one(entry->d_name, why, len);
	closedir(dir);
	return found;
}

/**
 * busy_open() - open a disk that nobody else uses
 * @disk: name in /dev
 * @flags: for open(2); O_EXCL is added
 * @thing: whom to name in the message
 *
 * A node that udev has yet to make and a short exclusive open by some prober
 * are waited for.
 *
 * Return: the file descriptor or -1.
 */
int busy_open(const char *disk, int flags, const char *thing)
{
	char path[PATH_MAX], why[BUSY_WHY_LEN] = "";
	int fd, i;

	snprintf(path, sizeof(path), "/dev/%s", disk);
	for (i = 0; i < RETRIES; i++) {
		fd = open(path, flags | O_EXCL | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno == EBUSY && busy_explain(disk, why, sizeof(why)))
			return fail(thing, "%s %s", path, why);
		if (errno != EBUSY && errno != ENOENT)
			break;
		usleep(RETRY_USEC);
	}
	if (errno == EBUSY)
		return fail(thing, "%s is in use; 'lsof %s' may tell by whom",
			    path, path);
	return fail(thing, "%s: %s%s", path, strerror(errno),
		    errno == EACCES ? "; run it as root" : "");
}

/* Return: 0 if nobody has the disk exclusively, else -1. */
int busy_check(const char *disk, const char *thing)
{
	int fd = busy_open(disk, O_RDONLY, thing);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}
