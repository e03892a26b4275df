/* SPDX-License-Identifier: GPL-2.0 */
/* What is on raw media already: file systems, partition tables, info blocks. */
#ifndef _PINFOLD_TOOL_SIGNATURE_H
#define _PINFOLD_TOOL_SIGNATURE_H

#include "media.h"

int signature_describe(const struct media *media, const struct media_info *info,
		       char *text, size_t len);
int signature_wipe(const struct media *media);

#endif /* _PINFOLD_TOOL_SIGNATURE_H */
