// SPDX-License-Identifier: GPL-2.0
/*
 * The remap table, examined and mended by the driver's own code. That works on
 * memory: here, on a copy of both mirrors, of which it writes back what was
 * stored at each fence.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/libnvdimm.h>
#include <linux/uaccess.h>
#include <compat/nvdimm.h>

#include "copy_mc.h"
#include "media_io.h"
#include "output.h"
#include "table.h"

#define PAGE		PINFOLD_PAGE_SIZE
#define READ_STEP	(1024 * 1024)

/**
 * struct copy - the mirrors in memory
 * @media: what the driver's code gets
 * @file: where they come from
 * @layout: where in it
 * @len: size of each mirror
 * @unreadable: a flag for each PINFOLD_MEDIA_BLOCK of both mirrors
 * @dirty: a flag for each page of both mirrors
 * @error: errno of the first write that failed
 *
 * The driver's code sees the namespace from its start: of that much address
 * space, only the mirrors get memory.
 */
struct copy {
	struct pinfold_media media;
	const struct media *file;
	struct pinfold_remap_layout layout;
	u64 len;
	u8 *unreadable;
	u8 *dirty;
	int error;
};

/* One at a time; the functions below have no argument of ours. */
static struct copy *current;

/* --- what the driver's code stands on ---------------------------------------- */

/* Number of an address in units of @unit, counted through both mirrors. */
static size_t unit_of(const void *p, size_t unit)
{
	u64 offset = (const u8 *)p - (const u8 *)current->media.base;
	const u64 *start = current->layout.table_offset;

	if (offset >= start[0] && offset < start[0] + current->len)
		return (offset - start[0]) / unit;
	if (offset >= start[1] && offset < start[1] + current->len)
		return (offset - start[1] + current->len) / unit;
	abort();
}

void memcpy_flushcache(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	current->dirty[unit_of(dst, PAGE)] = 1;
	current->dirty[unit_of(dst + len - 1, PAGE)] = 1;
}

void arch_wb_cache_pmem(void *addr, size_t len)
{
	(void)addr;
	(void)len;
}

unsigned long copy_mc_to_kernel(void *dst, const void *src, size_t len)
{
	size_t block = unit_of(src, PINFOLD_MEDIA_BLOCK);
	size_t last = unit_of(src + len - 1, PINFOLD_MEDIA_BLOCK);

	for (; block <= last; block++)
		if (current->unreadable[block])
			return len;
	memcpy(dst, src, len);
	return 0;
}

unsigned long copy_mc_flushcache(void *dst, const void *src, size_t len)
{
	unsigned long left = copy_mc_to_kernel(dst, src, len);

	if (!left)
		arch_wb_cache_pmem(dst, len);
	return left;
}

/* Writing clears it: the block device sees to that. */
long nvdimm_clear_poison(struct device *dev, phys_addr_t phys,
			 unsigned int len)
{
	void *addr = current->media.base + phys;

	(void)dev;
	memset(&current->unreadable[unit_of(addr, PINFOLD_MEDIA_BLOCK)], 0,
	       len / PINFOLD_MEDIA_BLOCK);
	return len;
}

int nvdimm_flush(struct nd_region *region, struct bio *bio)
{
	u64 i, pages = current->len / PAGE;

	(void)region;
	(void)bio;
	for (i = 0; i < PINFOLD_TABLE_MIRRORS * pages; i++) {
		u64 at = current->layout.table_offset[i / pages] +
			 i % pages * PAGE;
		int rc;

		if (!current->dirty[i])
			continue;
		rc = write_full(current->file->fd, current->media.base + at,
				PAGE, at);
		if (rc) {
			current->error = -rc;
			return rc;
		}
		current->dirty[i] = 0;
	}
	return media_sync(current->file);
}

/* --- reading ------------------------------------------------------------------ */

/* What cannot be read in a large piece is read in small ones. */
static void read_blocks(struct copy *copy, u64 offset, u64 len)
{
	const struct media *file = copy->file;

	if (!read_full(file->fd, copy->media.base + offset, len, offset))
		return;
	if (len == PINFOLD_MEDIA_BLOCK) {
		size_t block = unit_of(copy->media.base + offset,
				       PINFOLD_MEDIA_BLOCK);

		copy->unreadable[block] = 1;
		memset(copy->media.base + offset, 0, len);
		return;
	}
	read_blocks(copy, offset, len / 2);
	read_blocks(copy, offset + len / 2, len - len / 2);
}

static void read_mirror(struct copy *copy, unsigned int mirror)
{
	u64 offset = copy->layout.table_offset[mirror];
	u64 done, step;

	for (done = 0; done < copy->len; done += step) {
		step = copy->len - done;
		/* A power of two, to be halved down to a block. */
		if (step >= READ_STEP)
			step = READ_STEP;
		else
			step = PAGE;
		read_blocks(copy, offset + done, step);
	}
}

static void copy_close(struct copy *copy)
{
	if (copy->media.base)
		munmap(copy->media.base, copy->media.size);
	free(copy->unreadable);
	free(copy->dirty);
	current = NULL;
}

static int copy_open(struct copy *copy, const struct media *file,
		     const struct pinfold_remap_layout *layout)
{
	u64 end = layout->table_offset[0];
	void *base;

	memset(copy, 0, sizeof(*copy));
	copy->file = file;
	copy->layout = *layout;
	copy->len = ((u64)layout->nr_slots * PINFOLD_TABLE_ENTRY_SIZE +
		     PAGE - 1) / PAGE * PAGE;
	if (end < layout->table_offset[1])
		end = layout->table_offset[1];
	copy->media.size = end + copy->len;
	base = mmap(NULL, copy->media.size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	copy->media.base = base == MAP_FAILED ? NULL : base;
	copy->unreadable = calloc(2 * copy->len / PINFOLD_MEDIA_BLOCK, 1);
	copy->dirty = calloc(2 * copy->len / PAGE, 1);
	if (!copy->media.base || !copy->unreadable || !copy->dirty) {
		copy_close(copy);
		return fail(file->name, "no memory for the remap table, %llu bytes",
			    2 * copy->len);
	}
	current = copy;
	read_mirror(copy, 0);
	read_mirror(copy, 1);
	return 0;
}

/* --- judging -------------------------------------------------------------------- */

static void judge(const struct pinfold_remap *table, struct table_state *state)
{
	const struct pinfold_remap_report *report = &state->report;

	state->slots = table->layout.nr_slots;
	state->claimed = table->nr_claimed - !!report->halfway;
	state->retired = table->nr_retired;
	state->homes_retired = table->nr_homes_retired;
	if (report->conflicts)
		state->verdict = TABLE_CONFLICT;
	else if (report->lost)
		state->verdict = TABLE_LOST;
	else
		state->verdict = table->needs_mending ? TABLE_MENDABLE :
			TABLE_GOOD;
}

/* Read the table, and with @mend write what is wrong. */
static int examine(const struct media *media, const struct pinfold_info *info,
		   bool mend, struct table_state *state)
{
	struct pinfold_remap_layout layout;
	struct pinfold_remap table;
	static struct copy copy;
	int rc = 0;

	memset(state, 0, sizeof(*state));
	if (!(info->incompat & PINFOLD_INCOMPAT_REMAP) ||
	    !pinfold_remap_layout_init(&layout, info))
		return 0;
	if (copy_open(&copy, media, &layout))
		return -1;
	if (pinfold_remap_alloc(&table, &copy.media, &layout)) {
		copy_close(&copy);
		return fail(media->name, "no memory for the remap table");
	}
	pinfold_remap_load(&table, &state->report);
	judge(&table, state);
	if (mend && state->verdict == TABLE_LOST)
		pinfold_remap_give_up_lost(&table);
	if (mend && pinfold_remap_mend(&table))
		rc = fail(media->name, "writing the remap table failed: %s; 'dmesg' may tell why",
			  strerror(copy.error ? copy.error : EIO));
	pinfold_remap_free(&table);
	copy_close(&copy);
	return rc;
}

int table_read(const struct media *media, const struct pinfold_info *info,
	       struct table_state *state)
{
	return examine(media, info, false, state);
}

/**
 * table_mend() - rewrite what is wrong, durably, and read it again
 * @state: what is there now
 *
 * Not for a table with conflicts. Entries that are lost are given up.
 */
int table_mend(const struct media *media, const struct pinfold_info *info,
	       struct table_state *state)
{
	if (examine(media, info, true, state))
		return -1;
	return examine(media, info, false, state);
}

/* --- telling -------------------------------------------------------------------- */

static const char *verdict_string(enum table_verdict verdict)
{
	switch (verdict) {
	case TABLE_NONE:
		return "not in use";
	case TABLE_GOOD:
		return "good";
	case TABLE_MENDABLE:
		return "one mirror is damaged or behind";
	case TABLE_LOST:
		return "entries are lost";
	case TABLE_CONFLICT:
		return "entries contradict each other";
	}
	return "unknown";
}

static void put_nonzero(struct json_object *object, const char *key, u64 value)
{
	if (value)
		put_count(object, key, value);
}

void table_describe(struct json_object *object, const struct table_state *state)
{
	const struct pinfold_remap_report *report = &state->report;

	put_string(object, "verdict", verdict_string(state->verdict));
	if (state->verdict == TABLE_NONE)
		return;
	put_count(object, "slots", state->slots);
	put_count(object, "remapped", state->claimed);
	put_count(object, "slots_retired", state->retired);
	put_count(object, "homes_retired", state->homes_retired);
	put_nonzero(object, "unreadable_blocks",
		    report->unreadable[0] + report->unreadable[1]);
	put_nonzero(object, "damaged_entries",
		    report->damaged[0] + report->damaged[1]);
	put_nonzero(object, "entries_behind", report->behind);
	put_nonzero(object, "moves_halfway", report->halfway);
	put_nonzero(object, "lost_entries", report->lost);
	put_nonzero(object, "conflicts", report->conflicts);
}

int table_explain(const struct media *media, const struct table_state *state)
{
	const struct pinfold_remap_report *report = &state->report;
	const char *name = media->name;

	switch (state->verdict) {
	case TABLE_MENDABLE:
		return fail(name, "remap table: one mirror is damaged or behind, nothing is lost; 'pinfold check --repair %s' rewrites it",
			    name);
	case TABLE_LOST:
		return fail(name, "remap table: %u entries are lost in both mirrors, the first is that of spare page %u; which pages live there cannot be told; 'pinfold check --repair --give-up %s' lets go of them: pages that were moved there show what their home last had",
			    report->lost, report->first_lost, name);
	case TABLE_CONFLICT:
		return fail(name, "remap table: page %llu is in two spare pages, and which one is right cannot be told; nothing was changed; copy what is needed from the raw device, then 'pinfold create' starts anew",
			    report->conflict_owner);
	default:
		return 0;
	}
}
