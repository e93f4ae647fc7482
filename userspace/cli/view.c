// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How stat and top show contexts.
 */
#include "view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/json_string.h"
#include "../lib/unescape.h"
#include "cli.h"
#include "proc.h"

#define VIEW_MODULE	"/sys/module/fastzero/"
#define VIEW_PAGE	4096
#define VIEW_SCHEMA	1

/* Module parameters that say how it works, if this user can read them. */
static const char * const view_parameters[] = {
	"pages_in_use", "max_pages", "accounting", "ratio", "ratio_measured", "zeroer_rate",
};

#define NR_PARAMETERS (sizeof(view_parameters) / sizeof(*view_parameters))

static const char *view_module(const char *name, char *buffer, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), VIEW_MODULE "%s", name);
	return proc_line(path, buffer, size);
}

static const char *view_parameter(const char *name, char *buffer, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "parameters/%s", name);
	return view_module(path, buffer, size);
}

/* Of a counter, in a second; a context that is new has counted from 0. */
static double view_rate(const struct contexts *now, const struct contexts *before,
			uint64_t n, uint64_t then)
{
	uint64_t ns = now->ns - before->ns;

	return ns && n > then ? (double)(n - then) * 1e9 / (double)ns : 0;
}

struct view_rates {
	double faults;
	double resets;
	double zeroer;		/* processors */
};

static struct view_rates view_rates(const struct contexts *now, const struct contexts *before,
				    const struct context *ctx)
{
	static const struct context none;
	const struct context *then = contexts_find(before, ctx->id);
	struct view_rates r;

	if (!then)
		then = &none;
	r.faults = view_rate(now, before, ctx->faults, then->faults);
	r.resets = view_rate(now, before, ctx->resets, then->resets);
	r.zeroer = view_rate(now, before, ctx->zeroer_ns, then->zeroer_ns) / 1e9;
	return r;
}

/* Memory of all contexts of one cgroup. */
struct view_group {
	const char *path;
	uint64_t contexts;
	uint64_t pages;
	uint64_t populated;
};

static int view_compare_groups(const void *a, const void *b)
{
	const struct view_group *x = a, *y = b;

	return x->pages > y->pages ? -1 : x->pages < y->pages ? 1 : strcmp(x->path, y->path);
}

/* The number of groups; to be freed. */
static size_t view_groups(const struct contexts *c, struct view_group **groups)
{
	struct view_group *list = calloc(c->nr + 1, sizeof(*list));
	size_t i, j, nr = 0;

	*groups = list;
	for (i = 0; list && i < c->nr; i++) {
		for (j = 0; j < nr && strcmp(list[j].path, c->list[i].cgroup); j++)
			;
		if (j == nr)
			list[nr++].path = c->list[i].cgroup;
		list[j].contexts++;
		list[j].pages += c->list[i].owned + c->list[i].zeros;
		list[j].populated += c->list[i].populated;
	}
	if (nr)
		qsort(list, nr, sizeof(*list), view_compare_groups);
	return nr;
}

/* What AUTO has chosen, in percent: "97/3/0". */
static const char *view_auto(const struct context *ctx, char *buffer, size_t size)
{
	uint64_t sum = ctx->auto_inplace + ctx->auto_swap + ctx->auto_drop;

	if (!sum)
		snprintf(buffer, size, "-");
	else
		snprintf(buffer, size, "%.0f/%.0f/%.0f", 100.0 * (double)ctx->auto_inplace / (double)sum,
			 100.0 * (double)ctx->auto_swap / (double)sum,
			 100.0 * (double)ctx->auto_drop / (double)sum);
	return buffer;
}

/* A line that fits. */
static void view_line(FILE *out, unsigned int columns, const char *text)
{
	fprintf(out, "%.*s\n", columns ? (int)columns : 4096, text);
}

static void view_head(FILE *out, const struct contexts *c, unsigned int columns)
{
	char version[64], in_use[64], ratio[64], measured[64], line[512];
	unsigned long long pages;

	view_module("version", version, sizeof(version));
	view_parameter("pages_in_use", in_use, sizeof(in_use));
	view_parameter("ratio", ratio, sizeof(ratio));
	view_parameter("ratio_measured", measured, sizeof(measured));
	pages = strtoull(in_use, NULL, 10);
	snprintf(line, sizeof(line), "fastzero %s: %zu contexts%s, %s in use, AUTO's ratio %s%s%s%s",
		 version[0] ? version : "(not loaded)", c->nr,
		 c->all ? "" : " of own processes", cli_human(pages * VIEW_PAGE),
		 ratio[0] ? ratio : "-", measured[0] ? " (" : "", measured,
		 measured[0] ? ")" : "");
	view_line(out, columns, line);
}

static void view_row(FILE *out, const struct contexts *now, const struct contexts *before,
		     const struct context *ctx, unsigned int columns)
{
	char ways[32], rates[64], line[2048];

	if (before) {
		struct view_rates r = view_rates(now, before, ctx);

		snprintf(rates, sizeof(rates), "%9.0f %8.0f %6.1f%%", r.faults, r.resets,
			 100 * r.zeroer);
	} else {
		snprintf(rates, sizeof(rates), "%9" PRIu64 " %8" PRIu64 " %5" PRIu64 "ms",
			 ctx->faults, ctx->resets, ctx->zeroer_ns / 1000000);
	}
	snprintf(line, sizeof(line),
		 "%7" PRIu64 "%s %7" PRIu64 " %-15.15s %5" PRIu64 " %7s %9s %7s %7s %7s %7s %s %9s  %s",
		 ctx->id, ctx->whole ? " " : "*", ctx->opener, ctx->comm, ctx->scratches,
		 cli_human(ctx->length), cli_human(ctx->populated * VIEW_PAGE),
		 cli_human(ctx->ready * VIEW_PAGE), cli_human(ctx->used * VIEW_PAGE),
		 cli_human(ctx->held * VIEW_PAGE),
		 cli_human((ctx->owned + ctx->zeros) * VIEW_PAGE), rates,
		 view_auto(ctx, ways, sizeof(ways)), ctx->cgroup);
	view_line(out, columns, line);
}

void view_text(FILE *out, const struct contexts *now, const struct contexts *before,
	       unsigned int lines, unsigned int columns)
{
	unsigned int room = lines ? lines - 1 : ~0u;
	struct view_group *groups;
	char line[2048];
	size_t i, nr, shown = 0;

	view_head(out, now, columns);
	snprintf(line, sizeof(line),
		 "%7s  %7s %-15s %5s %7s %9s %7s %7s %7s %7s %9s %8s %7s %9s  %s", "context",
		 "opener", "comm", "scr", "length", "populated", "ready", "used", "held",
		 "all", before ? "faults/s" : "faults", before ? "resets/s" : "resets",
		 "zeroer", "AUTO%", "cgroup");
	view_line(out, columns, line);
	nr = view_groups(now, &groups);
	room -= room > 2 ? 2 : room;
	/* The groups are at most a third of the screen. */
	for (i = 0; i < now->nr && (!lines || shown + 1 < room - room / 3); i++, shown++)
		view_row(out, now, before, &now->list[i], columns);
	if (i < now->nr) {
		snprintf(line, sizeof(line), "%7s  and %zu more", "", now->nr - i);
		view_line(out, columns, line);
		shown++;
	}
	if (now->all && shown + 2 < room) {
		snprintf(line, sizeof(line), "%7s  %7s %9s  %s", "all", "ctxs", "populated",
			 "cgroup that pays");
		view_line(out, columns, line);
		shown++;
		for (i = 0; i < nr && (!lines || shown < room); i++, shown++) {
			snprintf(line, sizeof(line), "%7s  %7" PRIu64 " %9s  %s",
				 cli_human(groups[i].pages * VIEW_PAGE), groups[i].contexts,
				 cli_human(groups[i].populated * VIEW_PAGE), groups[i].path);
			view_line(out, columns, line);
		}
	}
	free(groups);
}

static void view_member(FILE *out, const char *name, uint64_t n)
{
	fprintf(out, ", \"%s\": %" PRIu64, name, n);
}

static void view_string(FILE *out, const char *name, const char *value)
{
	fprintf(out, ", \"%s\": ", name);
	json_string(out, value);
}

/* The path of a cgroup as it is below /sys/fs/cgroup, while the list escapes it. */
static void view_path(FILE *out, const char *name, const char *path)
{
	char *plain = strdup(path);

	view_string(out, name, plain ? fz_unescape(plain) : path);
	free(plain);
}

static void view_json_context(FILE *out, const struct contexts *now,
			      const struct contexts *before, const struct context *ctx)
{
	fprintf(out, "{\"id\": %" PRIu64 ", \"opener\": {\"pid\": %" PRIu64, ctx->id,
		ctx->opener);
	view_string(out, "comm", ctx->comm);
	fprintf(out, "}, \"whole\": %s", ctx->whole ? "true" : "false");
	view_member(out, "scratches", ctx->scratches);
	view_member(out, "length", ctx->length);
	view_member(out, "populated", ctx->populated);
	view_member(out, "owned", ctx->owned);
	view_member(out, "zeros", ctx->zeros);
	fprintf(out, ", \"pool\": {\"target\": %" PRIu64, ctx->target);
	view_member(out, "ready", ctx->ready);
	view_member(out, "used", ctx->used);
	view_member(out, "held", ctx->held);
	fputc('}', out);
	view_member(out, "index", ctx->index);
	view_member(out, "faults", ctx->faults);
	view_member(out, "resets", ctx->resets);
	fprintf(out, ", \"auto\": {\"inplace\": %" PRIu64, ctx->auto_inplace);
	view_member(out, "swap", ctx->auto_swap);
	view_member(out, "drop", ctx->auto_drop);
	fputc('}', out);
	view_member(out, "zeroer_ns", ctx->zeroer_ns);
	if (before) {
		struct view_rates r = view_rates(now, before, ctx);

		fprintf(out, ", \"per_second\": {\"faults\": %.1f, \"resets\": %.1f, \"zeroer_ns\": %.0f}",
			r.faults, r.resets, r.zeroer * 1e9);
	}
	view_path(out, "cgroup", ctx->cgroup);
	fputc('}', out);
}

void view_json(FILE *out, const struct contexts *now, const struct contexts *before)
{
	struct view_group *groups;
	char text[64];
	size_t i, nr;

	fprintf(out, "{\"schema\": %d, \"source\": \"%s\", \"page_size\": %d", VIEW_SCHEMA,
		now->all ? "debugfs" : "fdinfo", VIEW_PAGE);
	if (before)
		view_member(out, "interval_ns", now->ns - before->ns);
	fputs(",\n \"module\": {\"version\": ", out);
	json_string(out, view_module("version", text, sizeof(text)));
	for (i = 0; i < NR_PARAMETERS; i++)
		if (view_parameter(view_parameters[i], text, sizeof(text))[0])
			view_string(out, view_parameters[i], text);
	fputs("},\n \"contexts\": [", out);
	for (i = 0; i < now->nr; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		view_json_context(out, now, before, &now->list[i]);
	}
	fputs("],\n \"cgroups\": [", out);
	nr = view_groups(now, &groups);
	for (i = 0; i < nr; i++) {
		fprintf(out, "%s{\"contexts\": %" PRIu64, i ? ",\n  " : "\n  ",
			groups[i].contexts);
		view_member(out, "pages", groups[i].pages);
		view_member(out, "populated", groups[i].populated);
		view_path(out, "path", groups[i].path);
		fputc('}', out);
	}
	free(groups);
	fputs("]}\n", out);
}
