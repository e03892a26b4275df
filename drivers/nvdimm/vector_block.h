/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 256 bytes in ymm0 to ymm7. The compiler uses no vector registers in the kernel: what
 * one asm statement leaves there, the next one finds.
 *
 * A load of 32 aligned bytes is within one line, like those of copy_mc_fragile(): it is
 * string instructions that some processors do not recover from.
 */
#ifndef _PINFOLD_VECTOR_BLOCK_H
#define _PINFOLD_VECTOR_BLOCK_H

#include <linux/types.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/extable.h>
#include <asm/fpu/api.h>

#define VECTOR_BLOCK	256
/* Of both sides, in bytes: streams need it, loads to stay within a line. */
#define VECTOR_ALIGN	32

#define VECTOR_MC_SAFE(n)	\
	_ASM_EXTABLE_TYPE(n##b, %l[bad], EX_TYPE_DEFAULT_MCE_SAFE)

/* Has this processor got what it takes? */
static inline bool vector_block_usable(void)
{
	return static_cpu_has(X86_FEATURE_AVX2) &&
	       static_cpu_has(X86_FEATURE_OSXSAVE);
}

/* Instead of kernel_fpu_end(), so that saving the registers has nothing to save. */
static inline void vector_block_end(void)
{
	asm volatile("vzeroupper");
	kernel_fpu_end();
}

/* ymm0 to ymm7 = a block. False if it cannot be read. */
static __always_inline bool vector_block_load(const void *src)
{
	asm goto("1: vmovdqu     (%[src]), %%ymm0\n"
		 "2: vmovdqu  32(%[src]), %%ymm1\n"
		 "3: vmovdqu  64(%[src]), %%ymm2\n"
		 "4: vmovdqu  96(%[src]), %%ymm3\n"
		 "5: vmovdqu 128(%[src]), %%ymm4\n"
		 "6: vmovdqu 160(%[src]), %%ymm5\n"
		 "7: vmovdqu 192(%[src]), %%ymm6\n"
		 "8: vmovdqu 224(%[src]), %%ymm7\n"
		 VECTOR_MC_SAFE(1) VECTOR_MC_SAFE(2)
		 VECTOR_MC_SAFE(3) VECTOR_MC_SAFE(4)
		 VECTOR_MC_SAFE(5) VECTOR_MC_SAFE(6)
		 VECTOR_MC_SAFE(7) VECTOR_MC_SAFE(8)
		 : : [src] "r" (src) : "memory" : bad);
	return true;
bad:
	return false;
}

/* A block = ymm0 to ymm7, past the cache: durable with the next fence, by 8 bytes */
static __always_inline void vector_block_stream(void *dst)
{
	asm volatile("vmovntdq %%ymm0,     (%[dst])\n"
		     "vmovntdq %%ymm1,  32(%[dst])\n"
		     "vmovntdq %%ymm2,  64(%[dst])\n"
		     "vmovntdq %%ymm3,  96(%[dst])\n"
		     "vmovntdq %%ymm4, 128(%[dst])\n"
		     "vmovntdq %%ymm5, 160(%[dst])\n"
		     "vmovntdq %%ymm6, 192(%[dst])\n"
		     "vmovntdq %%ymm7, 224(%[dst])\n"
		     : : [dst] "r" (dst) : "memory");
}

#endif /* _PINFOLD_VECTOR_BLOCK_H */
