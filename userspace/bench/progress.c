// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How far a long run is.
 */
#include "progress.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

void progress_show(const struct progress *p)
{
	static uint64_t begin;
	size_t done = p->done;
	uint64_t gone;

	if (p->plain) {
		fprintf(stderr, "%zu %zu\n", done, p->total);
		return;
	}
	if (!isatty(STDERR_FILENO))
		return;
	if (!begin)
		begin = clock_ns();
	gone = (clock_ns() - begin) / 1000000000;
	if (done == p->total)
		fputs("\r\033[K", stderr);
	else if (!done)
		fprintf(stderr, "\r\033[K%zu parts", p->total);
	else
		fprintf(stderr, "\r\033[K%zu of %zu parts, about %llu s left", done,
			p->total, (unsigned long long)gone * (p->total - done) / done);
}
