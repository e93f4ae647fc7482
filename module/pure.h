/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types and errno values for pure logic, which is compiled into the module and into unit
 * tests on the host.  Only this file includes headers of the kernel or of libc for it.
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
