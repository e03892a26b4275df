// SPDX-License-Identifier: GPL-2.0
/* Very many pins. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "pindev.h"

#define MOST_PINS	(16 * 1024 * 1024)
#define MOST_BLOCKS	65536
#define BLOCK_PAGES	512

static u64 next_random(u64 *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

static int count_pin(struct pin_handle *pin, const struct pin_info *info,
		     void *arg)
{
	struct pf_many *many = arg;

	if (!strcmp(info->why, "many"))
		many->listed++;
	return 0;
}

static void look_up(struct pf_many *many, const u64 *blocks)
{
	u64 seed = many->seed, i, pfn;
	struct pin_handle *pin;

	for (i = 0; i < many->lookups; i++) {
		pfn = blocks[next_random(&seed) % many->nr_blocks];
		pfn += next_random(&seed) % BLOCK_PAGES;
		pin = pin_lookup(pfn);
		many->found += !!pin;
		pin_put(pin);
	}
}

static int pin_all(struct dev *dev, struct pf_many *many, const u64 *blocks,
		   struct pin_request *req)
{
	u64 seed = many->seed, i, pfn;
	int err, ret;

	for (i = 0; i < many->pins; i++) {
		pfn = blocks[next_random(&seed) % many->nr_blocks];
		pfn += next_random(&seed) % BLOCK_PAGES;
		req[i].page = pfn_to_page(pfn);
		req[i].nr = 1;
		req[i].why = "many";
	}
	err = pin_batch(dev->pinner, req, many->pins);
	if (err)
		return err;
	look_up(many, blocks);
	ret = pin_for_each(0, ULONG_MAX, count_pin, many);
	err = pin_end_batch(dev->pinner, req, many->pins);
	return ret ?: err;
}

int pin_many(struct dev *dev, struct pf_many *many)
{
	struct pin_request *req;
	u64 *blocks;
	int err;

	many->found = 0;
	many->listed = 0;
	if (!dev->pinner || !dev->general || !many->pins ||
	    many->pins > MOST_PINS || !many->nr_blocks ||
	    many->nr_blocks > MOST_BLOCKS)
		return -EINVAL;
	blocks = vmemdup_user(u64_to_user_ptr(many->blocks),
			      many->nr_blocks * sizeof(*blocks));
	if (IS_ERR(blocks))
		return PTR_ERR(blocks);
	req = kvcalloc(many->pins, sizeof(*req), GFP_KERNEL);
	err = req ? pin_all(dev, many, blocks, req) : -ENOMEM;
	kvfree(req);
	kvfree(blocks);
	return err;
}
