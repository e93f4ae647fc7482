// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the backend memset, anonymous memory that is cleared, touched or not.
 */
#include "soft.h"

#include <unistd.h>

static int memset_clear(struct fz_memory *memory, uint64_t offset, uint64_t length,
			struct fz_done *done)
{
	struct fz_segment part;
	struct iovec iov;
	size_t i = SIZE_MAX;
	int ret = 0;

	while (!ret && fz_segment_next(memory, offset, offset + length, &i, &part)) {
		iov.iov_base = part.addr;
		iov.iov_len = part.length;
		ret = fz_pages_clear(memory->soft->zero, &iov, 1);
		if (!ret)
			done->cleared += part.length / FZ_PAGE;
	}
	return ret;
}

static int memset_reset(struct fz_memory *memory, uint64_t offset, uint64_t length,
			unsigned int mode, struct fz_done *done)
{
	return mode == FASTZERO_MODE_DROP ? fz_pages_drop_range(memory, offset, length) :
					    memset_clear(memory, offset, length, done);
}

static void memset_close(struct fz_soft *soft)
{
	close(soft->zero);
}

static const struct fz_soft_ops memset_ops = {
	.modes		= 1u << FASTZERO_MODE_AUTO | 1u << FASTZERO_MODE_INPLACE |
			  1u << FASTZERO_MODE_DROP,
	.features	= FASTZERO_FEATURE_RESET_DIRTY | FASTZERO_FEATURE_IDLE,
	.is_private	= true,
	.open		= fz_pages_open_zero,
	.close		= memset_close,
	.reset		= memset_reset,
};

const struct fz_backend fz_backend_memset = {
	.id		= FASTZERO_BACKEND_MEMSET,
	.name		= "memset",
	.create		= fz_soft_create,
	.soft		= &memset_ops,
	FZ_SOFT_BACKEND,
};
