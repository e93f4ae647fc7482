// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads that the kernel makes in a tenant's process (ZERO with FASTZERO_ZERO_THREAD).
 * Their process pays for them, and they keep nothing alive.  When one ends, the module's
 * own thread goes on with the work.
 */
#include "kselftest_harness.h"
#include "fz_group.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define GROUP		FZ_GROUPS "/fz_test_thread"
#define RATE		FZ_PARAM_DIR "zeroer_rate"
#define DEFAULT_RATE	"1048576"
#define IN_USE		FZ_PARAM_DIR "pages_in_use"
#define CHUNKS		16
#define SIZE		(CHUNKS * FZ_CHUNK)
#define RACES		20
/* CPU time that the thread spends.  One turn is small beside it. */
#define SPEND_MS	200L

/**
 * struct work - a context with a scratch that is full of garbage again and again
 * @ctx: the context
 * @fd: the scratch
 * @map: its mapping
 */
struct work {
	int ctx;
	int fd;
	unsigned char *map;
};

static int work_open(struct work *w)
{
	w->ctx = fz_raw_open();
	if (w->ctx < 0)
		return -1;
	w->fd = fz_raw_create(w->ctx, SIZE, 0, FASTZERO_PAGES_2M, 0);
	if (w->fd < 0)
		return -1;
	w->map = fz_raw_map(w->fd, 0, SIZE);
	return w->map == MAP_FAILED ? -1 : 0;
}

static void work_close(struct work *w)
{
	munmap(w->map, SIZE);
	close(w->fd);
	close(w->ctx);
}

/* Garbage for the zeroer. */
static int work_make(const struct work *w)
{
	memset(w->map, 1, SIZE);
	return fz_raw_reset(w->fd, 0, SIZE, FASTZERO_MODE_DROP, NULL);
}

static bool work_done(const struct work *w)
{
	struct fastzero_stats s;

	return !fz_raw_stats(w->ctx, &s) && !s.out_pool_used;
}

static uint64_t work_ns(const struct work *w)
{
	struct fastzero_stats s;

	return fz_raw_stats(w->ctx, &s) ? 0 : s.out_zeroer_ns;
}

static int start(int ctx)
{
	return fz_raw_zero(ctx, 0, FASTZERO_ZERO_THREAD, NULL);
}

static int take_back(int ctx)
{
	return fz_raw_zero(ctx, 0, FASTZERO_ZERO_NO_THREAD, NULL);
}

/* Threads that a process has from the module; @tid is the last of them. */
static int threads_of(pid_t pid, pid_t *tid)
{
	char path[300], name[32];
	struct dirent *e;
	int nr = 0;
	DIR *dir;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", pid, e->d_name);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f) &&
		    !strcmp(name, "fastzero-lent\n")) {
			nr++;
			if (tid)
				*tid = atoi(e->d_name);
		}
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return nr;
}

static bool has_symbol(const char *name)
{
	char line[256], type, symbol[128];
	FILE *f = fopen("/proc/kallsyms", "re");
	bool has = false;

	while (f && !has && fgets(line, sizeof(line), f))
		has = sscanf(line, "%*s %c %127s", &type, symbol) == 2 &&
		      !strcmp(symbol, name);
	if (f)
		fclose(f);
	return has;
}

/* INFO reports the feature if the kernel makes threads; otherwise the call fails. */
TEST(feature_is_reported)
{
	int ctx = fz_open();
	bool there = fz_info(ctx).out_features & FASTZERO_FEATURE_THREAD;

	EXPECT_EQ(has_symbol("vhost_task_create"), there);
	EXPECT_EQ(there ? 0 : EOPNOTSUPP, FZ_ERRNO(start(ctx)));
	EXPECT_EQ(0, take_back(ctx));
	EXPECT_TRUE(fz_until(!threads_of(getpid(), NULL), FZ_PATIENCE_MS));
	close(ctx);
}

/* The module's own thread does nothing, so others do all the work. */
#define SETUP(w) do {							\
	struct fastzero_info info_;					\
	EXPECT_TRUE(fz_until(!fz_read_number(IN_USE), FZ_PATIENCE_MS));	\
	ASSERT_EQ(0, fz_write_string(RATE, "1")) TH_LOG("needs root");	\
	ASSERT_EQ(0, work_open(w));					\
	info_ = fz_info((w)->ctx);					\
	if (!(info_.out_features & FASTZERO_FEATURE_THREAD)) {		\
		fz_write_string(RATE, DEFAULT_RATE);			\
		FZ_SKIP_ALL("INFO reports no FASTZERO_FEATURE_THREAD");	\
	}								\
} while (0)

/* No thread is left, and nothing holds the context. */
#define EXPECT_NOTHING_LEFT() do {					\
	EXPECT_TRUE(fz_until(!fz_read_number(IN_USE), FZ_PATIENCE_MS));	\
	EXPECT_TRUE(fz_until(!threads_of(getpid(), NULL), FZ_PATIENCE_MS)); \
} while (0)

FIXTURE(thread) {
	struct work w;
};

FIXTURE_SETUP(thread)
{
	SETUP(&self->w);
}

FIXTURE_TEARDOWN(thread)
{
	work_close(&self->w);
	EXPECT_EQ(0, fz_write_string(RATE, DEFAULT_RATE));
	EXPECT_NOTHING_LEFT();
}

/* The thread clears all used folios. zeroer_rate does not bound it. */
#define EXPECT_THREAD_WORKS(w) do {					\
	ASSERT_EQ(0, work_make(w));					\
	EXPECT_TRUE(fz_until(work_done(w), FZ_PATIENCE_MS));		\
} while (0)

/* The module's own thread has taken over: it does the work, and only as it may. */
#define EXPECT_MODULE_WORKS(w) do {					\
	ASSERT_EQ(0, work_make(w));					\
	usleep(100000);							\
	EXPECT_FALSE(work_done(w));					\
	ASSERT_EQ(0, fz_write_string(RATE, "0"));			\
	EXPECT_TRUE(fz_until(work_done(w), FZ_PATIENCE_MS));		\
	ASSERT_EQ(0, fz_write_string(RATE, "1"));			\
} while (0)

TEST_F(thread, works_until_it_is_taken_back)
{
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, start(self->w.ctx));
		EXPECT_EQ(1, threads_of(getpid(), NULL));
		EXPECT_THREAD_WORKS(&self->w);
		EXPECT_THREAD_WORKS(&self->w);
		ASSERT_ZERO(self->w.map, 0, SIZE);
		EXPECT_EQ(EBUSY, FZ_ERRNO(start(self->w.ctx)));
		ASSERT_EQ(0, take_back(self->w.ctx));
		EXPECT_TRUE(fz_until(!threads_of(getpid(), NULL), FZ_PATIENCE_MS));
		EXPECT_MODULE_WORKS(&self->w);
	}
}

TEST_F(thread, flag_excludes_other_flags)
{
	const uint32_t both = FASTZERO_ZERO_THREAD | FASTZERO_ZERO_NO_THREAD;

	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_zero(self->w.ctx, 0, both, NULL)));
	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_zero(self->w.ctx, 0, FASTZERO_ZERO_ONCE |
					       FASTZERO_ZERO_THREAD, NULL)));
	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_zero(self->w.ctx, 1, FASTZERO_ZERO_THREAD,
					       NULL)));
	EXPECT_EQ(EINVAL, FZ_ERRNO(fz_raw_zero(self->w.ctx, 1,
					       FASTZERO_ZERO_NO_THREAD, NULL)));
	EXPECT_EQ(0, threads_of(getpid(), NULL));
}

/* One that has no weight to speak of, also in a real-time process. */
TEST_F(thread, has_the_lowest_weight)
{
	struct sched_param param = { .sched_priority = 1 };
	pid_t tid = 0;

	ASSERT_EQ(0, sched_setscheduler(0, SCHED_FIFO, &param));
	ASSERT_EQ(0, start(self->w.ctx));
	param.sched_priority = 0;
	ASSERT_EQ(0, sched_setscheduler(0, SCHED_OTHER, &param));
	EXPECT_THREAD_WORKS(&self->w);
	ASSERT_EQ(1, threads_of(getpid(), &tid));
	EXPECT_EQ(SCHED_OTHER, sched_getscheduler(tid));
	EXPECT_EQ(19, getpriority(PRIO_PROCESS, (id_t)tid));
}

/* CPU time of the group, in us. */
static long long group_us(void)
{
	return fz_read_key(GROUP "/cpu.stat", "usage_usec ");
}

/**
 * struct paid - findings of a child in the group
 * @ns: CPU time of the thread, by STATS
 * @us: that of the group
 */
struct paid {
	uint64_t ns;
	long long us;
};

static int pay(void *arg)
{
	struct paid *paid = arg;
	struct work w;

	mkdir(GROUP, 0755);
	if (fz_group_enter(GROUP) || work_open(&w) || work_make(&w))
		return 1;
	paid->us = group_us();
	paid->ns = work_ns(&w);
	if (start(w.ctx))
		return 2;
	while (!work_done(&w))
		usleep(20000);
	/* The turn is over when its time is there. */
	usleep(50000);
	paid->ns = work_ns(&w) - paid->ns;
	paid->us = group_us() - paid->us;
	return 0;
}

/* The thread's time is charged to the group of its process. */
TEST_F(thread, is_paid_by_its_group)
{
	struct paid *paid = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, paid);
	ASSERT_EQ(0, fz_in_child(pay, paid));
	TH_LOG("the thread: %ju us, its group: %lld us", (uintmax_t)paid->ns / 1000,
	       paid->us);
	EXPECT_LT(0, paid->ns);
	/* The group's figure lags behind; without the thread it would be close to 0. */
	EXPECT_LE((long long)paid->ns / 1000 * 3 / 4, paid->us);
	EXPECT_TRUE(fz_until(!rmdir(GROUP), FZ_PATIENCE_MS));
	munmap(paid, fz_ps);
}

/* How a process ends that has lent a thread. */
enum end {
	END_EXIT,
	END_LAST_THREAD,
	END_EXEC,
	END_KILL,
	END_NOT,
};

static void child_end(enum end end)
{
	char *const args[] = { "true", NULL };

	switch (end) {
	case END_EXIT:
		_exit(0);
	case END_LAST_THREAD:
		syscall(SYS_exit, 0);
		break;
	case END_EXEC:
		execv("/bin/true", args);
		break;
	case END_KILL:
		kill(getpid(), SIGKILL);
		break;
	case END_NOT:
		pause();
	}
	_exit(9);
}

/* A child, in a group or not, lends a thread to the context that it has from us. */
static pid_t child_lend(int ctx, enum end end, const char *group)
{
	int fds[2];
	char byte;
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = fz_fork();
	if (!pid) {
		if ((group && fz_group_enter(group)) || start(ctx) ||
		    write(fds[1], "", 1) != 1)
			_exit(8);
		usleep(200000);
		child_end(end);
	}
	close(fds[1]);
	if (read(fds[0], &byte, 1) != 1)
		pid = -1;
	close(fds[0]);
	return pid;
}

/**
 * struct spent - time of a lent thread, as its pool's owner sees it
 * @cpu_ms: CPU time of the thread
 * @ms: how long it had work
 */
struct spent {
	long cpu_ms;
	long ms;
};

/* Make work for the thread until it has taken so much CPU time for it. */
static struct spent spend(const struct work *w, long cpu_ms)
{
	long end = fz_now_ms() + FZ_PATIENCE_MS;
	uint64_t begin_ns = work_ns(w);
	struct spent spent = { };

	while (spent.cpu_ms < cpu_ms && fz_now_ms() < end) {
		long begin;

		memset(w->map, 1, SIZE);
		begin = fz_now_ms();
		if (fz_raw_reset(w->fd, 0, SIZE, FASTZERO_MODE_DROP, NULL))
			break;
		while (!work_done(w) && fz_now_ms() < end)
			usleep(1000);
		spent.ms += fz_now_ms() - begin;
		spent.cpu_ms = (long)((work_ns(w) - begin_ns) / 1000000);
	}
	return spent;
}

/*
 * And it is held up when the group has had its part.  We are in another group: a process
 * that is held up with the thread would find the work late in any case.
 */
TEST_F(thread, is_held_up_by_cpu_max)
{
	struct spent free, held;
	pid_t pid;

	mkdir(GROUP, 0755);
	if (access(GROUP "/cpu.max", F_OK))
		SKIP(return, "no CONFIG_CFS_BANDWIDTH");
	pid = child_lend(self->w.ctx, END_NOT, GROUP);
	ASSERT_LT(0, pid);
	free = spend(&self->w, SPEND_MS);
	ASSERT_EQ(0, fz_group_set(GROUP, "cpu.max", "5000 50000"));
	held = spend(&self->w, SPEND_MS);
	TH_LOG("%ld ms of CPU in %ld ms; with cpu.max 10 %%: %ld ms in %ld ms",
	       free.cpu_ms, free.ms, held.cpu_ms, held.ms);
	EXPECT_LE(SPEND_MS, free.cpu_ms);
	EXPECT_LE(SPEND_MS, held.cpu_ms);
	/* A tenth, except for the first and the last turn, which are not interrupted. */
	EXPECT_LE(held.cpu_ms * 5, held.ms);
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
	EXPECT_TRUE(fz_until(!rmdir(GROUP), FZ_PATIENCE_MS));
}

FIXTURE(ends) {
	struct work w;
};

FIXTURE_VARIANT(ends) {
	enum end end;
	int status;
};

FIXTURE_VARIANT_ADD(ends, exit) {
	.end = END_EXIT,
};

FIXTURE_VARIANT_ADD(ends, last_thread) {
	.end = END_LAST_THREAD,
};

FIXTURE_VARIANT_ADD(ends, exec) {
	.end = END_EXEC,
};

FIXTURE_VARIANT_ADD(ends, kill) {
	.end = END_KILL, .status = FZ_SIGNALLED + SIGKILL,
};

FIXTURE_SETUP(ends)
{
	SETUP(&self->w);
}

FIXTURE_TEARDOWN(ends)
{
	work_close(&self->w);
	EXPECT_EQ(0, fz_write_string(RATE, DEFAULT_RATE));
	EXPECT_NOTHING_LEFT();
}

/* The thread ends with its process, and the context goes on with us. */
TEST_F(ends, module_works_after_the_thread_ends)
{
	pid_t pid = child_lend(self->w.ctx, variant->end, NULL);

	ASSERT_LT(0, pid);
	EXPECT_EQ(0, threads_of(getpid(), NULL));
	EXPECT_EQ(EBUSY, FZ_ERRNO(start(self->w.ctx)));
	EXPECT_THREAD_WORKS(&self->w);
	EXPECT_EQ(variant->status, fz_wait(pid));
	EXPECT_MODULE_WORKS(&self->w);
	/* The process has no lent thread any more. */
	ASSERT_EQ(0, start(self->w.ctx));
	EXPECT_THREAD_WORKS(&self->w);
}

/* Also in the middle of its work.  When wait() returns, all memory is free. */
TEST_F(ends, thread_ends_with_its_context)
{
	struct work w;
	pid_t pid = fz_fork();

	if (!pid) {
		work_close(&self->w);
		if (work_open(&w) || start(w.ctx) || work_make(&w))
			_exit(8);
		child_end(variant->end);
	}
	EXPECT_EQ(variant->status, fz_wait(pid));
	EXPECT_GE(SIZE / fz_ps, (uint64_t)fz_read_number(IN_USE));
	EXPECT_TRUE(fz_until(!fz_read_number(IN_USE), 2000));
}

/* The descriptor goes elsewhere, and the process that opened it ends. */
TEST_F(ends, thread_ends_after_the_descriptor_was_passed)
{
	int socks[2], status;
	struct work w;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = fz_fork();
	if (!pid) {
		if (work_open(&w) || start(w.ctx) || fz_send_fd(socks[1], w.ctx) ||
		    fz_send_fd(socks[1], w.fd))
			_exit(8);
		usleep(200000);
		child_end(variant->end);
	}
	close(socks[1]);
	w.ctx = fz_recv_fd(socks[0]);
	w.fd = fz_recv_fd(socks[0]);
	ASSERT_LE(0, w.fd);
	w.map = fz_map(w.fd, 0, SIZE);
	EXPECT_THREAD_WORKS(&w);
	status = fz_wait(pid);
	EXPECT_EQ(variant->status, status);
	EXPECT_MODULE_WORKS(&w);
	close(socks[0]);
	work_close(&w);
}

/* The last descriptor ends it, although the scratch is still mapped. */
TEST_F(thread, ends_with_the_last_descriptor)
{
	struct work w;
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, work_open(&w));
		ASSERT_EQ(0, start(w.ctx));
		ASSERT_EQ(0, work_make(&w));
		close(w.ctx);
		EXPECT_TRUE(fz_until(!threads_of(getpid(), NULL), FZ_PATIENCE_MS));
		w.ctx = -1;
		memset(w.map, 1, SIZE);
		work_close(&w);
		EXPECT_TRUE(fz_until(!fz_read_number(IN_USE), FZ_PATIENCE_MS));
	}
}

/* No call waits for a thread whose process is stopped. */
TEST_F(thread, may_be_stopped)
{
	struct work w;
	int status;
	pid_t pid;
	long begin;

	ASSERT_EQ(0, work_open(&w));
	pid = fz_fork();
	if (!pid) {
		if (start(w.ctx))
			_exit(8);
		work_close(&w);
		work_close(&self->w);
		raise(SIGSTOP);
		pause();
	}
	ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, work_make(&w));
	begin = fz_now_ms();
	work_close(&w);
	/* It would be for ever. */
	EXPECT_GE(FZ_PATIENCE_MS, fz_now_ms() - begin);
	EXPECT_EQ(0, fz_read_number(IN_USE));
	EXPECT_EQ(1, threads_of(pid, NULL));
	/* It ends when it goes on. */
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(fz_until(!threads_of(pid, NULL), FZ_PATIENCE_MS));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
}

/* A child of fork() has no lent thread, and may take ours back. */
TEST_F(thread, stays_with_its_process)
{
	pid_t pid;

	ASSERT_EQ(0, start(self->w.ctx));
	pid = fz_fork();
	if (!pid)
		_exit(threads_of(getpid(), NULL));
	EXPECT_EQ(0, fz_wait(pid));
	EXPECT_THREAD_WORKS(&self->w);
	pid = fz_fork();
	if (!pid)
		_exit(take_back(self->w.ctx) ? 1 : 0);
	EXPECT_EQ(0, fz_wait(pid));
	EXPECT_MODULE_WORKS(&self->w);
}

/* All of it at once: ends meet starts, work, closes and each other. */
TEST_F(thread, races)
{
	uint64_t seed = 3;
	struct work w;
	int i, status;
	pid_t pid;
	enum end end;

	ASSERT_EQ(0, fz_write_string(RATE, "0"));
	for (i = 0; i < RACES; i++) {
		uint64_t us = fz_random(&seed) % 4000;

		end = (enum end)(i % (END_NOT + 1));
		pid = fz_fork();
		if (!pid) {
			if (work_open(&w) || start(w.ctx))
				_exit(8);
			if (work_make(&w) || start(self->w.ctx) < -1)
				_exit(7);
			usleep((useconds_t)us);
			if (i & 1)
				take_back(w.ctx);
			if (i & 2)
				close(w.ctx);
			child_end(end);
		}
		ASSERT_EQ(0, work_make(&self->w));
		usleep((useconds_t)(fz_random(&seed) % 20000));
		if (i & 4)
			start(self->w.ctx);
		if (i & 8)
			take_back(self->w.ctx);
		if (end == END_NOT)
			kill(pid, SIGKILL);
		status = fz_wait(pid);
		EXPECT_TRUE(status == 0 || status == FZ_SIGNALLED + SIGKILL) {
			TH_LOG("%d in race %d", status, i);
		}
		take_back(self->w.ctx);
		ASSERT_EQ(0, work_make(&self->w));
		EXPECT_TRUE(fz_until(work_done(&self->w), FZ_PATIENCE_MS));
	}
	ASSERT_ZERO(self->w.map, 0, SIZE);
}

TEST_HARNESS_MAIN
