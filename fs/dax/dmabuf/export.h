/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of dax_dmabuf.ko. Locks, outermost first:
 *
 *	mmap_lock, the slot of a pin	of others, see Documentation/locking.rst
 *	exports_lock			mutex, main.c
 *	  export.resv			the reservation lock of the dma-buf
 *
 * Callbacks of the pin take export.resv in a worker of the registry, which waits for
 * them with a bound. Under export.resv: no mmap_lock, hence no pin_user(), no
 * pin_mark_dirty(), and no pin_end() but in a callback.
 */
#ifndef _DAX_DMABUF_EXPORT_H
#define _DAX_DMABUF_EXPORT_H

#include <compat/dma_buf.h>
#include <linux/atomic.h>
#include <linux/dma-resv.h>
#include <linux/list.h>
#include <linux/pin_dma.h>
#include <linux/scatterlist.h>
#include <linux/workqueue.h>

/**
 * struct export - an exported range
 * @resv: of the dma-buf; outlives it, as callbacks may. Covers @dmabuf, @notifier,
 *	@attachments and what is on them
 * @dmabuf: NULL before it is made and once it is being released
 * @pin: the range; a reference is held until the end
 * @nr: number of pages
 * @write: importers may write
 * @pinnable: importers that cannot follow may have it
 * @held: the file, if @pinnable
 * @dead: pages were taken away: nobody gets at any of them again. Set before
 *	@resv is taken, so that who waits for @moving with it gives up
 * @moving: pages that have been prepared to move, and nobody maps meanwhile
 * @notifier: task that tells importers of a move
 * @attachments: struct attachment
 * @node: on the list of exports
 * @end: ends the pin if that takes long
 */
struct export {
	struct dma_resv resv;
	struct dma_buf *dmabuf;
	struct pin_handle *pin;
	unsigned long nr;
	bool write;
	bool pinnable;
	struct file *held;
	bool dead;
	atomic_long_t moving;
	struct task_struct *notifier;
	struct list_head attachments;
	struct list_head node;
	struct work_struct end;
};

/**
 * struct attachment - an importer
 * @node: in the list of the export
 * @attach: what dma-buf knows
 * @pins: ->pin less ->unpin
 * @nr_maps: length of @maps
 * @maps: struct mapping
 */
struct attachment {
	struct list_head node;
	struct dma_buf_attachment *attach;
	unsigned long pins;
	unsigned long nr_maps;
	struct list_head maps;
};

/**
 * struct mapping - the range as an importer's device sees it
 * @node: in the list of the attachment
 * @sgt: what the importer has
 * @dir: direction
 * @gone: the device cannot reach the pages by it any more
 * @kept: the pages are no longer pinned, but the importer could not be made to let go
 *	of them: it holds references to each, until it unmaps
 */
struct mapping {
	struct list_head node;
	struct sg_table sgt;
	enum dma_data_direction dir;
	bool gone;
	bool kept;
};

/**
 * struct export_stats - counters since the module was loaded
 * @moves: pages that were prepared to move
 * @refused: moves that were refused
 * @revoked: exports that came to their end before they were closed
 */
struct export_stats {
	atomic_long_t moves;
	atomic_long_t refused;
	atomic_long_t revoked;
};

/* main.c */
extern struct export_stats export_stats;
extern struct workqueue_struct *export_wq;
void export_listed(struct export *e);
void export_unlisted(struct export *e);

/* export.c */
struct dma_buf *export_create(u64 addr, u64 len, bool write, bool pinnable);
bool export_immovable(struct export *e);
void mapping_undo(struct attachment *a, struct mapping *m);
void export_sync(struct export *e, bool cpu);
bool attachment_pinned(const struct attachment *a);

/* hold.c */
int export_hold_file(struct export *e, unsigned long addr);
void export_let_file(struct export *e);

/* pinner.c */
extern struct pinner *export_pinner;
int export_pinner_init(void);
void export_pinner_exit(void);

#endif /* _DAX_DMABUF_EXPORT_H */
