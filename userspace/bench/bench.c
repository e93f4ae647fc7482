// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero-bench: the cost of each way to make memory zero again and to use it after
 * that, side by side.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "courses.h"
#include "json_file.h"
#include "list.h"
#include "options.h"
#include "progress.h"
#include "responses.h"
#include "verdict.h"

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

/* Makes the guest before the first cell that needs it, and the counters with it. */
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
			   cell->pages, TOUCHES_DRIFT, o->rig.seed);
	if (ret)
		return ret;
	for (peer = peers; peer->name; peer++) {
		if (!choice_has_peer(&o->choice, peer))
			continue;
		r->peer = peer;
		r->cell = cell;
		if (cell->guest && !o->rig.vm) {
			r->ret = -EOPNOTSUPP;
			explain(r->o.why, "no KVM guest", o->rig.no_vm);
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
			size_t nr, struct progress *progress,
			struct report *rep)
{
	size_t n = choice_peers(&o->choice);
	size_t i;
	int ret;

	rep->results = calloc(nr * n + 1, sizeof(*rep->results));
	if (!rep->results)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		struct result *results = rep->results + i * n;

		progress_show(progress);
		if (cells[i].guest)
			need_guest(o);
		ret = measure_cell(o, &cells[i], results);
		if (ret)
			return ret;
		rep->nr_results += n;
		if (!o->choice.demo)
			table_cell(rep, results, n, stdout);
		progress->done++;
	}
	return 0;
}

/* A child's findings about guests. */
struct guest_facts {
	uint64_t cost;
	char missing[COUNTER_TEXT];
};

/*
 * An empty cycle of a guest, measured by a child.  A process that once had a guest keeps
 * KVM's notifier, and no longer behaves like a process without a guest.
 */
static uint64_t empty_guest(struct options *o)
{
	struct guest_facts facts = { .missing = "nobody has found out" };
	const char *missing;
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		goto out;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		need_guest(o);
		if (o->rig.vm)
			facts.cost = measure_empty(&o->rig, o->rig.vm);
		missing = counter_missing(COUNTER_NESTED);
		snprintf(facts.missing, sizeof(facts.missing), "%s",
			 missing ? missing : "");
		_exit(write(fds[1], &facts, sizeof(facts)) != sizeof(facts));
	}
	close(fds[1]);
	if (pid < 0 || read(fds[0], &facts, sizeof(facts)) != sizeof(facts))
		facts.cost = 0;
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
out:
	counters_set_nested(facts.missing);
	return facts.cost;
}

static int start(struct options *o, struct report *rep, bool guest)
{
	int ret = clock_clear_cost(&o->rig.clear);

	if (ret)
		return ret;
	rep->rig = &o->rig;
	rep->choice = &o->choice;
	rep->notes = &o->notes;
	rep->overhead.clock = clock_overhead();
	rep->overhead.process = measure_empty(&o->rig, NULL);
	counters_init(-1);
	if (guest)
		rep->overhead.guest = empty_guest(o);
	return 0;
}

/* Reports that the device is missing; returns whether the program ends. */
static bool is_without_module(const struct options *o)
{
	const struct peer *peer = peers;
	int ret;

	while (peer->name && !(peer_is_fastzero(peer) &&
			       choice_has_peer(&o->choice, peer)))
		peer++;
	ret = peer->name ? fastzero_peer_probe(o->rig.device) : 0;
	if (!ret)
		return false;
	fprintf(stderr, "fastzero-bench: %s: %s%s\n", o->rig.device, strerror(-ret),
		ret == -ENOENT ? "; is the module loaded?" : "");
	if (o->choice.peers || o->strict)
		return true;
	fputs("fastzero-bench: WARNING: fastzero is not measured; with --strict that is an error\n",
	      stderr);
	return false;
}

static bool has_guest(const struct cell *cells, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (cells[i].guest)
			return true;
	return false;
}

static int trouble(int err)
{
	fprintf(stderr, "fastzero-bench: %s\n", strerror(-err));
	return EXIT_TROUBLE;
}

/* Processes come first: once there is a guest, KVM's notifier is in their way. */
static int measure_parts(struct options *o, const struct cell *cells, size_t nr,
			 bool respond, struct progress *progress,
			 struct report *rep)
{
	int ret;

	ret = courses_measure(o, false, progress, rep);
	if (!ret)
		ret = measure_grid(o, cells, nr, progress, rep);
	if (!ret && courses_with_guest(&o->choice)) {
		need_guest(o);
		ret = courses_measure(o, true, progress, rep);
	}
	if (!ret && respond) {
		progress_show(progress);
		need_guest(o);
		ret = responses_measure(o, rep);
		progress->done++;
	}
	progress_show(progress);
	return ret;
}

static int measure_all(struct options *o, const struct cell *cells, size_t nr,
		       bool respond, struct report *rep)
{
	struct progress progress = {
		.total = nr + respond + courses_count(&o->choice),
		.plain = o->plain_progress,
	};
	int ret;

	ret = start(o, rep, respond || has_guest(cells, nr) ||
		    courses_with_guest(&o->choice));
	if (ret)
		return ret;
	if (!o->choice.demo)
		table_head(rep, stdout);
	ret = measure_parts(o, cells, nr, respond, &progress, rep);
	counters_exit();
	minivm_free(o->rig.vm);
	if (ret)
		return ret;
	if (o->choice.demo) {
		table_demo(rep, stdout);
	} else {
		table_responses(rep, stdout);
		table_end(rep, stdout);
	}
	fflush(stdout);
	return 0;
}

static int run(struct options *o, const struct cell *cells, size_t nr, bool respond)
{
	struct report rep = { 0 };
	struct json_file json;
	int status, ret;

	if (is_without_module(o) || json_file_open(&json, o->json))
		return EXIT_TROUBLE;
	ret = measure_all(o, cells, nr, respond, &rep);
	if (ret) {
		json_file_abandon(&json);
		status = trouble(ret);
	} else {
		status = verdict(o, &rep);
		if (json_file_write(&json, &rep) && status == EXIT_OK)
			status = EXIT_TROUBLE;
	}
	report_free(&rep);
	return status;
}

/* Tables that are not whole are no result. */
static bool is_printed(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return true;
	fputs("fastzero-bench: standard output cannot be written\n", stderr);
	return false;
}

int main(int argc, char **argv)
{
	struct cell *cells = NULL;
	struct options o;
	bool respond;
	size_t nr = 0;
	int status, ret;

	clock_init();
	if (!options_parse(&o, argc, argv, &status))
		return status;
	respond = o.requests && grid_has_responses(&o.choice);
	ret = grid_cells(&o.choice, &cells, &nr);
	if (ret)
		return trouble(ret);
	if (!choice_peers(&o.choice))
		nr = 0;
	if (list_refuses(&o.choice, nr + respond + courses_count(&o.choice))) {
		status = EXIT_TROUBLE;
	} else if (o.list) {
		list_print(&o.choice, cells, nr, respond);
		status = EXIT_OK;
	} else {
		status = run(&o, cells, nr, respond);
	}
	free(cells);
	return is_printed() ? status : EXIT_TROUBLE;
}
