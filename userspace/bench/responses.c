// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time to responsiveness of all peers.
 */
#include "responses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Mean times from one request to the next: enough for the zeroer, and 0. */
static const uint64_t thinks[] = { 20000000, 0 };

#define THINKS	(sizeof(thinks) / sizeof(thinks[0]))

/* Cost of a run on memory without a reset. */
static int warm_run(const struct rig *rig, const struct touches *touches,
		    uint64_t *cost)
{
	struct result r = { .peer = &peers[0], .cell = &response_cell };
	int ret = measure(rig, r.cell, touches, r.peer, &r.o);

	if (!ret)
		ret = result_finish(&r);
	*cost = r.run.p50;
	outcome_free(&r.o);
	return ret;
}

static void measure_response(const struct options *o, const struct touches *touches,
			     uint64_t warm, struct response_result *r)
{
	if (!o->rig.vm) {
		r->ret = -EOPNOTSUPP;
		snprintf(r->r.why, sizeof(r->r.why), "no KVM guest: %s",
			 strerror(-o->rig.no_vm));
		return;
	}
	r->ret = response_measure(&o->rig, &response_cell, touches, r->peer, warm,
				  r->think_ns, o->requests, &r->r);
	if (!r->ret)
		r->summary = summarize(r->r.samples, r->r.nr);
}

int responses_measure(const struct options *o, struct report *rep)
{
	const struct cell *cell = &response_cell;
	struct response_result *r;
	const struct peer *peer;
	struct touches touches;
	uint64_t warm = 0;
	size_t i;
	int ret;

	rep->responses = calloc(THINKS * choice_peers(&o->choice) + 1,
				sizeof(*rep->responses));
	if (!rep->responses)
		return -ENOMEM;
	ret = touches_make(&touches, cell->pattern, cell->size / BENCH_PAGE,
			   cell->pages, TOUCHES_DRIFT, o->rig.seed);
	if (ret)
		return ret;
	if (o->rig.vm)
		ret = warm_run(&o->rig, &touches, &warm);
	for (i = 0; !ret && i < THINKS; i++)
		for (peer = peers; peer->name; peer++) {
			if (peer->floor || !choice_has_peer(&o->choice, peer))
				continue;
			r = &rep->responses[rep->nr_responses++];
			r->peer = peer;
			r->think_ns = thinks[i];
			measure_response(o, &touches, warm, r);
		}
	touches_free(&touches);
	return ret;
}
