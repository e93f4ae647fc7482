// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values in the structures of the ioctls that are misaligned, out of range or wrap
 * around.  Each variant has one wrong value; nothing may change.
 */
#include "kselftest_harness.h"
#include "fz_state.h"

#define PAGE	4096ULL
#define SIZE	(FZ_STATE_PAGES * PAGE)
#define TOP	(~0ULL - PAGE + 1)	/* the last page of 64 bits */

/* Ranges: RESET, RESET_DIRTY and POPULATE take the same. */
FIXTURE(range) {
	struct fz_state state;
	uint64_t bitmap[1];
};

FIXTURE_VARIANT(range) {
	uint64_t offset;
	uint64_t length;
	int err;
};

#define RANGE(name, off, len, error) \
	FIXTURE_VARIANT_ADD(range, name) \
		{ .offset = off, .length = len, .err = error }

RANGE(whole, 0, SIZE, 0);
RANGE(last_page, SIZE - PAGE, PAGE, 0);
RANGE(offset_1, 1, PAGE, EINVAL);
RANGE(offset_8, 8, PAGE, EINVAL);
RANGE(offset_half_page, PAGE / 2, PAGE, EINVAL);
RANGE(offset_page_less_1, PAGE - 1, PAGE, EINVAL);
RANGE(length_0, 0, 0, EINVAL);
RANGE(length_0_at_end, SIZE, 0, EINVAL);
RANGE(length_1, 0, 1, EINVAL);
RANGE(length_half_page, 0, PAGE / 2, EINVAL);
RANGE(length_page_less_1, 0, PAGE - 1, EINVAL);
RANGE(length_page_more_1, 0, PAGE + 1, EINVAL);
RANGE(sum_is_aligned, PAGE / 2, PAGE / 2, EINVAL);
RANGE(page_beyond, 0, SIZE + PAGE, EINVAL);
RANGE(page_beyond_from_inside, SIZE - PAGE, 2 * PAGE, EINVAL);
RANGE(begins_at_end, SIZE, PAGE, EINVAL);
RANGE(begins_beyond, SIZE + 4 * PAGE, PAGE, EINVAL);
RANGE(length_huge, 0, TOP, EINVAL);
RANGE(length_bit_32, 0, 1ULL << 32, EINVAL);
RANGE(offset_bit_32, 1ULL << 32, PAGE, EINVAL);
RANGE(offset_bit_63, 1ULL << 63, PAGE, EINVAL);
RANGE(length_bit_63, 0, 1ULL << 63, EINVAL);
RANGE(offset_top, TOP - PAGE, PAGE, EINVAL);
RANGE(wraps_to_0, TOP, PAGE, EOVERFLOW);
RANGE(wraps_to_inside, TOP, 2 * PAGE, EOVERFLOW);
RANGE(wraps_by_bits_63, 1ULL << 63, 1ULL << 63, EOVERFLOW);
RANGE(wraps_by_length, PAGE, TOP, EOVERFLOW);

FIXTURE_SETUP(range)
{
	ASSERT_EQ(PAGE, fz_ps);
	ASSERT_EQ(0, fz_state_setup(&self->state));
	self->bitmap[0] = ~0ULL;
}

FIXTURE_TEARDOWN(range)
{
	fz_state_teardown(&self->state);
}

#define EXPECT_RESULT(err, call) do {					\
	int err_ = err;							\
	if (err_)							\
		FZ_EXPECT_FAILS(err_, &self->state, call, #call);	\
	else								\
		EXPECT_EQ(0, FZ_ERRNO(call));				\
} while (0)

TEST_F(range, reset)
{
	struct fastzero_info info = fz_info(self->state.ctx);
	uint32_t mode;

	for (mode = 0; mode < 32; mode++) {
		if (!fz_has_mode(&info, mode))
			continue;
		EXPECT_RESULT(variant->err,
			      fz_raw_reset(self->state.fd, variant->offset,
					   variant->length, mode, NULL));
	}
}

TEST_F(range, populate)
{
	EXPECT_RESULT(variant->err,
		      fz_raw_populate(self->state.fd, variant->offset,
				      variant->length, 0, NULL));
}

TEST_F(range, reset_dirty)
{
	struct fastzero_info info = fz_info(self->state.ctx);
	bool there = info.out_features & FASTZERO_FEATURE_RESET_DIRTY;

	EXPECT_RESULT(there ? variant->err : EOPNOTSUPP,
		      fz_raw_reset_dirty(self->state.fd, variant->offset,
					 variant->length, FASTZERO_MODE_AUTO,
					 self->bitmap, sizeof(self->bitmap),
					 NULL));
}

/* Reserved members of structures that are right otherwise. */
FIXTURE(reserved) {
	struct fz_state state;
	struct fastzero_info info;
};

FIXTURE_VARIANT(reserved) {
	unsigned int nr;
	size_t size;
	const void *good;
	size_t offset;
	bool scratch;
	uint64_t feature;
};

#define RESERVED(name, ioc, type, scr, feat, ...)			\
	static const struct type name##_good = {			\
		.size = sizeof(struct type), __VA_ARGS__ };		\
	FIXTURE_VARIANT_ADD(reserved, name) {				\
		.nr = ioc, .size = sizeof(struct type),			\
		.good = &name##_good, .scratch = scr, .feature = feat,	\
		.offset = offsetof(struct type, __reserved) }

RESERVED(info, FASTZERO_IOC_INFO, fastzero_info, false, 0, .flags = 0);
RESERVED(create, FASTZERO_IOC_CREATE, fastzero_create, false, 0,
	.length = PAGE);
RESERVED(reset, FASTZERO_IOC_RESET, fastzero_reset, true, 0, .length = PAGE);
RESERVED(workset, FASTZERO_IOC_WORKSET, fastzero_workset, true,
	FASTZERO_FEATURE_WORKSET, .op = FASTZERO_WORKSET_CLEAR);

FIXTURE_SETUP(reserved)
{
	ASSERT_EQ(0, fz_state_setup(&self->state));
	self->info = fz_info(self->state.ctx);
}

FIXTURE_TEARDOWN(reserved)
{
	fz_state_teardown(&self->state);
}

TEST_F(reserved, not_zero)
{
	const uint32_t values[] = { 1, 0x80000000, UINT32_MAX };
	int err = variant->feature & ~self->info.out_features ? EOPNOTSUPP :
								EINVAL;
	int fd = variant->scratch ? self->state.fd : self->state.ctx;
	unsigned char arg[256];
	char what[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		memcpy(arg, variant->good, variant->size);
		memcpy(arg + variant->offset, &values[i], sizeof(values[i]));
		snprintf(what, sizeof(what), "value %#x", values[i]);
		FZ_EXPECT_FAILS(err, &self->state, ioctl(fd, variant->nr, arg),
				what);
	}
}

/* Modes of RESET that do not exist, and those that INFO does not report. */
FIXTURE(mode) {
	struct fz_state state;
};

FIXTURE_SETUP(mode)
{
	ASSERT_EQ(0, fz_state_setup(&self->state));
}

FIXTURE_TEARDOWN(mode)
{
	fz_state_teardown(&self->state);
}

TEST_F(mode, unknown)
{
	const uint32_t modes[] = { FASTZERO_MODE_DROP + 1, 31, 32, 0x80000000,
				   UINT32_MAX };
	char what[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		snprintf(what, sizeof(what), "mode %u", modes[i]);
		FZ_EXPECT_FAILS(EINVAL, &self->state,
				fz_raw_reset(self->state.fd, 0, PAGE, modes[i],
					     NULL), what);
	}
}

TEST_F(mode, not_reported)
{
	struct fastzero_info info = fz_info(self->state.ctx);
	uint32_t mode;
	int n = 0;
	char what[32];

	for (mode = 0; mode <= FASTZERO_MODE_DROP; mode++) {
		if (fz_has_mode(&info, mode))
			continue;
		n++;
		snprintf(what, sizeof(what), "mode %u", mode);
		FZ_EXPECT_FAILS(EOPNOTSUPP, &self->state,
				fz_raw_reset(self->state.fd, 0, PAGE, mode,
					     NULL), what);
	}
	if (!n)
		SKIP(return, "INFO reports all modes");
}

/* CREATE. */
FIXTURE(create) {
	struct fz_state state;
	struct fastzero_info info;
};

FIXTURE_VARIANT(create) {
	uint64_t length;
	bool beyond_max;	/* length counts from out_max_length */
	uint32_t flags;
	uint32_t policy;
	uint32_t node;
	uint64_t feature;	/* EOPNOTSUPP without this, success with it */
	int err;
};

#define CREATE(name, ...) \
	FIXTURE_VARIANT_ADD(create, name) { __VA_ARGS__ }

CREATE(one_page, .length = PAGE);
CREATE(policy_4k, .length = PAGE, .policy = FASTZERO_PAGES_4K);
CREATE(node_0, .length = PAGE, .flags = FASTZERO_CREATE_NODE,
	.feature = FASTZERO_FEATURE_NODE);
CREATE(largest, .beyond_max = true);
CREATE(length_0, .length = 0, .err = EINVAL);
CREATE(length_1, .length = 1, .err = EINVAL);
CREATE(length_page_less_1, .length = PAGE - 1, .err = EINVAL);
CREATE(length_page_more_1, .length = PAGE + 1, .err = EINVAL);
CREATE(length_beyond_by_page, .length = PAGE, .beyond_max = true, .err = EINVAL);
CREATE(length_bit_63, .length = 1ULL << 63, .err = EINVAL);
CREATE(length_top, .length = TOP, .err = EINVAL);
CREATE(length_all_ones, .length = ~0ULL, .err = EINVAL);
CREATE(policy_unknown, .length = PAGE, .policy = 3, .err = EINVAL);
CREATE(policy_all_ones, .length = PAGE, .policy = UINT32_MAX, .err = EINVAL);
CREATE(policy_2m, .length = PAGE, .policy = FASTZERO_PAGES_2M,
	.feature = FASTZERO_FEATURE_2M);
CREATE(zeropage, .length = PAGE, .flags = FASTZERO_CREATE_ZEROPAGE,
	.feature = FASTZERO_FEATURE_ZEROPAGE);
CREATE(zeropage_4k, .length = PAGE, .policy = FASTZERO_PAGES_4K,
	.flags = FASTZERO_CREATE_ZEROPAGE, .feature = FASTZERO_FEATURE_ZEROPAGE);
CREATE(zeropage_2m, .length = PAGE, .policy = FASTZERO_PAGES_2M,
	.flags = FASTZERO_CREATE_ZEROPAGE, .err = EINVAL,
	.feature = FASTZERO_FEATURE_ZEROPAGE | FASTZERO_FEATURE_2M);
CREATE(total_cpu, .length = PAGE, .flags = FASTZERO_CREATE_TOTAL_CPU,
	.feature = FASTZERO_FEATURE_TOTAL_CPU);
CREATE(total_cpu_4k, .length = PAGE, .policy = FASTZERO_PAGES_4K,
	.flags = FASTZERO_CREATE_TOTAL_CPU, .feature = FASTZERO_FEATURE_TOTAL_CPU);
CREATE(total_cpu_2m, .length = PAGE, .policy = FASTZERO_PAGES_2M,
	.flags = FASTZERO_CREATE_TOTAL_CPU,
	.feature = FASTZERO_FEATURE_TOTAL_CPU | FASTZERO_FEATURE_2M);
CREATE(all_flags, .length = PAGE,
	.flags = FASTZERO_CREATE_NODE | FASTZERO_CREATE_ZEROPAGE |
		 FASTZERO_CREATE_TOTAL_CPU,
	.feature = FASTZERO_FEATURE_NODE | FASTZERO_FEATURE_ZEROPAGE |
		   FASTZERO_FEATURE_TOTAL_CPU);
CREATE(node_without_flag, .length = PAGE, .node = 1, .err = EINVAL);
CREATE(node_top_without_flag, .length = PAGE, .node = UINT32_MAX, .err = EINVAL);
CREATE(node_missing, .length = PAGE, .flags = FASTZERO_CREATE_NODE, .node = 63,
	.feature = FASTZERO_FEATURE_NODE, .err = EINVAL);
CREATE(node_65536, .length = PAGE, .flags = FASTZERO_CREATE_NODE, .node = 65536,
	.feature = FASTZERO_FEATURE_NODE, .err = EINVAL);
CREATE(node_minus_1, .length = PAGE, .flags = FASTZERO_CREATE_NODE,
	.node = UINT32_MAX, .feature = FASTZERO_FEATURE_NODE, .err = EINVAL);
CREATE(node_bit_31, .length = PAGE, .flags = FASTZERO_CREATE_NODE,
	.node = 1U << 31, .feature = FASTZERO_FEATURE_NODE, .err = EINVAL);

FIXTURE_SETUP(create)
{
	ASSERT_EQ(0, fz_state_setup(&self->state));
	self->info = fz_info(self->state.ctx);
}

FIXTURE_TEARDOWN(create)
{
	fz_state_teardown(&self->state);
}

TEST_F(create, value)
{
	uint64_t length = variant->length;
	int err = variant->err;

	if (variant->beyond_max)
		length += self->info.out_max_length;
	if (variant->feature & ~self->info.out_features)
		err = EOPNOTSUPP;
	if (err) {
		FZ_EXPECT_FAILS(err, &self->state,
				fz_raw_create(self->state.ctx, length,
					      variant->flags, variant->policy,
					      variant->node), "create");
	} else {
		int fd = fz_raw_create(self->state.ctx, length, variant->flags,
				       variant->policy, variant->node);

		ASSERT_LE(0, fd) TH_LOG("%s", strerror(errno));
		EXPECT_EQ(length, (uint64_t)lseek(fd, 0, SEEK_END));
		close(fd);
	}
}

/* POOL. */
FIXTURE(pool) {
	struct fz_state state;
	struct fastzero_info info;
};

FIXTURE_SETUP(pool)
{
	ASSERT_EQ(0, fz_state_setup(&self->state));
	self->info = fz_info(self->state.ctx);
}

FIXTURE_TEARDOWN(pool)
{
	fz_state_teardown(&self->state);
}

static int raw_pool_order(int ctx, uint32_t order, uint64_t target)
{
	struct fastzero_pool arg = {
		.size = sizeof(arg), .order = order, .target = target,
	};

	return ioctl(ctx, FASTZERO_IOC_POOL, &arg);
}

TEST_F(pool, orders)
{
	const uint32_t far[] = { 32, 33, 64, 0x80000000, UINT32_MAX };
	char what[32];
	uint32_t order;
	size_t i;

	EXPECT_EQ(1, self->info.out_orders & 1);
	for (order = 0; order < 32; order++) {
		snprintf(what, sizeof(what), "order %u", order);
		if (self->info.out_orders & (1U << order))
			continue;
		FZ_EXPECT_FAILS(EOPNOTSUPP, &self->state,
				raw_pool_order(self->state.ctx, order, 1), what);
	}
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		snprintf(what, sizeof(what), "order %u", far[i]);
		FZ_EXPECT_FAILS(EOPNOTSUPP, &self->state,
				raw_pool_order(self->state.ctx, far[i], 1), what);
	}
}

/* Without a limit of the module, the machine's memory is one. */
TEST_F(pool, target_beyond_all_memory)
{
	const uint64_t targets[] = { 1ULL << 32, 1ULL << 52, 1ULL << 63, ~0ULL };
	int err = self->info.out_max_pages ? EINVAL : ENOMEM;
	char what[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(targets); i++) {
		snprintf(what, sizeof(what), "target %#llx",
			 (unsigned long long)targets[i]);
		FZ_EXPECT_FAILS(err, &self->state,
				fz_raw_pool(self->state.ctx, targets[i], 0,
					    NULL), what);
		FZ_EXPECT_FAILS(err, &self->state,
				fz_raw_pool(self->state.ctx, targets[i],
					    FASTZERO_POOL_WAIT, NULL), what);
	}
}

TEST_HARNESS_MAIN
