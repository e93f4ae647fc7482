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

bool result_without_clears(const struct result *r, uint64_t clear, uint64_t *sum)
{
	uint64_t clears = (r->o.counts.reset_cleared + r->o.counts.run_cleared) * clear;

	/* fastzero counts pages that it found zero as cleared, and looks cost less. */
	if (clears > r->sum.p50)
		return false;
	*sum = r->sum.p50 - clears;
	return r->o.counted && r->cell->pattern != PATTERN_DRIFTING &&
	       r->cell->pattern != PATTERN_ALTERNATING;
}

uint64_t result_cpu(const struct result *r)
{
	return r->sum.p50 + (r->o.counted ? r->o.counts.bg_cost : 0);
}

static uint64_t parts_and_whole(const struct result *r)
{
	uint64_t parts = 0, whole = r->o.whole;
	unsigned int i;

	for (i = 0; i < r->o.nr; i++)
		parts += r->o.samples[i].reset + r->o.samples[i].run;
	parts /= r->o.nr;
	return parts > whole ? parts - whole : whole - parts;
}

enum parts result_parts(const struct result *r, const struct overhead *overhead,
			unsigned int *permille)
{
	uint64_t differ;

	*permille = 0;
	if (r->ret || !r->o.whole || !r->o.nr || r->cell->threads)
		return PARTS_UNKNOWN;
	differ = parts_and_whole(r);
	if (differ <= overhead->process)
		return PARTS_AGREE;
	*permille = differ * 1000 / r->o.whole;
	return differ * 100 <= r->o.whole ? PARTS_AGREE : PARTS_DIFFER;
}

struct parts_sum report_parts(const struct report *r)
{
	struct parts_sum sum = { 0 };
	unsigned int permille;
	size_t i;

	for (i = 0; i < r->nr_results; i++) {
		if (r->results[i].ret)
			continue;
		sum.nr[result_parts(&r->results[i], &r->overhead, &permille)]++;
		if (permille > sum.worst)
			sum.worst = permille;
	}
	return sum;
}

void report_free(struct report *r)
{
	size_t i;

	for (i = 0; i < r->nr_results; i++)
		outcome_free(&r->results[i].o);
	for (i = 0; i < r->nr_responses; i++)
		free(r->responses[i].r.samples);
	free(r->results);
	free(r->responses);
	free(r->courses);
}
