/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: what its files share.
 */
#ifndef FASTZERO_INTERNAL_H
#define FASTZERO_INTERNAL_H

#include "fastzero.h"

/* Everything else stays inside; libfastzero.map says the same. */
#define FASTZERO_API __attribute__((visibility("default")))

/* Both are written once, before anybody else sees them. */
struct fastzero_ctx {
	int fd;
};

struct fastzero_scratch {
	int fd;
	uint64_t length;
};

/* structs.c: structures that begin with their size */
int fz_struct_in(void *dst, size_t dst_size, const void *src);
int fz_struct_check_out(const void *dst);
void fz_struct_out(void *dst, const void *src, size_t src_size);

/* device.c: the door to the module; all of these return -errno */
int fz_device_open(const char *path);
int fz_device_is_ctx(int fd);
int fz_device_is_scratch(int fd, uint64_t *length);
int fz_device_call(int fd, unsigned long request, void *arg);
int fz_device_query(int fd, unsigned long request, void *arg);

#endif /* FASTZERO_INTERNAL_H */
