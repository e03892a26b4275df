/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * On-media format of a leg of a pfn_raid array: the one definition, shared by
 * the kernel module, the tool and the host tests. Prose and reasons are in
 * Documentation/dm-pfn-raid.rst.
 *
 * All integers are little endian, all offsets and sizes in bytes from the start
 * of the leg unless said otherwise. A page is PINFOLD_RAID_PAGE_SIZE bytes. A
 * group is what is redundant together: the copies of one page, or one page of
 * each leg with the parity among them.
 */
#ifndef _UAPI_LINUX_PINFOLD_RAID_H
#define _UAPI_LINUX_PINFOLD_RAID_H

#include <linux/types.h>

/* Exactly 16 bytes, no terminator. */
#define PINFOLD_RAID_MAGIC	"PINFOLD\xf0\x9f\x90\x91 RAID"
#define PINFOLD_RAID_MAGIC_LEN	16

#define PINFOLD_RAID_VERSION_MAJOR	1
#define PINFOLD_RAID_VERSION_MINOR	0

#define PINFOLD_RAID_PAGE_SIZE	4096
#define PINFOLD_RAID_MAX_LEGS	32

/* Each leg begins with this, in every version of the format. */
#define PINFOLD_RAID_SB_SIZE	4096
#define PINFOLD_RAID_SB0_OFFSET	4096
#define PINFOLD_RAID_SB1_OFFSET	(64 * 1024)

/* Where this version of the format puts the rest. */
#define PINFOLD_RAID_BAD_OFFSET		(128 * 1024)
#define PINFOLD_RAID_LOG_OFFSET		(256 * 1024)
#define PINFOLD_RAID_PAYLOAD_OFFSET	(1280 * 1024)
#define PINFOLD_RAID_BITMAP_OFFSET	(2 * 1024 * 1024)
#define PINFOLD_RAID_DATA_ALIGN		(2 * 1024 * 1024)

/*
 * The intent log: entries of one cache line, each at the start of a page of its
 * own, so that poison there concerns no other, and with a page of payload. There
 * are two copies of the entries, behind one another.
 */
#define PINFOLD_RAID_LOG_SLOTS		128
#define PINFOLD_RAID_LOG_ENTRY_SIZE	64
#define PINFOLD_RAID_LOG_COPY		(PINFOLD_RAID_LOG_SLOTS * \
					 PINFOLD_RAID_PAGE_SIZE)

/* Pages of legs that must not be read; two copies, so far from one another. */
#define PINFOLD_RAID_BAD_ENTRIES	512
#define PINFOLD_RAID_BAD_COPY		(64 * 1024)

/* Bits of a word of the bitmap; above them is its checksum. */
#define PINFOLD_RAID_WORD_BITS		32

#define PINFOLD_RAID_UUID_SIZE	16

/* Unknown bits: ignored, read-only (which an array never is), refused. */
#define PINFOLD_RAID_COMPAT_KNOWN	0ULL
#define PINFOLD_RAID_RO_COMPAT_KNOWN	0ULL
#define PINFOLD_RAID_INCOMPAT_KNOWN	0ULL

/* Instead of a role: of none, a device that takes one when a leg fails. */
#define PINFOLD_RAID_SPARE	0xffffffffU

/* What a role's leg is worth. */
#define PINFOLD_RAID_ROLE_MISSING	0	/* none, or it failed */
#define PINFOLD_RAID_ROLE_REBUILDING	1	/* in sync below ->synced */
#define PINFOLD_RAID_ROLE_IN_SYNC	2

/* Flags of a role. Unknown ones are ignored, and not kept. */
#define PINFOLD_RAID_WRITE_MOSTLY	1U	/* read only if no other leg can be */
#define PINFOLD_RAID_ROLE_FLAGS		PINFOLD_RAID_WRITE_MOSTLY

/**
 * struct pinfold_raid_role - what the array knows of one leg
 * @uuid: of the leg that has, or last had, the role
 * @synced: groups of a rebuilding leg below this one are in sync
 * @state: PINFOLD_RAID_ROLE_*
 * @flags: PINFOLD_RAID_ROLE_FLAGS
 */
struct pinfold_raid_role {
	__u8	uuid[PINFOLD_RAID_UUID_SIZE];
	__le64	synced;
	__le32	state;
	__le32	flags;
};

/**
 * struct pinfold_raid_super_block - one of the two copies on each leg
 * @magic: PINFOLD_RAID_MAGIC
 * @version_major: PINFOLD_RAID_VERSION_MAJOR; a greater one is refused
 * @version_minor: PINFOLD_RAID_VERSION_MINOR; a greater one is accepted
 * @copy: 0 or 1
 * @compat: features that may be ignored
 * @ro_compat: features that must be known to write
 * @incompat: features that must be known to use the array at all
 * @events: counts the changes of this block. The greatest of an array knows
 *	best which legs are in sync
 * @uuid: identity of the array
 * @level: 1, 4, 5, 6 or 10
 * @nr_legs: legs of the complete array
 * @copies: copies of each page: the legs of a raid1, 2 or more of a raid10,
 *	else 1
 * @chunk_pages: pages of a chunk, a power of two; 1 for raid1
 * @role: of this leg, or PINFOLD_RAID_SPARE; @events of a spare are 0
 * @region_groups: groups whose first write is recorded together, a power of 2
 * @leg_pages: pages of data on each leg, whole chunks
 * @log_offset: the intent log, two copies of a page for each of
 *	PINFOLD_RAID_LOG_SLOTS entries
 * @payload_offset: its payload, a page for each entry
 * @bad_offset: PINFOLD_RAID_BAD_ENTRIES words, pages that must not be read; the
 *	second copy is PINFOLD_RAID_BAD_COPY behind
 * @bitmap_offset: a bit for each region, set before it is first written
 * @bitmap_size: its size, a multiple of the page size
 * @data_offset: start of the data
 * @roles: the legs
 * @reserved: zero
 * @checksum: crc32c (seed ~0, inverted at the end) over the whole block with
 *	this field zero
 */
struct pinfold_raid_super_block {
	__u8	magic[PINFOLD_RAID_MAGIC_LEN];
	__le16	version_major;
	__le16	version_minor;
	__le32	copy;
	__le64	compat;
	__le64	ro_compat;
	__le64	incompat;
	__le64	events;
	__u8	uuid[PINFOLD_RAID_UUID_SIZE];
	__le32	level;
	__le32	nr_legs;
	__le32	copies;
	__le32	chunk_pages;
	__le32	role;
	__le32	region_groups;
	__le64	leg_pages;
	__le64	log_offset;
	__le64	payload_offset;
	__le64	bad_offset;
	__le64	bitmap_offset;
	__le64	bitmap_size;
	__le64	data_offset;
	struct pinfold_raid_role roles[PINFOLD_RAID_MAX_LEGS];
	__u8	reserved[2916];
	__le32	checksum;
};

/* What to do with the groups named by a log entry that is found at assembly. */
#define PINFOLD_RAID_LOG_MIRROR		1	/* make the copies equal */
#define PINFOLD_RAID_LOG_PARTIAL	2	/* parity = payload + data written */
#define PINFOLD_RAID_LOG_REDO		3	/* parity = payload */

#define PINFOLD_RAID_LOG_MAGIC		0x676c6670

/**
 * struct pinfold_raid_log_entry - a write in progress
 * @magic: PINFOLD_RAID_LOG_MAGIC; 0 if there is none
 * @checksum: crc32c, seeded with that of the array's uuid, over the entry with
 *	this field zero
 * @id: tells entries of different writes apart
 * @group: the group being written
 * @legs: the legs that have this entry, as bits
 * @kind: PINFOLD_RAID_LOG_*
 * @first: first data page of the group that is written
 * @nr: number of data pages that are written
 * @sector: first sector of the page that is written
 * @sectors: number of sectors
 * @payload: 1 if there is a payload, in bytes @sector * 512 on of its page;
 *	without, it is all zero
 * @reserved: zero
 *
 * An entry counts if every leg of @legs that takes part now has it with the
 * same @id, in either copy. Otherwise its write has either not begun or is
 * complete.
 */
struct pinfold_raid_log_entry {
	__le32	magic;
	__le32	checksum;
	__le64	id;
	__le64	group;
	__le32	legs;
	__u8	kind;
	__u8	first;
	__u8	nr;
	__u8	sector;
	__u8	sectors;
	__u8	payload;
	__u8	reserved[30];
};

/*
 * Checksums of words are crc32c over the number of the word and the word without
 * its checksum, both in 8 bytes, seeded with crc32c (seed ~0) of the array's uuid.
 *
 * A word of the list of pages that must not be read: page of the leg's data << 24
 * | lower 16 bits of the checksum << 8 | kind << 6 | 1 << 5 | role. All but the
 * checksum and 1 << 5 is 0 where there is none.
 *
 * A word of the bitmap: inverted checksum << 32 | bits of PINFOLD_RAID_WORD_BITS
 * regions. One that is neither readable nor right on any leg says that they were
 * written.
 */
#define PINFOLD_RAID_BAD_STALE	1	/* not up to date: use the others */
#define PINFOLD_RAID_BAD_LOST	2	/* the data is lost: error until rewritten */

#endif /* _UAPI_LINUX_PINFOLD_RAID_H */
