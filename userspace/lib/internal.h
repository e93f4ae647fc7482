/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: what its files share.
 */
#ifndef FASTZERO_INTERNAL_H
#define FASTZERO_INTERNAL_H

#include "fastzero.h"

#include <errno.h>
#include <stdbool.h>

/* Everything else stays inside; libfastzero.map says the same. */
#define FASTZERO_API __attribute__((visibility("default")))

#define FZ_PAGE_SHIFT	12
#define FZ_PAGE		(1ul << FZ_PAGE_SHIFT)

struct fz_backend;
struct fz_soft;
struct fz_soft_ops;
struct fz_memory;

/* All are written once, before anybody else sees them. */
struct fastzero_ctx {
	const struct fz_backend *backend;
	char *why;		/* a line for each better backend; or NULL */
	int fd;			/* of the device, else -1 */
	struct fz_soft *soft;	/* of a fallback, else NULL */
};

struct fastzero_scratch {
	const struct fz_backend *backend;
	uint64_t length;
	int fd;			/* -1 if the backend has none */
	struct fz_memory *memory; /* of a fallback, else NULL */
};

/**
 * struct fz_backend - what a backend can do
 * @id: enum fastzero_backend_id
 * @name: its name
 * @has_fd: its scratches have descriptors
 * @open: make a context of @ctx, whose members are set but for what is the backend's; on
 *	failure nothing is left, and fz_fail() was called
 * @close: give the context up
 * @query: what fastzero_ctx_info() and fastzero_ctx_stats() give; @request says which
 * @pool: POOL; NULL if there is none
 * @zero: ZERO; NULL if there is none
 * @reset_many: RESET_MANY; NULL if scratches have no descriptors
 * @create: make a scratch of @scratch; the caller sets backend, fd and length
 * @is_scratch: 0 and the length if a descriptor is one of its scratches, else -errno
 * @adopt: what a scratch needs beside descriptor and length; or NULL
 * @end: give up what a scratch has but for its descriptor; or NULL
 * @stats: what fastzero_scratch_stats() gives
 * @map: as mmap(2); -errno, or 0 with the address
 * @reset: RESET
 * @reset_dirty: RESET_DIRTY
 * @populate: POPULATE
 * @workset: WORKSET; NULL if there is none
 * @soft: what a fallback has beside that; else NULL
 *
 * All take the structures of linux/fastzero.h and return 0 or -errno, as the calls of the
 * module do: same checks, same errors, same outputs.
 */
struct fz_backend {
	uint32_t id;
	const char *name;
	bool has_fd;
	int (*open)(struct fastzero_ctx *ctx, const struct fastzero_ctx_opts *opts);
	void (*close)(struct fastzero_ctx *ctx);
	int (*query)(const struct fastzero_ctx *ctx, unsigned long request, void *arg);
	int (*pool)(const struct fastzero_ctx *ctx, struct fastzero_pool *pool);
	int (*zero)(const struct fastzero_ctx *ctx, struct fastzero_zero *zero);
	int (*reset_many)(const struct fastzero_ctx *ctx, struct fastzero_reset_many *many);
	int (*create)(const struct fastzero_ctx *ctx, struct fastzero_create *create,
		      struct fastzero_scratch *scratch);
	int (*is_scratch)(int fd, uint64_t *length);
	int (*adopt)(struct fastzero_scratch *scratch);
	void (*end)(struct fastzero_scratch *scratch);
	int (*stats)(const struct fastzero_scratch *scratch, struct fastzero_stats *stats);
	int (*map)(const struct fastzero_scratch *scratch, void **addr, uint64_t length,
		   int prot, int flags, uint64_t offset);
	int (*reset)(const struct fastzero_scratch *scratch, struct fastzero_reset *reset);
	int (*reset_dirty)(const struct fastzero_scratch *scratch,
			   struct fastzero_reset_dirty *dirty);
	int (*populate)(const struct fastzero_scratch *scratch,
			struct fastzero_populate *populate);
	int (*workset)(const struct fastzero_scratch *scratch,
		       struct fastzero_workset *workset);
	const struct fz_soft_ops *soft;
};

/* backend.c: all of them, best first, NULL at the end */
extern const struct fz_backend *const fz_backends[];
int fz_backend_lacks(const struct fz_backend *backend, const char *what);

/* backend_device.c */
extern const struct fz_backend fz_backend_device;
int fz_device_is_ctx(int fd);

extern const struct fz_backend fz_backend_pagescan;
extern const struct fz_backend fz_backend_memfd;
extern const struct fz_backend fz_backend_anon;
extern const struct fz_backend fz_backend_memset;

/* segment.c: what the fallbacks have mapped */
int fz_segment_forget(void *addr, size_t length, bool reserve);

/* why.c: why the device cannot be opened */
int fz_why_open(const char *path, int ret);
int fz_why_no_device(const char *path, int fd, int ret);

/* structs.c: structures that begin with their size */
int fz_struct_in(void *dst, size_t dst_size, const void *src);
int fz_struct_check_out(const void *dst);
int fz_struct_check_first(const void *dst, size_t first_size);
void fz_struct_out(void *dst, const void *src, size_t src_size);

/*
 * error.c: every error begins here: @ret is -errno, and is returned; @format says in
 * words why, NULL for no more than the number says.
 */
int fz_fail(int ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
int fz_null(const char *what);

#endif /* FASTZERO_INTERNAL_H */
