/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside nd_pinfold: one attached namespace, and what the files owe each other.
 *
 * "Offset" is always in bytes from the start of the data area, which is what
 * the disk and the DAX device show; only info.c speaks of the namespace.
 */
#ifndef _PINFOLD_H
#define _PINFOLD_H

#include <linux/badblocks.h>
#include <linux/blkdev.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "infoblock.h"
#include "map.h"
#include "mce.h"
#include "media_io.h"
#include "remap_table.h"

struct dax_backing;
struct dax_device;
struct nd_namespace_common;
struct nd_region;
struct pinfold_move;

/**
 * struct pinfold - an attached namespace
 * @data: kernel address of the data area. The mapping has no struct pages and
 *	is the driver's own: @backing's pages are for everybody else
 * @nr_pages: size of the data area
 * @bb: known bad blocks, in sectors of the disk
 * @backing: makes struct pages
 * @read_only: the format has features that only a newer driver may write
 * @valid_copies: intact copies of the info block found at attach
 * @region: for flushing
 * @dev: the namespace, for messages and libnvdimm's services
 * @phys: physical address of the data area
 * @dax_dev: NULL once dead
 * @disk: the block device; its ->free_disk() frees this structure
 * @bb_state: sysfs file to notify when @bb changed; protected by the device
 *	lock against removal
 * @info: contents of the chosen copy
 * @media: the whole namespace, for its own structures; only if @remap is in use
 * @remap: the remap table; all zero without one in use
 * @map: where pages are that may have moved; NULL as long as the table is not in
 *	use: then every page is at home
 * @move_lock: covers moving pages, changes of @remap and of the info block, and
 *	@gone
 * @gone: the driver is being unbound, so no moves
 * @errors: of its memory, as the machine told
 * @batch_kind: of the running batch; only its mover looks
 * @retire: places that pages of the running batch leave are not used again
 * @lost: pages that the running operation moved without a part of their data
 * @lost_page: the first of them
 * @lost_sectors: what is lost of it, a bit for each sector
 *
 * Lives until the last opener of the disk is gone, which may be long after the
 * driver was unbound. Everything but @backing, @disk, @info and @dev's address
 * belongs to the time in which the driver is bound: bios, DAX operations and
 * sysfs are waited for in detach(), and ioctls look at the disk's state.
 */
struct pinfold {
	void *data;
	unsigned long nr_pages;
	struct badblocks bb;
	struct dax_backing *backing;
	bool read_only;
	unsigned int valid_copies;
	struct nd_region *region;
	struct device *dev;
	phys_addr_t phys;
	struct dax_device *dax_dev;
	struct gendisk *disk;
	struct kernfs_node *bb_state;
	struct pinfold_info info;
	struct pinfold_media media;
	struct pinfold_remap remap;
	struct pinfold_map *map;
	struct mutex move_lock;		/* one operation at a time */
	bool gone;
	struct pinfold_errors errors;
	enum dax_move_kind batch_kind;
	bool retire;
	u64 lost;
	u64 lost_page;
	unsigned int lost_sectors;
};

/* info.c */
int pinfold_info_read(struct nd_namespace_common *ndns,
		      struct pinfold_info *info, unsigned int *valid_copies,
		      bool *read_only);

/* remap.c */
int pinfold_open_remap(struct pinfold *pf, void *base,
		       const struct resource *res);
void pinfold_mend_remap(struct pinfold *pf);
int pinfold_start_remap(struct pinfold *pf);
void pinfold_close_remap(struct pinfold *pf);

/* relocate.c */
int pinfold_move_pages(struct pinfold *pf, struct pinfold_move *arg);
void pinfold_stop_moves(struct pinfold *pf);
int pinfold_move_begin(void *private, struct dax_move_batch *batch,
		       enum dax_move_kind kind);
int pinfold_move_commit(void *private, struct dax_move *moves, unsigned int nr);
void pinfold_move_end(void *private);
int pinfold_evacuate(void *private, u64 offset, u64 len,
		     unsigned long deadline);

/* block.c */
struct gendisk *pinfold_alloc_disk(struct pinfold *pf,
				   struct nd_namespace_common *ndns, int nid);
int pinfold_read(void *private, u64 offset, void *buf, size_t len);
blk_status_t pinfold_zero(struct pinfold *pf, u64 offset, u64 len);

/* dax.c */
int pinfold_add_dax(struct pinfold *pf);
void pinfold_remove_dax(struct pinfold *pf);

/* poison.c */
int pinfold_init_badblocks(struct pinfold *pf);
void pinfold_populate_badblocks(struct pinfold *pf);
int pinfold_memory_failure(void *private, u64 offset, u64 len, int mf_flags);
long pinfold_clear_poison(struct pinfold *pf, u64 offset, unsigned int len);
void pinfold_forget_badblocks(struct pinfold *pf, u64 offset, u64 len);
u64 pinfold_note_bad(struct pinfold *pf, u64 offset, unsigned int len);
void pinfold_adopt_badblocks(struct pinfold *pf);
u64 pinfold_next_bad(struct pinfold *pf, u64 place);
unsigned int pinfold_bad_sectors(struct pinfold *pf, u64 page);
int pinfold_set_bad(struct pinfold *pf, u64 page, unsigned int sectors);
bool pinfold_place_is_bad(struct pinfold *pf, u64 place);
blk_status_t pinfold_repair(struct pinfold *pf, u64 offset, unsigned int len);

/* attr.c */
extern const struct attribute_group *pinfold_disk_groups[];

/* The data area, and the spare area behind it, whose pages may be mapped too. */
static inline u64 pinfold_mapped_size(const struct pinfold_geometry *geo)
{
	if (!geo->spare_size)
		return geo->data_size;
	return geo->spare_offset + geo->spare_size - geo->data_offset;
}

/* Bytes from the start of the data area, of a page of the media. */
static inline u64 pinfold_place_offset(u64 place)
{
	return place << PAGE_SHIFT;
}

static inline bool pinfold_is_bad(struct pinfold *pf, u64 offset,
				  unsigned int len)
{
	sector_t first_bad;
	int num_bad;

	if (likely(!pf->bb.count))
		return false;
	return badblocks_check(&pf->bb, offset >> SECTOR_SHIFT,
			       len >> SECTOR_SHIFT, &first_bad, &num_bad);
}

#endif /* _PINFOLD_H */
