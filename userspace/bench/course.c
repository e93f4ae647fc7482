// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer goes through a course.
 */
#include "course.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mappings.h"

/* Measurements so far. */
struct tally {
	uint64_t run, reset;
	unsigned int runs, resets;
	uint64_t begin, end;		/* of the first and the last cycle */
	uint64_t bg, user_cleared;	/* before the first */
};

/**
 * struct walk - the place of a peer in a course
 * @course: the course
 * @turns: its memories
 * @nr: how many
 * @all: all pages of a memory
 * @written: pages of a run that writes a tenth
 * @i: number of the next cycle
 * @tally: measurements so far
 */
struct walk {
	const struct course *course;
	struct turn *turns;
	unsigned int nr;
	uint64_t *all;
	uint64_t *written;
	unsigned int i;
	struct tally tally;
};

unsigned int course_cycles(const struct course *course, bool measured)
{
	const struct stage *s;
	unsigned int n = 0;

	for (s = course->stages; s->cycles; s++)
		if (s->measured || !measured)
			n += s->cycles;
	return n;
}

/* Each memory has a run of its own; only the runs are timed. */
static int go(struct walk *w, const struct run *run, uint64_t *cost)
{
	unsigned int n;
	uint64_t begin;
	int ret = 0;

	for (n = 0; !ret && n < w->nr; n++)
		ret = user_prepare(&w->turns[n].user, run);
	begin = clock_now();
	for (n = 0; !ret && n < w->nr; n++)
		ret = user_go(&w->turns[n].user);
	*cost += clock_now() - begin;
	return ret;
}

static void tell(struct walk *w, const uint64_t *sorted, uint64_t count)
{
	unsigned int n;

	for (n = 0; n < w->nr; n++) {
		w->turns[n].m.dirty = sorted;
		w->turns[n].m.nr_dirty = count;
	}
}

/* Two sets of pages are taken as the stage says, others in their order. */
static unsigned int run_number(const struct walk *w, const struct stage *s)
{
	return w->course->pattern == PATTERN_ALTERNATING ? s->second : w->i;
}

static int run_pattern(struct walk *w, const struct stage *s, uint64_t *cost)
{
	struct turn *t = &w->turns[0];
	unsigned int i = run_number(w, s);
	struct run run = turn_run(t, i);
	int ret = go(w, &run, cost);

	for (i = 0; i < w->nr; i++)
		turn_was_run(&w->turns[i], run_number(w, s));
	if (ret || !w->course->tenth)
		return ret;
	run.touch = TOUCH_WRITE;
	run.list = w->written;
	run.count /= 10;
	tell(w, w->written, run.count);
	return go(w, &run, cost);
}

static int do_stage(struct walk *w, const struct stage *s, uint64_t *cost)
{
	const struct touches *t = w->turns[0].touches;
	struct run run = turn_run(&w->turns[0], 0);

	switch (s->doing) {
	case DO_RUN:
		return run_pattern(w, s, cost);
	case DO_TELL:
		tell(w, t->sorted[0], t->count);
		return 0;
	case DO_NOTHING:
		tell(w, NULL, 0);
		return 0;
	case DO_SCAN:
		run.touch = TOUCH_READ;
		run.list = w->all;
		run.count = w->turns[0].cell->size / BENCH_PAGE;
		tell(w, NULL, 0);
		return go(w, &run, cost);
	case DO_FEW:
		run.list = w->all;
		run.count = COURSE_FEW;
		tell(w, w->all, COURSE_FEW);
		return go(w, &run, cost);
	}
	return -EINVAL;
}

static int reset(struct walk *w, uint64_t *cost)
{
	uint64_t one;
	unsigned int n;
	int ret = 0;

	if (w->turns[0].peer->reset_many)
		return turn_reset_many(w->turns, w->nr, cost);
	for (n = 0; !ret && n < w->nr; n++) {
		ret = turn_reset(&w->turns[n], &one);
		*cost += one;
	}
	return ret;
}

static void count(struct walk *w, const struct stage *s, uint64_t begin,
		  uint64_t run, uint64_t reset, struct course_figures *f)
{
	struct tally *t = &w->tally;

	t->run += run;
	t->reset += reset;
	t->runs += s->doing != DO_NOTHING && s->doing != DO_TELL;
	t->resets += !s->no_reset;
	if (!t->begin)
		t->begin = begin;
	t->end = clock_now();
	f->last = (run + reset) / w->nr;
	if (f->last > f->worst)
		f->worst = f->last;
}

static int cycle(struct walk *w, const struct stage *s, struct course_figures *f)
{
	uint64_t run = 0, cost = 0, begin;
	int ret;

	if (!w->course->share)
		clock_pause(w->course->gap_us ? w->course->gap_us : COURSE_GAP_US);
	begin = clock_now();
	ret = do_stage(w, s, &run);
	if (!ret && !s->no_reset)
		ret = reset(w, &cost);
	if (s->measured)
		count(w, s, begin, run, cost, f);
	w->i++;
	return ret;
}

/* If a peer gives an account, its memories have one owner, which has one account. */
static int account(struct walk *w, struct account *sum)
{
	struct account a;
	unsigned int n;
	int ret = 0;

	memset(sum, 0, sizeof(*sum));
	for (n = 0; !ret && n < w->nr; n++) {
		ret = turn_account(&w->turns[n], &a);
		if (!n || !w->turns[n].peer->account)
			sum->held += a.held;
		if (!n)
			sum->bg_ns = a.bg_ns;
	}
	return ret;
}

static uint64_t user_cleared(const struct walk *w)
{
	uint64_t sum = 0;
	unsigned int n;

	for (n = 0; n < w->nr; n++)
		sum += w->turns[n].m.user_cleared;
	return sum;
}

/* From the first cycle to the last one, in one piece. */
static uint64_t elapsed(const struct walk *w)
{
	const struct tally *t = &w->tally;

	return adjust_clears(w->turns[0].rig, t->end - t->begin,
			     user_cleared(w) - t->user_cleared);
}

/* The background finishes its work, which counts as well. */
static int finish(struct walk *w, struct course_figures *f)
{
	const struct tally *t = &w->tally;
	uint64_t of = (uint64_t)w->nr * (t->runs > t->resets ? t->runs : t->resets);
	uint64_t own = t->run + t->reset;
	struct account before, after;
	int ret = account(w, &before);

	if (!ret)
		ret = turn_rest(&w->turns[0]);
	if (!ret)
		ret = account(w, &after);
	if (ret)
		return explain(f->why, "the account", ret);
	f->held += after.held / w->nr;
	f->run += t->runs ? t->run / t->runs / w->nr : 0;
	f->reset += t->resets ? t->reset / t->resets / w->nr : 0;
	f->sum = f->run + f->reset;
	f->cpu += (own + after.bg_ns - t->bg) / of;
	if (w->course->share) {
		f->sum = elapsed(w) / of;
		f->cpu = f->sum + (after.bg_ns - before.bg_ns) / of;
	}
	return 0;
}

static int stages(struct walk *w, struct course_figures *f)
{
	const struct stage *s;
	struct account a;
	unsigned int i, n;
	int ret;

	for (s = w->course->stages; s->cycles; s++) {
		if (s->measured && !w->tally.begin) {
			ret = account(w, &a);
			if (ret)
				return explain(f->why, "the account", ret);
			w->tally.bg = a.bg_ns;
			w->tally.user_cleared = user_cleared(w);
		}
		for (i = 0; i < s->cycles; i++) {
			ret = cycle(w, s, f);
			if (ret)
				return explain(f->why, "a cycle", ret);
		}
	}
	ret = finish(w, f);
	for (n = 0; !ret && n < w->nr; n++) {
		ret = turn_check(&w->turns[n], w->i, &f->stale);
		if (ret)
			explain(f->why, "the check", ret);
	}
	return ret;
}

static int make_lists(struct walk *w, const struct cell *cell,
		      const struct touches *t)
{
	uint64_t i, pages = cell->size / BENCH_PAGE;

	w->all = calloc(pages, sizeof(*w->all));
	w->written = calloc(t->count / 10 + 1, sizeof(*w->written));
	if (!w->all || !w->written)
		return -ENOMEM;
	for (i = 0; i < pages; i++)
		w->all[i] = i;
	for (i = 0; i < t->count / 10; i++)
		w->written[i] = t->sorted[0][10 * i];
	return 0;
}

/* Hands the memories to their users, with all the mappings that they are to have. */
static int stages_with_views(struct walk *w, struct course_figures *f)
{
	const struct memory *m = &w->turns[0].m;
	unsigned int nr = w->course->views;
	char *views = NULL;
	int ret;

	if (!nr)
		return stages(w, f);
	if (m->fd < 0) {
		snprintf(f->why, WHY, "it is for files");
		return -EOPNOTSUPP;
	}
	ret = mappings_views(m, nr, &views);
	ret = ret ? explain(f->why, "more mappings", ret) : stages(w, f);
	if (views)
		munmap(views, nr * m->size);
	return ret;
}

static int once(struct walk *w, struct course_figures *f)
{
	unsigned int n, made = 0;
	int ret = 0;

	w->i = 0;
	w->tally = (struct tally) { 0 };
	for (n = 0; !ret && n < w->nr; n++) {
		w->turns[n].m = (struct memory) { .fd = -1 };
		made++;
		ret = turn_begin(&w->turns[n], n ? &w->turns[0].m : NULL, f->why);
	}
	clock_share(w->course->share);
	if (!ret)
		ret = stages_with_views(w, f);
	clock_share(false);
	while (made--)
		turn_end(&w->turns[made]);
	return ret;
}

static void divide(struct course_figures *f, unsigned int n)
{
	f->run /= n;
	f->reset /= n;
	f->cpu /= n;
	f->held /= n;
	f->sum = f->run + f->reset;
}

int course_measure(const struct course *course, const struct rig *rig,
		   const struct cell *cell, const struct touches *touches,
		   const struct peer *peer, struct course_figures *f)
{
	struct walk w = { .course = course, .nr = cell->memories ? cell->memories : 1 };
	unsigned int n, repeat = course->repeat ? course->repeat : 1;
	char *others = course->mappings ? mappings_others(course->mappings) : NULL;
	int ret;

	memset(f, 0, sizeof(*f));
	w.turns = calloc(w.nr, sizeof(*w.turns));
	ret = w.turns ? make_lists(&w, cell, touches) : -ENOMEM;
	if (ret || (course->mappings && !others))
		ret = explain(f->why, "lists and mappings", -ENOMEM);
	for (n = 0; !ret && n < w.nr; n++)
		w.turns[n] = (struct turn) {
			.rig = rig, .cell = cell, .touches = touches, .peer = peer,
		};
	for (n = 0; !ret && n < repeat; n++)
		ret = once(&w, f);
	if (!ret && repeat > 1)
		divide(f, repeat);
	if (others)
		munmap(others, course->mappings * BENCH_PAGE);
	free(w.all);
	free(w.written);
	free(w.turns);
	return ret;
}
