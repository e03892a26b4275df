/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An array and its metadata. Everything below this header, but for the locks,
 * needs no kernel: it reaches the media through raid_media_*() and raid_fence()
 * alone, which the module implements in leg.c and the host tests in memory.
 *
 * Locks, outermost first:
 *
 *   region lock   zeroing a region before its first write, forgetting it, and
 *                 rebuild passing over a region that was never written
 *   group lock    everything that changes a group, or computes what a member
 *                 should be; one for RAID_RUN_GROUPS next to each other, hashed
 *   bitmap_lock   the bitmap on the media and its copy @shadow
 *   meta_lock     roles, superblocks and the list of bad pages, in memory and
 *                 on the media
 *
 * A leg's state and position are also read without meta_lock. The state changes
 * on the media first: a writer that does not see a change yet writes to a leg
 * that has just failed, which does no harm, and one that skips the leg does so
 * after its failure is durable. A leg gets better only under the lock of the
 * group in question.
 */
#ifndef _PFN_RAID_ARRAY_H
#define _PFN_RAID_ARRAY_H

#include <asm/barrier.h>
#include <linux/compiler.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "assemble.h"
#include "word.h"

struct raid;
struct raid_buf;

extern const u8 raid_zeroes[RAID_PAGE_SIZE];

/* Hashed locks: more than a machine has threads in flight. */
#define RAID_GROUP_LOCKS	1024

/*
 * One lock covers so many groups: rebuild and scrub take it once for all. Host
 * tests have few groups, and writers to different ones at a time.
 */
#ifndef RAID_RUN_GROUPS
#define RAID_RUN_GROUPS		16
#endif
#define RAID_REGION_LOCKS	64

/* The number of a device that is taking a role over: it has none yet. */
#define RAID_TWIN	RAID_MAX_LEGS

/**
 * struct raid_leg - a leg as the accessors see it
 * @raid: its array
 * @index: its role, or RAID_TWIN
 * @media: what the accessors need; NULL if there is no device
 */
struct raid_leg {
	struct raid *raid;
	u32 index;
	void *media;
};

/**
 * enum raid_note - what administrators want to know
 * @RAID_NOTE_FAILED: a leg is not part of the array any more
 * @RAID_NOTE_REPAIRED: a page was unreadable and is not any more
 * @RAID_NOTE_STALE: a page could not be written, and is on the list
 * @RAID_NOTE_LOST: the data of a page is lost
 * @RAID_NOTE_LOG_LOST: an entry of the intent log was unreadable
 * @RAID_NOTE_BITMAP_LOST: whether a region was written is not known
 * @RAID_NOTE_LIST_LOST: no list of bad pages can be read
 * @RAID_NOTE_BROKEN: nothing is written any more
 * @RAID_NOTE_TWIN: the device that was to replace a leg is given up
 */
enum raid_note {
	RAID_NOTE_FAILED,
	RAID_NOTE_REPAIRED,
	RAID_NOTE_STALE,
	RAID_NOTE_LOST,
	RAID_NOTE_LOG_LOST,
	RAID_NOTE_BITMAP_LOST,
	RAID_NOTE_LIST_LOST,
	RAID_NOTE_BROKEN,
	RAID_NOTE_TWIN,
};

/**
 * struct raid_twin - a leg being replaced while it stays in the array
 * @active: what is written to the leg is written to the new device, too, but for
 *	data of groups from @position on
 * @committing: the superblocks that name the new device are being written
 * @taken: it has the role; writers may not know yet
 * @leg: the role
 * @position: groups below have been copied; advances under the lock of the group,
 *	or of a region never written
 * @uuid: of the new device
 *
 * Changes under meta_lock, but for @position.
 */
struct raid_twin {
	bool active;
	bool committing;
	bool taken;
	u32 leg;
	u64 position;
	u8 uuid[RAID_UUID_SIZE];
};

/**
 * struct raid - an array
 * @sb: its superblock; changes under @meta_lock
 * @legs: in the order of roles, and RAID_TWIN
 * @state: of the roles as recorded on the media; changes under @meta_lock
 * @uuid_seed: checksum of the array's uuid, seed of other checksums
 * @written: regions that were written, in memory: readers look here; changes under
 *	@bitmap_lock
 * @shadow: the bitmap as it is on the media; under @bitmap_lock
 * @bad: the list of bad pages; changes under @meta_lock
 * @nr_bad: entries in use, 0 nearly always
 * @nr_added: how often a page was put on the list, also if it was there; before
 *	it is cleared, so that who reads without a lock can tell
 * @suspect: some redundancy may not fit its data: a repair is due
 * @broken: a group is half written, on a leg that cannot be spared; nothing is
 *	written any more, so that its entry is replayed by the next assembly
 * @write_mostly: legs that are read only if no other one can be, as bits; changes
 *	under @meta_lock
 * @twin: a leg being replaced
 * @meta_page: a page for whoever holds @meta_lock
 * @meta_lock: superblocks, roles, bad pages
 * @bitmap_lock: @shadow
 * @group_locks: one covers every group whose number has its hash; see
 *	raid_group_lock()
 * @region_locks: the same for regions
 */
struct raid {
	struct raid_super sb;
	struct raid_leg legs[RAID_MAX_LEGS + 1];
	u32 state[RAID_MAX_LEGS];
	u32 uuid_seed;
	u32 *written;
	u32 *shadow;
	struct raid_bad bad[PINFOLD_RAID_BAD_ENTRIES];
	u32 nr_bad;
	u32 nr_added;
	bool suspect;
	bool broken;
	u32 write_mostly;
	struct raid_twin twin;
	void *meta_page;
	struct mutex meta_lock;		/* superblocks, roles, bad pages */
	struct mutex bitmap_lock;	/* shadow */
	struct mutex group_locks[RAID_GROUP_LOCKS];	/* groups, hashed */
	struct mutex region_locks[RAID_REGION_LOCKS];	/* regions, hashed */
};

/*
 * Accessors of the media. A store is durable after the next raid_fence() of the
 * same thread, and may be at any time before, in units of 8 aligned bytes.
 */

/**
 * raid_media_load() - read a leg's media
 * @raid: the array
 * @media: of a leg, as it was when the leg's state was looked at
 * @offset: in bytes from its start, a multiple of 8
 * @dst: where to
 * @len: within one page
 *
 * Context: process context, may sleep.
 * Return: 0, -EIO if the page is unreadable, -ENXIO if the leg is gone.
 */
int raid_media_load(struct raid *raid, void *media, u64 offset, void *dst,
		    size_t len);

/**
 * raid_media_store() - write a leg's media
 * @raid: the array
 * @media: of a leg
 * @offset: in bytes from its start, a multiple of 8
 * @src: what
 * @len: within one page
 *
 * Context: process context, may sleep.
 * Return: 0, -EIO if the page is known to be unreadable, -ENXIO if the leg is
 * gone.
 */
int raid_media_store(struct raid *raid, void *media, u64 offset,
		     const void *src, size_t len);

/**
 * raid_media_clear() - write a page that is unreadable
 * @raid: the array
 * @media: of a leg
 * @offset: of the page
 * @src: what it is to hold
 *
 * The platform forgets that the page is bad, and what it held, before it is
 * written: if power fails in between it reads as anything. Somewhere else must
 * be said, durably, that it is not to be read.
 *
 * Context: process context, may sleep.
 * Return: 0, -EIO if the page stays unreadable, -ENXIO if the leg is gone.
 */
int raid_media_clear(struct raid *raid, void *media, u64 offset,
		     const void *src);

/**
 * raid_media_probe() - is a page known to be unreadable?
 * @raid: the array
 * @media: of a leg
 * @offset: of the page
 *
 * Context: process context, may sleep.
 * Return: 0, -EIO if it is, -ENXIO if the leg is gone.
 */
int raid_media_probe(struct raid *raid, void *media, u64 offset);

/**
 * raid_media_claim() - work on the legs themselves, by the routines of vector.h
 * @cookie: for raid_media_release()
 *
 * Context: process context. Whoever moves or takes a leg's pages away waits for
 * raid_media_release().
 * Return: false if the routines cannot be used; nothing is claimed then.
 */
bool raid_media_claim(int *cookie);
void raid_media_release(int cookie);

/**
 * raid_media_map() - find where a run of a leg's pages is
 * @raid: the array
 * @media: of a leg, or NULL
 * @offset: of the first page
 * @len: bytes, whole pages
 *
 * For the routines of vector.h, nothing else: pages may be poisoned.
 *
 * Context: process context, after raid_media_claim().
 * Return: its address; NULL if the leg is gone, a page is known to be
 * unreadable, or they are not in one piece.
 */
void *raid_media_map(struct raid *raid, void *media, u64 offset, size_t len);

/**
 * raid_media_put() - write metadata where raid_media_map() says that it is
 * @raid: the array
 * @at: addresses, aligned to 8 bytes
 * @nr: their number
 * @src: what
 * @len: bytes, a multiple of 8, within one page
 *
 * Context: any, after raid_media_claim().
 */
void raid_media_put(struct raid *raid, void *const *at, u32 nr, const void *src,
		    size_t len);

/**
 * raid_data_take() - copy data that is to be written from where its owner has it
 * @dst: a buffer
 * @src: perhaps memory of a device that is poisoned
 * @len: bytes
 *
 * Context: process context.
 * Return: false if it cannot be read.
 */
bool raid_data_take(void *dst, const void *src, size_t len);

/**
 * raid_media_copy() - copy pages from leg to leg, by whatever engine there is
 * @raid: the array
 * @dst: address from raid_media_map()
 * @src: likewise
 * @len: bytes, whole pages
 *
 * Durable with the next raid_fence().
 *
 * Context: process context, after raid_media_claim(); the worker only.
 * Return: false if a source page cannot be read: what is at @dst is undefined.
 */
bool raid_media_copy(struct raid *raid, void *dst, void *src, size_t len);

/**
 * raid_media_moved() - count what the routines of vector.h did
 * @raid: the array
 * @read: bytes
 * @written: bytes of data
 *
 * Context: any.
 */
void raid_media_moved(struct raid *raid, u64 read, u64 written);

/**
 * raid_fence() - make this thread's stores durable
 *
 * Context: any.
 */
void raid_fence(void);

/**
 * raid_note() - tell the administrator
 * @raid: the array
 * @note: what
 * @leg: its role
 * @page: of the leg's data, if it is about one
 *
 * Context: process context, any lock of the array may be held.
 */
void raid_note(struct raid *raid, enum raid_note note, u32 leg, u64 page);

/* Whose state is looked at afterwards is this device's, or an older one's. */
static inline void *raid_leg_media(struct raid *raid, u32 leg)
{
	/* Pairs with the release in raid_leg_join(). */
	return smp_load_acquire(&raid->legs[leg].media);
}

static inline int raid_leg_load(struct raid *raid, u32 leg, u64 offset,
				void *dst, size_t len)
{
	return raid_media_load(raid, raid_leg_media(raid, leg), offset, dst,
			       len);
}

static inline int raid_leg_store(struct raid *raid, u32 leg, u64 offset,
				 const void *src, size_t len)
{
	return raid_media_store(raid, raid_leg_media(raid, leg), offset, src,
				len);
}

static inline struct mutex *raid_group_lock(struct raid *raid, u64 group)
{
	return &raid->group_locks[group / RAID_RUN_GROUPS % RAID_GROUP_LOCKS];
}

static inline u32 raid_leg_state(const struct raid *raid, u32 leg)
{
	/* Pairs with the release in publish(). */
	return smp_load_acquire(&raid->state[leg]);
}

/* Has the leg what it should have of this group? */
static inline bool raid_leg_in_sync(const struct raid *raid, u32 leg, u64 group)
{
	u32 state = raid_leg_state(raid, leg);

	if (likely(state == PINFOLD_RAID_ROLE_IN_SYNC))
		return true;
	return state == PINFOLD_RAID_ROLE_REBUILDING &&
	       group < READ_ONCE(raid->sb.roles[leg].synced);
}

/* The leg's device, if it was in sync at some time between the two looks at it. */
static inline void *raid_leg_media_in_sync(struct raid *raid, u32 leg,
					   u64 group)
{
	void *media = raid_leg_media(raid, leg);

	if (!raid_leg_in_sync(raid, leg, group))
		return NULL;
	return media == raid_leg_media(raid, leg) ? media : NULL;
}

/* Does the leg take part in the metadata? */
static inline bool raid_leg_live(const struct raid *raid, u32 leg)
{
	return raid_leg_state(raid, leg) != PINFOLD_RAID_ROLE_MISSING;
}

/* Is the leg being replaced? What is written to it then goes to RAID_TWIN, too. */
static inline bool raid_leg_has_twin(const struct raid *raid, u32 leg)
{
	/* Pairs with the release in raid_twin_begin(). */
	return unlikely(smp_load_acquire(&raid->twin.active)) &&
	       raid->twin.leg == leg;
}

static inline u64 raid_data_offset(const struct raid *raid, u64 page)
{
	return raid->sb.data_offset + page * RAID_PAGE_SIZE;
}

static inline bool raid_region_written(const struct raid *raid, u64 region)
{
	/* Pairs with the release after the region was zeroed. */
	return smp_load_acquire(&raid->written[region / PINFOLD_RAID_WORD_BITS]) >>
	       region % PINFOLD_RAID_WORD_BITS & 1;
}

static inline bool raid_group_written(const struct raid *raid, u64 group)
{
	return raid_region_written(raid, group / raid->sb.region_groups);
}

/* start.c */
int raid_start(struct raid *raid, const struct raid_assembly *assembly,
	       struct raid_buf *buf, u32 *replayed);

/* array.c */
void raid_reset(struct raid *raid, u64 nr_words);
void raid_init(struct raid *raid, const struct raid_super *sb);
void raid_commit(struct raid *raid);
int raid_super_store(struct raid *raid, u32 leg);
bool raid_commit_locked(struct raid *raid);
int raid_leg_fail_locked(struct raid *raid, u32 leg);
int raid_page_store(struct raid *raid, u32 leg, u64 offset, const void *src);
int raid_leg_fail(struct raid *raid, u32 leg, const void *media);
int raid_leg_drop(struct raid *raid, u32 leg);
int raid_leg_mark(struct raid *raid, u32 leg, u32 flag, bool on);
int raid_leg_join(struct raid *raid, u32 leg, void *media, const u8 *uuid);
void raid_leg_complete(struct raid *raid, u32 leg);
enum raid_verdict raid_read_super(struct raid *raid, void *media, u64 leg_size,
				  void *page, struct raid_super *sb);

/* badpage.c */
u32 raid_bad_kind(struct raid *raid, u32 leg, u64 page);
int raid_bad_add(struct raid *raid, u32 leg, u64 page, u32 kind);
void raid_bad_settle(struct raid *raid, u32 leg, u64 page);
void raid_bad_remove(struct raid *raid, u32 leg, u64 page);
int raid_bad_load(struct raid *raid);
void raid_bad_forget(struct raid *raid, u32 leg);
bool raid_bad_elsewhere(const struct raid *raid, u32 leg);
int raid_bad_write(struct raid *raid, u32 leg);

/* region.c */
void raid_region_load(struct raid *raid);
int raid_region_write(struct raid *raid, u32 leg);
int raid_region_begin(struct raid *raid, u64 group);
int raid_group_lock_written(struct raid *raid, u64 group);
bool raid_region_is_zero(struct raid *raid, u64 group);
int raid_region_forget(struct raid *raid, u64 region);
bool raid_region_pass(struct raid *raid, u32 leg, u64 group);
int raid_region_extend(struct raid *raid, u32 leg,
		       const struct raid_super *grown);

/* grow.c */
int raid_grow(struct raid *raid, const struct raid_super *grown);

/* spare.c */
int raid_spare_mark(struct raid *raid, void *media);
int raid_spare_mend(struct raid *raid, void *media);
int raid_spare_forget(struct raid *raid, void *media);

/* replace.c */
int raid_twin_begin(struct raid *raid, u32 leg, void *media, const u8 *uuid);
int raid_twin_commit(struct raid *raid);
void raid_twin_finish(struct raid *raid);
void raid_twin_end(struct raid *raid);

#endif /* _PFN_RAID_ARRAY_H */
