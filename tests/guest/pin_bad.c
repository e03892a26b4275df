// SPDX-License-Identifier: GPL-2.0
/* Requests that make no sense, and what each class of pins has to put up with. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pin.h"

static int setup_error(const char *name, unsigned int class,
		       unsigned int timeout, bool no_ops)
{
	struct pf_setup setup = {
		.class = class,
		.timeout_ms = timeout,
		.no_ops = no_ops,
	};
	int dev, err;

	snprintf(setup.name, sizeof(setup.name), "%s", name);
	err = dev_try_open(&setup, &dev);
	if (!err)
		close(dev);
	return err;
}

static void bad_pinners(void)
{
	int dev = dev_open("taken", "quiet", PIN_DEVICE_IO, 0);

	CHECK_EQ(setup_error("taken", PIN_MLOCK, 0, false), -EEXIST, "same name");
	CHECK_EQ(setup_error("", PIN_MLOCK, 0, false), -EINVAL, "no name");
	CHECK_EQ(setup_error("a-name-of-more-than-thirty-one-characters",
			     PIN_MLOCK, 0, false), -EINVAL, "long name");
	CHECK_EQ(setup_error("two words", PIN_MLOCK, 0, false), -EINVAL, "blank");
	CHECK_EQ(setup_error("a=b", PIN_MLOCK, 0, false), -EINVAL, "key");
	CHECK_EQ(setup_error("two\nlines", PIN_MLOCK, 0, false), -EINVAL, "newline");
	CHECK_EQ(setup_error("class", 7, 0, false), -EINVAL, "unknown class");
	CHECK_EQ(setup_error("class", 1u << 31, 0, false), -EINVAL,
		 "negative class");
	CHECK_EQ(setup_error("timeout", PIN_MLOCK, 1u << 30, false), -EINVAL,
		 "long timeout");
	CHECK_EQ(setup_error("ops", PIN_MLOCK, 0, true), -EINVAL, "no callbacks");
	close(dev);
	CHECK_EQ(setup_error("taken", PIN_MLOCK, 0, false), 0, "name given back");
}

static int pin_error(int dev, uint64_t addr, uint64_t len, unsigned int flags)
{
	return dev_try_pin(dev, PF_USER, addr, len, flags, NULL);
}

static void bad_ranges(int dev)
{
	char *map = xalloc(8 * PAGE);
	uint64_t a = (uintptr_t)map;

	paint(map, 8 * PAGE, 1);
	CHECK_EQ(pin_error(dev, a, 0, PF_WRITE), -EINVAL, "empty");
	CHECK_EQ(pin_error(dev, a + 8, PAGE, PF_WRITE), -EINVAL, "unaligned start");
	CHECK_EQ(pin_error(dev, a, PAGE + 8, PF_WRITE), -EINVAL, "unaligned length");
	CHECK_EQ(pin_error(dev, a, -PAGE, PF_WRITE), -EINVAL, "overflowing");
	CHECK_EQ(pin_error(dev, -PAGE, PAGE, PF_WRITE), -EINVAL, "kernel address");
	CHECK_EQ(pin_error(dev, -PAGE, 2 * PAGE, PF_WRITE), -EINVAL, "round the end");
	CHECK_EQ(pin_error(dev, a, PAGE, 1u << 7), -EINVAL, "unknown flag");
	munmap(map + 4 * PAGE, PAGE);
	CHECK_EQ(pin_error(dev, a, 8 * PAGE, PF_WRITE), -EFAULT, "hole in the middle");
	CHECK_EQ(pin_error(dev, a + 4 * PAGE, PAGE, PF_WRITE), -EFAULT, "unmapped");
	CHECK(!mprotect(map + 2 * PAGE, PAGE, PROT_READ), "mprotect");
	CHECK_EQ(pin_error(dev, a, 4 * PAGE, PF_WRITE), -EFAULT,
		 "read-only, for writing");
	CHECK(!mprotect(map + 2 * PAGE, PAGE, PROT_NONE), "mprotect");
	CHECK_EQ(pin_error(dev, a, 4 * PAGE, 0), -EFAULT, "inaccessible");
	CHECK_EQ(pinned_pages(), 0, "pinned by what failed");
	munmap(map, 8 * PAGE);
}

static int map_error(int dev, uint32_t id, bool writes)
{
	struct pf_map map = { .id = id, .writes = writes };

	return dev_ioctl(dev, PF_MAP, &map);
}

/* What pin_map_sgt() refuses to map for a device. */
static void bad_maps(int dev)
{
	struct pf_where where = { .nr = 1, .timeout_ms = 10000 };
	char *map = xalloc(4 * PAGE);
	uint32_t id;

	paint(map, 4 * PAGE, 1);
	CHECK_EQ(dev_try_pin(dev, PF_USER, (uintptr_t)map, 4 * PAGE, 0, &id), 0,
		 "pin for reading");
	CHECK_EQ(map_error(dev, id, false), 0, "map for reading");
	CHECK_EQ(map_error(dev, id, true), -EACCES,
		 "map for writing what is pinned for reading");
	where.pfn = pfn_of(map + 2 * PAGE);
	CHECK(where.pfn, "pfn");
	CHECK_EQ(dev_ioctl(dev, PF_REVOKE_PAGES, &where), 0, "revoke");
	CHECK_EQ(map_error(dev, id, false), -ENXIO, "map what was revoked");
	dev_unpin(dev, id);
	CHECK_EQ(pinned_pages(), 0, "pinned after that");
	munmap(map, 4 * PAGE);
}

static void bad_files(int dev, const char *path)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	char *map;

	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "map of the program");
	CHECK_EQ(pin_error(dev, (uintptr_t)map, PAGE, PF_WRITE), -EFAULT,
		 "read-only file, for writing");
	munmap(map, PAGE);
	close(fd);

	/* A DAX file and memory, side by side. */
	fd = xcreate(path, 4 * PAGE);
	map = xalloc(8 * PAGE);
	CHECK(mmap(map, 4 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, fd, 0) == map, "map");
	paint(map, 8 * PAGE, 1);
	CHECK_EQ(pin_error(dev, (uintptr_t)map, 8 * PAGE, PF_WRITE), -EOPNOTSUPP,
		 "DAX and memory in one pin");
	CHECK_EQ(pin_error(dev, (uintptr_t)map, 5 * PAGE, PF_WRITE), -EOPNOTSUPP,
		 "DAX and a little memory in one pin");
	munmap(map, 8 * PAGE);
	close(fd);
	unlink(path);
	CHECK_EQ(pinned_pages(), 0, "pinned by what failed");
}

static void bad_pages(int dev)
{
	int store = store_make(PF_STORE_BLOCKS, 2, 1);
	uint64_t b[2], other;
	char *map = xalloc(PAGE);
	uint32_t id;

	*map = 1;
	store_where(store, b, 2);
	CHECK_EQ(dev_try_pin(dev, PF_PAGES, b[0], 0, 0, NULL), -EINVAL, "no page");
	CHECK_EQ(dev_try_pin(dev, PF_PAGES, b[0], -1, 0, NULL), -EINVAL,
		 "too many pages");
	CHECK_EQ(dev_try_pin(dev, PF_PAGES, pfn_of(map), 1, 0, NULL), -ENXIO,
		 "page that did not join");
	if (b[1] != b[0] + 512)
		CHECK_EQ(dev_try_pin(dev, PF_PAGES, b[0] + 500, 20, 0, NULL),
			 -ENXIO, "pages that joined and others");
	other = pfn_of(map);
	CHECK_EQ(dev_try_pin(dev, PF_ARRAY, (uintptr_t)&other, 1, 0, NULL),
		 -ENXIO, "array of a page that did not join");
	CHECK_EQ(dev_move(dev, pfn_of(map), 1), -ENXIO, "move of others");
	CHECK_EQ(dev_move(dev, b[0], 0), -EINVAL, "move of nothing");
	CHECK_EQ(dev_move(dev, b[0] + 511, 2), -EINVAL, "move across chunks");
	CHECK_EQ(dev_move(dev, b[1], 1), -EBUSY, "move of what is not there");
	CHECK_EQ(dev_revoke(dev, b[0], 0), -EINVAL, "revoke of nothing");
	CHECK_EQ(dev_revoke(dev, b[0], -b[0]), -EINVAL, "revoke of too much");
	CHECK_EQ(dev_revoke(dev, b[0], 512), 0, "revoke where nobody pins");
	id = dev_pin_pfns(dev, b[0], 1);
	CHECK_EQ(dev_ioctl(dev, PF_UNREGISTER, (void *)50), -EBUSY,
		 "unregister with pins");
	dev_unpin(dev, id);
	munmap(map, PAGE);
	close(store);
}

static void bad_ends(int dev)
{
	int thief = dev_open("thief", "quiet", PIN_DEVICE_IO, 1);
	int nobody = xopen(PF_PINDEV, O_RDWR);
	struct pf_unpin steal = { .victim = dev };
	struct pf_unpin twice = { .victim = -1, .again = 1 };
	char *map = xalloc(PAGE);

	CHECK_EQ(pin_error(nobody, (uintptr_t)map, PAGE, PF_WRITE), -EINVAL,
		 "pin without a pinner");
	steal.id = dev_pin(dev, map, PAGE);
	CHECK_EQ(dev_ioctl(thief, PF_UNPIN, &steal), -EPERM, "unpin by another");
	CHECK_EQ(dev_ioctl(thief, PF_UNPIN, &steal), -EPERM, "and once more");
	CHECK_EQ(dev_ioctl(nobody, PF_UNPIN, &steal), -EINVAL, "unpin by nobody");
	dev_check(dev, steal.id, 1, "after attempts to unpin");
	twice.id = steal.id;
	CHECK_EQ(dev_ioctl(dev, PF_UNPIN, &twice), -EALREADY, "double unpin");
	CHECK_EQ(dev_try_unpin(dev, 12345), -EINVAL, "unpin of no pin");
	CHECK_EQ(dev_ioctl(dev, PF_UNREGISTER, 0), 0, "unregister");
	CHECK_EQ(pin_error(dev, (uintptr_t)map, PAGE, PF_WRITE), -EINVAL,
		 "pin after unregister");
	CHECK_EQ(pinned_pages(), 0, "pinned at the end");
	munmap(map, PAGE);
	close(nobody);
	close(thief);
}

/* pf pin bad FILE: bad requests; FILE is on DAX */
PIN_TEST(bad)
{
	int dev = dev_open("bad", "quiet", PIN_DEVICE_IO, 0);

	bad_pinners();
	bad_ranges(dev);
	bad_maps(dev);
	bad_files(dev, path);
	bad_pages(dev);
	bad_ends(dev);
	close(dev);
}

/**
 * struct class - what the documentation promises to a class of pins
 * @name: as statistics show it
 * @may_move: is asked when its pages are to move
 * @may_revoke: may lose them for other reasons than the end of a mapping
 */
struct class {
	const char *name;
	bool may_move;
	bool may_revoke;
};

static const struct class classes[] = {
	[PIN_MLOCK] = { "mlock", true, false },
	[PIN_RECLAIM] = { "reclaim", true, true },
	[PIN_DEVICE_IO] = { "device-io", true, true },
	[PIN_LOW_LATENCY] = { "low-latency", false, false },
	[PIN_MIGRATION] = { "migration", false, false },
	[PIN_PERF] = { "perf", false, false },
	[PIN_CROSS_SYSTEM] = { "cross-system", true, true },
};

/* The class as the registry shows it for a pinner. */
static void check_shown(const char *pinner, const char *class)
{
	FILE *f = fopen("/sys/kernel/debug/pin_registry/statistics", "r");
	char line[1024], want[128];
	bool found = false;

	CHECK(f, "statistics");
	snprintf(want, sizeof(want), "pinner=%s class=%s pins=1 pages=4 ",
		 pinner, class);
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, want, strlen(want));
	fclose(f);
	CHECK(found, "no line '%s' in the statistics", want);
}

static void check_move(const struct class *c, int dev, uint32_t id,
		       uint64_t pfn)
{
	struct pf_report r;
	int err = dev_move(dev, pfn, 4);

	CHECK_EQ(err, c->may_move ? 0 : -EBUSY, c->name);
	r = dev_report(dev, id);
	CHECK_EQ(r.calls[PF_PREPARE], c->may_move, "asked before a move");
	CHECK_EQ(r.calls[PF_COMMIT], c->may_move, "told of a move");
	CHECK_EQ(dev_pfn(dev, id, 0) != pfn, c->may_move, "place");
}

static void check_revoke(const struct class *c, int dev, uint32_t id)
{
	struct pf_report r;
	int err = dev_revoke(dev, dev_pfn(dev, id, 0), 4);

	CHECK_EQ(err, c->may_revoke ? 0 : -EPERM, c->name);
	r = dev_report(dev, id);
	CHECK_EQ(r.present, c->may_revoke ? 0 : 4, "pages left");
	CHECK_EQ(r.why[PIN_REVOKE_ASKED], c->may_revoke ? 4 : 0, "pages revoked");
	CHECK_EQ(r.misuse, 0, c->name);
}

/* Whatever the class, a pin ends with its mapping. */
static void check_unmap(const struct class *c, int dev)
{
	char *map = xalloc(4 * PAGE);
	uint32_t id = dev_pin(dev, map, 4 * PAGE);
	struct pf_report r;

	munmap(map, 4 * PAGE);
	r = dev_report(dev, id);
	CHECK_EQ(r.present, 0, c->name);
	CHECK_EQ(r.why[PIN_REVOKE_UNMAP], 4, c->name);
	dev_unpin(dev, id);
}

static void check_class(const struct class *c)
{
	int store = store_make(PF_STORE_BLOCKS, 2, 1);
	int dev = dev_open(c->name, "quiet", c - classes, 0);
	uint64_t b[2];
	uint32_t id;

	store_where(store, b, 2);
	id = dev_pin_pfns(dev, b[0] + 8, 4);
	check_shown(c->name, c->name);
	check_move(c, dev, id, b[0] + 8);
	check_revoke(c, dev, id);
	dev_unpin(dev, id);
	check_unmap(c, dev);
	close(dev);
	store_check(store, c->name);
	close(store);
	note("class %s: ok", c->name);
}

/* pf pin classes NAME: one class, or all with "-" */
PIN_TEST(classes)
{
	bool any = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		if (strcmp(path, "-") && strcmp(path, classes[i].name))
			continue;
		check_class(&classes[i]);
		any = true;
	}
	CHECK(any, "no class %s", path);
}
