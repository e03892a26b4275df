// SPDX-License-Identifier: GPL-2.0
/*
 * The vector routines against what they say they do, byte by byte, on random
 * numbers of legs, lengths and offsets. Pages that cannot be read are real ones:
 * the processor faults, and goes on where the table says.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <asm/extable.h>
#include <asm/fpu/api.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <linux/raid/pq.h>

#include "unit.h"
#include "vector.h"

#define MAX_LEGS	32
#define PAGE		4096
#define LEG_PAGES	4
#define LEG_SIZE	(LEG_PAGES * PAGE)
#define ROUNDS		400

static u8 *legs[MAX_LEGS + 1];
static u8 model[MAX_LEGS + 1][LEG_SIZE];
static int fpu_depth;
static u64 nr_sections, nr_faults;

void kernel_fpu_begin(void)
{
	if (fpu_depth++)
		abort();
	nr_sections++;
}

void kernel_fpu_end(void)
{
	if (--fpu_depth)
		abort();
}

bool irq_fpu_usable(void)
{
	return !fpu_depth;
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	const struct host_extable_entry *e;
	ucontext_t *uc = context;

	(void)info;
	for (e = __start_host_extable; e < __stop_host_extable; e++) {
		if (e->from != (unsigned long)uc->uc_mcontext.gregs[REG_RIP])
			continue;
		uc->uc_mcontext.gregs[REG_RIP] = e->to;
		nr_faults++;
		return;
	}
	signal(sig, SIG_DFL);
}

static void setup(void)
{
	struct sigaction action = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO,
	};
	u32 i;

	sigaction(SIGSEGV, &action, NULL);
	for (i = 0; i <= MAX_LEGS; i++) {
		legs[i] = mmap(NULL, LEG_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (legs[i] == MAP_FAILED)
			abort();
	}
}

static void fill(u32 nr)
{
	u32 i, n;
	u64 word;

	for (i = 0; i <= nr; i++) {
		for (n = 0; n < LEG_SIZE; n += 8) {
			word = unit_random();
			memcpy(model[i] + n, &word, 8);
		}
		memcpy(legs[i], model[i], LEG_SIZE);
	}
}

/**
 * struct range - what of the legs a test is about
 * @nr: legs
 * @at: offset, aligned as the legs' are
 * @len: bytes
 * @v: addresses at @at
 * @m: the same in the model
 */
struct range {
	u32 nr;
	u32 at;
	size_t len;
	void *v[MAX_LEGS + 1];
	void *m[MAX_LEGS + 1];
};

static struct range random_range(u32 least)
{
	struct range r = { .nr = least + unit_random_below(MAX_LEGS + 1 - least) };
	u32 blocks = LEG_SIZE / RAID_VECTOR_BLOCK, first, i;

	first = unit_random_below(blocks);
	r.at = first * RAID_VECTOR_BLOCK;
	r.len = (1 + unit_random_below(blocks - first)) * RAID_VECTOR_BLOCK;
	fill(r.nr);
	for (i = 0; i <= r.nr; i++) {
		r.v[i] = legs[i] + r.at;
		r.m[i] = model[i] + r.at;
	}
	return r;
}

static void xor_model(u8 *dst, const struct range *r, u32 nr)
{
	size_t n;
	u32 i;

	memset(dst, 0, r->len);
	for (i = 0; i < nr; i++)
		for (n = 0; n < r->len; n++)
			dst[n] ^= ((u8 *)r->m[i])[n];
}

static bool unchanged(const struct range *r)
{
	u32 i;

	for (i = 0; i <= r->nr; i++)
		if (memcmp(legs[i], model[i], LEG_SIZE))
			return false;
	return true;
}

/* A page of one of the legs @nr; the vector says where it ends to be readable. */
static u8 *spoil(const struct range *r, u32 nr)
{
	u32 last = (r->at + r->len - 1) / PAGE, first = r->at / PAGE;
	u8 *page = legs[unit_random_below(nr)] +
		   (first + unit_random_below(last - first + 1)) * PAGE;

	if (mprotect(page, PAGE, PROT_NONE))
		abort();
	return page;
}

static void mend(u8 *page)
{
	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE))
		abort();
}

static void test_copies(void)
{
	u32 round, off;

	for (round = 0; round < ROUNDS; round++) {
		struct range r = random_range(1);
		static u8 dst[LEG_SIZE + 64];

		/* A bio's pages are aligned to less. */
		off = unit_random_below(64);
		memset(dst, 0x55, sizeof(dst));
		CHECK(raid_vector_load(dst + off, r.v[0], r.len));
		CHECK(!memcmp(dst + off, r.m[0], r.len));
		CHECK(!off || dst[off - 1] == 0x55);
		CHECK(dst[off + r.len] == 0x55);
		CHECK(raid_vector_store(r.v[1], dst + off, r.len));
		memcpy(r.m[1], r.m[0], r.len);
		CHECK(unchanged(&r));
	}
}

static void test_several_copies(void)
{
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		struct range r = random_range(1);

		CHECK(raid_vector_store_copies(r.v, r.nr, r.v[r.nr], r.len));
		for (i = 0; i < r.nr; i++)
			memcpy(r.m[i], r.m[r.nr], r.len);
		CHECK(unchanged(&r));
	}
}

static void test_xor(void)
{
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		struct range r = random_range(1);
		u32 other;

		CHECK(raid_vector_store_xor(r.v[r.nr], r.v, r.nr, r.len));
		xor_model(r.m[r.nr], &r, r.nr);
		CHECK(unchanged(&r));
		CHECK(raid_vector_fits_p(r.v, r.nr + 1, r.len));
		i = unit_random_below(r.nr + 1);
		other = unit_random_below(r.len);
		((u8 *)r.v[i])[other] ^= 1U << unit_random_below(8);
		CHECK(!raid_vector_fits_p(r.v, r.nr + 1, r.len));
	}
}

static void test_syndrome(void)
{
	u32 round, i;

	for (round = 0; round < ROUNDS; round++) {
		struct range r = random_range(4);
		u32 other;

		/* The last two are P and Q. */
		raid6_call.gen_syndrome(r.nr, r.len, r.m);
		CHECK(raid_vector_store_xor(r.v[r.nr - 2], r.v, r.nr - 2,
					    r.len));
		CHECK(raid_vector_store_q(r.v[r.nr - 1], r.v, r.nr - 2, r.len));
		CHECK(unchanged(&r));
		CHECK(raid_vector_fits_pq(r.v, r.nr, r.len));
		i = unit_random_below(r.nr);
		other = unit_random_below(r.len);
		((u8 *)r.v[i])[other] ^= 1U << unit_random_below(8);
		CHECK(!raid_vector_fits_pq(r.v, r.nr, r.len));
	}
}

/* All sources are looked at, and no result is taken for good. */
static void test_unreadable(void)
{
	static u8 dst[LEG_SIZE];
	u32 round, op, i;

	for (round = 0; round < ROUNDS; round++) {
		struct range r = random_range(4);
		u64 before = nr_faults;
		bool good = true;
		u8 *page;

		memset(r.v[0], 0, r.len);
		for (op = 1; op < r.nr; op++)
			memset(r.v[op], 0, r.len);
		op = unit_random_below(6);
		page = spoil(&r, op % 5 ? r.nr : 1);
		switch (op) {
		case 0:
			good = raid_vector_load(dst, r.v[0], r.len);
			break;
		case 1:
			good = raid_vector_store_xor(r.v[r.nr], r.v, r.nr,
						     r.len);
			break;
		case 2:
			good = raid_vector_store_q(r.v[r.nr], r.v, r.nr, r.len);
			break;
		case 3:
			good = raid_vector_fits_p(r.v, r.nr, r.len);
			break;
		case 4:
			good = raid_vector_fits_pq(r.v, r.nr, r.len);
			break;
		case 5:
			good = raid_vector_store_copies(&r.v[1], r.nr - 1,
							r.v[0], r.len);
			for (i = 2; i < r.nr; i++)
				CHECK(!memcmp(r.v[1], r.v[i], r.len));
			break;
		}
		mend(page);
		CHECK(!good);
		CHECK(nr_faults == before + 1);
		CHECK(!fpu_depth);
	}
}

/* Nobody waits for the processor for longer than a page of each leg takes. */
static void test_bounded(void)
{
	struct range r = random_range(4);
	u64 before = nr_sections;

	r.v[0] = legs[0];
	r.v[1] = legs[1];
	CHECK(raid_vector_store(r.v[1], r.v[0], LEG_SIZE));
	CHECK(nr_sections == before + LEG_PAGES);
}

static const struct unit_test tests[] = {
	{ "raid_vector: copies", test_copies },
	{ "raid_vector: several copies", test_several_copies },
	{ "raid_vector: xor", test_xor },
	{ "raid_vector: syndrome", test_syndrome },
	{ "raid_vector: unreadable", test_unreadable },
	{ "raid_vector: bounded", test_bounded },
};

int main(void)
{
	setup();
	if (!raid_vector_usable()) {
		printf("ok raid_vector: skipped, no AVX2 here\n");
		return 0;
	}
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]));
}
