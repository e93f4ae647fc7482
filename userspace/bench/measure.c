// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cycles of one peer: a reset, and the run after it.
 *
 * They are done twice over: timed, and counted with tracepoints on, which are
 * not to be in the times.
 */
#include "measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The subject and the state of one measurement. */
struct state {
	struct turn t;
	unsigned int i;			/* number of the next run */
};

void outcome_free(struct outcome *o)
{
	free(o->samples);
	o->samples = NULL;
}

/*
 * Give the background its time, as on a host that has some.  A tick that would fall into
 * the run comes now as well.  Other peers go on at once.  Adds the time to @waited.
 */
static int pause_after_reset(struct state *s, uint64_t begin, uint64_t *waited)
{
	uint64_t from = clock_now();
	int ret = turn_rest(&s->t);

	if (s->t.peer->rest)
		clock_quiet();
	else
		clock_quiet_again(begin);
	*waited += clock_now() - from;
	return ret;
}

/* Reset, wait and run: timed apart, and in one piece without the wait. */
static int timed_cycle(struct state *s, struct sample *sample)
{
	struct run run = turn_run(&s->t, s->i);
	uint64_t cleared = s->t.m.user_cleared;
	uint64_t begin, middle, end, waited = 0;
	int ret;

	ret = user_prepare(&s->t.user, &run);
	if (ret)
		return ret;
	clock_quiet();
	begin = clock_now();
	ret = turn_reset(&s->t, &sample->reset);
	if (!ret)
		ret = pause_after_reset(s, begin, &waited);
	middle = clock_now();
	if (!ret)
		ret = user_go(&s->t.user);
	end = clock_now();
	sample->run = end - middle;
	sample->whole = adjust_clears(s->t.rig, end - begin - waited,
				      s->t.m.user_cleared - cleared);
	turn_was_run(&s->t, s->i++);
	return ret;
}

static int timed_pass(struct state *s, struct outcome *o)
{
	bool changing = s->t.cell->pattern == PATTERN_DRIFTING ||
			s->t.cell->pattern == PATTERN_ALTERNATING;
	unsigned int warmup = s->t.rig->warmup + (changing ? CHANGING_WARMUP : 0);
	unsigned int i, n = warmup + s->t.rig->cycles;
	struct sample sample;
	int ret = 0;

	o->samples = calloc(s->t.rig->cycles, sizeof(*o->samples));
	if (!o->samples)
		ret = -ENOMEM;
	for (i = 0; !ret && i < n; i++) {
		ret = timed_cycle(s, &sample);
		if (ret || i < warmup)
			continue;
		o->samples[o->nr++] = sample;
		o->whole += sample.whole;
	}
	if (o->nr)
		o->whole /= o->nr;
	return ret;
}

/*
 * Count the clears of each part.  Peers without an account clear the pages that become
 * resident, and those that they report for user space.
 */
static void tally(struct state *s, struct counts *c, const struct account a[4],
		  uint64_t user_cleared)
{
	c->before = a[0].held;
	c->between = a[1].held;
	c->after = a[3].held;
	if (s->t.peer->account) {
		c->reset_cleared = a[1].reset_cleared - a[0].reset_cleared +
				   a[1].fault_cleared - a[0].fault_cleared;
		c->run_cleared = a[3].fault_cleared - a[2].fault_cleared;
		c->bg_cleared = a[3].bg_cleared - a[0].bg_cleared;
		c->bg_cost = a[3].bg_ns - a[0].bg_ns;
		return;
	}
	c->reset_cleared = user_cleared;
	/* A reset that does not clear in user space drops all pages. */
	if (!user_cleared && !s->t.peer->floor && s->t.m.nr_dirty)
		c->reset_cleared = a[1].held;
	c->run_cleared = a[3].held - a[2].held;
}

static int counted_cycle(struct state *s, struct counts *c)
{
	struct run run = turn_run(&s->t, s->i);
	uint64_t begin[COUNTERS], middle[2][COUNTERS], end[COUNTERS];
	uint64_t cleared = s->t.m.user_cleared;
	struct account a[4];
	unsigned int n;
	int ret;

	ret = turn_account(&s->t, &a[0]);
	counters_read(begin);
	if (!ret)
		ret = s->t.peer->reset(s->t.peer, &s->t.m);
	counters_read(middle[0]);
	if (!ret)
		ret = turn_account(&s->t, &a[1]);
	if (!ret)
		ret = turn_rest(&s->t);
	if (!ret)
		ret = user_prepare(&s->t.user, &run);
	if (!ret)
		ret = turn_account(&s->t, &a[2]);
	counters_read(middle[1]);
	if (!ret)
		ret = user_go(&s->t.user);
	counters_read(end);
	if (!ret)
		ret = turn_account(&s->t, &a[3]);
	if (ret)
		return ret;
	for (n = 0; n < COUNTERS; n++)
		c->values[n] = middle[0][n] - begin[n] + end[n] - middle[1][n];
	tally(s, c, a, s->t.m.user_cleared - cleared);
	turn_was_run(&s->t, s->i++);
	return 0;
}

static int counted_pass(struct state *s, struct outcome *o)
{
	unsigned int i;
	int ret = 0;

	counters_start();
	for (i = 0; !ret && i < COUNTED_CYCLES; i++)
		ret = counted_cycle(s, &o->counts);
	counters_stop();
	o->counted = !ret;
	return ret;
}

static int passes(struct state *s, struct outcome *o)
{
	int ret = timed_pass(s, o);

	if (ret)
		return explain(o->why, "a cycle", ret);
	ret = counted_pass(s, o);
	if (ret)
		return explain(o->why, "a counted cycle", ret);
	ret = turn_check(&s->t, s->i, &o->stale);
	return ret ? explain(o->why, "the check", ret) : 0;
}

int measure(const struct rig *rig, const struct cell *cell,
	    const struct touches *touches, const struct peer *peer,
	    struct outcome *o)
{
	struct state s = {
		.t = {
			.rig = rig, .cell = cell, .touches = touches,
			.peer = peer, .m.fd = -1,
		},
	};
	int ret;

	memset(o, 0, sizeof(*o));
	if (cell->threads)
		return measure_threads(rig, cell, touches, peer, o);
	ret = turn_begin(&s.t, NULL, o->why);
	if (!ret)
		ret = passes(&s, o);
	turn_end(&s.t);
	return ret;
}

uint64_t measure_empty(const struct rig *rig, struct minivm *vm)
{
	uint64_t list[1] = { 0 };
	struct cell cell = { .size = BENCH_PAGE, .touch = TOUCH_WRITE };
	struct touches touches = {
		.count = !!vm, .nr = 1, .lists = { list }, .sorted = { list },
	};
	struct state s = {
		.t = {
			.rig = rig, .cell = &cell, .touches = &touches,
			.peer = &peers[0], .m.fd = -1,
		},
	};
	struct plan plan = { .size = cell.size };
	uint64_t least = UINT64_MAX;
	struct sample sample;
	int ret, i;

	ret = peers[0].setup(&peers[0], &plan, &s.t.m);
	if (!ret)
		ret = user_attach(&s.t.user, vm, &s.t.m);
	for (i = 0; !ret && i < 9; i++) {
		ret = timed_cycle(&s, &sample);
		if (sample.whole < least)
			least = sample.whole;
	}
	turn_end(&s.t);
	return ret ? 0 : least;
}
