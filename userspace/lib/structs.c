// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: structures that begin with their size, so that the program and
 * the library may be of different versions.
 */
#include "internal.h"

#include <string.h>

/* The first two members, size and flags or padding, are as old as the library. */
#define FZ_STRUCT_MIN	(2 * sizeof(uint32_t))

static uint32_t fz_struct_size(const void *s)
{
	uint32_t size;

	memcpy(&size, s, sizeof(size));
	return size;
}

/* Takes a structure from the program; NULL is one of zeros. */
int fz_struct_in(void *dst, size_t dst_size, const void *src)
{
	const unsigned char *bytes = src;
	uint32_t size;
	size_t i;

	memset(dst, 0, dst_size);
	if (!src)
		return 0;
	size = fz_struct_size(src);
	if (size < FZ_STRUCT_MIN)
		return fz_fail(-EINVAL, "the size in a structure is %u", size);
	for (i = dst_size; i < size; i++)
		if (bytes[i])
			return fz_fail(-E2BIG,
				       "the program asks for something newer than this library, "
				       FASTZERO_LIB_VERSION);
	memcpy(dst, src, size < dst_size ? size : dst_size);
	return 0;
}

/* To be asked before anything is done whose outcome could not be told. */
int fz_struct_check_out(const void *dst)
{
	if (!dst || fz_struct_size(dst) >= FZ_STRUCT_MIN)
		return 0;
	return fz_fail(-EINVAL, "the size in a structure is %u", fz_struct_size(dst));
}

/* The same as the module does, which knows how long the first version was. */
int fz_struct_check_first(const void *dst, size_t first_size)
{
	uint32_t size = fz_struct_size(dst);

	if (size < first_size)
		return fz_fail(-EINVAL, "the size in a structure is %u", size);
	return size > FZ_PAGE ? fz_fail(-E2BIG, "the size in a structure is %u", size) : 0;
}

/* Gives a structure to the program, but for its size, which is the program's. */
void fz_struct_out(void *dst, const void *src, size_t src_size)
{
	uint32_t size;

	if (!dst)
		return;
	size = fz_struct_size(dst);
	memset(dst, 0, size);
	memcpy(dst, src, size < src_size ? size : src_size);
	memcpy(dst, &size, sizeof(size));
}
