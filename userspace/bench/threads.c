// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cycles of several threads of one process at once, each with its own memory.  The
 * benchmark does not wait for the background here: it has to keep up.
 */
#include "measure.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct crew {
	const struct rig *rig;
	pthread_barrier_t start;
	pthread_barrier_t stop;
};

struct worker {
	struct crew *crew;
	pthread_t thread;
	struct turn t;
	struct sample *samples;		/* rig->cycles of them */
	int ret;
};

static int one_cycle(struct worker *w, unsigned int i, struct sample *sample)
{
	struct run run = turn_run(&w->t, i);
	uint64_t begin;
	int ret;

	ret = user_prepare(&w->t.user, &run);
	if (!ret)
		ret = turn_reset(&w->t, &sample->reset);
	begin = clock_now();
	if (!ret)
		ret = user_go(&w->t.user);
	sample->run = clock_now() - begin;
	turn_was_run(&w->t, i);
	return ret;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	const struct rig *rig = w->crew->rig;
	struct sample ignored;
	unsigned int i;

	for (i = 0; !w->ret && i < rig->warmup; i++)
		w->ret = one_cycle(w, i, &ignored);
	pthread_barrier_wait(&w->crew->start);
	for (i = 0; !w->ret && i < rig->cycles; i++)
		w->ret = one_cycle(w, rig->warmup + i, &w->samples[i]);
	pthread_barrier_wait(&w->crew->stop);
	return NULL;
}

/* All threads must meet at the barriers, so all start or none does. */
static int run_crew(struct crew *crew, struct worker *workers, unsigned int n,
		    struct outcome *o)
{
	uint64_t begin;
	unsigned int i;
	int ret = 0;

	pthread_barrier_init(&crew->start, NULL, n + 1);
	pthread_barrier_init(&crew->stop, NULL, n + 1);
	for (i = 0; i < n; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	pthread_barrier_wait(&crew->start);
	begin = clock_now();
	pthread_barrier_wait(&crew->stop);
	o->whole = (clock_now() - begin) / crew->rig->cycles;
	for (i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].ret)
			ret = workers[i].ret;
	}
	pthread_barrier_destroy(&crew->start);
	pthread_barrier_destroy(&crew->stop);
	return ret ? explain(o->why, "a cycle", ret) : 0;
}

/* Each thread makes its own memory zero once more, and it is looked at. */
static int check(struct worker *w, struct outcome *o)
{
	int ret;

	if (w->t.peer->floor)
		return 0;
	ret = w->t.peer->reset(w->t.peer, &w->t.m);
	if (!ret)
		ret = user_nonzero(&w->t.user, w->t.touches->lists[0],
				   w->t.touches->count, &o->stale);
	return ret ? explain(o->why, "the check", ret) : 0;
}

int measure_threads(const struct rig *rig, const struct cell *cell,
		    const struct touches *touches, const struct peer *peer,
		    struct outcome *o)
{
	struct crew crew = { .rig = rig };
	struct worker *workers = calloc(cell->threads, sizeof(*workers));
	unsigned int i, made = 0;
	int ret = 0;

	o->samples = calloc((size_t)cell->threads * rig->cycles,
			    sizeof(*o->samples));
	if (!workers || !o->samples)
		ret = explain(o->why, "threads", -ENOMEM);
	for (i = 0; !ret && i < cell->threads; i++) {
		workers[i].crew = &crew;
		workers[i].t = (struct turn) {
			.rig = rig, .cell = cell, .touches = touches,
			.peer = peer, .m.fd = -1,
		};
		workers[i].samples = o->samples + (size_t)i * rig->cycles;
		made++;
		ret = turn_begin(&workers[i].t, NULL, o->why);
	}
	if (!ret)
		ret = run_crew(&crew, workers, made, o);
	for (i = 0; !ret && i < made; i++)
		ret = check(&workers[i], o);
	for (i = 0; i < made; i++)
		turn_end(&workers[i].t);
	if (!ret)
		o->nr = made * rig->cycles;
	free(workers);
	return ret;
}
