// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Figures out of samples.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>

/* The value that @percent of all are not above. */
static uint64_t percentile(const uint64_t *sorted, unsigned int n,
			   unsigned int percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

struct summary summarize(uint64_t *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), ascending);
	return (struct summary) {
		.p50 = percentile(values, n, 50),
		.p90 = percentile(values, n, 90),
		.p99 = percentile(values, n, 99),
		.max = values[n - 1],
	};
}

int result_finish(struct result *r)
{
	const struct sample *s = r->o.samples;
	unsigned int i, n = r->o.nr;
	uint64_t *values = calloc(n, sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		values[i] = s[i].reset;
	r->reset = summarize(values, n);
	for (i = 0; i < n; i++)
		values[i] = s[i].run;
	r->run = summarize(values, n);
	for (i = 0; i < n; i++)
		values[i] = s[i].reset + s[i].run;
	r->sum = summarize(values, n);
	free(values);
	return 0;
}

uint64_t result_cpu(const struct result *r)
{
	return r->sum.p50 + (r->o.counted ? r->o.counts.bg_cost : 0);
}

/* Each part has one more reading of the clock in it than the whole has. */
int result_parts_differ(const struct result *r, const struct overhead *overhead)
{
	uint64_t parts = 0, whole = r->o.whole;
	unsigned int i;

	if (!whole || !r->o.nr || r->cell->threads)
		return -1;
	for (i = 0; i < r->o.nr; i++)
		parts += r->o.samples[i].reset + r->o.samples[i].run;
	parts = parts / r->o.nr - overhead->clock;
	return (parts > whole ? parts - whole : whole - parts) * 1000 / whole;
}
