// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shared by all tests: the raw ioctls, patterns, and small helpers.
 */
#define _GNU_SOURCE
#include <time.h>
#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "fz.h"

size_t fz_ps;

/* Before those constructors of programs that take arguments. */
static void __attribute__((constructor(101))) fz_setup(void)
{
	fz_ps = (size_t)sysconf(_SC_PAGESIZE);
}

/* The ioctl on a structure that begins as *arg; copied to *out if that is wanted. */
#define FZ_CALL(fd, nr, out, arg) ({					\
	int ret_;							\
	(arg).size = sizeof(arg);					\
	ret_ = ioctl(fd, nr, &(arg));					\
	if (out)							\
		*(out) = (arg);						\
	ret_; })

int fz_raw_info(int fd, struct fastzero_info *out)
{
	struct fastzero_info arg = { 0 };

	return FZ_CALL(fd, FASTZERO_IOC_INFO, out, arg);
}

int fz_raw_create(int fd, uint64_t length, uint32_t flags, uint32_t policy,
		  uint32_t node)
{
	struct fastzero_create arg = {
		.flags = flags, .length = length,
		.page_policy = policy, .node = node, .out_fd = -1,
	};

	arg.size = sizeof(arg);
	return ioctl(fd, FASTZERO_IOC_CREATE, &arg) ? -1 : arg.out_fd;
}

int fz_raw_pool(int fd, uint64_t target, uint32_t flags,
		struct fastzero_pool *out)
{
	struct fastzero_pool arg = { .flags = flags, .target = target };

	return FZ_CALL(fd, FASTZERO_IOC_POOL, out, arg);
}

int fz_raw_pool_huge(int fd, uint64_t target, uint32_t flags)
{
	struct fastzero_pool arg = {
		.size = sizeof(arg), .order = 9, .flags = flags, .target = target,
	};

	return ioctl(fd, FASTZERO_IOC_POOL, &arg);
}

uint32_t fz_policy(void)
{
	const char *pages = getenv("FZ_PAGES");

	return pages && !strcmp(pages, "2m") ? FASTZERO_PAGES_2M :
					       FASTZERO_PAGES_AUTO;
}

uint32_t fz_create_flags(void)
{
	const char *pages = getenv("FZ_PAGES");

	return pages && !strcmp(pages, "zp") ? FASTZERO_CREATE_ZEROPAGE : 0;
}

int fz_want_chunks(int fd, uint64_t length, uint64_t first, uint64_t step)
{
	uint64_t chunks = length / FZ_CHUNK, nr = 0, at;
	struct {
		struct fastzero_workset_head head;
		struct fastzero_workset_run runs[64];
	} set = {
		.head = {
			.magic = FASTZERO_WORKSET_MAGIC,
			.page_shift = 12,
			.length = length,
		},
	};

	for (at = first; at < chunks && nr < sizeof(set.runs) / sizeof(set.runs[0]);
	     at += step) {
		/* Runs that touch each other are one. */
		if (step == 1 && nr) {
			set.runs[0].nr += 512;
			continue;
		}
		set.runs[nr].first = at * 512;
		set.runs[nr++].nr = 512;
	}
	set.head.nr_runs = nr;
	return fz_raw_workset(fd, FASTZERO_WORKSET_WRITE, &set,
			      sizeof(set.head) + nr * sizeof(set.runs[0]), NULL);
}

bool fz_has_huge(uint64_t chunk)
{
	const char *pages = getenv("FZ_PAGES");

	return pages && (!strcmp(pages, "2m") ||
			 (!strcmp(pages, "mix") && chunk % 2 == 0));
}

int fz_raw_mount(const char *options)
{
	int fs = fsopen("fastzero", FSOPEN_CLOEXEC);
	char *text = strdup(options), *rest = text, *key, *value;
	int err = fs < 0 || !text ? -1 : 0;
	int mount = -1;

	while (!err && (key = strsep(&rest, ","))) {
		value = strchr(key, '=');
		if (value)
			*value++ = 0;
		if (*key)
			err = fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
	}
	if (!err)
		err = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (!err)
		mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	err = errno;
	if (fs >= 0)
		close(fs);
	free(text);
	errno = err;
	return mount;
}

int fz_raw_mount_file(int mount, const char *name, uint64_t length)
{
	int fd = name ? openat(mount, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600) :
			openat(mount, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int err;

	if (fd >= 0 && length && ftruncate(fd, (off_t)length)) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* In a file system of its own. */
static int fz_create_in_fs(uint64_t length)
{
	int mount = fz_raw_mount("");
	int fd = mount < 0 ? -1 : fz_raw_mount_file(mount, NULL, length);
	int err = errno;

	if (mount >= 0)
		close(mount);
	errno = err;
	return fd;
}

int fz_raw_create_any(int fd, uint64_t length)
{
	const char *pages = getenv("FZ_PAGES");
	int scratch;

	if (pages && !strcmp(pages, "fs"))
		return fz_create_in_fs(length);
	scratch = fz_raw_create(fd, length, fz_create_flags(), fz_policy(), 0);
	if (scratch >= 0 && pages && !strcmp(pages, "mix") &&
	    fz_want_chunks(scratch, length, 0, 2)) {
		close(scratch);
		return -1;
	}
	return scratch;
}

long fz_mapped_huge(const void *map)
{
	char line[256];
	long kib = 0;
	FILE *smaps = fopen("/proc/self/smaps", "r");
	bool here = false;

	while (smaps && fgets(line, sizeof(line), smaps)) {
		unsigned long begin, end;

		if (sscanf(line, "%lx-%lx %*[rwxps-] ", &begin, &end) == 2)
			here = begin <= (uintptr_t)map && (uintptr_t)map < end;
		else if (here && sscanf(line, "FilePmdMapped: %ld kB", &kib) == 1)
			break;
	}
	if (smaps)
		fclose(smaps);
	return kib << 10;
}

int fz_raw_zero(int fd, uint32_t timeout_ms, uint32_t flags,
		struct fastzero_zero *out)
{
	struct fastzero_zero arg = { .flags = flags, .timeout_ms = timeout_ms };

	return FZ_CALL(fd, FASTZERO_IOC_ZERO, out, arg);
}

int fz_raw_stats(int fd, struct fastzero_stats *out)
{
	struct fastzero_stats arg = { 0 };

	return FZ_CALL(fd, FASTZERO_IOC_STATS, out, arg);
}

int fz_raw_reset(int fd, uint64_t offset, uint64_t length, uint32_t mode,
		 struct fastzero_reset *out)
{
	struct fastzero_reset arg = {
		.offset = offset, .length = length, .mode = mode,
	};

	return FZ_CALL(fd, FASTZERO_IOC_RESET, out, arg);
}

int fz_raw_reset_many(int fd, const int32_t *fds, uint32_t nr, uint32_t mode,
		      struct fastzero_reset_many *out)
{
	struct fastzero_reset_many arg = {
		.fds = (uintptr_t)fds, .nr = nr, .mode = mode,
	};

	return FZ_CALL(fd, FASTZERO_IOC_RESET_MANY, out, arg);
}

int fz_raw_reset_dirty(int fd, uint64_t offset, uint64_t length, uint32_t mode,
		       const uint64_t *bitmap, uint64_t bitmap_size,
		       struct fastzero_reset_dirty *out)
{
	struct fastzero_reset_dirty arg = {
		.offset = offset, .length = length, .mode = mode,
		.granule_shift = (uint32_t)__builtin_ctzl(fz_ps),
		.bitmap = (uintptr_t)bitmap, .bitmap_size = bitmap_size,
	};

	return FZ_CALL(fd, FASTZERO_IOC_RESET_DIRTY, out, arg);
}

int fz_raw_populate(int fd, uint64_t offset, uint64_t length, uint32_t flags,
		    struct fastzero_populate *out)
{
	struct fastzero_populate arg = {
		.flags = flags, .offset = offset, .length = length,
	};

	return FZ_CALL(fd, FASTZERO_IOC_POPULATE, out, arg);
}

int fz_raw_workset(int fd, uint32_t op, void *buffer, uint64_t size,
		   struct fastzero_workset *out)
{
	struct fastzero_workset arg = {
		.op = op, .buffer = (uintptr_t)buffer, .buffer_size = size,
	};

	return FZ_CALL(fd, FASTZERO_IOC_WORKSET, out, arg);
}

int fz_raw_open(void)
{
	return open(FZ_DEV, O_RDWR | O_CLOEXEC);
}

void *fz_raw_map(int fd, uint64_t offset, uint64_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    (off_t)offset);
}

bool fz_has_mode(const struct fastzero_info *info, uint32_t mode)
{
	return mode == FZ_PUNCH || (info->out_modes & (1U << mode));
}

int fz_raw_clear(int fd, uint64_t offset, uint64_t length, uint32_t mode)
{
	if (mode == FZ_PUNCH)
		return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 (off_t)offset, (off_t)length);
	return fz_raw_reset(fd, offset, length, mode, NULL);
}

/* Eight bytes of the pattern, none of them zero. */
static uint64_t fz_pattern(uint64_t offset, uint64_t seed)
{
	uint64_t x = (offset / 8 + 1) * 0x9e3779b97f4a7c15ULL;

	x ^= (seed + 1) * 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 29;
	return x | 0x0101010101010101ULL;
}

static unsigned char fz_pattern_byte(uint64_t offset, uint64_t seed)
{
	return (unsigned char)(fz_pattern(offset, seed) >> (offset % 8 * 8));
}

void fz_fill(void *p, uint64_t offset, size_t length, uint64_t seed)
{
	unsigned char *b = p;
	uint64_t end = offset + length;

	for (; offset < end && offset % 8; offset++)
		b[offset] = fz_pattern_byte(offset, seed);
	for (; offset + 8 <= end; offset += 8)
		*(uint64_t *)(b + offset) = fz_pattern(offset, seed);
	for (; offset < end; offset++)
		b[offset] = fz_pattern_byte(offset, seed);
}

/* Where b differs from the pattern, or from zeros without one. */
static int64_t fz_find(const volatile unsigned char *b, uint64_t offset,
		       size_t length, bool pattern, uint64_t seed)
{
	uint64_t end = offset + length;
	uint64_t want = 0;

	while (offset < end) {
		if (offset % 8 == 0 && offset + 8 <= end) {
			if (pattern)
				want = fz_pattern(offset, seed);
			if (*(const volatile uint64_t *)(b + offset) == want) {
				offset += 8;
				continue;
			}
		}
		if (b[offset] != (pattern ? fz_pattern_byte(offset, seed) : 0))
			return (int64_t)offset;
		offset++;
	}
	return FZ_CLEAN;
}

int64_t fz_find_nonzero(const void *p, uint64_t offset, size_t length)
{
	return fz_find(p, offset, length, false, 0);
}

int64_t fz_find_unlike(const void *p, uint64_t offset, size_t length,
		       uint64_t seed)
{
	return fz_find(p, offset, length, true, seed);
}

/* Offset of the first wrong byte; that of a read which fails counts as wrong. */
static int64_t fz_pread_find(int fd, uint64_t offset, size_t length,
			     bool pattern, uint64_t seed)
{
	unsigned char buf[8 * 4096];
	uint64_t end = offset + length;

	while (offset < end) {
		size_t n = end - offset < sizeof(buf) ? end - offset : sizeof(buf);
		int64_t bad;

		/* fz_find() counts from the begin of the object. */
		memset(buf, pattern ? 0 : 0xff, sizeof(buf));
		if (pread(fd, buf, n, (off_t)offset) != (ssize_t)n)
			return (int64_t)offset;
		bad = fz_find((void *)((uintptr_t)buf - offset), offset, n,
			      pattern, seed);
		if (bad != FZ_CLEAN)
			return bad;
		offset += n;
	}
	return FZ_CLEAN;
}

int64_t fz_pread_nonzero(int fd, uint64_t offset, size_t length)
{
	return fz_pread_find(fd, offset, length, false, 0);
}

int64_t fz_pread_unlike(int fd, uint64_t offset, size_t length, uint64_t seed)
{
	return fz_pread_find(fd, offset, length, true, seed);
}

long fz_slow(void)
{
	const char *slow = getenv("FZ_SLOW");

	return slow && atol(slow) > 0 ? atol(slow) : 1;
}

bool fz_long(void)
{
	const char *is_long = getenv("FZ_LONG");

	return is_long && !strcmp(is_long, "1");
}

int fz_stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

int fz_stay(void)
{
	int cpu = sched_getcpu();

	return cpu < 0 ? -1 : fz_stay_on(cpu);
}

long fz_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

long long fz_read_key(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char line[256];
	long long value = -1;
	size_t n = strlen(key);

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, key, n)) {
			value = strtoll(line + n, NULL, 10);
			break;
		}
	}
	fclose(f);
	return value;
}

long long fz_read_number(const char *path)
{
	return fz_read_key(path, "");
}

int fz_write_string(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

long fz_minor_faults(void)
{
	struct rusage usage;

	/*
	 * When a thread was preempted, the kernel writes to its rseq area, which
	 * faults once after a fork: a sleep that cannot be over before it has
	 * begun has that behind us.
	 */
	usleep(10000);
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

int fz_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

uint64_t fz_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}
