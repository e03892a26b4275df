// SPDX-License-Identifier: GPL-2.0
/* Each allocation of each request fails once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pin.h"

#define LEN	(64 * PAGE)
#define MOST	2000	/* allocations of one request */

/* What the requests need. */
static struct {
	int dev, store, pages, nth;
	char *map, *dax;
	uint64_t blocks[2], pfns[8];
} env;

static int unpin_after(int err, uint32_t id)
{
	if (!err)
		dev_unpin(env.dev, id);
	return err;
}

static int try_pin_map(void)
{
	uint32_t id;
	int err = dev_try_pin(env.dev, PF_USER, (uintptr_t)env.map, LEN,
			      PF_WRITE, &id);

	return unpin_after(err, id);
}

static int try_pin_dax(void)
{
	uint32_t id;
	int err = dev_try_pin(env.dev, PF_USER, (uintptr_t)env.dax, LEN,
			      PF_WRITE, &id);

	return unpin_after(err, id);
}

static int try_pin_block(void)
{
	uint32_t id;
	int err = dev_try_pin(env.dev, PF_PAGES, env.blocks[0], 16, PF_WRITE,
			      &id);

	return unpin_after(err, id);
}

static int try_pin_scattered(void)
{
	uint32_t id;
	int err = dev_try_pin(env.dev, PF_ARRAY, (uintptr_t)env.pfns, 8,
			      PF_WRITE, &id);

	return unpin_after(err, id);
}

static int try_move_block(void)
{
	static unsigned int place;
	int err = dev_move(env.dev, env.blocks[place], 4);

	place ^= !err;
	return err;
}

/* The new pin is not in the index until somebody moves something. */
static int try_pin_and_move(void)
{
	uint32_t id;
	int err, moved;

	err = dev_try_pin(env.dev, PF_USER, (uintptr_t)env.map, LEN, PF_WRITE,
			  &id);
	if (err)
		return err;
	moved = try_move_block();
	dev_unpin(env.dev, id);
	return moved;
}

static int try_move_page(void)
{
	int err;

	store_where(env.pages, env.pfns, 8);
	err = dev_move(env.dev, env.pfns[0], 1);
	store_where(env.pages, env.pfns, 8);
	return err;
}

static int try_revoke(void)
{
	return dev_revoke(env.dev, env.blocks[0] + 100, 4);
}

static int try_setup(void)
{
	struct pf_setup s = { .name = "fail-setup" };
	int dev, err = dev_try_open(&s, &dev);

	if (!err)
		close(dev);
	return err;
}

static const struct {
	const char *name;
	int (*act)(void);
} requests[] = {
	{ "pin of memory", try_pin_map },
	{ "pin of a DAX file", try_pin_dax },
	{ "pin of pages", try_pin_block },
	{ "pin of scattered pages", try_pin_scattered },
	{ "move of pages", try_move_block },
	{ "pin and move", try_pin_and_move },
	{ "move of a page", try_move_page },
	{ "revoke", try_revoke },
	{ "registering", try_setup },
};

static void set_nth(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n);
	xwrite(env.nth, text, strlen(text), 0);
}

/* Return: true if the failure that was asked for has happened. */
static bool has_failed(void)
{
	char text[16] = "";

	CHECK(pread(env.nth, text, sizeof(text) - 1, 0) > 0, "fail-nth");
	return !atoi(text);
}

static void fail_each(const char *name, int (*act)(void))
{
	int n, err, errors = 0;
	bool failed;

	CHECK_EQ(act(), 0, name);
	for (n = 1; n < MOST; n++) {
		set_nth(n);
		err = act();
		failed = has_failed();
		set_nth(0);
		/* What can do without goes on. */
		CHECK(!err || err == -ENOMEM || err == -EAGAIN,
		      "%s, allocation %d: %s", name, n, strerror(-err));
		errors += !!err;
		CHECK_EQ(act(), 0, name);
		if (!failed)
			break;
	}
	CHECK(n < MOST, "%s: no end", name);
	note("%s: %d allocations, %d errors", name, n - 1, errors);
}

/* pf pin fail FILE: on DAX; on a kernel with fault injection */
PIN_TEST(fail)
{
	int fd = xcreate(path, LEN);
	uint32_t nested, inner;
	size_t i;
	int dev;

	env.nth = xopen("/proc/thread-self/fail-nth", O_RDWR);
	env.dev = dev_open("fail", "quiet", PIN_DEVICE_IO, 0);
	env.map = xalloc(LEN);
	env.dax = map_shared(fd, LEN);
	paint(env.map, LEN, 1);
	paint(env.dax, LEN, 1);
	env.store = store_make(PF_STORE_BLOCKS, 2, 61);
	env.pages = store_make(PF_STORE_PAGES, 8, 62);
	store_where(env.store, env.blocks, 2);
	store_where(env.pages, env.pfns, 8);
	nested = dev_pin_pfns(env.dev, env.blocks[0], 8);
	dev = dev_open("fail-inner", "quiet", PIN_DEVICE_IO, 1);
	inner = dev_pin_pfns(dev, env.blocks[0] + 1, 2);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		fail_each(requests[i].name, requests[i].act);
	dev_check(env.dev, nested, 8, "after all failures");
	dev_check(dev, inner, 2, "after all failures");
	close(dev);
	CHECK_EQ(pinned_pages(), 0, "pinned at the end");
	store_check(env.store, "after all failures");
	store_check(env.pages, "after all failures");
	close(env.dev);
	close(env.store);
	close(env.pages);
	munmap(env.dax, LEN);
	close(fd);
	unlink(path);
}
