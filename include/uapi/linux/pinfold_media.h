/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * On-media format of a pinfold namespace: the one definition, shared by the
 * kernel modules, the tool and the host tests. Prose, drawings and the reasons
 * are in Documentation/on-media-format.rst; a change here changes that too.
 *
 * All integers are little endian. All offsets and sizes are in bytes and are
 * relative to the start of the namespace unless said otherwise.
 */
#ifndef _UAPI_LINUX_PINFOLD_MEDIA_H
#define _UAPI_LINUX_PINFOLD_MEDIA_H

#include <linux/types.h>

/* Exactly 16 bytes, no terminator: never a prefix of a known signature. */
#define PINFOLD_MAGIC		"PINFOLD\xf0\x9f\x90\x91 INFO"
#define PINFOLD_MAGIC_LEN	16

#define PINFOLD_VERSION_MAJOR	1
#define PINFOLD_VERSION_MINOR	0

/* Size of one copy of the info block. */
#define PINFOLD_INFO_SIZE	4096

/*
 * Copy 0 sits where libnvdimm looks for its own pfn/btt/dax info blocks, so
 * whoever reconfigures the namespace with ndctl overwrites it, and whoever
 * runs "pinfold create" overwrites theirs: a namespace never has two owners.
 * Copy 1 is far enough away not to share a poisoned or torn line with it.
 */
#define PINFOLD_INFO0_OFFSET	4096
#define PINFOLD_INFO1_OFFSET	(1024 * 1024)

/* Everything before this offset is metadata in every version of the format. */
#define PINFOLD_META_SIZE	(2 * 1024 * 1024)

/* Unit of struct-page backing and alignment of the data area's address. */
#define PINFOLD_CHUNK_SIZE	(2 * 1024 * 1024)

/* Media page: the unit of the remap table and of the spare area. */
#define PINFOLD_PAGE_SIZE	4096

/* A namespace smaller than this cannot be created or attached. */
#define PINFOLD_MIN_NS_SIZE	(16 * 1024 * 1024)

/*
 * The remap table: one little-endian word of 64 bits for each spare page
 * ("slot"), in two mirrors. From the lowest bit on:
 *
 *   40 owner	page of the data area that lives in the slot; 0 unless CLAIMED
 *    1 CLAIMED
 *    1 HOME_RETIRED	only with CLAIMED: the owner's home is never used again
 *    1 SLOT_RETIRED	without CLAIMED: the slot is never used again
 *      PARTS_LOST	with CLAIMED: some of its sectors may be lost ones, see
 *			struct pinfold_lost_line
 *    4 generation	of the claim, to order two by one owner; 0 unless CLAIMED
 *    1 PRESENT	always set, so that neither zeroes nor a cleared line
 *			are an entry
 *   16 checksum	crc16 (that of the kernel, seed 0) over, in this order, the
 *			instance's uuid, the slot's number in 4 bytes and the 6
 *			lower bytes of the entry, all little endian
 *
 * A word without any of the flags but PRESENT is a free slot. The table counts
 * only if PINFOLD_INCOMPAT_REMAP is set, and else is not looked at.
 */
#define PINFOLD_TABLE_ENTRY_SIZE 8
#define PINFOLD_TABLE_MIRRORS	2

#define PINFOLD_REMAP_OWNER_MASK	((1ULL << 40) - 1)
#define PINFOLD_REMAP_CLAIMED		(1ULL << 40)
#define PINFOLD_REMAP_HOME_RETIRED	(1ULL << 41)
#define PINFOLD_REMAP_SLOT_RETIRED	(1ULL << 42)
#define PINFOLD_REMAP_PARTS_LOST	(1ULL << 42)
#define PINFOLD_REMAP_GEN_SHIFT		43
#define PINFOLD_REMAP_GEN_MASK		15ULL
#define PINFOLD_REMAP_PRESENT		(1ULL << 47)
#define PINFOLD_REMAP_SUM_SHIFT		48

/*
 * A page that moves off failing media takes along what can be read. A sector that
 * cannot be is filled with these lines, 64 bytes each, in the new place, and the
 * claim has PARTS_LOST. There, a sector with at least one such line is lost: reading
 * it is an error until all of it is written.
 */
#define PINFOLD_LOST_MAGIC	"PINFOLD LOST\n\0\xf0\x9f"
#define PINFOLD_LOST_MAGIC_LEN	16
#define PINFOLD_LOST_UNIT	512

/**
 * struct pinfold_lost_line - what is there instead of 64 lost bytes
 * @magic: PINFOLD_LOST_MAGIC
 * @page: page of the data area
 * @line: the line's number in the page
 * @seed: crc16 of the instance's uuid
 * @reserved: zero
 */
struct pinfold_lost_line {
	__u8	magic[PINFOLD_LOST_MAGIC_LEN];
	__le64	page;
	__le32	line;
	__le32	seed;
	__u8	reserved[32];
};

/* Slots and pages beyond these are there, but not used by the table. */
#define PINFOLD_REMAP_MAX_SLOTS		(1ULL << 26)
#define PINFOLD_REMAP_MAX_PAGES		(1ULL << 40)

/*
 * Feature words, with the meaning they have in ext4 and XFS: an unknown compat
 * bit is ignored, an unknown ro_compat bit allows read-only use, an unknown
 * incompat bit refuses the namespace.
 */
#define PINFOLD_COMPAT_KNOWN	0ULL
#define PINFOLD_RO_COMPAT_KNOWN	0ULL
#define PINFOLD_INCOMPAT_KNOWN	PINFOLD_INCOMPAT_REMAP

/* The remap table is in use: pages may be elsewhere than at home. */
#define PINFOLD_INCOMPAT_REMAP	(1ULL << 0)

/**
 * struct pinfold_info_block - one copy of the info block
 * @magic: PINFOLD_MAGIC
 * @version_major: PINFOLD_VERSION_MAJOR; a greater one is refused
 * @version_minor: PINFOLD_VERSION_MINOR; a greater one is accepted, the feature
 *	words decide
 * @copy: 0 or 1, which copy this is: a copy found at the other's place is not
 *	valid (a moved or partly overwritten image)
 * @compat: features that may be ignored
 * @ro_compat: features that must be known to write
 * @incompat: features that must be known to use the namespace at all
 * @seq: generation of the contents; the valid copy with the greater one wins
 * @uuid: identity of this pinfold instance, RFC 4122 byte order
 * @parent_uuid: uuid of the namespace's label, all zero for a label-less one;
 *	a mismatch means the block was copied from elsewhere
 * @ns_size: size of the namespace the block was written for
 * @data_offset: start of the data area. The *physical* address there is a
 *	multiple of PINFOLD_CHUNK_SIZE
 * @data_size: size of the data area, a multiple of PINFOLD_CHUNK_SIZE
 * @spare_offset: start of the spare area, after the data; 0 without one
 * @spare_size: its size, a multiple of PINFOLD_CHUNK_SIZE
 * @table_offset: start of each mirror of the remap table
 * @table_size: size of one mirror, at least 8 bytes for each spare page,
 *	a multiple of PINFOLD_PAGE_SIZE; 0 without a spare area
 * @reserved: zero
 * @checksum: crc32c (seed ~0, inverted at the end) over the whole block with
 *	this field zero
 */
struct pinfold_info_block {
	__u8	magic[PINFOLD_MAGIC_LEN];
	__le16	version_major;
	__le16	version_minor;
	__le32	copy;
	__le64	compat;
	__le64	ro_compat;
	__le64	incompat;
	__le64	seq;
	__u8	uuid[16];
	__u8	parent_uuid[16];
	__le64	ns_size;
	__le64	data_offset;
	__le64	data_size;
	__le64	spare_offset;
	__le64	spare_size;
	__le64	table_offset[PINFOLD_TABLE_MIRRORS];
	__le64	table_size;
	__u8	reserved[3940];
	__le32	checksum;
};

#endif /* _UAPI_LINUX_PINFOLD_MEDIA_H */
