// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit checks of libfastzero, on a stand-in for the module: /dev/null for the
 * device, a memfd for a scratch.
 */
#include "check.h"
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	4096
#define LENGTH	(16 * PAGE)

static struct fastzero_ctx *open_ctx(void)
{
	struct fastzero_ctx_opts opts = { .size = sizeof(opts), .path = "/dev/null" };
	struct fastzero_ctx *ctx = NULL;

	CHECK(fastzero_ctx_open(&opts, &ctx) == 0);
	return ctx;
}

static void check_open(void)
{
	struct {
		struct fastzero_ctx_opts opts;
		uint64_t later;		/* a version to come */
	} newer = { .opts = { .size = sizeof(newer), .path = "/dev/null" } };
	struct fastzero_ctx_opts opts = { .size = sizeof(opts) };
	struct fastzero_ctx *ctx = NULL;
	char file[] = "/tmp/fastzero-unit.XXXXXX";
	struct stat st;
	int fd;

	opts.path = "/nonexistent/fastzero";
	CHECK(fastzero_ctx_open(&opts, &ctx) == -ENOENT);
	/* What QEMU leaves at the path when the module was not loaded. */
	fd = mkstemp(file);
	CHECK(fd >= 0);
	opts.path = file;
	CHECK(fastzero_ctx_open(&opts, &ctx) == -ENOTTY);
	close(fd);
	unlink(file);
	opts.path = "/dev/null";
	opts.flags = 1u << 31;
	CHECK(fastzero_ctx_open(&opts, &ctx) == -EOPNOTSUPP);
	opts.flags = 0;
	opts.__reserved = 1;
	CHECK(fastzero_ctx_open(&opts, &ctx) == -EINVAL);
	opts.__reserved = 0;
	opts.backend = 77;
	CHECK(fastzero_ctx_open(&opts, &ctx) == -EINVAL);
	opts.backend = FASTZERO_BACKEND_DEVICE;
	opts.flags = FASTZERO_CTX_NEED_FD;
	CHECK(fastzero_ctx_open(&opts, &ctx) == 0);
	fastzero_ctx_close(ctx);
	/* A program of before there were backends. */
	memset(&opts.backend, 0xee, sizeof(opts) - offsetof(struct fastzero_ctx_opts, backend));
	opts.flags = 0;
	opts.size = offsetof(struct fastzero_ctx_opts, backend);
	CHECK(fastzero_ctx_open(&opts, &ctx) == 0);
	fastzero_ctx_close(ctx);
	opts.size = 4;
	CHECK(fastzero_ctx_open(&opts, &ctx) == -EINVAL);
	newer.later = 1;
	CHECK(fastzero_ctx_open(&newer.opts, &ctx) == -E2BIG);
	CHECK(!ctx);
	newer.later = 0;
	CHECK(fastzero_ctx_open(&newer.opts, &ctx) == 0);
	CHECK(ctx && fcntl(fastzero_ctx_fd(ctx), F_GETFD) == FD_CLOEXEC);
	fd = fastzero_ctx_fd(ctx);
	fastzero_ctx_close(ctx);
	CHECK(fstat(fd, &st) == -1 && errno == EBADF);
	fastzero_ctx_close(NULL);

	/* A memfd is neither, and stays the caller's. */
	fd = memfd_create("other", MFD_CLOEXEC);
	CHECK(fastzero_ctx_adopt(fd, &ctx) == -ENOTTY);
	CHECK(fstat(fd, &st) == 0);
	close(fd);
}

static void check_queries(struct fastzero_ctx *ctx)
{
	/* Its members, for it grows. */
	enum { NR = sizeof(struct fastzero_stats) / sizeof(uint64_t) };
	union {
		struct fastzero_stats stats;
		uint64_t member[NR + 1];
	} newer;
	struct fastzero_info info = { .size = sizeof(info) };

	CHECK(fastzero_ctx_info(ctx, &info) == 0 && info.out_features == ONES &&
	      info.out_max_pages == ONES);
	info.size = 4;
	CHECK(fastzero_ctx_info(ctx, &info) == -EINVAL);

	/* A module older than the program: its end is zero, not garbage. */
	memset(&newer, 0xee, sizeof(newer));
	newer.stats.size = sizeof(newer.stats);
	newer.stats.flags = 0;
	fake.delta = -8;
	CHECK(fastzero_ctx_stats(ctx, &newer.stats) == 0);
	CHECK(newer.member[NR - 2] == ONES && newer.member[NR - 1] == 0);
	CHECK(newer.stats.size == sizeof(newer.stats));

	/* A module newer than the program. */
	memset(&newer, 0xee, sizeof(newer));
	newer.stats.size = sizeof(newer.stats);
	newer.stats.flags = 0;
	fake.delta = 8;
	CHECK(fastzero_ctx_stats(ctx, &newer.stats) == 0);
	CHECK(newer.member[NR - 1] == ONES);
	CHECK(newer.member[NR] == 0xeeeeeeeeeeeeeeeeull);
	fake.delta = 0;
}

static void check_pool(struct fastzero_ctx *ctx)
{
	struct fastzero_pool_state state = { .size = sizeof(state) };

	CHECK(fastzero_ctx_pool(ctx, 9, 77, FASTZERO_POOL_WAIT, &state) == 0);
	CHECK(fake.last.pool.order == 9 && fake.last.pool.target == 77 &&
	      fake.last.pool.flags == FASTZERO_POOL_WAIT);
	CHECK(state.ready == ONES && state.used == ONES);
	CHECK(fake.last.pool.node == 0);
	CHECK(fastzero_ctx_pool_node(ctx, 3, 9, 78, 0, &state) == 0);
	CHECK(fake.last.pool.node == 3 && fake.last.pool.target == 78 &&
	      fake.last.pool.order == 9 &&
	      fake.last.pool.flags == FASTZERO_POOL_NODE);
	CHECK(fastzero_ctx_pool(ctx, 0, 1, 0, NULL) == 0);
	state.size = 0;
	memset(&fake.last, 0, sizeof(fake.last));
	CHECK(fastzero_ctx_pool(ctx, 0, 78, 0, &state) == -EINVAL);
	CHECK(fake.last.pool.target == 0);
}

static void check_zero(struct fastzero_ctx *ctx)
{
	struct fastzero_zero_result result = { .size = sizeof(result) };

	CHECK(fastzero_ctx_zero(ctx, 5, FASTZERO_ZERO_ONCE, &result) == 0);
	CHECK(fake.last.zero.timeout_ms == 5 &&
	      fake.last.zero.flags == FASTZERO_ZERO_ONCE);
	CHECK(result.work == ONES && result.ns == ONES);
	/* What was done is said of a call that a signal ended, too. */
	memset(&result, 0, sizeof(result));
	result.size = sizeof(result);
	fake.error = -EINTR;
	CHECK(fastzero_ctx_zero(ctx, 0, 0, &result) == -EINTR);
	CHECK(result.work == ONES);
	fake.error = 0;
	CHECK(fastzero_ctx_zero(ctx, 0, 0, NULL) == 0);
	result.size = 0;
	memset(&fake.last, 0, sizeof(fake.last));
	CHECK(fastzero_ctx_zero(ctx, 1, 0, &result) == -EINVAL);
	CHECK(fake.last.zero.timeout_ms == 0);
	CHECK(fastzero_ctx_zero_start(ctx) == 0);
	CHECK(fake.last.zero.flags == FASTZERO_ZERO_THREAD &&
	      fake.last.zero.timeout_ms == 0);
	CHECK(fastzero_ctx_zero_stop(ctx) == 0);
	CHECK(fake.last.zero.flags == FASTZERO_ZERO_NO_THREAD);
	fake.error = -EBUSY;
	CHECK(fastzero_ctx_zero_start(ctx) == -EBUSY);
	fake.error = 0;
	fake.ancient = true;
	CHECK(fastzero_ctx_zero(ctx, 1, 0, NULL) == -EOPNOTSUPP);
	CHECK(fastzero_ctx_zero_start(ctx) == -EOPNOTSUPP);
	fake.ancient = false;
}

static void check_create(struct fastzero_ctx *ctx)
{
	struct fastzero_scratch_opts opts = {
		.size = sizeof(opts),
		.flags = FASTZERO_CREATE_NODE,
		.page_policy = FASTZERO_PAGES_4K,
		.node = 3,
		.name = "guest",
	};
	struct fastzero_scratch *scratch = NULL;
	struct fastzero_scratch *second = NULL;
	int fd;

	CHECK(fastzero_scratch_create(ctx, LENGTH, &opts, &scratch) == 0);
	CHECK(fake.last.create.length == LENGTH && fake.last.create.node == 3 &&
	      fake.last.create.flags == FASTZERO_CREATE_NODE &&
	      fake.last.create.name == (uintptr_t)opts.name &&
	      fake.last.create.page_policy == FASTZERO_PAGES_4K);
	CHECK(fastzero_scratch_length(scratch) == LENGTH);
	CHECK(fastzero_scratch_fd(scratch) == fake.scratch);

	fd = fcntl(fake.scratch, F_DUPFD_CLOEXEC, 0);
	CHECK(fastzero_scratch_adopt(fd, &second) == -ENOTTY);
	fake.scratch = fd;
	CHECK(fastzero_scratch_adopt(fd, &second) == 0);
	CHECK(fastzero_scratch_length(second) == LENGTH);
	fastzero_scratch_close(second);
	CHECK(fastzero_scratch_adopt(fastzero_ctx_fd(ctx), &second) == -ENOTTY && !second);
	fastzero_scratch_close(scratch);
	fastzero_scratch_close(NULL);
}

static void check_null(void)
{
	struct fastzero_bitmap_opts opts = FASTZERO_BITMAP_OPTS_INIT;
	struct fastzero_scratch *scratch = (void *)1;
	struct fastzero_stats stats = FASTZERO_STATS_INIT;
	struct fastzero_info info = FASTZERO_INFO_INIT;
	struct fastzero_ctx *ctx = (void *)1;
	void *addr = &addr;
	const int fd = 0;

	CHECK(fastzero_ctx_open(NULL, NULL) == -EINVAL);
	CHECK(fastzero_ctx_adopt(-1, NULL) == -EINVAL);
	CHECK(fastzero_ctx_adopt(-1, &ctx) == -EBADF && !ctx);
	CHECK(fastzero_backend(NULL) == -EINVAL && !fastzero_backend_why(NULL));
	CHECK(fastzero_backend_parse(NULL) == -EINVAL);
	CHECK(fastzero_ctx_fd(NULL) == -EINVAL);
	CHECK(fastzero_ctx_info(NULL, &info) == -EINVAL);
	CHECK(fastzero_ctx_stats(NULL, &stats) == -EINVAL);
	CHECK(fastzero_ctx_pool(NULL, 0, 0, 0, NULL) == -EINVAL);
	CHECK(fastzero_ctx_pool_node(NULL, 0, 0, 0, 0, NULL) == -EINVAL);
	CHECK(fastzero_ctx_zero(NULL, 0, 0, NULL) == -EINVAL);
	CHECK(fastzero_ctx_zero_start(NULL) == -EINVAL);
	CHECK(fastzero_ctx_zero_stop(NULL) == -EINVAL);
	CHECK(fastzero_scratch_create(NULL, PAGE, NULL, &scratch) == -EINVAL && !scratch);
	scratch = (void *)1;
	CHECK(fastzero_scratch_adopt(-1, &scratch) == -EBADF && !scratch);
	CHECK(fastzero_scratch_adopt(-1, NULL) == -EINVAL);
	CHECK(fastzero_scratch_fd(NULL) == -EINVAL);
	CHECK(fastzero_scratch_length(NULL) == 0);
	CHECK(fastzero_scratch_backend(NULL) == -EINVAL);
	CHECK(fastzero_scratch_stats(NULL, &stats) == -EINVAL);
	CHECK(fastzero_map(NULL, NULL, &addr) == -EINVAL && !addr);
	CHECK(fastzero_reset_range(NULL, 0, PAGE, 0, NULL) == -EINVAL);
	CHECK(fastzero_reset_all(NULL, 0, NULL) == -EINVAL);
	CHECK(fastzero_reset_idle(NULL, NULL) == -EINVAL);
	CHECK(fastzero_reset_many(NULL, &fd, 1, 0, NULL) == -EINVAL);
	CHECK(fastzero_reset_bitmap(NULL, &opts, NULL) == -EINVAL);
	CHECK(fastzero_populate_range(NULL, 0, PAGE, 0, NULL) == -EINVAL);
	CHECK(fastzero_workset_read(NULL, NULL, 0) == -EINVAL);
	CHECK(fastzero_workset_write(NULL, NULL, 0) == -EINVAL);
	CHECK(fastzero_workset_clear(NULL) == -EINVAL);
	CHECK(fastzero_mode_parse(NULL) == -EINVAL);
	CHECK(fastzero_scratch_send(NULL, 0) == -EINVAL);
	CHECK(fastzero_reset_scratches(NULL, NULL, 1, 0, NULL) == -EINVAL);
	CHECK(fastzero_workset_save(NULL, "x") == -EINVAL);
	CHECK(fastzero_workset_load(NULL, "x") == -EINVAL);
}

static void check_names(struct fastzero_ctx *ctx)
{
	unsigned int id;

	for (id = 0; fastzero_backend_name(id); id++)
		CHECK(fastzero_backend_parse(fastzero_backend_name(id)) == (int)id);
	CHECK(id > FASTZERO_BACKEND_DEVICE);
	CHECK(fastzero_backend_parse("") == -EINVAL);
	CHECK(fastzero_backend(ctx) == FASTZERO_BACKEND_DEVICE);
	CHECK(!strcmp(fastzero_backend_why(ctx), ""));
}

static void check_reset(struct fastzero_scratch *scratch)
{
	struct fastzero_result result = { .size = sizeof(result) };
	struct {
		struct fastzero_result result;
		uint64_t later;
	} newer = { .result = { .size = sizeof(newer) }, .later = 5 };
	struct fastzero_populated populated = { .size = sizeof(populated) };

	CHECK(fastzero_reset_range(scratch, PAGE, 2 * PAGE, FASTZERO_MODE_DROP,
				   &result) == 0);
	CHECK(fake.last.reset.offset == PAGE && fake.last.reset.length == 2 * PAGE &&
	      fake.last.reset.mode == FASTZERO_MODE_DROP);
	CHECK(result.done == ONES && result.held == ONES);
	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, NULL) == 0);
	CHECK(fake.last.reset.offset == 0 && fake.last.reset.length == LENGTH);

	CHECK(fake.last.reset.flags == 0);
	result.done = 0;
	CHECK(fastzero_reset_idle(scratch, &result) == 0);
	CHECK(fake.last.reset.flags == FASTZERO_RESET_IDLE &&
	      fake.last.reset.offset == 0 && fake.last.reset.length == LENGTH);
	CHECK(result.done == ONES);

	/* A program newer and one older than the library. */
	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &newer.result) == 0);
	CHECK(newer.result.held == ONES && newer.later == 0);
	result.size = offsetof(struct fastzero_result, held);
	result.held = 5;
	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &result) == 0);
	CHECK(result.dropped == ONES && result.held == 5);
	result.size = 7;
	memset(&fake.last, 0, sizeof(fake.last));
	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_DROP, &result) == -EINVAL);
	CHECK(fake.last.reset.length == 0);

	/* A failure says how far it came. */
	fake.error = -EINTR;
	result.size = sizeof(result);
	result.done = 0;
	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &result) == -EINTR);
	CHECK(result.done == ONES);
	CHECK(fastzero_populate_range(scratch, PAGE, PAGE,
				      FASTZERO_POPULATE_WORKSET, &populated) == -EINTR);
	CHECK(populated.done == ONES && populated.mapped == ONES);
	fake.error = 0;
	CHECK(fake.last.populate.offset == PAGE && fake.last.populate.length == PAGE &&
	      fake.last.populate.flags == FASTZERO_POPULATE_WORKSET);
}

static void check_many(const struct fastzero_ctx *ctx)
{
	struct fastzero_result result = { .size = sizeof(result) };
	const int fds[] = { 3, 4 };

	CHECK(fastzero_reset_many(ctx, fds, 2, FASTZERO_MODE_DROP, &result) == 0);
	CHECK(fake.last.reset_many.fds == (uintptr_t)fds &&
	      fake.last.reset_many.nr == 2 &&
	      fake.last.reset_many.mode == FASTZERO_MODE_DROP);
	CHECK(result.done == (uint32_t)ONES && result.held == ONES);
	fake.error = -EBADF;
	result.done = 0;
	CHECK(fastzero_reset_many(ctx, fds, 2, FASTZERO_MODE_AUTO, &result) == -EBADF);
	CHECK(result.done == (uint32_t)ONES);
	fake.error = 0;
	fake.ancient = true;
	CHECK(fastzero_reset_many(ctx, fds, 2, FASTZERO_MODE_AUTO, NULL) == -EOPNOTSUPP);
	fake.ancient = false;
	result.size = 7;
	CHECK(fastzero_reset_many(ctx, fds, 2, FASTZERO_MODE_AUTO, &result) == -EINVAL);
}

static void check_bitmap_workset(struct fastzero_scratch *scratch)
{
	struct fastzero_bitmap_opts opts = {
		.size = sizeof(opts),
		.offset = PAGE,
		.bitmap_size = 8,
		.mode = FASTZERO_MODE_INPLACE,
		.granule_shift = 12,
	};
	struct fastzero_result result = { .size = sizeof(result) };
	uint64_t bits = 5;
	char buffer[16];

	opts.bitmap = &bits;
	CHECK(fastzero_reset_bitmap(scratch, &opts, &result) == 0);
	CHECK(result.cleared == ONES && result.held == ONES);
	CHECK(fake.last.reset_dirty.bitmap == (uintptr_t)&bits &&
	      fake.last.reset_dirty.bitmap_size == 8 &&
	      fake.last.reset_dirty.length == LENGTH - PAGE &&
	      fake.last.reset_dirty.granule_shift == 12 &&
	      fake.last.reset_dirty.mode == FASTZERO_MODE_INPLACE);
	CHECK(fastzero_workset_read(scratch, buffer, sizeof(buffer)) == (int64_t)ONES);
	CHECK(fake.last.workset.op == FASTZERO_WORKSET_READ &&
	      fake.last.workset.buffer == (uintptr_t)buffer &&
	      fake.last.workset.buffer_size == sizeof(buffer));
	CHECK(fastzero_workset_write(scratch, buffer, sizeof(buffer)) == 0);
	CHECK(fake.last.workset.op == FASTZERO_WORKSET_WRITE);
	CHECK(fastzero_workset_clear(scratch) == 0);
	CHECK(fake.last.workset.op == FASTZERO_WORKSET_CLEAR &&
	      fake.last.workset.buffer == 0);

	/* A module that has never heard of these. */
	fake.ancient = true;
	CHECK(fastzero_reset_bitmap(scratch, &opts, &result) == -EOPNOTSUPP);
	CHECK(fastzero_workset_read(scratch, buffer, sizeof(buffer)) == -EOPNOTSUPP);
	CHECK(fastzero_workset_clear(scratch) == -EOPNOTSUPP);
	fake.ancient = false;
}

static void check_modes(void)
{
	unsigned int mode;

	for (mode = FASTZERO_MODE_AUTO; mode <= FASTZERO_MODE_DROP; mode++)
		CHECK(fastzero_mode_parse(fastzero_mode_name(mode)) == (int)mode);
	CHECK(!fastzero_mode_name(FASTZERO_MODE_DROP + 1));
	CHECK(fastzero_mode_parse("Drop") == -EINVAL);
	CHECK(fastzero_mode_parse("") == -EINVAL);
}

int main(void)
{
	struct fastzero_scratch *scratch = NULL;
	struct fastzero_ctx *ctx;

	check_modes();
	check_null();
	check_open();
	ctx = open_ctx();
	check_queries(ctx);
	check_pool(ctx);
	check_zero(ctx);
	check_create(ctx);
	check_names(ctx);
	CHECK(fastzero_scratch_create(ctx, LENGTH, NULL, &scratch) == 0);
	CHECK(fastzero_scratch_backend(scratch) == FASTZERO_BACKEND_DEVICE);
	check_reset(scratch);
	check_many(ctx);
	check_bitmap_workset(scratch);
	fastzero_scratch_close(scratch);
	fastzero_ctx_close(ctx);
	return check_end("unit");
}
