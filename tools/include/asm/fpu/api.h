/* SPDX-License-Identifier: GPL-2.0 */
/* Sections in which the registers may be used; a test looks at how they nest. */
#ifndef _PINFOLD_HOST_ASM_FPU_API_H
#define _PINFOLD_HOST_ASM_FPU_API_H

#include <linux/types.h>

void kernel_fpu_begin(void);
void kernel_fpu_end(void);
bool irq_fpu_usable(void);

#endif /* _PINFOLD_HOST_ASM_FPU_API_H */
