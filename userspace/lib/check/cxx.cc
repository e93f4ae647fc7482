// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The headers are good for C++, too; this is only compiled.
 */
#include "fastzero.h"

int use(struct fastzero_ctx *ctx)
{
	struct fastzero_scratch *scratch = nullptr;
	struct fastzero_result result = {};
	struct fastzero_stats stats = {};
	int ret;

	result.size = sizeof(result);
	stats.size = sizeof(stats);
	ret = fastzero_scratch_create(ctx, 1 << 20, nullptr, &scratch);
	if (!ret)
		ret = fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &result);
	if (!ret)
		ret = fastzero_scratch_stats(scratch, &stats);
	fastzero_scratch_close(scratch);
	return ret;
}
