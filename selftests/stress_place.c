// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: where an operation takes place: which scratch, through which mapping,
 * which range.
 */
#define _GNU_SOURCE
#include "stress.h"

/* A number below @n; the coordinator's only source of chance. */
uint32_t st_below(struct st_world *w, uint32_t n)
{
	return (uint32_t)(fz_random(&w->random) % n);
}

bool st_overlap(const struct st_job *a, const struct st_job *b)
{
	return a->slot == b->slot && a->first < b->first + b->nr &&
	       b->first < a->first + a->nr;
}

/* A range of [lo, hi), near that of another job if there is one. */
static void st_choose_range(struct st_world *w, struct st_job *job, uint32_t lo,
			    uint32_t hi, const struct st_job *near)
{
	uint32_t most = hi - lo < ST_SPAN ? hi - lo : ST_SPAN;
	uint32_t end;

	if (near && near->nr && near->slot == job->slot && near->first < hi &&
	    near->first + near->nr > lo) {
		job->first = near->first > lo ? near->first : lo;
		end = near->first + near->nr < hi ? near->first + near->nr : hi;
		job->nr = end - job->first;
		if (job->nr > 1 && !st_below(w, 3)) {
			job->first += st_below(w, job->nr / 2 + 1);
			job->nr = 1 + st_below(w, end - job->first);
		}
		return;
	}
	if (!st_below(w, 40)) {
		job->first = lo;
		job->nr = hi - lo;
		return;
	}
	/* Short ones more often than long ones. */
	job->nr = 1 + st_below(w, 1 + st_below(w, most));
	job->first = lo + st_below(w, hi - lo - job->nr + 1);
}

static bool st_place_fd(struct st_world *w, struct st_job *job,
			const struct st_job *near)
{
	const struct st_worker *worker = &w->worker[job->worker];
	const struct st_scratch *s;

	job->slot = near ? near->slot : (uint8_t)st_below(w, ST_SCRATCHES);
	s = &w->scratch[job->slot];
	if (!worker->has[job->slot])
		return false;
	if (s->implicit && (st_ops[job->op].needs & ST_NEEDS_FILE))
		return false;
	st_choose_range(w, job, 0, s->pages, near);
	return true;
}

/* Whether an operation can be done on a page of a mapping. */
static bool st_suits(const struct st_job *job, uint8_t bits)
{
	unsigned int needs = st_ops[job->op].needs;

	if (!bits || (needs & ST_NEEDS_READ && !(bits & ST_READ)) ||
	    (needs & ST_NEEDS_WRITE && !(bits & ST_WRITE)) ||
	    (needs & ST_NEEDS_UNLOCKED && bits & ST_LOCKED))
		return false;
	if (job->flags & ST_REFAULT && bits & ST_LOCKED)
		return false;
	if (job->flags & ST_BY_CHILD)
		return !(needs & ST_NEEDS_NOFORK) == !(bits & ST_NOFORK);
	return true;
}

/* Whether a job can still be done through its mapping. */
bool st_is_suited(const struct st_world *w, const struct st_job *job)
{
	const struct st_map *map = &w->worker[job->worker].map[job->map];
	uint32_t i;

	if (!map->used || map->slot != job->slot || map->first > job->first ||
	    map->first + map->nr < job->first + job->nr)
		return false;
	for (i = 0; i < job->nr; i++) {
		if (!st_suits(job, map->bits[job->first - map->first + i]))
			return false;
	}
	return true;
}

static bool st_place_map(struct st_world *w, struct st_job *job,
			 const struct st_job *near)
{
	const struct st_worker *worker = &w->worker[job->worker];
	unsigned int needs = st_ops[job->op].needs;
	const struct st_map *map;
	uint32_t at, lo, hi;

	job->map = (uint8_t)st_below(w, ST_MAPS);
	for (at = 0; near && at < ST_MAPS; at++) {
		if (worker->map[at].used && worker->map[at].slot == near->slot)
			job->map = (uint8_t)at;
	}
	if (needs & ST_NEEDS_RAM && worker->ram >= 0)
		job->map = (uint8_t)worker->ram;
	map = &worker->map[job->map];
	if (!map->used || (needs & ST_NEEDS_RAM && worker->ram < 0))
		return false;

	job->slot = map->slot;
	at = st_below(w, map->nr);
	if (near && near->slot == map->slot && near->first >= map->first &&
	    near->first < map->first + map->nr)
		at = near->first - map->first;

	if (!st_suits(job, map->bits[at]))
		return false;
	for (lo = at; lo > 0 && st_suits(job, map->bits[lo - 1]); lo--) {
		if (needs & ST_NEEDS_UNIFORM && map->bits[lo - 1] != map->bits[at])
			break;
	}
	for (hi = at + 1; hi < map->nr && st_suits(job, map->bits[hi]); hi++) {
		if (needs & ST_NEEDS_UNIFORM && map->bits[hi] != map->bits[at])
			break;
	}
	st_choose_range(w, job, map->first + lo, map->first + hi, near);
	return true;
}

static bool st_free_map(const struct st_worker *worker, struct st_job *job)
{
	for (job->to = 0; job->to < ST_MAPS; job->to++) {
		if (!worker->map[job->to].used)
			return true;
	}
	return false;
}

/* Mostly all of a scratch, for writing. */
static bool st_place_new_map(struct st_world *w, struct st_job *job)
{
	const struct st_worker *worker = &w->worker[job->worker];

	if (!st_free_map(worker, job) || !st_place_fd(w, job, NULL))
		return false;
	if (st_below(w, 3)) {
		job->first = 0;
		job->nr = w->scratch[job->slot].pages;
	}
	job->arg = ST_MAPPED | ST_READ | (st_below(w, 5) ? ST_WRITE : 0);
	if (!(job->arg & ST_WRITE) && st_below(w, 2))
		job->flags |= ST_MAP_PRIVATE;
	if (!st_below(w, 8))
		job->flags |= ST_MAP_POPULATE;
	return true;
}

static bool st_place_ram(struct st_world *w, struct st_job *job)
{
	struct st_worker *worker = &w->worker[job->worker];

	/* Leave it as it is for a while. */
	if (!worker->guest || (worker->ram >= 0 && st_below(w, 4)))
		return false;
	return st_place_map(w, job, NULL);
}

/*
 * Descriptors go to workers that lack one, and return to the coordinator if it has none.
 */
static bool st_place_descriptor(struct st_world *w, struct st_job *job)
{
	const struct st_worker *worker = &w->worker[job->worker];
	const struct st_scratch *s;
	bool has;

	job->slot = (uint8_t)st_below(w, ST_SCRATCHES);
	s = &w->scratch[job->slot];
	has = worker->has[job->slot];
	switch (job->op) {
	case ST_OP_GIVE:
		return s->live && s->fd >= 0 && !has;
	case ST_OP_RETURN:
		return s->live && s->fd < 0 && has;
	case ST_OP_FORGET:
		return s->live && s->fd < 0;
	default:
		return has;
	}
}

/* Choose a place for a job; false if the first that came to mind is no good. */
bool st_place(struct st_world *w, struct st_job *job, const struct st_job *near)
{
	const struct st_worker *worker = &w->worker[job->worker];
	const struct st_op *op = &st_ops[job->op];

	switch (job->op) {
	case ST_OP_MAP:
		return st_place_new_map(w, job);
	case ST_OP_REMAP:
		return st_free_map(worker, job) && st_place_map(w, job, near);
	case ST_OP_RAM:
		return st_place_ram(w, job);
	case ST_OP_HOLD:
		return !worker->hold.used && st_place_map(w, job, near);
	case ST_OP_RELEASE:
		job->slot = worker->hold.slot;
		job->first = worker->hold.first;
		job->nr = worker->hold.nr;
		return worker->hold.used;
	case ST_OP_POOL:
		job->arg = st_below(w, ST_CONTEXTS);
		job->target = st_below(w, 2) ? st_below(w, 512) : 0;
		job->flags |= st_below(w, 4) ? 0 : ST_POOL_WAIT;
		return true;
	}
	if (op->needs & ST_NO_RANGE)
		return st_place_descriptor(w, job);
	if (op->needs & ST_NEEDS_FD)
		return st_place_fd(w, job, near);
	return st_place_map(w, job, near);
}
