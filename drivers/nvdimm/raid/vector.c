// SPDX-License-Identifier: GPL-2.0
/*
 * AVX2. The compiler uses no vector registers in the kernel: what one asm
 * statement leaves there, the next one finds.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "../vector_block.h"
#include "vector.h"

/* Of each leg, without anybody else getting the processor. */
#define STEP	4096

/* P and Q of so much fit the registers. */
#define PQ_BLOCK	128

/* Callers know one block, the loops go by theirs. */
static_assert(RAID_VECTOR_BLOCK % VECTOR_BLOCK == 0 &&
	      RAID_VECTOR_BLOCK % PQ_BLOCK == 0 &&
	      STEP % RAID_VECTOR_BLOCK == 0);

/* The polynomial of the field, without x^8. */
static const u8 field_polynomial = 0x1d;

/**
 * raid_vector_usable() - may the functions here be called?
 *
 * Context: any.
 * Return: true if they may, in this context.
 */
bool raid_vector_usable(void)
{
	return vector_block_usable() && irq_fpu_usable();
}

/* --- P: a block in ymm0 to ymm7 ------------------------------------------ */

/* A block = ymm0 to ymm7, through the cache */
static __always_inline void block_store(void *dst)
{
	asm volatile("vmovdqu %%ymm0,     (%[dst])\n"
		     "vmovdqu %%ymm1,  32(%[dst])\n"
		     "vmovdqu %%ymm2,  64(%[dst])\n"
		     "vmovdqu %%ymm3,  96(%[dst])\n"
		     "vmovdqu %%ymm4, 128(%[dst])\n"
		     "vmovdqu %%ymm5, 160(%[dst])\n"
		     "vmovdqu %%ymm6, 192(%[dst])\n"
		     "vmovdqu %%ymm7, 224(%[dst])\n"
		     : : [dst] "r" (dst) : "memory");
}

/* ymm0 to ymm7 ^= a block. False if it cannot be read. */
static __always_inline bool block_xor(const void *src)
{
	asm goto("1: vpxor     (%[src]), %%ymm0, %%ymm0\n"
		 "2: vpxor  32(%[src]), %%ymm1, %%ymm1\n"
		 "3: vpxor  64(%[src]), %%ymm2, %%ymm2\n"
		 "4: vpxor  96(%[src]), %%ymm3, %%ymm3\n"
		 "5: vpxor 128(%[src]), %%ymm4, %%ymm4\n"
		 "6: vpxor 160(%[src]), %%ymm5, %%ymm5\n"
		 "7: vpxor 192(%[src]), %%ymm6, %%ymm6\n"
		 "8: vpxor 224(%[src]), %%ymm7, %%ymm7\n"
		 VECTOR_MC_SAFE(1) VECTOR_MC_SAFE(2)
		 VECTOR_MC_SAFE(3) VECTOR_MC_SAFE(4)
		 VECTOR_MC_SAFE(5) VECTOR_MC_SAFE(6)
		 VECTOR_MC_SAFE(7) VECTOR_MC_SAFE(8)
		 : : [src] "r" (src) : "memory" : bad);
	return true;
bad:
	return false;
}

/* Are ymm0 to ymm7 zero? They are not what they were, afterwards. */
static __always_inline bool block_is_zero(void)
{
	bool zero;

	asm volatile("vpor %%ymm1, %%ymm0, %%ymm0\n"
		     "vpor %%ymm3, %%ymm2, %%ymm2\n"
		     "vpor %%ymm5, %%ymm4, %%ymm4\n"
		     "vpor %%ymm7, %%ymm6, %%ymm6\n"
		     "vpor %%ymm2, %%ymm0, %%ymm0\n"
		     "vpor %%ymm6, %%ymm4, %%ymm4\n"
		     "vpor %%ymm4, %%ymm0, %%ymm0\n"
		     "vptest %%ymm0, %%ymm0\n"
		     : "=@ccz" (zero));
	return zero;
}

/* ymm0 to ymm7 = XOR of all blocks at @at. False if one cannot be read. */
static __always_inline bool xor_blocks_at(void *const *src, u32 nr, size_t at)
{
	u32 i;

	if (unlikely(!vector_block_load(src[0] + at)))
		return false;
	for (i = 1; i < nr; i++)
		if (unlikely(!block_xor(src[i] + at)))
			return false;
	return true;
}

/* --- P and Q: half a block in ymm0 to ymm3 and ymm4 to ymm7 --------------- */

static __always_inline void pq_begin(void)
{
	asm volatile("vpbroadcastb %[poly], %%ymm15\n"
		     "vpxor %%ymm14, %%ymm14, %%ymm14\n"
		     : : [poly] "m" (field_polynomial));
}

static __always_inline void pq_zero(void)
{
	asm volatile("vpxor %ymm0, %ymm0, %ymm0\n"
		     "vpxor %ymm1, %ymm1, %ymm1\n"
		     "vpxor %ymm2, %ymm2, %ymm2\n"
		     "vpxor %ymm3, %ymm3, %ymm3\n"
		     "vpxor %ymm4, %ymm4, %ymm4\n"
		     "vpxor %ymm5, %ymm5, %ymm5\n"
		     "vpxor %ymm6, %ymm6, %ymm6\n"
		     "vpxor %ymm7, %ymm7, %ymm7\n");
}

/* p ^= 32 bytes; q = 2 q ^ these */
#define PQ_ADD(n, at, p, q)	\
	#n ": vmovdqu " #at "(%[src]), %%ymm8\n"	\
	"vpcmpgtb %%ymm" #q ", %%ymm14, %%ymm9\n"	\
	"vpaddb %%ymm" #q ", %%ymm" #q ", %%ymm" #q "\n"	\
	"vpand %%ymm15, %%ymm9, %%ymm9\n"	\
	"vpxor %%ymm8, %%ymm" #p ", %%ymm" #p "\n"	\
	"vpxor %%ymm9, %%ymm8, %%ymm8\n"	\
	"vpxor %%ymm8, %%ymm" #q ", %%ymm" #q "\n"

/* P and Q take one more data page in, from the last to the first. */
static __always_inline bool pq_add(const void *src)
{
	asm goto(PQ_ADD(1, 0, 0, 4)
		 PQ_ADD(2, 32, 1, 5)
		 PQ_ADD(3, 64, 2, 6)
		 PQ_ADD(4, 96, 3, 7)
		 VECTOR_MC_SAFE(1) VECTOR_MC_SAFE(2)
		 VECTOR_MC_SAFE(3) VECTOR_MC_SAFE(4)
		 : : [src] "r" (src) : "memory" : bad);
	return true;
bad:
	return false;
}

/* What P and Q on the legs have that those computed do not. */
static __always_inline bool pq_compare(const void *p, const void *q)
{
	asm goto("1: vpxor     (%[p]), %%ymm0, %%ymm0\n"
		 "2: vpxor  32(%[p]), %%ymm1, %%ymm1\n"
		 "3: vpxor  64(%[p]), %%ymm2, %%ymm2\n"
		 "4: vpxor  96(%[p]), %%ymm3, %%ymm3\n"
		 "5: vpxor     (%[q]), %%ymm4, %%ymm4\n"
		 "6: vpxor  32(%[q]), %%ymm5, %%ymm5\n"
		 "7: vpxor  64(%[q]), %%ymm6, %%ymm6\n"
		 "8: vpxor  96(%[q]), %%ymm7, %%ymm7\n"
		 VECTOR_MC_SAFE(1) VECTOR_MC_SAFE(2)
		 VECTOR_MC_SAFE(3) VECTOR_MC_SAFE(4)
		 VECTOR_MC_SAFE(5) VECTOR_MC_SAFE(6)
		 VECTOR_MC_SAFE(7) VECTOR_MC_SAFE(8)
		 : : [p] "r" (p), [q] "r" (q) : "memory" : bad);
	return true;
bad:
	return false;
}

static __always_inline void q_stream(void *dst)
{
	asm volatile("vmovntdq %%ymm4,   (%[dst])\n"
		     "vmovntdq %%ymm5, 32(%[dst])\n"
		     "vmovntdq %%ymm6, 64(%[dst])\n"
		     "vmovntdq %%ymm7, 96(%[dst])\n"
		     : : [dst] "r" (dst) : "memory");
}

/* P and Q of the data at @at. False if a page cannot be read. */
static __always_inline bool pq_of(void *const *data, u32 nr, size_t at)
{
	pq_zero();
	while (nr--)
		if (unlikely(!pq_add(data[nr] + at)))
			return false;
	return true;
}

/* --- whole ranges ---------------------------------------------------------- */

/* From @at on, the processor is given away by then. */
static size_t step_end(size_t at, size_t len)
{
	return min_t(size_t, len, at + STEP);
}

/**
 * raid_vector_load() - copy from a leg
 * @dst: where to, through the cache
 * @src: leg
 * @len: bytes
 *
 * Context: raid_vector_usable(); does not sleep.
 * Return: false if @src cannot be read.
 */
bool raid_vector_load(void *dst, const void *src, size_t len)
{
	size_t at = 0, end;
	bool good = true;

	while (good && at < len) {
		end = step_end(at, len);
		kernel_fpu_begin();
		for (; at < end; at += VECTOR_BLOCK) {
			good = vector_block_load(src + at);
			if (unlikely(!good))
				break;
			block_store(dst + at);
		}
		vector_block_end();
	}
	return good;
}

/**
 * raid_vector_store() - copy to a leg
 * @dst: leg
 * @src: from where
 * @len: bytes
 *
 * Context: raid_vector_usable(); does not sleep.
 * Return: false if @src cannot be read.
 */
bool raid_vector_store(void *dst, const void *src, size_t len)
{
	void *const one = (void *)src;

	return raid_vector_store_xor(dst, &one, 1, len);
}

/**
 * raid_vector_store_copies() - copy to several legs
 * @dst: legs
 * @nr: their number
 * @src: from where; read once, so that all get the same if it changes
 * @len: bytes
 *
 * Context: raid_vector_usable(); does not sleep.
 * Return: false if @src cannot be read: all legs have what could be.
 */
bool raid_vector_store_copies(void *const *dst, u32 nr, const void *src,
			      size_t len)
{
	size_t at = 0, end;
	bool good = true;
	u32 i;

	while (good && at < len) {
		end = step_end(at, len);
		kernel_fpu_begin();
		for (; at < end; at += VECTOR_BLOCK) {
			good = vector_block_load(src + at);
			if (unlikely(!good))
				break;
			for (i = 0; i < nr; i++)
				vector_block_stream(dst[i] + at);
		}
		vector_block_end();
	}
	return good;
}

/**
 * raid_vector_store_xor() - compute a member from all others, by XOR
 * @dst: leg
 * @src: legs, none of them @dst
 * @nr: their number; if it is one, this copies
 * @len: bytes
 *
 * Context: raid_vector_usable(); does not sleep.
 * Return: false if one of @src cannot be read: some of @dst may be stored.
 */
bool raid_vector_store_xor(void *dst, void *const *src, u32 nr, size_t len)
{
	size_t at = 0, end;
	bool good = true;

	while (good && at < len) {
		end = step_end(at, len);
		kernel_fpu_begin();
		for (; at < end; at += VECTOR_BLOCK) {
			good = xor_blocks_at(src, nr, at);
			if (unlikely(!good))
				break;
			vector_block_stream(dst + at);
		}
		vector_block_end();
	}
	return good;
}

/**
 * raid_vector_store_q() - compute Q from all data
 * @dst: leg
 * @data: legs, in the order of data pages
 * @nr: their number
 * @len: bytes
 *
 * Context: raid_vector_usable(); does not sleep.
 * Return: false if one of @data cannot be read: some of @dst may be stored.
 */
bool raid_vector_store_q(void *dst, void *const *data, u32 nr, size_t len)
{
	size_t at = 0, end;
	bool good = true;

	while (good && at < len) {
		end = step_end(at, len);
		kernel_fpu_begin();
		pq_begin();
		for (; at < end; at += PQ_BLOCK) {
			good = pq_of(data, nr, at);
			if (unlikely(!good))
				break;
			q_stream(dst + at);
		}
		vector_block_end();
	}
	return good;
}

/**
 * raid_vector_fits_p() - is the XOR of all members zero?
 * @v: legs; two copies, or all data and P
 * @nr: their number
 * @len: bytes
 *
 * Context: raid_vector_usable(); does not sleep.
 * Return: true if it is, and all could be read.
 */
bool raid_vector_fits_p(void *const *v, u32 nr, size_t len)
{
	size_t at = 0, end;
	bool good = true;

	while (good && at < len) {
		end = step_end(at, len);
		kernel_fpu_begin();
		for (; good && at < end; at += VECTOR_BLOCK)
			good = xor_blocks_at(v, nr, at) && block_is_zero();
		vector_block_end();
	}
	return good;
}

/**
 * raid_vector_fits_pq() - are P and Q those of the data?
 * @v: legs: all data, P and Q
 * @nr: their number
 * @len: bytes
 *
 * Context: raid_vector_usable(); does not sleep.
 * Return: true if they are, and all could be read.
 */
bool raid_vector_fits_pq(void *const *v, u32 nr, size_t len)
{
	size_t at = 0, end;
	bool good = true;

	while (good && at < len) {
		end = step_end(at, len);
		kernel_fpu_begin();
		pq_begin();
		for (; good && at < end; at += PQ_BLOCK)
			good = pq_of(v, nr - 2, at) &&
			       pq_compare(v[nr - 2] + at, v[nr - 1] + at) &&
			       block_is_zero();
		vector_block_end();
	}
	return good;
}
