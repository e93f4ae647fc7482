// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: the model: the value of every byte, and the owner of every object.
 */
#define _GNU_SOURCE
#include "stress.h"

/* Write the bytes of a job. @base is the address of offset 0 of the scratch. */
void st_fill(const struct st_job *job, unsigned char *base)
{
	uint64_t at;

	if (job->op == ST_OP_GUEST_WRITE) {
		for (at = st_begin(job); at < st_end(job); at += 8)
			*(uint64_t *)(base + at) = job->seed;
	} else {
		fz_fill(base, st_begin(job), st_end(job) - st_begin(job),
			job->seed);
	}
}

unsigned char st_expected(const struct st_scratch *s, uint64_t offset)
{
	return s->state[offset / fz_ps] == ST_ZERO ? 0 : s->shadow[offset];
}

/*
 * First wrong byte of a page, -1 if all are right.  With @lenient each byte may also be
 * zero.
 */
int st_find_wrong(const struct st_scratch *s, uint32_t page,
		  const unsigned char *found, bool lenient)
{
	static const unsigned char zeros[65536];
	uint8_t state = s->state[page];
	const unsigned char *want = state == ST_ZERO ?
				    zeros : s->shadow + page * fz_ps;
	size_t i;

	if (state == ST_UNKNOWN || !memcmp(found, want, fz_ps))
		return -1;
	lenient = lenient || state == ST_RACED;
	for (i = 0; i < fz_ps; i++) {
		if (found[i] != want[i] && !(lenient && !found[i]))
			return (int)i;
	}
	return -1;
}

static bool st_is_whole(const struct st_job *job, uint32_t page)
{
	return page * fz_ps >= st_begin(job) &&
	       (page + 1) * fz_ps <= st_end(job);
}

static void st_apply_zero(struct st_scratch *s, const struct st_job *job,
			  uint32_t page)
{
	uint64_t begin = page * fz_ps;
	uint64_t end = begin + fz_ps;

	if (st_is_whole(job, page)) {
		s->state[page] = ST_ZERO;
		return;
	}
	if (s->state[page] == ST_ZERO)
		return;
	if (begin < st_begin(job))
		begin = st_begin(job);
	if (end > st_end(job))
		end = st_end(job);
	memset(s->shadow + begin, 0, end - begin);
}

/* @zeroed: a reset was at the page at the same time. */
static void st_apply_write(struct st_scratch *s, const struct st_job *job,
			   uint32_t page, bool zeroed)
{
	struct st_job one = *job;

	one.first = page;
	one.nr = 1;
	one.cut_front = page == job->first ? job->cut_front : 0;
	one.cut_back = page == job->first + job->nr - 1 ? job->cut_back : 0;

	if (s->state[page] == ST_ZERO)
		memset(s->shadow + page * fz_ps, 0, fz_ps);
	st_fill(&one, s->shadow);
	if (zeroed)
		s->state[page] = ST_RACED;
	else if (st_is_whole(job, page) || s->state[page] == ST_ZERO)
		s->state[page] = ST_DATA;
}

/* Whether a job of this round resets a page. */
bool st_is_being_reset(const struct st_world *w, uint8_t slot, uint32_t page)
{
	struct st_job one = { .slot = slot, .first = page, .nr = 1 };
	uint32_t i;

	for (i = 0; i < w->workers; i++) {
		if (st_ops[w->job[i].op].effect == ST_ZEROES &&
		    st_overlap(&w->job[i], &one))
			return true;
	}
	return false;
}

/* Whether a job of this round works where another resets. */
bool st_races_a_reset(const struct st_world *w, const struct st_job *job)
{
	uint32_t page;

	for (page = job->first; page < job->first + job->nr; page++) {
		if (st_is_being_reset(w, job->slot, page))
			return true;
	}
	return false;
}

/* Of a round, first the resets, then the stores that may have come after them. */
static void st_apply_contents(struct st_world *w, enum st_effect effect,
			      bool killed)
{
	const struct st_job *job;
	uint32_t page;

	for (job = w->job; job < w->job + w->workers; job++) {
		struct st_scratch *s = &w->scratch[job->slot];

		if (st_ops[job->op].effect != effect ||
		    (killed && !job->kill_us))
			continue;
		for (page = job->first; page < job->first + job->nr; page++) {
			if (killed) {
				s->state[page] = ST_UNKNOWN;
			} else if (effect == ST_ZEROES) {
				st_hold_reset(w, job, page);
				st_apply_zero(s, job, page);
			} else {
				st_apply_write(s, job, page,
					       st_is_being_reset(w, job->slot,
								 page));
			}
		}
	}
}

static bool st_is_empty(const struct st_map *map)
{
	uint32_t i;

	for (i = 0; i < map->nr; i++) {
		if (map->bits[i])
			return false;
	}
	return true;
}

static void st_drop_map(struct st_worker *worker, int i)
{
	worker->map[i].used = false;
	if (worker->ram == i)
		worker->ram = -1;
}

static void st_apply_map(struct st_worker *worker, const struct st_job *job)
{
	struct st_map *to = &worker->map[job->to];

	/* The worker has set the address. */
	to->used = true;
	to->shared = !(job->flags & ST_MAP_PRIVATE);
	to->slot = job->slot;
	to->first = job->first;
	to->nr = job->nr;
	memset(to->bits, (int)job->arg, job->nr);
}

static void st_apply_bits(struct st_worker *worker, const struct st_job *job,
			  uint8_t clear, uint8_t set)
{
	struct st_map *map = &worker->map[job->map];
	uint32_t i;

	for (i = job->first - map->first; i < job->first - map->first + job->nr; i++)
		map->bits[i] = (map->bits[i] & (uint8_t)~clear) | set;
	if (st_is_empty(map))
		st_drop_map(worker, job->map);
}

static void st_apply_forget(struct st_worker *worker, uint32_t slot)
{
	int i;

	worker->has[slot] = false;
	for (i = 0; i < ST_MAPS; i++) {
		if (worker->map[i].used && worker->map[i].slot == slot)
			st_drop_map(worker, i);
	}
}

static void st_apply_process(struct st_world *w, const struct st_job *job)
{
	struct st_worker *worker = &w->worker[job->worker];
	struct st_map *map = &worker->map[job->map];
	struct st_job move = *job;

	switch (job->op) {
	case ST_OP_MAP:
		st_apply_map(worker, job);
		break;
	case ST_OP_UNMAP:
		st_apply_bits(worker, job, 0xff, 0);
		break;
	case ST_OP_PROTECT:
		st_apply_bits(worker, job, ST_READ | ST_WRITE, (uint8_t)job->arg);
		break;
	case ST_OP_REMAP:
		move.arg = map->bits[job->first - map->first];
		move.flags = map->shared ? 0 : ST_MAP_PRIVATE;
		st_apply_bits(worker, job, 0xff, 0);
		st_apply_map(worker, &move);
		break;
	case ST_OP_NOFORK:
		st_apply_bits(worker, job, ST_NOFORK, (uint8_t)job->arg);
		break;
	case ST_OP_LOCK:
		st_apply_bits(worker, job, ST_LOCKED, (uint8_t)job->arg);
		break;
	case ST_OP_RAM:
		worker->ram = job->map;
		break;
	case ST_OP_HOLD:
	case ST_OP_RELEASE:
		st_hold_apply(w, job);
		break;
	case ST_OP_GIVE:
		worker->has[job->slot] = true;
		break;
	case ST_OP_CLOSE:
		worker->has[job->slot] = false;
		break;
	case ST_OP_FORGET:
		st_apply_forget(worker, job->slot);
		break;
	}
}

/* Bring the model up to date with the jobs of the round. */
void st_apply(struct st_world *w)
{
	uint32_t i;

	st_apply_contents(w, ST_ZEROES, false);
	st_apply_contents(w, ST_WRITES, false);
	st_apply_contents(w, ST_ZEROES, true);
	st_apply_contents(w, ST_WRITES, true);
	for (i = 0; i < w->workers; i++)
		st_apply_process(w, &w->job[i]);
}

void st_forget_worker(struct st_worker *worker)
{
	uint32_t slot;

	for (slot = 0; slot < ST_SCRATCHES; slot++)
		st_apply_forget(worker, slot);
	worker->hold.used = false;
}

bool st_is_referred(const struct st_world *w, uint32_t slot)
{
	uint32_t i, m;

	for (i = 0; i < w->workers; i++) {
		if (w->worker[i].has[slot])
			return true;
		for (m = 0; m < ST_MAPS; m++) {
			if (w->worker[i].map[m].used &&
			    w->worker[i].map[m].slot == slot)
				return true;
		}
	}
	return w->scratch[slot].fd >= 0;
}
