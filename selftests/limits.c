// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The limits of a context: module parameters, which INFO reports.  A change holds for
 * later calls.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <pthread.h>
#include <signal.h>

#define LIMIT	64
#define PAGES	(LIMIT + 16)
#define SIZE	(PAGES * fz_ps)
#define SEED	3

enum param { MAX_SCRATCHES, MAX_LENGTH, MAX_PAGES, NR_PARAMS };

static const char param_paths[NR_PARAMS][64] = {
	FZ_PARAM_DIR "max_scratches", FZ_PARAM_DIR "max_length",
	FZ_PARAM_DIR "max_pages",
};

static int set(enum param param, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
	return fz_write_string(param_paths[param], text);
}

#define SET(param, value)	ASSERT_EQ(0, set(param, value))

FIXTURE(limits) {
	long long saved[NR_PARAMS];
	int ctx;
	struct fastzero_stats before;
};

FIXTURE_SETUP(limits)
{
	int i;

	for (i = 0; i < NR_PARAMS; i++) {
		self->saved[i] = fz_read_number(param_paths[i]);
		ASSERT_LE(0, self->saved[i]);
		ASSERT_EQ(0, set(i, (uint64_t)self->saved[i]))
			TH_LOG("cannot set %s: needs root", param_paths[i]);
	}
	self->ctx = fz_open();
}

FIXTURE_TEARDOWN(limits)
{
	int i;

	for (i = 0; i < NR_PARAMS; i++)
		EXPECT_EQ(0, set(i, (uint64_t)self->saved[i]));
	close(self->ctx);
}

/* State that a refused call must leave as it was. */
#define REMEMBER()	(self->before = fz_stats(self->ctx))
#define EXPECT_UNCHANGED() do {						\
	struct fastzero_stats now_ = fz_stats(self->ctx);		\
	EXPECT_EQ(self->before.out_scratches, now_.out_scratches);	\
	EXPECT_EQ(self->before.out_length, now_.out_length);		\
	EXPECT_EQ(self->before.out_populated, now_.out_populated);	\
	EXPECT_EQ(self->before.out_pool_target, now_.out_pool_target);	\
	EXPECT_EQ(self->before.out_pool_ready, now_.out_pool_ready);	\
	EXPECT_EQ(self->before.out_owned, now_.out_owned);		\
} while (0)

TEST_F(limits, info_reports_limits)
{
	struct fastzero_info info = fz_info(self->ctx);

	EXPECT_EQ(self->saved[MAX_SCRATCHES], info.out_max_scratches);
	EXPECT_EQ(self->saved[MAX_LENGTH], info.out_max_length);
	EXPECT_EQ(self->saved[MAX_PAGES], info.out_max_pages);

	SET(MAX_SCRATCHES, 17);
	SET(MAX_LENGTH, 123 * fz_ps);
	SET(MAX_PAGES, 4567);
	info = fz_info(self->ctx);
	EXPECT_EQ(17, info.out_max_scratches);
	EXPECT_EQ(123 * fz_ps, info.out_max_length);
	EXPECT_EQ(4567, info.out_max_pages);
}

/* No context may have all memory, unless somebody says so. */
TEST_F(limits, max_pages_by_default)
{
	long long all = fz_read_key("/proc/meminfo", "MemTotal:");
	long long right = all * 1024 / (long long)fz_ps / 4 * 3;

	EXPECT_LE(right - right / 100, self->saved[MAX_PAGES]);
	EXPECT_GE(right + right / 100, self->saved[MAX_PAGES]);
	SET(MAX_PAGES, 0);
	EXPECT_EQ(0, fz_info(self->ctx).out_max_pages);
}

/* CREATE accepts exactly the length that INFO reports, for every setting. */
TEST_F(limits, info_reports_usable_max_length)
{
	const uint64_t values[] = { 0, 1, 10 * fz_ps + 100, ~0ULL,
				    INT64_MAX, 1ULL << 45 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		uint64_t most;

		SET(MAX_LENGTH, values[i]);
		most = fz_info(self->ctx).out_max_length;
		EXPECT_EQ(0, most % fz_ps) TH_LOG("%#jx", (uintmax_t)values[i]);
		EXPECT_GE(values[i], most);
		if (most)
			close(fz_create(self->ctx, most));
		fz_err_create(EINVAL, self->ctx, most + fz_ps, 0,
			      FASTZERO_PAGES_AUTO, 0);
	}
}

TEST_F(limits, max_length)
{
	int fd, old = fz_create(self->ctx, 2 * SIZE);
	unsigned char *map;

	SET(MAX_LENGTH, SIZE);
	REMEMBER();
	fz_err_create(EINVAL, self->ctx, SIZE + fz_ps, 0, FASTZERO_PAGES_AUTO, 0);
	fz_err_create(EINVAL, self->ctx, 2 * SIZE, 0, FASTZERO_PAGES_AUTO, 0);
	/* The other door. */
	EXPECT_EQ(EINVAL, fz_raw_map(self->ctx, 0, SIZE + fz_ps) == MAP_FAILED ?
			  errno : 0);
	EXPECT_EQ(EINVAL, fz_raw_map(self->ctx, SIZE, fz_ps) == MAP_FAILED ?
			  errno : 0);
	EXPECT_UNCHANGED();
	fd = fz_create(self->ctx, SIZE);
	map = fz_map(self->ctx, 0, SIZE);
	fz_fill(map, 0, SIZE, SEED);
	/* Older scratches keep their size. */
	map = fz_map(old, 0, 2 * SIZE);
	fz_fill(map, 0, 2 * SIZE, SEED);
	fz_reset(old, 0, 2 * SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, 2 * SIZE));
	close(fd);
	close(old);
}

TEST_F(limits, max_scratches)
{
	int fds[3], other, i;

	SET(MAX_SCRATCHES, 3);
	for (i = 0; i < 3; i++)
		fds[i] = fz_create(self->ctx, SIZE);
	REMEMBER();
	fz_err_create(ENOSPC, self->ctx, SIZE, 0, FASTZERO_PAGES_AUTO, 0);
	EXPECT_EQ(ENOSPC, fz_raw_map(self->ctx, 0, SIZE) == MAP_FAILED ?
			  errno : 0);
	EXPECT_UNCHANGED();
	/* The limit is for each context. */
	other = fz_open();
	close(fz_create(other, SIZE));
	close(other);
	/* One goes, one comes: here it is the implicit one. */
	close(fds[0]);
	ASSERT_TRUE(fz_until(fz_stats(self->ctx).out_scratches == 2,
			     FZ_PATIENCE_MS));
	fz_map(self->ctx, 0, SIZE);
	fz_err_create(ENOSPC, self->ctx, SIZE, 0, FASTZERO_PAGES_AUTO, 0);
	/* The limit is lower than the number of scratches. */
	SET(MAX_SCRATCHES, 1);
	fz_err_create(ENOSPC, self->ctx, SIZE, 0, FASTZERO_PAGES_AUTO, 0);
	EXPECT_EQ(3, fz_stats(self->ctx).out_scratches);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(fds[1], 0, SIZE));
	SET(MAX_SCRATCHES, 4);
	close(fz_create(self->ctx, SIZE));
	close(fds[1]);
	close(fds[2]);
}

TEST_F(limits, max_scratches_of_zero)
{
	SET(MAX_SCRATCHES, 0);
	fz_err_create(ENOSPC, self->ctx, SIZE, 0, FASTZERO_PAGES_AUTO, 0);
}

TEST_F(limits, max_pages_pool)
{
	int fd = fz_create(self->ctx, SIZE);

	SET(MAX_PAGES, LIMIT);
	fz_pool(self->ctx, 10, FASTZERO_POOL_WAIT);
	REMEMBER();
	fz_err_pool(EINVAL, self->ctx, LIMIT + 1, 0);
	fz_err_pool(EINVAL, self->ctx, ~0ULL, FASTZERO_POOL_WAIT);
	EXPECT_UNCHANGED();
	fz_pool(self->ctx, LIMIT, FASTZERO_POOL_WAIT);
	EXPECT_EQ(LIMIT, fz_stats(self->ctx).out_owned);

	/* Pages of scratches count as well: a target in reach, but not now. */
	fz_populate(fd, 0, 40 * fz_ps, 0);
	REMEMBER();
	EXPECT_EQ(LIMIT, self->before.out_owned);
	fz_err_pool(ENOMEM, self->ctx, LIMIT - 39, 0);
	EXPECT_UNCHANGED();
	EXPECT_EQ(LIMIT - 40, fz_pool(self->ctx, LIMIT - 40, 0).out_ready);
	close(fd);
}

/* The pool replaces a run's folios in the background, up to the limit. */
TEST_F(limits, max_pages_refill)
{
	int fd = fz_create(self->ctx, SIZE);
	int i;

	SET(MAX_PAGES, LIMIT);
	fz_pool(self->ctx, LIMIT - 30, FASTZERO_POOL_WAIT);
	fz_populate(fd, 0, 40 * fz_ps, 0);
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_owned == LIMIT, FZ_PATIENCE_MS));
	for (i = 0; i < 10; i++) {
		fz_reset(fd, 0, SIZE, FASTZERO_MODE_INPLACE);
		usleep(10000);
		EXPECT_EQ(LIMIT, fz_stats(self->ctx).out_owned);
	}
	EXPECT_EQ(LIMIT - 40, fz_stats(self->ctx).out_pool_ready);
	close(fd);
}

TEST_F(limits, max_pages_touch)
{
	int other, fd = fz_create(self->ctx, SIZE);
	unsigned char *map = fz_map(fd, 0, SIZE);

	SET(MAX_PAGES, LIMIT);
	fz_fill(map, 0, LIMIT * fz_ps, SEED);
	REMEMBER();
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS, fz_writes(map + LIMIT * fz_ps));
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS, fz_reads(map + SIZE - 1));
	EXPECT_UNCHANGED();
	/* Reading a hole takes no page. */
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(fd, LIMIT * fz_ps, 16 * fz_ps));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, LIMIT * fz_ps, SEED));

	/* The limit is for each context. */
	other = fz_open();
	fz_pool(other, LIMIT, FASTZERO_POOL_WAIT);
	close(other);

	/* Pages that were dropped serve again, wherever they are needed. */
	fz_reset(fd, 0, 16 * fz_ps, FASTZERO_MODE_DROP);
	fz_fill(map, LIMIT * fz_ps, 16 * fz_ps, SEED);
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS, fz_writes(map));
	EXPECT_EQ(LIMIT, fz_stats(fd).out_populated);
	EXPECT_EQ(LIMIT, fz_stats(fd).out_owned);
	close(fd);
}

/*
 * Dropped pages can be used again at once, also at the limit, and while the zeroer has
 * them in hand.
 */
TEST_F(limits, max_pages_again_and_again)
{
	int i, fd = fz_create(self->ctx, SIZE);
	unsigned char *map = fz_map(fd, 0, SIZE);

	SET(MAX_PAGES, LIMIT);
	for (i = 0; i < 300; i++) {
		unsigned char *here = map + (i % 2) * 16 * fz_ps;

		fz_fill(here, 0, LIMIT * fz_ps, SEED);
		fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
		usleep((useconds_t)(i % 20) * 20);
	}
	EXPECT_GE(LIMIT, fz_stats(fd).out_owned);
	close(fd);
}

TEST_F(limits, max_pages_populate)
{
	int fd = fz_create(self->ctx, SIZE);
	unsigned char *map = fz_map(fd, 0, SIZE);
	struct fastzero_populate out;

	SET(MAX_PAGES, LIMIT);
	fz_fill(map, 5 * fz_ps, fz_ps, SEED);
	EXPECT_EQ(ENOMEM, FZ_ERRNO(fz_raw_populate(fd, fz_ps, SIZE - fz_ps, 0,
						   &out)));
	EXPECT_EQ(LIMIT * fz_ps, out.out_done);
	EXPECT_EQ(LIMIT - 1, out.out_added);
	EXPECT_EQ(LIMIT, fz_stats(fd).out_populated);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 5 * fz_ps, fz_ps, SEED));

	/* With more room, the rest of the range. */
	SET(MAX_PAGES, PAGES);
	out = fz_populate(fd, fz_ps + out.out_done, SIZE - fz_ps - out.out_done,
			  0);
	EXPECT_EQ(PAGES - LIMIT - 1, out.out_added);
	EXPECT_EQ(PAGES - 1, fz_stats(fd).out_populated);
	close(fd);
}

TEST_F(limits, max_pages_write)
{
	unsigned char *buf = malloc(SIZE);
	int fd = fz_create(self->ctx, SIZE);

	ASSERT_NE(NULL, buf);
	fz_fill(buf, 0, SIZE, SEED);
	SET(MAX_PAGES, LIMIT);
	/* As far as it goes, then the error. */
	EXPECT_EQ(LIMIT * fz_ps, pwrite(fd, buf, SIZE, 0));
	EXPECT_EQ(ENOMEM, FZ_ERRNO(pwrite(fd, buf, 1, LIMIT * (off_t)fz_ps)));
	EXPECT_EQ(LIMIT, fz_stats(fd).out_populated);
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(fd, 0, LIMIT * fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(fd, LIMIT * fz_ps,
					     SIZE - LIMIT * fz_ps));
	/* Populated pages can still be written. */
	EXPECT_EQ(100, pwrite(fd, buf, 100, 0));
	close(fd);
}

#define CHUNKS	2000

struct sparse {
	struct fastzero_workset_head head;
	struct fastzero_workset_run runs[CHUNKS];
};

/* A working set of one page in each chunk. */
static void sparse_fill(struct sparse *ws, uint64_t nr)
{
	uint64_t i;

	*ws = (struct sparse) {
		.head = {
			.magic = FASTZERO_WORKSET_MAGIC,
			.page_shift = (uint32_t)__builtin_ctzl(fz_ps),
			.length = CHUNKS * FZ_CHUNK,
			.nr_runs = nr,
		},
	};
	for (i = 0; i < nr; i++)
		ws->runs[i] = (struct fastzero_workset_run) {
			.first = i * (FZ_CHUNK / fz_ps), .nr = 1,
		};
}

static uint64_t sparse_size(uint64_t nr)
{
	return sizeof(struct fastzero_workset_head) +
	       nr * sizeof(struct fastzero_workset_run);
}

/* Records of pages that are gone take no more memory than max_pages pages. */
TEST_F(limits, max_pages_bounds_the_index)
{
	struct sparse *ws = calloc(1, sizeof(*ws));
	int fd = fz_create(self->ctx, CHUNKS * FZ_CHUNK);
	unsigned char *map = fz_map(fd, 0, CHUNKS * FZ_CHUNK);
	uint64_t i, size;

	ASSERT_NE(NULL, ws);
	SET(MAX_PAGES, LIMIT);
	sparse_fill(ws, CHUNKS);
	fz_err_workset(ENOMEM, fd, FASTZERO_WORKSET_WRITE, ws, sizeof(*ws));
	EXPECT_GT(LIMIT * fz_ps, fz_stats(self->ctx).out_index);
	sparse_fill(ws, LIMIT);
	fz_workset(fd, FASTZERO_WORKSET_WRITE, ws, sparse_size(LIMIT));

	/* The set grows beyond that page by page: then it is forgotten, and no run fails. */
	for (i = 0; i < CHUNKS; i++) {
		map[i * FZ_CHUNK] = 1;
		if (i % 8 == 7)
			fz_reset(fd, 0, CHUNKS * FZ_CHUNK, FASTZERO_MODE_DROP);
	}
	EXPECT_GT(2 * LIMIT * fz_ps, fz_stats(self->ctx).out_index);
	size = fz_workset(fd, FASTZERO_WORKSET_READ, NULL, 0).out_size;
	EXPECT_LT(sparse_size(LIMIT), size);
	EXPECT_GT(sizeof(*ws), size);
	close(fd);
	free(ws);
}

static int sparse_write(int fd, struct sparse *ws, uint64_t nr)
{
	sparse_fill(ws, nr);
	return fz_raw_workset(fd, FASTZERO_WORKSET_WRITE, ws, sparse_size(nr), NULL);
}

/* How many chunks a scratch's set may have. */
static uint64_t sparse_most(int ctx, struct sparse *ws)
{
	uint64_t fits = 0, least = CHUNKS;

	while (least - fits > 1) {
		uint64_t nr = (fits + least) / 2;
		int fd = fz_raw_create(ctx, CHUNKS * FZ_CHUNK, 0, FASTZERO_PAGES_4K, 0);

		if (sparse_write(fd, ws, nr))
			least = nr;
		else
			fits = nr;
		close(fd);
	}
	return fits;
}

/* The chunks that are there already count once. */
TEST_F(limits, max_pages_takes_a_set_again)
{
	struct sparse *ws = calloc(1, sizeof(*ws));
	uint64_t most;
	int fd;

	ASSERT_NE(NULL, ws);
	SET(MAX_PAGES, LIMIT);
	most = sparse_most(self->ctx, ws);
	/* More fit than LIMIT, as each takes less than a page; but there is a bound. */
	EXPECT_LT(LIMIT, most);
	EXPECT_GT(8 * LIMIT, most);
	fd = fz_create(self->ctx, CHUNKS * FZ_CHUNK);
	EXPECT_EQ(0, sparse_write(fd, ws, most));
	EXPECT_EQ(0, sparse_write(fd, ws, most));
	close(fd);
	free(ws);
}

#define WRITERS	4

struct writer {
	int fd;
	uint64_t nr;
	struct sparse ws;
	pthread_barrier_t *barrier;
	pthread_t id;
};

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	sparse_fill(&w->ws, w->nr);
	pthread_barrier_wait(w->barrier);
	fz_raw_workset(w->fd, FASTZERO_WORKSET_WRITE, &w->ws, sparse_size(w->nr), NULL);
	return NULL;
}

/* Calls on several scratches at once share the room. */
TEST_F(limits, max_pages_bounds_racing_sets)
{
	struct writer *w = calloc(WRITERS, sizeof(*w));
	pthread_barrier_t barrier;
	uint64_t most, all;
	int round, i;

	ASSERT_NE(NULL, w);
	SET(MAX_PAGES, LIMIT);
	most = sparse_most(self->ctx, &w->ws);
	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, WRITERS));
	for (round = 0; round < 50; round++) {
		for (i = 0; i < WRITERS; i++) {
			w[i].fd = fz_create(self->ctx, CHUNKS * FZ_CHUNK);
			w[i].nr = most;
			w[i].barrier = &barrier;
			ASSERT_EQ(0, pthread_create(&w[i].id, NULL, writer_run, &w[i]));
		}
		all = 0;
		for (i = 0; i < WRITERS; i++)
			pthread_join(w[i].id, NULL);
		for (i = 0; i < WRITERS; i++) {
			all += fz_workset(w[i].fd, FASTZERO_WORKSET_READ, NULL, 0).out_size -
			       sparse_size(0);
			close(w[i].fd);
		}
		ASSERT_GE((most + WRITERS) * sizeof(struct fastzero_workset_run), all) {
			TH_LOG("round %d", round);
		}
	}
	pthread_barrier_destroy(&barrier);
	free(w);
}

/* A limit below the present number of pages takes none away. */
TEST_F(limits, max_pages_lowered)
{
	int fd = fz_create(self->ctx, SIZE);
	unsigned char *map = fz_map(fd, 0, SIZE);

	fz_fill(map, 0, LIMIT * fz_ps, SEED);
	SET(MAX_PAGES, 8);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, LIMIT * fz_ps, SEED));
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS, fz_writes(map + LIMIT * fz_ps));
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, LIMIT * fz_ps));
	/* Once the pages are back, the new limit holds. */
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_TRUE(fz_until(!fz_stats(fd).out_owned, FZ_PATIENCE_MS));
	fz_fill(map, 0, 8 * fz_ps, SEED);
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS, fz_writes(map + 8 * fz_ps));
	close(fd);
}

TEST_HARNESS_MAIN
