// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ndctl/libndctl.h>
#include <linux/ndctl.h>

#include "namespace.h"

/* Kept until exit: every struct ns points into it. */
static struct ndctl_ctx *ndctl;

static void release_ndctl(void)
{
	ndctl_unref(ndctl);
}

static struct ndctl_ctx *get_ndctl(void)
{
	int rc;

	if (ndctl)
		return ndctl;
	rc = ndctl_new(&ndctl);
	if (rc) {
		fail(NULL, "libndctl: %s", strerror(-rc));
		return NULL;
	}
	atexit(release_ndctl);
	return ndctl;
}

/* Could the word be a namespace and not a file? */
bool ns_is_name(const char *word)
{
	return !strncmp(word, "namespace", strlen("namespace")) &&
	       !strchr(word, '/');
}

static const char *strip_dev(const char *word)
{
	return strncmp(word, "/dev/", 5) ? word : word + 5;
}

/* The link's last component is the driver's name. */
static void read_driver(struct ns *ns)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;

	ns->driver[0] = '\0';
	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s/driver", ns->name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	snprintf(ns->driver, sizeof(ns->driver), "%.*s", NAME_LEN - 1,
		 name ? name + 1 : target);
}

/* libndctl caches the block device's name, and ours comes and goes. */
static void read_disk(struct ns *ns)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s/block", ns->name);
	if (sysfs_first_entry(path, ns->disk, sizeof(ns->disk)))
		ns->disk[0] = '\0';
}

/*
 * A btt, pfn or dax device that is there, or else the label's word for what
 * kind will come as soon as the namespace is enabled.
 */
static void read_claim(struct ns *ns)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s/holder", ns->name);
	if (sysfs_read(path, ns->claim, sizeof(ns->claim)))
		ns->claim[0] = '\0';
	if (*ns->claim || *ns->driver)
		return;
	switch (ndctl_namespace_get_enforce_mode(ns->ndns)) {
	case NDCTL_NS_MODE_FSDAX:
		copy_name(ns->claim, "its label (fsdax mode)");
		break;
	case NDCTL_NS_MODE_DEVDAX:
		copy_name(ns->claim, "its label (devdax mode)");
		break;
	case NDCTL_NS_MODE_SECTOR:
		copy_name(ns->claim, "its label (sector mode)");
		break;
	default:
		break;
	}
}

/* Read again what binding and unbinding changes. */
void ns_refresh(struct ns *ns)
{
	read_driver(ns);
	read_disk(ns);
	read_claim(ns);
}

static void ns_init(struct ns *ns, struct ndctl_namespace *ndns)
{
	unsigned long long base = ndctl_namespace_get_resource(ndns);

	memset(ns, 0, sizeof(*ns));
	ns->ndns = ndns;
	snprintf(ns->name, sizeof(ns->name), "%s",
		 ndctl_namespace_get_devname(ndns));
	ns->ctx.ns_size = ndctl_namespace_get_size(ndns);
	/* Hidden from everyone but root. */
	ns->ctx.phys_known = base != ULLONG_MAX && base != 0;
	ns->ctx.phys_base = base;
	ns->ctx.parent_known = true;
	ndctl_namespace_get_uuid(ndns, ns->ctx.parent_uuid);
	ns_refresh(ns);
}

/* Seeds have no size: they are the kernel's blank forms for new namespaces. */
static bool is_pmem_namespace(struct ndctl_namespace *ndns)
{
	unsigned int type = ndctl_namespace_get_type(ndns);

	return (type == ND_DEVICE_NAMESPACE_IO ||
		type == ND_DEVICE_NAMESPACE_PMEM) &&
	       ndctl_namespace_get_size(ndns);
}

static int visit_region(struct ndctl_region *region, ns_visit_fn visit,
			void *arg)
{
	struct ndctl_namespace *ndns;
	struct ns ns;
	int rc;

	ndctl_namespace_foreach(region, ndns) {
		if (!is_pmem_namespace(ndns))
			continue;
		ns_init(&ns, ndns);
		rc = visit(&ns, arg);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * ns_for_each() - visit every persistent-memory namespace
 *
 * Return: 0, what @visit returned to stop, or -1.
 */
int ns_for_each(ns_visit_fn visit, void *arg)
{
	struct ndctl_ctx *ctx = get_ndctl();
	struct ndctl_region *region;
	struct ndctl_bus *bus;
	int rc;

	if (!ctx)
		return -1;
	ndctl_bus_foreach(ctx, bus) {
		ndctl_region_foreach(bus, region) {
			rc = visit_region(region, visit, arg);
			if (rc)
				return rc;
		}
	}
	return 0;
}

struct search {
	const char *word;
	struct ns *found;
};

static int match(struct ns *ns, void *arg)
{
	struct search *search = arg;

	if (strcmp(ns->name, search->word) &&
	    (!*ns->disk || strcmp(ns->disk, strip_dev(search->word))))
		return 0;
	*search->found = *ns;
	return 1;
}

/**
 * ns_find() - find a namespace by its name or its block device
 * @word: "namespace0.0", "pmem0" or "/dev/pmem0"
 * @ns: result
 */
int ns_find(const char *word, struct ns *ns)
{
	struct search search = { .word = word, .found = ns };
	int rc = ns_for_each(match, &search);

	if (rc > 0)
		return 0;
	if (!rc)
		fail(word, "no such namespace; 'ndctl list -Ni' shows the namespaces");
	return -1;
}

/* Refuse a namespace that belongs to btt, pfn or dax. */
int ns_require_raw(const struct ns *ns)
{
	if (!*ns->claim)
		return 0;
	return fail(ns->name, "is not raw but claimed by %s; 'ndctl create-namespace -f -e %s -m raw' makes it raw and destroys what is on it",
		    ns->claim, ns->name);
}

int ns_require_attached(const struct ns *ns)
{
	if (ns_attached(ns) && *ns->disk)
		return 0;
	return fail(ns->name, "is not attached; 'pinfold attach %s' attaches it",
		    ns->name);
}

/**
 * ns_attribute() - path of a driver's attribute of the block device
 * @group: "pinfold" or "pinfold_media"
 * @path: result, PATH_MAX bytes
 *
 * Return: 0, or -ENOENT without a message: older drivers have fewer.
 */
int ns_attribute(const struct ns *ns, const char *group, const char *name,
		 char *path)
{
	snprintf(path, PATH_MAX, "/sys/block/%s/%s/%s", ns->disk, group, name);
	return sysfs_exists(path) ? 0 : -ENOENT;
}

/* Return: 0 or a negative errno, without a message. */
int ns_read_u64(const struct ns *ns, const char *group, const char *name,
		u64 *value)
{
	char path[PATH_MAX];
	int rc = ns_attribute(ns, group, name, path);

	return rc ? rc : sysfs_read_u64(path, value);
}

/* Return: 0 or a negative errno, without a message. */
int ns_disk_size(const struct ns *ns, u64 *size)
{
	char path[PATH_MAX];
	u64 sectors;
	int rc;

	snprintf(path, sizeof(path), "/sys/block/%s/size", ns->disk);
	rc = sysfs_read_u64(path, &sectors);
	if (!rc)
		*size = sectors * 512;
	return rc;
}
