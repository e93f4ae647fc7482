// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: resets.
 */
#include "internal.h"

#include <string.h>

static const char *const fz_mode_names[] = {
	[FASTZERO_MODE_AUTO]	= "auto",
	[FASTZERO_MODE_INPLACE]	= "inplace",
	[FASTZERO_MODE_SWAP]	= "swap",
	[FASTZERO_MODE_DROP]	= "drop",
};

/* Gives what a call says in the members that all resets have. */
#define RESULT_OUT(result, call) do {					\
	if (result) {							\
		const struct fastzero_result out_ = {			\
			.done = (call).out_done,			\
			.cleared = (call).out_cleared,			\
			.swapped = (call).out_swapped,			\
			.dropped = (call).out_dropped,			\
			.held = (call).out_held,			\
		};							\
		fz_struct_out(result, &out_, sizeof(out_));		\
	}								\
} while (0)

#define FZ_MODES	(sizeof(fz_mode_names) / sizeof(fz_mode_names[0]))

FASTZERO_API const char *fastzero_mode_name(unsigned int mode)
{
	return mode < FZ_MODES ? fz_mode_names[mode] : NULL;
}

FASTZERO_API int fastzero_mode_parse(const char *name)
{
	unsigned int mode;

	if (!name)
		return fz_null("the name");
	for (mode = 0; mode < FZ_MODES; mode++)
		if (!strcmp(name, fz_mode_names[mode]))
			return mode;
	return fz_fail(-EINVAL, "there is no mode of the name '%s'", name);
}

static int fz_reset(const struct fastzero_scratch *scratch, struct fastzero_reset *reset,
		    struct fastzero_result *result)
{
	int ret = result ? fz_struct_check_out(result) : 0;

	if (ret)
		return ret;
	reset->size = sizeof(*reset);
	ret = scratch->backend->reset(scratch, reset);
	RESULT_OUT(result, *reset);
	return ret;
}

FASTZERO_API int fastzero_reset_range(const struct fastzero_scratch *scratch,
				      uint64_t offset, uint64_t length,
				      unsigned int mode,
				      struct fastzero_result *result)
{
	struct fastzero_reset reset = {
		.offset = offset,
		.length = length,
		.mode = mode,
	};

	return scratch ? fz_reset(scratch, &reset, result) : fz_null("the scratch");
}

FASTZERO_API int fastzero_reset_all(const struct fastzero_scratch *scratch,
				    unsigned int mode,
				    struct fastzero_result *result)
{
	return scratch ? fastzero_reset_range(scratch, 0, scratch->length, mode, result) :
			 fz_null("the scratch");
}

FASTZERO_API int fastzero_reset_idle(const struct fastzero_scratch *scratch,
				     struct fastzero_result *result)
{
	struct fastzero_reset reset = {
		.flags = FASTZERO_RESET_IDLE,
		.length = fastzero_scratch_length(scratch),
	};

	return scratch ? fz_reset(scratch, &reset, result) : fz_null("the scratch");
}

FASTZERO_API int fastzero_reset_many(const struct fastzero_ctx *ctx, const int *fds,
				     uint32_t nr, unsigned int mode,
				     struct fastzero_result *result)
{
	struct fastzero_reset_many many = {
		.size = sizeof(many),
		.fds = (uintptr_t)fds,
		.nr = nr,
		.mode = mode,
	};
	int ret = fz_struct_check_out(result);

	if (!ctx)
		return fz_null("the context");
	if (!fds)
		return fz_null("the array of descriptors");
	if (ret)
		return ret;
	if (!ctx->backend->reset_many)
		return fz_backend_lacks(ctx->backend, "descriptors of scratches");
	ret = ctx->backend->reset_many(ctx, &many);
	RESULT_OUT(result, many);
	return ret;
}

/* Scratches of the device that go in one call. */
#define FZ_MANY	64

/* From the first on, as many as one call can do; adds to @sum, and to its member done. */
static int fz_reset_some(const struct fastzero_ctx *ctx,
			 const struct fastzero_scratch *const *scratches, uint32_t nr,
			 unsigned int mode, struct fastzero_result *sum)
{
	struct fastzero_result r = FASTZERO_RESULT_INIT;
	int fds[FZ_MANY];
	uint32_t n = 0;
	int ret = -EOPNOTSUPP;

	while (ctx->backend == &fz_backend_device && n < nr && n < FZ_MANY &&
	       scratches[n]->backend == ctx->backend) {
		fds[n] = scratches[n]->fd;
		n++;
	}
	if (n > 1)
		ret = fastzero_reset_many(ctx, fds, n, mode, &r);
	if (ret == -EOPNOTSUPP) {
		ret = fastzero_reset_all(scratches[0], mode, &r);
		r.done = !ret;
	}
	sum->done += r.done;
	sum->cleared += r.cleared;
	sum->swapped += r.swapped;
	sum->dropped += r.dropped;
	sum->held += r.held;
	return ret;
}

FASTZERO_API int
fastzero_reset_scratches(const struct fastzero_ctx *ctx,
			 const struct fastzero_scratch *const *scratches, uint32_t nr,
			 unsigned int mode, struct fastzero_result *result)
{
	struct fastzero_result sum = FASTZERO_RESULT_INIT;
	int ret = fz_struct_check_out(result);
	uint32_t i;

	if (!ctx)
		return fz_null("the context");
	if (!scratches)
		return fz_null("the array of scratches");
	if (ret)
		return ret;
	if (!nr)
		return fz_fail(-EINVAL, "no scratch");
	for (i = 0; i < nr; i++)
		if (!scratches[i])
			return fz_null("a scratch");
	while (!ret && sum.done < nr)
		ret = fz_reset_some(ctx, scratches + sum.done, nr - sum.done, mode, &sum);
	fz_struct_out(result, &sum, sizeof(sum));
	return ret;
}

FASTZERO_API int
fastzero_reset_bitmap(const struct fastzero_scratch *scratch,
		      const struct fastzero_bitmap_opts *opts,
		      struct fastzero_result *result)
{
	struct fastzero_reset_dirty dirty = { .size = sizeof(dirty) };
	struct fastzero_bitmap_opts o;
	int ret;

	if (!scratch)
		return fz_null("the scratch");
	if (!opts)
		return fz_null("the options");
	ret = fz_struct_in(&o, sizeof(o), opts);
	if (!ret)
		ret = fz_struct_check_out(result);
	if (ret)
		return ret;
	if (!o.length && o.offset < scratch->length)
		o.length = scratch->length - o.offset;
	dirty.flags = o.flags;
	dirty.offset = o.offset;
	dirty.length = o.length;
	dirty.mode = o.mode;
	dirty.granule_shift = o.granule_shift;
	dirty.bitmap = (uintptr_t)o.bitmap;
	dirty.bitmap_size = o.bitmap_size;
	ret = scratch->backend->reset_dirty(scratch, &dirty);
	RESULT_OUT(result, dirty);
	return ret;
}
