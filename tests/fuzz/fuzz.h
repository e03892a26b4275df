/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PINFOLD_FUZZ_H
#define _PINFOLD_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include <linux/types.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* abort() is what libFuzzer sees, and keeps the input. */
#define FUZZ_CHECK(cond) do {						\
	if (!(cond)) {							\
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__,	\
			__LINE__, #cond);				\
		abort();						\
	}								\
} while (0)

#endif /* _PINFOLD_FUZZ_H */
