// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The headers are good for C++, of 1998 and of today; this is only compiled.
 */
#include "fastzero.h"
#include "fastzero_doctor.h"

static int open_any(struct fastzero_ctx **ctx)
{
	struct fastzero_ctx_opts opts = FASTZERO_CTX_OPTS_INIT;

	opts.backend = FASTZERO_BACKEND_ANY;
	return fastzero_ctx_open(&opts, ctx);
}

int use()
{
	struct fastzero_scratch *scratch = NULL;
	struct fastzero_map_opts map = FASTZERO_MAP_OPTS_INIT;
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	struct fastzero_stats stats = FASTZERO_STATS_INIT;
	struct fastzero_ctx *ctx = NULL;
	void *addr = NULL;
	int ret;

	ret = open_any(&ctx);
	if (!ret)
		ret = fastzero_scratch_create(ctx, 1 << 20, NULL, &scratch);
	map.guard = 1 << 16;
	if (!ret)
		ret = fastzero_map(scratch, &map, &addr);
	if (!ret)
		ret = fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &result);
	if (!ret)
		ret = fastzero_scratch_stats(scratch, &stats);
	fastzero_scratch_close(scratch);
	fastzero_ctx_close(ctx);
	return ret;
}
