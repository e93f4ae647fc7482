// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit checks of the library's mappings.  The device is a stand-in, as in unit.c.
 */
#include "check.h"
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	4096
#define LENGTH	(16 * PAGE)

static void check_map(struct fastzero_scratch *scratch)
{
	struct fastzero_map_opts opts = { .size = sizeof(opts) };
	char *area, *p;
	void *addr;

	CHECK(fastzero_map(scratch, NULL, &addr) == 0);
	p = addr;
	p[2 * PAGE] = 42;

	/* Between guard pages, as a VMM does it. */
	area = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	opts.addr = area + PAGE;
	opts.offset = 2 * PAGE;
	opts.length = 2 * PAGE;
	opts.flags = FASTZERO_MAP_NOREPLACE;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EEXIST);
	opts.flags = FASTZERO_MAP_FIXED;
	CHECK(fastzero_map(scratch, &opts, &addr) == 0 && addr == area + PAGE);
	CHECK(area[PAGE] == 42);
	opts.flags = FASTZERO_MAP_FIXED | FASTZERO_MAP_NOREPLACE;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL);
	opts.flags = FASTZERO_MAP_FIXED;
	opts.addr = NULL;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL);
	opts.flags = 1u << 31;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EOPNOTSUPP);
	CHECK(fastzero_unmap(area, 4 * PAGE) == 0);
	opts.addr = area + PAGE;
	opts.flags = FASTZERO_MAP_NOREPLACE;
	CHECK(fastzero_map(scratch, &opts, &addr) == 0 && addr == area + PAGE);
	CHECK(fastzero_unmap(addr, 2 * PAGE) == 0);

	opts.flags = FASTZERO_MAP_READONLY;
	opts.length = 0;
	CHECK(fastzero_map(scratch, &opts, &addr) == 0 && *(char *)addr == 42);
	CHECK(mprotect(addr, LENGTH - 2 * PAGE, PROT_READ) == 0);
	CHECK(fastzero_unmap(addr, LENGTH - 2 * PAGE) == 0);
	opts.length = LENGTH - 2 * PAGE + 1;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL);
	opts.length = UINT64_MAX;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL);
	opts.length = 0;
	opts.offset = LENGTH;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL);
	CHECK(fastzero_unmap(p, LENGTH) == 0);
	CHECK(fastzero_unmap(p + 1, LENGTH) == -EINVAL);
}

static bool is_free(char *addr)
{
	void *p = mmap(addr, PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	/* valgrind takes NOREPLACE for a hint. */
	return p != MAP_FAILED && munmap(p, PAGE) == 0 && p == addr;
}

static void check_guard(struct fastzero_scratch *scratch)
{
	struct fastzero_map_opts opts = FASTZERO_MAP_OPTS_INIT;
	void *addr, *other;
	char *area;

	/* Addresses around which nothing is mapped. */
	area = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED && munmap(area, 16 * PAGE) == 0);
	opts.addr = area + 4 * PAGE;
	opts.offset = PAGE;
	opts.length = 2 * PAGE;
	opts.guard = 2 * PAGE;
	CHECK(fastzero_map(scratch, &opts, &addr) == 0 && addr == area + 6 * PAGE);
	memset(addr, 1, opts.length);
	CHECK(is_free(area + 3 * PAGE) && !is_free(area + 4 * PAGE) &&
	      !is_free(area + 5 * PAGE) && !is_free(area + 8 * PAGE) &&
	      !is_free(area + 9 * PAGE) && is_free(area + 10 * PAGE));
	CHECK(write(fastzero_scratch_fd(scratch), area + 5 * PAGE, 1) == -1 && errno == EFAULT);
	CHECK(write(fastzero_scratch_fd(scratch), area + 8 * PAGE, 1) == -1 && errno == EFAULT);
	CHECK(fastzero_unmap(area + 4 * PAGE, 6 * PAGE) == 0);
	CHECK(is_free(area + 4 * PAGE) && is_free(area + 9 * PAGE));
	opts.guard = 1;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL && !addr);
	opts.guard = UINT64_MAX - PAGE + 1;
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL && !addr);
	opts.guard = PAGE;
	opts.flags = FASTZERO_MAP_FIXED;
	opts.addr = (void *)(16 * PAGE);
	CHECK(fastzero_map(scratch, &opts, &addr) == -EINVAL && !addr);

	opts.guard = 0;
	opts.addr = NULL;
	opts.flags = FASTZERO_MAP_NONE;
	CHECK(fastzero_map(scratch, &opts, &addr) == 0);
	CHECK(write(fastzero_scratch_fd(scratch), addr, 1) == -1 && errno == EFAULT);
	CHECK(mprotect(addr, opts.length, PROT_READ | PROT_WRITE) == 0);
	memset(addr, 1, opts.length);
	opts.flags |= FASTZERO_MAP_READONLY;
	CHECK(fastzero_map(scratch, &opts, &other) == -EINVAL && !other);
	CHECK(fastzero_unmap(addr, opts.length) == 0);
}

int main(void)
{
	struct fastzero_ctx_opts opts = { .size = sizeof(opts), .path = "/dev/null" };
	struct fastzero_scratch *scratch = NULL;
	struct fastzero_ctx *ctx = NULL;

	CHECK(fastzero_ctx_open(&opts, &ctx) == 0);
	CHECK(fastzero_scratch_create(ctx, LENGTH, NULL, &scratch) == 0);
	check_map(scratch);
	check_guard(scratch);
	fastzero_scratch_close(scratch);
	fastzero_ctx_close(ctx);
	return check_end("map");
}
