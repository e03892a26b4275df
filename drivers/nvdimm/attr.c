// SPDX-License-Identifier: GPL-2.0
/*
 * sysfs under the disk: dax/write_cache as nd_pmem has it, and pinfold_media/,
 * what the info block says. Documentation/on-media-format.rst lists them.
 */
#include <linux/dax.h>
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "pinfold.h"

static struct pinfold *to_pinfold(struct device *dev)
{
	return dev_to_disk(dev)->private_data;
}

static ssize_t write_cache_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n",
			  dax_write_cache_enabled(to_pinfold(dev)->dax_dev));
}

static ssize_t write_cache_store(struct device *dev,
				 struct device_attribute *attr,
				 const char *buf, size_t len)
{
	bool write_cache;
	int err = kstrtobool(buf, &write_cache);

	if (err)
		return err;
	dax_write_cache(to_pinfold(dev)->dax_dev, write_cache);
	return len;
}
static DEVICE_ATTR_RW(write_cache);

static umode_t dax_visible(struct kobject *kobj, struct attribute *a, int n)
{
	return IS_ENABLED(CONFIG_ARCH_HAS_PMEM_API) ? a->mode : 0;
}

static struct attribute *dax_attrs[] = {
	&dev_attr_write_cache.attr,
	NULL,
};

static const struct attribute_group dax_group = {
	.name = "dax",
	.attrs = dax_attrs,
	.is_visible = dax_visible,
};

static ssize_t uuid_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "%pUb\n", to_pinfold(dev)->info.uuid);
}
static DEVICE_ATTR_RO(uuid);

static ssize_t version_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	const struct pinfold_info *info = &to_pinfold(dev)->info;

	return sysfs_emit(buf, "%u.%u\n", info->version_major,
			  info->version_minor);
}
static DEVICE_ATTR_RO(version);

static ssize_t seq_show(struct device *dev, struct device_attribute *attr,
			char *buf)
{
	return sysfs_emit(buf, "%llu\n", to_pinfold(dev)->info.seq);
}
static DEVICE_ATTR_RO(seq);

static ssize_t info_copies_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", to_pinfold(dev)->valid_copies);
}
static DEVICE_ATTR_RO(info_copies);

/* Sizes and offsets in bytes of the namespace. */
#define GEOMETRY_ATTR(_name)						\
static ssize_t _name##_show(struct device *dev,			\
			    struct device_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%llu\n",				\
			  to_pinfold(dev)->info.geo._name);		\
}									\
static DEVICE_ATTR_RO(_name)

GEOMETRY_ATTR(data_offset);
GEOMETRY_ATTR(spare_size);

static struct attribute *media_attrs[] = {
	&dev_attr_uuid.attr,
	&dev_attr_version.attr,
	&dev_attr_seq.attr,
	&dev_attr_info_copies.attr,
	&dev_attr_data_offset.attr,
	&dev_attr_spare_size.attr,
	NULL,
};

static const struct attribute_group media_group = {
	.name = "pinfold_media",
	.attrs = media_attrs,
};

const struct attribute_group *pinfold_disk_groups[] = {
	&dax_group,
	&media_group,
	NULL,
};
