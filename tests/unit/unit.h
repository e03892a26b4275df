/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of a test framework as the host tests need: named tests, checks that
 * end the test they are in, and repeatable random numbers.
 */
#ifndef _PINFOLD_UNIT_H
#define _PINFOLD_UNIT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

struct unit_test {
	const char *name;
	void (*fn)(void);
};

/* One of each, however many files a program has. */
#define UNIT_SHARED	__attribute__((weak))

UNIT_SHARED const char *unit_failure;
UNIT_SHARED int unit_line;
UNIT_SHARED u64 unit_seed = 20240229;
UNIT_SHARED u64 unit_state;

/* In a test or in a void helper of it; the first failure is told. */
#define CHECK(cond) do {						\
	if (!(cond)) {							\
		if (!unit_failure) {					\
			unit_failure = #cond;				\
			unit_line = __LINE__;				\
		}							\
		return;							\
	}								\
} while (0)

/* For loops around helpers that CHECK(). */
static inline bool unit_failed(void)
{
	return unit_failure;
}

/* splitmix64: every seed is a good one. */
static inline u64 unit_random(void)
{
	u64 z = (unit_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline u64 unit_random_below(u64 n)
{
	return unit_random() % n;
}

static inline int unit_run(const struct unit_test *tests, size_t nr)
{
	const char *seed = getenv("SEED"), *only = getenv("ONLY");
	bool first = getenv("FIRST");
	int failed = 0;
	size_t i;

	if (seed)
		unit_seed = strtoull(seed, NULL, 0);
	printf("seed %llu\n", (unsigned long long)unit_seed);
	for (i = 0; i < nr && !(first && failed); i++) {
		if (only && !strstr(tests[i].name, only))
			continue;
		/* Each test alone is repeatable, too. */
		unit_state = unit_seed;
		unit_failure = NULL;
		tests[i].fn();
		if (unit_failure) {
			printf("not ok %s: line %d: %s\n", tests[i].name,
			       unit_line, unit_failure);
			failed = 1;
		} else {
			printf("ok %s\n", tests[i].name);
		}
		fflush(stdout);
	}
	return failed;
}

#endif /* _PINFOLD_UNIT_H */
