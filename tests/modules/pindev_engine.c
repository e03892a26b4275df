// SPDX-License-Identifier: GPL-2.0
/*
 * The engine: goes round all pages of all areas and counts in each, as a device
 * would with DMA. It must find what it left there.
 */
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/kthread.h>

#include "pindev.h"

static bool found_ours(struct area *a, unsigned long i, const struct pf_slot *s)
{
	return s->magic == PF_SLOT_MAGIC && s->id == a->id && s->page == i &&
		s->count == a->count[i] && s->check == pf_slot_check(s);
}

static void visit(struct area *a, unsigned long i, struct page *page)
{
	struct pf_slot *s = kmap_local_page(page) + a->dev->slot;

	if (!a->write) {
		if (READ_ONCE(s->magic) != PF_SLOT_MAGIC)
			a->report.errors++;
	} else {
		if (a->count[i] && !found_ours(a, i, s)) {
			if (!a->report.errors++)
				pr_info("pf_pindev: %s: area %u page %lu has id %u page %u count %llu, not %llu\n",
					a->dev->name, a->id, i, s->id, s->page,
					s->count, a->count[i]);
		}
		s->magic = PF_SLOT_MAGIC;
		s->id = a->id;
		s->page = i;
		s->count = ++a->count[i];
		s->check = pf_slot_check(s);
	}
	kunmap_local(s);
	a->report.writes++;
}

/* With pin_general_ops, the registry keeps the pages while they are in use. */
static void visit_general(struct area *a, unsigned long i)
{
	struct page *page;

	if (pin_use(a->pin))
		return;
	page = pin_page(a->pin, i);
	if (page)
		visit(a, i, page);
	pin_unuse(a->pin);
}

static void visit_page(struct area *a, unsigned long i)
{
	struct page *page;

	spin_lock(&a->lock);
	if (a->ended) {
		/* Not its pages any more. */
	} else if (a->dev->general) {
		visit_general(a, i);
	} else if (a->state[i] == RUNNING) {
		page = pin_page(a->pin, i);
		if (page)
			visit(a, i, page);
		else
			a->report.misuse++;	/* gone without a word */
	}
	spin_unlock(&a->lock);
}

int engine_fn(void *arg)
{
	struct dev *dev = arg;
	struct area *a;
	unsigned long i;

	while (!kthread_should_stop()) {
		/* Whoever stops us may hold it. */
		if (!mutex_trylock(&dev->mutex)) {
			usleep_range(50, 200);
			continue;
		}
		list_for_each_entry(a, &dev->areas, node) {
			for (i = 0; i < a->nr; i++)
				visit_page(a, i);
		}
		mutex_unlock(&dev->mutex);
		usleep_range(100, 500);
	}
	return 0;
}

/* What the pages contain now, as far as the pin has them. */
void area_sum(struct area *a, struct pf_report *report)
{
	unsigned long i;

	spin_lock(&a->lock);
	*report = a->report;
	report->present = 0;
	report->sum = 0;
	for (i = 0; i < a->nr && !a->ended; i++) {
		if (!pin_page(a->pin, i))
			continue;
		report->present++;
		report->sum += a->count[i];
	}
	spin_unlock(&a->lock);
}
