/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All differences between the kernels that the module is built for.  probe.sh compiles
 * tests/ against the kernel's headers, and writes the results to features.h.  No code
 * asks for a version, since distributions backport.
 */
#ifndef FZ_COMPAT_H
#define FZ_COMPAT_H

#include "fs.h"
#include "memcg.h"
#include "mm.h"
#include "pgtable.h"
#include "reclaim.h"

#endif
