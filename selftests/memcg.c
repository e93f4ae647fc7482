// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory cgroups: that of the opener of a context pays for all of it, whichever process
 * uses it, and its limit is the context's.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "fz_group.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PAYS	FZ_GROUPS "/fz_test_pays"
#define USES	FZ_GROUPS "/fz_test_uses"

#define MIB	(1UL << 20)
#define LIMIT	(16 * MIB)
#define SIZE	(2 * LIMIT)
#define SEED	6

/* Bytes that the kernel may hold back or have charged ahead, on each processor. */
#define SLACK	(2 * MIB)

FIXTURE(memcg) {
	char home[280];	/* where this process was before */
	FZ_SCRATCH;
};

static bool have_memcg(void)
{
	return !access(PAYS "/memory.max", F_OK);
}

#define SKIP_WITHOUT_MEMCG() do {					\
	if (!have_memcg())						\
		SKIP(return, "no memory controller in " FZ_GROUPS);	\
} while (0)

/* We open the context in the group that pays, and go home. */
FIXTURE_SETUP(memcg)
{
	mkdir(PAYS, 0755);
	mkdir(USES, 0755);
	if (!have_memcg())
		return;
	ASSERT_EQ(0, fz_group_limit(PAYS, LIMIT)) TH_LOG("needs root");
	ASSERT_EQ(0, fz_group_home(self->home, sizeof(self->home)));
	ASSERT_EQ(0, fz_group_enter(PAYS));
	self->ctx = fz_open();
	ASSERT_EQ(0, fz_group_enter(self->home));
	FZ_SCRATCH_MAKE(SIZE, 0, FZ_ANY_PAGES);
}

FIXTURE_TEARDOWN(memcg)
{
	if (self->map) {
		munmap(self->map, SIZE);
		close(self->fd);
		close(self->ctx);
	}
	/* A zombie's place is kept for a moment. */
	EXPECT_TRUE(fz_until(!rmdir(USES) || errno == ENOENT, FZ_PATIENCE_MS));
	EXPECT_TRUE(fz_until(!rmdir(PAYS) || errno == ENOENT, FZ_PATIENCE_MS));
}

/* A child's job in a group; 250 if the child cannot enter the group. */
struct job {
	const char *group;
	unsigned char *map;
	int fd;
	size_t begin, end;
};

static int touch_all(void *arg)
{
	struct job *job = arg;
	size_t at;

	if (job->group && fz_group_enter(job->group))
		return 250;
	/* Ends it if a fault is answered by another for ever. */
	alarm(30 * fz_slow());
	for (at = job->begin; at < job->end; at += fz_ps)
		job->map[at] = 1;
	return 0;
}

/* Allocates memory that is not of the device. */
static int touch_own(void *arg)
{
	struct job *job = arg;
	char *p = mmap(NULL, job->end, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at;

	if (p == MAP_FAILED || fz_group_enter(job->group))
		return 250;
	for (at = job->begin; at < job->end; at += fz_ps)
		p[at] = 1;
	return 0;
}

static int populate_all(void *arg)
{
	struct job *job = arg;

	if (job->group && fz_group_enter(job->group))
		return 250;
	return FZ_ERRNO(fz_raw_populate(job->fd, job->begin,
					job->end - job->begin, 0, NULL));
}

#define JOB(where, from, to) \
	(&(struct job) { where, self->map, self->fd, from, to })

TEST_F(memcg, pool_beyond_the_limit)
{
	struct fastzero_stats stats;
	long long paid;

	SKIP_WITHOUT_MEMCG();
	fz_pool(self->ctx, 100, FASTZERO_POOL_WAIT);
	paid = fz_group_bytes(PAYS);
	fz_err_pool(ENOMEM, self->ctx, 2 * LIMIT / fz_ps, FASTZERO_POOL_WAIT);
	stats = fz_stats(self->ctx);
	EXPECT_EQ(100, stats.out_pool_target);
	/* The group has taken ready folios of the pool first. */
	EXPECT_GE(100, stats.out_pool_ready);
	EXPECT_EQ(0, stats.out_pool_used);
	EXPECT_EQ(stats.out_pool_ready, stats.out_owned);
	EXPECT_TRUE(fz_until(fz_group_bytes(PAYS) < (long long)(paid + SLACK),
			     FZ_PATIENCE_MS));
	/* A target that fits is reached nevertheless. */
	fz_pool(self->ctx, LIMIT / 2 / fz_ps, FASTZERO_POOL_WAIT);
	EXPECT_EQ(LIMIT / 2 / fz_ps, fz_stats(self->ctx).out_pool_ready);
}

/* The pool replaces a run's folios, but leaves an eighth of the group free. */
TEST_F(memcg, refill_leaves_room)
{
	const uint64_t some = LIMIT / 2 / fz_ps;
	struct fastzero_stats stats;
	int i;

	SKIP_WITHOUT_MEMCG();
	fz_pool(self->ctx, some, FASTZERO_POOL_WAIT);
	fz_fill(self->map, 0, LIMIT / 2, SEED);
	for (i = 0; i < 5; i++) {
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
		usleep(300000);
		EXPECT_GE((long long)(LIMIT - LIMIT / 8 + SLACK / 4),
			  fz_group_bytes(PAYS));
	}
	stats = fz_stats(self->ctx);
	EXPECT_LT(some / 4, stats.out_pool_ready);
	EXPECT_GT(some, stats.out_pool_ready);
	EXPECT_EQ(0, fz_group_event(PAYS, "oom_kill "));
}

/*
 * POPULATE fails in another process and in the one that pays, and the kernel kills
 * neither.
 */
TEST_F(memcg, populate_beyond_the_limit)
{
	struct fastzero_populate out, rest;

	SKIP_WITHOUT_MEMCG();
	fz_fill(self->map, 0, fz_ps, SEED);
	EXPECT_EQ(ENOMEM, FZ_ERRNO(fz_raw_populate(self->fd, 0, SIZE, 0, &out)));
	EXPECT_LT(LIMIT - SLACK, out.out_done);
	EXPECT_GT(LIMIT, out.out_done);
	EXPECT_EQ(0, out.out_done % fz_ps);
	EXPECT_EQ(out.out_done / fz_ps - 1, out.out_added);
	EXPECT_EQ(out.out_done / fz_ps, fz_stats(self->fd).out_populated);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, fz_ps, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, fz_ps,
					    out.out_done - fz_ps));

	EXPECT_EQ(ENOMEM, fz_in_child(populate_all, JOB(PAYS, 0, SIZE)));
	EXPECT_EQ(0, fz_group_event(PAYS, "oom_kill "));

	ASSERT_EQ(0, fz_group_limit(PAYS, 2 * SIZE));
	rest = fz_populate(self->fd, out.out_done, SIZE - out.out_done, 0);
	EXPECT_GE((SIZE - out.out_done) / fz_ps, rest.out_added);
	EXPECT_EQ(SIZE / fz_ps, fz_stats(self->fd).out_populated);
}

/*
 * The group reclaims folios from the pool, so memory is short, and sparse chunks break.
 */
TEST_F(memcg, breaks_chunks_when_short)
{
	uint64_t some = LIMIT / 4;
	unsigned char *map;
	int fd;

	SKIP_WITHOUT_MEMCG();
	fd = fz_raw_create(self->ctx, FZ_CHUNK, 0, FASTZERO_PAGES_2M, 0);
	map = fz_map(fd, 0, FZ_CHUNK);
	map[0] = 1;
	ASSERT_EQ(512, fz_stats(fd).out_huge);
	/* The zeroer looks, but memory is not short. */
	map[0] = 1;
	self->map[0] = 1;
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	usleep(200000);
	fz_reset(fd, 0, FZ_CHUNK, FASTZERO_MODE_AUTO);
	EXPECT_EQ(512, fz_stats(fd).out_huge);

	fz_pool(self->ctx, some / fz_ps, FASTZERO_POOL_WAIT);
	fz_reset(fd, 0, FZ_CHUNK, FASTZERO_MODE_AUTO);
	EXPECT_EQ(512, fz_stats(fd).out_huge);
	map[0] = 1;
	ASSERT_EQ(0, fz_group_limit(PAYS, (uint64_t)fz_group_bytes(PAYS) - some / 2));
	EXPECT_LT(0, fz_stats(self->ctx).out_shrunk);
	fz_reset(fd, 0, FZ_CHUNK, FASTZERO_MODE_AUTO);
	EXPECT_EQ(0, fz_stats(fd).out_huge);
	EXPECT_EQ(1, fz_stats(fd).out_broken);
	EXPECT_EQ(0, fz_stats(fd).out_huge_failed);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(map, 0, FZ_CHUNK));
	close(fd);
}

/* A process that lives in the group that pays, and uses no scratch. */
static pid_t bystander(void)
{
	pid_t pid = fz_fork();

	if (!pid) {
		if (!fz_group_enter(PAYS))
			pause();
		_exit(250);
	}
	fz_until(fz_read_number(PAYS "/cgroup.procs") == pid, FZ_PATIENCE_MS);
	return pid;
}

#define EXPECT_UNHURT(pid) do {						\
	EXPECT_EQ(0, fz_group_event(PAYS, "oom_kill "));			\
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG)) {			\
		pid = 0;						\
	}								\
	if (pid) {							\
		kill(pid, SIGKILL);					\
		fz_wait(pid);						\
	}								\
} while (0)

/*
 * Half of the memory is for the index.  Its allocation may fail as well, and must not
 * kill.
 */
TEST_F(memcg, index_beyond_the_limit)
{
	int fd, err, refused = 0;
	pid_t pid;
	uint64_t at;

	SKIP_WITHOUT_MEMCG();
	pid = bystander();
	fd = fz_create(self->ctx, 1ULL << 40);
	/* Go on at the limit: not the first, but one of these is for the index. */
	for (at = 0; refused < 50 && at < 2 * LIMIT / fz_ps; at++) {
		err = FZ_ERRNO(fz_raw_populate(fd, at * 2 * MIB, fz_ps, 0, NULL));
		ASSERT_TRUE(!err || err == ENOMEM);
		refused += !!err;
	}
	EXPECT_EQ(50, refused);
	EXPECT_UNHURT(pid);
	close(fd);
}

/* All that another group's process touches, down to the index of pages. */
TEST_F(memcg, opener_is_charged)
{
	long long paid = 0, used = 0;
	struct job job = { .group = USES, .begin = 0, .end = LIMIT / 2 };
	uint64_t sparse = 1ULL << 40, at;
	unsigned char *map;
	pid_t pid;
	int fd;

	SKIP_WITHOUT_MEMCG();
	paid = fz_group_bytes(PAYS);
	used = fz_group_bytes(USES);
	job.map = self->map;
	ASSERT_EQ(0, fz_in_child(touch_all, &job));
	EXPECT_LE((long long)(LIMIT / 2 - SLACK), fz_group_bytes(PAYS) - paid);
	EXPECT_GE((long long)(LIMIT / 2 + SLACK), fz_group_bytes(PAYS) - paid);
	EXPECT_GE((long long)SLACK, fz_group_bytes(USES) - used);

	/* One page in each of 500 chunks; their own tables cost the user. */
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_TRUE(fz_until(!fz_stats(self->ctx).out_owned, FZ_PATIENCE_MS));
	paid = fz_group_bytes(PAYS);
	fd = fz_create(self->ctx, sparse);
	map = fz_map(fd, 0, sparse);
	pid = fz_fork();
	if (!pid) {
		if (fz_group_enter(USES))
			_exit(250);
		for (at = 0; at < 500; at++)
			map[at * 2 * MIB] = 1;
		_exit(0);
	}
	ASSERT_EQ(0, fz_wait(pid));
	EXPECT_LT((long long)(500 * (fz_ps + 512)), fz_group_bytes(PAYS) - paid);
	munmap(map, sparse);
	close(fd);
}

/* Were it told that memory is short, it would fault for ever. */
TEST_F(memcg, other_process_gets_sigbus_at_the_limit)
{
	SKIP_WITHOUT_MEMCG();
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS,
		  fz_in_child(touch_all, JOB(NULL, 0, SIZE)));
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS,
		  fz_in_child(touch_all, JOB(USES, 0, SIZE)));
	EXPECT_LT((LIMIT - SLACK) / fz_ps, fz_stats(self->fd).out_populated);
	EXPECT_GE(LIMIT / fz_ps, fz_stats(self->fd).out_populated);
	/* Give it more, and it goes on; or take something away. */
	ASSERT_EQ(0, fz_group_limit(PAYS, 2 * SIZE));
	EXPECT_EQ(0, fz_in_child(touch_all, JOB(USES, 0, SIZE)));
	EXPECT_EQ(SIZE / fz_ps, fz_stats(self->fd).out_populated);
}

/* Another process at the limit is no reason to kill a process in the group that pays. */
TEST_F(memcg, bystander_is_not_killed)
{
	uint64_t at = SIZE;
	ssize_t done = 1;
	pid_t pid;

	SKIP_WITHOUT_MEMCG();
	pid = bystander();
	EXPECT_EQ(FZ_SIGNALLED + SIGBUS,
		  fz_in_child(touch_all, JOB(USES, 0, SIZE)));
	/* A processor may have a little left that was charged ahead. */
	while (done == 1 && at > SIZE - SLACK)
		done = pwrite(self->fd, "x", 1, (off_t)(at -= fz_ps));
	EXPECT_EQ(-1, done);
	EXPECT_EQ(ENOMEM, errno);
	EXPECT_UNHURT(pid);
}

TEST_F(memcg, pwrite_of_another_process_at_the_limit)
{
	unsigned char *buf = malloc(SIZE);
	ssize_t done, end;

	SKIP_WITHOUT_MEMCG();
	ASSERT_NE(NULL, buf);
	fz_fill(buf, 0, SIZE, SEED);
	done = pwrite(self->fd, buf, SIZE, 0);
	EXPECT_LT((ssize_t)(LIMIT - SLACK), done);
	EXPECT_GT((ssize_t)LIMIT, done);
	/* The kernel may free a little of the group's memory later. */
	for (end = done; end < done + (ssize_t)SLACK; end += (ssize_t)fz_ps)
		if (pwrite(self->fd, buf, 1, end) != 1)
			break;
	EXPECT_EQ(ENOMEM, FZ_ERRNO(pwrite(self->fd, buf, 1, end)));
	EXPECT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, (size_t)done, SEED));
	/* A hole still reads zero, without a new page. */
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, (uint64_t)end,
					     SIZE - (size_t)end));
	free(buf);
}

/* As with any other memory of its own. */
TEST_F(memcg, payer_is_oom_killed_at_the_limit)
{
	long long kills;

	SKIP_WITHOUT_MEMCG();
	kills = fz_group_event(PAYS, "oom_kill ");
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL,
		  fz_in_child(touch_all, JOB(PAYS, 0, SIZE)));
	EXPECT_EQ(kills + 1, fz_group_event(PAYS, "oom_kill "));
}

/* The context reuses its pages: none is charged twice, and none is left. */
TEST_F(memcg, resets_stay_below_the_limit)
{
	int i;

	SKIP_WITHOUT_MEMCG();
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, fz_in_child(touch_all, JOB(USES, i % 2 * LIMIT,
				i % 2 * LIMIT + LIMIT * 3 / 4)));
		fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	}
	EXPECT_EQ(0, fz_group_event(PAYS, "oom "));
}

/* Pages of past runs stay for the next ones, until the group needs the memory. */
TEST_F(memcg, surplus_is_reclaimed)
{
	uint64_t some = LIMIT / 2, most = LIMIT - LIMIT / 16;
	long long max;

	SKIP_WITHOUT_MEMCG();
	ASSERT_EQ(0, fz_in_child(touch_all, JOB(USES, 0, most)));
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_pool_ready == most / fz_ps,
			     FZ_PATIENCE_MS));
	ASSERT_EQ(0, fz_in_child(touch_own, JOB(PAYS, 0, most)));
	EXPECT_EQ(0, fz_group_event(PAYS, "oom_kill "));

	/*
	 * Without room the pool allocates nothing ahead, since the group would take it
	 * at once.
	 */
	max = fz_group_event(PAYS, "max ");
	ASSERT_EQ(0, fz_in_child(touch_all, JOB(USES, 0, some)));
	/* One tick of the learned demand is up to 1.28 s. */
	sleep(14);
	fz_clear(self->fd, 0, some, FASTZERO_MODE_SWAP);
	EXPECT_TRUE(fz_until(fz_group_bytes(PAYS) > (long long)(LIMIT * 3 / 4),
			     FZ_PATIENCE_MS));
	sleep(2);
	EXPECT_GT((long long)(LIMIT * 15 / 16), fz_group_bytes(PAYS));
	EXPECT_LT(0, fz_stats(self->ctx).out_pool_ready);
	EXPECT_EQ(max, fz_group_event(PAYS, "max "));
}

TEST_F(memcg, uncharged_after_close)
{
	long long paid;
	int i;

	SKIP_WITHOUT_MEMCG();
	paid = fz_group_bytes(PAYS);
	fz_pool(self->ctx, LIMIT / 8 / fz_ps, 0);
	ASSERT_EQ(0, fz_in_child(touch_all, JOB(USES, 0, LIMIT / 2)));
	EXPECT_LE((long long)(LIMIT / 2 - SLACK), fz_group_bytes(PAYS) - paid);
	fz_clear(self->fd, 0, LIMIT / 4, FASTZERO_MODE_DROP);
	munmap(self->map, SIZE);
	self->map = NULL;
	close(self->fd);
	close(self->ctx);
	EXPECT_TRUE(fz_until(fz_group_bytes(PAYS) < (long long)(paid + MIB / 2),
			     FZ_PATIENCE_MS))
		TH_LOG("%lld bytes were paid, %lld are", paid,
		       fz_group_bytes(PAYS));

	/* And so again and again, if it were only a little each time. */
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, fz_group_enter(PAYS));
		self->ctx = fz_open();
		ASSERT_EQ(0, fz_group_enter(self->home));
		self->fd = fz_create(self->ctx, SIZE);
		fz_populate(self->fd, 0, 64 * fz_ps, 0);
		close(self->fd);
		close(self->ctx);
	}
	EXPECT_TRUE(fz_until(fz_group_bytes(PAYS) < (long long)(paid + MIB / 2),
			     FZ_PATIENCE_MS))
		TH_LOG("%lld bytes were paid, %lld are", paid,
		       fz_group_bytes(PAYS));
}

/* The group may go first; its context works on and ends like any other. */
TEST_F(memcg, group_is_removed)
{
	SKIP_WITHOUT_MEMCG();
	fz_fill(self->map, 0, MIB, SEED);
	ASSERT_TRUE(fz_until(!rmdir(PAYS), FZ_PATIENCE_MS)) TH_LOG("%s", strerror(errno));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, MIB, SEED));
	fz_fill(self->map, 0, 2 * MIB, SEED);
	fz_clear(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	fz_pool(self->ctx, MIB / fz_ps, FASTZERO_POOL_WAIT);
	fz_populate(self->fd, 0, 2 * MIB, 0);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, 2 * MIB));
}

TEST_HARNESS_MAIN
