/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which chunks are backed by huge folios.
 */
#ifndef FZ_HUGE_H
#define FZ_HUGE_H

#include <uapi/linux/fastzero.h>

#include "chunk.h"

bool fz_large_wanted(struct fz_scratch *s, u64 page, const struct vm_fault *vmf);
void fz_large_installed(struct fz_scratch *s, struct fz_chunk *chunk);
bool fz_large_is_late(struct fz_scratch *s, struct fz_chunk *chunk, const u64 *words,
		      u32 nr);
bool fz_large_breaks(struct fz_scratch *s, struct fz_chunk *chunk);

#endif
