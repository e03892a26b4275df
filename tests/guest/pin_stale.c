// SPDX-License-Identifier: GPL-2.0
/*
 * Pages leave a process's memory after they were looked up for a pin, and before the
 * pin is known: the pin gets those that came instead.
 */
#include <pthread.h>
#include <string.h>

#include "pin.h"

#define PAGES	16UL
#define LEN	(PAGES * PAGE)

/**
 * struct stale - memory that is pinned in another thread
 * @dev: the device
 * @map: the memory
 * @id: area
 */
struct stale {
	int dev;
	char *map;
	uint32_t id;
};

static void *pin_it(void *p)
{
	struct stale *s = p;

	s->id = dev_pin(s->dev, s->map, LEN);
	return NULL;
}

/* Other pages than before, which are still somebody's. */
static void change(char *map)
{
	CHECK(!madvise(map, LEN, MADV_DONTNEED), "madvise");
	paint(map, LEN, 62);
}

static void check_current(struct stale *s, const char *what)
{
	size_t i;

	WAIT_FOR(dev_report(s->dev, s->id).present == PAGES, what);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(dev_pfn(s->dev, s->id, i), pfn_of(s->map + i * PAGE), what);
	check_paint(s->map, LEN, 62, what);
	note("%s: the pin has the pages that came instead", what);
}

static void while_pinned(struct stale *s)
{
	pthread_t thread;

	hold_next("pin");
	CHECK(!pthread_create(&thread, NULL, pin_it, s), "thread");
	hold_wait("a pin is made");
	change(s->map);
	hold_end("a pin is made");
	pthread_join(thread, NULL);
	check_current(s, "changed while a pin is made");
}

static void while_followed(struct stale *s)
{
	hold_next("follow");
	CHECK(move_to(s->map, PAGES, 0) + move_to(s->map, PAGES, 1) > 0,
	      "no page moved");
	hold_wait("a pin follows");
	change(s->map);
	hold_end("a pin follows");
	check_current(s, "changed while a pin follows");
}

/* pf pin stale -: pages change between look-up and pin */
PIN_TEST(stale)
{
	struct stale s = {
		.dev = dev_open("stale", "quiet", PIN_DEVICE_IO, 2),
		.map = xalloc(LEN),
	};

	(void)path;
	paint(s.map, LEN, 61);
	while_pinned(&s);
	while_followed(&s);
	dev_unpin(s.dev, s.id);
	munmap(s.map, LEN);
	close(s.dev);
	CHECK_EQ(pinned_pages(), 0, "pinned at the end");
}
