/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_MCE_H
#define _PINFOLD_MCE_H

#include <linux/kconfig.h>
#include <linux/list.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

struct pinfold;

/**
 * struct pinfold_errors - what the memory controller said about a namespace
 * @node: on the list of attached namespaces
 * @counts: corrected errors so far, by place
 * @nr_counts: places in @counts
 * @failing: places that are to be retired: FAILING_*
 * @work: retires them
 */
struct pinfold_errors {
	struct list_head node;
	struct xarray counts;
	unsigned int nr_counts;
	struct xarray failing;
	struct delayed_work work;
};

#ifdef CONFIG_X86_MCE
void pinfold_mce_start(struct pinfold *pf);
void pinfold_mce_stop(struct pinfold *pf);
void pinfold_salvage_bad(struct pinfold *pf);
void pinfold_mce_init(void);
void pinfold_mce_exit(void);
#else
static inline void pinfold_mce_start(struct pinfold *pf) { }
static inline void pinfold_mce_stop(struct pinfold *pf) { }
static inline void pinfold_salvage_bad(struct pinfold *pf) { }
static inline void pinfold_mce_init(void) { }
static inline void pinfold_mce_exit(void) { }
#endif

#endif /* _PINFOLD_MCE_H */
