// SPDX-License-Identifier: GPL-2.0
/* raid6 by the book, for host tests: slow, and independent of the kernel's. */
#include <string.h>

#include <linux/raid/pq.h>

static u8 product[256][256];

static u8 multiply(u8 a, u8 b)
{
	u8 sum = 0;

	while (b) {
		if (b & 1)
			sum ^= a;
		a = a << 1 ^ (a & 0x80 ? 0x1d : 0);
		b >>= 1;
	}
	return sum;
}

__attribute__((constructor)) static void make_table(void)
{
	int a, b;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++)
			product[a][b] = multiply(a, b);
}

static u8 power(int exponent)
{
	u8 g = 1;

	while (exponent--)
		g = product[g][2];
	return g;
}

static u8 inverse(u8 a)
{
	int b = 1;

	while (product[a][b] != 1)
		b++;
	return b;
}

static void add_page(void **ptrs, int disks, int i, size_t bytes)
{
	const u8 *times = product[power(i)];
	u8 *p = ptrs[disks - 2], *q = ptrs[disks - 1];
	const u8 *d = ptrs[i];
	size_t n;

	for (n = 0; n < bytes; n++) {
		p[n] ^= d[n];
		q[n] ^= times[d[n]];
	}
}

static void xor_syndrome(int disks, int start, int stop, size_t bytes,
			 void **ptrs)
{
	int i;

	for (i = start; i <= stop; i++)
		add_page(ptrs, disks, i, bytes);
}

static void gen_syndrome(int disks, size_t bytes, void **ptrs)
{
	memset(ptrs[disks - 2], 0, bytes);
	memset(ptrs[disks - 1], 0, bytes);
	xor_syndrome(disks, 0, disks - 3, bytes, ptrs);
}

const struct raid6_calls raid6_call = { gen_syndrome, xor_syndrome };

/* What P and Q have that the other data pages do not account for. */
static void leftover(int disks, size_t bytes, int a, int b, void **ptrs,
		     u8 *dp, u8 *dq)
{
	void *v[256];
	int i;

	for (i = 0; i < disks - 2; i++)
		v[i] = ptrs[i];
	memcpy(dp, ptrs[disks - 2], bytes);
	memcpy(dq, ptrs[disks - 1], bytes);
	v[disks - 2] = dp;
	v[disks - 1] = dq;
	for (i = 0; i < disks - 2; i++)
		if (i != a && i != b)
			add_page(v, disks, i, bytes);
}

void raid6_2data_recov(int disks, size_t bytes, int a, int b, void **ptrs)
{
	u8 dp[bytes], dq[bytes], ga = power(a), gb = power(b);
	u8 *da = ptrs[a], *db = ptrs[b], k = inverse(ga ^ gb);
	size_t n;

	leftover(disks, bytes, a, b, ptrs, dp, dq);
	for (n = 0; n < bytes; n++) {
		da[n] = product[k][dq[n] ^ product[gb][dp[n]]];
		db[n] = dp[n] ^ da[n];
	}
}

void raid6_datap_recov(int disks, size_t bytes, int a, void **ptrs)
{
	u8 dp[bytes], dq[bytes], k = inverse(power(a));
	u8 *da = ptrs[a];
	size_t n;

	leftover(disks, bytes, a, a, ptrs, dp, dq);
	for (n = 0; n < bytes; n++)
		da[n] = product[k][dq[n]];
	gen_syndrome(disks, bytes, ptrs);
}
