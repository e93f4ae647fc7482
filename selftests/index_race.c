// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chunks of the index come and go: threads touch a page or two of many chunks, in all
 * ways, while others drop everything, and clear, read and write the working set.  No
 * thread may see data of another one, and at the end the index must be empty.
 *
 * KASAN sees a chunk that is freed while a thread looks at it.  To try that: kfree() in
 * fz_index_free_chunk(), and 200 us between look and lock in fill_look().
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fz.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define CHUNKS		32UL
#define SIZE		(CHUNKS * FZ_CHUNK)
#define THREADS		4
/* It takes as long as both sides have had their turns. */
#define ROUNDS		(fz_slow() > 1 ? 20 : 50)
#define LOOKS		(fz_slow() > 1 ? 400 : 1000)
#define LEAST_MS	2000
#define MOST_MS		(20000 * fz_slow())
#define SPARE		(8UL << 10)

struct ir {
	int ctx;
	int fd;
	unsigned char *map;
	_Atomic bool stop;
	_Atomic int failed;		/* calls that may not fail */
	_Atomic uint64_t foreign;	/* neither zero nor ours */
	_Atomic uint64_t looks;
};

struct ir_thread {
	struct ir *r;
	unsigned int n;
	pthread_t id;
};

FIXTURE(index_race) {
	struct ir r;
};

FIXTURE_VARIANT(index_race) {
	uint32_t flags;
	uint32_t policy;
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(index_race, drop) {
	.policy = FASTZERO_PAGES_4K, .mode = FASTZERO_MODE_DROP };
FIXTURE_VARIANT_ADD(index_race, punch) {
	.policy = FASTZERO_PAGES_4K, .mode = FZ_PUNCH };
FIXTURE_VARIANT_ADD(index_race, huge) {
	.policy = FASTZERO_PAGES_2M, .mode = FASTZERO_MODE_DROP };
FIXTURE_VARIANT_ADD(index_race, zeropage) {
	.flags = FASTZERO_CREATE_ZEROPAGE, .policy = FASTZERO_PAGES_4K,
	.mode = FASTZERO_MODE_DROP };

FIXTURE_SETUP(index_race)
{
	struct ir *r = &self->r;

	r->ctx = fz_open();
	r->fd = fz_raw_create(r->ctx, SIZE, variant->flags, variant->policy, 0);
	if (r->fd < 0 && errno == EOPNOTSUPP)
		FZ_SKIP_ALL("no huge pages");
	ASSERT_LE(0, r->fd);
	r->map = fz_map(r->fd, 0, SIZE);
}

FIXTURE_TEARDOWN(index_race)
{
	close(self->r.fd);
	close(self->r.ctx);
}

/* Only this thread writes this value, and only to this page. */
static uint64_t ir_tag(unsigned int thread, uint64_t chunk)
{
	return (chunk + 1) << 8 | (thread + 1);
}

/* A thread has a page of its own in each chunk. */
static void ir_touch(struct ir_thread *t, uint64_t chunk, uint64_t how)
{
	const off_t at = (off_t)(chunk * FZ_CHUNK + (t->n * 100 + chunk % 64) * fz_ps);
	volatile uint64_t *word = (volatile uint64_t *)(t->r->map + at);
	uint64_t tag = ir_tag(t->n, chunk);
	uint64_t seen = 0;

	switch (how % 4) {
	case 0:
		*word = tag;
		seen = *word;
		break;
	case 1:
		seen = *word;
		*word = tag;
		break;
	case 2:
		t->r->failed += pwrite(t->r->fd, &tag, 8, at) != 8;
		t->r->failed += pread(t->r->fd, &seen, 8, at) != 8;
		break;
	case 3:
		t->r->failed += pread(t->r->fd, &seen, 8, at) != 8;
		break;
	}
	t->r->foreign += seen && seen != tag;
	t->r->looks++;
}

static void *ir_toucher(void *arg)
{
	struct ir_thread *t = arg;
	uint64_t random = t->n;

	while (!t->r->stop) {
		uint64_t how = fz_random(&random);

		ir_touch(t, how % CHUNKS, how >> 32);
	}
	return NULL;
}

/* Goes through all chunks without the lock of a reset. */
static void *ir_reader(void *arg)
{
	struct ir *r = arg;
	static char buffer[1 << 20];

	while (!r->stop) {
		/* Another may have forgotten it meanwhile: any answer will do. */
		fz_raw_workset(r->fd, FASTZERO_WORKSET_READ, buffer,
			       sizeof(buffer), NULL);
		r->failed += !!fz_raw_populate(r->fd, 0, SIZE,
					       FASTZERO_POPULATE_WORKSET, NULL);
	}
	return NULL;
}

TEST_F(index_race, no_chunk_is_lost)
{
	struct ir_thread threads[THREADS];
	struct ir *r = &self->r;
	pthread_t reader;
	uint64_t chunk;
	long i, rounds, begin;

	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct ir_thread){ .r = r, .n = (unsigned int)i };
		ASSERT_EQ(0, pthread_create(&threads[i].id, NULL, ir_toucher,
					    &threads[i]));
	}
	ASSERT_EQ(0, pthread_create(&reader, NULL, ir_reader, r));
	begin = fz_now_ms();
	for (rounds = 0; (rounds < ROUNDS || r->looks < LOOKS ||
			  fz_now_ms() < begin + LEAST_MS) &&
	     fz_now_ms() < begin + MOST_MS && !r->foreign && !r->failed; rounds++) {
		/* The two may end in any order: the chunk goes with the last. */
		if (rounds % 2)
			fz_clear(r->fd, 0, SIZE, variant->mode);
		fz_workset(r->fd, FASTZERO_WORKSET_CLEAR, NULL, 0);
		if (rounds % 4)
			fz_clear(r->fd, 0, SIZE, variant->mode);
		sched_yield();
	}
	TH_LOG("%ld rounds, %ju looks", rounds, (uintmax_t)r->looks);
	r->stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i].id, NULL);
	pthread_join(reader, NULL);
	EXPECT_EQ(0, r->failed);
	EXPECT_EQ(0, r->foreign);
	EXPECT_LE(10, rounds);
	EXPECT_LE(10, r->looks);

	/* All pages that are written now stay. */
	for (i = 0; i < THREADS; i++)
		for (chunk = 0; chunk < CHUNKS; chunk++)
			ir_touch(&threads[i], chunk, 0);
	for (i = 0; i < THREADS; i++)
		for (chunk = 0; chunk < CHUNKS; chunk++)
			ir_touch(&threads[i], chunk, 3);
	EXPECT_EQ(0, r->foreign);
	fz_workset(r->fd, FASTZERO_WORKSET_CLEAR, NULL, 0);
	fz_clear(r->fd, 0, SIZE, variant->mode);
	EXPECT_EQ(0, fz_stats(r->fd).out_populated);
	EXPECT_TRUE(fz_until(fz_stats(r->fd).out_index <= SPARE, FZ_PATIENCE_MS));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(r->fd, 0, SIZE));
}

TEST_HARNESS_MAIN
