// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system or the memory cgroup that pays is short of memory: the pool gives its
 * pages back, ready or not.
 */
#include "kselftest_harness.h"
#include "fz.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ROOT	"/sys/fs/cgroup"
#define PARENT	ROOT "/fz_test_parent"
#define PAYS	PARENT "/pays"
#define OTHER	PARENT "/other"

#define MIB	(1UL << 20)
/* About half of 256 MiB with 200 MiB in the pool and a wish for 120 MiB. */
#define LIMIT	(128 * MIB)
#define POOLED	(96 * MIB)
/* More than the kernel subtracts from reclaimable memory. */
#define SHOWN	(256 * MIB)
#define WANTED	(60 * MIB)
/* Bytes that the kernel may hold back or have charged ahead, on each processor. */
#define SLACK	(2 * MIB)

#define RATE	FZ_PARAM_DIR "zeroer_rate"
#define DROP_CACHES "/proc/sys/vm/drop_caches"

static int group_set(const char *group, const char *file, uint64_t value)
{
	char path[96], text[24];

	snprintf(path, sizeof(path), "%s/%s", group, file);
	snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
	return fz_write_string(path, text);
}

static int group_enter(const char *group)
{
	return group_set(group, "cgroup.procs", 0);
}

static long long group_bytes(const char *group)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	return fz_read_number(path);
}

static void group_remove(const char *group)
{
	fz_until(!rmdir(group) || errno == ENOENT, FZ_PATIENCE_MS);
}

FIXTURE(pressure) {
	int ctx;
	long long rate;
};

FIXTURE_VARIANT(pressure) {
	bool huge;	/* chunks of 2 MiB */
	bool used;	/* not cleared yet */
};

FIXTURE_VARIANT_ADD(pressure, ready) { };
FIXTURE_VARIANT_ADD(pressure, used) { .used = true };
FIXTURE_VARIANT_ADD(pressure, ready_2m) { .huge = true };
FIXTURE_VARIANT_ADD(pressure, used_2m) { .huge = true, .used = true };

FIXTURE_SETUP(pressure)
{
	ASSERT_EQ(0, fz_stay());
	self->rate = fz_read_number(RATE);
	ASSERT_LT(0, self->rate) TH_LOG("needs root");
	mkdir(PARENT, 0755);
	fz_write_string(PARENT "/cgroup.subtree_control", "+memory");
	mkdir(PAYS, 0755);
	mkdir(OTHER, 0755);
	self->ctx = fz_open();
	if (variant->huge && !(fz_info(self->ctx).out_orders & (1 << 9)))
		FZ_SKIP_ALL("INFO does not report the order");
	close(self->ctx);
	self->ctx = -1;
	/* Dropped folios stay used. */
	if (variant->used)
		ASSERT_EQ(0, fz_write_string(RATE, "1"));
}

FIXTURE_TEARDOWN(pressure)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", self->rate);
	EXPECT_EQ(0, fz_write_string(RATE, text));
	if (self->ctx >= 0)
		close(self->ctx);
	group_remove(OTHER);
	group_remove(PAYS);
	group_remove(PARENT);
}

#define SKIP_WITHOUT_MEMCG() do {					\
	if (access(PAYS "/memory.max", W_OK))				\
		SKIP(return, "no memory controller in " ROOT);		\
} while (0)

/* In a child: the caller stays where it is. */
struct job {
	const char *group;
	int ctx;
	bool huge, used;
	uint64_t bytes;
};

/* A pool of @bytes, none of which the zeroer has cleared; errno. */
static int fill_used(const struct job *job)
{
	int fd = fz_raw_create(job->ctx, job->bytes, 0, job->huge ?
			       FASTZERO_PAGES_2M : FASTZERO_PAGES_4K, 0);
	int err;

	if (fd < 0)
		return errno;
	err = FZ_ERRNO(fz_raw_populate(fd, 0, job->bytes, 0, NULL)) ?:
	      FZ_ERRNO(fz_raw_reset(fd, 0, job->bytes, FASTZERO_MODE_DROP, NULL));
	close(fd);
	return err;
}

static int fill_pool(const struct job *job)
{
	if (job->used)
		return fill_used(job);
	return FZ_ERRNO(job->huge ?
			fz_raw_pool_huge(job->ctx, job->bytes / FZ_CHUNK,
					 FASTZERO_POOL_WAIT) :
			fz_raw_pool(job->ctx, job->bytes / fz_ps,
				    FASTZERO_POOL_WAIT, NULL));
}

/* Base pages that are there for the next run. */
static uint64_t pooled(int ctx)
{
	struct fastzero_stats s = { };

	fz_raw_stats(ctx, &s);
	return s.out_pool_ready + s.out_pool_used;
}

/* Takes memory that cannot be reclaimed, as malloc() and memset() do. */
static int touch(uint64_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t at;

	if (p == MAP_FAILED)
		return 251;
	for (at = 0; at < bytes; at += fz_ps)
		p[at] = 1;
	munmap(p, bytes);
	return 0;
}

static int touch_there(void *arg)
{
	const struct job *job = arg;

	if (group_enter(job->group))
		return 250;
	return touch(job->bytes);
}

/* Opens a context in a group, and goes home; its descriptor. */
static int open_there(const char *group)
{
	char home[280] = ROOT, line[256];
	FILE *f = fopen("/proc/self/cgroup", "re");
	int ctx;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "0::/", 4)) {
			line[strcspn(line, "\n")] = 0;
			snprintf(home, sizeof(home), ROOT "%s", line + 3);
		}
	if (f)
		fclose(f);
	if (group_enter(group))
		return -1;
	ctx = fz_raw_open();
	strncat(home, "/cgroup.procs", sizeof(home) - strlen(home) - 1);
	return fz_write_string(home, "0") ? -1 : ctx;
}

#define JOB(where, size) (&(struct job) {				\
	where, self->ctx, variant->huge, variant->used, size })

#define OPEN_AND_FILL(size) do {					\
	int err_;							\
	self->ctx = open_there(PAYS);					\
	ASSERT_LE(0, self->ctx);					\
	err_ = fill_pool(JOB(PAYS, size));				\
	if (err_ == ENOMEM && variant->huge)				\
		SKIP(return, "memory is in pieces");			\
	ASSERT_EQ(0, err_);						\
	ASSERT_EQ((size) / fz_ps, pooled(self->ctx));			\
} while (0)

/* No process is killed while the pool has idle memory. */
TEST_F(pressure, limit_of_a_group)
{
	pid_t neighbour;

	SKIP_WITHOUT_MEMCG();
	ASSERT_EQ(0, group_set(PAYS, "memory.max", LIMIT));
	OPEN_AND_FILL(POOLED);
	neighbour = fz_fork();
	if (!neighbour) {
		if (!group_enter(PAYS))
			pause();
		_exit(250);
	}
	EXPECT_EQ(0, fz_in_child(touch_there, JOB(PAYS, WANTED)));
	EXPECT_EQ(0, fz_read_key(PAYS "/memory.events", "oom_kill "));
	EXPECT_EQ(0, waitpid(neighbour, NULL, WNOHANG));
	kill(neighbour, SIGKILL);
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(neighbour));
	EXPECT_LT(0, fz_stats(self->ctx).out_shrunk);
	EXPECT_GE((LIMIT - WANTED) / fz_ps, pooled(self->ctx));
}

/* No process is slowed down for it either. */
TEST_F(pressure, high_of_a_group)
{
	long begin;

	SKIP_WITHOUT_MEMCG();
	OPEN_AND_FILL(POOLED);
	ASSERT_EQ(0, group_set(PAYS, "memory.high", LIMIT));
	begin = fz_now_ms();
	EXPECT_EQ(0, fz_in_child(touch_there, JOB(PAYS, WANTED)));
	EXPECT_GT(15000 * fz_slow(), fz_now_ms() - begin);
	EXPECT_GT((long long)(LIMIT + SLACK), group_bytes(PAYS));
	EXPECT_LT(0, fz_stats(self->ctx).out_shrunk);
}

/* From 6.4 on the kernel counts only pages that it finds itself, and returns EAGAIN. */
TEST_F(pressure, memory_reclaim)
{
	long long before, after;
	int err;

	SKIP_WITHOUT_MEMCG();
	if (access(PAYS "/memory.reclaim", W_OK))
		SKIP(return, "not in this kernel");
	OPEN_AND_FILL(POOLED);
	before = group_bytes(PAYS);
	err = group_set(PAYS, "memory.reclaim", POOLED / 2);
	EXPECT_TRUE(!err || errno == EAGAIN);
	after = group_bytes(PAYS);
	EXPECT_LE((long long)(POOLED / 2 - SLACK), before - after);
	EXPECT_GE(POOLED / 2 / fz_ps, pooled(self->ctx));
}

/* A group at its limit does not take the pool of another group. */
TEST_F(pressure, other_groups_pool_is_kept)
{
	SKIP_WITHOUT_MEMCG();
	OPEN_AND_FILL(POOLED / 4);
	ASSERT_EQ(0, group_set(OTHER, "memory.max", WANTED / 2));
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL,
		  fz_in_child(touch_there, JOB(OTHER, WANTED)));
	EXPECT_EQ(0, fz_stats(self->ctx).out_shrunk);
	/*
	 * Above the limit of their parent, the pool of the other group shrinks as well.
	 */
	ASSERT_EQ(0, group_set(OTHER, "memory.max", 2 * WANTED));
	ASSERT_EQ(0, group_set(PARENT, "memory.max", WANTED + POOLED / 8));
	EXPECT_EQ(0, fz_in_child(touch_there, JOB(OTHER, WANTED)));
	EXPECT_LT(0, fz_stats(self->ctx).out_shrunk);
}

/* Its group is gone: it counts for the one above. */
TEST_F(pressure, group_is_removed)
{
	struct fastzero_stats stats;

	SKIP_WITHOUT_MEMCG();
	OPEN_AND_FILL(POOLED / 4);
	ASSERT_TRUE(fz_until(!rmdir(PAYS), FZ_PATIENCE_MS));
	ASSERT_EQ(0, group_set(PARENT, "memory.max", WANTED + POOLED / 8));
	EXPECT_EQ(0, fz_in_child(touch_there, JOB(OTHER, WANTED)));
	stats = fz_stats(self->ctx);
	/* If the removal took long, the pool has given its folios back by itself. */
	EXPECT_TRUE(stats.out_shrunk || stats.out_owned * 4096 <= POOLED / 8);
	/* New charges go to the parent as well. */
	ASSERT_EQ(0, group_set(PARENT, "memory.max", LIMIT));
	ASSERT_EQ(0, fill_pool(JOB(NULL, POOLED / 4)));
	ASSERT_EQ(0, group_set(PARENT, "memory.max", WANTED + POOLED / 8));
	EXPECT_EQ(0, fz_in_child(touch_there, JOB(OTHER, WANTED)));
	EXPECT_EQ(0, fz_read_key(PARENT "/memory.events", "oom_kill "));
}

/* Used folios go uncleared, and no pool gets them. */
TEST_F(pressure, used_pages_go_uncleared)
{
	struct fastzero_stats before, after;

	if (access(DROP_CACHES, W_OK))
		SKIP(return, "no " DROP_CACHES);
	self->ctx = fz_open();
	ASSERT_EQ(0, fill_pool(JOB(NULL, POOLED / 4)));
	before = fz_stats(self->ctx);
	ASSERT_EQ(0, fz_write_string(DROP_CACHES, "2"));
	/* The zeroer may have some in hand, to free them; or one, which it clears. */
	EXPECT_TRUE(fz_until((after = fz_stats(self->ctx)).out_owned <= 512,
			     2000 * fz_slow()));
	EXPECT_LT(0, after.out_shrunk);
	EXPECT_GE(512, after.out_zeroed - before.out_zeroed);
	if (!variant->used)
		return;
	/* For a while memory counts as short. */
	ASSERT_EQ(0, fill_used(JOB(NULL, POOLED / 8)));
	EXPECT_TRUE(fz_until(fz_stats(self->ctx).out_owned <= 512, 5000 * fz_slow()));
	EXPECT_GE(1024, fz_stats(self->ctx).out_zeroed - before.out_zeroed);
}

/* The kernel leaves up to this much reclaimable memory out of MemAvailable. */
static long long low_watermark(void)
{
	FILE *f = fopen("/proc/zoneinfo", "re");
	long long sum = 0, pages;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " low %lld", &pages) == 1)
			sum += pages;
	if (f)
		fclose(f);
	return sum * (long long)fz_ps;
}

static long long available(void)
{
	return fz_read_key("/proc/meminfo", "MemAvailable:") * 1024;
}

/* Base pages; the kernel adds up the counts of all processors first. */
static long long reclaimable(void)
{
	fz_write_string("/proc/sys/vm/stat_refresh", "1");
	return fz_read_key("/proc/vmstat", "nr_kernel_misc_reclaimable ");
}

/* MemAvailable has exactly the folios that the pool would give back. */
TEST_F(pressure, pool_counts_as_available)
{
	long long pages = reclaimable(), before;
	unsigned char *map;
	int fd;

	if (pages < 0)
		SKIP(return, "not in this kernel");
	fz_write_string(DROP_CACHES, "3");
	pages = reclaimable();
	before = available();
	self->ctx = fz_open();
	ASSERT_EQ(0, fill_pool(JOB(NULL, SHOWN)));
	EXPECT_LE(before - (long long)(SHOWN / 20) - low_watermark(), available());
	EXPECT_GT((long long)(SHOWN / 2), low_watermark()) TH_LOG("says little here");
	/* Except for a few on each node, since the count goes in steps. */
	EXPECT_GE(128, llabs(reclaimable() - pages - (long long)(SHOWN / fz_ps)));

	/* Folios that a scratch takes no longer count. */
	fd = fz_raw_create(self->ctx, SHOWN / 4, 0, variant->huge ?
			   FASTZERO_PAGES_2M : FASTZERO_PAGES_4K, 0);
	map = fz_map(fd, 0, SHOWN / 4);
	fz_fill(map, 0, SHOWN / 4, 1);
	/* The zeroer refills the pool meanwhile, also between the two looks. */
	EXPECT_TRUE(fz_until(128 >= llabs(reclaimable() - pages -
					  (long long)pooled(self->ctx)),
			     FZ_PATIENCE_MS));
	munmap(map, SHOWN / 4);
	close(fd);

	if (!variant->used) {
		ASSERT_EQ(0, fz_write_string(DROP_CACHES, "2"));
		EXPECT_GE(128, llabs(reclaimable() - pages -
				     (long long)pooled(self->ctx)));
		ASSERT_EQ(0, fill_pool(JOB(NULL, SHOWN / 2)));
	}
	close(self->ctx);
	self->ctx = -1;
	EXPECT_TRUE(fz_until(reclaimable() == pages, FZ_PATIENCE_MS))
		TH_LOG("%lld pages were, %lld are", pages, reclaimable());
}

TEST_HARNESS_MAIN
