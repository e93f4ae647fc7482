// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ZEROPAGE: threads read holes through one mapping while another fills them through a
 * second one.  A thread that has been told of a store must see it: a page of zeros that
 * is mapped too late would stay for ever.  The writer has real-time priority and sleeps
 * for a random time.  On one CPU its wake-up mostly preempts a reader inside the fault
 * handler.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fz.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define PAGES		64
#define SIZE		(PAGES * fz_ps)
#define READERS		2

/* How the writer writes. */
enum { BY_MAP, BY_PWRITE, BY_POPULATE, NR_BY };

struct zr {
	int ctx;
	int fd;
	unsigned char *reads;	/* the readers' mapping */
	unsigned char *writes;
	bool one_cpu;
	_Atomic uint64_t told[PAGES];	/* the value that is surely there by now */
	_Atomic uint32_t round;		/* odd: readers read */
	_Atomic int resting;	/* readers that do not */
	_Atomic bool stop;
	_Atomic uint64_t stale;		/* readers saw less than they were told */
	_Atomic uint64_t looks;
	uint64_t random;
};

FIXTURE(zeropage_race) {
	struct zr r;
};

FIXTURE_VARIANT(zeropage_race) {
	bool one_cpu;
	int rounds;
};

FIXTURE_VARIANT_ADD(zeropage_race, one_cpu) { .one_cpu = true, .rounds = 400 };
FIXTURE_VARIANT_ADD(zeropage_race, two_cpus) { .rounds = 100 };

static void zr_run_on(const struct zr *r, int cpu)
{
	fz_stay_on(r->one_cpu ? 0 : cpu);
}

static volatile uint64_t *zr_word(unsigned char *map, unsigned int page)
{
	return (volatile uint64_t *)(map + page * fz_ps);
}

static void *zr_reader(void *arg)
{
	struct zr *r = arg;
	uint32_t round = 0;
	unsigned int page;

	zr_run_on(r, 1);
	while (!r->stop) {
		uint32_t now = r->round;

		if (now == round || !(now & 1)) {
			sched_yield();
			continue;
		}
		round = now;
		r->resting--;
		for (page = 0; r->round == round; page = (page + 1) % PAGES) {
			uint64_t told = r->told[page];

			if (*zr_word(r->reads, page) < told)
				r->stale++;
			r->looks++;
		}
		r->resting++;
	}
	return NULL;
}

/* Fills a hole in one of the ways; false if that fails. */
static bool zr_write(struct zr *r, unsigned int page, uint64_t value)
{
	off_t at = (off_t)(page * fz_ps);

	switch (fz_random(&r->random) % NR_BY) {
	case BY_PWRITE:
		return pwrite(r->fd, &value, 8, at) == 8;
	case BY_POPULATE:
		if (fz_raw_populate(r->fd, (uint64_t)at, fz_ps, 0, NULL))
			return false;
		break;
	}
	*zr_word(r->writes, page) = value;
	return true;
}

static void zr_pause(struct zr *r)
{
	struct timespec t = { 0, (long)(fz_random(&r->random) % 60000) };

	nanosleep(&t, NULL);
}

/* Every hole once, in random order; true if all could be filled. */
static bool zr_round(struct zr *r, uint64_t value)
{
	unsigned int first = fz_random(&r->random) % PAGES;
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		unsigned int page = (first + i * 5) % PAGES;

		if (i % 4 == 0)
			zr_pause(r);
		if (!zr_write(r, page, value))
			return false;
		r->told[page] = value;
	}
	return true;
}

FIXTURE_SETUP(zeropage_race)
{
	struct zr *r = &self->r;

	r->one_cpu = variant->one_cpu;
	r->ctx = fz_open();
	r->fd = fz_raw_create(r->ctx, SIZE, FASTZERO_CREATE_ZEROPAGE, 0, 0);
	ASSERT_LE(0, r->fd);
	r->reads = fz_map(r->fd, 0, SIZE);
	r->writes = fz_map(r->fd, 0, SIZE);
	r->resting = READERS;
}

FIXTURE_TEARDOWN(zeropage_race)
{
	close(self->r.fd);
	close(self->r.ctx);
}

TEST_F(zeropage_race, reader_sees_a_store)
{
	const long rounds = variant->rounds * (fz_long() ? 10L : 1L) / fz_slow();
	struct sched_param fifo = { .sched_priority = 1 };
	struct zr *r = &self->r;
	pthread_t readers[READERS];
	unsigned int lost = 0;
	unsigned int page;
	long i;

	for (i = 0; i < READERS; i++)
		ASSERT_EQ(0, pthread_create(&readers[i], NULL, zr_reader, r));
	zr_run_on(r, 0);
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &fifo));

	for (i = 1; i <= rounds && !r->stale; i++) {
		for (page = 0; page < PAGES; page++)
			r->told[page] = 0;
		fz_clear(r->fd, 0, SIZE, FASTZERO_MODE_DROP);
		r->round++;
		EXPECT_TRUE(zr_round(r, (uint64_t)i));
		/* A page of zeros that was mapped too late stays there. */
		for (page = 0; page < PAGES; page++)
			lost += *zr_word(r->reads, page) != (uint64_t)i;
		EXPECT_EQ(0, lost) TH_LOG("round %ld", i);
		r->round++;
		while (r->resting != READERS)
			usleep(50);
		if (!_metadata->passed)
			break;
	}
	r->stop = true;
	for (i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	EXPECT_EQ(0, r->stale);
	/* They have read at all, and each hole more than once. */
	EXPECT_LT((uint64_t)PAGES, r->looks);
}

TEST_HARNESS_MAIN
