// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What keeps a scratch alive: descriptors, mappings and messages in flight, whatever the
 * order in which they end.  All memory comes back after the last one.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <signal.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/socket.h>

/* With chunks there are two, so that half of the scratch is one chunk. */
#define PAGES	(getenv("FZ_PAGES") ? 1024 : 64)
#define SIZE	((size_t)PAGES * fz_ps)
#define SEED	31
#define IN_USE	FZ_PARAM_DIR "pages_in_use"

/* The module has given everything back; it may take it a moment. */
#define EXPECT_ALL_BACK() do {						\
	EXPECT_TRUE(fz_until(!fz_read_number(IN_USE), FZ_PATIENCE_MS))	\
		TH_LOG("%lld pages are in use", fz_read_number(IN_USE)); \
} while (0)

/* The pages are still in use: their holder works, and the zeroer has finished. */
#define EXPECT_IN_USE(nr) do {						\
	fz_until(fz_read_number(IN_USE) == (nr), FZ_PATIENCE_MS);	\
	EXPECT_EQ(nr, fz_read_number(IN_USE));				\
} while (0)

FIXTURE(life) {
	FZ_SCRATCH;
	int sock[2];
};

FIXTURE_SETUP(life)
{
	ASSERT_LE(0, fz_read_number(IN_USE)) TH_LOG("needs root");
	EXPECT_ALL_BACK();
	FZ_SCRATCH_SETUP(SIZE, 0, FZ_ANY_PAGES);
	fz_fill(self->map, 0, SIZE / 2, SEED);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				self->sock));
}

/* Tests that have closed a part themselves say so by -1 and NULL. */
FIXTURE_TEARDOWN(life)
{
	if (self->map)
		munmap(self->map, SIZE);
	if (self->fd >= 0)
		close(self->fd);
	if (self->ctx >= 0)
		close(self->ctx);
	close(self->sock[0]);
	close(self->sock[1]);
	EXPECT_ALL_BACK();
}

#define CLOSE(fd) do {							\
	ASSERT_EQ(0, close(fd));					\
	(fd) = -1;							\
} while (0)

/* The second half has never been touched: it takes the context to back it. */
#define EXPECT_MAP_WORKS() do {						\
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE / 2, SEED)); \
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, SIZE / 2, SIZE / 2)); \
	fz_fill(self->map, 0, SIZE, SEED + 1);				\
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED + 1)); \
	EXPECT_IN_USE(PAGES);						\
} while (0)

TEST_F(life, scratch_closes_before_context)
{
	munmap(self->map, SIZE);
	self->map = NULL;
	CLOSE(self->fd);
	EXPECT_ALL_BACK();
	/* The context goes on. */
	self->fd = fz_create(self->ctx, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_pread_nonzero(self->fd, 0, SIZE));
}

TEST_F(life, context_closes_before_scratch)
{
	unsigned char *second;

	CLOSE(self->ctx);
	EXPECT_MAP_WORKS();
	second = fz_map(self->fd, 0, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(second, 0, SIZE, SEED + 1));
	fz_reset(self->fd, 0, SIZE / 2, FASTZERO_MODE_DROP);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(second, 0, SIZE / 2));
	fz_populate(self->fd, 0, SIZE, 0);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_INPLACE);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	EXPECT_EQ(PAGES, fz_stats(self->fd).out_populated);
	munmap(second, SIZE);
}

TEST_F(life, mapping_outlives_descriptors)
{
	CLOSE(self->fd);
	CLOSE(self->ctx);
	EXPECT_MAP_WORKS();
}

TEST_F(life, unmapped_in_parts)
{
	CLOSE(self->fd);
	CLOSE(self->ctx);
	ASSERT_EQ(0, munmap(self->map, 3 * fz_ps));
	ASSERT_EQ(0, munmap(self->map + 10 * fz_ps, 20 * fz_ps));
	ASSERT_EQ(0, munmap(self->map + SIZE - fz_ps, fz_ps));
	/* The pages are the scratch's, not the mapping's. */
	EXPECT_IN_USE(PAGES / 2);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 5 * fz_ps, 5 * fz_ps,
					   SEED));
}

TEST_F(life, implicit_scratch)
{
	int ctx = fz_open();
	unsigned char *map = fz_map(ctx, 0, SIZE);

	fz_fill(map, 0, SIZE, SEED);
	ASSERT_EQ(0, munmap(map, SIZE));
	/* It is the context's descriptor that keeps it. */
	map = fz_map(ctx, 0, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
	ASSERT_EQ(0, close(ctx));
	/* And now the mapping. */
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(map, 0, SIZE, SEED));
	EXPECT_IN_USE(PAGES + PAGES / 2);
	ASSERT_EQ(0, munmap(map, SIZE));
	EXPECT_TRUE(fz_until(fz_read_number(IN_USE) == PAGES / 2,
			     FZ_PATIENCE_MS));
}

TEST_F(life, pool_and_queue_go_with_the_context)
{
	fz_pool(self->ctx, 1000, FASTZERO_POOL_WAIT);
	fz_fill(self->map, 0, SIZE, SEED);
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	munmap(self->map, SIZE);
	self->map = NULL;
	CLOSE(self->fd);
	EXPECT_LE(1000, fz_read_number(IN_USE));
	CLOSE(self->ctx);
	EXPECT_ALL_BACK();
}

/* The child has everything that we had. */
TEST_F(life, fork_then_parent_lets_go)
{
	struct fz_peer child;

	ASSERT_EQ(0, fz_peer_start(&child, self->map));
	ASSERT_EQ(0, fz_peer_do(&child, FZ_PEER_FILL, SIZE / 2, SIZE / 2, SEED));
	EXPECT_EQ(FZ_CLEAN, fz_find_unlike(self->map, 0, SIZE, SEED));
	munmap(self->map, SIZE);
	self->map = NULL;
	CLOSE(self->fd);
	CLOSE(self->ctx);
	EXPECT_IN_USE(PAGES);
	EXPECT_EQ(FZ_CLEAN, fz_peer_do(&child, FZ_PEER_UNLIKE, 0, SIZE, SEED));
	fz_peer_stop(&child);
	EXPECT_ALL_BACK();
}

static int reset_by_inherited_fd(void *arg)
{
	return FZ_ERRNO(fz_raw_reset(*(int *)arg, 0, SIZE, FASTZERO_MODE_DROP,
				     NULL));
}

TEST_F(life, fork_then_child_resets_and_ends)
{
	ASSERT_EQ(0, fz_in_child(reset_by_inherited_fd, &self->fd));
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
	fz_fill(self->map, 0, SIZE / 2, SEED);
	EXPECT_MAP_WORKS();
}

struct exec {
	int ctx, fd, open;
};

/* Only the third descriptor may be there. */
static int exec_and_look(void *arg)
{
	const struct exec *exec = arg;
	char script[160];

	snprintf(script, sizeof(script), "cd /proc/$$/fd && "
		 "[ ! -e %d ] || exit 1; [ ! -e %d ] || exit 2; "
		 "[ -e %d ] || exit 3", exec->ctx, exec->fd, exec->open);
	execl("/bin/sh", "sh", "-c", script, NULL);
	return 4;
}

TEST_F(life, exec_closes_the_scratch)
{
	struct exec exec = { self->ctx, self->fd, dup(self->fd) };

	ASSERT_LE(0, exec.open);
	EXPECT_EQ(0, fz_in_child(exec_and_look, &exec));
	close(exec.open);
}

/* The child is the only one with the mapping, and execs: it lives, that goes. */
TEST_F(life, exec_ends_the_mapping)
{
	char byte = 0;
	pid_t pid = fz_fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		if (read(self->sock[1], &byte, 1) == 1)
			execl("/bin/sleep", "sleep", "100", NULL);
		_exit(1);
	}
	munmap(self->map, SIZE);
	self->map = NULL;
	CLOSE(self->fd);
	CLOSE(self->ctx);
	EXPECT_IN_USE(PAGES / 2);
	ASSERT_EQ(1, write(self->sock[0], &byte, 1));
	EXPECT_ALL_BACK();
	EXPECT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
}

/* Makes everything itself, sends the scratch, and is gone. */
static int make_and_send(void *arg)
{
	int ctx = fz_raw_open();
	int fd = fz_raw_create(ctx, SIZE, 0, FASTZERO_PAGES_AUTO, 0);
	void *map = fz_raw_map(fd, 0, SIZE);

	if (map == MAP_FAILED)
		return 1;
	fz_fill(map, 0, SIZE / 2, SEED);
	return fz_send_fd(*(int *)arg, fd) ? 2 : 0;
}

/* From here on the scratch is only in a message. */
#define LEAVE_IT_IN_FLIGHT() do {					\
	munmap(self->map, SIZE);					\
	self->map = NULL;						\
	CLOSE(self->fd);						\
	CLOSE(self->ctx);						\
	EXPECT_ALL_BACK();						\
	ASSERT_EQ(0, fz_in_child(make_and_send, &self->sock[0]));	\
	EXPECT_IN_USE(PAGES / 2);					\
} while (0)

TEST_F(life, message_outlives_its_sender)
{
	LEAVE_IT_IN_FLIGHT();
	self->fd = fz_recv_fd(self->sock[1]);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd, F_GETFD));
	self->map = fz_map(self->fd, 0, SIZE);
	EXPECT_MAP_WORKS();
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
}

TEST_F(life, mapping_outlives_everything)
{
	LEAVE_IT_IN_FLIGHT();
	self->fd = fz_recv_fd(self->sock[1]);
	ASSERT_LE(0, self->fd);
	self->map = fz_map(self->fd, 0, SIZE);
	CLOSE(self->fd);
	EXPECT_MAP_WORKS();
}

TEST_F(life, message_is_never_read)
{
	LEAVE_IT_IN_FLIGHT();
	CLOSE(self->sock[0]);
	EXPECT_IN_USE(PAGES / 2);
	CLOSE(self->sock[1]);
	EXPECT_ALL_BACK();
}

/* Another context is open, so the mount that the inode lives on stays. */
#define EXPECT_BACK_WHILE_WATCHED() do {				\
	int other_ = fz_open();						\
	munmap(self->map, SIZE);					\
	self->map = NULL;						\
	CLOSE(self->fd);						\
	CLOSE(self->ctx);						\
	EXPECT_ALL_BACK();						\
	close(other_);							\
} while (0)

TEST_F(life, watched_by_inotify)
{
	int watch = inotify_init1(IN_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	ASSERT_LE(0, inotify_add_watch(watch, path, IN_ALL_EVENTS));
	EXPECT_BACK_WHILE_WATCHED();
	close(watch);
}

TEST_F(life, watched_by_fanotify)
{
	int watch = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
	char path[64];

	if (watch < 0 && errno == ENOSYS)
		SKIP(return, "no CONFIG_FANOTIFY");
	ASSERT_LE(0, watch);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fd);
	ASSERT_EQ(0, fanotify_mark(watch, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, path))
		TH_LOG("%s", strerror(errno));
	EXPECT_BACK_WHILE_WATCHED();
	close(watch);
}

/* The process is killed in the middle of a run: in faults, writes and resets. */
static int work_for_ever(void *arg)
{
	unsigned char *map = fz_raw_map(*(int *)arg, 0, SIZE);
	uint64_t i;

	for (i = 0; map != MAP_FAILED; i++) {
		fz_fill(map, 0, SIZE, i);
		if (fz_raw_reset(*(int *)arg, 0, SIZE, i % 2 ?
				 FASTZERO_MODE_DROP : FASTZERO_MODE_INPLACE,
				 NULL))
			break;
	}
	return 1;
}

TEST_F(life, killed_at_work)
{
	uint64_t random = 4;
	int i;

	for (i = 0; i < 50; i++) {
		pid_t pid = fz_fork();

		ASSERT_LE(0, pid);
		if (!pid)
			_exit(work_for_ever(&self->fd));
		usleep(fz_random(&random) % 20000);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(FZ_SIGNALLED + SIGKILL, fz_wait(pid));
		fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_AUTO);
		ASSERT_EQ(FZ_CLEAN, fz_find_nonzero(self->map, 0, SIZE));
		fz_fill(self->map, 0, SIZE, SEED);
		ASSERT_EQ(FZ_CLEAN, fz_pread_unlike(self->fd, 0, SIZE, SEED));
	}
}

/*
 * Memory that the module counts as given back is free in the system.  All rounds together
 * take twice the amount that may be missing.
 */
TEST_F(life, all_memory_goes_back)
{
	const uint64_t big = 64 << 20;
	/* A debug kernel is slow at this, and page_owner tells more. */
	const int rounds = fz_slow() > 1 ? 2 : 10;
	long long before = 0, after;
	int i;

	for (i = 0; i < rounds; i++) {
		int fd = fz_create(self->ctx, big);

		fz_populate(fd, 0, big, 0);
		ASSERT_EQ(0, close(fd));
		/* The context must not keep this round's folios for the next round. */
		ASSERT_TRUE(fz_until(fz_stats(self->ctx).out_scratches == 1,
				     FZ_PATIENCE_MS));
		fz_pool(self->ctx, 0, 0);
		ASSERT_TRUE(fz_until(fz_read_number(IN_USE) == PAGES / 2,
				     FZ_PATIENCE_MS));
		/* Allocations of the first round that stay do not count. */
		if (!i)
			before = fz_read_key("/proc/meminfo", "MemAvailable:");
	}
	after = fz_read_key("/proc/meminfo", "MemAvailable:");
	/* Newer kernels keep up to an eighth of it on lists of their processors. */
	EXPECT_GT(320 << 10, before - after)
		TH_LOG("%lld KiB are missing", before - after);
}

/* Killed in the middle of one large call.  A word in each page is enough. */
#define BIG_PAGES	(1UL << 14)
#define BIG		(BIG_PAGES * fz_ps)

FIXTURE(life_kill) {
	int ctx;
	int fd;
	uint64_t *map;
	struct fastzero_reset *call;
	struct fz_peer peer;
};

FIXTURE_VARIANT(life_kill) {
	uint32_t mode;
};

FIXTURE_VARIANT_ADD(life_kill, inplace) { .mode = FASTZERO_MODE_INPLACE };
FIXTURE_VARIANT_ADD(life_kill, drop) { .mode = FASTZERO_MODE_DROP };

FIXTURE_SETUP(life_kill)
{
	self->ctx = fz_open();
	self->fd = fz_create(self->ctx, BIG);
	self->map = (uint64_t *)fz_map(self->fd, 0, BIG);
	/* The answer of the call.  Its caller is dead by then. */
	self->call = mmap(NULL, fz_ps, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->call);
	ASSERT_EQ(0, fz_peer_start(&self->peer, self->map));
}

FIXTURE_TEARDOWN(life_kill)
{
	fz_peer_stop(&self->peer);
	munmap(self->map, BIG);
	close(self->fd);
	close(self->ctx);
	EXPECT_ALL_BACK();
}

#define WORD(page)	self->map[(page) * fz_ps / sizeof(uint64_t)]

/* Starts the call in a child, kills that after so long; whether it came first. */
static bool kill_in_call(FIXTURE_DATA(life_kill) *self, uint64_t us)
{
	volatile uint32_t *begun = &self->call->size;
	pid_t pid = fz_fork();

	if (!pid) {
		self->call->size = sizeof(*self->call);
		_exit(FZ_ERRNO(ioctl(self->fd, FASTZERO_IOC_RESET, self->call)));
	}
	while (!*begun)
		;
	usleep(us);
	kill(pid, SIGKILL);
	return fz_wait(pid) == FZ_SIGNALLED + SIGKILL;
}

/*
 * Repeats until the caller was killed halfway a few times. out_done is set and true.  An
 * INPLACE reset of everything has no order, and reports 0.
 */
TEST_F(life_kill, in_reset)
{
	uint64_t random = 9, page, done, whole_ms;
	int halfway = 0;
	long end;

	for (page = 0; page < BIG_PAGES; page++)
		WORD(page) = 1;
	whole_ms = (uint64_t)fz_now_ms();
	fz_clear(self->fd, 0, BIG, variant->mode);
	whole_ms = (uint64_t)fz_now_ms() - whole_ms + 1;

	for (end = fz_now_ms() + 60000 * fz_slow(); halfway < 3 && fz_now_ms() < end; ) {
		for (page = 0; page < BIG_PAGES; page++)
			WORD(page) = page + 1;
		*self->call = (struct fastzero_reset) {
			.length = BIG - fz_ps, .mode = variant->mode,
			.out_done = ~0ULL,
		};
		if (!kill_in_call(self, fz_random(&random) % (1000 * whole_ms)) ||
		    self->call->out_done == ~0ULL)
			continue;
		done = self->call->out_done / fz_ps;
		halfway += done && done < BIG_PAGES - 1;
		for (page = 0; page < BIG_PAGES; page++) {
			ASSERT_TRUE(!WORD(page) ||
				    (page >= done && WORD(page) == page + 1))
				TH_LOG("page %ju of %ju done is %ju",
				       (uintmax_t)page, (uintmax_t)done,
				       (uintmax_t)WORD(page));
		}
		fz_clear(self->fd, 0, BIG, variant->mode);
		ASSERT_EQ(FZ_CLEAN, fz_peer_do(&self->peer, FZ_PEER_NONZERO, 0,
					       BIG, 0));
	}
	EXPECT_LE(3, halfway);
}

TEST_HARNESS_MAIN
