// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-live: libfastzero on the module itself.
 */
#include "check.h"
#include "fastzero.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096ul
#define PAGES	64ul
#define LENGTH	(PAGES * PAGE)

static uint64_t nonzero(const void *memory, size_t size)
{
	const unsigned char *bytes = memory;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < size; i++)
		n += bytes[i] != 0;
	return n;
}

static void check_info(const struct fastzero_ctx *ctx)
{
	struct {
		struct fastzero_info info;
		uint64_t later;		/* a version to come */
	} newer;

	memset(&newer, 0xee, sizeof(newer));
	newer.info.size = sizeof(newer);
	newer.info.flags = 0;
	CHECK(fastzero_ctx_info(ctx, &newer.info) == 0);
	CHECK(newer.info.out_page_size == PAGE && newer.info.out_max_length >= LENGTH);
	CHECK(newer.info.out_modes & (1 << FASTZERO_MODE_AUTO));
	CHECK(newer.later == 0);
	newer.info.size = 16;
	CHECK(fastzero_ctx_info(ctx, &newer.info) == -EINVAL);
}

static void check_pool(const struct fastzero_ctx *ctx)
{
	struct fastzero_pool_state state = { .size = sizeof(state) };
	struct fastzero_stats stats = { .size = sizeof(stats) };

	CHECK(fastzero_ctx_pool(ctx, 0, 32, FASTZERO_POOL_WAIT, &state) == 0);
	CHECK(state.ready >= 32);
	CHECK(fastzero_ctx_stats(ctx, &stats) == 0);
	CHECK(stats.out_pool_target == 32 && stats.out_owned >= 32);
	CHECK(fastzero_ctx_pool(ctx, 63, 1, 0, NULL) < 0);
	CHECK(fastzero_ctx_pool(ctx, 0, UINT64_MAX, 0, NULL) < 0);
	CHECK(fastzero_ctx_stats(ctx, &stats) == 0 && stats.out_pool_target == 32);
}

static void check_zero(const struct fastzero_ctx *ctx)
{
	struct fastzero_zero_result result = { .size = sizeof(result) };
	struct fastzero_info info = { .size = sizeof(info) };

	/* It may be 0: a kernel whose clock has failed goes by ticks. */
	result.ns = UINT64_MAX;
	CHECK(fastzero_ctx_zero(ctx, 0, FASTZERO_ZERO_ONCE, &result) == 0);
	CHECK(result.ns != UINT64_MAX);
	CHECK(fastzero_ctx_zero(ctx, 10, 0, NULL) == 0);
	CHECK(fastzero_ctx_zero(ctx, 0, 1u << 31, NULL) == -EOPNOTSUPP);
	CHECK(fastzero_ctx_info(ctx, &info) == 0);
	if (info.out_features & FASTZERO_FEATURE_THREAD)
		CHECK(fastzero_ctx_zero_start(ctx) == 0);
	else
		CHECK(fastzero_ctx_zero_start(ctx) == -EOPNOTSUPP);
	CHECK(fastzero_ctx_zero_stop(ctx) == 0);
}

static void check_reset(const struct fastzero_ctx *ctx,
			const struct fastzero_scratch *scratch, char *ram)
{
	const int fd = fastzero_scratch_fd(scratch), none = -1;
	struct fastzero_result result = { .size = sizeof(result) };
	struct fastzero_stats stats = { .size = sizeof(stats) };

	memset(ram, 0xff, LENGTH);
	CHECK(fastzero_reset_range(scratch, PAGE, 2 * PAGE, FASTZERO_MODE_INPLACE,
				   &result) == 0);
	CHECK(result.done == 2 * PAGE && result.cleared == 2);
	CHECK(nonzero(ram, LENGTH) == LENGTH - 2 * PAGE);
	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_DROP, &result) == 0);
	CHECK(result.done == LENGTH && result.dropped == PAGES);
	CHECK(fastzero_scratch_stats(scratch, &stats) == 0);
	CHECK(stats.out_populated == 0 && stats.out_scratches == 1 &&
	      stats.out_length == LENGTH);
	CHECK(nonzero(ram, LENGTH) == 0);
	CHECK(fastzero_reset_idle(scratch, &result) == 0);
	CHECK(result.done == LENGTH && result.cleared == 0);
	memset(ram, 0xff, LENGTH);
	CHECK(fastzero_reset_many(ctx, &fd, 1, FASTZERO_MODE_DROP, &result) == 0);
	CHECK(result.done == 1 && result.dropped == PAGES);
	CHECK(nonzero(ram, LENGTH) == 0);
	CHECK(fastzero_reset_many(ctx, &none, 1, FASTZERO_MODE_DROP, &result) == -EBADF);
	CHECK(result.done == 0);
	CHECK(fastzero_reset_range(scratch, 1, PAGE, FASTZERO_MODE_AUTO, &result) == -EINVAL);
	CHECK(fastzero_reset_all(scratch, 77, NULL) < 0);
}

static void check_populate(const struct fastzero_scratch *scratch, char *ram)
{
	struct fastzero_populated populated = { .size = sizeof(populated) };

	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_DROP, NULL) == 0);
	ram[PAGE] = 1;
	CHECK(fastzero_populate_range(scratch, 0, 8 * PAGE, 0, &populated) == 0);
	CHECK(populated.done == 8 * PAGE && populated.added == 7);
	CHECK(ram[PAGE] == 1);
}

/* With that flag a hole that is read takes no page. */
static void check_zeropage(const struct fastzero_ctx *ctx, bool there)
{
	struct fastzero_scratch_opts opts = {
		.size = sizeof(opts),
		.flags = FASTZERO_CREATE_ZEROPAGE,
	};
	struct fastzero_stats stats = { .size = sizeof(stats) };
	struct fastzero_scratch *scratch;
	int ret = fastzero_scratch_create(ctx, 8 * PAGE, &opts, &scratch);
	void *ram;

	if (!there) {
		CHECK(ret == -EOPNOTSUPP);
		return;
	}
	CHECK(ret == 0);
	CHECK(fastzero_map(scratch, NULL, &ram) == 0);
	CHECK(((volatile char *)ram)[PAGE] == 0);
	CHECK(fastzero_scratch_stats(scratch, &stats) == 0 &&
	      stats.out_populated == 0);
	CHECK(fastzero_unmap(ram, 8 * PAGE) == 0);
	fastzero_scratch_close(scratch);
}

/* What INFO does not promise is refused as such; what it promises works. */
static void check_optional(const struct fastzero_ctx *ctx,
			   const struct fastzero_scratch *scratch, char *ram)
{
	struct fastzero_info info = { .size = sizeof(info) };
	uint64_t bits = 1;
	struct fastzero_bitmap_opts opts = {
		.size = sizeof(opts),
		.bitmap = &bits,
		.bitmap_size = sizeof(bits),
		.granule_shift = 12,
	};
	int ret;

	CHECK(fastzero_ctx_info(ctx, &info) == 0);
	ram[0] = 1;
	ram[PAGE] = 1;
	ret = fastzero_reset_bitmap(scratch, &opts, NULL);
	if (info.out_features & FASTZERO_FEATURE_RESET_DIRTY)
		CHECK(ret == 0 && ram[0] == 0 && ram[PAGE] == 1);
	else
		CHECK(ret == -EOPNOTSUPP && ram[0] == 1);
	check_zeropage(ctx, info.out_features & FASTZERO_FEATURE_ZEROPAGE);
	ret = fastzero_workset_clear(scratch);
	if (info.out_features & FASTZERO_FEATURE_WORKSET)
		CHECK(ret == 0);
	else
		CHECK(ret == -EOPNOTSUPP);
}

/* The other process: it knows nothing but the socket. */
static int other_process(int sock)
{
	struct fastzero_scratch *scratch;
	void *addr;
	int ret;

	failed = 0;
	ret = fastzero_scratch_recv(sock, &scratch);
	CHECK(ret == 0);
	if (ret)
		return 1;
	CHECK(fastzero_scratch_length(scratch) == LENGTH);
	CHECK(fastzero_map(scratch, NULL, &addr) == 0);
	CHECK(*(char *)addr == 42);
	CHECK(fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, NULL) == 0);
	CHECK(*(char *)addr == 0);
	fastzero_scratch_close(scratch);
	return failed != 0;
}

static void check_passing(const struct fastzero_scratch *scratch, char *ram)
{
	int socks[2];
	int status;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, socks) == 0);
	memset(ram, 42, LENGTH);
	pid = fork();
	if (!pid)
		_exit(other_process(socks[1]));
	CHECK(fastzero_scratch_send(scratch, socks[0]) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(nonzero(ram, LENGTH) == 0);
	close(socks[0]);
	close(socks[1]);
}

static void check_adopt(const struct fastzero_ctx *ctx,
			const struct fastzero_scratch *scratch)
{
	struct fastzero_scratch *no_scratch;
	struct fastzero_ctx *second;
	int fd;

	CHECK(fastzero_ctx_adopt(fastzero_scratch_fd(scratch), &second) == -ENOTTY);
	CHECK(fastzero_scratch_adopt(fastzero_ctx_fd(ctx), &no_scratch) == -ENOTTY);
	CHECK(fastzero_scratch_adopt(-1, &no_scratch) == -EBADF);
	fd = open(FASTZERO_DEVICE, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0 && fastzero_ctx_adopt(fd, &second) == 0);
	CHECK(fastzero_scratch_create(second, LENGTH, NULL, &no_scratch) == -EBADF);
	fastzero_ctx_close(second);
	fd = fcntl(fastzero_ctx_fd(ctx), F_DUPFD_CLOEXEC, 0);
	CHECK(fastzero_ctx_adopt(fd, &second) == 0);
	fastzero_ctx_close(second);
}

/* Between guard pages; and the mapping outlives both handles. */
static void check_life(struct fastzero_ctx *ctx, struct fastzero_scratch *scratch)
{
	struct fastzero_map_opts opts = {
		.size = sizeof(opts),
		.flags = FASTZERO_MAP_FIXED,
	};
	char *area = mmap(NULL, LENGTH + 2 * PAGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *addr;

	CHECK(area != MAP_FAILED);
	opts.addr = area + PAGE;
	CHECK(fastzero_map(scratch, &opts, &addr) == 0 && addr == area + PAGE);
	memset(addr, 7, LENGTH);
	fastzero_ctx_close(ctx);
	fastzero_scratch_close(scratch);
	CHECK(nonzero(addr, LENGTH) == LENGTH && area[PAGE] == 7);
	CHECK(fastzero_unmap(area, LENGTH + 2 * PAGE) == 0);
}

int main(void)
{
	struct fastzero_scratch *scratch;
	struct fastzero_ctx *ctx;
	void *addr;
	int ret;

	ret = fastzero_ctx_open(NULL, &ctx);
	if (ret) {
		fprintf(stderr, "live: " FASTZERO_DEVICE ": %s\n", strerror(-ret));
		return 2;
	}
	check_info(ctx);
	check_pool(ctx);
	check_zero(ctx);
	ret = fastzero_scratch_create(ctx, LENGTH + 1, NULL, &scratch);
	CHECK(ret == -EINVAL);
	ret = fastzero_scratch_create(ctx, LENGTH, NULL, &scratch);
	CHECK(ret == 0);
	if (!ret)
		ret = fastzero_map(scratch, NULL, &addr);
	CHECK(ret == 0);
	if (ret)
		return check_end("live");
	check_reset(ctx, scratch, addr);
	check_populate(scratch, addr);
	check_optional(ctx, scratch, addr);
	check_passing(scratch, addr);
	check_adopt(ctx, scratch);
	CHECK(fastzero_unmap(addr, LENGTH) == 0);
	check_life(ctx, scratch);
	return check_end("live");
}
