// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much memory a peer holds.
 */
#include "resident.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Rss of the mappings of a range: exact, and page tables of holes are not read. */
static int mapped_pages(const struct memory *m, uint64_t *pages)
{
	uintptr_t addr = (uintptr_t)m->addr;
	unsigned long begin, end;
	unsigned long long kib;
	bool inside = false;
	char line[256];
	FILE *f = fopen("/proc/self/smaps", "re");

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			inside = begin < addr + m->size && end > addr;
		else if (inside && sscanf(line, "Rss: %llu kB", &kib) == 1)
			*pages += kib * 1024 / BENCH_PAGE;
	}
	fclose(f);
	return 0;
}

/* Many neighbours are one mapping.  Nothing maps the page of zeros there. */
static int single_page(const struct memory *m, uint64_t *pages)
{
	unsigned char in_core;

	if (mincore(m->addr, BENCH_PAGE, &in_core))
		return -errno;
	*pages = in_core & 1;
	return 0;
}

int resident_pages(const struct memory *m, uint64_t *pages)
{
	struct stat st;

	*pages = 0;
	if (m->fd < 0 && m->size == BENCH_PAGE)
		return single_page(m, pages);
	if (m->fd < 0)
		return mapped_pages(m, pages);
	if (fstat(m->fd, &st))
		return -errno;
	*pages = st.st_blocks * 512 / BENCH_PAGE;
	return 0;
}
