// SPDX-License-Identifier: GPL-2.0
/*
 * sysfs under the disk: dax/write_cache as nd_pmem has it, and pinfold_media/,
 * what the info block says and where pages are. Documentation/admin-guide.rst
 * lists them.
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
GEOMETRY_ATTR(spare_offset);
GEOMETRY_ATTR(spare_size);

/*
 * Pages and slots, counted while some may be moving: a move can hold its lock for
 * seconds, so nobody waits for it here. Each number was right a moment ago; several
 * need not be from the same moment.
 */
static u32 nr_remapped(struct pinfold *pf)
{
	return READ_ONCE(pf->remap.nr_claimed);
}

static u32 nr_retired(struct pinfold *pf)
{
	return READ_ONCE(pf->remap.nr_retired) +
		READ_ONCE(pf->remap.nr_homes_retired);
}

/* Until the table is in use, all slots that it will have. */
static u32 nr_slots(struct pinfold *pf)
{
	struct pinfold_remap_layout layout;

	if (!pinfold_remap_layout_init(&layout, &pf->info))
		return 0;
	return layout.nr_slots;
}

static u32 nr_free(struct pinfold *pf)
{
	u32 nr = nr_slots(pf);
	u32 used = READ_ONCE(pf->remap.nr_claimed) +
		READ_ONCE(pf->remap.nr_retired) +
		READ_ONCE(pf->remap.nr_quarantined);

	return nr > used ? nr - used : 0;
}

#define SLOTS_ATTR(_name, _nr)						\
static ssize_t _name##_show(struct device *dev,			\
			    struct device_attribute *attr, char *buf)	\
{									\
	return sysfs_emit(buf, "%u\n", _nr(to_pinfold(dev)));		\
}									\
static DEVICE_ATTR_RO(_name)

SLOTS_ATTR(remapped, nr_remapped);
SLOTS_ATTR(retired, nr_retired);
SLOTS_ATTR(spare_pages, nr_slots);
SLOTS_ATTR(spare_free, nr_free);

/* Since attach. The map comes with the first move, and stays until the disk goes. */
#define MOVES_ATTR(_name, _counter)					\
static ssize_t _name##_show(struct device *dev,			\
			    struct device_attribute *attr, char *buf)	\
{									\
	struct pinfold_map *map = READ_ONCE(to_pinfold(dev)->map);	\
									\
	return sysfs_emit(buf, "%lld\n",				\
			  map ? atomic64_read(&map->_counter) : 0LL);	\
}									\
static DEVICE_ATTR_RO(_name)

MOVES_ATTR(moves, nr_moved);
MOVES_ATTR(moves_cancelled, nr_cancelled);
MOVES_ATTR(moves_held, nr_held);

static struct attribute *media_attrs[] = {
	&dev_attr_uuid.attr,
	&dev_attr_version.attr,
	&dev_attr_seq.attr,
	&dev_attr_info_copies.attr,
	&dev_attr_data_offset.attr,
	&dev_attr_spare_offset.attr,
	&dev_attr_spare_size.attr,
	&dev_attr_remapped.attr,
	&dev_attr_retired.attr,
	&dev_attr_spare_pages.attr,
	&dev_attr_spare_free.attr,
	&dev_attr_moves.attr,
	&dev_attr_moves_cancelled.attr,
	&dev_attr_moves_held.attr,
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
