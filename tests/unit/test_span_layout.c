// SPDX-License-Identifier: GPL-2.0
/*
 * Which chunks get struct pages together (fs/dax/span_layout.c): invariants over
 * random windows, and the growth that the documentation promises.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../fs/dax/span_layout.h"

#define SECTIONS	8
#define CHUNKS		((int)(SECTIONS * SPAN_SECTION_CHUNKS))

static unsigned int passed, failed;

static void check(int ok, const char *name)
{
	printf("%s %s\n", ok ? "ok" : "not ok", name);
	if (ok)
		passed++;
	else
		failed++;
}

static unsigned long long rnd_state;

static unsigned long long rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state;
}

/* A device as the driver sees it: span start and size of each chunk. */
static struct {
	int start[CHUNKS];
	int nr[CHUNKS];
	unsigned int chunks;
	unsigned int spans;
	unsigned int populated;
} dev;

static void dev_reset(unsigned int chunks)
{
	for (int i = 0; i < CHUNKS; i++)
		dev.nr[i] = 0;
	dev.chunks = chunks;
	dev.spans = 0;
	dev.populated = 0;
}

static struct span_window window(unsigned int chunk, unsigned int want,
				 unsigned int room)
{
	unsigned int base = chunk / SPAN_SECTION_CHUNKS * SPAN_SECTION_CHUNKS;
	struct span_window w = { .want = want, .room = room };

	w.target = chunk - base;
	for (unsigned int i = 0; i < SPAN_SECTION_CHUNKS; i++) {
		if (base + i < dev.chunks)
			w.usable |= 1ULL << i;
		if (dev.nr[base + i])
			w.populated |= 1ULL << i;
	}
	w.left = chunk ? dev.nr[chunk - 1] : 0;
	w.right = chunk + 1 < dev.chunks ? dev.nr[chunk + 1] : 0;
	return w;
}

/* Returns 0 if the choice breaks a rule. */
static int touch(unsigned int chunk, unsigned int want, unsigned int room)
{
	unsigned int base = chunk / SPAN_SECTION_CHUNKS * SPAN_SECTION_CHUNKS;
	struct span_window w;
	struct span_choice c;

	if (dev.nr[chunk])
		return 1;
	w = window(chunk, want, room);
	c = span_layout_choose(&w);
	if (!c.nr || c.nr & (c.nr - 1) || c.first % c.nr)
		return 0;
	if (c.first > w.target || c.first + c.nr <= w.target)
		return 0;
	if (c.first + c.nr > SPAN_SECTION_CHUNKS ||
	    base + c.first + c.nr > dev.chunks)
		return 0;
	if (c.nr > room && c.nr > 1)
		return 0;
	if (want && (c.first != w.target || c.nr > want))
		return 0;
	for (unsigned int i = 0; i < c.nr; i++) {
		if (dev.nr[base + c.first + i])
			return 0;
		dev.start[base + c.first + i] = base + c.first;
	}
	for (unsigned int i = 0; i < c.nr; i++)
		dev.nr[base + c.first + i] = c.nr;
	dev.spans++;
	dev.populated += c.nr;
	return 1;
}

static void test_random(void)
{
	int ok = 1;

	for (int run = 0; run < 2000 && ok; run++) {
		dev_reset(1 + rnd() % CHUNKS);
		for (int i = 0; i < 300 && ok; i++)
			ok = touch(rnd() % dev.chunks,
				   rnd() % 2 ? rnd() % 70 : 0, 1 + rnd() % 70);
	}
	check(ok, "span_layout: random touches keep every rule");
}

static void test_lone_touch(void)
{
	struct span_window w = { .usable = ~0ULL, .target = 17, .room = 64 };
	struct span_choice c = span_layout_choose(&w);

	check(c.first == 17 && c.nr == 1, "span_layout: a lone touch costs one chunk");
}

static void test_sequential(void)
{
	dev_reset(CHUNKS);
	for (int i = 0; i < CHUNKS; i++)
		touch(i, 0, 64);
	/* 1 1 2 4 8 16 32, then whole sections. */
	check(dev.spans == 7 + SECTIONS - 1,
	      "span_layout: a sequential walk ends in whole sections");
}

static void test_backward(void)
{
	dev_reset(CHUNKS);
	for (int i = CHUNKS - 1; i >= 0; i--)
		touch(i, 0, 64);
	check(dev.spans == 7 + SECTIONS - 1,
	      "span_layout: a backward walk grows alike");
}

static void test_random_walk_is_cheap(void)
{
	unsigned int spans = 0;
	int ok = 1;

	for (int run = 0; run < 100; run++) {
		dev_reset(SPAN_SECTION_CHUNKS);
		for (int i = 0; i < 1000; i++)
			ok &= touch(rnd() % SPAN_SECTION_CHUNKS, 0, 64);
		spans += dev.spans;
	}
	check(ok && spans / 100 <= SPAN_SECTION_CHUNKS / 4,
	      "span_layout: a section filled at random takes few spans");
}

/* At most half of what is populated was not asked for, in one section. */
static void test_overshoot(void)
{
	int ok = 1;

	for (int run = 0; run < 1000; run++) {
		unsigned long long asked = 0;

		dev_reset(SPAN_SECTION_CHUNKS);
		for (int i = 0; i < 20; i++) {
			unsigned int c = rnd() % SPAN_SECTION_CHUNKS;
			unsigned int before = dev.populated;

			if (dev.nr[c])
				continue;
			asked |= 1ULL << c;
			ok &= touch(c, 0, 64);
			ok &= dev.populated <= 3 * (before ? before : 1);
		}
		ok &= asked != 0;
	}
	check(ok, "span_layout: one touch at most triples a section");
}

static void test_prefault(void)
{
	dev_reset(CHUNKS);
	touch(0, CHUNKS, 64);
	check(dev.spans == 1 && dev.populated == 64,
	      "span_layout: prefault takes whole sections");
	dev_reset(CHUNKS);
	for (int i = 3; i < 3 + 5; i++)
		touch(i, 3 + 5 - i, 64);
	check(dev.populated == 5 && dev.spans == 2,
	      "span_layout: prefault takes what it is asked for");
}

static void test_budget(void)
{
	dev_reset(CHUNKS);
	touch(0, 64, 5);
	check(dev.populated == 4, "span_layout: the budget bounds a span");
}

int main(void)
{
	const char *seed = getenv("SEED");

	rnd_state = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15ULL;
	printf("# SEED=%llu\n", rnd_state);
	test_random();
	test_lone_touch();
	test_sequential();
	test_backward();
	test_random_walk_is_cheap();
	test_overshoot();
	test_prefault();
	test_budget();
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
