// SPDX-License-Identifier: GPL-2.0
/* Everything read from the media is hostile until it passed here. */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/crc32c.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "word.h"

static_assert(sizeof(struct pinfold_raid_super_block) == PINFOLD_RAID_SB_SIZE);
static_assert(offsetof(struct pinfold_raid_super_block, checksum) ==
	      PINFOLD_RAID_SB_SIZE - sizeof(__le32));
static_assert(sizeof(PINFOLD_RAID_MAGIC) == PINFOLD_RAID_MAGIC_LEN + 1);

/* Sixteen pages of each leg: first writes zero that much. */
#define DEFAULT_REGION_GROUPS	16
#define MAX_REGION_GROUPS	1048576

static u64 bitmap_size(const struct raid_super *sb)
{
	return ALIGN(raid_super_nr_words(sb) * sizeof(__le64),
		     (u64)RAID_PAGE_SIZE);
}

static u64 data_start(u64 bitmap)
{
	return ALIGN(PINFOLD_RAID_BITMAP_OFFSET + bitmap,
		     (u64)PINFOLD_RAID_DATA_ALIGN);
}

/**
 * raid_super_plan() - lay out the legs of a new array
 * @sb: level, nr_legs, copies, chunk_pages of @sb->layout are set; leg_pages
 *	may be, to use less than all of the leg
 * @leg_size: size of the smallest leg in bytes
 *
 * Sets all but the uuids, the events and the roles.
 *
 * Context: any.
 * Return: NULL, or in words what is wrong.
 */
const char *raid_super_plan(struct raid_super *sb, u64 leg_size)
{
	struct raid_layout *layout = &sb->layout;
	u64 room = leg_size / RAID_PAGE_SIZE, most;
	const char *why;

	if (!layout->chunk_pages)
		return "a chunk is a power of two of pages";
	sb->region_groups = DEFAULT_REGION_GROUPS;
	sb->log_offset = PINFOLD_RAID_LOG_OFFSET;
	sb->payload_offset = PINFOLD_RAID_PAYLOAD_OFFSET;
	sb->bad_offset = PINFOLD_RAID_BAD_OFFSET;
	sb->bitmap_offset = PINFOLD_RAID_BITMAP_OFFSET;

	/* As if all were data, for a bitmap that is large enough. */
	most = ALIGN_DOWN(room, (u64)layout->chunk_pages);
	if (!most)
		return "the legs are too small";
	if (layout->leg_pages > most)
		return "the legs are smaller than the size asked for";
	if (layout->leg_pages)
		most = layout->leg_pages;
	else
		layout->leg_pages = most;
	why = raid_layout_init(layout);
	if (why)
		return why;
	sb->bitmap_size = bitmap_size(sb);
	sb->data_offset = data_start(sb->bitmap_size);
	if (leg_size < sb->data_offset)
		return "the legs are too small";
	room = ALIGN_DOWN((leg_size - sb->data_offset) / RAID_PAGE_SIZE,
			  (u64)layout->chunk_pages);
	layout->leg_pages = min(most, room);
	if (!layout->leg_pages)
		return "the legs are too small";
	return raid_layout_init(layout);
}

/**
 * raid_super_grow() - lay out the legs of an array that becomes larger
 * @sb: the array's, becomes that of the larger one
 * @leg_pages: data pages of a leg; 0 for all there is room for
 * @leg_size: size of the smallest leg in bytes
 *
 * Context: any.
 * Return: NULL, or in words what is wrong; then @sb is of no use.
 */
const char *raid_super_grow(struct raid_super *sb, u64 leg_pages, u64 leg_size)
{
	struct raid_layout *layout = &sb->layout;
	const char *why;
	u64 room;

	if (leg_size < sb->data_offset)
		return "the legs are too small";
	room = ALIGN_DOWN((leg_size - sb->data_offset) / RAID_PAGE_SIZE,
			  (u64)layout->chunk_pages);
	if (!leg_pages)
		leg_pages = max(room, layout->leg_pages);
	if (leg_pages > room)
		return "the legs are smaller than the size asked for";
	if (leg_pages < layout->leg_pages)
		return "an array does not become smaller";
	layout->leg_pages = leg_pages;
	why = raid_layout_init(layout);
	if (why)
		return why;
	if (bitmap_size(sb) > sb->data_offset - sb->bitmap_offset)
		return "there is no room for a bitmap of so many regions before the data";
	sb->bitmap_size = max(sb->bitmap_size, bitmap_size(sb));
	return NULL;
}

static u32 block_checksum(const struct pinfold_raid_super_block *block)
{
	static const __le32 zero;
	u32 crc;

	crc = crc32c(~0, block,
		     offsetof(struct pinfold_raid_super_block, checksum));
	return ~crc32c(crc, &zero, sizeof(zero));
}

static void encode_roles(struct pinfold_raid_super_block *block,
			 const struct raid_super *sb)
{
	u32 i;

	for (i = 0; i < sb->layout.nr_legs; i++) {
		struct pinfold_raid_role *role = &block->roles[i];

		memcpy(role->uuid, sb->roles[i].uuid, RAID_UUID_SIZE);
		role->synced = cpu_to_le64(sb->roles[i].synced);
		role->state = cpu_to_le32(sb->roles[i].state);
		role->flags = cpu_to_le32(sb->roles[i].flags);
	}
}

/**
 * raid_super_encode() - make one copy of a leg's superblock
 * @block: result
 * @sb: contents; the version is always this code's
 * @role: the leg's
 * @copy: 0 or 1
 *
 * Context: any.
 */
void raid_super_encode(struct pinfold_raid_super_block *block,
		       const struct raid_super *sb, u32 role, unsigned int copy)
{
	memset(block, 0, sizeof(*block));
	memcpy(block->magic, PINFOLD_RAID_MAGIC, PINFOLD_RAID_MAGIC_LEN);
	block->version_major = cpu_to_le16(PINFOLD_RAID_VERSION_MAJOR);
	block->version_minor = cpu_to_le16(PINFOLD_RAID_VERSION_MINOR);
	block->copy = cpu_to_le32(copy);
	block->compat = cpu_to_le64(sb->compat);
	block->ro_compat = cpu_to_le64(sb->ro_compat);
	block->incompat = cpu_to_le64(sb->incompat);
	block->events = cpu_to_le64(sb->events);
	memcpy(block->uuid, sb->uuid, RAID_UUID_SIZE);
	block->level = cpu_to_le32(sb->layout.level);
	block->nr_legs = cpu_to_le32(sb->layout.nr_legs);
	block->copies = cpu_to_le32(sb->layout.copies);
	block->chunk_pages = cpu_to_le32(sb->layout.chunk_pages);
	block->leg_pages = cpu_to_le64(sb->layout.leg_pages);
	block->role = cpu_to_le32(role);
	block->region_groups = cpu_to_le32(sb->region_groups);
	block->log_offset = cpu_to_le64(sb->log_offset);
	block->payload_offset = cpu_to_le64(sb->payload_offset);
	block->bad_offset = cpu_to_le64(sb->bad_offset);
	block->bitmap_offset = cpu_to_le64(sb->bitmap_offset);
	block->bitmap_size = cpu_to_le64(sb->bitmap_size);
	block->data_offset = cpu_to_le64(sb->data_offset);
	encode_roles(block, sb);
	block->checksum = cpu_to_le32(block_checksum(block));
}

static void decode(const struct pinfold_raid_super_block *block,
		   struct raid_super *sb)
{
	u32 i;

	memset(sb, 0, sizeof(*sb));
	sb->version_major = le16_to_cpu(block->version_major);
	sb->version_minor = le16_to_cpu(block->version_minor);
	sb->compat = le64_to_cpu(block->compat);
	sb->ro_compat = le64_to_cpu(block->ro_compat);
	sb->incompat = le64_to_cpu(block->incompat);
	sb->events = le64_to_cpu(block->events);
	memcpy(sb->uuid, block->uuid, RAID_UUID_SIZE);
	sb->layout.level = le32_to_cpu(block->level);
	sb->layout.nr_legs = le32_to_cpu(block->nr_legs);
	sb->layout.copies = le32_to_cpu(block->copies);
	sb->layout.chunk_pages = le32_to_cpu(block->chunk_pages);
	sb->layout.leg_pages = le64_to_cpu(block->leg_pages);
	sb->role = le32_to_cpu(block->role);
	sb->region_groups = le32_to_cpu(block->region_groups);
	sb->log_offset = le64_to_cpu(block->log_offset);
	sb->payload_offset = le64_to_cpu(block->payload_offset);
	sb->bad_offset = le64_to_cpu(block->bad_offset);
	sb->bitmap_offset = le64_to_cpu(block->bitmap_offset);
	sb->bitmap_size = le64_to_cpu(block->bitmap_size);
	sb->data_offset = le64_to_cpu(block->data_offset);
	for (i = 0; i < RAID_MAX_LEGS; i++) {
		const struct pinfold_raid_role *role = &block->roles[i];

		memcpy(sb->roles[i].uuid, role->uuid, RAID_UUID_SIZE);
		sb->roles[i].synced = le64_to_cpu(role->synced);
		sb->roles[i].state = le32_to_cpu(role->state);
		sb->roles[i].flags = le32_to_cpu(role->flags) &
				     PINFOLD_RAID_ROLE_FLAGS;
	}
}

/* Layout first: what follows divides by and multiplies its fields. */
static bool geometry_valid(struct raid_super *sb)
{
	u32 i;

	if (raid_layout_init(&sb->layout))
		return false;
	if ((sb->role >= sb->layout.nr_legs && sb->role != PINFOLD_RAID_SPARE) ||
	    !sb->region_groups ||
	    sb->region_groups > MAX_REGION_GROUPS ||
	    sb->region_groups & (sb->region_groups - 1))
		return false;
	if (sb->log_offset != PINFOLD_RAID_LOG_OFFSET ||
	    sb->payload_offset != PINFOLD_RAID_PAYLOAD_OFFSET ||
	    sb->bad_offset != PINFOLD_RAID_BAD_OFFSET ||
	    sb->bitmap_offset != PINFOLD_RAID_BITMAP_OFFSET)
		return false;
	if (sb->bitmap_size < bitmap_size(sb) ||
	    !IS_ALIGNED(sb->bitmap_size, RAID_PAGE_SIZE) ||
	    sb->bitmap_size > 1ULL << 40 ||
	    !IS_ALIGNED(sb->data_offset, RAID_PAGE_SIZE) ||
	    sb->data_offset < sb->bitmap_offset + sb->bitmap_size ||
	    sb->data_offset > 1ULL << 50)
		return false;
	for (i = 0; i < sb->layout.nr_legs; i++)
		if (sb->roles[i].state > PINFOLD_RAID_ROLE_IN_SYNC ||
		    sb->roles[i].synced > sb->layout.nr_groups)
			return false;
	return true;
}

/**
 * raid_super_intact() - is there a copy of a superblock, any?
 * @buf: what was read from its place
 * @copy: 0 or 1
 *
 * Context: any.
 * Return: true if its checksum is right.
 */
bool raid_super_intact(const void *buf, unsigned int copy)
{
	const struct pinfold_raid_super_block *block = buf;

	return !memcmp(block->magic, PINFOLD_RAID_MAGIC,
		       PINFOLD_RAID_MAGIC_LEN) &&
	       le32_to_cpu(block->checksum) == block_checksum(block) &&
	       le32_to_cpu(block->copy) == copy;
}

/**
 * raid_super_verify() - judge what was read from one copy's place
 * @buf: PINFOLD_RAID_SB_SIZE bytes, aligned to 8
 * @copy: whose place they were read from, 0 or 1
 * @leg_size: size of the leg in bytes
 * @sb: contents, if the verdict is RAID_SB_VALID or RAID_SB_SPARE
 *
 * Context: any.
 * Return: the verdict, never RAID_SB_UNREADABLE.
 */
enum raid_verdict raid_super_verify(const void *buf, unsigned int copy,
				    u64 leg_size, struct raid_super *sb)
{
	const struct pinfold_raid_super_block *block = buf;

	if (memcmp(block->magic, PINFOLD_RAID_MAGIC, PINFOLD_RAID_MAGIC_LEN))
		return RAID_SB_NONE;
	if (!raid_super_intact(buf, copy))
		return RAID_SB_CORRUPT;
	decode(block, sb);
	if (sb->version_major != PINFOLD_RAID_VERSION_MAJOR)
		return RAID_SB_VERSION;
	if (sb->incompat & ~PINFOLD_RAID_INCOMPAT_KNOWN ||
	    sb->ro_compat & ~PINFOLD_RAID_RO_COMPAT_KNOWN)
		return RAID_SB_FEATURES;
	if (!geometry_valid(sb))
		return RAID_SB_GEOMETRY;
	if (sb->data_offset + sb->layout.leg_pages * RAID_PAGE_SIZE > leg_size)
		return RAID_SB_TRUNCATED;
	return sb->role == PINFOLD_RAID_SPARE ? RAID_SB_SPARE : RAID_SB_VALID;
}

/**
 * raid_verdict_string() - a verdict in words, for messages
 * @verdict: what to name
 *
 * Context: any.
 * Return: a constant string, never NULL.
 */
const char *raid_verdict_string(enum raid_verdict verdict)
{
	switch (verdict) {
	case RAID_SB_VALID:
		return "valid";
	case RAID_SB_SPARE:
		return "it is a spare";
	case RAID_SB_VERSION:
		return "its superblock has an unsupported version";
	case RAID_SB_FEATURES:
		return "its superblock has unknown features";
	case RAID_SB_GEOMETRY:
		return "its superblock describes an impossible layout";
	case RAID_SB_TRUNCATED:
		return "it is smaller than it was when the array was made";
	case RAID_SB_CORRUPT:
		return "both copies of its superblock are corrupt";
	case RAID_SB_NONE:
		return "it has no superblock of a pfn_raid array";
	case RAID_SB_UNREADABLE:
		return "its superblock cannot be read";
	}
	return "unknown verdict";
}
