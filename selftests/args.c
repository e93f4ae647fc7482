// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The structures of the ioctls: size, flags, reserved members, pointers. args_values.c
 * tests the values in them.
 */
#include "kselftest_harness.h"
#include "fz_state.h"

/* Nothing can be read, written or mapped here. */
#define KERNEL_ADDRESS	((void *)0xffffffff80000000UL)
/* A structure of a later version may be this long. */
#define LONG_SIZE	512

FIXTURE(shape) {
	struct fz_state state;
	bool supported;
	/* A page to build the structure in, the page after it is not mapped. */
	unsigned char *page;
	unsigned char good[LONG_SIZE];
	uint64_t bitmap[1];
};

FIXTURE_VARIANT(shape) {
	unsigned int nr;
	size_t size;
	bool scratch;
	uint64_t feature;	/* needed for the ioctl, 0 for none */
	uint32_t flags;		/* those that are known */
	size_t reserved;	/* offset of the reserved member, 0 for none */
	size_t out;		/* offset of the first output */
	size_t first;		/* of its first version, 0: as now */
};

#define SHAPE(name, ioc, type, ...)					\
	FIXTURE_VARIANT_ADD(shape, name) {				\
		.nr = FASTZERO_IOC_##ioc, .size = sizeof(struct type), __VA_ARGS__ }

SHAPE(info, INFO, fastzero_info,
	.reserved = offsetof(struct fastzero_info, __reserved),
	.out = offsetof(struct fastzero_info, out_features));
SHAPE(create, CREATE, fastzero_create,
	.flags = FASTZERO_CREATE_NODE | FASTZERO_CREATE_ZEROPAGE |
		 FASTZERO_CREATE_TOTAL_CPU,
	.reserved = offsetof(struct fastzero_create, __reserved),
	.out = offsetof(struct fastzero_create, out_fd));
SHAPE(pool, POOL, fastzero_pool,
	.flags = FASTZERO_POOL_WAIT | FASTZERO_POOL_NODE,
	.reserved = offsetof(struct fastzero_pool, node),
	.out = offsetof(struct fastzero_pool, out_ready));
SHAPE(zero, ZERO, fastzero_zero,
	.feature = FASTZERO_FEATURE_ZERO,
	.flags = FASTZERO_ZERO_ONCE | FASTZERO_ZERO_THREAD | FASTZERO_ZERO_NO_THREAD,
	.reserved = offsetof(struct fastzero_zero, __reserved),
	.out = offsetof(struct fastzero_zero, out_work));
SHAPE(stats_context, STATS, fastzero_stats,
	.first = offsetof(struct fastzero_stats, out_aged),
	.out = offsetof(struct fastzero_stats, out_scratches));
SHAPE(stats_scratch, STATS, fastzero_stats, .scratch = true,
	.first = offsetof(struct fastzero_stats, out_aged),
	.out = offsetof(struct fastzero_stats, out_scratches));
SHAPE(reset, RESET, fastzero_reset, .scratch = true,
	.flags = FASTZERO_RESET_IDLE,
	.reserved = offsetof(struct fastzero_reset, __reserved),
	.out = offsetof(struct fastzero_reset, out_done));
SHAPE(reset_many, RESET_MANY, fastzero_reset_many,
	.feature = FASTZERO_FEATURE_RESET_MANY,
	.reserved = offsetof(struct fastzero_reset_many, __reserved),
	.out = offsetof(struct fastzero_reset_many, out_done));
SHAPE(reset_dirty, RESET_DIRTY, fastzero_reset_dirty, .scratch = true,
	.feature = FASTZERO_FEATURE_RESET_DIRTY,
	.out = offsetof(struct fastzero_reset_dirty, out_done));
SHAPE(populate, POPULATE, fastzero_populate, .scratch = true,
	.flags = FASTZERO_POPULATE_WORKSET,
	.out = offsetof(struct fastzero_populate, out_done));
SHAPE(workset, WORKSET, fastzero_workset, .scratch = true,
	.feature = FASTZERO_FEATURE_WORKSET,
	.reserved = offsetof(struct fastzero_workset, __reserved),
	.out = offsetof(struct fastzero_workset, out_size));

/* A structure that the module takes, followed by zeros. */
static void build(FIXTURE_DATA(shape) *self, unsigned int nr, size_t size)
{
	union {
		struct fastzero_info info;
		struct fastzero_create create;
		struct fastzero_pool pool;
		struct fastzero_zero zero;
		struct fastzero_stats stats;
		struct fastzero_reset reset;
		struct fastzero_reset_many many;
		struct fastzero_reset_dirty dirty;
		struct fastzero_populate populate;
		struct fastzero_workset workset;
	} u;

	memset(&u, 0, sizeof(u));
	switch (nr) {
	case FASTZERO_IOC_CREATE:
		u.create.length = 4 * fz_ps;
		break;
	case FASTZERO_IOC_POOL:
		/* One folio more than there are, so that the call has work. */
		u.pool.target = FZ_STATE_PAGES + 1;
		break;
	case FASTZERO_IOC_ZERO:
		/* Or it would wait for ever. */
		u.zero.timeout_ms = 1;
		break;
	case FASTZERO_IOC_RESET:
		u.reset.length = 2 * fz_ps;
		break;
	case FASTZERO_IOC_RESET_MANY:
		u.many.fds = (uintptr_t)&self->state.fd;
		u.many.nr = 1;
		break;
	case FASTZERO_IOC_RESET_DIRTY:
		u.dirty.length = 2 * fz_ps;
		u.dirty.granule_shift = (uint32_t)__builtin_ctzl(fz_ps);
		u.dirty.bitmap = (uintptr_t)self->bitmap;
		u.dirty.bitmap_size = sizeof(self->bitmap);
		break;
	case FASTZERO_IOC_POPULATE:
		u.populate.length = 2 * fz_ps;
		break;
	case FASTZERO_IOC_WORKSET:
		u.workset.op = FASTZERO_WORKSET_CLEAR;
		break;
	}
	u.info.size = (uint32_t)size;
	memcpy(self->good, &u, size);
}

FIXTURE_SETUP(shape)
{
	struct fastzero_info info;

	ASSERT_EQ(0, fz_state_setup(&self->state));
	info = fz_info(self->state.ctx);
	self->supported = (info.out_features & variant->feature) ==
			  variant->feature;
	self->bitmap[0] = 1;
	build(self, variant->nr, variant->size);

	self->page = mmap(NULL, 2 * fz_ps, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->page);
	ASSERT_EQ(0, munmap(self->page + fz_ps, fz_ps));
}

FIXTURE_TEARDOWN(shape)
{
	munmap(self->page, fz_ps);
	fz_state_teardown(&self->state);
}

static int call(FIXTURE_DATA(shape) *self,
		const FIXTURE_VARIANT(shape) *variant, void *arg)
{
	return ioctl(variant->scratch ? self->state.fd : self->state.ctx,
		     variant->nr, arg);
}

/* Puts the good structure at arg. */
static void *place(FIXTURE_DATA(shape) *self, void *arg, size_t size)
{
	uint32_t size32 = (uint32_t)size;

	memcpy(arg, self->good, size);
	memcpy(arg, &size32, sizeof(size32));
	return arg;
}

/* Makes the call, and checks that a failure left the structure and all else alone. */
#define REFUSED(err, size, arg, what) do {				\
	unsigned char before_[LONG_SIZE];				\
	memcpy(before_, arg, size);					\
	FZ_EXPECT_FAILS(err, &self->state, call(self, variant, arg), what); \
	EXPECT_EQ(0, memcmp(before_, arg, size))			\
		TH_LOG("structure written; this was: %s", what);	\
} while (0)

/* Calls, which succeeds where the module has the feature. */
#define TAKEN(arg)							\
	EXPECT_EQ(self->supported ? 0 : EOPNOTSUPP,			\
		  FZ_ERRNO(call(self, variant, arg)))

TEST_F(shape, accepted)
{
	TAKEN(place(self, self->page, variant->size));
}

TEST_F(shape, accepted_at_an_unaligned_address)
{
	TAKEN(place(self, self->page + 1, variant->size));
}

/* The last byte of the structure is the last of the page. */
TEST_F(shape, accepted_at_the_end_of_a_mapping)
{
	TAKEN(place(self, self->page + fz_ps - variant->size, variant->size));
}

TEST_F(shape, outputs_are_ignored_as_inputs)
{
	size_t i;

	place(self, self->page, variant->size);
	for (i = variant->out; i < variant->size; i++) {
		if (i < variant->reserved || i >= variant->reserved + 4)
			self->page[i] = 0xa5;
	}
	TAKEN(self->page);
}

TEST_F(shape, shorter)
{
	/* Of the first version, which is the shortest that is taken. */
	const size_t first = variant->first ? variant->first : variant->size;
	const size_t sizes[] = { 0, 1, 4, 8, first / 2,
				 first - 8, first - 4, first - 1 };
	char what[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t size = (uint32_t)sizes[i];

		place(self, self->page, variant->size);
		memcpy(self->page, &size, sizeof(size));
		snprintf(what, sizeof(what), "size %u", size);
		REFUSED(EINVAL, variant->size, self->page, what);
	}
}

TEST_F(shape, longer_with_zeros)
{
	const size_t longer[] = { 1, 8, 100 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(longer); i++) {
		size_t size = variant->size + longer[i];

		TAKEN(place(self, self->page, size)) {
			TH_LOG("%zu bytes longer", longer[i]);
		}
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->page, variant->size,
						    longer[i]));
	}
}

TEST_F(shape, longer_with_garbage)
{
	const size_t at[] = { 0, 1, 7, 8, 99 };
	char what[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		size_t size = variant->size + 100;

		place(self, self->page, size);
		self->page[variant->size + at[i]] = 1;
		snprintf(what, sizeof(what), "garbage %zu beyond", at[i]);
		REFUSED(E2BIG, size, self->page, what);
	}
}

/* The structure says that it is longer than its mapping, or absurdly long. */
TEST_F(shape, longer_than_its_mapping)
{
	unsigned char *arg = self->page + fz_ps - variant->size;
	const struct {
		uint32_t size;
		int err;
	} cases[] = {
		{ (uint32_t)variant->size + 1, EFAULT },
		{ (uint32_t)variant->size + 8, EFAULT },
		{ 0x80000000, E2BIG },
		{ UINT32_MAX, E2BIG },
	};
	char what[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		place(self, arg, variant->size);
		memcpy(arg, &cases[i].size, sizeof(cases[i].size));
		snprintf(what, sizeof(what), "size %#x", cases[i].size);
		REFUSED(cases[i].err, variant->size, arg, what);
	}
}

TEST_F(shape, unknown_flags)
{
	char what[32];
	int bit;

	for (bit = 0; bit < 32; bit++) {
		uint32_t flag = 1U << bit;

		if (variant->flags & flag)
			continue;
		place(self, self->page, variant->size);
		memcpy(self->page + 4, &flag, sizeof(flag));
		snprintf(what, sizeof(what), "bit %d", bit);
		REFUSED(EOPNOTSUPP, variant->size, self->page, what);
	}
}

#define BAD_POINTER(err, arg, what) \
	FZ_EXPECT_FAILS(err, &self->state, call(self, variant, arg), what)

TEST_F(shape, null_pointer)
{
	BAD_POINTER(EFAULT, NULL, "NULL");
}

TEST_F(shape, unmapped_pointer)
{
	BAD_POINTER(EFAULT, self->page + fz_ps, "unmapped page");
}

TEST_F(shape, kernel_pointer)
{
	BAD_POINTER(EFAULT, KERNEL_ADDRESS, "address of the kernel");
}

/* Begins in a mapped page, ends in one that is not. */
TEST_F(shape, half_mapped)
{
	unsigned char *arg = self->page + fz_ps - 8;

	memcpy(arg, self->good, 8);
	BAD_POINTER(EFAULT, arg, "8 bytes mapped");
}

/*
 * The structure can be read, but its outputs cannot be written.  The call does its work
 * nevertheless, except CREATE, which leaves no descriptor behind.
 */
TEST_F(shape, read_only_pointer)
{
	int err = self->supported ? EFAULT : EOPNOTSUPP;

	place(self, self->page, variant->size);
	ASSERT_EQ(0, mprotect(self->page, fz_ps, PROT_READ));
	if (variant->nr == FASTZERO_IOC_CREATE)
		BAD_POINTER(err, self->page, "read-only page");
	else
		EXPECT_EQ(err, FZ_ERRNO(call(self, variant, self->page)));
	EXPECT_EQ(0, memcmp(self->page, self->good, variant->size));
}

TEST_HARNESS_MAIN
