// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time to responsiveness: what a request pays for the reset before it.
 */
#include "response.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct service {
	const struct rig *rig;
	const struct cell *cell;
	const struct touches *touches;
	const struct peer *peer;
	struct memory m;
	struct user user;
};

/* Until the time has come; false if it is past already. */
static bool wait_until(uint64_t at)
{
	struct timespec ts = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };

	if (clock_ns() >= at)
		return false;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
	return true;
}

static int serve(struct service *s, unsigned int i, uint64_t *run, uint64_t *reset)
{
	struct run job = next_run(s->cell, s->touches, i);
	uint64_t cleared = s->m.user_cleared;
	uint64_t begin, middle;
	int ret = user_prepare(&s->user, &job);

	begin = clock_now();
	if (!ret)
		ret = user_go(&s->user);
	middle = clock_now();
	was_run(&s->m, s->cell, s->touches, i);
	*run = middle - begin;
	middle = clock_now();
	if (!ret)
		ret = s->peer->reset(s->peer, &s->m);
	*reset = adjust_clears(s->rig, clock_now() - middle,
			       s->m.user_cleared - cleared);
	return ret;
}

static int serve_all(struct service *s, uint64_t warm, uint64_t think_ns,
		     unsigned int requests, struct response *r)
{
	uint64_t state = random_seed(s->rig->seed), at, run, reset, last;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < s->rig->warmup; i++)
		ret = serve(s, i, &run, &last);
	clock_quiet();
	at = clock_ns();
	for (i = 0; !ret && i < requests; i++) {
		if (think_ns) {
			at += think_ns / 2 + random_next(&state) % think_ns;
			r->late += !wait_until(at);
		}
		ret = serve(s, s->rig->warmup + i, &run, &reset);
		r->samples[r->nr++] = last + (run > warm ? run - warm : 0);
		last = reset;
	}
	if (!ret)
		return 0;
	snprintf(r->why, sizeof(r->why), "a request: %s", strerror(-ret));
	return ret;
}

int response_measure(const struct rig *rig, const struct cell *cell,
		     const struct touches *touches, const struct peer *peer,
		     uint64_t warm, uint64_t think_ns, unsigned int requests,
		     struct response *r)
{
	struct service s = {
		.rig = rig, .cell = cell, .touches = touches, .peer = peer,
		.m.fd = -1,
	};
	struct plan plan = { .size = cell->size, .vm = rig->vm };
	struct outcome o;
	int ret;

	memset(r, 0, sizeof(*r));
	r->samples = calloc(requests, sizeof(*r->samples));
	if (!r->samples)
		return -ENOMEM;
	ret = peer_setup(rig, cell, peer, &s.m, &o);
	if (ret) {
		memcpy(r->why, o.why, sizeof(r->why));
	} else {
		ret = user_attach(&s.user, cell->guest ? rig->vm : NULL, &s.m);
		if (!ret && peer->attach)
			ret = peer->attach(&plan, &s.m);
		if (ret)
			snprintf(r->why, sizeof(r->why), "RAM of the guest: %s",
				 strerror(-ret));
		else
			ret = serve_all(&s, warm, think_ns, requests, r);
		user_detach(&s.user);
	}
	peer->teardown(&s.m);
	return ret;
}
