// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Time to responsiveness: the price that a request pays for the reset before it.
 */
#include "response.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static int serve(struct turn *t, unsigned int i, uint64_t *run, uint64_t *reset)
{
	struct run job = turn_run(t, i);
	uint64_t begin;
	int ret = user_prepare(&t->user, &job);

	begin = clock_now();
	if (!ret)
		ret = user_go(&t->user);
	*run = clock_now() - begin;
	turn_was_run(t, i);
	return ret ? ret : turn_reset(t, reset);
}

static int serve_all(struct turn *t, uint64_t warm, uint64_t think_ns,
		     unsigned int requests, struct response *r)
{
	uint64_t state = random_seed(t->rig->seed), at, run, reset, last;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < t->rig->warmup; i++)
		ret = serve(t, i, &run, &last);
	clock_quiet();
	at = clock_ns();
	for (i = 0; !ret && i < requests; i++) {
		if (think_ns) {
			at += think_ns / 2 + random_next(&state) % think_ns;
			r->late += !wait_until(at);
		}
		ret = serve(t, t->rig->warmup + i, &run, &reset);
		r->samples[r->nr++] = last + (run > warm ? run - warm : 0);
		last = reset;
	}
	return ret ? explain(r->why, "a request", ret) : 0;
}

int response_measure(const struct rig *rig, const struct cell *cell,
		     const struct touches *touches, const struct peer *peer,
		     uint64_t warm, uint64_t think_ns, unsigned int requests,
		     struct response *r)
{
	struct turn t = {
		.rig = rig, .cell = cell, .touches = touches, .peer = peer,
		.m.fd = -1,
	};
	int ret;

	memset(r, 0, sizeof(*r));
	r->samples = calloc(requests, sizeof(*r->samples));
	if (!r->samples)
		return -ENOMEM;
	ret = turn_begin(&t, NULL, r->why);
	if (!ret)
		ret = serve_all(&t, warm, think_ns, requests, r);
	turn_end(&t);
	return ret;
}
