// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several threads at the limit of pages: threads always get as many pages as the limit
 * allows, also while others have some in hand.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define PAGES		64
#define SIZE		(PAGES * fz_ps)
#define MAX_PAGES	FZ_PARAM_DIR "max_pages"

static _Thread_local sigjmp_buf on_bus;

static void bus(int sig)
{
	(void)sig;
	siglongjmp(on_bus, 1);
}

FIXTURE(limits_race) {
	long long saved;
	FZ_SCRATCH;
	pthread_barrier_t barrier;
	atomic_bool stop;
	atomic_long nr_bus;
	long rounds;
};

static int set_limit(long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", value);
	return fz_write_string(MAX_PAGES, text);
}

FIXTURE_SETUP(limits_race)
{
	struct sigaction action = { .sa_handler = bus, .sa_flags = SA_NODEFER };

	self->saved = fz_read_number(MAX_PAGES);
	ASSERT_LE(0, self->saved);
	ASSERT_EQ(0, sigaction(SIGBUS, &action, NULL));
	self->ctx = fz_open();
	ASSERT_EQ(0, set_limit(PAGES));
	FZ_SCRATCH_MAKE(SIZE, 0, FZ_ANY_PAGES);
	ASSERT_EQ(0, pthread_barrier_init(&self->barrier, NULL, 2));
	self->rounds = fz_slow() > 1 ? 300 : 1000;
}

FIXTURE_TEARDOWN(limits_race)
{
	EXPECT_EQ(0, set_limit(self->saved));
	FZ_SCRATCH_TEARDOWN();
}

/* Touches all pages, and counts failed touches. */
static void touch_all(FIXTURE_DATA(limits_race) *self)
{
	volatile size_t i;

	for (i = 0; i < PAGES; i++) {
		if (sigsetjmp(on_bus, 1))
			atomic_fetch_add(&self->nr_bus, 1);
		else
			*(volatile unsigned char *)(self->map + i * fz_ps) = 1;
	}
}

static void *touch_in_step(void *arg)
{
	FIXTURE_DATA(limits_race) *self = arg;
	long i;

	for (i = 0; i < self->rounds; i++) {
		pthread_barrier_wait(&self->barrier);
		touch_all(self);
		pthread_barrier_wait(&self->barrier);
	}
	return NULL;
}

static void *touch_until_told(void *arg)
{
	FIXTURE_DATA(limits_race) *self = arg;

	while (!atomic_load(&self->stop))
		touch_all(self);
	return NULL;
}

/* Two threads touch the same page, and only one page is left. */
TEST_F(limits_race, the_same_pages)
{
	pthread_t other;
	long i;

	ASSERT_EQ(0, pthread_create(&other, NULL, touch_in_step, self));
	for (i = 0; i < self->rounds; i++) {
		pthread_barrier_wait(&self->barrier);
		touch_all(self);
		pthread_barrier_wait(&self->barrier);
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	}
	pthread_join(other, NULL);
	EXPECT_EQ(0, atomic_load(&self->nr_bus));
	EXPECT_GE(PAGES, fz_stats(self->ctx).out_owned);
}

/* A page that a reset is taking back is wanted again. */
TEST_F(limits_race, drop_and_touch)
{
	pthread_t other;
	long i;

	ASSERT_EQ(0, pthread_create(&other, NULL, touch_until_told, self));
	for (i = 0; i < self->rounds; i++)
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	atomic_store(&self->stop, true);
	pthread_join(other, NULL);
	EXPECT_EQ(0, atomic_load(&self->nr_bus));
	EXPECT_GE(PAGES, fz_stats(self->ctx).out_owned);
}

/* Pages that a pipe has just let go of are available at once. */
TEST_F(limits_race, released_and_touched)
{
	struct iovec iov = { self->map, fz_ps };
	unsigned char *buf = malloc(fz_ps);
	int pipefd[2], i;

	ASSERT_EQ(0, pipe2(pipefd, O_CLOEXEC));
	for (i = 0; i < 20; i++) {
		touch_all(self);
		ASSERT_EQ(fz_ps, vmsplice(pipefd[1], &iov, 1, 0));
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
		ASSERT_EQ(fz_ps, read(pipefd[0], buf, fz_ps));
	}
	touch_all(self);
	EXPECT_EQ(0, atomic_load(&self->nr_bus));
	close(pipefd[0]);
	close(pipefd[1]);
	free(buf);
}

/* Folios that the zeroer is giving back can be taken again. */
TEST_F(limits_race, pool_up_and_down)
{
	int i;

	for (i = 0; i < 300; i++) {
		fz_pool(self->ctx, PAGES, FASTZERO_POOL_WAIT);
		fz_pool(self->ctx, 0, 0);
		if (i % 2)
			usleep((useconds_t)i % 40);
	}
	EXPECT_GE(PAGES, fz_stats(self->ctx).out_owned);
}

TEST_HARNESS_MAIN
