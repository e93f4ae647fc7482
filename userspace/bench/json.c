// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The figures as JSON.
 */
#include "json_string.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void member(FILE *out, const char *name, const char *value)
{
	fprintf(out, "\"%s\": ", name);
	json_string(out, value);
}

static void put_summary(FILE *out, const char *name, const struct summary *s)
{
	fprintf(out, "\"%s\": {\"p50\": %" PRIu64 ", \"p90\": %" PRIu64
		", \"p99\": %" PRIu64 "}", name, s->p50, s->p90, s->p99);
}

static void put_samples(FILE *out, const struct outcome *o)
{
	unsigned int i;

	fputs("\"samples\": [", out);
	for (i = 0; i < o->nr; i++)
		fprintf(out, "%s[%" PRIu64 ", %" PRIu64 "]", i ? ", " : "",
			o->samples[i].reset, o->samples[i].run);
	fputc(']', out);
}

static void put_counts(FILE *out, const struct result *r, uint64_t clear)
{
	const struct counts *c = &r->o.counts;
	uint64_t peak = c->before > c->after ? c->before : c->after;
	uint64_t rest;
	enum counter n;

	if (c->between > peak)
		peak = c->between;
	fprintf(out, "\"cleared\": {\"reset\": %" PRIu64 ", \"run\": %" PRIu64
		", \"background\": %" PRIu64 "}, ", c->reset_cleared,
		c->run_cleared, c->bg_cleared);
	if (clock_counts_instructions() && result_without_clears(r, clear, &rest))
		fprintf(out, "\"sum_without_clears\": %" PRIu64 ", ", rest);
	for (n = 0; n < COUNTERS; n++)
		if (counter_missing(n))
			fprintf(out, "\"%s\": null, ", counter_name(n));
		else
			fprintf(out, "\"%s\": %" PRIu64 ", ", counter_name(n),
				c->values[n]);
	fprintf(out, "\"resident_kib\": {\"before\": %" PRIu64 ", \"between\": %"
		PRIu64 ", \"after\": %" PRIu64 ", \"peak\": %" PRIu64 "}, ",
		c->before * 4, c->between * 4, c->after * 4, peak * 4);
	fprintf(out, "\"background\": %" PRIu64 ", \"cpu\": %" PRIu64 ", ",
		c->bg_cost, result_cpu(r));
}

static void put_result(FILE *out, const struct result *r, uint64_t clear)
{
	const struct cell *c = r->cell;

	fputs("{", out);
	member(out, "user", cell_user(c));
	fprintf(out, ", \"threads\": %u, \"size\": %" PRIu64 ", \"pages\": %" PRIu64
		", ", c->threads ? c->threads : 1, c->size, c->pages);
	member(out, "pattern", pattern_name(c->pattern));
	fputs(", ", out);
	member(out, "touch", touch_name(c->touch));
	fputs(", ", out);
	member(out, "peer", r->peer->name);
	fputs(", ", out);
	if (r->ret) {
		member(out, r->ret == -EOPNOTSUPP ? "missing" : "failed", r->o.why);
		fputs("}", out);
		return;
	}
	put_summary(out, "reset", &r->reset);
	fputs(", ", out);
	put_summary(out, "run", &r->run);
	fputs(", ", out);
	put_summary(out, "sum", &r->sum);
	fputs(", ", out);
	if (r->o.counted)
		put_counts(out, r, clear);
	fprintf(out, "\"whole\": %" PRIu64 ", \"stale\": %" PRIu64 ", ",
		r->o.whole, r->o.stale);
	put_samples(out, &r->o);
	fputs("}", out);
}

static void put_response(FILE *out, const struct response_result *p)
{
	unsigned int i;

	fputs("{", out);
	member(out, "peer", p->peer->name);
	fprintf(out, ", \"think_ns\": %" PRIu64 ", ", p->think_ns);
	if (p->ret) {
		member(out, p->ret == -EOPNOTSUPP ? "missing" : "failed", p->r.why);
		fputs("}", out);
		return;
	}
	put_summary(out, "response", &p->summary);
	fprintf(out, ", \"max\": %" PRIu64 ", \"late\": %u, \"samples\": [",
		p->summary.max, p->r.late);
	for (i = 0; i < p->r.nr; i++)
		fprintf(out, "%s%" PRIu64, i ? ", " : "", p->r.samples[i]);
	fputs("]}", out);
}

static void put_course(FILE *out, const struct course_result *r)
{
	const struct course_figures *f = &r->f;

	fputs("{", out);
	member(out, "course", r->course->name);
	fputs(", ", out);
	member(out, "user", cell_user(&r->cell));
	fprintf(out, ", \"size\": %" PRIu64 ", \"pages\": %" PRIu64 ", \"cycles\": %u, ",
		r->cell.size, r->cell.pages, course_cycles(r->course, true));
	member(out, "peer", r->peer->name);
	fputs(", ", out);
	if (r->ret) {
		member(out, r->ret == -EOPNOTSUPP ? "missing" : "failed", f->why);
		fputs("}", out);
		return;
	}
	fprintf(out, "\"run\": %" PRIu64 ", \"reset\": %" PRIu64 ", \"sum\": %" PRIu64
		", \"cpu\": %" PRIu64 ", \"last\": %" PRIu64 ", \"worst\": %" PRIu64
		", \"held_kib\": %" PRIu64 ", \"stale\": %" PRIu64 "}", f->run, f->reset,
		f->sum, f->cpu, f->last, f->worst, f->held * 4, f->stale);
}

static void put_machine(FILE *out, const struct report *r)
{
	const char *value;
	unsigned int i;

	fputs("\"machine\": {", out);
	member(out, "kernel", machine_kernel());
	fputs(", ", out);
	member(out, "kernel_build", machine_kernel_build());
	fputs(", ", out);
	member(out, "cpu", machine_cpu());
	fprintf(out, ", \"cpus\": %u, ", machine_cpus());
	member(out, "module", machine_module());
	fputs(", ", out);
	fprintf(out, "\"pml\": %s, ", machine_has_pml() ? "true" : "false");
	member(out, "compiler", __VERSION__);
	for (i = 0; i < r->notes->nr; i++) {
		value = strchr(r->notes->text[i], '=');
		fputs(", ", out);
		fprintf(out, "\"%.*s\": ", (int)(value - r->notes->text[i]),
			r->notes->text[i]);
		json_string(out, value + 1);
	}
	fputs("},\n", out);
}

void json_report(const struct report *r, FILE *out)
{
	const struct parts_sum parts = report_parts(r);
	const struct rig *rig = r->rig;
	enum counter c;
	size_t i;

	fprintf(out, "{\"schema\": %d, ", SCHEMA);
	member(out, "program", "fastzero-bench");
	fputs(", ", out);
	member(out, "unit", clock_unit());
	fputs(",\n", out);
	put_machine(out, r);
	fprintf(out, "\"cycles\": %u, \"warmup\": %u, \"seed\": %" PRIu64 "%s,\n",
		rig->cycles, rig->warmup, rig->seed,
		rig->total_cpu ? ", \"total_cpu\": true" : "");
	fprintf(out, "\"clear_page\": {\"kernel\": %" PRIu64 ", \"user\": %" PRIu64 "},\n",
		rig->clear.kernel, rig->clear.user);
	fprintf(out, "\"overhead\": {\"clock\": %" PRIu64 ", \"process\": %" PRIu64
		", \"guest\": %" PRIu64 "},\n", r->overhead.clock,
		r->overhead.process, r->overhead.guest);
	fprintf(out, "\"parts_and_whole\": {\"agree\": %u, \"differ\": %u, \"not_compared\": %u"
		", \"worst_permille\": %u},\n", parts.nr[PARTS_AGREE],
		parts.nr[PARTS_DIFFER], parts.nr[PARTS_UNKNOWN], parts.worst);
	member(out, "cut", grid_cut(r->choice));
	fputs(",\n\"missing_counters\": {", out);
	for (i = 0, c = 0; c < COUNTERS; c++)
		if (counter_missing(c)) {
			fputs(i++ ? ", " : "", out);
			member(out, counter_name(c), counter_missing(c));
		}
	fputs("},\n\"rows\": [\n", out);
	for (i = 0; i < r->nr_results; i++) {
		put_result(out, &r->results[i], rig->clear.kernel);
		fputs(i + 1 < r->nr_results ? ",\n" : "\n", out);
	}
	fputs("],\n\"responses\": [\n", out);
	for (i = 0; i < r->nr_responses; i++) {
		put_response(out, &r->responses[i]);
		fputs(i + 1 < r->nr_responses ? ",\n" : "\n", out);
	}
	fputs("],\n\"courses\": [\n", out);
	for (i = 0; i < r->nr_courses; i++) {
		put_course(out, &r->courses[i]);
		fputs(i + 1 < r->nr_courses ? ",\n" : "\n", out);
	}
	fputs("]}\n", out);
}
