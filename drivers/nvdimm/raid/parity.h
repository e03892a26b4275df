/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Parity of one group, with the kernel's own routines. A vector has the data
 * pages in order, then P, then Q (raid6). Lengths are multiples of 512.
 */
#ifndef _PFN_RAID_PARITY_H
#define _PFN_RAID_PARITY_H

#include "layout.h"

#define RAID_VECTOR	RAID_MAX_LEGS

const char *raid_parity_supported(const struct raid_layout *layout);
void raid_parity_generate(const struct raid_layout *layout, size_t len,
			  void **v);
void raid_parity_add(const struct raid_layout *layout, u32 index, size_t len,
		     void **v);
bool raid_parity_fits(const struct raid_layout *layout, size_t len, void **v);
bool raid_parity_recover(const struct raid_layout *layout, u32 missing,
			 size_t len, void **v);

#endif /* _PFN_RAID_PARITY_H */
