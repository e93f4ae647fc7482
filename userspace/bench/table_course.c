// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of a course.
 */
#include "report.h"

#include <errno.h>

static void print_row(const struct course_result *r, FILE *out)
{
	const struct course_figures *f = &r->f;

	fprintf(out, "%c %-18s", r->peer->limit ? '~' : ' ', r->peer->name);
	if (r->ret) {
		fprintf(out, " %s: %s\n", r->ret == -EOPNOTSUPP ? "not measured" : "FAILED",
			f->why);
		return;
	}
	fprintf(out, " %13s %13s %13s %13s %13s %13s %11s", grouped(f->run),
		grouped(f->reset), grouped(f->sum), grouped(f->cpu), grouped(f->last),
		grouped(f->worst), grouped(f->held * 4));
	if (f->stale)
		fprintf(out, "  STALE: %s pages", grouped(f->stale));
	fputc('\n', out);
}

void table_course(const struct course_result *results, size_t n, FILE *out)
{
	char text[128];
	size_t i;

	fprintf(out, "%s: %s\n%s\n  %-18s %13s %13s %13s %13s %13s %13s %11s\n",
		results->course->name, results->course->what,
		cell_text(&results->cell, text), clock_unit(), "mean run",
		"mean reset", "sum", "CPU", "last cycle", "worst cycle", "KiB held");
	for (i = 0; i < n; i++)
		print_row(&results[i], out);
	fputc('\n', out);
	fflush(out);
}
