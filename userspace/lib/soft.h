/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: what the fallbacks share, that is the backends without the module.
 */
#ifndef FASTZERO_SOFT_H
#define FASTZERO_SOFT_H

#include "internal.h"

#include <pthread.h>
#include <sys/uio.h>

/* Counted without a lock. */
struct fz_counts {
	uint64_t resets;
	uint64_t cleared;
	uint64_t dropped;
	uint64_t auto_inplace;
	uint64_t auto_drop;
};

/* What a reset did, in pages. */
struct fz_done {
	uint64_t cleared;
	uint64_t dropped;
};

/**
 * struct fz_soft - a context of a fallback
 * @ops: what is the backend's own
 * @refs: of the context and of its scratches
 * @lock: protects @memories
 * @memories: those that are alive
 * @counts: of all scratches, also of those that are gone
 * @zero: /dev/zero, or -1
 * @pagemap: of this process, or -1
 * @uffd: or -1
 */
struct fz_soft {
	const struct fz_soft_ops *ops;
	unsigned int refs;
	pthread_mutex_t lock;
	struct fz_memory *memories;
	struct fz_counts counts;
	int zero;
	int pagemap;
	int uffd;
};

/* A part of a scratch that is mapped. */
struct fz_segment {
	char *addr;
	uint64_t offset;
	uint64_t length;
};

/**
 * struct fz_memory - what a scratch of a fallback has
 * @soft: its context
 * @prev: in soft->memories
 * @next: in soft->memories
 * @all_prev: in the list of all memories, see segment.c
 * @all_next: in the list of all memories
 * @fd: the memfd, which is the scratch's; or -1
 * @length: bytes
 * @policy: enum fastzero_page_policy
 * @forks: fz_segment_forks when it was made: in a child there are no mappings of it
 * @lock: protects @segments against a reset; changes also take the lock of segment.c
 * @segments: by offset
 * @nr: how many
 * @room: how many there is room for
 * @counts: of this scratch
 */
struct fz_memory {
	struct fz_soft *soft;
	struct fz_memory *prev, *next;
	struct fz_memory *all_prev, *all_next;
	int fd;
	uint64_t length;
	uint32_t policy;
	unsigned int forks;
	pthread_mutex_t lock;
	struct fz_segment *segments;
	size_t nr, room;
	struct fz_counts counts;
};

/**
 * struct fz_soft_ops - what is a fallback's own
 * @modes: bit (1 << mode) for each mode that it has
 * @features: bits of enum fastzero_feature
 * @is_private: memory of one process, mapped once
 * @base_pages: never huge ones
 * @open: of a context that is set up; on failure nothing is left; or NULL
 * @close: or NULL
 * @mapped: what a new mapping needs beside mmap(2); or NULL
 * @reset: makes a range zero, which was checked; private memory is locked
 */
struct fz_soft_ops {
	uint32_t modes;
	uint64_t features;
	bool is_private;
	bool base_pages;
	int (*open)(struct fz_soft *soft);
	void (*close)(struct fz_soft *soft);
	int (*mapped)(struct fz_memory *memory, void *addr, size_t length);
	int (*reset)(struct fz_memory *memory, uint64_t offset, uint64_t length,
		     unsigned int mode, struct fz_done *done);
};

/* The members of struct fz_backend that all fallbacks have. */
#define FZ_SOFT_BACKEND							\
	.open		= fz_soft_open,					\
	.close		= fz_soft_close,				\
	.query		= fz_soft_query,				\
	.end		= fz_soft_end,					\
	.stats		= fz_soft_stats,				\
	.map		= fz_soft_map,					\
	.reset		= fz_soft_reset,				\
	.reset_dirty	= fz_soft_reset_dirty,				\
	.populate	= fz_soft_populate

/* soft.c */
int fz_soft_open(struct fastzero_ctx *ctx, const struct fastzero_ctx_opts *opts);
void fz_soft_close(struct fastzero_ctx *ctx);
int fz_soft_query(const struct fastzero_ctx *ctx, unsigned long request, void *arg);
int fz_soft_create(const struct fastzero_ctx *ctx, struct fastzero_create *create,
		   struct fastzero_scratch *scratch);
int fz_soft_adopt(struct fastzero_scratch *scratch);
void fz_soft_end(struct fastzero_scratch *scratch);
int fz_soft_stats(const struct fastzero_scratch *scratch, struct fastzero_stats *stats);
void fz_soft_count(struct fz_soft *soft, struct fz_memory *memory, bool is_auto,
		   const struct fz_done *done);

/* soft_range.c: calls on a range of a scratch */
int fz_soft_check_mode(const struct fz_backend *backend, unsigned int mode);
int fz_soft_reset(const struct fastzero_scratch *scratch, struct fastzero_reset *reset);
int fz_soft_reset_dirty(const struct fastzero_scratch *scratch,
			struct fastzero_reset_dirty *dirty);
int fz_soft_populate(const struct fastzero_scratch *scratch,
		     struct fastzero_populate *populate);

/* segment.c: which parts of scratches are mapped where */
extern unsigned int fz_segment_forks;
void fz_segment_register(struct fz_memory *memory);
void fz_segment_unregister(struct fz_memory *memory);
int fz_soft_map(const struct fastzero_scratch *scratch, void **addr, uint64_t length,
		int prot, int flags, uint64_t offset);
bool fz_segment_next(const struct fz_memory *memory, uint64_t offset, uint64_t end,
		     size_t *index, struct fz_segment *part);

/* soft_pages.c: calls on anonymous memory */
uint64_t fz_pages_present(char *addr, size_t length);
int fz_pages_drop(char *addr, size_t length);
int fz_pages_drop_range(struct fz_memory *memory, uint64_t offset, uint64_t length);
int fz_pages_open_zero(struct fz_soft *soft);
int fz_pages_clear(int zero, struct iovec *iov, int nr);

/* backend_memfd.c: base pages that a memfd has, or -errno */
int64_t fz_memfd_pages(int fd);

#endif /* FASTZERO_SOFT_H */
