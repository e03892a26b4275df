/* SPDX-License-Identifier: GPL-2.0 */
/* Pins: what the tests of the pin registry share. */
#ifndef _PF_GUEST_PIN_H
#define _PF_GUEST_PIN_H

#include <linux/pin_registry.h>
#include <time.h>
#include <unistd.h>

#include "../modules/pf_pin.h"
#include "pf.h"

/* Until it is true, or something is wrong: a minute is long even under emulation. */
#define WAIT_FOR(cond, what)						\
	do {								\
		time_t _end = time(NULL) + 60;				\
									\
		while (!(cond)) {					\
			if (time(NULL) > _end)				\
				die("%s: waited in vain for %s", what, #cond); \
			usleep(2000);					\
		}							\
	} while (0)

/*
 * A device and its behaviour, by a name: quiet, atomic, general, refusing, slow,
 * hanging, nonsense.
 */
int dev_open(const char *name, const char *kind, unsigned int class,
	     unsigned int slot);
int dev_try_open(const struct pf_setup *setup, int *dev);
void dev_behave(int dev, const char *kind);
void dev_hang(int dev, unsigned int ops);
/* These return 0 or -errno. */
int dev_try_pin(int dev, enum pf_kind kind, uint64_t addr, uint64_t len,
		unsigned int flags, uint32_t *id);
int dev_try_unpin(int dev, uint32_t id);
int dev_move(int dev, uint64_t pfn, uint64_t nr);
int dev_revoke(int dev, uint64_t pfn, uint64_t nr);
int dev_ioctl(int dev, unsigned long cmd, void *arg);
/* These die on an error. */
uint32_t dev_pin(int dev, void *addr, size_t len);
uint32_t dev_pin_pfns(int dev, uint64_t pfn, uint64_t nr);
void dev_unpin(int dev, uint32_t id);
void dev_run(int dev, bool run);
struct pf_report dev_report(int dev, uint32_t id);
uint64_t dev_pfn(int dev, uint32_t id, uint64_t page);
/* The engine goes round all pages of the area at least once more. */
void dev_round(int dev, uint32_t id);
/* All callbacks since the last time. */
size_t dev_events(int dev, struct pf_event *events, size_t max);
/* Nothing went wrong, all pages are there. */
void dev_check(int dev, uint32_t id, size_t pages, const char *what);

/* The process's own part of pages in which devices have slots. */
void paint(void *map, size_t len, uint64_t seed);
void check_paint(const void *map, size_t len, uint64_t seed, const char *what);
/* The process sees what the device, which has stopped, wrote. */
void check_slots(int dev, uint32_t id, const void *map, size_t len,
		 unsigned int slot, const char *what);

int store_make(enum pf_store_kind kind, uint64_t nr, uint64_t seed);
struct pf_store_state store_check(int store, const char *what);
void store_where(int store, uint64_t *pfns, uint64_t nr);

/* Ask for all pages to be on a node; returns how many are. */
size_t move_to(char *map, size_t pages, int node);

/* VmPin of this process, in pages. */
long pinned_pages(void);
/* New memory comes from a node, also what the kernel allocates for us. */
void prefer_node(int node);
void write_file(const char *path, const char *text);
int try_write_file(const char *path, const char *text);
/* PF_PIN_SCALE of the environment, or 1: how much longer long tests take. */
unsigned long scale(void);

/* Tests: pf pin NAME PATH. */
#define PIN_TEST(_name) void pin_##_name(const char *path)
PIN_TEST(kinds);
PIN_TEST(dax);
PIN_TEST(ends);
PIN_TEST(dax_ends);
PIN_TEST(dax_move);
PIN_TEST(limit);
PIN_TEST(truncate);
PIN_TEST(fsync);
PIN_TEST(migrate);
PIN_TEST(relocate);
PIN_TEST(store);
PIN_TEST(compact);
PIN_TEST(contig);
PIN_TEST(offline);
PIN_TEST(offline_user);
PIN_TEST(nested);
PIN_TEST(stale);
PIN_TEST(late);
PIN_TEST(bad);
PIN_TEST(classes);
PIN_TEST(fail);
PIN_TEST(race_kernel);
PIN_TEST(race_user);
PIN_TEST(many);
PIN_TEST(after_exec);

#endif /* _PF_GUEST_PIN_H */
