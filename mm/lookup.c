// SPDX-License-Identifier: GPL-2.0
/*
 * Who pins a page?
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "registry.h"

/* A lookup that has no memory would say that nobody pins the page. It is little. */
#define GFP_LOOK	(GFP_NOIO | __GFP_NOFAIL)

/**
 * pin_lookup() - who pins this page?
 * @pfn: page
 *
 * Context: Process context, may sleep.
 * Return: the handle of the newest pin on it, with a reference for the caller, or
 * NULL.
 */
struct pin_handle *pin_lookup(unsigned long pfn)
{
	struct pin_handle *pin = NULL;
	struct pin_bucket *b;
	struct pin_link *link;

	lazy_look(GFP_LOOK);
	b = index_bucket_find(pfn >> PIN_CHUNK_SHIFT);
	if (!b)
		return NULL;
	spin_lock(&b->lock);
	for (link = index_links(b, pfn); link; link = index_next(link)) {
		if (!index_starting(link)) {
			/* What is linked keeps its pin. */
			pin = pin_get(link->pin);
			break;
		}
	}
	spin_unlock(&b->lock);
	index_bucket_put(b);
	return pin;
}
EXPORT_SYMBOL_GPL(pin_lookup);

/**
 * pin_registry_refs() - how many references of a page belong to registered pins
 * @pfn: page
 *
 * A mover that waits for a page's references to go leaves these out.
 *
 * Context: Process context, may sleep, but does not for who is moving pages, from
 * pin_move_begin() on.
 * Return: the number of references, as page_ref_count() counts them.
 */
unsigned int pin_registry_refs(unsigned long pfn)
{
	struct pin_bucket *b;
	struct pin_link *link;
	unsigned int refs = 0;

	lazy_look(GFP_LOOK);
	b = index_bucket_find(pfn >> PIN_CHUNK_SHIFT);
	if (!b)
		return 0;
	spin_lock(&b->lock);
	for (link = index_links(b, pfn); link; link = index_next(link)) {
		if (link->pin->user && !index_starting(link))
			refs += GUP_PIN_COUNTING_BIAS;
	}
	spin_unlock(&b->lock);
	index_bucket_put(b);
	return refs;
}
EXPORT_SYMBOL_GPL(pin_registry_refs);

/**
 * struct found - a pin that pin_for_each() has to tell
 * @pin: a reference is held
 * @info: about it
 */
struct found {
	struct pin_handle *pin;
	struct pin_info info;
};

static void tell(struct found *f, struct pin_handle *pin,
		 unsigned long pfn, const struct pin_span *span)
{
	f->pin = pin_get(pin);
	strscpy(f->info.pinner, pin->pinner->name, sizeof(f->info.pinner));
	f->info.class = pin->pinner->class;
	strscpy(f->info.why, pin->why, sizeof(f->info.why));
	f->info.first_pfn = pfn;
	f->info.first = span->first;
	f->info.nr = span->nr;
	f->info.total = pin->nr;
	f->info.age_ns = ktime_get_mono_fast_ns() - pin->since;
	f->info.tgid = pin->tgid;
	f->info.flags = pin->flags;
	f->info.user = pin->user;
}

/* Return: the number of runs of pages found, up to @room. */
static unsigned long fill(struct pin_bucket *b, unsigned long first,
			  unsigned long last, struct found *found,
			  unsigned long room)
{
	struct pin_link *link;
	unsigned long n = 0, pfn;
	struct pin_span run;

	spin_lock(&b->lock);
	for (pfn = first; pfn <= last && n < room; pfn++) {
		for (link = index_links(b, pfn); link && n < room;
		     link = index_next(link)) {
			if (index_starting(link))
				continue;
			run = index_run(link, pfn, first, last);
			if (run.nr)
				tell(&found[n++], link->pin, pfn, &run);
		}
	}
	spin_unlock(&b->lock);
	return n;
}

static void put_found(struct found *found, unsigned long n)
{
	while (n-- > 0)
		pin_put(found[n].pin);
	kvfree(found);
}

/* What is pinned in a bucket now. Return: the number, or -ENOMEM. */
static long collect(struct pin_bucket *b, unsigned long first,
		    unsigned long last, struct found **found)
{
	unsigned long start = b->chunk << PIN_CHUNK_SHIFT;
	unsigned long room = READ_ONCE(b->nr) + 16, n;

	first = max(first, start);
	last = min(last, start + PIN_CHUNK_PAGES - 1);
	for (;;) {
		*found = kvmalloc_array(room, sizeof(**found), GFP_KERNEL);
		if (!*found)
			return -ENOMEM;
		n = fill(b, first, last, *found, room);
		if (n < room)
			return n;
		/* More came meanwhile. */
		put_found(*found, n);
		room *= 2;
	}
}

static int each_in_bucket(struct pin_bucket *b, unsigned long first,
			  unsigned long last,
			  int (*fn)(struct pin_handle *pin,
				    const struct pin_info *info, void *arg),
			  void *arg)
{
	struct found *found;
	long n, i;
	int ret = 0;

	n = collect(b, first, last, &found);
	if (n < 0)
		return n;
	for (i = 0; i < n; i++) {
		if (!ret)
			ret = fn(found[i].pin, &found[i].info, arg);
	}
	put_found(found, n);
	return ret;
}

/**
 * pin_for_each() - look at all pins on some pages
 * @first_pfn: first page
 * @last_pfn: last page; the whole of memory is 0 to ULONG_MAX
 * @fn: called for each pin, and for each chunk of 2 MiB and contiguous part of it
 *	again, with @info about that part. May sleep; a value other than 0 ends the
 *	walk
 * @arg: for @fn
 *
 * Pins that come or go meanwhile may be missing or be told.
 *
 * Context: Process context, may sleep.
 * Return: what @fn returned last, or -ENOMEM.
 */
int pin_for_each(unsigned long first_pfn, unsigned long last_pfn,
		 int (*fn)(struct pin_handle *pin, const struct pin_info *info,
			   void *arg), void *arg)
{
	unsigned long chunk = first_pfn >> PIN_CHUNK_SHIFT;
	struct pin_bucket *b;
	int ret;

	ret = lazy_look(GFP_KERNEL);
	while (!ret && chunk <= last_pfn >> PIN_CHUNK_SHIFT) {
		b = index_bucket_after(chunk);
		if (!b)
			break;
		chunk = b->chunk;
		if (chunk <= last_pfn >> PIN_CHUNK_SHIFT)
			ret = each_in_bucket(b, first_pfn, last_pfn, fn, arg);
		index_bucket_put(b);
		chunk++;
		cond_resched();
	}
	return ret;
}
EXPORT_SYMBOL_GPL(pin_for_each);
