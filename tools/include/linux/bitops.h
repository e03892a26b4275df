/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_LINUX_BITOPS_H
#define _PINFOLD_HOST_LINUX_BITOPS_H

#define BITS_PER_LONG	64
#define BIT(nr)		(1UL << (nr))
#define BIT_ULL(nr)	(1ULL << (nr))

/* Bit number of the lowest or highest set bit; the word is not 0. */
static inline unsigned long __ffs(unsigned long word)
{
	return __builtin_ctzl(word);
}

static inline unsigned long __fls(unsigned long word)
{
	return 8 * sizeof(word) - 1 - __builtin_clzl(word);
}

/* The same from 1 on, and 0 for a word without a bit set. */
static inline int fls64(unsigned long long word)
{
	return word ? 64 - __builtin_clzll(word) : 0;
}

static inline unsigned int hweight32(unsigned int word)
{
	return __builtin_popcount(word);
}

static inline unsigned int hweight64(unsigned long long word)
{
	return __builtin_popcountll(word);
}

#endif /* _PINFOLD_HOST_LINUX_BITOPS_H */
