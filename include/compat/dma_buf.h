/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What dma-buf does for an importer that can be told of moves depends on how the
 * kernel was configured.
 */
#ifndef _COMPAT_DMA_BUF_H
#define _COMPAT_DMA_BUF_H

#include <linux/dma-buf.h>

/*
 * Without CONFIG_DMABUF_MOVE_NOTIFY the core calls ->pin before each ->map_dma_buf of
 * such an importer, and ->unpin after ->unmap_dma_buf, all under the reservation lock.
 * Not with names of its own: it cannot be told from dma_buf_pin() by the call.
 */
static inline bool compat_dma_buf_map_pins(void)
{
	return !IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY);
}

#endif /* _COMPAT_DMA_BUF_H */
