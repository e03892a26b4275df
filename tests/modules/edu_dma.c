// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA engine of QEMU's edu device: one transfer at a time, of up to a page, between
 * memory and a buffer of its own. Each takes 100 ms.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/jiffies.h>

#include "edu.h"

#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_ACK	0x64
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_CMD	0x98
#define  EDU_DMA_RUN		BIT(0)
#define  EDU_DMA_TO_MEMORY	BIT(1)
#define  EDU_DMA_IRQ		BIT(2)
#define EDU_BUFFER	0x40000

/* A machine that is emulated, and busy. */
#define EDU_PATIENCE	(30 * HZ)

static unsigned int dma_bits = 64;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "address bits that the device is told to have; with fewer than memory needs, bounce buffers are used");

static irqreturn_t edu_irq(int irq, void *arg)
{
	struct edu *edu = arg;
	u32 status = readl(edu->mmio + EDU_IRQ_STATUS);

	if (!status)
		return IRQ_NONE;
	writel(status, edu->mmio + EDU_IRQ_ACK);
	complete(&edu->done);
	return IRQ_HANDLED;
}

/*
 * Transfer @count bytes, and wait for the end of it: no access is possible afterwards, come
 * what may.
 */
int edu_dma(struct edu *edu, dma_addr_t addr, size_t count, bool to_device)
{
	u64 cmd = EDU_DMA_RUN | EDU_DMA_IRQ;

	reinit_completion(&edu->done);
	writeq(to_device ? addr : EDU_BUFFER, edu->mmio + EDU_DMA_SRC);
	writeq(to_device ? EDU_BUFFER : addr, edu->mmio + EDU_DMA_DST);
	writeq(count, edu->mmio + EDU_DMA_COUNT);
	writeq(to_device ? cmd : cmd | EDU_DMA_TO_MEMORY,
	       edu->mmio + EDU_DMA_CMD);
	if (wait_for_completion_timeout(&edu->done, EDU_PATIENCE))
		return 0;
	/* It may still be about to: not on this bus any more. */
	dev_err(&edu->pdev->dev, "a transfer does not end\n");
	pci_clear_master(edu->pdev);
	return -ETIMEDOUT;
}

int edu_dma_init(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	int err;

	init_completion(&edu->done);
	err = pcim_enable_device(pdev);
	if (!err)
		err = pcim_iomap_regions(pdev, BIT(0), "edu");
	if (!err)
		err = dma_set_mask_and_coherent(&pdev->dev,
						DMA_BIT_MASK(dma_bits));
	if (err)
		return err;
	edu->mmio = pcim_iomap_table(pdev)[0];
	pci_set_master(pdev);
	err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (err < 0)
		return err;
	return request_irq(pci_irq_vector(pdev, 0), edu_irq, IRQF_SHARED,
			   "edu", edu);
}
