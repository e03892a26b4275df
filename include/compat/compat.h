/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included into every object of the modules, before anything else: refuses
 * unknown kernels and makes the answers of probe.sh known.
 */
#ifndef _PINFOLD_COMPAT_H
#define _PINFOLD_COMPAT_H

#include <compat/version.h>

#include "compat_config.h"

#endif /* _PINFOLD_COMPAT_H */
