// SPDX-License-Identifier: GPL-2.0
/* Who has the disk: which file systems, whether they can be asked for their pages. */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/fs.h>

#include <compat/super.h>

#include "backing.h"

/* How long to wait for a file system that is being mounted, unmounted or changed. */
#define HOLDER_PATIENCE	(2 * HZ)

/*
 * On the media: magic numbers, and XFS's sb_features_ro_compat at byte 212. File
 * systems do not tell what they are mounted with, and the names of types that
 * are not in use would make get_fs_type() load modules.
 */
#define XFS_SB_MAGIC_STRING	"XFSB"
#define XFS_SB_RO_COMPAT_WORD	(212 / sizeof(__be32))
#define XFS_SB_RO_COMPAT_REFLINK BIT(2)
#define EXT_SB_MAGIC_OFFSET	(1024 + 56)
#define EXT_SB_MAGIC		0xef53

/*
 * File systems that hold invalidate_lock from before ->direct_access() until the
 * pfn is in the page table and its DAX entry in place (checked in both kernels).
 */
static const struct {
	const char *name;
	unsigned int family;
} known_types[] = {
	{ "ext4", HOLDER_EXT },
	{ "ext3", HOLDER_EXT },
	{ "ext2", HOLDER_EXT },
	{ "xfs", HOLDER_XFS },
};

/**
 * struct holder_look - super blocks on the disk
 * @b: backing
 * @found: their block devices
 * @nr_found: their number
 */
struct holder_look {
	struct dax_backing *b;
	struct block_device *found[HOLDER_MAX_PARTS];
	unsigned int nr_found;
};

/*
 * Exclusive openers of the disk itself and of its partitions. Read without the
 * block layer's private lock: a claim that comes later belongs to somebody who
 * will look up spans later. A claim of a partition counts on the whole disk too,
 * one of the whole disk twice.
 */
bool holder_claims(struct gendisk *disk)
{
	return READ_ONCE(disk->part0->bd_holders) > 0;
}

static int whole_disk_claims(struct gendisk *disk)
{
	int claims = READ_ONCE(disk->part0->bd_holders);
	struct block_device *part;
	unsigned long i;

	xa_for_each_start(&disk->part_tbl, i, part, 1)
		claims -= READ_ONCE(part->bd_holders);
	return claims > 0 ? DIV_ROUND_UP(claims, 2) : 0;
}

static int bdev_claims(struct block_device *bdev)
{
	if (bdev_is_partition(bdev))
		return READ_ONCE(bdev->bd_holders);
	return whole_disk_claims(bdev->bd_disk);
}

/*
 * Which family of file systems starts at @sector, or 0; *@reflink is set for an
 * XFS with that feature: there a page's mapping names one owner where there may
 * be several, so its entries cannot be found through it.
 */
static unsigned int family_at(struct dax_backing *b, sector_t sector,
			      bool *reflink)
{
	u64 start = (u64)sector << SECTOR_SHIFT;
	__be32 xfs[XFS_SB_RO_COMPAT_WORD + 1];
	__le16 ext;

	if (b->desc_ops->read(b->private, start, xfs, sizeof(xfs)))
		return 0;
	if (!memcmp(xfs, XFS_SB_MAGIC_STRING, strlen(XFS_SB_MAGIC_STRING))) {
		if (be32_to_cpu(xfs[XFS_SB_RO_COMPAT_WORD]) &
		    XFS_SB_RO_COMPAT_REFLINK)
			*reflink = true;
		return HOLDER_XFS;
	}
	if (b->desc_ops->read(b->private, start + EXT_SB_MAGIC_OFFSET, &ext,
			      sizeof(ext)))
		return 0;
	return le16_to_cpu(ext) == EXT_SB_MAGIC ? HOLDER_EXT : 0;
}

/* Return: 0 or -E2BIG. */
static int parts_note(struct gendisk *disk, struct holder_parts *parts)
{
	struct block_device *part;
	unsigned long i;
	int err = 0;

	parts->nr = 0;
	rcu_read_lock();
	xa_for_each(&disk->part_tbl, i, part) {
		if (!bdev_claims(part))
			continue;
		if (parts->nr == HOLDER_MAX_PARTS) {
			err = -E2BIG;
			break;
		}
		/* One whose last user has just gone may be on its way out. */
		if (kobject_get_unless_zero(&part->bd_device.kobj))
			parts->part[parts->nr++] = part;
	}
	rcu_read_unlock();
	return err;
}

/**
 * holder_forget() - undo holder_note(), if it was called
 * @parts: what was noted
 *
 * Context: Process context.
 */
void holder_forget(struct holder_parts *parts)
{
	while (parts->nr)
		put_device(&parts->part[--parts->nr]->bd_device);
}

/* Families of all file systems on the disk, HOLDER_OTHER for what is not one. */
static unsigned int claimed_families(struct dax_backing *b, bool *reflink)
{
	struct holder_parts parts;
	unsigned int families = 0, i;

	if (parts_note(b->disk, &parts))
		families = HOLDER_OTHER;
	for (i = 0; i < parts.nr; i++)
		families |= family_at(b, get_start_sect(parts.part[i]),
				      reflink) ?: HOLDER_OTHER;
	holder_forget(&parts);
	return families;
}

/**
 * holder_note() - remember who has the disk
 * @b: backing with its disk, before del_gendisk() makes partitions disappear
 *
 * Undo it by holder_forget().
 *
 * Context: Process context, may sleep.
 */
void holder_note(struct dax_backing *b)
{
	bool reflink;

	b->families = claimed_families(b, &reflink);
	parts_note(b->disk, &b->parts);
}

static bool type_known(const struct file_system_type *type,
		       unsigned int families)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_types); i++)
		if (known_types[i].family & families &&
		    !strcmp(type->name, known_types[i].name))
			return true;
	return false;
}

/* 6.1: a mount claims a device for its type, before it has a super block. */
static bool claimed_by_type(const void *holder, unsigned int families)
{
	struct file_system_type *type;
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_types) && !found; i++) {
		if (!(known_types[i].family & families))
			continue;
		type = get_fs_type(known_types[i].name);
		if (!type)
			continue;
		found = type == holder;
		module_put(type->owner);
	}
	return found;
}

/*
 * Not iterate_supers_type(), nor anything else that waits for s_umount: that may take
 * for ever, and the former waits for other disks' file systems, too.
 *
 * Return: the file system on a part, with s_umount; NULL if there is none; or
 * ERR_PTR(-EAGAIN) if one comes or goes, or is just being changed.
 */
static struct super_block *super_tryget(struct block_device *part,
					unsigned int families)
{
	const void *holder = READ_ONCE(part->bd_holder);
	struct super_block *sb;

	if (!bdev_claims(part))
		return NULL;
	/* Freed after a grace period only; if alive, not before s_umount is free. */
	rcu_read_lock();
	sb = compat_bdev_super(part);
	if (!IS_ERR_OR_NULL(sb) && !down_read_trylock(&sb->s_umount))
		sb = ERR_PTR(-EAGAIN);
	if (!IS_ERR_OR_NULL(sb) && !(sb->s_root && sb->s_flags & SB_BORN)) {
		up_read(&sb->s_umount);
		sb = ERR_PTR(-EAGAIN);
	}
	rcu_read_unlock();
	if (!sb && claimed_by_type(holder, families))
		return ERR_PTR(-EAGAIN);
	if (IS_ERR_OR_NULL(sb))
		return sb;
	if (sb->s_bdev == part && type_known(sb->s_type, families))
		return sb;
	up_read(&sb->s_umount);
	return NULL;
}

static struct super_block *super_get(struct block_device *part,
				     unsigned int families,
				     unsigned long deadline)
{
	struct super_block *sb = super_tryget(part, families);

	while (IS_ERR(sb) && !fatal_signal_pending(current) &&
	       time_before(jiffies, deadline)) {
		usleep_range(500, 1000);
		sb = super_tryget(part, families);
	}
	return sb;
}

/**
 * holder_for_parts() - look at the file systems that were on the disk
 * @parts: where, from holder_note()
 * @families: which, as holder_kind() found them
 * @deadline: when to stop trying to lock one, in jiffies
 * @fn: what to do with each; s_umount is held for reading
 * @data: its argument
 *
 * Context: Process context, may sleep; no s_umount held, which is only tried.
 * Return: 0, or -EAGAIN if the lock of one was not to be had.
 */
int holder_for_parts(const struct holder_parts *parts, unsigned int families,
		     unsigned long deadline,
		     void (*fn)(struct super_block *sb, void *data), void *data)
{
	struct super_block *sb;
	unsigned int i;
	int err = 0;

	for (i = 0; i < parts->nr; i++) {
		sb = super_get(parts->part[i], families, deadline);
		if (!sb)
			continue;
		if (IS_ERR(sb)) {
			err = PTR_ERR(sb);
			continue;
		}
		fn(sb, data);
		up_read(&sb->s_umount);
	}
	return err;
}

/**
 * holder_for_each_super() - look at each mounted file system of the disk
 * @b: backing with its disk
 * @families: as for holder_for_parts(), like the rest
 * @deadline: in jiffies
 * @fn: what to do with each
 * @data: its argument
 *
 * Context: as holder_for_parts().
 * Return: as holder_for_parts().
 */
int holder_for_each_super(struct dax_backing *b, unsigned int families,
			  unsigned long deadline,
			  void (*fn)(struct super_block *sb, void *data),
			  void *data)
{
	struct holder_parts parts;
	int err;

	if (parts_note(b->disk, &parts))
		err = -EAGAIN;
	else
		err = holder_for_parts(&parts, families, deadline, fn, data);
	holder_forget(&parts);
	return err;
}

/**
 * holder_shares() - may pages of a mounted file system belong to several files?
 * @sb: its super block, on our disk
 * @b: backing with its disk
 *
 * Context: Process context, may sleep; s_umount held, so that @sb is what is on the
 * disk.
 * Return: true if it is an XFS with the reflink feature.
 */
bool holder_shares(struct super_block *sb, struct dax_backing *b)
{
	bool reflink = false;

	family_at(b, get_start_sect(sb->s_bdev), &reflink);
	return reflink;
}

static void note_super(struct super_block *sb, void *data)
{
	struct holder_look *look = data;

	look->found[look->nr_found++] = sb->s_bdev;
}

/* Looked at after the walk: a mount in between is found wanting, not counted. */
static bool every_claim_found(struct holder_look *look)
{
	struct block_device *part;
	bool all = true;
	unsigned long i;
	unsigned int j;
	int claims;

	rcu_read_lock();
	xa_for_each(&look->b->disk->part_tbl, i, part) {
		claims = bdev_claims(part);
		if (!claims)
			continue;
		for (j = 0; j < look->nr_found; j++)
			if (look->found[j] == part)
				break;
		if (claims > 1 || j == look->nr_found)
			all = false;
	}
	rcu_read_unlock();
	return all;
}

/* Nobody is left who could hold on to what it asked for. */
static void forget_greedy(struct dax_backing *b)
{
	if (!READ_ONCE(b->greedy))
		return;
	WRITE_ONCE(b->greedy, false);
	/* Pairs with a claim, whose later pfns set it again: look again. */
	smp_mb();
	if (holder_claims(b->disk))
		WRITE_ONCE(b->greedy, true);
}

static const char *look_at_holder(struct dax_backing *b, unsigned int *families)
{
	struct holder_look look = { .b = b };
	bool reflink = false;

	*families = 0;
	if (!holder_claims(b->disk)) {
		forget_greedy(b);
		return NULL;
	}
	if (READ_ONCE(b->greedy))
		return "unknown";
	*families = claimed_families(b, &reflink);
	if (*families & HOLDER_OTHER)
		return "unknown";
	if (reflink)
		return "xfs-reflink";
	if (holder_for_each_super(b, *families, jiffies + HOLDER_PATIENCE,
				  note_super, &look))
		return "busy";
	return every_claim_found(&look) ? "known" : "unknown";
}

/**
 * holder_kind() - who may have been handed pfns of the disk
 * @b: backing with its disk
 * @families: the file systems found, for evict_spans()
 *
 * Known are ext2, ext3, ext4 and XFS without reflink, mounted right on the disk
 * or a partition. Device-mapper and the like are unknown.
 *
 * Context: Process context, may sleep; no inode lock or s_umount held. Tries to lock
 * the file systems on the disk, for 2 s.
 * Return: the kind, which holds until somebody claims or releases the disk.
 */
enum holder_kind holder_kind(struct dax_backing *b, unsigned int *families)
{
	const char *name = look_at_holder(b, families);

	WRITE_ONCE(b->holder, name);
	if (!name)
		return HOLDER_NONE;
	return strcmp(name, "known") ? HOLDER_UNKNOWN : HOLDER_KNOWN;
}

/**
 * holder_name() - what the last look at the holders found
 * @b: backing with its disk
 *
 * Context: Any. Does not look again: that may have to wait for locks.
 * Return: "none", "known", "unknown", "xfs-reflink", "busy" if a mount, umount or the
 * like took longer than the look, or "not-asked" if there was none since the disk was
 * claimed.
 */
const char *holder_name(struct dax_backing *b)
{
	if (!holder_claims(b->disk))
		return "none";
	return READ_ONCE(b->holder) ?: "not-asked";
}

/**
 * dax_backing_shared_owners() - may a page belong to several files?
 * @b: backing
 *
 * Looks at the media: an XFS with the reflink feature is on the disk, and in use, or
 * something that hides from us what is above it.
 *
 * Context: Any that may read the media; does not sleep unless that does.
 * Return: true if so. Its file system then takes the length of a kernel address
 * for granted, see dax_iomap_direct_access().
 */
bool dax_backing_shared_owners(struct dax_backing *b)
{
	bool reflink = false;

	/* Not yet known who mounts it. */
	if (!b->disk)
		return true;
	return (claimed_families(b, &reflink) & HOLDER_OTHER) || reflink;
}
EXPORT_SYMBOL_GPL(dax_backing_shared_owners);
