// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-backends: resets.
 */
#include "backends.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

bool all_are(const char *memory, size_t length, char value)
{
	return !length || (*memory == value && !memcmp(memory, memory + 1, length - 1));
}

/* Another thread's store, which comes right after pages were cleared. */
static char *racing_store;

/* In the place of the C library's, as the library reads zeros. */
ssize_t readv(int fd, const struct iovec *iov, int nr)
{
	ssize_t n = syscall(SYS_readv, fd, iov, nr);

	if (racing_store)
		*racing_store = 1;
	return n;
}

bool here_has_mode(struct here *h, unsigned int mode)
{
	struct fastzero_info info = FASTZERO_INFO_INIT;

	HERE(h, fastzero_ctx_info(h->ctx, &info) == 0);
	return info.out_modes & (1u << mode);
}

/* Every mode that INFO reports makes all of it zero, again and again. */
void check_modes(struct here *h)
{
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	unsigned int mode, round;

	for (mode = FASTZERO_MODE_AUTO; mode <= FASTZERO_MODE_DROP; mode++) {
		for (round = 0; round < 3; round++) {
			memset(h->ram, 0xa5, LENGTH);
			if (!here_has_mode(h, mode)) {
				HERE(h, fastzero_reset_all(h->scratch, mode, &result) ==
					-EOPNOTSUPP);
				HERE(h, all_are(h->ram, LENGTH, 0xa5));
				continue;
			}
			result.done = 77;
			HERE(h, fastzero_reset_all(h->scratch, mode, &result) == 0);
			HERE(h, result.done == LENGTH);
			HERE(h, all_are(h->ram, LENGTH, 0));
			/* A reset of what is zero. */
			HERE(h, fastzero_reset_all(h->scratch, mode, NULL) == 0);
			HERE(h, all_are(h->ram, LENGTH, 0));
		}
	}
	HERE(h, here_has_mode(h, FASTZERO_MODE_AUTO));
	HERE(h, here_has_mode(h, FASTZERO_MODE_DROP));
	HERE(h, fastzero_reset_all(h->scratch, FASTZERO_MODE_DROP + 1, NULL) == -EINVAL);
}

/* Just the range, to the byte. */
void check_ranges(struct here *h)
{
	static const struct {
		size_t first, nr;
	} ranges[] = { { 0, 1 }, { 1, 2 }, { PAGES - 1, 1 }, { 7, 20 }, { 0, PAGES } };
	unsigned int mode;
	size_t i, begin, end;

	for (mode = FASTZERO_MODE_AUTO; mode <= FASTZERO_MODE_DROP; mode++) {
		for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
			if (!here_has_mode(h, mode))
				continue;
			begin = ranges[i].first * PAGE;
			end = begin + ranges[i].nr * PAGE;
			memset(h->ram, 0x5a, LENGTH);
			HERE(h, fastzero_reset_range(h->scratch, begin, end - begin, mode,
						     NULL) == 0);
			HERE(h, all_are(h->ram, begin, 0x5a));
			HERE(h, all_are(h->ram + begin, end - begin, 0));
			HERE(h, all_are(h->ram + end, LENGTH - end, 0x5a));
		}
	}
}

void check_errors(struct here *h)
{
	const unsigned int mode = FASTZERO_MODE_AUTO;
	struct fastzero_scratch *s = h->scratch;

	memset(h->ram, 1, LENGTH);
	HERE(h, fastzero_reset_range(s, 1, PAGE, mode, NULL) == -EINVAL);
	HERE(h, fastzero_reset_range(s, 0, PAGE - 1, mode, NULL) == -EINVAL);
	HERE(h, fastzero_reset_range(s, 0, 0, mode, NULL) == -EINVAL);
	HERE(h, fastzero_reset_range(s, 0, LENGTH + PAGE, mode, NULL) == -EINVAL);
	HERE(h, fastzero_reset_range(s, LENGTH, PAGE, mode, NULL) == -EINVAL);
	HERE(h, fastzero_reset_range(s, 0, -PAGE, mode, NULL) == -EINVAL);
	HERE(h, fastzero_reset_range(s, 2 * PAGE, -PAGE, mode, NULL) == -EOVERFLOW);
	HERE(h, fastzero_reset_range(s, 0, PAGE, 77, NULL) == -EINVAL);
	HERE(h, fastzero_reset_range(s, 1, PAGE, 77, NULL) == -EINVAL);
	HERE(h, fastzero_populate_range(s, 1, PAGE, 0, NULL) == -EINVAL);
	HERE(h, fastzero_populate_range(s, 0, 0, 0, NULL) == -EINVAL);
	HERE(h, fastzero_populate_range(s, 0, LENGTH + PAGE, 0, NULL) == -EINVAL);
	HERE(h, fastzero_populate_range(s, 2 * PAGE, -PAGE, 0, NULL) == -EOVERFLOW);
	HERE(h, fastzero_populate_range(s, 0, PAGE, 1u << 31, NULL) == -EOPNOTSUPP);
	HERE(h, all_are(h->ram, LENGTH, 1));
}

/* More runs of written pages than any table of a backend has room for. */
void check_regions(struct here *h)
{
	const size_t pages = 1024;
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	struct fastzero_scratch *scratch;
	unsigned int round;
	void *addr;
	char *ram;
	size_t i;

	HERE(h, fastzero_scratch_create(h->ctx, pages * PAGE, NULL, &scratch) == 0);
	HERE(h, fastzero_map(scratch, NULL, &addr) == 0);
	ram = addr;
	for (round = 0; !h->failed && round < 4; round++) {
		for (i = round % 3; i < pages; i += 2 + round % 2)
			ram[i * PAGE + i % PAGE] = 1;
		HERE(h, fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &result) == 0);
		HERE(h, all_are(ram, pages * PAGE, 0));
	}
	/* Clearing what a run wrote costs what the run wrote, not what others did. */
	if (h->id == FASTZERO_BACKEND_PAGESCAN) {
		ram[5 * PAGE] = 1;
		HERE(h, fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &result) == 0);
		HERE(h, result.cleared == 1);
		HERE(h, fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, &result) == 0);
		HERE(h, result.cleared == 0);
	}
	HERE(h, fastzero_unmap(addr, pages * PAGE) == 0);
	fastzero_scratch_close(scratch);
}

static void bitmap_errors(struct here *h, const uint64_t *bits)
{
	struct fastzero_bitmap_opts opts = FASTZERO_BITMAP_OPTS_INIT;
	char *hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	opts.bitmap = bits;
	opts.bitmap_size = 8;
	opts.granule_shift = 12;
#define BITMAP_IS(ret, member, value) do {				\
	struct fastzero_bitmap_opts was = opts;				\
	opts.member = value;						\
	HERE(h, fastzero_reset_bitmap(h->scratch, &opts, NULL) == (ret)); \
	opts = was;							\
} while (0)
	BITMAP_IS(-EINVAL, granule_shift, 11);
	BITMAP_IS(-EINVAL, granule_shift, 31);
	BITMAP_IS(-EINVAL, bitmap_size, 0);
	BITMAP_IS(-EINVAL, bitmap_size, 7);
	BITMAP_IS(-EINVAL, bitmap, (const uint64_t *)((const char *)bits + 4));
	BITMAP_IS(-EINVAL, offset, 100);
	BITMAP_IS(-EINVAL, length, LENGTH + PAGE);
	BITMAP_IS(-EINVAL, offset, LENGTH);
	BITMAP_IS(-EINVAL, mode, 77);
	BITMAP_IS(-EOPNOTSUPP, flags, 1);
	BITMAP_IS(-EFAULT, bitmap, NULL);
	BITMAP_IS(-EFAULT, bitmap, (const uint64_t *)hole);
	opts.length = -PAGE;
	BITMAP_IS(-EOVERFLOW, offset, 2 * PAGE);
	HERE(h, all_are(h->ram, LENGTH, 9));
	munmap(hole, PAGE);
}

void check_bitmap(struct here *h)
{
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	struct fastzero_bitmap_opts opts = FASTZERO_BITMAP_OPTS_INIT;
	uint64_t bits[2] = { 0x8000000000000ff5, ~0ull };
	size_t i;

	memset(h->ram, 9, LENGTH);
	bitmap_errors(h, bits);
	opts.bitmap = bits;
	opts.bitmap_size = sizeof(bits);
	opts.granule_shift = 12;
	HERE(h, fastzero_reset_bitmap(h->scratch, &opts, &result) == 0);
	HERE(h, result.done == LENGTH);
	for (i = 0; i < PAGES; i++)
		HERE(h, all_are(h->ram + i * PAGE, PAGE, bits[0] >> i & 1 ? 0 : 9));

	/* From an offset, in granules of two pages, of which the last is cut. */
	memset(h->ram, 9, LENGTH);
	opts.offset = 2 * PAGE;
	opts.length = 5 * PAGE;
	opts.granule_shift = 13;
	bits[0] = 5;
	HERE(h, fastzero_reset_bitmap(h->scratch, &opts, &result) == 0);
	HERE(h, result.done == 5 * PAGE);
	for (i = 0; i < PAGES; i++)
		HERE(h, all_are(h->ram + i * PAGE, PAGE,
				i == 2 || i == 3 || i == 6 ? 0 : 9));
	bits[0] = 0;
	HERE(h, fastzero_reset_bitmap(h->scratch, &opts, &result) == 0);
	HERE(h, result.done == 5 * PAGE && result.cleared + result.dropped == 0);
}

/* A model says what every page must be. */
void check_random(struct here *h)
{
	char model[PAGES] = { 0 };
	unsigned int op, mode;
	size_t first, nr, i;

	srand(15);
	for (op = 0; op < 3000 && !h->failed; op++) {
		first = rand() % PAGES;
		nr = 1 + rand() % (PAGES - first);
		switch (rand() % 6) {
		case 0:
			mode = rand() % (FASTZERO_MODE_DROP + 1);
			if (!here_has_mode(h, mode))
				break;
			HERE(h, fastzero_reset_range(h->scratch, first * PAGE, nr * PAGE,
						     mode, NULL) == 0);
			memset(model + first, 0, nr);
			break;
		case 1:
			HERE(h, fastzero_populate_range(h->scratch, first * PAGE,
							nr * PAGE, 0, NULL) == 0);
			break;
		case 2:
			for (i = first; i < first + nr; i++)
				HERE(h, h->ram[i * PAGE + 77] == model[i]);
			break;
		default:
			i = first;
			model[i] = (char)(1 + rand() % 100);
			memset(h->ram + i * PAGE, model[i], PAGE);
		}
	}
	for (i = 0; i < PAGES; i++)
		HERE(h, all_are(h->ram + i * PAGE, PAGE, model[i]));
}

struct writer {
	char *ram;
	size_t pages;
	bool stop;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	unsigned int seed = 1;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED))
		__atomic_store_n(w->ram + rand_r(&seed) % w->pages * PAGE, 1,
				 __ATOMIC_RELAXED);
	return NULL;
}

/*
 * A store that races with a reset is lost or stays, and if it stays, then the next reset
 * knows of it.  So many pages that few are written again after that reset.
 */
void check_threads(struct here *h)
{
	const size_t pages = 1024;
	struct fastzero_scratch *scratch;
	struct writer w = { .pages = pages };
	unsigned int round;
	pthread_t thread;
	void *addr;

	HERE(h, fastzero_scratch_create(h->ctx, pages * PAGE, NULL, &scratch) == 0);
	HERE(h, fastzero_map(scratch, NULL, &addr) == 0);
	w.ram = addr;
	for (round = 0; !h->failed && round < 10; round++) {
		w.stop = false;
		HERE(h, pthread_create(&thread, NULL, write_on, &w) == 0);
		usleep(1000);
		HERE(h, fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, NULL) == 0);
		__atomic_store_n(&w.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		HERE(h, fastzero_reset_all(scratch, FASTZERO_MODE_AUTO, NULL) == 0);
		HERE(h, all_are(addr, pages * PAGE, 0));
	}
	HERE(h, fastzero_unmap(addr, pages * PAGE) == 0);
	fastzero_scratch_close(scratch);
}

/* The same, but with a store that is certain to come at the worst time. */
void check_racing(struct here *h)
{
	unsigned int round;

	for (round = 0; round < 4; round++) {
		memset(h->ram, 1, LENGTH / 2);
		racing_store = h->ram + (round % 2 ? 5 : PAGES - 5) * PAGE + 100;
		HERE(h, fastzero_reset_all(h->scratch, FASTZERO_MODE_AUTO, NULL) == 0);
		racing_store = NULL;
		HERE(h, fastzero_reset_all(h->scratch, FASTZERO_MODE_AUTO, NULL) == 0);
		HERE(h, all_are(h->ram, LENGTH, 0));
	}
}

void check_idle_many(struct here *h)
{
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	struct fastzero_stats stats = FASTZERO_STATS_INIT;
	int fds[2] = { -1, -1 };

	HERE(h, fastzero_reset_idle(h->scratch, &result) == 0);
	HERE(h, result.done == LENGTH && result.cleared + result.dropped == 0);
	/* It counts, and AUTO has chosen nothing. */
	HERE(h, fastzero_scratch_stats(h->scratch, &stats) == 0 && stats.out_resets == 1);
	HERE(h, !(stats.out_auto_inplace + stats.out_auto_swap + stats.out_auto_drop));
	memset(h->ram, 3, LENGTH);
	if (!h->has_fd) {
		HERE(h, fastzero_reset_many(h->ctx, fds, 1, 0, &result) == -EOPNOTSUPP);
		return;
	}
	fds[0] = fastzero_scratch_fd(h->scratch);
	HERE(h, fastzero_reset_many(h->ctx, fds, 0, 0, &result) == -EINVAL);
	HERE(h, fastzero_reset_many(h->ctx, fds, 1, 77, &result) == -EINVAL);
	HERE(h, all_are(h->ram, LENGTH, 3));
	HERE(h, fastzero_reset_many(h->ctx, fds, 2, FASTZERO_MODE_DROP, &result) == -EBADF);
	HERE(h, result.done == 1 && result.dropped == PAGES);
	HERE(h, all_are(h->ram, LENGTH, 0));
	fds[1] = 0;
	HERE(h, fastzero_reset_many(h->ctx, fds + 1, 1, FASTZERO_MODE_DROP, NULL) == -EINVAL);
}

/* Many of them, by their handles. */
void check_scratches(struct here *h)
{
	enum { NR = 70 };
	const struct fastzero_scratch *all[NR] = { NULL };
	struct fastzero_scratch *made[NR] = { NULL };
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	void *addr[NR] = { NULL };
	int i;

	for (i = 0; i < NR; i++) {
		HERE(h, fastzero_scratch_create(h->ctx, PAGE, NULL, &made[i]) == 0);
		HERE(h, fastzero_map(made[i], NULL, &addr[i]) == 0);
		memset(addr[i], 1, PAGE);
		all[i] = made[i];
	}
	HERE(h, fastzero_reset_scratches(h->ctx, all, 0, 0, &result) == -EINVAL);
	HERE(h, fastzero_reset_scratches(h->ctx, all, NR, 77, &result) == -EINVAL);
	HERE(h, result.done == 0);
	all[NR - 1] = NULL;
	HERE(h, fastzero_reset_scratches(h->ctx, all, NR, 0, &result) == -EINVAL);
	all[NR - 1] = made[NR - 1];
	for (i = 0; i < NR; i++)
		HERE(h, all_are(addr[i], PAGE, 1));
	HERE(h, fastzero_reset_scratches(h->ctx, all, NR, FASTZERO_MODE_AUTO, &result) == 0);
	HERE(h, result.done == NR);
	for (i = 0; i < NR; i++)
		HERE(h, all_are(addr[i], PAGE, 0));
	for (i = 0; i < NR; i++) {
		HERE(h, fastzero_unmap(addr[i], PAGE) == 0);
		fastzero_scratch_close(made[i]);
	}
}
