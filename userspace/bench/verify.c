// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is all of the memory as it must be?
 */
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE	4096ull
#define BATCH	256ull		/* pages looked at together */

/* Bits of /proc/self/pagemap. */
#define PM_PRESENT	(1ull << 63)
#define PM_SWAPPED	(1ull << 62)

static const char zero[PAGE];

/* Is the page zero but for its first word, which is @first? */
static bool page_is(const void *page, uint64_t first)
{
	return !memcmp(page, &first, sizeof(first)) &&
	       !memcmp((const char *)page + sizeof(first), zero,
		       PAGE - sizeof(first));
}

struct walk {
	int fd;			/* the file, or pagemap */
	char *buf;		/* BATCH pages, or as many entries */
	const uint8_t *listed;	/* by page: does the run touch it? */
	uint64_t value;
	uint64_t bad;
};

static int read_fully(int fd, void *buf, uint64_t size, uint64_t offset)
{
	ssize_t n = pread(fd, buf, size, offset);

	if (n < 0)
		return -errno;
	return (uint64_t)n == size ? 0 : -EIO;
}

static int batch_by_file(struct walk *w, uint64_t first, uint64_t n)
{
	uint64_t i;
	int ret = read_fully(w->fd, w->buf, n * PAGE, first * PAGE);

	for (i = 0; !ret && i < n; i++)
		w->bad += !page_is(w->buf + i * PAGE,
				   w->listed[first + i] ? w->value : 0);
	return ret;
}

static int batch_by_pagemap(struct walk *w, const struct memory *m,
			    uint64_t first, uint64_t n)
{
	const char *page = (const char *)m->addr + first * PAGE;
	uint64_t *entries = (uint64_t *)w->buf;
	uint64_t i, expected;
	int ret = read_fully(w->fd, entries, n * sizeof(*entries),
			     (uintptr_t)page / PAGE * sizeof(*entries));

	for (i = 0; !ret && i < n; i++) {
		expected = w->listed[first + i] ? w->value : 0;
		if (entries[i] & (PM_PRESENT | PM_SWAPPED))
			w->bad += !page_is(page + i * PAGE, expected);
		else
			w->bad += expected != 0;
	}
	return ret;
}

static int walk(struct walk *w, const struct memory *m)
{
	uint64_t pages = m->size / PAGE;
	uint64_t first, n;
	int ret = 0;

	for (first = 0; !ret && first < pages; first += n) {
		n = pages - first < BATCH ? pages - first : BATCH;
		if (m->fd >= 0)
			ret = batch_by_file(w, first, n);
		else
			ret = batch_by_pagemap(w, m, first, n);
	}
	return ret;
}

int verify_after_run(const struct memory *m, const struct plan *plan,
		     uint64_t value, uint64_t *bad)
{
	struct walk w = { .fd = m->fd, .value = value };
	uint8_t *listed = calloc(1, m->size / PAGE);
	uint64_t i;
	int ret = 0;

	w.buf = malloc(BATCH * PAGE);
	if (!listed || !w.buf)
		ret = -ENOMEM;
	if (!ret && m->fd < 0) {
		w.fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
		if (w.fd < 0)
			ret = -errno;
	}
	if (!ret) {
		for (i = 0; i < plan->count; i++)
			listed[plan->list[i]] = 1;
		w.listed = listed;
		ret = walk(&w, m);
		*bad = w.bad;
	}
	if (w.fd >= 0 && w.fd != m->fd)
		close(w.fd);
	free(w.buf);
	free(listed);
	return ret;
}

uint64_t verify_zero(const struct memory *m)
{
	uint64_t offset, bad = 0;

	for (offset = 0; offset < m->size; offset += PAGE)
		bad += !page_is((const char *)m->addr + offset, 0);
	return bad;
}
