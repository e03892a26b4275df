// SPDX-License-Identifier: GPL-2.0
/*
 * Takes a physical range before somebody else does, so that attaching a
 * namespace fails: the resource (-EBUSY), or the struct pages only, which makes
 * memremap_pages() fail.
 *
 * insmod pf_occupy.ko start=PHYSICAL length=BYTES [pages=1]
 */
#include <linux/ioport.h>
#include <linux/memremap.h>
#include <linux/module.h>
#include <linux/numa.h>

static ulong start;
module_param(start, ulong, 0400);
MODULE_PARM_DESC(start, "physical address");

static ulong length;
module_param(length, ulong, 0400);
MODULE_PARM_DESC(length, "bytes");

static bool pages;
module_param(pages, bool, 0400);
MODULE_PARM_DESC(pages, "make struct pages instead of reserving the resource");

static struct dev_pagemap pgmap;

static int __init pf_occupy_init(void)
{
	void *addr;

	if (!pages)
		return request_mem_region(start, length, "pf_occupy") ?
			0 : -EBUSY;
	pgmap.type = MEMORY_DEVICE_GENERIC;
	pgmap.range.start = start;
	pgmap.range.end = start + length - 1;
	pgmap.nr_range = 1;
	addr = memremap_pages(&pgmap, NUMA_NO_NODE);
	return PTR_ERR_OR_ZERO(addr);
}

static void __exit pf_occupy_exit(void)
{
	if (pages)
		memunmap_pages(&pgmap);
	else
		release_mem_region(start, length);
}

module_init(pf_occupy_init);
module_exit(pf_occupy_exit);
MODULE_DESCRIPTION("Test: occupy a physical range");
MODULE_LICENSE("GPL");
