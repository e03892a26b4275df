/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_ASM_EXTABLE_H
#define _PINFOLD_HOST_ASM_EXTABLE_H

/* See asm.h; the linker names the section's ends. */
struct host_extable_entry {
	unsigned long from;
	unsigned long to;
};

extern const struct host_extable_entry __start_host_extable[];
extern const struct host_extable_entry __stop_host_extable[];

#endif /* _PINFOLD_HOST_ASM_EXTABLE_H */
