// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: edges of bitmaps, in portable C.
 */
#include "bitmap_edges.h"

static fz_inline unsigned int fz_scalar_zeros(const struct fz_block *block)
{
	const uint64_t *a = block->a, *b = block->b;
	unsigned int i;

	for (i = 0; i + 8 <= block->n; i += 8) {
		fz_edges_prefetch(block, i);
		if (a[i] | a[i + 1] | a[i + 2] | a[i + 3] | a[i + 4] | a[i + 5] |
		    a[i + 6] | a[i + 7] | b[i] | b[i + 1] | b[i + 2] | b[i + 3] |
		    b[i + 4] | b[i + 5] | b[i + 6] | b[i + 7])
			break;
	}
	return i;
}

static fz_inline unsigned int fz_scalar_gather(struct fz_edges *list,
					       const struct fz_block *block)
{
	uint64_t carry = block->carry;
	unsigned int nr = 0, i;

	for (i = 0; i + 8 <= block->n; i += 8) {
		fz_edges_prefetch(block, i);
		nr = fz_edges_add(list, nr, block, i, i + 8, &carry);
	}
	return fz_edges_add(list, nr, block, i, block->n, &carry);
}

static void fz_scalar_edges(struct fz_bitmap_scan *scan)
{
	fz_edges_scan(scan, fz_scalar_zeros, fz_scalar_gather, fz_edges_put);
}

static bool fz_scalar_usable(void)
{
	return true;
}

const struct fz_bitmap_isa fz_bitmap_scalar = {
	.name = "c",
	.usable = fz_scalar_usable,
	.edges = fz_scalar_edges,
};
