/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What pure logic may use: types and errno values, in the module and on the
 * host, where its unit tests run.  The only place that knows which is which.
 */
#ifndef FZ_PURE_H
#define FZ_PURE_H

#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/types.h>
#else
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int8_t s8;
typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
#endif

#endif
