// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pool of WebAssembly instances as Wasmtime has it: 1,000 slots, each a reservation of
 * 4 GiB, in which memory grows by mprotect(2), and which is reset when its instance ends.
 * Eight threads use it.  All slots are parts of one scratch.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

#define SLOTS		1000UL
#define THREADS		8UL
#define RESERVED	(4UL << 30)	/* of addresses, for a slot */
#define MOST		(1UL << 20)	/* of memory, for an instance */
#define WASM_PAGE	(64UL << 10)
#define TRAPPERS	128UL		/* slots that try addresses beyond their memory */

struct pool {
	int ctx;
	int fd;
	unsigned char *base;
	uint32_t mode;
	bool forget;			/* to reset: so that the check is seen to fail */
	uint64_t rounds;
};

struct worker {
	const struct pool *pool;
	pthread_t thread;
	uint64_t number;
	uint64_t instances;
	uint64_t stale;			/* instances that found a byte that was not zero */
	uint64_t traps;
	const char *failed;
};

static __thread sigjmp_buf trap_to;
static __thread volatile bool trapping;

static void on_fault(int sig)
{
	if (!trapping) {
		signal(sig, SIG_DFL);
		return;
	}
	siglongjmp(trap_to, 1);
}

/* Whether a read there is a fault, as one beyond the memory of an instance is to be. */
static bool traps(const volatile unsigned char *at)
{
	bool trapped = true;

	if (!sigsetjmp(trap_to, 1)) {
		trapping = true;
		(void)*at;
		trapped = false;
	}
	trapping = false;
	return trapped;
}

/* Grows the memory of a slot from @old to @new bytes, which the instance then writes. */
static bool grow(struct worker *w, unsigned char *memory, uint64_t old, uint64_t new,
		 uint64_t seed)
{
	uint64_t at;

	if (mprotect(memory + old, new - old, PROT_READ | PROT_WRITE)) {
		w->failed = "mprotect";
		return false;
	}
	if (fz_find_nonzero(memory, old, new - old) != FZ_CLEAN)
		w->stale++;
	/* A page in three, and the last byte. */
	for (at = old; at < new; at += 3 * fz_ps)
		fz_fill(memory, at, fz_ps, seed);
	memory[new - 1] = 0xff;
	return true;
}

static bool instance(struct worker *w, uint64_t slot, uint64_t round)
{
	const struct pool *pool = w->pool;
	unsigned char *memory = pool->base + slot * RESERVED;
	/* Slots use one page or two, another number in each round. */
	uint64_t small = WASM_PAGE, large = WASM_PAGE * (1 + (slot + round) % 2);

	w->instances++;
	if (!grow(w, memory, 0, small, slot + round))
		return false;
	if (large > small && !grow(w, memory, small, large, slot + round))
		return false;
	if (slot % 64 < THREADS)
		w->traps += traps(memory + large) + traps(memory + MOST) +
			    traps(memory + RESERVED - 1);
	if (mprotect(memory, large, PROT_NONE)) {
		w->failed = "mprotect";
		return false;
	}
	if (pool->forget)
		return true;
	if (fz_raw_clear(pool->fd, slot * MOST, large, pool->mode)) {
		w->failed = "reset";
		return false;
	}
	return true;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t round, slot;

	for (round = 0; round < w->pool->rounds; round++)
		for (slot = w->number; slot < SLOTS; slot += THREADS)
			if (!instance(w, slot, round))
				return NULL;
	return NULL;
}

/* All threads together, for a number of rounds; the sums. */
static struct worker run(const struct pool *pool)
{
	struct worker workers[THREADS] = { 0 }, sum = { 0 };
	uint64_t i;

	for (i = 0; i < THREADS; i++) {
		workers[i].pool = pool;
		workers[i].number = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		sum.instances += workers[i].instances;
		sum.stale += workers[i].stale;
		sum.traps += workers[i].traps;
		if (workers[i].failed)
			sum.failed = workers[i].failed;
	}
	return sum;
}

/* Makes the pool; 0, or what has failed. */
static const char *make_pool(struct pool *pool, uint32_t mode)
{
	struct sigaction action = { .sa_handler = on_fault };
	uint64_t slot;

	pool->mode = mode;
	pool->rounds = fz_long() ? 40 : 2;
	pool->ctx = fz_raw_open();
	pool->fd = fz_raw_create_any(pool->ctx, SLOTS * MOST);
	if (pool->fd < 0)
		return "create";
	pool->base = mmap(NULL, SLOTS * RESERVED, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pool->base == MAP_FAILED)
		return "reserve";
	for (slot = 0; slot < SLOTS; slot++)
		if (mmap(pool->base + slot * RESERVED, MOST, PROT_NONE,
			 MAP_SHARED | MAP_FIXED, pool->fd, slot * MOST) == MAP_FAILED)
			return "mmap";
	return sigaction(SIGSEGV, &action, NULL) ? "sigaction" : NULL;
}

FIXTURE(pool) {
	struct pool pool;
};

FIXTURE_VARIANT(pool) {
	uint32_t mode;
};

FZ_RESET_VARIANTS(pool);

FIXTURE_SETUP(pool)
{
	ASSERT_EQ(NULL, make_pool(&self->pool, variant->mode));
}

FIXTURE_TEARDOWN(pool)
{
	munmap(self->pool.base, SLOTS * RESERVED);
	close(self->pool.fd);
	close(self->pool.ctx);
}

TEST_F(pool, no_instance_finds_bytes_of_another)
{
	struct worker sum;
	uint64_t slot;

	FZ_SKIP_UNLESS_MODE(self->pool.ctx, variant->mode);
	sum = run(&self->pool);
	ASSERT_EQ(NULL, sum.failed) TH_LOG("%s fails", sum.failed);
	EXPECT_EQ(SLOTS * self->pool.rounds, sum.instances);
	EXPECT_EQ(0, sum.stale);
	EXPECT_EQ(3 * TRAPPERS * self->pool.rounds, sum.traps);
	/* All of the memory of one slot in seven. */
	for (slot = 0; slot < SLOTS; slot += 7)
		ASSERT_EQ(FZ_CLEAN, fz_pread_nonzero(self->pool.fd, slot * MOST, MOST / 4));
}

/* The check can fail: without resets the second round finds what the first one wrote. */
TEST(finds_what_was_not_reset)
{
	struct pool pool = { .forget = true };
	struct worker sum;

	ASSERT_EQ(NULL, make_pool(&pool, FASTZERO_MODE_AUTO));
	pool.rounds = 2;
	sum = run(&pool);
	ASSERT_EQ(NULL, sum.failed);
	EXPECT_LE(SLOTS, sum.stale);
}

#define PAGES	8UL	/* written in each slot that is measured */

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

/*
 * One scratch with many mappings and resets of ranges, beside many scratches.  It prints
 * the times of the last of three rounds.
 */
TEST(one_scratch_or_many)
{
	struct rlimit limit = { SLOTS + 100, SLOTS + 100 };
	static unsigned char *maps[2][SLOTS];
	static int fds[SLOTS];
	double begin, made[2], reset[2];
	uint64_t slot;
	int ctx, fd, many, round;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ctx = fz_open();
	begin = now_us();
	fd = fz_create(ctx, SLOTS * MOST);
	for (slot = 0; slot < SLOTS; slot++)
		maps[0][slot] = fz_map(fd, slot * MOST, MOST);
	made[0] = now_us() - begin;
	begin = now_us();
	for (slot = 0; slot < SLOTS; slot++) {
		fds[slot] = fz_create(ctx, MOST);
		maps[1][slot] = fz_map(fds[slot], 0, MOST);
	}
	made[1] = now_us() - begin;
	for (round = 0; round < 3; round++) {
		for (many = 0; many < 2; many++) {
			for (slot = 0; slot < SLOTS; slot++)
				memset(maps[many][slot], round + 1, PAGES * fz_ps);
			begin = now_us();
			for (slot = 0; slot < SLOTS; slot++)
				ASSERT_EQ(0, FZ_ERRNO(many ?
					fz_raw_reset(fds[slot], 0, MOST, FASTZERO_MODE_AUTO, NULL) :
					fz_raw_reset(fd, slot * MOST, MOST, FASTZERO_MODE_AUTO, NULL)));
			reset[many] = now_us() - begin;
			for (slot = 0; slot < SLOTS; slot++)
				ASSERT_ZERO(maps[many][slot], 0, PAGES * fz_ps);
		}
	}
	TH_LOG("us a slot, one scratch: %.0f to make, %.0f to reset; many: %.0f, %.0f",
	       made[0] / SLOTS, reset[0] / SLOTS, made[1] / SLOTS, reset[1] / SLOTS);
}

TEST_HARNESS_MAIN
