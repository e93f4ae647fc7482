// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: pages before they are touched: populate and the working set.
 */
#include "internal.h"

FASTZERO_API int
fastzero_populate_range(const struct fastzero_scratch *scratch,
			uint64_t offset, uint64_t length, uint32_t flags,
			struct fastzero_populated *result)
{
	struct fastzero_populate populate = {
		.size = sizeof(populate),
		.flags = flags,
		.offset = offset,
		.length = length,
	};
	struct fastzero_populated r = { 0 };
	int ret = fz_struct_check_out(result);

	if (!scratch)
		return fz_null("the scratch");
	if (ret)
		return ret;
	ret = scratch->backend->populate(scratch, &populate);
	r.done = populate.out_done;
	r.added = populate.out_added;
	r.mapped = populate.out_mapped;
	fz_struct_out(result, &r, sizeof(r));
	return ret;
}

static int64_t fz_workset(const struct fastzero_scratch *scratch, uint32_t op,
			  const void *buffer, size_t size)
{
	struct fastzero_workset workset = {
		.size = sizeof(workset),
		.op = op,
		.buffer = (uintptr_t)buffer,
		.buffer_size = size,
	};
	int ret;

	if (!scratch)
		return fz_null("the scratch");
	if (!scratch->backend->workset)
		return fz_backend_lacks(scratch->backend, "working set");
	ret = scratch->backend->workset(scratch, &workset);
	return ret ? ret : (int64_t)workset.out_size;
}

FASTZERO_API int64_t
fastzero_workset_read(const struct fastzero_scratch *scratch, void *buffer,
		      size_t size)
{
	return fz_workset(scratch, FASTZERO_WORKSET_READ, buffer, size);
}

FASTZERO_API int fastzero_workset_write(const struct fastzero_scratch *scratch,
					const void *buffer, size_t size)
{
	int64_t ret = fz_workset(scratch, FASTZERO_WORKSET_WRITE, buffer, size);

	return ret < 0 ? (int)ret : 0;
}

FASTZERO_API int fastzero_workset_clear(const struct fastzero_scratch *scratch)
{
	int64_t ret = fz_workset(scratch, FASTZERO_WORKSET_CLEAR, NULL, 0);

	return ret < 0 ? (int)ret : 0;
}
