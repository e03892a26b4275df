/* SPDX-License-Identifier: GPL-2.0 */
/* The info blocks of a raw device or an image file. */
#ifndef _PINFOLD_TOOL_MEDIA_H
#define _PINFOLD_TOOL_MEDIA_H

#include "namespace.h"

/**
 * struct media - raw media, opened
 * @fd: device or file
 * @direct: it was opened with O_DIRECT
 * @name: for messages: the namespace or the path
 * @ctx: what the info blocks are judged by
 */
struct media {
	int fd;
	bool direct;
	const char *name;
	struct pinfold_info_ctx ctx;
};

/**
 * struct media_info - both copies of the info block
 * @copies: what they are worth
 * @choice: what to do with the media
 * @chosen: the copy that speaks for it, if @choice is PINFOLD_USE or
 *	PINFOLD_REFUSE
 * @blocks: as read, for those whose verdict is not PINFOLD_UNREADABLE
 */
struct media_info {
	struct pinfold_copy copies[PINFOLD_INFO_COPIES];
	enum pinfold_choice choice;
	unsigned int chosen;
	struct pinfold_info_block blocks[PINFOLD_INFO_COPIES]
		__aligned(PINFOLD_INFO_SIZE);
};

int media_open_ns(struct media *media, const struct ns *ns, int flags);
int media_peek_ns(struct media *media, const struct ns *ns);
bool media_looks_ours(const struct ns *ns);
int media_open_image(struct media *media, const char *path, int flags);
void media_close(struct media *media);

void media_read_info(const struct media *media, struct media_info *info);
bool media_foreign_at_start(const struct media *media);
bool media_copies_agree(const struct media_info *info);
const struct pinfold_info *media_chosen(const struct media_info *info);

int media_write_copy(const struct media *media,
		     const struct pinfold_info_block *block, unsigned int copy);
int media_sync(const struct media *media);
int media_zero(const struct media *media, u64 offset, u64 len);
int media_zero_copy(const struct media *media, unsigned int copy);

#endif /* _PINFOLD_TOOL_MEDIA_H */
