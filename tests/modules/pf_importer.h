/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What the test importer (pf_importer.ko) and the test program say to each other. */
#ifndef _PF_IMPORTER_H
#define _PF_IMPORTER_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PF_IMPORTER	"/dev/pf_importer"

/* Where in each page its engine counts. */
#define PF_IMP_OFFSET	256

enum pf_imp_op {
	PF_IMP_ATTACH,		/* arg: fd; as an importer that follows */
	PF_IMP_ATTACH_STATIC,	/* arg: fd; as one that cannot */
	PF_IMP_DETACH,
	PF_IMP_MAP,		/* arg: enum dma_data_direction */
	PF_IMP_UNMAP,
	PF_IMP_PIN,
	PF_IMP_UNPIN,
	PF_IMP_READ,		/* arg: page; value: its first 8 bytes */
	PF_IMP_FENCE,		/* begins a job that does not end by itself */
	PF_IMP_SIGNAL,		/* ends it */
	PF_IMP_RUN,		/* arg: count in all pages, until 0 */
	PF_IMP_VMAP,
	PF_IMP_LOCK,		/* arg: keep the reservation lock so many ms */
	PF_IMP_REMAP_IN_NOTIFY,	/* arg: be so rude */
};

/**
 * struct pf_imp - argument of PF_IMP: an importer of one dma-buf
 * @op: enum pf_imp_op
 * @arg: of the operation
 * @value: result of PF_IMP_READ
 * @notified: how often it was told of a move
 * @rounds: of the engine through all pages
 * @errors: what it found is not what it left; mappings that failed
 * @last_error: of a mapping
 * @mapped: it has a mapping that it may use
 */
struct pf_imp {
	__u32	op;
	__u32	mapped;
	__s64	arg;
	__u64	value;
	__u64	notified;
	__u64	rounds;
	__u64	errors;
	__s64	last_error;
};

#define PF_IMP	_IOWR('p', 64, struct pf_imp)

#endif /* _PF_IMPORTER_H */
