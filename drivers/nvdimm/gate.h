/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_GATE_H
#define _PINFOLD_GATE_H

int pinfold_gate_wait(void);
int pinfold_gate_init(void);
void pinfold_gate_exit(void);

#endif /* _PINFOLD_GATE_H */
