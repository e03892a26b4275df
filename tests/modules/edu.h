/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of edu.ko, a driver of QEMU's edu device: it copies the first half of a buffer
 * to the second, a page at a time, for as long as it is told to.
 * Documentation/driver-api/long-term-dma.rst explains it.
 */
#ifndef _EDU_H
#define _EDU_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>

#include "pf_edu.h"

/**
 * struct edu - a device
 * @ref: the driver's, and one for each open file
 * @misc: /dev/eduN
 * @name: of @misc
 * @id: N
 * @pdev: the PCI device; until @gone
 * @mmio: its registers
 * @done: a transfer has ended
 * @mutex: covers @stream and @gone
 * @stream: what it does, or NULL
 * @engine: copies for others, or NULL
 * @gone: unbound
 */
struct edu {
	struct kref ref;
	struct miscdevice misc;
	char name[16];
	int id;
	struct pci_dev *pdev;
	void __iomem *mmio;
	struct completion done;
	struct mutex mutex;	/* see above */
	struct edu_stream *stream;
	struct edu_engine *engine;
	bool gone;
};

/**
 * struct edu_source - where the pages of a stream come from
 * @begin: page @i is going to be read by the device, or written; its DMA address stays
 *	right until @end. -EAGAIN: not now; -ENXIO: never again
 * @end: it was
 * @round: all pages were copied; before anybody is told
 * @stop: give everything back, and free. Nobody is between @begin and @end
 */
struct edu_source {
	int (*begin)(struct edu_stream *s, unsigned long i, bool to_device,
		     dma_addr_t *addr);
	void (*end)(struct edu_stream *s, unsigned long i, bool to_device);
	int (*round)(struct edu_stream *s);
	void (*stop)(struct edu_stream *s);
};

/**
 * struct edu_stream - a running copy
 * @edu: the device
 * @ops: where the pages come from; embedded there
 * @engine: thread
 * @nr: number of pages
 * @report: see there; a word is written by one place only
 */
struct edu_stream {
	struct edu *edu;
	const struct edu_source *ops;
	struct task_struct *engine;
	unsigned long nr;
	struct pf_edu_report report;
};

/* edu_dma.c */
int edu_dma_init(struct edu *edu);
int edu_dma(struct edu *edu, dma_addr_t addr, size_t count, bool to_device);

/* edu_pin.c */
struct edu_stream *edu_pin_start(struct edu *edu, u64 addr, u64 len);
int edu_pin_init(void);
void edu_pin_exit(void);

/* edu_dmabuf.c */
struct edu_stream *edu_dmabuf_start(struct edu *edu, int fd);

/* edu_engine.c */
#if IS_ENABLED(CONFIG_DMA_ENGINE)
int edu_engine_start(struct edu *edu);
void edu_engine_stop(struct edu *edu);
#else
static inline int edu_engine_start(struct edu *edu)
{
	return -EOPNOTSUPP;
}

static inline void edu_engine_stop(struct edu *edu)
{
}
#endif

#endif /* _EDU_H */
