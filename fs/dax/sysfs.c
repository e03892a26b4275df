// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/block/<disk>/pinfold/, documented in Documentation/admin-guide.rst.
 */
#include <linux/blkdev.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>

#include "backing.h"

struct backing_attr {
	struct attribute attr;
	ssize_t (*show)(struct dax_backing *b, char *buf);
	ssize_t (*store)(struct dax_backing *b, const char *buf, size_t len);
};

#define BACKING_ATTR(_name, _expr)					\
static ssize_t _name##_show(struct dax_backing *b, char *buf)		\
{									\
	return sysfs_emit(buf, "%llu\n", (u64)(_expr));			\
}									\
static struct backing_attr attr_##_name = __ATTR_RO(_name)

static u64 stat(atomic64_t *counter)
{
	return atomic64_read(counter);
}

BACKING_ATTR(attached_bytes, (u64)b->nr_chunks << CHUNK_SHIFT);
BACKING_ATTR(populated_bytes, stat(&b->stats.chunks) << CHUNK_SHIFT);
BACKING_ATTR(memmap_bytes, stat(&b->stats.chunks) * CHUNK_MEMMAP);
BACKING_ATTR(spans, stat(&b->stats.spans));
BACKING_ATTR(populate_events, stat(&b->stats.populates));
BACKING_ATTR(populate_time_ns, stat(&b->stats.populate_ns));
BACKING_ATTR(populate_failures, stat(&b->stats.failures));
BACKING_ATTR(wait_timeouts, stat(&b->stats.timeouts));
BACKING_ATTR(trims, stat(&b->stats.trims));
BACKING_ATTR(trimmed_bytes, stat(&b->stats.trimmed) << CHUNK_SHIFT);

static ssize_t budget_bytes_show(struct dax_backing *b, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(b->budget));
}

static ssize_t budget_bytes_store(struct dax_backing *b, const char *buf,
				  size_t len)
{
	u64 budget;
	int err = kstrtou64(buf, 0, &budget);

	if (err)
		return err;
	WRITE_ONCE(b->budget, budget);
	return len;
}

static struct backing_attr attr_budget_bytes = __ATTR_RW(budget_bytes);

static ssize_t holder_show(struct dax_backing *b, char *buf)
{
	return sysfs_emit(buf, "%s\n", holder_name(b));
}

static struct backing_attr attr_holder = __ATTR_RO(holder);

static struct attribute *backing_attrs[] = {
	&attr_attached_bytes.attr,
	&attr_populated_bytes.attr,
	&attr_memmap_bytes.attr,
	&attr_budget_bytes.attr,
	&attr_spans.attr,
	&attr_populate_events.attr,
	&attr_populate_time_ns.attr,
	&attr_populate_failures.attr,
	&attr_wait_timeouts.attr,
	&attr_trims.attr,
	&attr_trimmed_bytes.attr,
	&attr_holder.attr,
	NULL,
};
ATTRIBUTE_GROUPS(backing);

static ssize_t backing_attr_show(struct kobject *kobj, struct attribute *attr,
				 char *buf)
{
	struct backing_attr *a = container_of(attr, struct backing_attr, attr);

	return a->show(container_of(kobj, struct dax_backing, kobj), buf);
}

static ssize_t backing_attr_store(struct kobject *kobj, struct attribute *attr,
				  const char *buf, size_t len)
{
	struct backing_attr *a = container_of(attr, struct backing_attr, attr);

	if (!a->store)
		return -EIO;
	return a->store(container_of(kobj, struct dax_backing, kobj), buf, len);
}

static const struct sysfs_ops backing_sysfs_ops = {
	.show = backing_attr_show,
	.store = backing_attr_store,
};

static void backing_kobj_release(struct kobject *kobj)
{
	complete(&container_of(kobj, struct dax_backing, kobj)->kobj_gone);
}

static const struct kobj_type backing_ktype = {
	.release = backing_kobj_release,
	.sysfs_ops = &backing_sysfs_ops,
	.default_groups = backing_groups,
};

/**
 * sysfs_add() - show the backing under its disk
 * @b: backing with its disk
 *
 * Context: Process context, may sleep.
 * Return: 0 or -errno; nothing to undo then.
 */
int sysfs_add(struct dax_backing *b)
{
	int err;

	init_completion(&b->kobj_gone);
	err = kobject_init_and_add(&b->kobj, &backing_ktype,
				   &disk_to_dev(b->disk)->kobj, "pinfold");
	if (err) {
		kobject_put(&b->kobj);
		wait_for_completion(&b->kobj_gone);
		return err;
	}
	return 0;
}

/**
 * sysfs_remove() - undo sysfs_add(); no attribute is in use on return
 * @b: backing
 *
 * Context: Process context, may sleep. Only references that sysfs and this file
 * hold are waited for, and kobject_put() waits for running show and store calls.
 */
void sysfs_remove(struct dax_backing *b)
{
	kobject_put(&b->kobj);
	wait_for_completion(&b->kobj_gone);
}
