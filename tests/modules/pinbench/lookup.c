// SPDX-License-Identifier: GPL-2.0
/* Lookups among few and many pins, over the same 100,000 pages. */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/pin_registry.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include "pinbench.h"

#define BLOCK_ORDER	9
#define BLOCK_PAGES	BIT(BLOCK_ORDER)
#define NR_BLOCKS	200

static struct {
	struct page *pages;
	struct pin_range *range;
} blocks[NR_BLOCKS];

static struct pin_handle **pins;
static unsigned long nr_pins;
static struct rnd_state rnd;

/* Memory that does not move. */
static const struct pin_mover_ops no_mover;

static int make_block(int i)
{
	struct pin_range *range;

	blocks[i].pages = alloc_pages(GFP_KERNEL | __GFP_NOWARN, BLOCK_ORDER);
	if (!blocks[i].pages)
		return -ENOMEM;
	range = pin_range_join("pinbench", page_to_pfn(blocks[i].pages),
			       BLOCK_PAGES, &no_mover, NULL);
	if (IS_ERR(range))
		return PTR_ERR(range);
	blocks[i].range = range;
	return 0;
}

static struct page *random_page(void)
{
	unsigned int i = prandom_u32_state(&rnd) % (NR_BLOCKS * BLOCK_PAGES);

	return blocks[i / BLOCK_PAGES].pages + i % BLOCK_PAGES;
}

static int make_pin(unsigned long i)
{
	struct pin_handle *pin = pin_pages(pinbench_atomic, random_page(), 1,
					   0, NULL, "benchmark");

	if (IS_ERR(pin))
		return PTR_ERR(pin);
	pins[i] = pin;
	nr_pins++;
	if (i % 256 == 0)
		cond_resched();
	return 0;
}

int lookup_prepare(unsigned long nr)
{
	unsigned long i;
	int err = 0;

	if (pins || !nr || nr > 10000000)
		return -EINVAL;
	prandom_seed_state(&rnd, 1);
	pins = kvmalloc_array(nr, sizeof(*pins), GFP_KERNEL);
	if (!pins)
		return -ENOMEM;
	for (i = 0; i < NR_BLOCKS && !err; i++)
		err = make_block(i);
	for (i = 0; i < nr && !err; i++)
		err = make_pin(i);
	if (err)
		lookup_drop();
	return err;
}

int lookup_run(unsigned long loops)
{
	struct pin_handle *pin;
	unsigned long i, pfn;

	if (!nr_pins)
		return -EINVAL;
	for (i = 0; i < loops; i++) {
		pin = pins[prandom_u32_state(&rnd) % nr_pins];
		pfn = page_to_pfn(pin_page(pin, 0));
		pin = pin_lookup(pfn);
		if (!pin || page_to_pfn(pin_page(pin, 0)) != pfn)
			return -EIO;
		pin_put(pin);
	}
	return 0;
}

void lookup_drop(void)
{
	unsigned long i;

	for (i = 0; i < nr_pins; i++) {
		pin_end(pinbench_atomic, pins[i]);
		pin_put(pins[i]);
		if (i % 256 == 0)
			cond_resched();
	}
	nr_pins = 0;
	kvfree(pins);
	pins = NULL;
	for (i = 0; i < NR_BLOCKS; i++) {
		if (blocks[i].range)
			WARN_ON(pin_range_leave(blocks[i].range));
		if (blocks[i].pages)
			__free_pages(blocks[i].pages, BLOCK_ORDER);
	}
	memset(blocks, 0, sizeof(blocks));
}
