/* SPDX-License-Identifier: GPL-2.0 */
/* Loads that may fault, and where they go on then: for whoever handles SIGSEGV. */
#ifndef _PINFOLD_HOST_ASM_ASM_H
#define _PINFOLD_HOST_ASM_ASM_H

#define EX_TYPE_DEFAULT_MCE_SAFE	0

#define _ASM_EXTABLE_TYPE(from, to, type)	\
	".pushsection host_extable, \"aw\"\n"	\
	".quad " #from ", " #to "\n"		\
	".popsection\n"

#endif /* _PINFOLD_HOST_ASM_ASM_H */
