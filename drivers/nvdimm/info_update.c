// SPDX-License-Identifier: GPL-2.0
/*
 * Changing the info block so that, cut off anywhere, one copy is intact and the
 * newest intact one is right; and the one change there is so far.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/byteorder.h>

#include "info_update.h"
#include "media_io.h"
#include "remap_table.h"

static int write_copy(struct pinfold_media *media,
		      struct pinfold_info_block *block, unsigned int copy)
{
	pinfold_info_seal(block, copy);
	if (pinfold_media_mend(media, pinfold_info_offset(copy), block,
			       sizeof(*block)))
		return -EIO;
	return pinfold_media_fence(media);
}

/**
 * pinfold_info_update() - write a changed info block
 * @media: namespace
 * @block: the chosen copy, changed by the caller; whatever a newer minor version
 *	has in it stays. Its generation is increased here
 * @chosen: which copy it was
 *
 * The other copy comes first: it may be damaged, and the chosen one the only one
 * left. What the change announces may be used when this has returned 0, since
 * from then on each copy alone tells it.
 *
 * Context: process context, may sleep.
 * Return: 0 or -EIO.
 */
int pinfold_info_update(struct pinfold_media *media,
			struct pinfold_info_block *block, unsigned int chosen)
{
	int err;

	block->seq = cpu_to_le64(le64_to_cpu(block->seq) + 1);
	err = write_copy(media, block, !chosen);
	return err ? err : write_copy(media, block, chosen);
}

/**
 * pinfold_remap_activate() - begin to use the remap table
 * @media: namespace
 * @layout: of its table
 * @block: the chosen copy of the info block, PINFOLD_VALID
 * @chosen: which copy it is
 *
 * From then on, a driver that does not know the table refuses the namespace.
 * To be called before the first move, and again if one copy of the info block
 * was found damaged or outdated since.
 *
 * Context: process context, may sleep.
 * Return: 0 or -EIO; pages may be moved only after 0.
 */
int pinfold_remap_activate(struct pinfold_media *media,
			   const struct pinfold_remap_layout *layout,
			   struct pinfold_info_block *block,
			   unsigned int chosen)
{
	u64 incompat = le64_to_cpu(block->incompat);

	/* A table in use must not be written over. */
	if (!(incompat & PINFOLD_INCOMPAT_REMAP) &&
	    pinfold_remap_format(media, layout))
		return -EIO;
	block->incompat = cpu_to_le64(incompat | PINFOLD_INCOMPAT_REMAP);
	return pinfold_info_update(media, block, chosen);
}
