// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scratches whose chunks are huge folios: how they are mapped, swapped, taken
 * apart and done without.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "pin/fz_pin.h"

#include <pthread.h>
#include <sys/uio.h>

#define CHUNK	FZ_CHUNK
#define CHUNKS	4
/* Whole chunks, and some base pages. */
#define TAIL	(5 * fz_ps)
#define SIZE	(CHUNKS * CHUNK + TAIL)
#define SEED	31

FZ_FIXTURE(huge, SIZE, 0, FASTZERO_PAGES_2M)

#define READY(nr) ASSERT_EQ(0, fz_raw_pool_huge(self->ctx, nr, FASTZERO_POOL_WAIT))

TEST_F(huge, mapped_as_a_whole)
{
	EXPECT_EQ(0, (uintptr_t)self->map % CHUNK);
	self->map[5 * fz_ps] = 1;
	EXPECT_EQ(512, fz_stats(self->fd).out_populated);
	EXPECT_EQ(CHUNK, fz_mapped_huge(self->map));
	/* A read does as well. */
	EXPECT_EQ(0, *(volatile unsigned char *)(self->map + CHUNK + 7));
	EXPECT_EQ(1024, fz_stats(self->fd).out_populated);
	EXPECT_EQ(2 * CHUNK, fz_mapped_huge(self->map));
	/* The rest at the end of the scratch is base pages. */
	self->map[SIZE - 1] = 1;
	EXPECT_EQ(1025, fz_stats(self->fd).out_populated);
	EXPECT_EQ(2, fz_stats(self->fd).out_faults_alloc / 512);
}

TEST_F(huge, small_scratch_has_base_pages)
{
	int fd = fz_raw_create(self->ctx, CHUNK - fz_ps, 0, FASTZERO_PAGES_2M, 0);
	unsigned char *map = fz_map(fd, 0, CHUNK - fz_ps);

	map[0] = 1;
	EXPECT_EQ(1, fz_stats(fd).out_populated);
	close(fd);
}

/* Ready folios go in, all is mapped again, and the old ones become ready. */
TEST_F(huge, swap)
{
	struct fastzero_reset r;
	int mode, i;

	for (mode = FASTZERO_MODE_AUTO; mode <= FASTZERO_MODE_SWAP; mode += 2) {
		for (i = 0; i < 3; i++) {
			fz_fill(self->map, 0, SIZE, SEED);
			READY(CHUNKS);
			r = fz_reset(self->fd, 0, SIZE, (uint32_t)mode);
			/* From the first SWAP on there are also base pages. */
			EXPECT_LE(CHUNKS * 512, r.out_swapped);
			EXPECT_EQ(SIZE / fz_ps, r.out_swapped + r.out_cleared);
			EXPECT_EQ(0, r.out_dropped + r.out_held);
			EXPECT_EQ(CHUNKS * CHUNK, fz_mapped_huge(self->map));
			ASSERT_ZERO(self->map, 0, SIZE);
		}
	}
}

/* Without ready folios the chunks are cleared in place. */
TEST_F(huge, swap_without_ready_ones)
{
	struct fastzero_reset r;

	fz_fill(self->map, 0, SIZE, SEED);
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	EXPECT_EQ(0, r.out_swapped);
	EXPECT_EQ(SIZE / fz_ps, r.out_cleared);
	ASSERT_ZERO(self->map, 0, SIZE);
}

/* With TOTAL_CPU AUTO swaps no chunk, and the pool allocates none. */
TEST_F(huge, total_cpu)
{
	int fd = fz_raw_create(self->ctx, SIZE, FASTZERO_CREATE_TOTAL_CPU,
			       FASTZERO_PAGES_2M, 0);
	unsigned char *map = fz_map(fd, 0, SIZE);
	struct fastzero_reset r;
	int i;

	for (i = 0; i < 3; i++) {
		fz_fill(map, 0, SIZE, SEED);
		/* At first no folio is ready, then enough are. */
		if (i)
			READY(CHUNKS);
		r = fz_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO);
		EXPECT_EQ(0, r.out_swapped + r.out_dropped);
		EXPECT_EQ(SIZE / fz_ps, r.out_cleared);
		EXPECT_EQ(CHUNKS * CHUNK, fz_mapped_huge(map));
		ASSERT_ZERO(map, 0, SIZE);
		if (i)
			continue;
		usleep(500 * 1000);
		EXPECT_EQ(SIZE / fz_ps, fz_stats(self->ctx).out_owned);
	}
	EXPECT_EQ(3, fz_stats(fd).out_auto_inplace);
	EXPECT_EQ(0, fz_stats(fd).out_auto_swap);
	/* The fixture's scratch takes as many folios as it can from the same pool. */
	fz_fill(self->map, 0, SIZE, SEED);
	READY(CHUNKS);
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(CHUNKS * 512, r.out_swapped);
	close(fd);
}

/* Runs and resets take from the pool, and it comes up to its target again. */
TEST_F(huge, swap_refills_the_pool)
{
	struct fastzero_reset r;
	int i;

	/* STATS counts ready folios of both nodes; SWAP takes those of this thread's. */
	ASSERT_EQ(0, fz_stay());
	READY(3);
	for (i = 0; i < 3; i++) {
		fz_fill(self->map, 0, SIZE, SEED);
		EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_pool_ready >= 3 * 512,
				     FZ_PATIENCE_MS));
		r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
		/* The missing folios then come in the background. */
		EXPECT_LE(3 * 512, r.out_swapped);
		EXPECT_EQ(SIZE / fz_ps, r.out_swapped + r.out_cleared);
		ASSERT_ZERO(self->map, 0, SIZE);
		EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_pool_ready >= 3 * 512,
				     FZ_PATIENCE_MS));
	}
	EXPECT_GE(2 * SIZE / fz_ps, fz_stats(self->ctx).out_owned);
}

/* A reset of a part of a chunk: exactly that part is zero afterwards, in every mode. */
TEST_F(huge, parts_of_chunks_are_zero)
{
	static const uint32_t modes[] = {
		FASTZERO_MODE_AUTO, FASTZERO_MODE_INPLACE, FASTZERO_MODE_SWAP,
		FASTZERO_MODE_DROP, FZ_PUNCH,
	};
	size_t i;

	READY(CHUNKS);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		const uint64_t a = 100 * fz_ps, b = 2 * CHUNK + 33 * fz_ps;

		fz_fill(self->map, 0, SIZE, SEED);
		fz_clear(self->fd, a, b - a, modes[i]);
		ASSERT_FILLED(self->map, 0, a, SEED);
		ASSERT_ZERO(self->map, a, b - a);
		ASSERT_FILLED(self->map, b, SIZE - b, SEED);
		EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, a, b - a));
	}
}

/* Of a dirty bitmap, whole chunks are swapped and parts cleared. */
TEST_F(huge, bitmap_swaps_chunks_and_clears_parts)
{
	static uint64_t bitmap[CHUNKS * 8 + 1];
	struct fastzero_reset_dirty r = {
		.size = sizeof(r), .length = SIZE, .granule_shift = 12,
		.mode = FASTZERO_MODE_AUTO, .bitmap = (uintptr_t)bitmap,
		.bitmap_size = sizeof(bitmap),
	};

	READY(CHUNKS);
	fz_fill(self->map, 0, SIZE, SEED);
	READY(CHUNKS);
	memset(bitmap + 8, 0xff, 64);
	bitmap[16] = 1ULL << 5;
	ASSERT_EQ(0, FZ_ERRNO(ioctl(self->fd, FASTZERO_IOC_RESET_DIRTY, &r)));
	EXPECT_EQ(512, r.out_swapped);
	EXPECT_EQ(1, r.out_cleared);
	ASSERT_FILLED(self->map, 0, CHUNK, SEED);
	ASSERT_ZERO(self->map, CHUNK, CHUNK);
	ASSERT_FILLED(self->map, 2 * CHUNK, 5 * fz_ps, SEED);
	ASSERT_ZERO(self->map, 2 * CHUNK + 5 * fz_ps, fz_ps);
	ASSERT_FILLED(self->map, 2 * CHUNK + 6 * fz_ps, CHUNK, SEED);
}

/* If no huge folio is available, base pages serve, without an error. */
TEST_F(huge, base_pages_at_the_limit)
{
	const char *path = FZ_PARAM_DIR "max_pages";
	long long saved = fz_read_number(path);
	unsigned char *second;
	char text[24];

	ASSERT_LE(0, saved);
	ASSERT_EQ(0, fz_write_string(path, "300"));
	fz_fill(self->map, 0, 300 * fz_ps, SEED);
	EXPECT_EQ(300, fz_stats(self->fd).out_populated);
	EXPECT_EQ(0, fz_mapped_huge(self->map));
	snprintf(text, sizeof(text), "%lld", saved);
	ASSERT_EQ(0, fz_write_string(path, text));
	/* A chunk that has base pages goes on with them ... */
	fz_fill(self->map, 300 * fz_ps, 212 * fz_ps, SEED);
	EXPECT_EQ(512, fz_stats(self->fd).out_populated);
	EXPECT_EQ(0, fz_mapped_huge(self->map));
	ASSERT_FILLED(self->map, 0, 300 * fz_ps, SEED);
	/*
	 * ... until the chunk is empty.  This mapping keeps its page table; a new one has
	 * none.
	 */
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	self->map[0] = 1;
	EXPECT_EQ(512, fz_stats(self->fd).out_populated);
	second = fz_map(self->fd, 0, SIZE);
	EXPECT_EQ(1, second[0]);
	EXPECT_EQ(CHUNK, fz_mapped_huge(second));
}

/* At the limit a chunk that waits in the pool is taken apart for base pages. */
TEST_F(huge, pooled_chunk_makes_room_for_base_pages)
{
	const char *path = FZ_PARAM_DIR "max_pages";
	long long saved = fz_read_number(path);
	unsigned char *base;
	char text[24];
	int fd;

	READY(1);
	ASSERT_EQ(0, fz_write_string(path, "512"));
	fd = fz_raw_create(self->ctx, CHUNK, 0, FASTZERO_PAGES_4K, 0);
	base = fz_map(fd, 0, CHUNK);
	EXPECT_EQ(0, fz_writes(base));
	fz_fill(base, 0, CHUNK, SEED);
	ASSERT_FILLED(base, 0, CHUNK, SEED);
	EXPECT_GE(512, fz_stats(self->ctx).out_owned);
	snprintf(text, sizeof(text), "%lld", saved);
	ASSERT_EQ(0, fz_write_string(path, text));
	close(fd);
}

/* Mappings that cannot have huge entries see the same memory. */
TEST_F(huge, unaligned_mappings_see_the_same)
{
	unsigned char *odd, *part;

	READY(CHUNKS);
	odd = mmap(NULL, 3 * CHUNK, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, odd);
	odd += 2 * CHUNK - (uintptr_t)odd % CHUNK - fz_ps;
	odd = mmap(odd, CHUNK + fz_ps, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, odd);
	part = fz_map(self->fd, CHUNK - fz_ps, 2 * fz_ps);

	fz_fill(self->map, 0, 2 * CHUNK, SEED);
	ASSERT_FILLED(odd, 0, CHUNK + fz_ps, SEED);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(part - (CHUNK - fz_ps), CHUNK - fz_ps,
					   2 * fz_ps, SEED));
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(odd, 0, CHUNK + fz_ps);
	ASSERT_ZERO(part, 0, 2 * fz_ps);
	odd[17] = 1;
	part[fz_ps] = 2;
	EXPECT_EQ(1, self->map[17]);
	EXPECT_EQ(2, self->map[CHUNK]);
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_ZERO(self->map, 0, SIZE);
	ASSERT_ZERO(odd, 0, CHUNK + fz_ps);
}

/*
 * Huge entries are split by protection, a hole and a move; a child inherits everything.
 */
TEST_F(huge, split_mappings)
{
	unsigned char *to;

	READY(CHUNKS);
	fz_fill(self->map, 0, SIZE, SEED);
	ASSERT_EQ(0, mprotect(self->map + fz_ps, fz_ps, PROT_READ));
	ASSERT_EQ(0, munmap(self->map + CHUNK + fz_ps, fz_ps));
	ASSERT_EQ(0, madvise(self->map + 2 * CHUNK, fz_ps, MADV_DONTNEED));
	to = mremap(self->map + 3 * CHUNK, 4 * fz_ps, 4 * fz_ps,
		    MREMAP_MAYMOVE | MREMAP_FIXED, self->map + CHUNK + fz_ps);
	ASSERT_NE(MAP_FAILED, to);
	ASSERT_FILLED(self->map, 0, CHUNK + fz_ps, SEED);
	EXPECT_EQ(0, fz_reads(self->map + 2 * CHUNK));
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	ASSERT_ZERO(self->map, 0, CHUNK + fz_ps);
	ASSERT_ZERO(to, 0, 4 * fz_ps);
	ASSERT_ZERO(self->map, 2 * CHUNK, CHUNK);
	to[0] = 9;
	EXPECT_EQ(1, pread(self->fd, to + 1, 1, 3 * CHUNK));
	EXPECT_EQ(9, to[1]);
}

struct mapper {
	int fd;
	bool stop;
};

static void *map_and_unmap(void *arg)
{
	struct mapper *m = arg;
	unsigned char *map;
	size_t at;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		map = fz_raw_map(m->fd, 0, SIZE);
		if (map == MAP_FAILED)
			break;
		for (at = 0; at < SIZE; at += CHUNK)
			map[at] = 1;
		munmap(map, SIZE);
	}
	return NULL;
}

/* SWAP maps into a mapping that is being unmapped: nothing of it may stay. */
TEST_F(huge, swap_against_munmap)
{
	struct mapper m = { .fd = self->fd };
	struct fastzero_stats st;
	pthread_t thread;
	long end = fz_now_ms() + 3000;

	ASSERT_EQ(0, munmap(self->map, SIZE));
	READY(CHUNKS);
	ASSERT_EQ(0, pthread_create(&thread, NULL, map_and_unmap, &m));
	while (fz_now_ms() < end)
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_SWAP);
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_TRUE(fz_until(!(st = fz_stats(self->ctx)).out_pool_held,
			     FZ_PATIENCE_MS))
		TH_LOG("held %llu", st.out_pool_held);
}

/* A pipe keeps its data.  A held chunk is not used again. */
TEST_F(huge, held_by_a_pipe)
{
	struct iovec iov = { self->map + CHUNK + 3 * fz_ps, 2 * fz_ps };
	struct fastzero_reset r;
	unsigned char *buf = malloc(2 * fz_ps);
	struct fastzero_stats st;
	int pipefd[2], mode;

	for (mode = FASTZERO_MODE_SWAP; mode <= FASTZERO_MODE_DROP; mode++) {
		READY(CHUNKS);
		fz_fill(self->map, 0, SIZE, SEED);
		READY(CHUNKS);
		ASSERT_EQ(0, pipe2(pipefd, O_CLOEXEC));
		ASSERT_EQ(2 * fz_ps, vmsplice(pipefd[1], &iov, 1, 0));
		r = fz_reset(self->fd, 0, SIZE, (uint32_t)mode);
		EXPECT_EQ(512, r.out_held);
		ASSERT_ZERO(self->map, 0, SIZE);
		EXPECT_EQ(512, fz_stats(self->ctx).out_pool_held);
		fz_fill(self->map, 0, SIZE, SEED + 1);
		ASSERT_EQ(2 * fz_ps, read(pipefd[0], buf, 2 * fz_ps));
		EXPECT_EQ(FZ_CLEAN, fz_find_unlike(buf - CHUNK - 3 * fz_ps,
						   CHUNK + 3 * fz_ps, 2 * fz_ps,
						   SEED));
		close(pipefd[0]);
		close(pipefd[1]);
		EXPECT_TRUE(fz_until(!(st = fz_stats(self->ctx)).out_pool_held,
				     FZ_PATIENCE_MS));
	}

	/* AUTO clears it where it is. */
	READY(CHUNKS);
	fz_fill(self->map, 0, SIZE, SEED);
	READY(CHUNKS);
	ASSERT_EQ(0, pipe2(pipefd, O_CLOEXEC));
	ASSERT_EQ(2 * fz_ps, vmsplice(pipefd[1], &iov, 1, 0));
	r = fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(3 * 512, r.out_swapped);
	EXPECT_EQ(512, r.out_held);
	ASSERT_EQ(2 * fz_ps, read(pipefd[0], buf, 2 * fz_ps));
	ASSERT_ZERO(buf, 0, 2 * fz_ps);
}

/* A long-term pin and the scratch stay the same memory under AUTO. */
TEST_F(huge, pinned)
{
	struct fz_pin_range range = {
		.address = (uintptr_t)self->map + 7 * fz_ps, .length = 2 * fz_ps,
	};
	int pin = open("/dev/fz_pin", O_RDWR | O_CLOEXEC);
	char byte = 0;

	if (pin < 0)
		SKIP(return, "no /dev/fz_pin: module fz_pin is not loaded");
	READY(CHUNKS);
	fz_fill(self->map, 0, SIZE, SEED);
	READY(CHUNKS);
	ASSERT_EQ(0, ioctl(pin, FZ_PIN_PIN, &range)) TH_LOG("%s", strerror(errno));
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	ASSERT_ZERO(self->map, 0, SIZE);
	self->map[7 * fz_ps] = 42;
	ASSERT_EQ(1, pread(pin, &byte, 1, 0));
	EXPECT_EQ(42, byte);
	ASSERT_EQ(0, ioctl(pin, FZ_PIN_UNPIN));
	close(pin);
}

/* POPULATE maps chunks, and reports how many pages it added. */
TEST_F(huge, populate)
{
	struct fastzero_populate p = fz_populate(self->fd, 0, SIZE, 0);

	EXPECT_EQ(SIZE, p.out_done);
	EXPECT_EQ(SIZE / fz_ps, p.out_added);
	EXPECT_EQ(CHUNKS * CHUNK, fz_mapped_huge(self->map));
	p = fz_populate(self->fd, 0, SIZE, 0);
	EXPECT_EQ(0, p.out_added);
}

/* A pool of chunks keeps its target, and gives everything back. */
#define MAX_PAGES	FZ_PARAM_DIR "max_pages"

TEST_F(huge, pool_of_chunks_has_its_target)
{
	struct fastzero_stats st;
	long long max_pages;
	char text[24];

	/* The number of their pages has gone round to 0, with a limit and without. */
	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_pool_huge(self->ctx, 1ULL << 55, 0)));
	max_pages = fz_read_number(MAX_PAGES);
	ASSERT_EQ(0, fz_write_string(MAX_PAGES, "0"));
	EXPECT_EQ(ENOMEM, FZ_ERRNO(fz_raw_pool_huge(self->ctx, 1ULL << 55, 0)));
	snprintf(text, sizeof(text), "%lld", max_pages);
	ASSERT_EQ(0, fz_write_string(MAX_PAGES, text));
	EXPECT_EQ(0, fz_stats(self->ctx).out_owned);
	READY(3);
	st = fz_stats(self->ctx);
	EXPECT_EQ(3 * 512, st.out_pool_ready);
	EXPECT_EQ(3 * 512, st.out_pool_target);
	EXPECT_EQ(3 * 512, st.out_owned);
	self->map[0] = 1;
	st = fz_stats(self->ctx);
	/* Unless the background has already replaced the folio that the touch took. */
	if (st.out_pool_ready != 3 * 512) {
		EXPECT_EQ(2 * 512, st.out_pool_ready);
	}
	EXPECT_EQ(512, st.out_faults_ready);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_pool_ready == 3 * 512,
			     FZ_PATIENCE_MS));
	READY(0);
	EXPECT_TRUE(fz_until(!fz_stats(self->ctx).out_owned, FZ_PATIENCE_MS));
}

TEST_HARNESS_MAIN
