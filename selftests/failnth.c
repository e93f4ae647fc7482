// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation in a call fails once: the first, the second and so on, until the call
 * succeeds without a failure.  Each time the call returns a proper error, leaves nothing
 * behind, and works when it is tried again.  The test needs a kernel with fault injection
 * and debugfs.  Copies from and to user space fail as well if the kernel can do that
 * (EFAULT).
 */
#include "kselftest_harness.h"
#include "failnth.h"

#include <sys/uio.h>

#define PAGES	16
#define SIZE	(PAGES * fz_ps)
#define SEED	21
#define IN_USE	FZ_PARAM_DIR "pages_in_use"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

/* The objects that a call works on. */
struct fn_env {
	int ctx;
	int fd;
	unsigned char *map;
	int made_fd;
	void *made_map;
	uint32_t mode;
};

/**
 * struct fn_case - a call that is made to fail
 * @call: does it; 0, or -1 and errno, as ioctl(2)
 * @undo: after a success, NULL if closing all does
 * @alone: there is no context before
 * @filled: the scratch is full before
 * @keeps: a part of a failed call's work may stay
 * @efault: EFAULT is an answer as well
 * @mode: of a reset
 */
struct fn_case {
	int (*call)(struct fn_env *env);
	void (*undo)(struct fn_env *env);
	bool alone;
	bool filled;
	bool keeps;
	bool efault;
	uint32_t mode;
};

/* State that a failed call must leave as it was. */
struct fn_books {
	int fds;
	uint64_t number[7];
};

static struct fn_books fn_look(const struct fn_env *env)
{
	struct fn_books books = { .fds = fz_count_fds() };
	struct fastzero_stats st = { 0 };

	if (env->ctx >= 0 && fz_raw_stats(env->ctx, &st))
		abort();
	books.number[0] = st.out_scratches;
	books.number[1] = st.out_length;
	books.number[2] = st.out_populated;
	books.number[3] = st.out_pool_target;
	books.number[4] = st.out_pool_ready + st.out_pool_used;
	books.number[5] = st.out_pool_held;
	books.number[6] = st.out_owned;
	return books;
}

static bool fn_same(const struct fn_env *env, const struct fn_books *before)
{
	struct fn_books now = fn_look(env);

	return !memcmp(&now, before, sizeof(now));
}

/* Pages that the context owns are in its scratches or in its pool. */
static bool fn_adds_up(const struct fn_env *env)
{
	struct fn_books b = fn_look(env);

	return b.number[6] == b.number[2] + b.number[4] + b.number[5];
}

static void fn_end(struct fn_env *env)
{
	if (env->map != MAP_FAILED)
		munmap(env->map, SIZE);
	if (env->fd >= 0)
		close(env->fd);
	if (env->ctx >= 0)
		close(env->ctx);
	env->map = MAP_FAILED;
	env->ctx = env->fd = -1;
}

static bool fn_begin(struct fn_env *env, const struct fn_case *c)
{
	env->ctx = env->fd = env->made_fd = -1;
	env->map = env->made_map = MAP_FAILED;
	env->mode = c->mode;
	if (c->alone)
		return true;
	env->ctx = fz_raw_open();
	env->fd = fz_raw_create(env->ctx, SIZE, 0, 0, 0);
	env->map = fz_raw_map(env->fd, 0, SIZE);
	if (env->map == MAP_FAILED)
		return false;
	if (c->filled)
		fz_fill(env->map, 0, SIZE, SEED);
	return true;
}

/* Describes the mistake after a call that failed with @err, "" if there is none. */
static const char *fn_judge(struct fn_env *env, const struct fn_case *c,
			    const struct fn_books *before, int err)
{
	if (err != ENOMEM && !(err == EFAULT && c->efault))
		return "not one of its errors";
	if (!c->keeps && !fz_until(fn_same(env, before), FZ_PATIENCE_MS))
		return "something changed";
	if (!fz_until(fn_adds_up(env), FZ_PATIENCE_MS))
		return "the books are wrong";
	if (c->call(env))
		return "the second try fails";
	return "";
}

/* One round: the @nth chance to fail is taken.  *@hit: there was one. */
static const char *fn_round(const struct fn_case *c, unsigned int nth, bool *hit,
			    int *err)
{
	struct fn_books before;
	const char *wrong = "";
	struct fn_env env;

	if (!fn_begin(&env, c))
		return "no scratch to try it on";
	before = fn_look(&env);
	fn_arm(nth);
	*err = FZ_ERRNO(c->call(&env));
	*hit = fn_disarm();

	if (*err)
		wrong = *hit ? fn_judge(&env, c, &before, *err) :
			       "fails without a failure";
	if (!*wrong && c->undo)
		c->undo(&env);
	fn_end(&env);
	return wrong;
}

static int fn_open(struct fn_env *env)
{
	env->ctx = fz_raw_open();
	return env->ctx < 0 ? -1 : 0;
}

static int fn_create(struct fn_env *env)
{
	env->made_fd = fz_raw_create(env->ctx, SIZE, 0, 0, 0);
	return env->made_fd < 0 ? -1 : 0;
}

static int fn_create_zeropage(struct fn_env *env)
{
	env->made_fd = fz_raw_create(env->ctx, SIZE, FASTZERO_CREATE_ZEROPAGE,
				     0, 0);
	return env->made_fd < 0 ? -1 : 0;
}

static void fn_undo_create(struct fn_env *env)
{
	close(env->made_fd);
}

static int fn_pool(struct fn_env *env)
{
	return fz_raw_pool(env->ctx, 8, FASTZERO_POOL_WAIT, NULL);
}

static int fn_map(struct fn_env *env)
{
	env->made_map = fz_raw_map(env->fd, 0, SIZE);
	return env->made_map == MAP_FAILED ? -1 : 0;
}

static int fn_map_device(struct fn_env *env)
{
	env->made_map = fz_raw_map(env->ctx, 0, SIZE);
	return env->made_map == MAP_FAILED ? -1 : 0;
}

static void fn_undo_map(struct fn_env *env)
{
	munmap(env->made_map, SIZE);
}

/* First touches by system calls, which give the error back. */
static int fn_pwrite(struct fn_env *env)
{
	return pwrite(env->fd, "x", 1, 0) == 1 ? 0 : -1;
}

static int fn_vm_writev(struct fn_env *env)
{
	struct iovec from = { (void *)"x", 1 };
	struct iovec to = { env->map, 1 };

	return process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 1 ? 0 : -1;
}

static int fn_madvise(struct fn_env *env)
{
	return madvise(env->map, 3 * fz_ps, MADV_POPULATE_WRITE);
}

static int fn_populate(struct fn_env *env)
{
	return fz_raw_populate(env->fd, 0, SIZE, 0, NULL);
}

static int fn_reset(struct fn_env *env)
{
	return fz_raw_clear(env->fd, 0, SIZE, env->mode);
}

static void fn_see_zeros(struct fn_env *env)
{
	if (fz_find_nonzero(env->map, 0, SIZE) != FZ_CLEAN)
		abort();
}

/* Cannot fail, and must not leave anything. */
static int fn_close(struct fn_env *env)
{
	int err = munmap(env->map, SIZE) | close(env->fd) | close(env->ctx);

	env->map = MAP_FAILED;
	env->ctx = env->fd = -1;
	return err;
}

FIXTURE(failnth) {
	long long in_use;
};

FIXTURE_VARIANT(failnth) {
	struct fn_case c;
};

#define FN_CASE(name, ...) \
	FIXTURE_VARIANT_ADD(failnth, name) { .c = { __VA_ARGS__ } }
#define FN_RESET(name, mode_) \
	FN_CASE(name, .call = fn_reset, .undo = fn_see_zeros, .filled = true, \
		.keeps = true, .efault = true, .mode = mode_)

/* EFAULT: the call also copies the path. */
FN_CASE(open, .call = fn_open, .alone = true, .efault = true);
FN_CASE(create, .call = fn_create, .undo = fn_undo_create, .efault = true);
FN_CASE(create_zeropage, .call = fn_create_zeropage, .undo = fn_undo_create,
	.efault = true);
/* That the answer cannot be written is no reason to undo the work. */
FN_CASE(pool, .call = fn_pool, .keeps = true, .efault = true);
FN_CASE(map, .call = fn_map, .undo = fn_undo_map);
FN_CASE(map_device, .call = fn_map_device, .undo = fn_undo_map);
FN_CASE(touch_by_pwrite, .call = fn_pwrite, .keeps = true, .efault = true);
/* A failure behind the fault leaves a page of zeros, which does no harm. */
FN_CASE(touch_by_vm_writev, .call = fn_vm_writev, .keeps = true, .efault = true);
FN_CASE(touch_by_madvise, .call = fn_madvise, .keeps = true, .efault = true);
FN_CASE(populate, .call = fn_populate, .keeps = true, .efault = true);
FN_RESET(reset_auto, FASTZERO_MODE_AUTO);
FN_RESET(reset_inplace, FASTZERO_MODE_INPLACE);
FN_RESET(reset_swap, FASTZERO_MODE_SWAP);
FN_RESET(reset_drop, FASTZERO_MODE_DROP);
FN_RESET(punch, FZ_PUNCH);
FN_CASE(close, .call = fn_close, .filled = true);

FIXTURE_SETUP(failnth)
{
	self->in_use = fz_read_number(IN_USE);
}

FIXTURE_TEARDOWN(failnth)
{
	EXPECT_TRUE(fz_until(fz_read_number(IN_USE) == self->in_use,
			     FZ_PATIENCE_MS))
		TH_LOG("pages in use: %lld, before: %lld",
		       fz_read_number(IN_USE), self->in_use);
}

TEST_F(failnth, each_allocation_may_fail)
{
	const struct fn_case *c = &variant->c;
	unsigned int failed = 0;
	unsigned int nth = 0;
	bool hit;
	int err = 0;

	FN_SETUP_OR_SKIP();
	if (c->call == fn_reset) {
		int ctx = fz_open();

		FZ_SKIP_UNLESS_MODE(ctx, c->mode);
		close(ctx);
	}
	do {
		ASSERT_STREQ("", fn_round(c, ++nth, &hit, &err))
			TH_LOG("failure %u: %s", nth, strerror(err));
		failed += !!err;
	} while (hit && nth < FN_MOST);
	EXPECT_LT(nth, FN_MOST);
	TH_LOG("%u failures, %u of them ended the call", nth - 1, failed);
}

TEST_HARNESS_MAIN
