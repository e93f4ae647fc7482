// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-backends: contexts, and what scratches say of themselves.
 */
#include "backends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void check_open(struct here *h)
{
	struct fastzero_ctx_opts opts = FASTZERO_CTX_OPTS_INIT;
	struct fastzero_ctx *ctx;
	const char *why;
	int id;

	HERE(h, fastzero_backend(h->ctx) == (int)h->id);
	HERE(h, fastzero_scratch_backend(h->scratch) == (int)h->id);
	HERE(h, !strcmp(fastzero_backend_why(h->ctx), ""));

	/* By the environment. */
	setenv("FASTZERO_BACKEND", h->name, 1);
	HERE(h, fastzero_ctx_open(NULL, &ctx) == 0);
	HERE(h, fastzero_backend(ctx) == (int)h->id);
	HERE(h, !strcmp(fastzero_backend_why(ctx), ""));
	fastzero_ctx_close(ctx);
	opts.flags = FASTZERO_CTX_NEED_FD;
	HERE(h, fastzero_ctx_open(&opts, &ctx) == (h->has_fd ? 0 : -EINVAL));
	fastzero_ctx_close(ctx);
	setenv("FASTZERO_BACKEND", "nothing", 1);
	HERE(h, fastzero_ctx_open(NULL, &ctx) == -EINVAL && !ctx);
	HERE(h, strstr(fastzero_strerror(-EINVAL), "FASTZERO_BACKEND=nothing"));
	/* An option comes before it. */
	opts.flags = 0;
	opts.backend = h->id;
	HERE(h, fastzero_ctx_open(&opts, &ctx) == 0);
	fastzero_ctx_close(ctx);
	unsetenv("FASTZERO_BACKEND");

	/* The best that works: this one or a better one, and each worse says why. */
	HERE(h, fastzero_ctx_open(NULL, &ctx) == 0);
	id = fastzero_backend(ctx);
	HERE(h, id >= FASTZERO_BACKEND_DEVICE && id <= (int)h->id);
	why = fastzero_backend_why(ctx);
	HERE(h, why && (id == FASTZERO_BACKEND_DEVICE) == !*why);
	HERE(h, id == FASTZERO_BACKEND_DEVICE || !strncmp(why, "device: ", 8));
	fastzero_ctx_close(ctx);
	opts.backend = FASTZERO_BACKEND_ANY;
	opts.flags = FASTZERO_CTX_NEED_FD;
	HERE(h, fastzero_ctx_open(&opts, &ctx) == 0);
	id = fastzero_backend(ctx);
	HERE(h, id == FASTZERO_BACKEND_DEVICE || id == FASTZERO_BACKEND_MEMFD);
	fastzero_ctx_close(ctx);

	opts.flags = 0;
	opts.path = "/nonexistent/fastzero";
	HERE(h, fastzero_ctx_open(&opts, &ctx) == -ENOENT && !ctx);
	opts.backend = FASTZERO_BACKEND_MEMFD;
	HERE(h, fastzero_ctx_open(&opts, &ctx) == -EINVAL && !ctx);
	fastzero_ctx_close(NULL);
}

void check_info(struct here *h)
{
	struct {
		struct fastzero_info info;
		uint64_t later;		/* a version to come */
	} newer;

	memset(&newer, 0xee, sizeof(newer));
	newer.info.size = sizeof(newer);
	newer.info.flags = 0;
	HERE(h, fastzero_ctx_info(h->ctx, &newer.info) == 0);
	HERE(h, newer.info.size == sizeof(newer) && newer.later == 0);
	HERE(h, newer.info.out_page_size == PAGE && newer.info.out_max_length >= LENGTH);
	HERE(h, newer.info.out_max_scratches > 1);
	HERE(h, newer.info.out_features & FASTZERO_FEATURE_RESET_DIRTY);
	HERE(h, newer.info.out_features & FASTZERO_FEATURE_IDLE);
	HERE(h, h->is_device || !(newer.info.out_features & FASTZERO_FEATURE_WORKSET));
	newer.info.size = 16;
	HERE(h, fastzero_ctx_info(h->ctx, &newer.info) == -EINVAL);
	newer.info.size = sizeof(newer.info);
	newer.info.flags = 1;
	HERE(h, fastzero_ctx_info(h->ctx, &newer.info) == -EOPNOTSUPP);
	HERE(h, fastzero_ctx_info(h->ctx, NULL) == -EINVAL);
	HERE(h, (fastzero_ctx_fd(h->ctx) >= 0) == h->is_device);
	if (!h->is_device)
		HERE(h, fastzero_ctx_fd(h->ctx) == -EOPNOTSUPP);
}

/* What a scratch cannot be is refused with the same number everywhere. */
void check_create(struct here *h)
{
	struct fastzero_scratch_opts opts = FASTZERO_SCRATCH_OPTS_INIT;
	struct fastzero_info info = FASTZERO_INFO_INIT;
	struct fastzero_scratch *scratch;
	char name[FASTZERO_NAME_MAX + 2];

#define CREATE_IS(ret, length) do {					\
	scratch = (void *)1;						\
	HERE(h, fastzero_scratch_create(h->ctx, length, &opts, &scratch) == (ret)); \
	HERE(h, !scratch == !!(ret));					\
	if (!(ret))							\
		fastzero_scratch_close(scratch);			\
} while (0)
	HERE(h, fastzero_ctx_info(h->ctx, &info) == 0);
	CREATE_IS(-EINVAL, 0);
	CREATE_IS(-EINVAL, PAGE + 1);
	CREATE_IS(-EINVAL, info.out_max_length + PAGE);
	HERE(h, strstr(fastzero_strerror(-EINVAL), "beyond"));
	opts.flags = 1u << 31;
	CREATE_IS(-EOPNOTSUPP, PAGE);
	opts.flags = 0;
	opts.page_policy = 77;
	CREATE_IS(-EINVAL, PAGE);
	opts.page_policy = FASTZERO_PAGES_4K;
	CREATE_IS(0, PAGE);
	opts.node = 1;
	CREATE_IS(-EINVAL, PAGE);
	opts.node = 0;
	memset(name, 'n', sizeof(name));
	name[FASTZERO_NAME_MAX + 1] = 0;
	opts.name = name;
	CREATE_IS(-EINVAL, PAGE);
	name[FASTZERO_NAME_MAX] = 0;
	CREATE_IS(0, PAGE);
	if (!h->is_device) {
		opts.page_policy = FASTZERO_PAGES_2M;
		CREATE_IS(-EOPNOTSUPP, PAGE);
		opts.page_policy = 0;
		opts.flags = FASTZERO_CREATE_ZEROPAGE;
		CREATE_IS(-EOPNOTSUPP, PAGE);
	}
	HERE(h, fastzero_scratch_length(h->scratch) == LENGTH);
	HERE(h, (fastzero_scratch_fd(h->scratch) >= 0) == h->has_fd);
	if (!h->has_fd)
		HERE(h, fastzero_scratch_fd(h->scratch) == -EOPNOTSUPP);
}

void check_stats(struct here *h)
{
	struct fastzero_stats stats = FASTZERO_STATS_INIT, all = FASTZERO_STATS_INIT;
	const unsigned int mode = FASTZERO_MODE_AUTO;
	struct fastzero_result result = FASTZERO_RESULT_INIT;

	memset(h->ram, 1, 8 * PAGE);
	HERE(h, fastzero_scratch_stats(h->scratch, &stats) == 0);
	HERE(h, stats.out_scratches == 1 && stats.out_length == LENGTH);
	HERE(h, stats.out_populated >= 8 && stats.out_populated <= PAGES);
	HERE(h, stats.out_resets == 0);
	HERE(h, fastzero_reset_all(h->scratch, mode, &result) == 0);
	HERE(h, fastzero_reset_range(h->scratch, 0, PAGE, mode, NULL) == 0);
	HERE(h, fastzero_reset_idle(h->scratch, NULL) == 0);
	HERE(h, fastzero_scratch_stats(h->scratch, &stats) == 0);
	HERE(h, stats.out_resets == 3);
	HERE(h, stats.out_auto_inplace + stats.out_auto_swap + stats.out_auto_drop == 2);
	HERE(h, stats.out_cleared >= result.cleared && stats.out_dropped >= result.dropped);
	/* The table of backends says which of the two is counted. */
	if (h->id == FASTZERO_BACKEND_MEMFD)
		HERE(h, result.dropped == 8 && result.cleared == 0);
	else if (h->id == FASTZERO_BACKEND_PAGESCAN)
		HERE(h, result.cleared == 8 && result.dropped == 0);
	else if (h->id == FASTZERO_BACKEND_MEMSET)
		HERE(h, result.cleared == PAGES && result.dropped == 0);
	else if (h->id == FASTZERO_BACKEND_ANON)
		HERE(h, result.cleared == 0 && result.dropped == 0);
	HERE(h, fastzero_reset_all(h->scratch, FASTZERO_MODE_DROP, NULL) == 0);
	HERE(h, fastzero_scratch_stats(h->scratch, &stats) == 0 && stats.out_populated == 0);
	HERE(h, fastzero_ctx_stats(h->ctx, &all) == 0);
	HERE(h, all.out_scratches == 1 && all.out_length == LENGTH);
	HERE(h, all.out_resets == 4 && all.out_cleared == stats.out_cleared);
	stats.size = 8;
	HERE(h, fastzero_scratch_stats(h->scratch, &stats) == -EINVAL);
	HERE(h, fastzero_ctx_stats(h->ctx, &stats) == -EINVAL);
	stats.size = sizeof(stats);
	stats.flags = 1;
	HERE(h, fastzero_scratch_stats(h->scratch, &stats) == -EOPNOTSUPP);
	HERE(h, fastzero_scratch_stats(h->scratch, NULL) == -EINVAL);
	/* What is gone still counts. */
	HERE(h, fastzero_unmap(h->ram, LENGTH) == 0);
	h->ram = NULL;
	fastzero_scratch_close(h->scratch);
	h->scratch = NULL;
	HERE(h, fastzero_ctx_stats(h->ctx, &all) == 0);
	HERE(h, all.out_scratches == 0 && all.out_length == 0 && all.out_resets == 4);
}

void check_populate(struct here *h)
{
	struct fastzero_populated populated = FASTZERO_POPULATED_INIT;
	struct fastzero_stats stats = FASTZERO_STATS_INIT;

	h->ram[PAGE] = 1;
	HERE(h, fastzero_populate_range(h->scratch, 0, 8 * PAGE, 0, &populated) == 0);
	HERE(h, populated.done == 8 * PAGE && populated.mapped == 8);
	HERE(h, populated.added <= 7);
	HERE(h, h->ram[PAGE] == 1 && all_are(h->ram + 2 * PAGE, 6 * PAGE, 0));
	HERE(h, fastzero_scratch_stats(h->scratch, &stats) == 0);
	HERE(h, stats.out_populated >= 8);
	/* Huge pages come as a whole. */
	if (stats.out_populated == 8)
		HERE(h, populated.added == 7);
	HERE(h, fastzero_populate_range(h->scratch, 0, 8 * PAGE, 0, &populated) == 0);
	HERE(h, populated.added == 0);
	HERE(h, fastzero_unmap(h->ram, LENGTH) == 0);
	h->ram = NULL;
	HERE(h, fastzero_populate_range(h->scratch, 0, LENGTH, 0, &populated) ==
		(h->has_fd ? 0 : -EOPNOTSUPP));
	HERE(h, populated.done == (h->has_fd ? LENGTH : 0) && populated.mapped == 0);
}

/* To a file and back, and what is no working set. */
static void workset_file(struct here *h)
{
	char before[4096], after[4096], path[] = "/tmp/fastzero-set.XXXXXX";
	int64_t size;
	int fd = mkstemp(path);

	HERE(h, fd >= 0);
	h->ram[7 * PAGE] = 1;
	size = fastzero_workset_read(h->scratch, before, sizeof(before));
	HERE(h, size > 0);
	HERE(h, fastzero_workset_load(h->scratch, path) == -EINVAL);
	HERE(h, write(fd, before, sizeof(before)) == sizeof(before));
	HERE(h, fastzero_workset_load(h->scratch, path) == -EINVAL);
	HERE(h, fastzero_workset_load(h->scratch, "/tmp") == -EINVAL);
	HERE(h, fastzero_workset_save(h->scratch, path) == 0);
	HERE(h, fastzero_workset_clear(h->scratch) == 0);
	HERE(h, fastzero_workset_load(h->scratch, path) == 0);
	HERE(h, fastzero_workset_read(h->scratch, after, sizeof(after)) == size);
	HERE(h, !memcmp(before, after, size));
	close(fd);
	unlink(path);
}

/* What only the module has. */
void check_lacks(struct here *h)
{
	struct fastzero_pool_state state = FASTZERO_POOL_STATE_INIT;
	struct fastzero_zero_result zero = FASTZERO_ZERO_RESULT_INIT;
	const int ret = h->is_device ? 0 : -EOPNOTSUPP;
	char buffer[4096];
	int64_t size;

	HERE(h, fastzero_ctx_pool(h->ctx, 0, 4, FASTZERO_POOL_WAIT, &state) == ret);
	HERE(h, fastzero_ctx_pool_node(h->ctx, 0, 0, 4, 0, &state) == ret);
	HERE(h, fastzero_ctx_zero(h->ctx, 0, FASTZERO_ZERO_ONCE, &zero) == ret);
	if (fastzero_ctx_zero_start(h->ctx))
		HERE(h, fastzero_ctx_zero_start(h->ctx) == -EOPNOTSUPP);
	HERE(h, fastzero_ctx_zero_stop(h->ctx) == ret);
	h->ram[3 * PAGE] = 1;
	size = fastzero_workset_read(h->scratch, buffer, sizeof(buffer));
	HERE(h, h->is_device ? size > 0 : size == -EOPNOTSUPP);
	HERE(h, fastzero_workset_write(h->scratch, buffer, size > 0 ? size : 0) == ret);
	HERE(h, fastzero_populate_range(h->scratch, 0, LENGTH, FASTZERO_POPULATE_WORKSET,
					NULL) == ret);
	HERE(h, fastzero_workset_clear(h->scratch) == ret);
	HERE(h, fastzero_workset_save(h->scratch, "/nonexistent/set") ==
		(h->is_device ? -ENOENT : -EOPNOTSUPP));
	HERE(h, fastzero_workset_load(h->scratch, "/nonexistent/set") ==
		(h->is_device ? -ENOENT : -EOPNOTSUPP));
	if (h->is_device)
		workset_file(h);
	if (ret)
		HERE(h, strstr(fastzero_strerror(ret), h->name));
}
