// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>

#include "pf.h"

#define STEPS	8

/*
 * pf islands FILE STRIDE COUNT: touch one page in each stride, far from each other,
 * and say what a populate costs as their number grows.
 */
COMMAND(islands)
{
	size_t stride = parse_size(argv[1]), count = parse_size(argv[2]);
	uint64_t events = stat_get("populate_events"), new_events;
	uint64_t ns = stat_get("populate_time_ns"), new_ns;
	int fd = xopen(argv[0], O_RDWR);
	char *map = map_shared(fd, count * stride);
	size_t step, i = 0;

	/* A huge page would be zeroed for each. */
	CHECK(!madvise(map, count * stride, MADV_NOHUGEPAGE), "madvise");
	for (step = 1; step <= STEPS; step++) {
		for (; i < count * step / STEPS; i++)
			fill(map + i * stride, PAGE, i, 0);
		new_events = stat_get("populate_events");
		new_ns = stat_get("populate_time_ns");
		CHECK(new_events > events, "nothing was populated");
		note("%6zu islands: %llu spans, %llu us for each of the last %llu populates",
		     i, (unsigned long long)stat_get("spans"),
		     (unsigned long long)((new_ns - ns) / 1000 /
					  (new_events - events)),
		     (unsigned long long)(new_events - events));
		events = new_events;
		ns = new_ns;
	}
	return 0;
}

/* pf islands_verify FILE STRIDE COUNT: by read(2), and every 16th by mapping */
COMMAND(islands_verify)
{
	size_t stride = parse_size(argv[1]), count = parse_size(argv[2]), i;
	int fd = xopen(argv[0], O_RDONLY);
	char *map = xmmap(count * stride, PROT_READ, MAP_SHARED, fd, 0);
	char *buf = xalloc(PAGE);

	CHECK(!madvise(map, count * stride, MADV_NOHUGEPAGE), "madvise");
	for (i = 0; i < count; i++) {
		xread(fd, buf, PAGE, i * stride);
		verify(buf, PAGE, i, 0, "island, by read");
		if (!(i % 16))
			verify(map + i * stride, PAGE, i, 0, "island, mapped");
	}
	return 0;
}
