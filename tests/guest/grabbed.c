// SPDX-License-Identifier: GPL-2.0
/*
 * pf grabbed FILE DEVICE: a trim has found a page unused, and only then somebody takes a
 * reference (pf_grab.ko). The page's entry stays, by which truncate finds the
 * reference; and where a page has none any more, its struct page does. So does one that
 * is asked for when the trim has seen that no file has it.
 */
#include <fcntl.h>
#include <linux/pinfold.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pf.h"

#define GRAB	"/sys/module/pf_grab/parameters/pfn"
#define STATE	"/sys/module/pf_grab/parameters/state"
#define LOOKUP	"/sys/module/pf_grab/parameters/lookup"
#define SEED	0x96abbed
#define LEN	(4 * CHUNK)
/* The chunks at the ends of the disk always have struct pages. */
#define AT	(2 * CHUNK)

static void trim_with(const char *device, uint32_t flags)
{
	struct pinfold_trim trim = { .flags = flags };
	int fd = xopen(device, O_RDONLY);

	CHECK(!ioctl(fd, PINFOLD_IOC_TRIM, &trim), "trim");
	close(fd);
}

static void trim_all(const char *device)
{
	trim_with(device, PINFOLD_TRIM_MAPPED);
}

static void set(const char *param, uint64_t pfn)
{
	int fd = xopen(param, O_WRONLY), len;

	len = dprintf(fd, "%llu", (unsigned long long)pfn);
	CHECK(len > 0, "%s", param);
	close(fd);
}

static void expect(const char *param, const char *state)
{
	char text[16] = "";
	int fd = xopen(param, O_RDONLY);

	CHECK(read(fd, text, sizeof(text) - 1) > 0, "%s", param);
	close(fd);
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, state))
		die("%s: %s, not %s", param, text, state);
}

/* A page of the mapped file, or its neighbour, which no file has in its entries. */
static void trim_against(const char *device, uint64_t pfn, const char *state)
{
	uint64_t before = stat_get("populated_bytes");

	set(GRAB, pfn);
	trim_all(device);
	/* First: without its struct page it has no state. */
	CHECK_EQ(stat_get("populated_bytes"), before,
		 "struct pages below a page in use");
	expect(STATE, state);
	set(GRAB, 0);
	expect(STATE, "none");
}

/* A page of a file that nobody maps, so that one walk is all there is. */
static void trim_against_lookup(const char *device, uint64_t pfn)
{
	uint64_t before = stat_get("populated_bytes");

	set(LOOKUP, pfn);
	expect(LOOKUP, "waiting");
	trim_with(device, 0);
	CHECK_EQ(stat_get("populated_bytes"), before,
		 "struct pages below a page that was handed out");
	expect(LOOKUP, "found");
	set(LOOKUP, 0);
}

COMMAND(grabbed)
{
	int fd = xopen(argv[0], O_RDWR | O_CREAT | O_TRUNC);
	uint64_t populated, pfn;
	char *map;

	write_pattern(fd, LEN, SEED);
	trim_all(argv[1]);
	populated = stat_get("populated_bytes");
	/* Too small a mapping for a huge page. */
	map = xmmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, AT);
	CHECK_EQ(probe_write(map, NULL), 0, "touch");
	pfn = pfn_of(map);
	CHECK(pfn, "pfn");
	trim_against(argv[1], pfn, "entry");
	verify(map, PAGE, SEED, AT, "after the first trim");
	CHECK_EQ(pfn_of(map), pfn, "pfn");
	trim_against(argv[1], pfn ^ 1, "free");
	trim_all(argv[1]);
	CHECK_EQ(stat_get("populated_bytes"), populated, "populated");
	verify(map, PAGE, SEED, AT, "in the end");
	pfn = pfn_of(map);
	CHECK(pfn, "pfn");
	munmap(map, PAGE);
	trim_against_lookup(argv[1], pfn);
	trim_all(argv[1]);
	CHECK_EQ(stat_get("populated_bytes"), populated, "populated");
	close(fd);
	note("grabbed: ok");
	return 0;
}
