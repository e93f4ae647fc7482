// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When a tenant has ended, its memory is back, as that of a memfd is.
 *
 * FZ_END_MIB in the environment is the size of a large tenant, in MiB.
 */
#include "kselftest_harness.h"
#include "fz.h"
#include "fz_group.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define GROUP	FZ_GROUPS "/fz_test_end"
#define MIB	(1UL << 20)
#define SIZE	(64 * MIB)
/* Sizes of the killed tenant and of the restarted one, without FZ_END_MIB. */
#define LARGE_MIB	256
#define RESTARTS_MIB	128
/* The memory that a VMM needs beside its guest's, and may leave for a moment. */
#define LARGE_ROOM	(100 * MIB)
#define LARGE_STARTS	3
#define PARAM_IN_USE	FZ_PARAM_DIR "pages_in_use"

/* Bytes that the kernel may hold back, or have charged ahead, on each processor. */
#define SLACK	(2 * MIB)

FIXTURE(memcg_end) {
	char home[280];
	long long before;
};

FIXTURE_VARIANT(memcg_end) {
	uint32_t policy;
};

FIXTURE_VARIANT_ADD(memcg_end, base) { .policy = FASTZERO_PAGES_4K };
FIXTURE_VARIANT_ADD(memcg_end, huge) { .policy = FASTZERO_PAGES_2M };

FIXTURE_SETUP(memcg_end)
{
	mkdir(GROUP, 0755);
	if (access(GROUP "/memory.max", F_OK))
		FZ_SKIP_ALL("no memory controller in " FZ_GROUPS);
	ASSERT_EQ(0, fz_group_set(GROUP, "memory.max", "max"))
		TH_LOG("needs root");
	ASSERT_EQ(0, fz_group_home(self->home, sizeof(self->home)));
	self->before = fz_read_number(PARAM_IN_USE);
}

FIXTURE_TEARDOWN(memcg_end)
{
	/* A zombie's place is kept for a moment. */
	EXPECT_TRUE(fz_until(!rmdir(GROUP) || errno == ENOENT, FZ_PATIENCE_MS));
}

/* A tenant's descriptors and mapping; those of a memfd if it has no context. */
struct tenant {
	uint32_t policy;
	size_t size;
	int ctx;
	int fd;
	unsigned char *map;
};

static int tenant_open(struct tenant *t, bool memfd)
{
	t->ctx = memfd ? -1 : fz_raw_open();
	t->fd = memfd ? memfd_create("control", MFD_CLOEXEC) :
			fz_raw_create(t->ctx, t->size, 0, t->policy, 0);
	if (t->fd < 0 || (memfd && ftruncate(t->fd, (off_t)t->size)))
		return -1;
	t->map = fz_raw_map(t->fd, 0, t->size);
	return t->map == MAP_FAILED ? -1 : 0;
}

static void tenant_touch(struct tenant *t, size_t begin, size_t end)
{
	for (; begin < end; begin += fz_ps)
		t->map[begin] = 1;
}

static int tenant_pool(const struct tenant *t, size_t bytes)
{
	return t->policy == FASTZERO_PAGES_2M ?
		       fz_raw_pool_huge(t->ctx, bytes / FZ_CHUNK, 0) :
		       fz_raw_pool(t->ctx, bytes / fz_ps, 0, NULL);
}

/* Whether all of it is there, and by folios of the size that was asked for. */
static bool tenant_is_full(const struct tenant *t)
{
	struct fastzero_stats s;
	uint64_t pages = t->size / fz_ps;

	return t->ctx < 0 ||
	       (!fz_raw_stats(t->fd, &s) && s.out_populated == pages &&
		s.out_huge == (t->policy == FASTZERO_PAGES_2M ? pages : 0));
}

/*
 * A tenant in the group, which has touched all of its memory, some of it twice, so
 * that some is waiting to be cleared; it lives until it is ended.
 */
static pid_t tenant_start(struct tenant *t, bool memfd, int *told)
{
	int pipefd[2];
	char byte = 0;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return -1;
	pid = fz_fork();
	if (!pid) {
		if (fz_group_enter(GROUP) || tenant_open(t, memfd))
			_exit(250);
		tenant_touch(t, 0, t->size / 2);
		if (!memfd)
			fz_raw_reset(t->fd, 0, t->size / 4, FASTZERO_MODE_DROP,
				     NULL);
		tenant_touch(t, 0, t->size);
		byte = tenant_is_full(t) ? 'y' : 'n';
		/* Garbage for the zeroer, which is to be in the middle of it. */
		if (!memfd)
			fz_raw_reset(t->fd, t->size / 2, t->size / 2,
				     FASTZERO_MODE_DROP, NULL);
		if (write(pipefd[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	close(pipefd[1]);
	*told = read(pipefd[0], &byte, 1) == 1 ? byte : -1;
	close(pipefd[0]);
	return pid;
}

static size_t large_size(size_t otherwise)
{
	const char *mib = getenv("FZ_END_MIB");

	return (mib && atol(mib) > 0 ? (size_t)atol(mib) : otherwise) * MIB;
}

/* Until memory is back to a level; ms. */
static long until_back(long long level)
{
	long begin = fz_now_ms();

	fz_until(fz_group_bytes(GROUP) <= level, FZ_PATIENCE_MS);
	return fz_now_ms() - begin;
}

/* The charge right after the tenant's end; *gone: how long the end took. */
static long long end_of(pid_t pid, int signal, long *gone)
{
	long begin = fz_now_ms();

	kill(pid, signal);
	fz_wait(pid);
	*gone = fz_now_ms() - begin;
	return fz_group_bytes(GROUP);
}

TEST_F(memcg_end, killed)
{
	struct tenant t = { .policy = variant->policy, .size = large_size(LARGE_MIB) };
	long long control, left;
	long gone, memfd_gone;
	int told;
	pid_t pid;

	pid = tenant_start(&t, true, &told);
	ASSERT_EQ('y', told);
	control = end_of(pid, SIGKILL, &memfd_gone);

	pid = tenant_start(&t, false, &told);
	ASSERT_EQ('y', told);
	left = end_of(pid, SIGKILL, &gone);
	EXPECT_GE(control + (long long)t.size / 100, left);
	EXPECT_EQ(self->before, fz_read_number(PARAM_IN_USE));
	TH_LOG("%zu MiB: gone after %ld ms, back after %ld ms, %lld KiB left; memfd: %ld ms, %lld KiB",
	       t.size / MIB, gone, gone + until_back(control + (long long)t.size / 100),
	       left >> 10, memfd_gone, control >> 10);
}

/* By itself, with everything open. */
TEST_F(memcg_end, exits)
{
	struct tenant t = { .policy = variant->policy, .size = SIZE };
	long long control, left;
	long gone;
	int told;
	pid_t pid;

	pid = tenant_start(&t, true, &told);
	ASSERT_EQ('y', told);
	control = end_of(pid, SIGTERM, &gone);
	pid = tenant_start(&t, false, &told);
	ASSERT_EQ('y', told);
	left = end_of(pid, SIGTERM, &gone);
	EXPECT_GE(control + (long long)SIZE / 100, left);
	EXPECT_EQ(self->before, fz_read_number(PARAM_IN_USE));
}

/* The next one fits only if the last one is gone. */
TEST_F(memcg_end, restarts_at_the_limit)
{
	struct tenant t = { .policy = variant->policy, .size = SIZE };
	long gone;
	int told, i;
	pid_t pid;

	ASSERT_EQ(0, fz_group_limit(GROUP, SIZE + 8 * MIB));
	for (i = 0; i < 20; i++) {
		pid = tenant_start(&t, false, &told);
		EXPECT_EQ('y', told) {
			TH_LOG("start %d", i);
		}
		end_of(pid, SIGKILL, &gone);
		ASSERT_EQ('y', told);
	}
	EXPECT_EQ(0, fz_group_event(GROUP, "oom_kill "));
}

/* How many times it starts, each as soon as the last one is gone. */
static int large_starts(struct tenant *t, bool memfd)
{
	long gone;
	int told, i;
	pid_t pid;

	for (i = 0; i < LARGE_STARTS; i++) {
		pid = tenant_start(t, memfd, &told);
		if (pid < 0)
			break;
		end_of(pid, SIGKILL, &gone);
		if (told != 'y')
			break;
	}
	return i;
}

/* A VMM with most of a group's memory, where the one before it is still ending. */
TEST_F(memcg_end, large_vmm_restarts_at_the_limit)
{
	struct tenant t = { .policy = variant->policy, .size = large_size(RESTARTS_MIB) };
	long long memfd_kills, kills;
	int starts;

	ASSERT_EQ(0, fz_group_limit(GROUP, t.size + LARGE_ROOM));
	EXPECT_EQ(LARGE_STARTS, large_starts(&t, true));
	memfd_kills = fz_group_event(GROUP, "oom_kill ");
	starts = large_starts(&t, false);
	kills = fz_group_event(GROUP, "oom_kill ") - memfd_kills;
	TH_LOG("%zu MiB in a group of %zu MiB: %d starts, %lld killed; memfd: %lld killed",
	       t.size / MIB, (t.size + LARGE_ROOM) / MIB, starts, kills, memfd_kills);
	EXPECT_EQ(LARGE_STARTS, starts);
	EXPECT_EQ(0, kills);
	EXPECT_EQ(0, memfd_kills);
}

/* Surplus is neither cleared nor kept, at the end of a scratch of this process. */
#define STATS_ARE(ctx, owned, zeroed) do {				\
	struct fastzero_stats s_ = fz_stats(ctx);			\
	EXPECT_EQ(owned, s_.out_owned);					\
	EXPECT_EQ(zeroed, s_.out_zeroed);				\
} while (0)

TEST_F(memcg_end, surplus_is_not_cleared)
{
	struct tenant t = { .policy = variant->policy, .size = 32 * MIB };
	uint64_t keep = 2 * MIB / fz_ps;

	/*
	 * POOL sets the target of one node.  Touches on another node would take from
	 * other stores.
	 */
	ASSERT_EQ(0, fz_stay());
	ASSERT_EQ(0, tenant_open(&t, false));
	tenant_touch(&t, 0, t.size);
	/* POOL makes the pool forget the demand of runs. */
	ASSERT_EQ(0, tenant_pool(&t, 0));
	fz_reset(t.fd, 0, t.size / 2, FASTZERO_MODE_DROP);
	/* A reset leaves it to the background. */
	EXPECT_TRUE(fz_until(fz_stats(t.ctx).out_owned == t.size / 2 / fz_ps,
			     FZ_PATIENCE_MS));
	STATS_ARE(t.ctx, t.size / 2 / fz_ps, 0);

	/* The rest goes at the end of its scratch, but the target stays. */
	ASSERT_EQ(0, tenant_pool(&t, 2 * MIB));
	munmap(t.map, t.size);
	close(t.fd);
	/* One that the background has begun with may still be on its way. */
	EXPECT_TRUE(fz_until(fz_stats(t.ctx).out_owned == keep, FZ_PATIENCE_MS));
	STATS_ARE(t.ctx, keep, 0);
	close(t.ctx);
	EXPECT_EQ(self->before, fz_read_number(PARAM_IN_USE));
}

/* In any order, the last close gives everything back before it returns. */
TEST_F(memcg_end, order_of_closes)
{
	static const char orders[][4] = { "cfm", "cmf", "fcm", "fmc", "mcf",
					  "mfc" };
	struct tenant t = { .policy = variant->policy, .size = 32 * MIB };
	long long begin;
	size_t i, k;

	ASSERT_EQ(0, fz_group_enter(GROUP));
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		begin = fz_group_bytes(GROUP);
		ASSERT_EQ(0, tenant_open(&t, false));
		tenant_touch(&t, 0, t.size);
		fz_reset(t.fd, 0, t.size / 4, FASTZERO_MODE_DROP);
		EXPECT_LE(begin + (long long)t.size, fz_group_bytes(GROUP) +
			  (long long)SLACK);
		for (k = 0; k < 3; k++) {
			if (orders[i][k] == 'c')
				close(t.ctx);
			else if (orders[i][k] == 'f')
				close(t.fd);
			else
				munmap(t.map, t.size);
		}
		EXPECT_EQ(self->before, fz_read_number(PARAM_IN_USE)) {
			TH_LOG("order %s", orders[i]);
		}
		EXPECT_GE(begin + (long long)SLACK, fz_group_bytes(GROUP)) {
			TH_LOG("order %s", orders[i]);
		}
	}
	ASSERT_EQ(0, fz_group_enter(self->home));
}

/* Two scratches share a pool: it is there until the last of them goes. */
TEST_F(memcg_end, memory_stays_until_the_last_user_ends)
{
	struct tenant a = { .policy = variant->policy, .size = 8 * MIB };
	struct tenant b = a;

	ASSERT_EQ(0, tenant_open(&a, false));
	b.ctx = a.ctx;
	b.fd = fz_raw_create(b.ctx, b.size, 0, b.policy, 0);
	b.map = fz_map(b.fd, 0, b.size);
	close(a.ctx);
	fz_fill(b.map, 0, b.size, 1);
	tenant_touch(&a, 0, a.size);
	munmap(a.map, a.size);
	close(a.fd);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(b.map, 0, b.size, 1));
	/* The other scratch's pages are ready for this one, or wait for the zeroer. */
	fz_reset(b.fd, 0, b.size, FASTZERO_MODE_SWAP);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(b.map, 0, b.size));
	fz_fill(b.map, 0, b.size, 2);
	munmap(b.map, b.size);
	close(b.fd);
	EXPECT_EQ(self->before, fz_read_number(PARAM_IN_USE));
}

TEST_HARNESS_MAIN
