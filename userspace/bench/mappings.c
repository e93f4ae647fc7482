// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * More mappings in the process, as large programs have them.
 */
#include "mappings.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

/* Neighbours with other rights do not become one mapping. */
char *mappings_others(unsigned int nr)
{
	char *p = mmap(NULL, nr * BENCH_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	unsigned int i;

	if (p == MAP_FAILED)
		return NULL;
	for (i = 0; i < nr; i += 2)
		mprotect(p + i * BENCH_PAGE, BENCH_PAGE, PROT_NONE);
	return p;
}

/* Mappings of the same file whose neighbours are no neighbours in it stay apart. */
int mappings_views(const struct memory *m, unsigned int nr, char **views)
{
	char *p = mmap(NULL, nr * m->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
		       MAP_NORESERVE, -1, 0);
	unsigned int i;

	if (p == MAP_FAILED)
		return -ENOMEM;
	*views = p;
	for (i = 0; i < nr; i++)
		if (mmap(p + i * m->size, m->size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, m->fd, 0) == MAP_FAILED)
			return -errno;
	return 0;
}
