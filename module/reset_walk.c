// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walk of a reset over a scratch: populated chunks, or those that a bitmap names.
 */
#include <linux/xarray.h>

#include "reset.h"

/**
 * fz_reset_next() - the next chunk that a reset has to look at
 * @r: the reset; its range is moved on to that chunk
 * @number: set to the number of the chunk
 *
 * Return: the chunk, NULL if nothing is left.
 */
struct fz_chunk *fz_reset_next(struct fz_reset *r, u64 *number)
{
	struct fz_chunk *chunk;

	if (!r->dirty)
		return fz_chunk_next(r->s, &r->range, number);
	if (!fz_dirty_next(r->dirty, &r->range))
		return NULL;
	/* A dirty page is usually populated, so its chunk exists. */
	*number = r->range.first >> FZ_CHUNK_SHIFT;
	chunk = xa_load(&r->s->chunks, *number);
	if (likely(chunk && READ_ONCE(chunk->nr)))
		return chunk;
	return fz_chunk_next(r->s, &r->range, number);
}
