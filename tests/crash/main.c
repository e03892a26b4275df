// SPDX-License-Identifier: GPL-2.0
/*
 * crash [STRUCTURE]: explore the crash states of each on-media structure, then
 * take out every flush and every fence, one at a time, and see the model notice.
 *
 * CRASH_SEED	seed of everything random; printed
 * CRASH_STATES	crash states to explore, for all structures together
 * CRASH_PROOF	0: take nothing out; 2: of arrays, too
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "crash.h"

#define DEFAULT_SEED	20240229
#define DEFAULT_STATES	150000
/* Enough for each call that matters; those that do not would go on for ever. */
#define PROOF_STATES	60000
#define PROOF_TRIES	5
/* Calls that come up more rarely than this say nothing when they are missing. */
#define RARE		35

/*
 * Shares of the states: the table is small and quick, the info block is not. Arrays
 * come on top; taking out their flushes takes an hour, so only if asked to.
 */
static const struct {
	const struct crash_structure *structure;
	unsigned int percent;
	bool slow;
} structures[] = {
	{ &crash_remap, 45, false },
	{ &crash_move, 35, false },
	{ &crash_info, 20, false },
	{ &crash_raid1, 25, true },
	{ &crash_raid5, 30, true },
	{ &crash_raid6, 15, true },
	{ &crash_spare, 15, true },
	{ &crash_grow, 10, true },
};

static unsigned int passed, failed;
static unsigned long long total, taken_out;

static void verdict(bool good, const char *structure, const char *what,
		    const char *why)
{
	printf("%s - %s: %s%s%s\n", good ? "ok" : "not ok", structure, what,
	       *why ? ": " : "", why);
	fflush(stdout);
	passed += good;
	failed += !good;
}

static u64 number(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

static void explore(const struct crash_structure *structure, u64 seed,
		    unsigned long long states, struct crash_result *result)
{
	char what[256];

	crash_run(structure, seed, states, NULL, result);
	snprintf(what, sizeof(what),
		 "%llu crash states (%llu in a recovery, %llu with bad lines) at %llu points in %llu operations",
		 result->states, result->second, result->poisoned,
		 result->fences, result->ops);
	verdict(!*result->failure, structure->name, what, result->failure);
	total += result->states;
}

static const char *why_needless(const struct crash_structure *structure,
				const struct crash_skip *skip)
{
	const struct crash_skip *s;

	for (s = structure->needless; s && s->operation; s++)
		if (!strcmp(s->operation, skip->operation) &&
		    s->call == skip->call && s->nth == skip->nth)
			return s->why;
	return NULL;
}

/* Does the model miss this call? If not, and if it should, complain. */
static bool missed(const struct crash_structure *structure, u64 seed,
		   const struct crash_skip *skip)
{
	static const char * const kinds[] = { "flush", "fence" };
	const char *why = why_needless(structure, skip);
	struct crash_result result;
	char what[128];
	unsigned int i;

	snprintf(what, sizeof(what), "without %s %u of %s", kinds[skip->call],
		 skip->nth, skip->operation);
	if (why) {
		printf("   %s: %s, nothing is wrong: %s\n", structure->name,
		       what, why);
		return false;
	}
	for (i = 0; i < PROOF_TRIES; i++) {
		crash_run(structure, seed + i, PROOF_STATES, skip, &result);
		if (*result.failure)
			return true;
	}
	verdict(false, structure->name, what, "nothing is wrong");
	return false;
}

/* Take out each call that the run in @normal made. */
static void prove(const struct crash_structure *structure, u64 seed,
		  const struct crash_result *normal)
{
	unsigned int op, all = 0, noticed = 0, rare = 0;
	struct crash_skip skip = {};
	char what[160];

	for (op = 0; op < normal->nr_op_names; op++) {
		skip.operation = normal->op_names[op];
		for (skip.call = 0; skip.call < CRASH_NR_CALLS; skip.call++) {
			const unsigned int *calls = normal->calls[op][skip.call];

			for (skip.nth = 0; calls[skip.nth]; skip.nth++) {
				if (calls[skip.nth] < RARE) {
					rare++;
					continue;
				}
				all++;
				noticed += missed(structure, seed, &skip);
			}
		}
	}
	snprintf(what, sizeof(what),
		 "%u of %u flushes and fences, taken out one at a time, were missed (%u more came up too rarely)",
		 noticed, all, rare);
	verdict(noticed, structure->name, what, "");
	taken_out += all;
}

int main(int argc, char **argv)
{
	u64 seed = number("CRASH_SEED", DEFAULT_SEED);
	u64 states = number("CRASH_STATES", DEFAULT_STATES);
	struct crash_result result;
	size_t i;

	printf("seed %llu: CRASH_SEED=%llu repeats this run\n",
	       (unsigned long long)seed, (unsigned long long)seed);
	for (i = 0; i < ARRAY_SIZE(structures); i++) {
		const struct crash_structure *s = structures[i].structure;

		if (argc > 1 && strcmp(argv[1], s->name))
			continue;
		explore(s, seed, states * structures[i].percent / 100, &result);
		if (!*result.failure && number("CRASH_PROOF", 1) > structures[i].slow)
			prove(s, seed, &result);
	}
	printf("tried %llu crash states\n", total);
	if (taken_out)
		printf("tried %llu mutations: flushes and fences taken out\n",
		       taken_out);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
