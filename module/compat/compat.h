/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between the kernels that we build for.  features.h comes
 * from probe.sh, which compiles tests/ against the kernel's headers: product
 * code never asks for a version, since distributions backport.
 */
#ifndef FZ_COMPAT_H
#define FZ_COMPAT_H

#include "fs.h"
#include "memcg.h"
#include "mm.h"
#include "pgtable.h"
#include "reclaim.h"

#endif
