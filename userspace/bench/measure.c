// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cycles of one peer: a reset, and the run after it.
 *
 * They are done twice over: timed, and counted with tracepoints on, which are
 * not to be in the times.
 */
#include "measure.h"
#include "resident.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Memory up to this size is looked at as a whole after the last reset, of
 * larger ones what the runs may have touched: to look means to fault it in.
 */
#define CHECK_ALL	(1ull << 20)

/* What one measurement is about, and where it stands. */
struct state {
	const struct rig *rig;
	const struct cell *cell;
	const struct touches *touches;
	const struct peer *peer;
	struct memory m;
	struct user user;
	unsigned int i;			/* number of the next run */
};

int outcome_explain(struct outcome *o, const char *what, int err)
{
	snprintf(o->why, sizeof(o->why), "%s: %s", what, strerror(-err));
	return err;
}

void outcome_free(struct outcome *o)
{
	free(o->samples);
	o->samples = NULL;
}

uint64_t adjust_clears(const struct rig *rig, uint64_t cost, uint64_t cleared)
{
	return cost + cleared * rig->clear.kernel - cleared * rig->clear.user;
}

struct run next_run(const struct cell *cell, const struct touches *t,
		    unsigned int i)
{
	return (struct run) {
		.touch = cell->touch,
		.list = t->lists[i % t->nr],
		.count = t->count,
		.words = 1,
		.value = i + 1,
	};
}

void was_run(struct memory *m, const struct cell *cell,
	     const struct touches *t, unsigned int i)
{
	m->dirty = t->sorted[i % t->nr];
	m->nr_dirty = cell->touch == TOUCH_READ ? 0 : t->count;
}

int peer_setup(const struct rig *rig, const struct cell *cell,
	       const struct peer *peer, struct memory *m, struct outcome *o)
{
	struct plan plan = {
		.device = rig->device,
		.total_cpu = rig->total_cpu,
		.size = cell->size,
		.count = cell->pages,
		.vm = cell->guest ? rig->vm : NULL,
	};
	int ret = peer->setup(peer, &plan, m);

	if (!ret)
		return 0;
	snprintf(o->why, sizeof(o->why), "%s",
		 m->why[0] ? m->why : strerror(-ret));
	return -EOPNOTSUPP;
}

static int settle(struct state *s)
{
	return s->peer->settle ? s->peer->settle(&s->m) : 0;
}

/*
 * Work in the background gets its time, and so does a tick that would fall into
 * the run; other peers go on at once.  Adds to @waited what that took.
 */
static int pause_after_reset(struct state *s, uint64_t begin, uint64_t *waited)
{
	uint64_t from = clock_now();
	int ret = settle(s);

	if (s->peer->settle)
		clock_quiet();
	else
		clock_quiet_again(begin);
	*waited += clock_now() - from;
	return ret;
}

/* Reset, wait, and run: timed apart, and in one piece but for what is waited. */
static int timed_cycle(struct state *s, struct sample *sample)
{
	struct run run = next_run(s->cell, s->touches, s->i);
	uint64_t cleared = s->m.user_cleared;
	uint64_t begin, middle, end, waited = 0;
	int ret;

	ret = user_prepare(&s->user, &run);
	if (ret)
		return ret;
	clock_quiet();
	begin = clock_now();
	ret = s->peer->reset(s->peer, &s->m);
	sample->reset = clock_now() - begin;
	if (!ret)
		ret = pause_after_reset(s, begin, &waited);
	middle = clock_now();
	if (!ret)
		ret = user_go(&s->user);
	end = clock_now();
	sample->run = end - middle;
	cleared = s->m.user_cleared - cleared;
	sample->reset = adjust_clears(s->rig, sample->reset, cleared);
	sample->whole = adjust_clears(s->rig, end - begin - waited, cleared);
	was_run(&s->m, s->cell, s->touches, s->i++);
	return ret;
}

static int timed_pass(struct state *s, struct outcome *o)
{
	bool changing = s->cell->pattern == PATTERN_DRIFTING ||
			s->cell->pattern == PATTERN_ALTERNATING;
	unsigned int warmup = s->rig->warmup + (changing ? CHANGING_WARMUP : 0);
	unsigned int i, n = warmup + s->rig->cycles;
	struct sample sample;
	int ret = 0;

	o->samples = calloc(s->rig->cycles, sizeof(*o->samples));
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

static int read_account(struct state *s, struct account *a)
{
	memset(a, 0, sizeof(*a));
	return s->peer->account ? s->peer->account(&s->m, a) :
				  resident_pages(&s->m, &a->held);
}

/*
 * What was cleared by whom.  Peers that give no account clear what becomes
 * resident, and what they say of user space.
 */
static void tally(struct state *s, struct counts *c, const struct account a[4],
		  uint64_t user_cleared)
{
	c->before = a[0].held;
	c->between = a[1].held;
	c->after = a[3].held;
	if (s->peer->account) {
		c->reset_cleared = a[1].reset_cleared - a[0].reset_cleared +
				   a[1].fault_cleared - a[0].fault_cleared;
		c->run_cleared = a[3].fault_cleared - a[2].fault_cleared;
		c->bg_cleared = a[3].bg_cleared - a[0].bg_cleared;
		c->bg_cost = a[3].bg_ns - a[0].bg_ns;
		return;
	}
	c->reset_cleared = user_cleared;
	/* A reset that does not clear in user space drops all that there is. */
	if (!user_cleared && !s->peer->floor && s->m.nr_dirty)
		c->reset_cleared = a[1].held;
	c->run_cleared = a[3].held - a[2].held;
}

static int counted_cycle(struct state *s, struct counts *c)
{
	struct run run = next_run(s->cell, s->touches, s->i);
	uint64_t begin[COUNTERS], middle[2][COUNTERS], end[COUNTERS];
	uint64_t cleared = s->m.user_cleared;
	struct account a[4];
	unsigned int n;
	int ret;

	ret = read_account(s, &a[0]);
	counters_read(begin);
	if (!ret)
		ret = s->peer->reset(s->peer, &s->m);
	counters_read(middle[0]);
	if (!ret)
		ret = read_account(s, &a[1]);
	if (!ret)
		ret = settle(s);
	if (!ret)
		ret = user_prepare(&s->user, &run);
	if (!ret)
		ret = read_account(s, &a[2]);
	counters_read(middle[1]);
	if (!ret)
		ret = user_go(&s->user);
	counters_read(end);
	if (!ret)
		ret = read_account(s, &a[3]);
	if (ret)
		return ret;
	for (n = 0; n < COUNTERS; n++)
		c->values[n] = middle[0][n] - begin[n] + end[n] - middle[1][n];
	tally(s, c, a, s->m.user_cleared - cleared);
	was_run(&s->m, s->cell, s->touches, s->i++);
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

/* Whole pages are dirtied, made zero, and looked at. */
static int check(struct state *s, struct outcome *o)
{
	uint64_t pages = s->cell->size / BENCH_PAGE;
	struct run run = next_run(s->cell, s->touches, s->i);
	unsigned int n;
	int ret;

	if (s->peer->floor)
		return 0;
	run.touch = TOUCH_WRITE;
	run.words = BENCH_PAGE / 8;
	run.value = ~0ull;
	/* What the last run wrote may be other pages than this one writes. */
	ret = s->peer->reset(s->peer, &s->m);
	if (!ret)
		ret = user_prepare(&s->user, &run);
	if (!ret)
		ret = user_go(&s->user);
	s->m.dirty = s->touches->sorted[s->i % s->touches->nr];
	s->m.nr_dirty = run.count;
	if (!ret)
		ret = s->peer->reset(s->peer, &s->m);
	if (!ret && s->cell->size <= CHECK_ALL)
		return user_nonzero(&s->user, NULL, pages, &o->stale);
	for (n = 0; !ret && n < s->touches->nr; n++)
		ret = user_nonzero(&s->user, s->touches->lists[n],
				   s->touches->count, &o->stale);
	return ret;
}

static int passes(struct state *s, struct outcome *o)
{
	int ret = timed_pass(s, o);

	if (ret)
		return outcome_explain(o, "a cycle", ret);
	ret = counted_pass(s, o);
	if (ret)
		return outcome_explain(o, "a counted cycle", ret);
	ret = check(s, o);
	return ret ? outcome_explain(o, "the check", ret) : 0;
}

int measure(const struct rig *rig, const struct cell *cell,
	    const struct touches *touches, const struct peer *peer,
	    struct outcome *o)
{
	struct state s = {
		.rig = rig,
		.cell = cell,
		.touches = touches,
		.peer = peer,
		.m.fd = -1,
	};
	struct plan plan = { .size = cell->size, .vm = rig->vm };
	int ret;

	memset(o, 0, sizeof(*o));
	if (cell->threads)
		return measure_threads(rig, cell, touches, peer, o);
	ret = peer_setup(rig, cell, peer, &s.m, o);
	if (!ret) {
		ret = user_attach(&s.user, cell->guest ? rig->vm : NULL, &s.m);
		if (!ret && peer->attach)
			ret = peer->attach(&plan, &s.m);
		if (ret)
			outcome_explain(o, "RAM of the guest", ret);
		else
			ret = passes(&s, o);
		user_detach(&s.user);
	}
	peer->teardown(&s.m);
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
		.rig = rig, .cell = &cell, .touches = &touches,
		.peer = &peers[0], .m.fd = -1,
	};
	struct plan plan = { .size = cell.size };
	uint64_t least = UINT64_MAX;
	struct sample sample;
	int ret, i;

	ret = s.peer->setup(s.peer, &plan, &s.m);
	if (!ret)
		ret = user_attach(&s.user, vm, &s.m);
	for (i = 0; !ret && i < 9; i++) {
		ret = timed_cycle(&s, &sample);
		if (sample.whole < least)
			least = sample.whole;
	}
	user_detach(&s.user);
	s.peer->teardown(&s.m);
	return ret ? 0 : least;
}
