// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prepares scratches and memfds for the calls that latency.c measures.
 */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "latency.h"

/* A scratch of these is dense; one with a page in each of those is sparse. */
#define DENSE_PAGES	12288
#define SPARSE_CHUNKS	10000
/* Chunks in the index without any page: their only cost is the index. */
#define EMPTY_CHUNKS	70000
#define HUGE_CHUNKS	48
/* Pages that a bitmap has a bit for each. */
#define FINE_PAGES	(64UL << 20)
/* Runs of a working set, and mappings of other things. */
#define RUNS		(100UL << 10)
#define RUNS_TOO_MANY	((512UL << 10) - 2)
#define MAPS		24000
#define VIEWS		8000
#define SCRATCHES	2000

#define HEAD		sizeof(struct fastzero_workset_head)

static int make(struct latency *l, bool memfd, uint64_t size, uint32_t policy)
{
	l->size = size;
	if (memfd) {
		l->fd = memfd_create("latency", MFD_CLOEXEC);
		return l->fd < 0 || ftruncate(l->fd, (off_t)size) ? -1 : 0;
	}
	if (l->ctx < 0)
		l->ctx = fz_raw_open();
	l->fd = fz_raw_create(l->ctx, size, 0, policy, 0);
	return l->fd < 0 ? -1 : 0;
}

static int map(struct latency *l)
{
	void *p = fz_raw_map(l->fd, 0, l->size);

	if (p == MAP_FAILED)
		return -1;
	l->map = p;
	return 0;
}

static void touch(struct latency *l, uint64_t step)
{
	uint64_t at;

	for (at = 0; at < l->size; at += step)
		l->map[at] = 1;
}

int latency_prepare_dense(struct latency *l, bool memfd)
{
	if (make(l, memfd, DENSE_PAGES * fz_ps, FASTZERO_PAGES_4K) || map(l))
		return -1;
	touch(l, fz_ps);
	return 0;
}

int latency_prepare_hole(struct latency *l, bool memfd)
{
	return make(l, memfd, DENSE_PAGES * fz_ps, FASTZERO_PAGES_4K) || map(l) ?
		       -1 : 0;
}

int latency_prepare_sparse(struct latency *l, bool memfd)
{
	if (make(l, memfd, SPARSE_CHUNKS * FZ_CHUNK, FASTZERO_PAGES_4K) || map(l))
		return -1;
	touch(l, FZ_CHUNK);
	return 0;
}

int latency_prepare_huge(struct latency *l, bool memfd)
{
	struct fastzero_info info;

	if (memfd)
		return -2;
	l->ctx = fz_raw_open();
	if (l->ctx < 0 || fz_raw_info(l->ctx, &info))
		return -1;
	if (!(info.out_features & FASTZERO_FEATURE_2M))
		return -2;
	if (make(l, false, HUGE_CHUNKS * FZ_CHUNK, FASTZERO_PAGES_2M) || map(l))
		return -1;
	touch(l, FZ_CHUNK);
	return 0;
}

/* All chunks are used when it is asked for more: so resets allocate. */
int latency_prepare_huge_grows(struct latency *l, bool memfd)
{
	int err = latency_prepare_huge(l, memfd);

	if (err)
		return err;
	return fz_raw_pool_huge(l->ctx, HUGE_CHUNKS, 0) ||
	       fz_raw_reset(l->fd, 0, l->size, FASTZERO_MODE_SWAP, NULL) ? -1 : 0;
}

/* A working set of @nr runs, each of a page, the first in each @step pages. */
static int make_workset(struct latency *l, uint64_t nr, uint64_t step)
{
	struct fastzero_workset_head *head;
	struct fastzero_workset_run *runs;
	uint64_t i;

	l->buf_size = HEAD + nr * sizeof(*runs);
	head = calloc(1, l->buf_size);
	if (!head)
		return -1;
	l->buf = head;
	head->magic = FASTZERO_WORKSET_MAGIC;
	head->page_shift = (uint32_t)__builtin_ctzl(fz_ps);
	head->length = l->size;
	head->nr_runs = nr;
	runs = (void *)(head + 1);
	for (i = 0; i < nr; i++) {
		runs[i].first = i * step;
		runs[i].nr = 1;
	}
	return 0;
}

int latency_write_workset(struct latency *l)
{
	return fz_raw_workset(l->fd, FASTZERO_WORKSET_WRITE, l->buf, l->buf_size,
			      NULL);
}

int latency_clear_workset(struct latency *l)
{
	return fz_raw_workset(l->fd, FASTZERO_WORKSET_CLEAR, NULL, 0, NULL);
}

int latency_prepare_empty(struct latency *l, bool memfd)
{
	uint64_t nr = EMPTY_CHUNKS;

	if (memfd)
		return -2;
	return make(l, false, nr * FZ_CHUNK, FASTZERO_PAGES_4K) || map(l) ||
	       make_workset(l, nr, FZ_CHUNK / fz_ps) || latency_write_workset(l) ||
	       latency_clear_workset(l) ? -1 : 0;
}

int latency_prepare_sparse_workset(struct latency *l, bool memfd)
{
	uint64_t nr = SPARSE_CHUNKS;

	if (memfd)
		return -2;
	return make(l, false, nr * FZ_CHUNK, FASTZERO_PAGES_4K) || map(l) ||
	       make_workset(l, nr, FZ_CHUNK / fz_ps) || latency_write_workset(l) ? -1 : 0;
}

int latency_prepare_runs(struct latency *l, bool memfd)
{
	if (memfd)
		return -2;
	return make(l, false, 2 * RUNS * fz_ps, FASTZERO_PAGES_4K) ||
	       make_workset(l, RUNS, 2) ? -1 : 0;
}

/* The longest buffer allowed; no host of this size has as many pages. */
int latency_prepare_too_many(struct latency *l, bool memfd)
{
	uint64_t nr = RUNS_TOO_MANY * (uint64_t)l->scale;

	if (memfd)
		return -2;
	return make(l, false, 2 * nr * fz_ps, FASTZERO_PAGES_4K) ||
	       make_workset(l, nr, 2) ? -1 : 0;
}

int latency_prepare_written_runs(struct latency *l, bool memfd)
{
	return latency_prepare_runs(l, memfd) ?: latency_write_workset(l);
}

int latency_prepare_many_maps(struct latency *l, bool memfd)
{
	long i;

	if (latency_prepare_hole(l, memfd))
		return -1;
	/*
	 * Maps every other page of a reservation, below the mappings that the call looks
	 * for.
	 */
	l->nr_maps = 2 * MAPS;
	l->maps = mmap(NULL, (size_t)l->nr_maps * fz_ps, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = 0; i < l->nr_maps; i += 2)
		if (mprotect(l->maps + (size_t)i * fz_ps, fz_ps, PROT_READ))
			return -2;
	return 0;
}

/* Maps one page at many addresses.  As with mmap(), later mappings lie lower. */
int latency_prepare_many_views(struct latency *l, bool memfd)
{
	long i;

	if (memfd)
		return -2;
	if (make(l, false, fz_ps, FASTZERO_PAGES_4K) || map(l))
		return -1;
	l->nr_maps = 2 * VIEWS * l->scale;
	l->maps = mmap(NULL, (size_t)l->nr_maps * fz_ps, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = l->nr_maps - 2; i >= 0; i -= 2)
		if (mmap(l->maps + (size_t)i * fz_ps, fz_ps, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, l->fd, 0) == MAP_FAILED)
			return -2;
	return 0;
}

/* Sets bits of holes, in chunks that have pages elsewhere. */
int latency_prepare_coarse(struct latency *l, bool memfd)
{
	uint64_t bits = SPARSE_CHUNKS * FZ_CHUNK >> LATENCY_COARSE_SHIFT;

	if (memfd)
		return -2;
	if (latency_prepare_sparse(l, false))
		return -1;
	l->buf_size = (bits + 63) / 64 * 8;
	l->buf = malloc(l->buf_size);
	if (!l->buf)
		return -1;
	memset(l->buf, 0xaa, l->buf_size);
	return 0;
}

int latency_prepare_fine(struct latency *l, bool memfd)
{
	if (memfd)
		return -2;
	if (make(l, false, FINE_PAGES * fz_ps, FASTZERO_PAGES_4K))
		return -1;
	l->buf_size = FINE_PAGES / 8;
	l->buf = mmap(NULL, l->buf_size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return l->buf == MAP_FAILED ? -1 : 0;
}

int latency_prepare_scratches(struct latency *l, bool memfd)
{
	struct rlimit files = { SCRATCHES + 64, SCRATCHES + 64 };

	if (memfd)
		return -2;
	l->ctx = fz_raw_open();
	if (l->ctx < 0 || setrlimit(RLIMIT_NOFILE, &files))
		return -1;
	l->fds = malloc(SCRATCHES * sizeof(*l->fds));
	for (; l->nr_fds < SCRATCHES; l->nr_fds++) {
		l->fds[l->nr_fds] = fz_raw_create(l->ctx, fz_ps, 0, 0, 0);
		if (l->fds[l->nr_fds] < 0)
			return -1;
	}
	return 0;
}

int latency_prepare_pool(struct latency *l, bool memfd)
{
	if (memfd)
		return -2;
	l->ctx = fz_raw_open();
	return l->ctx < 0 ? -1 : 0;
}

int latency_prepare_buffer(struct latency *l, bool memfd)
{
	l->buf_size = DENSE_PAGES * fz_ps;
	l->buf = malloc(l->buf_size);
	memset(l->buf, 1, l->buf_size);
	return latency_prepare_hole(l, memfd);
}

int latency_prepare_nothing(struct latency *l, bool memfd)
{
	(void)l;
	return memfd ? -2 : 0;
}

/* Frees everything that a preparation has made so far. */
void latency_undo(struct latency *l)
{
	int err = errno;

	if (l->map)
		munmap(l->map, l->size);
	if (l->maps)
		munmap(l->maps, (size_t)l->nr_maps * fz_ps);
	if (l->buf_size == FINE_PAGES / 8)
		munmap(l->buf, l->buf_size);
	else
		free(l->buf);
	while (l->nr_fds)
		close(l->fds[--l->nr_fds]);
	free(l->fds);
	close(l->fd);
	close(l->ctx);
	l->map = NULL;
	l->maps = NULL;
	l->buf = NULL;
	l->buf_size = 0;
	l->fds = NULL;
	l->fd = -1;
	l->ctx = -1;
	errno = err;
}
