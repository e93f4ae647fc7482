/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by all tests of fastzero.  A test program includes
 * kselftest_harness.h first; the macros below use its ASSERT and EXPECT.
 */
#ifndef FZ_H
#define FZ_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <linux/fastzero.h>

#define FZ_DEV		"/dev/fastzero"
#define FZ_PARAM_DIR	"/sys/module/fastzero/parameters/"

/* FZ_SLOW in the environment: how many times slower than usual we are. */
long fz_slow(void);

/*
 * FZ_LONG=1 in the environment: make check-long wants a test's long variant.  A test that
 * asks for FZ_LONG has a mark long=SECONDS in programs.txt.
 */
bool fz_long(void);

/*
 * From now on this process and its children stay on their NUMA node.  A pool is filled,
 * and a page is allocated, on the caller's node.
 */
int fz_stay(void);
/* The calling thread runs on that CPU only. */
int fz_stay_on(int cpu);

/* Time limit of waits for background work.  The work takes far less. */
#define FZ_PATIENCE_MS	(15000 * fz_slow())

/*
 * Emulated and busy machines are slow: the harness's 30 s are not enough. run.sh ends
 * programs that take too long.
 */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 36000
#endif

#define FZ_CHUNK	(2UL << 20)

/*
 * FZ_PAGES=2m in the environment: scratches are of huge folios wherever they can;
 * FZ_PAGES=mix: every other chunk; FZ_PAGES=zp: holes that are only read share a page
 * of zeros; FZ_PAGES=fs: scratches are files of a mounted file system.  run.sh runs some
 * programs once more with these.  Otherwise CREATE's default.
 */
uint32_t fz_policy(void);
uint32_t fz_create_flags(void);
int fz_raw_create_any(int fd, uint64_t length);
/* Whether a chunk of that is huge when it is touched first. */
bool fz_has_huge(uint64_t chunk);
/*
 * Makes every @step-th chunk dense, from @first on: the working set says that runs touch
 * all of it.
 */
int fz_want_chunks(int fd, uint64_t length, uint64_t first, uint64_t step);
/* Bytes of a mapping that are mapped by huge entries. */
long fz_mapped_huge(const void *map);

/* Size of a base page. */
extern size_t fz_ps;

/*
 * Whether SWAP moves page-table entries of base pages, which only x86 allows.  Elsewhere
 * it unmaps: AUTO does not choose it for base pages, and each page faults once.
 */
#ifdef __x86_64__
#define FZ_MOVES_PTES	1
#else
#define FZ_MOVES_PTES	0
#endif
#define FZ_MOVES_PTES_OR_SKIP() do {					\
	if (!FZ_MOVES_PTES)						\
		SKIP(return, "SWAP moves page-table entries on x86 only"); \
} while (0)

/* errno of a call in the manner of ioctl(2), 0 if it succeeds. */
#define FZ_ERRNO(call)	((call) == -1 ? errno : 0)

/*
 * Each ioctl has three forms:
 *   fz_raw_NAME()	as ioctl(2): 0, or -1 and errno (CREATE: the descriptor)
 *   fz_NAME()		ends the test if it fails; its value is the answer
 *   fz_err_NAME()	fails the test unless the call fails with that errno
 * Where the raw form has an argument @out, it may be NULL.
 */
int fz_raw_info(int fd, struct fastzero_info *out);
int fz_raw_create(int fd, uint64_t length, uint32_t flags, uint32_t policy,
		  uint32_t node);
int fz_raw_pool(int fd, uint64_t target, uint32_t flags,
		struct fastzero_pool *out);
/* Chunks of 2 MiB in the pool. */
int fz_raw_pool_huge(int fd, uint64_t target, uint32_t flags);
int fz_raw_zero(int fd, uint32_t timeout_ms, uint32_t flags,
		struct fastzero_zero *out);
int fz_raw_stats(int fd, struct fastzero_stats *out);
int fz_raw_reset(int fd, uint64_t offset, uint64_t length, uint32_t mode,
		 struct fastzero_reset *out);
int fz_raw_reset_many(int fd, const int32_t *fds, uint32_t nr, uint32_t mode,
		      struct fastzero_reset_many *out);
int fz_raw_reset_dirty(int fd, uint64_t offset, uint64_t length, uint32_t mode,
		       const uint64_t *bitmap, uint64_t bitmap_size,
		       struct fastzero_reset_dirty *out);
int fz_raw_populate(int fd, uint64_t offset, uint64_t length, uint32_t flags,
		    struct fastzero_populate *out);
int fz_raw_workset(int fd, uint32_t op, void *buffer, uint64_t size,
		   struct fastzero_workset *out);

#define FZ_ASSERTING(name, type, fd, ...) ({				\
	struct type answer_;						\
	ASSERT_EQ(0, FZ_ERRNO(fz_raw_##name(fd, ##__VA_ARGS__, &answer_))); \
	answer_; })

#define fz_info(fd)		FZ_ASSERTING(info, fastzero_info, fd)
#define fz_stats(fd)		FZ_ASSERTING(stats, fastzero_stats, fd)
#define fz_pool(fd, ...)	FZ_ASSERTING(pool, fastzero_pool, fd, __VA_ARGS__)
#define fz_reset(fd, ...)	FZ_ASSERTING(reset, fastzero_reset, fd, __VA_ARGS__)
#define fz_reset_many(fd, ...) \
	FZ_ASSERTING(reset_many, fastzero_reset_many, fd, __VA_ARGS__)
#define fz_reset_dirty(fd, ...) \
	FZ_ASSERTING(reset_dirty, fastzero_reset_dirty, fd, __VA_ARGS__)
#define fz_populate(fd, ...) \
	FZ_ASSERTING(populate, fastzero_populate, fd, __VA_ARGS__)
#define fz_workset(fd, ...) \
	FZ_ASSERTING(workset, fastzero_workset, fd, __VA_ARGS__)
#define fz_create(fd, length) ({					\
	int fd_ = fz_raw_create_any(fd, length);			\
	ASSERT_LE(0, fd_);						\
	fd_; })

#define fz_err_info(err, fd)	EXPECT_EQ(err, FZ_ERRNO(fz_raw_info(fd, NULL)))
#define fz_err_stats(err, fd)	EXPECT_EQ(err, FZ_ERRNO(fz_raw_stats(fd, NULL)))
#define fz_err_create(err, ...)	EXPECT_EQ(err, FZ_ERRNO(fz_raw_create(__VA_ARGS__)))
#define fz_err_pool(err, ...) \
	EXPECT_EQ(err, FZ_ERRNO(fz_raw_pool(__VA_ARGS__, NULL)))
#define fz_err_reset(err, ...) \
	EXPECT_EQ(err, FZ_ERRNO(fz_raw_reset(__VA_ARGS__, NULL)))
#define fz_err_reset_dirty(err, ...) \
	EXPECT_EQ(err, FZ_ERRNO(fz_raw_reset_dirty(__VA_ARGS__, NULL)))
#define fz_err_populate(err, ...) \
	EXPECT_EQ(err, FZ_ERRNO(fz_raw_populate(__VA_ARGS__, NULL)))
#define fz_err_workset(err, ...) \
	EXPECT_EQ(err, FZ_ERRNO(fz_raw_workset(__VA_ARGS__, NULL)))

/* In a FIXTURE_SETUP, where SKIP(return) alone would let the test go on. */
#define FZ_SKIP_ALL(...)	SKIP(longjmp(_metadata->env, 1), __VA_ARGS__)

/* A new context. */
int fz_raw_open(void);
#define fz_open() ({							\
	int fd_ = fz_raw_open();					\
	ASSERT_LE(0, fd_) TH_LOG("open " FZ_DEV ": %s", strerror(errno)); \
	fd_; })

/*
 * A mount of the file system that is in no directory, with options as "size=1m,pages=4k":
 * a descriptor of it, or -1 and errno.  The mount ends with its last file.
 */
int fz_raw_mount(const char *options);
/* A file there, with a size unless that is 0; O_TMPFILE if @name is NULL. */
int fz_raw_mount_file(int mount, const char *name, uint64_t length);

/* A shared mapping for reading and writing. */
void *fz_raw_map(int fd, uint64_t offset, uint64_t length);
#define fz_map(fd, offset, length) ({					\
	void *map_ = fz_raw_map(fd, offset, length);			\
	ASSERT_NE(MAP_FAILED, map_) TH_LOG("mmap: %s", strerror(errno)); \
	(unsigned char *)map_; })

/*
 * Ways to make a range zero: the modes of RESET, and the hole punch.  A test that runs
 * over all modes skips those that INFO does not report.
 */
#define FZ_PUNCH	100U
bool fz_has_mode(const struct fastzero_info *info, uint32_t mode);
int fz_raw_clear(int fd, uint64_t offset, uint64_t length, uint32_t mode);
#define fz_clear(...)	ASSERT_EQ(0, FZ_ERRNO(fz_raw_clear(__VA_ARGS__)))

#define FZ_RESET_VARIANTS(fixture)					\
	FIXTURE_VARIANT_ADD(fixture, auto) { .mode = FASTZERO_MODE_AUTO }; \
	FIXTURE_VARIANT_ADD(fixture, inplace) { .mode = FASTZERO_MODE_INPLACE }; \
	FIXTURE_VARIANT_ADD(fixture, swap) { .mode = FASTZERO_MODE_SWAP }; \
	FIXTURE_VARIANT_ADD(fixture, drop) { .mode = FASTZERO_MODE_DROP }

#define FZ_MODE_VARIANTS(fixture)					\
	FZ_RESET_VARIANTS(fixture);					\
	FIXTURE_VARIANT_ADD(fixture, punch) { .mode = FZ_PUNCH }

#define FZ_SKIP_UNLESS_MODE(ctx, mode) do {				\
	struct fastzero_info info_ = fz_info(ctx);			\
	if (!fz_has_mode(&info_, mode))					\
		SKIP(return, "INFO does not report mode %u", mode);	\
} while (0)

/*
 * Contents.  The pattern has no byte that is zero and follows from the offset
 * and a seed.  The checks look at every byte and return the offset of the first
 * wrong one, FZ_CLEAN if there is none.
 */
#define FZ_CLEAN	((int64_t)-1)
void fz_fill(void *p, uint64_t offset, size_t length, uint64_t seed);
int64_t fz_find_nonzero(const void *p, uint64_t offset, size_t length);
int64_t fz_find_unlike(const void *p, uint64_t offset, size_t length,
		       uint64_t seed);
int64_t fz_pread_nonzero(int fd, uint64_t offset, size_t length);
int64_t fz_pread_unlike(int fd, uint64_t offset, size_t length, uint64_t seed);

#define ASSERT_ZERO(p, offset, length) \
	ASSERT_EQ(FZ_CLEAN, fz_find_nonzero(p, offset, length))
#define ASSERT_FILLED(p, offset, length, seed) \
	ASSERT_EQ(FZ_CLEAN, fz_find_unlike(p, offset, length, seed))

/*
 * Children die with us.  fz_in_child() runs fn(arg) in one; its value, and that of
 * fz_wait(), is the return value of the child (0 to 254), or FZ_SIGNALLED + the
 * signal that ended it.
 */
#define FZ_SIGNALLED	1000
pid_t fz_fork(void);
int fz_wait(pid_t pid);
int fz_in_child(int (*fn)(void *arg), void *arg);

/* Touches a byte in a child: 0, or FZ_SIGNALLED + signal. */
int fz_touch_result(volatile void *p, bool write);
#define fz_reads(p)	fz_touch_result(p, false)
#define fz_writes(p)	fz_touch_result(p, true)

/* Descriptors over a unix socket. */
int fz_send_fd(int sock, int fd);
int fz_recv_fd(int sock);

/*
 * Peers: other processes that look at and write the memory, on command.
 * A peer either inherits a mapping (pass it to fz_peer_start) or is sent a
 * descriptor and makes its own.
 */
enum fz_peer_op {
	FZ_PEER_MAP,		/* take a descriptor, map length; address */
	FZ_PEER_NONZERO,	/* fz_find_nonzero() */
	FZ_PEER_UNLIKE,		/* fz_find_unlike() */
	FZ_PEER_PREAD_NONZERO,	/* fz_pread_nonzero() */
	FZ_PEER_FILL,		/* fz_fill(); 0 */
	FZ_PEER_CLEAR,		/* fz_raw_clear(), seed is the mode; errno */
	FZ_PEER_FORGET,		/* close the descriptor, keep the map; 0 */
};

struct fz_peer {
	pid_t pid;
	int sock;
};

int fz_peer_start(struct fz_peer *peer, void *map);
int64_t fz_peer_do(struct fz_peer *peer, enum fz_peer_op op, uint64_t offset,
		   uint64_t length, uint64_t seed);
int64_t fz_peer_map(struct fz_peer *peer, int fd, uint64_t length);
void fz_peer_stop(struct fz_peer *peer);

/* Wait until a condition holds; false if it does not hold within @ms. */
long fz_now_ms(void);
#define fz_until(condition, ms) ({					\
	long end_ = fz_now_ms() + (ms);					\
	bool ok_;							\
	while (!(ok_ = !!(condition)) && fz_now_ms() < end_)		\
		usleep(2000);						\
	ok_; })

/* Number in a one-line file (module parameter, cgroup file), -1 if it has no number. */
long long fz_read_number(const char *path);
int fz_write_string(const char *path, const char *text);
/* Set AUTO's ratio, so that this machine's clock does not decide a test. */
#define FZ_RATIO	"/sys/module/fastzero/parameters/ratio"
/* That of a host where a clear costs its instructions. */
#define FZ_RATIO_PLAIN	"100"
/* Number after "key" in a file such as /proc/meminfo, -1 if the key is missing. */
long long fz_read_key(const char *path, const char *key);
long fz_minor_faults(void);
int fz_count_fds(void);

/* Reproducible random numbers. */
uint64_t fz_random(uint64_t *state);

#endif
