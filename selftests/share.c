// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processor time of tenants.  A tenant whose contexts keep the zeroer busy takes no more
 * than its share of a processor.  The zeroer serves all contexts alike, and STATS and
 * the kernel agree on its CPU time.
 */
#include "kselftest_harness.h"
#include "fz_group.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define ROOT	"/sys/fs/cgroup"
#define VICTIM	ROOT "/fz_test_victim"
#define TENANT	ROOT "/fz_test_tenant"

#define CONTEXTS	48
#define CHUNKS		2
#define SIZE		(CHUNKS * FZ_CHUNK)
#define RATE		FZ_PARAM_DIR "zeroer_rate"
#define DEFAULT_RATE	1048576
#define MOST		8	/* threads of the zeroer that we look at */

/* All of this is about one processor. */
static int pin(pid_t pid)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(pid, sizeof(set), &set);
}

/* The threads of the zeroer; how many. */
static int find_zeroer(pid_t *pids)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int nr = 0;

	while (proc && (e = readdir(proc)) && nr < MOST) {
		char path[300], name[32] = "";
		FILE *f;

		if (!isdigit(e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f) && !strncmp(name, "fastzero/", 9))
			pids[nr++] = atoi(e->d_name);
		if (f)
			fclose(f);
	}
	if (proc)
		closedir(proc);
	return nr;
}

/* CPU time of a thread, in ns. */
static uint64_t cpu_of(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

static uint64_t zeroer_cpu(void)
{
	pid_t pids[MOST];
	int nr = find_zeroer(pids);
	uint64_t ns = 0;

	while (nr)
		ns += cpu_of(pids[--nr]);
	return ns;
}

/* On a processor, or waiting for one. */
static bool runs(pid_t pid)
{
	char path[64], state = 'R';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'R';
	if (f)
		fclose(f);
	return state == 'R';
}

/* Not for a moment between two turns. */
static bool zeroer_rests(void)
{
	uint64_t before = zeroer_cpu();
	pid_t pids[MOST];
	int nr;

	usleep(50000);
	for (nr = find_zeroer(pids); nr; nr--)
		if (runs(pids[nr - 1]))
			return false;
	return zeroer_cpu() == before;
}

static uint64_t own_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/**
 * struct tenant - contexts of one process, each with one scratch of 2 MiB chunks
 * @nr: how many
 * @ctx: their descriptors
 * @fd: of the scratches
 * @map: their mappings
 */
struct tenant {
	int nr;
	int ctx[CONTEXTS];
	int fd[CONTEXTS];
	unsigned char *map[CONTEXTS];
};

static int tenant_open(struct tenant *t, int nr, uint32_t policy)
{
	int i;

	t->nr = nr;
	for (i = 0; i < nr; i++) {
		t->ctx[i] = fz_raw_open();
		if (t->ctx[i] < 0)
			return -1;
		t->fd[i] = fz_raw_create(t->ctx[i], SIZE, 0, policy, 0);
		if (t->fd[i] < 0)
			return -1;
		t->map[i] = fz_raw_map(t->fd[i], 0, SIZE);
		if (t->map[i] == MAP_FAILED)
			return -1;
	}
	return 0;
}

static void tenant_close(struct tenant *t)
{
	int i;

	for (i = 0; i < t->nr; i++) {
		munmap(t->map[i], SIZE);
		close(t->fd[i]);
		close(t->ctx[i]);
	}
}

/* A byte in each page or chunk, and all of it is garbage. */
static int tenant_run(const struct tenant *t, uint64_t step, uint32_t mode)
{
	uint64_t at;
	int i;

	for (i = 0; i < t->nr; i++) {
		for (at = 0; at < SIZE; at += step)
			t->map[i][at] = 1;
		if (fz_raw_reset(t->fd[i], 0, SIZE, mode, NULL))
			return -1;
	}
	return 0;
}

static struct fastzero_stats tenant_stats(const struct tenant *t)
{
	struct fastzero_stats sum = { }, s;
	int i;

	for (i = 0; i < t->nr; i++) {
		if (fz_raw_stats(t->ctx[i], &s))
			continue;
		sum.out_zeroed += s.out_zeroed;
		sum.out_zeroer_ns += s.out_zeroer_ns;
		sum.out_pool_used += s.out_pool_used;
	}
	return sum;
}

/* Works for a context until it is killed, or a signal comes. */
static void *lend(void *arg)
{
	const int *ctx = arg;

	while (!fz_raw_zero(*ctx, 0, 0, NULL))
		;
	return NULL;
}

/* Says that it is there, and resets until it is killed. */
static void tenant_live(const char *group, int nr, bool lends, int ready)
{
	struct tenant t;
	pthread_t thread;
	int i;

	if (fz_group_enter(group) || pin(0) || tenant_open(&t, nr, FASTZERO_PAGES_2M))
		_exit(1);
	for (i = 0; i < nr; i++)
		if (fz_raw_pool_huge(t.ctx[i], CHUNKS, 0) ||
		    (lends && pthread_create(&thread, NULL, lend, &t.ctx[i])))
			_exit(2);
	for (i = 0;; i++) {
		if (tenant_run(&t, FZ_CHUNK, FASTZERO_MODE_SWAP))
			_exit(3);
		if (i == 2 && write(ready, "", 1) != 1)
			_exit(4);
	}
}

/* Computes for @ms; returns its share of a processor, in 1/1000. */
static int work(long ms)
{
	uint64_t begin = now_ns(), cpu = own_cpu();
	uint64_t end = begin + (uint64_t)ms * 1000000;

	while (now_ns() < end)
		;
	return (int)((own_cpu() - cpu) * 1000 / (now_ns() - begin));
}

FIXTURE(share) {
	pid_t tenant;
	int ready;
};

FIXTURE_VARIANT(share) {
	const char *max;
	int contexts;
	bool lends;		/* a thread to each */
	int least;		/* of a processor, for the victim, in 1/1000 */
};

FIXTURE_VARIANT_ADD(share, beside_an_equal) {
	.max = "max", .contexts = 48, .least = 450,
};

FIXTURE_VARIANT_ADD(share, beside_one_of_20) {
	.max = "20000 100000", .contexts = 48, .least = 750,
};

FIXTURE_VARIANT_ADD(share, beside_one_that_lends) {
	.max = "20000 100000", .contexts = 8, .lends = true, .least = 750,
};

FIXTURE_SETUP(share)
{
	pid_t zeroer[MOST];
	int i, nr, fds[2];

	mkdir(VICTIM, 0755);
	mkdir(TENANT, 0755);
	if (access(TENANT "/cpu.max", F_OK))
		FZ_SKIP_ALL("no CONFIG_FAIR_GROUP_SCHED, or no cpu controller in " ROOT);
	ASSERT_EQ(0, fz_write_string(TENANT "/cpu.max", variant->max));
	nr = find_zeroer(zeroer);
	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, pin(zeroer[i]));
	ASSERT_EQ(0, pipe(fds));
	self->ready = fds[0];
	self->tenant = fz_fork();
	if (!self->tenant)
		tenant_live(TENANT, variant->contexts, variant->lends, fds[1]);
	close(fds[1]);
}

FIXTURE_TEARDOWN(share)
{
	kill(self->tenant, SIGKILL);
	fz_wait(self->tenant);
	close(self->ready);
	fz_until(!rmdir(TENANT), FZ_PATIENCE_MS);
	fz_until(!rmdir(VICTIM), FZ_PATIENCE_MS);
}

static int victim(void *arg)
{
	int *got = arg;

	if (fz_group_enter(VICTIM) || pin(0))
		return 1;
	work(300);
	*got = work(3000);
	return 0;
}

/*
 * The computing tenant gets the share that it would have without any zeroer.  An emulator
 * that waits for processors takes some of that, at times.  So the best of a few tries
 * counts, less a fifth.  Under --icount the first is exact (docs/neighbour.md).
 */
TEST_F(share, computing_tenant_keeps_its_share)
{
	int best = 0, tries;
	int *got = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t cpu;
	char byte;

	ASSERT_NE(MAP_FAILED, got);
	ASSERT_EQ(1, read(self->ready, &byte, 1));
	for (tries = 0; tries < 5 && best < variant->least; tries++) {
		cpu = zeroer_cpu();
		ASSERT_EQ(0, fz_in_child(victim, got));
		cpu = zeroer_cpu() - cpu;
		TH_LOG("the zeroer: %ju ms", (uintmax_t)cpu / 1000000);
		/* The module's thread does no work for a tenant with a lent thread. */
		if (variant->lends)
			EXPECT_GE(20000000, cpu);
		TH_LOG("%d.%d %% of a processor", *got / 10, *got % 10);
		if (*got > best)
			best = *got;
	}
	EXPECT_LE(variant->least * 4 / 5, best);
	EXPECT_EQ(0, kill(self->tenant, 0));
	munmap(got, fz_ps);
}

/* Hogs of a processor each, so that the zeroer has to wait for one. */
static void hogs(pid_t *pids, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		pids[i] = fz_fork();
		while (!pids[i])
			;
	}
}

/**
 * struct spent - CPU time of the zeroer
 * @stats: the time of a tenant's pools in STATS, in ns
 * @kernel: the time of the zeroer's threads by the kernel, in ns
 */
struct spent {
	uint64_t stats;
	uint64_t kernel;
};

/*
 * The zeroer has finished, and no turn is under way that would be counted in part only.
 */
static bool all_is_done(const struct tenant *t)
{
	return fz_until(!tenant_stats(t).out_pool_used, FZ_PATIENCE_MS) &&
	       fz_until(zeroer_rests(), FZ_PATIENCE_MS);
}

/* Work for the zeroer, on a machine whose processors are all taken. */
static void beside_hogs(struct __test_metadata *_metadata, const struct tenant *t,
			struct spent *spent)
{
	int nr_hogs = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct fastzero_stats before, after;
	pid_t zeroer[MOST], pids[64];
	uint64_t begin, ns, cpu;
	int i, nr;

	ASSERT_GE(64, nr_hogs);
	nr = find_zeroer(zeroer);
	ASSERT_TRUE(all_is_done(t));
	before = tenant_stats(t);
	cpu = zeroer_cpu();
	hogs(pids, nr_hogs);
	begin = now_ns();
	while (now_ns() - begin < 2000000000)
		ASSERT_EQ(0, tenant_run(t, fz_ps, FASTZERO_MODE_DROP));
	ns = now_ns() - begin;
	after = tenant_stats(t);
	EXPECT_GE(ns * (uint64_t)(nr ?: nr_hogs),
		  after.out_zeroer_ns - before.out_zeroer_ns);
	for (i = 0; i < nr_hogs; i++) {
		kill(pids[i], SIGKILL);
		fz_wait(pids[i]);
	}
	ASSERT_TRUE(all_is_done(t));
	spent->stats = tenant_stats(t).out_zeroer_ns - before.out_zeroer_ns;
	spent->kernel = zeroer_cpu() - cpu;
	TH_LOG("STATS: %ju us, the kernel: %ju us", (uintmax_t)spent->stats / 1000,
	       (uintmax_t)spent->kernel / 1000);
}

/* The time is not more than the machine had, and agrees with the kernel's. */
TEST(stats_have_cpu_time)
{
	struct spent spent = {};
	struct tenant t;
	int tries;

	ASSERT_EQ(0, fz_write_string(RATE, "0")) TH_LOG("needs root");
	ASSERT_EQ(0, tenant_open(&t, 8, FASTZERO_PAGES_4K));
	/* The kernel's figure includes waits, which are long on a stalled machine. */
	for (tries = 0; tries < 5; tries++) {
		beside_hogs(_metadata, &t, &spent);
		EXPECT_LT(0, spent.stats);
		EXPECT_LE(spent.stats, spent.kernel + spent.kernel / 20);
		if (spent.stats >= spent.kernel - spent.kernel / 8)
			break;
	}
	EXPECT_GT(5, tries);
	tenant_close(&t);
	EXPECT_EQ(0, fz_write_string(RATE, "1048576"));
}

/* Time of the zeroer beside its owner's, for docs/neighbour.md. */
static void beside_owner(struct __test_metadata *_metadata, const char *what,
			 uint64_t step)
{
	uint64_t own = 0, ns, begin;
	struct tenant t;
	int i;

	ASSERT_EQ(0, tenant_open(&t, 1, FASTZERO_PAGES_2M));
	ASSERT_EQ(0, fz_raw_pool_huge(t.ctx[0], CHUNKS, FASTZERO_POOL_WAIT));
	ns = tenant_stats(&t).out_zeroer_ns;
	for (i = 0; i < 20; i++) {
		begin = own_cpu();
		ASSERT_EQ(0, tenant_run(&t, step, FASTZERO_MODE_SWAP));
		own += own_cpu() - begin;
		ASSERT_TRUE(fz_until(!tenant_stats(&t).out_pool_used,
				     FZ_PATIENCE_MS));
		usleep(5000);
	}
	ns = tenant_stats(&t).out_zeroer_ns - ns;
	TH_LOG("%s: the owner %ju us, the zeroer %ju us, for each of %d chunks", what,
	       (uintmax_t)own / 1000 / 20 / CHUNKS,
	       (uintmax_t)ns / 1000 / 20 / CHUNKS, 20 * CHUNKS);
	EXPECT_LT(0, ns);
	tenant_close(&t);
}

TEST(zeroer_beside_its_owner)
{
	beside_owner(_metadata, "a byte of a chunk", FZ_CHUNK);
	beside_owner(_metadata, "a byte of each page", fz_ps);
	beside_owner(_metadata, "every byte", 1);
}

/* One bound for all contexts together. */
TEST(contexts_share_the_rate)
{
	const uint64_t rate = 2048;
	uint64_t begin, ms, done;
	struct tenant t;

	ASSERT_EQ(0, fz_write_string(RATE, "1")) TH_LOG("needs root");
	ASSERT_EQ(0, tenant_open(&t, 12, FASTZERO_PAGES_4K));
	ASSERT_EQ(0, tenant_run(&t, fz_ps, FASTZERO_MODE_DROP));
	done = tenant_stats(&t).out_zeroed;
	ASSERT_EQ(0, fz_write_string(RATE, "2048"));
	begin = now_ns();
	usleep(1500000);
	done = tenant_stats(&t).out_zeroed - done;
	ms = (now_ns() - begin) / 1000000 + 1;
	TH_LOG("%ju pages in %ju ms", (uintmax_t)done, (uintmax_t)ms);
	/* A burst of 20 ms, and a batch. */
	EXPECT_GE(rate * (ms + 20) / 1000 + 64, done);
	EXPECT_LE(rate / 2, done);
	EXPECT_EQ(0, fz_write_string(RATE, "1048576"));
	tenant_close(&t);
}

/* A context that has much to be cleared does not keep one waiting that has little. */
TEST(contexts_take_turns)
{
	struct tenant much, little;
	uint64_t begin;

	ASSERT_EQ(0, fz_write_string(RATE, "1")) TH_LOG("needs root");
	ASSERT_EQ(0, tenant_open(&much, 1, FASTZERO_PAGES_4K));
	ASSERT_EQ(0, tenant_open(&little, 1, FASTZERO_PAGES_4K));
	ASSERT_EQ(0, tenant_run(&much, fz_ps, FASTZERO_MODE_DROP));
	usleep(200000);
	ASSERT_EQ(0, tenant_run(&little, fz_ps * 8, FASTZERO_MODE_DROP));
	ASSERT_EQ(0, fz_write_string(RATE, "512"));
	begin = now_ns();
	ASSERT_TRUE(fz_until(!tenant_stats(&little).out_pool_used, FZ_PATIENCE_MS));
	TH_LOG("waited for %ju ms", (uintmax_t)(now_ns() - begin) / 1000000);
	/* As much as it has, and a turn. */
	EXPECT_LT(0, tenant_stats(&much).out_pool_used);
	EXPECT_EQ(0, fz_write_string(RATE, "1048576"));
	tenant_close(&much);
	tenant_close(&little);
}

/*
 * A tenant with many contexts takes no more either: its memory cgroup has one turn, not
 * eight.
 */
TEST(tenants_take_turns)
{
	struct tenant much, little;
	uint64_t done, own;
	char home[256];

	ASSERT_EQ(0, fz_group_home(home, sizeof(home)));
	mkdir(TENANT, 0755);
	mkdir(VICTIM, 0755);
	ASSERT_EQ(0, fz_write_string(RATE, "1")) TH_LOG("needs root");
	ASSERT_EQ(0, fz_group_enter(TENANT));
	ASSERT_EQ(0, tenant_open(&much, 8, FASTZERO_PAGES_4K));
	ASSERT_EQ(0, tenant_run(&much, fz_ps, FASTZERO_MODE_DROP));
	ASSERT_EQ(0, fz_group_enter(VICTIM));
	ASSERT_EQ(0, tenant_open(&little, 1, FASTZERO_PAGES_4K));
	ASSERT_EQ(0, tenant_run(&little, fz_ps, FASTZERO_MODE_DROP));
	done = tenant_stats(&much).out_zeroed;
	own = tenant_stats(&little).out_zeroed;
	ASSERT_EQ(0, fz_write_string(RATE, "2048"));
	EXPECT_TRUE(fz_until(tenant_stats(&little).out_zeroed > own + 512,
			     FZ_PATIENCE_MS));
	done = tenant_stats(&much).out_zeroed - done;
	own = tenant_stats(&little).out_zeroed - own;
	TH_LOG("one context: %ju pages, eight of another tenant: %ju",
	       (uintmax_t)own, (uintmax_t)done);
	EXPECT_LE(done, 2 * own);
	EXPECT_LE(own, 2 * done);
	EXPECT_EQ(0, fz_write_string(RATE, "1048576"));
	tenant_close(&much);
	tenant_close(&little);
	EXPECT_EQ(0, fz_group_enter(home));
	EXPECT_TRUE(fz_until(!rmdir(TENANT), FZ_PATIENCE_MS));
	EXPECT_TRUE(fz_until(!rmdir(VICTIM), FZ_PATIENCE_MS));
}

/* Threads that are lent to a context, and one that lends itself. */
FIXTURE(lent) {
	struct tenant t;
	pthread_t thread;
};

static void nothing(__attribute__((unused)) int signal)
{
}

/* The batch that the module's thread may have begun is done, and it has to wait now. */
static bool is_quiet(const struct tenant *t)
{
	uint64_t before = tenant_stats(t).out_zeroed;

	usleep(100000);
	return tenant_stats(t).out_zeroed == before;
}

FIXTURE_SETUP(lent)
{
	struct sigaction act = { .sa_handler = nothing };

	ASSERT_EQ(0, fz_write_string(RATE, "1")) TH_LOG("needs root");
	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
	ASSERT_EQ(0, tenant_open(&self->t, 1, FASTZERO_PAGES_4K));
	ASSERT_EQ(0, tenant_run(&self->t, fz_ps, FASTZERO_MODE_DROP));
	EXPECT_TRUE(fz_until(is_quiet(&self->t), FZ_PATIENCE_MS));
	EXPECT_LT(0, tenant_stats(&self->t).out_pool_used);
}

FIXTURE_TEARDOWN(lent)
{
	tenant_close(&self->t);
	EXPECT_EQ(0, fz_write_string(RATE, "1048576"));
}

static bool all_ready(const struct tenant *t)
{
	return !tenant_stats(t).out_pool_used;
}

/* One call clears all used folios. zeroer_rate does not bound it. */
TEST_F(lent, clears_all_in_one_call)
{
	uint64_t before = tenant_stats(&self->t).out_zeroed;
	uint64_t ns = tenant_stats(&self->t).out_zeroer_ns;
	struct fastzero_zero z;

	ASSERT_EQ(0, fz_raw_zero(self->t.ctx[0], 0, FASTZERO_ZERO_ONCE, &z));
	EXPECT_TRUE(all_ready(&self->t));
	EXPECT_EQ(SIZE / fz_ps, before + z.out_work);
	EXPECT_EQ(SIZE / fz_ps, tenant_stats(&self->t).out_zeroed);
	/* Afterwards the module's thread checks for more work. */
	ns = tenant_stats(&self->t).out_zeroer_ns - ns;
	EXPECT_LE(z.out_ns, ns);
	EXPECT_GE(2 * z.out_ns, ns);
	EXPECT_LT(0, z.out_ns);
	ASSERT_ZERO(self->t.map[0], 0, SIZE);
	/* The same again, without any work. */
	ASSERT_EQ(0, fz_raw_zero(self->t.ctx[0], 0, FASTZERO_ZERO_ONCE, &z));
	EXPECT_EQ(0, z.out_work);
}

TEST_F(lent, ends_after_its_timeout)
{
	long begin = fz_now_ms();

	ASSERT_EQ(0, fz_raw_zero(self->t.ctx[0], 200, 0, NULL));
	EXPECT_LE(200, fz_now_ms() - begin + 10);
	EXPECT_TRUE(all_ready(&self->t));
}

/* While lent, the thread does all of the work.  Afterwards the module's thread does. */
TEST_F(lent, does_all_the_work)
{
	uint64_t cpu, ns;
	int i;

	ASSERT_EQ(0, pthread_create(&self->thread, NULL, lend, &self->t.ctx[0]));
	ASSERT_TRUE(fz_until(all_ready(&self->t), FZ_PATIENCE_MS));
	ASSERT_EQ(0, fz_write_string(RATE, "0"));
	usleep(200000);
	cpu = zeroer_cpu();
	ns = tenant_stats(&self->t).out_zeroer_ns;
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, tenant_run(&self->t, fz_ps, FASTZERO_MODE_DROP));
		ASSERT_TRUE(fz_until(all_ready(&self->t), FZ_PATIENCE_MS));
	}
	EXPECT_EQ(cpu, zeroer_cpu());
	EXPECT_LT(ns, tenant_stats(&self->t).out_zeroer_ns);
	pthread_kill(self->thread, SIGUSR1);
	ASSERT_EQ(0, pthread_join(self->thread, NULL));

	ASSERT_EQ(0, tenant_run(&self->t, fz_ps, FASTZERO_MODE_DROP));
	ASSERT_TRUE(fz_until(all_ready(&self->t), FZ_PATIENCE_MS));
	EXPECT_LT(cpu, zeroer_cpu());
}

/* Several lent threads, which come and go while there is work. */
TEST_F(lent, several_threads_at_once)
{
	pthread_t threads[3];
	int i, k;

	for (i = 0; i < 10; i++) {
		for (k = 0; k < 3; k++)
			ASSERT_EQ(0, pthread_create(&threads[k], NULL, lend,
						    &self->t.ctx[0]));
		ASSERT_EQ(0, tenant_run(&self->t, fz_ps, FASTZERO_MODE_DROP));
		ASSERT_TRUE(fz_until(all_ready(&self->t), FZ_PATIENCE_MS));
		for (k = 0; k < 3; k++) {
			ASSERT_EQ(0, tenant_run(&self->t, fz_ps,
						FASTZERO_MODE_SWAP));
			/* It may not have come so far yet. */
			usleep(2000);
			pthread_kill(threads[k], SIGUSR1);
			ASSERT_EQ(0, pthread_join(threads[k], NULL));
		}
	}
	ASSERT_ZERO(self->t.map[0], 0, SIZE);
}

static int lend_for_ever(void *arg)
{
	lend(arg);
	return 1;
}

/* A signal ends it, and one that kills does so at once. */
TEST_F(lent, ends_by_signals)
{
	struct fastzero_zero z = { };
	pid_t pid = fz_fork();
	long begin;

	if (!pid)
		_exit(lend_for_ever(&self->t.ctx[0]));
	ASSERT_TRUE(fz_until(all_ready(&self->t), FZ_PATIENCE_MS));
	begin = fz_now_ms();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
	EXPECT_GE(1000 * fz_slow(), fz_now_ms() - begin);

	/* The outputs are there, although the call has failed. */
	ASSERT_EQ(0, tenant_run(&self->t, fz_ps, FASTZERO_MODE_DROP));
	pid = fz_fork();
	if (!pid) {
		usleep(300000);
		_exit(kill(getppid(), SIGUSR1));
	}
	z.size = sizeof(z);
	EXPECT_EQ(EINTR, FZ_ERRNO(ioctl(self->t.ctx[0], FASTZERO_IOC_ZERO, &z)));
	EXPECT_LT(0, z.out_work);
	EXPECT_EQ(0, fz_wait(pid));
}

TEST_HARNESS_MAIN
