/* SPDX-License-Identifier: GPL-2.0 */
/* Changing the info block of a namespace, both copies. */
#ifndef _PINFOLD_INFO_UPDATE_H
#define _PINFOLD_INFO_UPDATE_H

#include "infoblock.h"
#include "remap_entry.h"

struct pinfold_media;

int pinfold_info_update(struct pinfold_media *media,
			struct pinfold_info_block *block, unsigned int chosen);
int pinfold_remap_activate(struct pinfold_media *media,
			   const struct pinfold_remap_layout *layout,
			   struct pinfold_info_block *block,
			   unsigned int chosen);

#endif /* _PINFOLD_INFO_UPDATE_H */
