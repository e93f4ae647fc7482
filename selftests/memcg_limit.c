// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls at the limit of a memory cgroup.  They reclaim memory as far as possible.  Then
 * they return ENOMEM, and report how far they came.  The kernel kills no process.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fz.h"
#include "fz_group.h"

#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define GROUP	FZ_GROUPS "/fz_test_limit"
#define MIB	(1UL << 20)
#define LIMIT	(48 * MIB)
#define SIZE	(2 * LIMIT)
#define SEED	8

FIXTURE(memcg_limit) {
	int unused;
};

FIXTURE_VARIANT(memcg_limit) {
	uint32_t policy;
	bool cache;		/* the group is full of page cache */
};

FIXTURE_VARIANT_ADD(memcg_limit, base) {
	.policy = FASTZERO_PAGES_4K,
};
FIXTURE_VARIANT_ADD(memcg_limit, huge) {
	.policy = FASTZERO_PAGES_2M,
};
FIXTURE_VARIANT_ADD(memcg_limit, base_cache) {
	.policy = FASTZERO_PAGES_4K, .cache = true,
};
FIXTURE_VARIANT_ADD(memcg_limit, huge_cache) {
	.policy = FASTZERO_PAGES_2M, .cache = true,
};

FIXTURE_SETUP(memcg_limit)
{
	mkdir(GROUP, 0755);
	if (access(GROUP "/memory.max", F_OK))
		FZ_SKIP_ALL("no memory controller in " FZ_GROUPS);
	ASSERT_EQ(0, fz_group_limit(GROUP, LIMIT)) TH_LOG("needs root");
}

FIXTURE_TEARDOWN(memcg_limit)
{
	/* A zombie's place is kept for a moment. */
	EXPECT_TRUE(fz_until(!rmdir(GROUP) || errno == ENOENT, FZ_PATIENCE_MS));
}

static long long cached(void)
{
	return fz_read_key(GROUP "/memory.stat", "file ");
}

/* Reads a file anew, so that its cache is charged to us. */
static int read_anew(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	static char buf[MIB];
	int fd;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size < (off_t)fz_ps)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	return cached() > (long long)(LIMIT * 3 / 4);
}

/* The job of a child in the group. */
struct job {
	uint32_t policy;
	bool cache;
	int ctx;
	int fd;
	unsigned char *map;
};

/* Where the child may run.  It stays on one CPU until it is refused memory. */
static cpu_set_t all_cpus;

static int stay(void)
{
	return sched_getaffinity(0, sizeof(all_cpus), &all_cpus) ?: fz_stay();
}

/* In the group, with the child's own scratch; 0, or the number of the mistake. */
static int begin(struct job *job)
{
	alarm(60 * fz_slow());
	if (stay() || fz_group_enter(GROUP))
		return 250;
	if (job->cache && nftw("/usr/lib", read_anew, 8, FTW_PHYS) != 1)
		return 251;
	job->ctx = fz_raw_open();
	job->fd = fz_raw_create(job->ctx, SIZE, 0, job->policy, 0);
	job->map = fz_raw_map(job->fd, 0, SIZE);
	return job->fd < 0 || job->map == MAP_FAILED ? 252 : 0;
}

/*
 * A process of another group, which waits until it is told a CPU, and then lets nothing
 * else run there, not even the kernel's work.
 */
struct hog {
	int cpu;	/* -1 until it is told one */
	bool runs;
};

static struct hog *hog;

static pid_t hog_start(void)
{
	struct sched_param prio = { .sched_priority = 50 };
	pid_t pid;

	if (!hog)
		hog = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*hog = (struct hog) { .cpu = -1 };
	pid = fork();
	if (pid)
		return pid;
	alarm(120 * fz_slow());
	while (__atomic_load_n(&hog->cpu, __ATOMIC_ACQUIRE) < 0)
		usleep(1000);
	if (fz_stay_on(hog->cpu) || sched_setscheduler(0, SCHED_FIFO, &prio))
		_exit(1);
	__atomic_store_n(&hog->runs, true, __ATOMIC_RELEASE);
	for (;;)
		;
}

static bool hog_stop(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

/*
 * The caller has some memory left to report the error.  So it has on another CPU: on this
 * one the kernel may keep freed pages for the group, which it cannot take back now.
 */
static void say_so(void)
{
	volatile char stack[8 * 4096];
	int cpu = sched_getcpu();
	size_t i;

	if (CPU_COUNT(&all_cpus) > 1) {
		/* Work that the kernel has queued here already ends now. */
		usleep(50000);
		__atomic_store_n(&hog->cpu, cpu, __ATOMIC_RELEASE);
		sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
		while (!__atomic_load_n(&hog->runs, __ATOMIC_ACQUIRE) ||
		       sched_getcpu() == cpu)
			sched_yield();
	}
	for (i = 0; i < sizeof(stack); i += 512)
		stack[i] = 1;
}

/* Most of the limit is had: cache is reclaimed for it. */
static bool came_far(uint64_t bytes)
{
	return bytes > LIMIT / 2 && bytes < LIMIT;
}

static int populate(void *arg)
{
	struct fastzero_populate out;
	struct fastzero_stats s;
	struct job *job = arg;
	int err = begin(job);

	if (err)
		return err;
	if (FZ_ERRNO(fz_raw_populate(job->fd, 0, SIZE, 0, &out)) != ENOMEM)
		return 1;
	say_so();
	if (!came_far(out.out_done))
		return 2;
	if (fz_raw_stats(job->fd, &s) || s.out_populated * fz_ps < out.out_done)
		return 3;
	if (job->policy == FASTZERO_PAGES_2M && !s.out_huge)
		return 4;
	/* Touching a page that is not mapped would take page tables. */
	return fz_pread_nonzero(job->fd, 0, out.out_done) == FZ_CLEAN ? 0 : 5;
}

static int write_all(void *arg)
{
	static char buf[MIB];
	struct job *job = arg;
	uint64_t at = 0;
	ssize_t done = 1;
	int err;

	memset(buf, 1, sizeof(buf));
	err = begin(job);
	if (err)
		return err;
	while (done > 0 && at < SIZE) {
		done = pwrite(job->fd, buf, sizeof(buf), (off_t)at);
		at += done > 0 ? (uint64_t)done : 0;
	}
	if (done >= 0 || errno != ENOMEM)
		return 1;
	say_so();
	return came_far(at) ? 0 : 2;
}

static int pool(void *arg)
{
	struct fastzero_stats s;
	struct job *job = arg;
	int err = begin(job);

	if (err)
		return err;
	err = FZ_ERRNO(job->policy == FASTZERO_PAGES_2M ?
			       fz_raw_pool_huge(job->ctx, SIZE / FZ_CHUNK, 0) :
			       fz_raw_pool(job->ctx, SIZE / fz_ps, 0, NULL));
	if (err != ENOMEM)
		return 1;
	say_so();
	/* As it was before. */
	return fz_raw_stats(job->ctx, &s) || s.out_owned || s.out_pool_target ?
		       2 : 0;
}

/* All other calls that take memory, when nearly none is left. */
static int others(void *arg)
{
	struct fastzero_populate out;
	struct job *job = arg;
	size_t size = 16 * MIB;
	char *buf = calloc(1, size);
	int i, err, wide, refused = 0;

	if (!buf)
		return 253;
	memset(buf, 0, size);
	err = begin(job);
	if (err)
		return err;
	/* Its working set may be as large as that, and is copied to be looked at. */
	wide = fz_raw_create(job->ctx, 1UL << 34, 0, FASTZERO_PAGES_4K, 0);
	fz_raw_populate(job->fd, 0, SIZE, 0, &out);
	err = FZ_ERRNO(fz_raw_workset(wide, FASTZERO_WORKSET_WRITE, buf, size,
				      NULL));
	if (err != ENOMEM)
		return 1;
	for (i = 0; i < 2000; i++) {
		int fd = fz_raw_create(job->ctx, SIZE, FASTZERO_CREATE_ZEROPAGE,
				       FASTZERO_PAGES_4K, 0);

		if (fd >= 0)
			continue;
		if (errno == EMFILE)
			break;
		if (errno != ENOMEM)
			return 2;
		/* Each refusal reclaims all it can, which takes long. */
		if (++refused == 100)
			break;
	}
	say_so();
	return refused ? 0 : 3;
}

#define EXPECT_TOLD(fn, arg) do {					\
	pid_t pid_ = hog_start();					\
									\
	ASSERT_LT(0, pid_);						\
	EXPECT_EQ(0, fz_in_child(fn, arg));				\
	EXPECT_EQ(0, fz_group_event(GROUP, "oom_kill "));		\
	EXPECT_TRUE(hog_stop(pid_));					\
} while (0)

#define EXPECT_JOB_TOLD(fn)						\
	EXPECT_TOLD(fn, (&(struct job) {				\
		.policy = variant->policy, .cache = variant->cache }))

TEST_F(memcg_limit, populate)
{
	EXPECT_JOB_TOLD(populate);
}

TEST_F(memcg_limit, pwrite)
{
	EXPECT_JOB_TOLD(write_all);
}

TEST_F(memcg_limit, pool)
{
	EXPECT_JOB_TOLD(pool);
}

TEST_F(memcg_limit, other_calls)
{
	EXPECT_JOB_TOLD(others);
}

/*
 * Another group pays for the pages, but not for the page tables that map them: here
 * there is one for each page.
 */
#define SPARSE	4096

static int populate_tables(void *arg)
{
	struct fastzero_populate out;
	int fd = *(int *)arg;

	alarm(60 * fz_slow());
	if (stay() || fz_group_enter(GROUP) ||
	    fz_raw_map(fd, 0, SPARSE * FZ_CHUNK) == MAP_FAILED)
		return 250;
	if (FZ_ERRNO(fz_raw_populate(fd, 0, SPARSE * FZ_CHUNK,
				     FASTZERO_POPULATE_WORKSET, &out)) != ENOMEM)
		return 1;
	say_so();
	return out.out_mapped && out.out_mapped < SPARSE ? 0 : 2;
}

TEST(page_tables_beyond_the_limit)
{
	int ctx = fz_open();
	int fd = fz_raw_create(ctx, SPARSE * FZ_CHUNK, 0, FASTZERO_PAGES_4K, 0);
	uint64_t i;

	mkdir(GROUP, 0755);
	if (access(GROUP "/memory.max", F_OK))
		SKIP(return, "no memory controller in " FZ_GROUPS);
	ASSERT_EQ(0, fz_group_limit(GROUP, 8 * MIB)) TH_LOG("needs root");
	for (i = 0; i < SPARSE; i++)
		ASSERT_EQ(1, pwrite(fd, "x", 1, (off_t)(i * FZ_CHUNK)));
	EXPECT_TOLD(populate_tables, &fd);
	EXPECT_TRUE(fz_until(!rmdir(GROUP), FZ_PATIENCE_MS));
	close(fd);
	close(ctx);
}

TEST_HARNESS_MAIN
