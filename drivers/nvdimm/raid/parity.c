// SPDX-License-Identifier: GPL-2.0
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/raid/pq.h>
#include <linux/raid/xor.h>
#include <linux/string.h>

#include "parity.h"

/* @dst ^= each of @nr sources. */
static void xor_into(void *dst, void **src, u32 nr, size_t len)
{
	while (nr) {
		u32 now = min_t(u32, nr, MAX_XOR_BLOCKS);

		xor_blocks(now, len, dst, src);
		src += now;
		nr -= now;
	}
}

/* @dst = XOR of all data pages but @but, and of P if @but is one of them. */
static void xor_others(const struct raid_layout *layout, u32 but, void *dst,
		       size_t len, void **v)
{
	void *src[RAID_VECTOR];
	u32 nr = 0, i;

	for (i = 0; i < layout->nr_data + (but < layout->nr_data); i++)
		if (i != but)
			src[nr++] = v[i];
	memcpy(dst, src[0], len);
	xor_into(dst, src + 1, nr - 1, len);
}

/**
 * raid_parity_supported() - can this kernel compute what a level needs?
 * @layout: the array
 *
 * Context: any.
 * Return: NULL, or in words what is missing.
 */
const char *raid_parity_supported(const struct raid_layout *layout)
{
	if (layout->nr_parity == 2 && !raid6_call.xor_syndrome)
		return "the kernel's raid6 routines cannot update a syndrome";
	return NULL;
}

/**
 * raid_parity_generate() - compute parity from all data
 * @layout: the array
 * @len: bytes
 * @v: vector, complete but for the parity, which is the result
 *
 * Context: any in which the FPU may be used.
 */
void raid_parity_generate(const struct raid_layout *layout, size_t len,
			  void **v)
{
	if (layout->nr_parity == 2)
		raid6_call.gen_syndrome(layout->nr_legs, len, v);
	else
		xor_others(layout, layout->nr_data, v[layout->nr_data], len, v);
}

/**
 * raid_parity_add() - add a data page to, or remove it from, the parity
 * @layout: the array
 * @index: which
 * @len: bytes
 * @v: vector with that page and the parity, which changes
 *
 * Context: any in which the FPU may be used.
 */
void raid_parity_add(const struct raid_layout *layout, u32 index, size_t len,
		     void **v)
{
	if (layout->nr_parity == 2)
		raid6_call.xor_syndrome(layout->nr_legs, index, index, len, v);
	else
		xor_into(v[layout->nr_data], &v[index], 1, len);
}

static bool is_zero(const u64 *p, size_t len)
{
	const u64 *end = p + len / sizeof(*p);

	for (; p < end; p += 8)
		if (p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7])
			return false;
	return true;
}

/**
 * raid_parity_fits() - is the parity that of the data?
 * @layout: the array
 * @len: bytes
 * @v: vector; its parity is destroyed
 *
 * Context: any in which the FPU may be used.
 * Return: true if it is.
 */
bool raid_parity_fits(const struct raid_layout *layout, size_t len, void **v)
{
	u32 k = layout->nr_data, i;

	if (layout->nr_parity == 2)
		raid6_call.xor_syndrome(layout->nr_legs, 0, k - 1, len, v);
	else
		xor_into(v[k], v, k, len);
	for (i = k; i < layout->nr_legs; i++)
		if (!is_zero(v[i], len))
			return false;
	return true;
}

/* One data page and, at most, one of P and Q. */
static bool recover_one(const struct raid_layout *layout, u32 data,
			bool p_missing, size_t len, void **v)
{
	if (!p_missing) {
		xor_others(layout, data, v[data], len, v);
		return true;
	}
	if (layout->nr_parity < 2)
		return false;
	raid6_datap_recov(layout->nr_legs, len, data, v);
	return true;
}

/**
 * raid_parity_recover() - compute missing members from the others
 * @layout: the array
 * @missing: members to compute, as bits in the order of the vector
 * @len: bytes
 * @v: vector; what is missing is the result, missing parity included
 *
 * Context: any in which the FPU may be used.
 * Return: false if too much is missing.
 */
bool raid_parity_recover(const struct raid_layout *layout, u32 missing,
			 size_t len, void **v)
{
	u32 p = BIT(layout->nr_data), data = missing & (p - 1);
	u32 first, second;

	if (hweight32(missing) > layout->nr_parity)
		return false;
	if (data) {
		first = __ffs(data);
		second = __fls(data);
		if (first != second)
			raid6_2data_recov(layout->nr_legs, len, first, second,
					  v);
		else if (!recover_one(layout, first, missing & p, len, v))
			return false;
	}
	if (missing & ~data)
		raid_parity_generate(layout, len, v);
	return true;
}
