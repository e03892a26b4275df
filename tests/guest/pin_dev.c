// SPDX-License-Identifier: GPL-2.0
/* The test pinners' side: devices and stores. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "pin.h"

static const struct {
	const char *name;
	uint32_t flags;
	struct pf_behave how;
} kinds[] = {
	{ "quiet", 0, {} },
	{ "atomic", PF_DEV_ATOMIC, {} },
	{ "general", PF_DEV_GENERAL, {} },
	{ "refusing", 0, { .result = -EBUSY } },
	{ "slow", 0, { .delay_ms = 20 } },
	{ "hanging", 0, { .hang = 1 << PF_PREPARE } },
	{ "nonsense", 0, { .result = 12345 } },
};

static size_t find_kind(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return i;
	die("no kind of device called %s", name);
}

int dev_ioctl(int dev, unsigned long cmd, void *arg)
{
	return ioctl(dev, cmd, arg) < 0 ? -errno : 0;
}

int dev_try_open(const struct pf_setup *setup, int *dev)
{
	struct pf_setup s = *setup;
	int err;

	/* Where allocations fail, this one may. */
	*dev = open(PF_PINDEV, O_RDWR | O_CLOEXEC);
	if (*dev < 0)
		return -errno;
	err = dev_ioctl(*dev, PF_SETUP, &s);
	if (err)
		close(*dev);
	return err;
}

int dev_open(const char *name, const char *kind, unsigned int class,
	     unsigned int slot)
{
	struct pf_setup setup = {
		.class = class,
		.flags = kinds[find_kind(kind)].flags,
		.slot = slot,
	};
	int dev, err;

	snprintf(setup.name, sizeof(setup.name), "%s", name);
	err = dev_try_open(&setup, &dev);
	if (err)
		die("device %s: %s", name, strerror(-err));
	dev_behave(dev, kind);
	return dev;
}

void dev_behave(int dev, const char *kind)
{
	struct pf_behave how = kinds[find_kind(kind)].how;

	CHECK_EQ(dev_ioctl(dev, PF_BEHAVE, &how), 0, "PF_BEHAVE");
}

void dev_hang(int dev, unsigned int ops)
{
	struct pf_behave how = { .hang = ops };

	CHECK_EQ(dev_ioctl(dev, PF_BEHAVE, &how), 0, "PF_BEHAVE");
}

int dev_try_pin(int dev, enum pf_kind kind, uint64_t addr, uint64_t len,
		unsigned int flags, uint32_t *id)
{
	struct pf_area area = {
		.kind = kind,
		.addr = addr,
		.len = len,
		.flags = flags,
	};
	int err = dev_ioctl(dev, PF_PIN, &area);

	if (id)
		*id = area.id;
	return err;
}

uint32_t dev_pin(int dev, void *addr, size_t len)
{
	uint32_t id;
	int err = dev_try_pin(dev, PF_USER, (uintptr_t)addr, len, PF_WRITE,
			      &id);

	if (err)
		die("pin of %zu bytes: %s", len, strerror(-err));
	return id;
}

uint32_t dev_pin_pfns(int dev, uint64_t pfn, uint64_t nr)
{
	uint32_t id;
	int err = dev_try_pin(dev, PF_PAGES, pfn, nr, PF_WRITE, &id);

	if (err)
		die("pin of %llu pages: %s", (unsigned long long)nr,
		    strerror(-err));
	return id;
}

int dev_try_unpin(int dev, uint32_t id)
{
	struct pf_unpin u = { .id = id, .victim = -1 };

	return dev_ioctl(dev, PF_UNPIN, &u);
}

void dev_unpin(int dev, uint32_t id)
{
	CHECK_EQ(dev_try_unpin(dev, id), 0, "unpin");
}

int dev_move(int dev, uint64_t pfn, uint64_t nr)
{
	struct pf_where w = { .pfn = pfn, .nr = nr, .timeout_ms = 30000 };

	return dev_ioctl(dev, PF_MOVE, &w);
}

int dev_revoke(int dev, uint64_t pfn, uint64_t nr)
{
	struct pf_where w = { .pfn = pfn, .nr = nr, .timeout_ms = 30000 };

	return dev_ioctl(dev, PF_REVOKE_PAGES, &w);
}

void dev_run(int dev, bool run)
{
	if (ioctl(dev, PF_RUN, run))
		die("PF_RUN");
}

struct pf_report dev_report(int dev, uint32_t id)
{
	struct pf_report r = { .id = id };

	CHECK_EQ(dev_ioctl(dev, PF_REPORT, &r), 0, "report");
	return r;
}

uint64_t dev_pfn(int dev, uint32_t id, uint64_t page)
{
	uint64_t pfn;
	struct pf_pfns p = {
		.id = id,
		.first = page,
		.nr = 1,
		.pfns = (uintptr_t)&pfn,
	};

	CHECK_EQ(dev_ioctl(dev, PF_PFNS, &p), 0, "where a page is");
	return pfn;
}

void dev_round(int dev, uint32_t id)
{
	struct pf_report r = dev_report(dev, id);
	uint64_t want = r.writes + 2 * r.present;

	WAIT_FOR(dev_report(dev, id).writes >= want, "device at work");
}

size_t dev_events(int dev, struct pf_event *events, size_t max)
{
	ssize_t n = read(dev, events, max * sizeof(*events));

	CHECK(n >= 0, "events");
	return n / sizeof(*events);
}

void dev_check(int dev, uint32_t id, size_t pages, const char *what)
{
	struct pf_report r = dev_report(dev, id);

	CHECK_EQ(r.errors, 0, what);
	CHECK_EQ(r.misuse, 0, what);
	CHECK_EQ(r.present, pages, what);
}

void paint(void *map, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i += PAGE)
		fill((char *)map + i + PF_DATA_START, PAGE - PF_DATA_START,
		     seed, i);
}

void check_paint(const void *map, size_t len, uint64_t seed, const char *what)
{
	size_t i;

	for (i = 0; i < len; i += PAGE)
		verify((const char *)map + i + PF_DATA_START,
		       PAGE - PF_DATA_START, seed, i, what);
}

void check_slots(int dev, uint32_t id, const void *map, size_t len,
		 unsigned int slot, const char *what)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < len / PAGE; i++) {
		const struct pf_slot *s = (const void *)
			((const char *)map + i * PAGE + slot * PF_SLOT_SIZE);

		if (s->magic != PF_SLOT_MAGIC || s->id != id || s->page != i ||
		    s->check != pf_slot_check(s))
			die("%s: page %zu is not as the device left it", what,
			    i);
		sum += s->count;
	}
	CHECK_EQ(sum, dev_report(dev, id).sum, what);
}

int store_make(enum pf_store_kind kind, uint64_t nr, uint64_t seed)
{
	struct pf_store_make make = { .kind = kind, .nr = nr, .seed = seed };
	int store = xopen(PF_PINSTORE, O_RDWR);

	if (ioctl(store, PF_STORE_MAKE, &make))
		die("store of %llu", (unsigned long long)nr);
	return store;
}

struct pf_store_state store_check(int store, const char *what)
{
	struct pf_store_state state;

	if (ioctl(store, PF_STORE_CHECK, &state))
		die("%s: check of the store", what);
	CHECK_EQ(state.bad, 0, what);
	return state;
}

void store_where(int store, uint64_t *pfns, uint64_t nr)
{
	struct pf_store_pfns p = { .pfns = (uintptr_t)pfns, .nr = nr };

	if (ioctl(store, PF_STORE_WHERE, &p))
		die("where the store is");
}

long pinned_pages(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	CHECK(f, "status");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPin: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib / 4;
}

int try_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

void write_file(const char *path, const char *text)
{
	int err = try_write_file(path, text);

	if (err)
		die("%s to %s: %s", text, path, strerror(-err));
}

#define MPOL_PREFERRED	1

void prefer_node(int node)
{
	unsigned long mask = 1UL << node;

	CHECK(!syscall(SYS_set_mempolicy, MPOL_PREFERRED, &mask,
		       8 * sizeof(mask)), "set_mempolicy");
}

unsigned long scale(void)
{
	const char *text = getenv("PF_PIN_SCALE");

	return text ? strtoul(text, NULL, 0) : 1;
}
