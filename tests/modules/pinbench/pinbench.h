/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /dev/pf_pinbench: the work that tests/bench measures, of the pin registry and of
 * what it is compared with. One user at a time; closing it undoes everything.
 */
#ifndef _PINFOLD_PINBENCH_H
#define _PINFOLD_PINBENCH_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* How pages are pinned, or owned. */
enum pinbench_kind {
	PINBENCH_PEER,		/* without the registry */
	PINBENCH_REGISTRY,	/* callbacks do not sleep; kernel pages have one pin */
	PINBENCH_SLEEPING,	/* user pages: callbacks run in a worker */
	PINBENCH_UNPINNED,	/* kernel pages: registered, without a pin */
	PINBENCH_DMA_PEER,	/* user pages: without the registry, mapped for a device */
	PINBENCH_DMA,		/* the same, by the registry */
};

/**
 * struct pinbench_job - argument of all ioctls
 * @kind: enum pinbench_kind
 * @nr: how often, or how many
 * @addr: user memory
 * @len: its size
 */
struct pinbench_job {
	__u64 kind;
	__u64 nr;
	__u64 addr;
	__u64 len;
};

/* Pin and unpin user memory @nr times. */
#define PINBENCH_USER	_IOW('p', 1, struct pinbench_job)
/* Make @nr pins of kernel pages. */
#define PINBENCH_PINS	_IOW('p', 2, struct pinbench_job)
/* Look up @nr pages that are pinned, at random. */
#define PINBENCH_LOOKUP	_IOW('p', 3, struct pinbench_job)
/* Make @nr kernel pages that compaction can move, with as many holes between. */
#define PINBENCH_PAGES	_IOW('p', 4, struct pinbench_job)
/* Return: how many of them have moved. */
#define PINBENCH_MOVED	_IO('p', 5)
/* Pin user memory; it may move. */
#define PINBENCH_HOLD	_IOW('p', 6, struct pinbench_job)
/* How long moves kept the pinner away since then, all together, in ns. */
#define PINBENCH_PAUSE	_IOR('p', 7, __u64)

#ifdef __KERNEL__
struct pinner;

/* main.c */
extern struct pinner *pinbench_atomic, *pinbench_sleeping;

/* user.c */
int user_pins(const struct pinbench_job *job);

/* dma.c */
int dma_pins(const struct pinbench_job *job);
int dma_init(void);
void dma_exit(void);

/* lookup.c */
int lookup_prepare(unsigned long pins);
int lookup_run(unsigned long loops);
void lookup_drop(void);

/* pause.c */
int pause_hold(const struct pinbench_job *job);
u64 pause_total(void);
void pause_drop(void);
int pause_init(void);
void pause_exit(void);

/* move.c */
int move_prepare(const struct pinbench_job *job);
int move_moved(void);
void move_drop(void);
#endif

#endif /* _PINFOLD_PINBENCH_H */
