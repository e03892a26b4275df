// SPDX-License-Identifier: GPL-2.0
/* Pins of user memory: the registry's, and plain ones of the same kind. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pin_registry.h>
#include <linux/slab.h>

#include "pinbench.h"

/* The array is made once: a driver may keep it. */
static int plain_pins(const struct pinbench_job *job)
{
	int nr = job->len >> PAGE_SHIFT, got = 0;
	struct page **pages;
	u64 i;

	pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < job->nr; i++) {
		got = pin_user_pages_fast(job->addr, nr,
					  FOLL_WRITE | FOLL_LONGTERM, pages);
		if (got > 0)
			unpin_user_pages(pages, got);
		if (got != nr)
			break;
	}
	kvfree(pages);
	if (got < 0)
		return got;
	return got == nr ? 0 : -EFAULT;
}

static int registered_pins(const struct pinbench_job *job, struct pinner *p)
{
	struct pin_handle *pin;
	int err = 0;
	u64 i;

	for (i = 0; i < job->nr && !err; i++) {
		pin = pin_user(p, job->addr, job->len, PIN_WRITE, NULL,
			       "benchmark");
		if (IS_ERR(pin))
			return PTR_ERR(pin);
		err = pin_end(p, pin);
		pin_put(pin);
	}
	return err;
}

int user_pins(const struct pinbench_job *job)
{
	if (!job->len || job->len >> PAGE_SHIFT > 1 << 20)
		return -EINVAL;
	switch (job->kind) {
	case PINBENCH_PEER:
		return plain_pins(job);
	case PINBENCH_REGISTRY:
		return registered_pins(job, pinbench_atomic);
	case PINBENCH_SLEEPING:
		return registered_pins(job, pinbench_sleeping);
	case PINBENCH_DMA_PEER:
	case PINBENCH_DMA:
		return dma_pins(job);
	}
	return -EINVAL;
}
