// SPDX-License-Identifier: GPL-2.0
/*
 * Moving pages of a DAX file that are pinned, as Documentation/pin-registry.rst says,
 * but that the file goes on showing the old ones: before it is looked at, they have
 * to be moved back.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "pindev.h"

static bool only_pinned(unsigned long pfn)
{
	return page_ref_count(pfn_to_page(pfn)) == 1 + pin_registry_refs(pfn);
}

/* Who tries to pin has references for a moment; others stay longer, and win. */
static int drain(unsigned long pfn, unsigned long nr, unsigned long deadline)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		while (!only_pinned(pfn + i)) {
			if (time_after(jiffies, deadline))
				return -ETXTBSY;
			usleep_range(50, 500);
		}
	}
	return 0;
}

static int copy_and_commit(struct address_space *mapping,
			   const struct pf_move_dax *m, unsigned long deadline)
{
	struct pin_move move;
	unsigned long i;
	int err;

	err = pin_move_begin(&move, m->src, m->dst, m->nr, deadline, false);
	if (err)
		return err;
	unmap_mapping_pages(mapping, m->offset, m->nr, false);
	err = drain(m->src, m->nr, deadline);
	if (!err)
		err = drain(m->dst, m->nr, deadline);
	if (!err && m->change_mind)
		err = -ECANCELED;
	if (err) {
		pin_move_abort(&move);
		return err;
	}
	for (i = 0; i < m->nr; i++)
		copy_highpage(pfn_to_page(m->dst + i), pfn_to_page(m->src + i));
	pin_move_commit(&move);
	/* Whoever still writes to the old pages would be seen. */
	for (i = 0; i < m->nr; i++)
		clear_highpage(pfn_to_page(m->src + i));
	return 0;
}

static u32 most_refs(unsigned long pfn, unsigned long nr)
{
	int most = 0;

	while (nr--)
		most = max(most, page_ref_count(pfn_to_page(pfn++)));
	return most;
}

int move_dax(struct pf_move_dax *m)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(m->timeout_ms);
	struct address_space *mapping;
	struct file *file;
	int err;

	file = fget(m->fd);
	if (!file)
		return -EBADF;
	mapping = file->f_mapping;
	filemap_invalidate_lock(mapping);
	err = copy_and_commit(mapping, m, deadline);
	m->src_refs = most_refs(m->src, m->nr);
	m->dst_refs = most_refs(m->dst, m->nr);
	filemap_invalidate_unlock(mapping);
	fput(file);
	return err;
}
