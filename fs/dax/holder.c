// SPDX-License-Identifier: GPL-2.0
/* Who has the disk: which file systems, whether they can be asked for their pages. */
#include <linux/blkdev.h>
#include <linux/fs.h>

#include "backing.h"

/* More file systems than this on one disk are treated as unknown. */
#define MAX_SUPERS	16

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
	struct block_device *found[MAX_SUPERS];
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

/* The claimed parts of the disk, up to MAX_SUPERS; more is an error. */
static int claimed_sectors(struct gendisk *disk, sector_t *sector)
{
	struct block_device *part;
	unsigned long i;
	int nr = 0;

	rcu_read_lock();
	xa_for_each(&disk->part_tbl, i, part) {
		if (!bdev_claims(part))
			continue;
		if (nr == MAX_SUPERS) {
			nr = -E2BIG;
			break;
		}
		sector[nr++] = get_start_sect(part);
	}
	rcu_read_unlock();
	return nr;
}

/* Families of all file systems on the disk, HOLDER_OTHER for what is not one. */
static unsigned int claimed_families(struct dax_backing *b, bool *reflink)
{
	sector_t sector[MAX_SUPERS];
	unsigned int families = 0;
	int nr = claimed_sectors(b->disk, sector), i;

	if (nr < 0)
		return HOLDER_OTHER;
	for (i = 0; i < nr; i++)
		families |= family_at(b, sector[i], reflink) ?: HOLDER_OTHER;
	return families;
}

/**
 * holder_for_each_super() - look at each mounted file system of some families
 * @families: which, as holder_kind() found them
 * @fn: what to do with each; s_umount is held for reading
 * @data: its argument
 *
 * Context: Process context, may sleep; no s_umount held. Waits for that of every
 * super block of the types in question.
 */
void holder_for_each_super(unsigned int families,
			   void (*fn)(struct super_block *sb, void *data),
			   void *data)
{
	struct file_system_type *type;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_types); i++) {
		if (!(known_types[i].family & families))
			continue;
		type = get_fs_type(known_types[i].name);
		if (!type)
			continue;
		iterate_supers_type(type, fn, data);
		module_put(type->owner);
	}
}

/**
 * holder_is_super() - is a file system on our disk?
 * @sb: its super block
 * @b: backing with its disk
 *
 * Context: Any; @sb stays.
 */
bool holder_is_super(struct super_block *sb, struct dax_backing *b)
{
	return sb->s_bdev && sb->s_bdev->bd_disk == b->disk;
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

	if (holder_is_super(sb, look->b) && look->nr_found < MAX_SUPERS)
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
	holder_for_each_super(*families, note_super, &look);
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
 * Context: Process context, may sleep; no inode lock or s_umount held. Waits for
 * the s_umount of every super block of the types in question.
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
 * Context: Any. Does not look again: that may have to wait for other mounts.
 * Return: "none", "known", "unknown", "xfs-reflink", or "not-asked" if there was
 * no look since the disk was claimed.
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

/**
 * holder_families() - file systems on the disk, by their magic numbers
 * @b: backing with its disk, before del_gendisk() makes partitions disappear
 *
 * Context: Process context, may sleep.
 * Return: argument of evict_unmap_all().
 */
unsigned int holder_families(struct dax_backing *b)
{
	bool reflink;

	return claimed_families(b, &reflink);
}
