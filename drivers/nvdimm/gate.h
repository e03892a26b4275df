/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_GATE_H
#define _PINFOLD_GATE_H

#include <linux/types.h>

int pinfold_gate_wait(bool briefly);
int pinfold_gate_init(void);
void pinfold_gate_exit(void);

#endif /* _PINFOLD_GATE_H */
