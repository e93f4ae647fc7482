// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the backend anon, anonymous memory that is dropped.
 */
#include "soft.h"

static int anon_reset(struct fz_memory *memory, uint64_t offset, uint64_t length,
		      unsigned int mode, struct fz_done *done)
{
	(void)mode;
	(void)done;
	return fz_pages_drop_range(memory, offset, length);
}

static const struct fz_soft_ops anon_ops = {
	.modes		= 1u << FASTZERO_MODE_AUTO | 1u << FASTZERO_MODE_DROP,
	.features	= FASTZERO_FEATURE_RESET_DIRTY | FASTZERO_FEATURE_IDLE,
	.is_private	= true,
	.reset		= anon_reset,
};

const struct fz_backend fz_backend_anon = {
	.id		= FASTZERO_BACKEND_ANON,
	.name		= "anon",
	.create		= fz_soft_create,
	.soft		= &anon_ops,
	FZ_SOFT_BACKEND,
};
