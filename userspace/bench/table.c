// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table to read.
 */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Several may be in use at once. */
const char *grouped(uint64_t n)
{
	static char bufs[16][32];
	static unsigned int next;
	char *to = bufs[next++ % 16];
	const char *result = to;
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
	int i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return result;
}

static const char *size_text(uint64_t size, char buf[static 32])
{
	if (size >> 30 && !(size & ((1ull << 30) - 1)))
		snprintf(buf, 32, "%" PRIu64 " GiB", size >> 30);
	else if (size >> 20 && !(size & ((1ull << 20) - 1)))
		snprintf(buf, 32, "%" PRIu64 " MiB", size >> 20);
	else
		snprintf(buf, 32, "%" PRIu64 " KiB", size >> 10);
	return buf;
}

const char *cell_text(const struct cell *cell, char buf[static 128])
{
	char size[32], threads[32] = "";

	if (cell->threads)
		snprintf(threads, sizeof(threads), " %u", cell->threads);
	snprintf(buf, 128, "%s%s, %s, %" PRIu64 " pages, %s, %s", cell_user(cell),
		 threads, size_text(cell->size, size), cell->pages,
		 pattern_name(cell->pattern), touch_name(cell->touch));
	return buf;
}

void table_head(const struct report *r, FILE *out)
{
	enum counter c;

	fprintf(out, "unit: %s\n", clock_unit());
	if (clock_counts_instructions())
		fprintf(out,
			"      Instructions are not time: cache and TLB misses, TLB shoot-downs and VM\n"
			"      exits cost next to nothing here.  The emulator counts vector stores (%s\n"
			"      a page) and the kernel's string store (%s a page) differently: every\n"
			"      clear is charged as the latter, whoever did it.\n",
			grouped(r->rig->clear.user), grouped(r->rig->clear.kernel));
	fprintf(out, "kernel %s, %u CPUs, %s, module %s\n", machine_kernel(),
		machine_cpus(), machine_cpu(),
		machine_module()[0] ? machine_module() : "not loaded");
	fprintf(out, "%u cycles after %u, after %u where runs differ; the tables show medians\n",
		r->rig->cycles, r->rig->warmup,
		r->rig->warmup + CHANGING_WARMUP);
	fprintf(out, "of the benchmark itself: clock %s, empty cycle of a process %s, of a guest %s\n",
		grouped(r->overhead.clock), grouped(r->overhead.process),
		r->overhead.guest ? grouped(r->overhead.guest) : "-");
	fprintf(out, "not in it: %s\n", grid_cut(r->choice));
	if (!machine_has_pml())
		fputs("dirty-log: the processor has no log of what guests write (PML, which AMD has not):\n"
		      "      it is a nested fault that tells KVM of each page, which makes this peer dear\n", out);
	for (c = 0; c < COUNTERS; c++)
		if (counter_missing(c))
			fprintf(out, "not to be had: %s: %s\n", counter_name(c),
				counter_missing(c));
	fputs("\n* the best   ~ knows what nobody can know, so the limit for clearing in user space\n", out);
	if (clock_counts_instructions())
		fputs("w/o clears: the sum without what the clears in it cost\n", out);
	fputs("clears: base pages cleared by reset / by the run's faults / in the background\n"
	      "KiB: memory held before the reset / after it / after the run\n"
	      "CPU: the sum and what was done in the background\n\n", out);
}

static const char *count_text(const struct result *r, enum counter c)
{
	if (!r->o.counted || counter_missing(c))
		return "-";
	return grouped(r->o.counts.values[c]);
}

static const char *without_clears(const struct report *rep, const struct result *r)
{
	uint64_t rest;

	return result_without_clears(r, rep->rig->clear.kernel, &rest) ?
	       grouped(rest) : "-";
}

static void print_counts(const struct result *r, FILE *out)
{
	const struct counts *c = &r->o.counts;
	char clears[64] = "-", held[64] = "-";

	if (r->o.counted) {
		snprintf(clears, sizeof(clears), "%s/%s/%s",
			 grouped(c->reset_cleared), grouped(c->run_cleared),
			 grouped(c->bg_cleared));
		snprintf(held, sizeof(held), "%s/%s/%s", grouped(c->before * 4),
			 grouped(c->between * 4), grouped(c->after * 4));
	}
	fprintf(out, " %17s %7s %7s %6s %6s %26s %13s", clears,
		count_text(r, COUNTER_FAULTS), count_text(r, COUNTER_NESTED),
		count_text(r, COUNTER_TLB), count_text(r, COUNTER_NOTIFIER), held,
		grouped(result_cpu(r)));
}

static void print_row(const struct report *rep, const struct result *r, FILE *out)
{
	unsigned int differ;

	fprintf(out, "%c %-18s", r->best ? '*' : r->peer->limit ? '~' : ' ',
		r->peer->name);
	if (r->ret) {
		fprintf(out, " %s: %s\n", r->ret == -EOPNOTSUPP ? "not measured" : "FAILED",
			r->o.why);
		return;
	}
	fprintf(out, " %13s %13s %13s", grouped(r->reset.p50),
		grouped(r->run.p50), grouped(r->sum.p50));
	if (clock_counts_instructions())
		fprintf(out, " %13s", without_clears(rep, r));
	else
		fprintf(out, " %13s %13s %5u", grouped(r->sum.p90),
			grouped(r->sum.p99), r->o.nr);
	print_counts(r, out);
	if (r->o.stale)
		fprintf(out, "  STALE: %s pages", grouped(r->o.stale));
	if (clock_counts_instructions() &&
	    result_parts(r, &rep->overhead, &differ) == PARTS_DIFFER)
		fprintf(out, "  PARTS AND WHOLE DIFFER by %u.%u %%", differ / 10,
			differ % 10);
	fputc('\n', out);
}

void table_cell(const struct report *rep, const struct result *results, size_t n,
		FILE *out)
{
	char text[128];
	size_t i;

	fprintf(out, "%s\n  %-18s %13s %13s %13s", cell_text(results->cell, text),
		clock_unit(), "reset", "next run", "sum");
	if (clock_counts_instructions())
		fprintf(out, " %13s", "w/o clears");
	else
		fprintf(out, " %13s %13s %5s", "sum p90", "sum p99", "n");
	fprintf(out, " %17s %7s %7s %6s %6s %26s %13s\n", "clears", "faults",
		"nested", "TLB", "notif.", "KiB", "CPU");
	for (i = 0; i < n; i++)
		print_row(rep, &results[i], out);
	fputc('\n', out);
	fflush(out);
}

void table_responses(const struct report *r, FILE *out)
{
	uint64_t think = UINT64_MAX;
	char text[128];
	size_t i;

	if (!r->nr_responses)
		return;
	fprintf(out, "time to responsiveness: reset, and what the next run takes more than on warm memory\n%s\n",
		cell_text(&response_cell, text));
	for (i = 0; i < r->nr_responses; i++) {
		const struct response_result *p = &r->responses[i];

		if (p->think_ns != think) {
			think = p->think_ns;
			fprintf(out, "  %-18s", "");
			fprintf(out, " %13s %13s %13s %13s %5s   requests %s%s%s\n",
				"p50", "p90", "p99", "max", "late",
				think ? "every " : "at once, so no time is left for the background",
				think ? grouped(think / 1000) : "",
				think ? " us in the mean" : "");
		}
		fprintf(out, "  %-18s", p->peer->name);
		if (p->ret)
			fprintf(out, " %s: %s\n", p->ret == -EOPNOTSUPP ?
				"not measured" : "FAILED", p->r.why);
		else
			fprintf(out, " %13s %13s %13s %13s %5u\n",
				grouped(p->summary.p50), grouped(p->summary.p90),
				grouped(p->summary.p99), grouped(p->summary.max),
				p->r.late);
	}
	fputc('\n', out);
}

void table_end(const struct report *r, FILE *out)
{
	const struct parts_sum parts = report_parts(r);

	fprintf(out, "reset + next run = the cycle in one piece, within 1 %% or an empty cycle (%s): in %u of %u rows, the worst differs by %u.%u %%\n",
		grouped(r->overhead.process), parts.nr[PARTS_AGREE],
		parts.nr[PARTS_AGREE] + parts.nr[PARTS_DIFFER],
		parts.worst / 10, parts.worst % 10);
	if (parts.nr[PARTS_UNKNOWN])
		fprintf(out, "not compared: %u rows of threads\n",
			parts.nr[PARTS_UNKNOWN]);
}

void table_demo(const struct report *r, FILE *out)
{
	const struct result *p;
	char text[128];
	size_t i;

	fprintf(out, "a cycle: all memory is made zero, then the next run uses it; %s\nunit: %s%s\n\n"
		"  %-12s %13s %13s %13s %7s %7s\n",
		cell_text(r->results->cell, text), clock_unit(),
		clock_counts_instructions() ? ", which are not time" : "", "",
		"reset", "next run", "sum", "faults", "nested");
	for (i = 0; i < r->nr_results; i++) {
		p = &r->results[i];
		fprintf(out, "%c %-12s", p->best ? '*' : ' ', p->peer->name);
		if (p->ret)
			fprintf(out, " not measured: %s\n", p->o.why);
		else
			fprintf(out, " %13s %13s %13s %7s %7s   %s\n",
				grouped(p->reset.p50), grouped(p->run.p50),
				grouped(p->sum.p50), count_text(p, COUNTER_FAULTS),
				count_text(p, COUNTER_NESTED), p->peer->what);
	}
	fputc('\n', out);
}
