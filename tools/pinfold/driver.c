// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ndctl/libndctl.h>

#include "driver.h"

#define RELEASE_TRIES	200
#define RELEASE_USEC	25000

/* The kernel's own words about a failed bind are the best explanation. */
struct kernel_log {
	int fd;
	char last[256];
};

static void kernel_log_start(struct kernel_log *log)
{
	log->last[0] = '\0';
	log->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log->fd >= 0)
		lseek(log->fd, 0, SEEK_END);
}

/* One read is one record: "prio,seq,time,flags;text\n KEY=value...". */
static void kernel_log_stop(struct kernel_log *log, const char *name)
{
	char record[8192];
	ssize_t n;

	if (log->fd < 0)
		return;
	while ((n = read(log->fd, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		char *text;

		if (n < 0)
			continue;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || (!strstr(text, name) && !strstr(text, "pinfold")))
			continue;
		text[1 + strcspn(text + 1, "\n")] = '\0';
		/* The driver's own words say more than the driver core's after it. */
		if (strstr(log->last, "not attached") &&
		    !strstr(text, "not attached"))
			continue;
		snprintf(log->last, sizeof(log->last), "%.*s",
			 (int)sizeof(log->last) - 1, text + 1);
	}
	close(log->fd);
}

static bool driver_present(const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/nd/drivers/%s", driver);
	return sysfs_exists(path);
}

static int driver_load(char *driver)
{
	char modprobe[] = "modprobe";
	char *const argv[] = { modprobe, driver, NULL };
	int rc;

	if (driver_present(driver))
		return 0;
	rc = run_program(argv);
	if (!rc && driver_present(driver))
		return 0;
	return fail(driver, "the kernel module cannot be loaded; 'modprobe %s' and 'dmesg' tell why%s",
		    driver, strcmp(driver, DRIVER_PINFOLD) ? "" :
		    ", the package pinfold-dkms provides it");
}

/* Return: 0 or a negative errno, without a message. */
static int write_bind(const struct ns *ns, const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/nd/drivers/%s/bind", driver);
	return sysfs_write(path, ns->name);
}

static void set_raw_mode(const struct ns *ns, int raw_mode)
{
	if (ndctl_namespace_get_raw_mode(ns->ndns) != raw_mode)
		ndctl_namespace_set_raw_mode(ns->ndns, raw_mode);
}

/* Does some driver still have the namespace's memory reserved? */
static bool memory_reserved(const struct ns *ns)
{
	FILE *iomem = fopen("/proc/iomem", "re");
	char line[256], *name;
	bool found = false;

	if (!iomem)
		return false;
	while (!found && fgets(line, sizeof(line), iomem)) {
		line[strcspn(line, "\n")] = '\0';
		name = strstr(line, " : ");
		found = name && !strcmp(name + 3, ns->name);
	}
	fclose(iomem);
	return found;
}

/*
 * The memory stays reserved, and the next driver is refused, until the last
 * program has closed the block device. Commonly that is udev, for a moment.
 */
static void wait_released(const struct ns *ns, const char *disk)
{
	int i;

	for (i = 0; i < RELEASE_TRIES; i++) {
		if (!memory_reserved(ns))
			return;
		usleep(RELEASE_USEC);
	}
	warn(ns->name, "/dev/%s is gone, but a program still has it open: until it is closed, the namespace cannot be bound again; 'lsof | grep %s' finds it",
	     disk, disk);
}

/* Unbind whatever driver is bound; the caller made sure that nobody uses it. */
int driver_unbind(struct ns *ns)
{
	char path[PATH_MAX], disk[NAME_LEN];
	int rc;

	if (!*ns->driver)
		return 0;
	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s/driver/unbind",
		 ns->name);
	rc = sysfs_write(path, ns->name);
	if (rc)
		return fail(ns->name, "unbinding it from %s failed: %s; 'dmesg' may tell why",
			    ns->driver, strerror(-rc));
	copy_name(disk, ns->disk);
	ns_refresh(ns);
	wait_released(ns, disk);
	return 0;
}

/**
 * driver_bind_raw() - make the raw media appear as a block device
 *
 * force_raw keeps nd_pmem from handing the namespace to pfn, btt or dax because
 * of an old info block, and from giving all of it struct pages in RAM where the
 * region asks for that. It lasts until the next reboot or until it is cleared.
 */
int driver_bind_raw(struct ns *ns)
{
	char driver[] = DRIVER_RAW;
	int rc;

	if (ns_raw(ns))
		return 0;
	if (driver_unbind(ns))
		return -1;
	set_raw_mode(ns, 1);
	if (driver_load(driver))
		return -1;
	/* A module that was just loaded has taken it by itself. */
	ns_refresh(ns);
	rc = *ns->driver ? 0 : write_bind(ns, driver);
	ns_refresh(ns);
	if (!rc && ns_raw(ns) && *ns->disk)
		return 0;
	return fail(ns->name, "binding it to %s failed: %s; 'dmesg' may tell why",
		    driver, rc ? strerror(-rc) : "no block device appeared");
}

static void explain_bind(const struct ns *ns, const struct kernel_log *log,
			 int rc)
{
	const char *cause = strstr(log->last, ns->name);

	/* "nd_pinfold namespace0.0: not attached: why; what to do" */
	if (cause && strstr(cause, "not attached: "))
		fail(ns->name, "%s", strstr(cause, "not attached: "));
	else if (rc == -ENODEV || rc == -ENXIO)
		fail(ns->name, "%s declined it; 'pinfold check %s' examines its info blocks",
		     DRIVER_PINFOLD, ns->name);
	else
		fail(ns->name, "attaching it failed: %s%s%s%s; 'dmesg' may tell more",
		     strerror(-rc), *log->last ? " (" : "", log->last,
		     *log->last ? ")" : "");
}

/* Not an errno: the user knows already. */
#define LOAD_FAILED	1

/* A module that is loaded here takes the disabled namespace by itself. */
static int load_and_bind(struct ns *ns, char *driver)
{
	if (driver_load(driver))
		return LOAD_FAILED;
	ns_refresh(ns);
	return ns_attached(ns) ? 0 : write_bind(ns, driver);
}

/**
 * driver_bind_pinfold() - bind a namespace to our driver
 * @declined: if not NULL, a driver that finds no info block is no error to
 *	report: it is set and -1 returned without a message
 *
 * On failure the namespace is bound as before.
 */
int driver_bind_pinfold(struct ns *ns, bool *declined)
{
	char driver[] = DRIVER_PINFOLD;
	struct kernel_log log;
	struct binding saved;
	int rc;

	binding_save(ns, &saved);
	if (driver_unbind(ns))
		return -1;
	set_raw_mode(ns, 0);
	kernel_log_start(&log);
	rc = load_and_bind(ns, driver);
	kernel_log_stop(&log, ns->name);
	ns_refresh(ns);
	if (!rc)
		return 0;
	/* It declines in silence what is not ours, and tells why it refuses. */
	if (declined && rc == -ENODEV && !*log.last)
		*declined = true;
	else if (rc != LOAD_FAILED)
		explain_bind(ns, &log, rc);
	binding_restore(ns, &saved);
	return -1;
}

void binding_save(const struct ns *ns, struct binding *saved)
{
	copy_name(saved->driver, ns->driver);
	saved->raw_mode = ndctl_namespace_get_raw_mode(ns->ndns);
}

/* Bind the namespace as it was when binding_save() looked. */
int binding_restore(struct ns *ns, const struct binding *saved)
{
	int rc;

	if (strcmp(ns->driver, saved->driver) && driver_unbind(ns))
		return -1;
	set_raw_mode(ns, saved->raw_mode);
	if (!strcmp(ns->driver, saved->driver))
		return 0;
	rc = write_bind(ns, saved->driver);
	ns_refresh(ns);
	if (rc)
		return fail(ns->name, "binding it to %s again failed: %s; 'dmesg' may tell why",
			    saved->driver, strerror(-rc));
	return 0;
}
