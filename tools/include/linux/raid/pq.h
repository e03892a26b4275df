/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's raid6 routines by their definition: Q = sum of g^i D_i over
 * GF(2^8) with the polynomial 0x11d, g = 2.
 */
#ifndef _PINFOLD_HOST_LINUX_RAID_PQ_H
#define _PINFOLD_HOST_LINUX_RAID_PQ_H

#include <linux/types.h>

struct raid6_calls {
	void (*gen_syndrome)(int disks, size_t bytes, void **ptrs);
	void (*xor_syndrome)(int disks, int start, int stop, size_t bytes,
			     void **ptrs);
};

extern const struct raid6_calls raid6_call;

void raid6_2data_recov(int disks, size_t bytes, int faila, int failb,
		       void **ptrs);
void raid6_datap_recov(int disks, size_t bytes, int faila, void **ptrs);

#endif /* _PINFOLD_HOST_LINUX_RAID_PQ_H */
