// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero-bench: what it costs to make memory zero again, and to use it after
 * that: each way beside the others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "progress.h"

/* Mean times from one request to the next: enough for the zeroer, and none. */
static const uint64_t thinks[] = { 20000000, 0 };

#define THINKS	(sizeof(thinks) / sizeof(thinks[0]))

static size_t count_peers(const struct choice *choice)
{
	const struct peer *peer;
	size_t n = 0;

	for (peer = peers; peer->name; peer++)
		n += choice_has_peer(choice, peer);
	return n;
}

static void mark_best(struct result *results, size_t n)
{
	struct result *best = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		struct result *r = &results[i];

		if (r->ret || r->o.stale || r->peer->floor || r->peer->limit)
			continue;
		if (!best || r->sum.p50 < best->sum.p50)
			best = r;
	}
	if (best)
		best->best = true;
}

/* There is one from the first cell that has one on; counters go with it. */
static void need_guest(struct options *o)
{
	if (o->rig.vm || o->rig.no_vm)
		return;
	o->rig.no_vm = minivm_new(&o->rig.vm);
	counters_exit();
	counters_init(o->rig.vm ? minivm_vcpu_fd(o->rig.vm) : -1);
}

/* All peers in one cell. */
static int measure_cell(const struct options *o, const struct cell *cell,
			struct result *results)
{
	struct touches touches;
	const struct peer *peer;
	struct result *r = results;
	int ret;

	ret = touches_make(&touches, cell->pattern, cell->size / BENCH_PAGE,
			   cell->pages, o->rig.seed);
	if (ret)
		return ret;
	for (peer = peers; peer->name; peer++) {
		if (!choice_has_peer(&o->choice, peer))
			continue;
		r->peer = peer;
		r->cell = cell;
		if (cell->guest && !o->rig.vm) {
			r->ret = -EOPNOTSUPP;
			outcome_explain(&r->o, "no KVM guest", o->rig.no_vm);
		} else {
			r->ret = measure(&o->rig, cell, &touches, peer, &r->o);
		}
		if (!r->ret)
			r->ret = result_finish(r);
		r++;
	}
	touches_free(&touches);
	mark_best(results, r - results);
	return 0;
}

static int measure_grid(struct options *o, const struct cell *cells,
			size_t nr, const struct progress *progress,
			struct report *rep)
{
	size_t n = count_peers(&o->choice);
	size_t i;
	int ret;

	rep->results = calloc(nr * n + 1, sizeof(*rep->results));
	if (!rep->results)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		struct result *results = rep->results + i * n;

		progress_show(progress, i);
		if (cells[i].guest)
			need_guest(o);
		ret = measure_cell(o, &cells[i], results);
		if (ret)
			return ret;
		rep->nr_results += n;
		if (!o->choice.demo)
			table_cell(rep, results, n, stdout);
	}
	return 0;
}

static int measure_responses(struct options *o, struct report *rep)
{
	const struct cell *cell = &response_cell;
	struct response_result *r;
	const struct peer *peer;
	struct touches touches;
	struct outcome warm;
	struct result floor;
	size_t i;
	int ret;

	need_guest(o);
	if (!o->rig.vm)
		return 0;
	rep->responses = calloc(THINKS * count_peers(&o->choice) + 1,
				sizeof(*rep->responses));
	if (!rep->responses)
		return -ENOMEM;
	ret = touches_make(&touches, cell->pattern, cell->size / BENCH_PAGE,
			   cell->pages, o->rig.seed);
	if (ret)
		return ret;
	/* The first peer is the one that does nothing. */
	ret = measure(&o->rig, cell, &touches, &peers[0], &warm);
	floor = (struct result) { .peer = &peers[0], .cell = cell, .o = warm };
	if (!ret)
		ret = result_finish(&floor);
	for (i = 0; !ret && i < THINKS; i++)
		for (peer = peers + 1; peer->name; peer++) {
			if (!choice_has_peer(&o->choice, peer))
				continue;
			r = &rep->responses[rep->nr_responses++];
			r->peer = peer;
			r->think_ns = thinks[i];
			r->ret = response_measure(&o->rig, cell, &touches, peer,
						  floor.run.p50, thinks[i],
						  o->requests, &r->r);
			if (!r->ret)
				r->summary = summarize(r->r.samples, r->r.nr);
		}
	outcome_free(&warm);
	touches_free(&touches);
	return ret;
}

static int start(struct options *o, struct report *rep)
{
	int ret = clock_clear_cost(&o->rig.clear);

	if (ret)
		return ret;
	rep->rig = &o->rig;
	rep->choice = &o->choice;
	rep->notes = &o->notes;
	rep->overhead.clock = clock_overhead();
	rep->overhead.process = measure_empty(&o->rig, NULL);
	need_guest(o);
	if (o->rig.vm)
		rep->overhead.guest = measure_empty(&o->rig, o->rig.vm);
	/* KVM's statistics would keep it alive. */
	counters_exit();
	minivm_free(o->rig.vm);
	o->rig.vm = NULL;
	return 0;
}

static int finish(const struct options *o, const struct report *rep)
{
	int status = EXIT_OK, ret = 0;
	bool measured = false;
	FILE *f;
	size_t i;

	if (o->json) {
		f = fopen(o->json, "we");
		if (f) {
			json_report(rep, f);
			ret = ferror(f);
			ret |= fclose(f);
		}
		if (!f || ret) {
			perror(o->json);
			status = EXIT_TROUBLE;
		}
	}
	for (i = 0; i < rep->nr_results; i++) {
		const struct result *r = &rep->results[i];

		measured |= !r->ret;
		if (r->ret && (o->strict || r->ret != -EOPNOTSUPP))
			status = EXIT_TROUBLE;
	}
	if (!measured)
		status = EXIT_TROUBLE;
	/* Where it is time, others run, too. */
	if (clock_counts_instructions() && report_parts(rep).nr[PARTS_DIFFER])
		status = EXIT_TROUBLE;
	for (i = 0; i < rep->nr_results; i++)
		if (rep->results[i].o.stale)
			status = EXIT_STALE;
	return status;
}

static void print_list(const struct cell *cells, size_t nr)
{
	const struct peer *peer;
	char text[128];
	size_t i;

	for (peer = peers; peer->name; peer++)
		printf("%-18s %s\n", peer->name, peer->what);
	putchar('\n');
	for (i = 0; i < nr; i++)
		puts(cell_text(&cells[i], text));
}

/* Says so if there is nothing to measure. */
static bool is_empty(const struct options *o, size_t nr)
{
	if (count_peers(&o->choice) && (nr || o->choice.demo))
		return false;
	fprintf(stderr, "fastzero-bench: no %s like that; --list shows them\n",
		nr || o->choice.demo ? "peer has a name" : "cell of the grid is");
	return true;
}

int main(int argc, char **argv)
{
	struct report rep = { 0 };
	struct progress progress;
	struct options o;
	struct cell *cells = NULL;
	size_t nr = 0;
	bool respond;
	int status, ret;

	clock_init();
	if (!options_parse(&o, argc, argv, &status))
		return status;
	ret = grid_cells(&o.choice, &cells, &nr);
	if (!ret && o.list) {
		print_list(cells, nr);
		return EXIT_OK;
	}
	if (!ret && is_empty(&o, nr)) {
		free(cells);
		return EXIT_TROUBLE;
	}
	if (!ret)
		ret = start(&o, &rep);
	if (!ret && !o.choice.demo)
		table_head(&rep, stdout);
	respond = !o.choice.demo && o.requests;
	progress = (struct progress) {
		.total = nr + respond, .plain = o.plain_progress,
	};
	if (!ret)
		ret = measure_grid(&o, cells, nr, &progress, &rep);
	progress_show(&progress, nr);
	if (!ret && respond) {
		ret = measure_responses(&o, &rep);
		progress_show(&progress, nr + 1);
	}
	if (ret) {
		fprintf(stderr, "fastzero-bench: %s\n", strerror(-ret));
		return EXIT_TROUBLE;
	}
	if (o.choice.demo) {
		table_demo(&rep, stdout);
	} else {
		table_responses(&rep, stdout);
		table_end(&rep, stdout);
	}
	fflush(stdout);
	status = finish(&o, &rep);
	counters_exit();
	minivm_free(o.rig.vm);
	return status;
}
