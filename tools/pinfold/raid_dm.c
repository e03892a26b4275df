// SPDX-License-Identifier: GPL-2.0
/* The device-mapper side, by dmsetup: it knows how to get along with udev. */
#define _GNU_SOURCE	/* asprintf(), strsep() */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"
#include "raid.h"

extern char **environ;

#define TARGET	"pfn_raid"

static int dmsetup_failed(const char *name, int rc)
{
	if (rc == -ENOENT)
		return fail(name, "no dmsetup; install it: apt install dmsetup");
	return fail(name, "dmsetup failed; 'dmesg' tells why");
}

static int dmsetup(const char *name, char *const argv[])
{
	int rc = run_program(argv);

	return rc ? dmsetup_failed(name, rc) : 0;
}

/* Append to a string that is allocated as it grows. */
static void append(char **text, const char *word)
{
	char *longer;

	if (asprintf(&longer, "%s%s", *text ? *text : "", word) < 0)
		abort();
	free(*text);
	*text = longer;
}

static int create_device(const char *name, char *table)
{
	char *const argv[] = { (char *)"dmsetup", (char *)"create",
			       (char *)name, (char *)"--table", table, NULL };

	return dmsetup(name, argv);
}

/**
 * raid_dm_create() - make the device
 * @devices: by role, NULL for none
 * @spares: up to a NULL, or NULL for none
 */
int raid_dm_create(const char *name, const struct raid_super *sb,
		   const char *const devices[], const char *const spares[])
{
	u64 sectors = sb->layout.size_pages * (RAID_PAGE_SIZE / 512);
	char start[96], *table = NULL;
	u32 i, nr;
	int rc;

	snprintf(start, sizeof(start), "0 %llu " TARGET " %s %u",
		 (unsigned long long)sectors,
		 raid_level_word(sb->layout.level), sb->layout.nr_legs);
	append(&table, start);
	for (i = 0; i < sb->layout.nr_legs; i++) {
		append(&table, " ");
		append(&table, devices[i] ? devices[i] : "-");
	}
	for (nr = 0; spares && spares[nr]; nr++)
		;
	if (nr) {
		snprintf(start, sizeof(start), " %u", 2 * nr);
		append(&table, start);
	}
	for (i = 0; i < nr; i++) {
		append(&table, " spare ");
		append(&table, spares[i]);
	}
	rc = create_device(name, table);
	free(table);
	return rc;
}

int raid_dm_remove(const char *name)
{
	char *const argv[] = { (char *)"dmsetup", (char *)"remove",
			       (char *)"--retry", (char *)name, NULL };

	return dmsetup(name, argv);
}

int raid_dm_message(const char *name, const char *word, const char *arg1,
		    const char *arg2, const char *arg3)
{
	char *const argv[] = { (char *)"dmsetup", (char *)"message",
			       (char *)name, (char *)"0", (char *)word,
			       (char *)arg1, (char *)arg2, (char *)arg3, NULL };

	return dmsetup(name, argv);
}

static int dm_suspend(int fd, const char *name, __u32 flags)
{
	struct dm_ioctl arg = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(arg),
		.flags = flags,
	};

	if (strlen(name) >= sizeof(arg.name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(arg.name, name);
	return ioctl(fd, DM_DEV_SUSPEND, &arg);
}

/*
 * Suspend and resume, which lets go of devices that are not legs any more. By
 * this process, with no signal and no page fault in between: if it ended there,
 * all I/O would hang, that of the root file system, too.
 */
int raid_dm_cycle(const char *name)
{
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC), rc, err;
	sigset_t all, before;

	if (fd < 0)
		return fail(name, "/dev/mapper/control: %s", strerror(errno));
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		warn(name, "memory cannot be locked: %s", strerror(errno));
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	rc = dm_suspend(fd, name, DM_SUSPEND_FLAG);
	if (!rc)
		rc = dm_suspend(fd, name, 0);
	err = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	munlockall();
	close(fd);
	return rc ? fail(name, "suspend and resume failed: %s; 'dmesg' tells why",
			 strerror(err)) : 0;
}

/* The output of a program, as a stream; its exit code by end_capture(). */
static FILE *begin_capture(char *const argv[], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int fds[2], rc;
	FILE *out;

	if (pipe(fds))
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	rc = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	out = rc ? NULL : fdopen(fds[0], "r");
	if (!out) {
		close(fds[0]);
		errno = rc;
	}
	return out;
}

static int end_capture(FILE *out, pid_t pid)
{
	int status;

	fclose(out);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* The roles that have a letter, as an array; nothing if there are none. */
static void put_roles(struct json_object *object, const char *name,
		      const char *letters)
{
	struct json_object *roles = NULL;
	int i;

	for (i = 0; letters[i]; i++) {
		if (letters[i] == '-')
			continue;
		if (!roles)
			roles = json_object_new_array();
		json_object_array_add(roles, json_object_new_int(i));
	}
	if (roles)
		json_object_object_add(object, name, roles);
}

/* "259:1,259:3", or "-" for none: nothing then. */
static void put_devices(struct json_object *object, const char *name,
			char *list)
{
	struct json_object *devices;
	char *word, *rest = list;

	if (!strcmp(list, "-"))
		return;
	devices = json_object_new_array();
	while ((word = strsep(&rest, ",")))
		json_object_array_add(devices, json_object_new_string(word));
	json_object_object_add(object, name, devices);
}

/* "[name: ]0 <len> pfn_raid <level> <legs> <health> <n>/<m> <action> ..." */
static struct json_object *parse_status(const char *name, const char *line)
{
	char level[16], health[RAID_MAX_LEGS + 1], action[16], writes[16];
	char mostly[RAID_MAX_LEGS + 1], spares[128];
	unsigned long long len, at, total, mismatches, repaired, lost;
	unsigned int legs, bad, replayed, share, floor, latency;
	struct json_object *object;

	if (sscanf(line, "0 %llu " TARGET " %15s %u %32s %llu/%llu %15s %llu %llu %u %llu %u %15s %32s %127s %u/%u/%u",
		   &len, level, &legs, health, &at, &total, action, &mismatches,
		   &repaired, &bad, &lost, &replayed, writes, mostly,
		   spares, &share, &floor, &latency) != 18)
		return NULL;
	object = json_object_new_object();
	put_string(object, "name", name);
	put_string(object, "level", level);
	put_size(object, "size", len * 512);
	put_count(object, "legs", legs);
	put_string(object, "health", health);
	put_bool(object, "degraded", strspn(health, "A") != strlen(health));
	put_string(object, "action", action);
	if (strcmp(action, "idle"))
		put_count(object, "percent", total ? at * 100 / total : 100);
	put_count(object, "mismatches", mismatches);
	put_count(object, "repaired", repaired);
	put_count(object, "bad_pages", bad);
	put_count(object, "lost", lost);
	put_count(object, "replayed", replayed);
	put_bool(object, "writable", !strcmp(writes, "rw"));
	put_roles(object, "write_mostly", mostly);
	put_devices(object, "spares", spares);
	if (strcmp(action, "idle"))
		put_count(object, "share_percent", share);
	put_count(object, "floor_percent", floor);
	put_count(object, "latency_percent", latency);
	return object;
}

/* The table's one line. Return: allocated, or NULL. */
char *raid_dm_table(const char *name)
{
	char *const argv[] = { (char *)"dmsetup", (char *)"table",
			       (char *)"--target", (char *)TARGET, (char *)name,
			       NULL };
	char *line = NULL;
	size_t room = 0;
	FILE *out;
	pid_t pid;
	int rc;

	out = begin_capture(argv, &pid);
	if (!out) {
		dmsetup_failed(name, -errno);
		return NULL;
	}
	if (getline(&line, &room, out) > 0)
		line[strcspn(line, "\n")] = '\0';
	else if (line)
		*line = '\0';
	rc = end_capture(out, pid);
	if (!rc && line && *line)
		return line;
	free(line);
	if (rc)
		dmsetup_failed(name, rc);
	else
		fail(name, "is no array; 'pinfold raid status' lists them");
	return NULL;
}

/* Load a table, to be used from the next resume on. */
int raid_dm_load(const char *name, char *table)
{
	char *const argv[] = { (char *)"dmsetup", (char *)"load", (char *)name,
			       (char *)"--table", table, NULL };

	return dmsetup(name, argv);
}

/**
 * raid_dm_status() - append the state of one array, or of all
 * @name: of the device, or NULL
 */
int raid_dm_status(const char *name, struct json_object *array)
{
	char *const argv[] = { (char *)"dmsetup", (char *)"status",
			       (char *)"--target", (char *)TARGET, (char *)name,
			       NULL };
	struct json_object *object;
	char line[1024], *colon;
	FILE *out;
	pid_t pid;
	int rc;

	out = begin_capture(argv, &pid);
	if (!out)
		return dmsetup_failed(name, -errno);
	while (fgets(line, sizeof(line), out)) {
		const char *who = name, *status = line;

		/* Without a name, each line begins with one. */
		colon = name ? NULL : strstr(line, ": ");
		if (colon) {
			*colon = '\0';
			who = line;
			status = colon + 2;
		}
		object = parse_status(who, status);
		if (object)
			json_object_array_add(array, object);
	}
	rc = end_capture(out, pid);
	return rc ? dmsetup_failed(name, rc) : 0;
}
