/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_HOST_ASM_CPUFEATURE_H
#define _PINFOLD_HOST_ASM_CPUFEATURE_H

#define X86_FEATURE_AVX2	__builtin_cpu_supports("avx2")
/* What the compiler says is usable is enabled, too. */
#define X86_FEATURE_OSXSAVE	1
#define static_cpu_has(feature)	(feature)

#endif /* _PINFOLD_HOST_ASM_CPUFEATURE_H */
