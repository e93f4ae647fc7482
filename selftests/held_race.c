// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device pins memory while AUTO resets it: before AUTO looks, between that look and
 * the unmap, or after it.  In each case the scratch has the pinned page after the reset,
 * so that no store of the device is lost.  In half of the rounds the pin comes too late for
 * the old page, has a reference for a moment, and then takes the new one.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "pin/fz_pin.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define PAGES		3072
#define CHUNKS		6
#define SIZE		(PAGES * fz_ps)
/* Pinned pages: the driver takes no more at once. */
#define PIN_PAGES	512
#define ROUND_MS	3500
#define AGE_RUNS	6

FIXTURE(held_race) {
	FZ_SCRATCH;
	int pin;
	pthread_t pinner;
	pthread_barrier_t barrier;
	atomic_bool stop;
	atomic_int pinned;
	_Atomic uint64_t when;	/* to pin, in ns; 0: that is not known yet */
	uint64_t first;
	bool glances;
};

FIXTURE_VARIANT(held_race) {
	const char *ratio;
	uint32_t policy;
	bool ages;		/* most pages are not written any more, so AUTO drops them */
};

FIXTURE_VARIANT_ADD(held_race, swap) {
	.ratio = "1000",
	.policy = FASTZERO_PAGES_4K,
};
FIXTURE_VARIANT_ADD(held_race, drop) {
	.ratio = "1",
	.policy = FASTZERO_PAGES_4K,
	.ages = true,
};
FIXTURE_VARIANT_ADD(held_race, huge) {
	.ratio = FZ_RATIO_PLAIN,
	.policy = FASTZERO_PAGES_2M,
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Not where the reset runs: a thread that is awake there keeps the other one off. */
static void leave(int cpu)
{
	const int nr = (int)sysconf(_SC_NPROCESSORS_CONF);
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	for (i = 0; i < nr; i++)
		if (i != cpu)
			CPU_SET((size_t)i, &set);
	/* Fails if there is no other node. */
	sched_setaffinity(0, sizeof(set), &set);
}

/* Pins some pages, a moment after the reset has begun; awake, for a wake-up takes longer. */
static void *pin_in_step(void *arg)
{
	FIXTURE_DATA(held_race) *self = arg;
	uint64_t when;

	leave(sched_getcpu());
	for (;;) {
		struct fz_pin_range range;

		pthread_barrier_wait(&self->barrier);
		if (atomic_load(&self->stop))
			return NULL;
		range.address = (uintptr_t)self->map + self->first * fz_ps;
		range.length = PIN_PAGES * fz_ps;
		do {
			when = atomic_load(&self->when);
		} while (!when || now_ns() < when);
		atomic_store(&self->pinned,
			     !ioctl(self->pin, self->glances ? FZ_PIN_GLANCE : FZ_PIN_PIN,
				    &range));
		pthread_barrier_wait(&self->barrier);
	}
}

FIXTURE_SETUP(held_race)
{
	/* The pool is filled on one node, and swapped pages must be of that node. */
	ASSERT_EQ(0, fz_stay());
	FZ_SCRATCH_SETUP(SIZE, 0, variant->policy);
	self->pin = open("/dev/fz_pin", O_RDWR | O_CLOEXEC);
	if (self->pin < 0)
		FZ_SKIP_ALL("no /dev/fz_pin: module fz_pin is not loaded");
	ASSERT_EQ(0, fz_write_string(FZ_RATIO, variant->ratio));
	ASSERT_EQ(0, pthread_barrier_init(&self->barrier, NULL, 2));
	ASSERT_EQ(0, pthread_create(&self->pinner, NULL, pin_in_step, self));
}

FIXTURE_TEARDOWN(held_race)
{
	atomic_store(&self->stop, true);
	pthread_barrier_wait(&self->barrier);
	pthread_join(self->pinner, NULL);
	EXPECT_EQ(0, fz_write_string(FZ_RATIO, "measured"));
	close(self->pin);
	FZ_SCRATCH_TEARDOWN();
}

static int fill_pool(int ctx, uint32_t policy)
{
	return policy == FASTZERO_PAGES_2M ?
		       fz_raw_pool_huge(ctx, CHUNKS, FASTZERO_POOL_WAIT) :
		       fz_raw_pool(ctx, PAGES, FASTZERO_POOL_WAIT, NULL);
}

/* Number of pages that differ between the device and the scratch. */
static long nr_lost(FIXTURE_DATA(held_race) *self, unsigned char byte)
{
	long lost = 0;
	size_t i;

	for (i = 0; i < PIN_PAGES; i++) {
		const off_t at = (off_t)((self->first + i) * fz_ps);
		unsigned char scratch = 0;

		if (pwrite(self->pin, &byte, 1, (off_t)(i * fz_ps)) != 1 ||
		    pread(self->fd, &scratch, 1, at) != 1)
			return -1;
		lost += scratch != byte || self->map[at] != byte;
	}
	return lost;
}

/* Some runs that write one page only.  AUTO forgets what it has learned of the others. */
static int let_age(FIXTURE_DATA(held_race) *self, uint64_t runs)
{
	struct fastzero_reset r;
	size_t i;
	int ret;

	ret = fz_raw_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP, &r);
	for (i = 0; i < PAGES; i++)
		self->map[i * fz_ps] = 1;
	for (i = 0; !ret && i <= runs; i++) {
		ret = fz_raw_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO, &r);
		self->map[0] = 1;
	}
	return ret;
}

TEST_F(held_race, reset_sees_pins)
{
	long end = fz_now_ms() + ROUND_MS, rounds = 0, lost = 0, moved = 0;
	uint64_t random = 7, begin, took = 1;
	struct fastzero_reset r;
	struct fastzero_stats st;

	/* AUTO clears such base pages otherwise, and this compares no page. */
	if (variant->policy == FASTZERO_PAGES_4K && !variant->ages)
		FZ_MOVES_PTES_OR_SKIP();
	for (; fz_now_ms() < end; rounds++) {
		size_t i;

		for (i = 0; i < PAGES; i++)
			self->map[i * fz_ps] = 1;
		if (variant->ages)
			ASSERT_EQ(0, let_age(self, fz_random(&random) % AGE_RUNS));
		ASSERT_EQ(0, fill_pool(self->ctx, variant->policy));
		self->first = fz_random(&random) % (PAGES - PIN_PAGES);
		self->glances = rounds % 2;
		atomic_store(&self->when, 0);
		pthread_barrier_wait(&self->barrier);
		begin = now_ns();
		atomic_store(&self->when, begin + fz_random(&random) % took);
		r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
		took = now_ns() - begin;
		pthread_barrier_wait(&self->barrier);
		ASSERT_EQ(PAGES * fz_ps, r.out_done);
		ASSERT_EQ(1, atomic_load(&self->pinned));
		moved += r.out_swapped + r.out_dropped > 0;
		EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
		lost += nr_lost(self, (unsigned char)(rounds % 255 + 1));
		ASSERT_EQ(0, ioctl(self->pin, FZ_PIN_UNPIN));
	}
	EXPECT_EQ(0, lost) TH_LOG("%ld pages in %ld rounds", lost, rounds);
	/* Otherwise the test has compared no page. */
	EXPECT_LT(rounds / (variant->ages ? 2 * AGE_RUNS : 2), moved);
	/* Each page is counted exactly once. */
	EXPECT_TRUE(fz_until((st = fz_stats(self->ctx), !st.out_pool_held &&
			      st.out_owned == st.out_populated + st.out_pool_ready +
					      st.out_pool_used), FZ_PATIENCE_MS));
}

TEST_HARNESS_MAIN
