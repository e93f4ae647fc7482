// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: the operations of a round.
 */
#define _GNU_SOURCE
#include "stress.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

/* Operations that may race with another job of the round. */
static enum st_code st_choose_rival(struct st_world *w, const struct st_job *job,
				    const struct st_job *rival)
{
	bool guest = w->worker[job->worker].guest;

	if (st_ops[rival->op].effect != ST_ZEROES)
		return ST_OP_RESET;
	if (!st_below(w, 4))
		return ST_OP_TOUCH;
	if (st_below(w, 2))
		return ST_OP_CHECK;
	return guest ? ST_OP_GUEST_WRITE : ST_OP_WRITE;
}

static enum st_code st_choose_op(struct st_world *w)
{
	unsigned int sum = 0;
	uint32_t at;
	int op;

	for (op = 0; op < ST_OP_NONE; op++)
		sum += st_ops[op].weight;
	at = st_below(w, sum);
	for (op = 0; at >= st_ops[op].weight; op++)
		at -= st_ops[op].weight;
	return (enum st_code)op;
}

static uint32_t st_choose_mode(struct st_world *w)
{
	uint32_t mode;

	do {
		mode = st_below(w, 32);
	} while (!(w->modes & (1U << mode)));
	return mode;
}

static void st_choose_details(struct st_world *w, struct st_job *job)
{
	static const uint32_t bits[] = { ST_READ | ST_WRITE, ST_READ, 0 };
	static const uint32_t advice[] = { MADV_DONTNEED, MADV_POPULATE_READ,
					   MADV_POPULATE_WRITE };
	unsigned int needs = st_ops[job->op].needs;

	switch (job->op) {
	case ST_OP_RESET:
		job->arg = st_choose_mode(w);
		break;
	case ST_OP_HOLD:
		if (job->nr > ST_HELD)
			job->nr = ST_HELD;
		break;
	case ST_OP_ADVISE:
		job->arg = advice[st_below(w, 3)];
		break;
	case ST_OP_PROTECT:
		job->arg = bits[st_below(w, 5) % 3];
		if (!w->worker[job->worker].map[job->map].shared)
			job->arg &= ~(uint32_t)ST_WRITE;
		break;
	case ST_OP_NOFORK:
		job->arg = st_below(w, 2) ? 0 : ST_NOFORK;
		break;
	case ST_OP_LOCK:
		job->arg = st_below(w, 3) ? 0 : ST_LOCKED;
		break;
	}
	if (needs & ST_BYTES && !st_below(w, 4)) {
		job->cut_front = st_below(w, (uint32_t)fz_ps);
		job->cut_back = st_below(w, (uint32_t)fz_ps);
		if (st_begin(job) >= st_end(job))
			job->cut_back = 0;
	}
}

static bool st_is_known(const struct st_world *w, const struct st_job *job)
{
	uint32_t page;

	for (page = job->first; page < job->first + job->nr; page++) {
		uint8_t state = w->scratch[job->slot].state[page];

		if (state == ST_RACED || state == ST_UNKNOWN)
			return false;
	}
	return true;
}

/* Whether the outcome is known if two jobs are done at the same time. */
static bool st_agree(const struct st_job *a, const struct st_job *b)
{
	enum st_effect first = st_ops[a->op].effect;
	enum st_effect second = st_ops[b->op].effect;

	if (a->op == ST_OP_RETURN && b->op == ST_OP_RETURN)
		return a->slot != b->slot;
	if (first == ST_NOTHING || second == ST_NOTHING || !st_overlap(a, b))
		return true;
	if ((a->flags | b->flags) & ST_ALONE)
		return false;
	if (first == second)
		return first != ST_WRITES;
	if (second != ST_ZEROES)
		return first == ST_ZEROES && st_agree(b, a);

	/* A reset against a write or a read, @a. */
	if (first == ST_READS)
		return a->op != ST_OP_GUEST_SUM;
	return !a->cut_front && !a->cut_back && !b->cut_front && !b->cut_back;
}

/* Jobs that are not planned yet do nothing. */
static bool st_fits(const struct st_world *w, const struct st_job *job)
{
	const struct st_job *other;

	if (job->op == ST_OP_GUEST_SUM && !st_is_known(w, job))
		return false;
	for (other = w->job; other < w->job + w->workers; other++) {
		if (other != job && !st_agree(job, other))
			return false;
	}
	return true;
}

/* Jobs that take place where others do, or just did, are the interesting ones. */
static const struct st_job *st_choose_near(struct st_world *w,
					   const struct st_job *job)
{
	uint32_t planned = (uint32_t)(job - w->job);
	const struct st_job *near;

	if (planned && st_below(w, 4))
		near = &w->job[st_below(w, planned)];
	else if (st_below(w, 3))
		near = &w->before[st_below(w, w->workers)];
	else
		return NULL;
	return near->nr ? near : NULL;
}

/* Find a place for the operation of a job; it may need some tries. */
static bool st_plan_place(struct st_world *w, struct st_job *job,
			  const struct st_job *near)
{
	const struct st_op *op = &st_ops[job->op];
	const struct st_job blank = *job;
	int tries;

	if (op->needs & ST_NEEDS_RAM && !w->worker[job->worker].guest)
		return false;
	for (tries = 0; tries < 12; tries++) {
		*job = blank;
		if (op->needs & ST_ONLY_BY_CHILD ||
		    (!(op->needs & ST_NOT_BY_CHILD) && !st_below(w, 12)))
			job->flags |= ST_BY_CHILD;
		if ((job->op == ST_OP_CHECK || job->op == ST_OP_TOUCH) &&
		    st_below(w, 2))
			job->flags |= ST_REFAULT;
		if (!st_place(w, job, tries < 4 ? near : NULL))
			continue;
		st_choose_details(w, job);
		if (st_fits(w, job))
			return true;
	}
	return false;
}

static void st_choose_job(struct st_world *w, struct st_job *job,
			  const struct st_job *blank)
{
	const struct st_job *near;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		near = st_choose_near(w, job);
		*job = *blank;
		if (near && near < job && near >= w->job && st_below(w, 2) &&
		    (st_ops[near->op].effect != ST_NOTHING ||
		     near->op == ST_OP_TOUCH))
			job->op = (uint8_t)st_choose_rival(w, job, near);
		else
			job->op = (uint8_t)st_choose_op(w);
		if (st_plan_place(w, job, near))
			return;
	}
	*job = *blank;
}

static void st_plan_job(struct st_world *w, struct st_job *job)
{
	const struct st_job blank = *job;
	bool guest = w->worker[job->worker].guest;

	st_choose_job(w, job, &blank);
	if (job->flags & ST_BY_CHILD) {
		if (!st_below(w, 4))
			job->kill_us = 1 + st_below(w, 2000);
	} else if (job->op != ST_OP_RETURN && !st_below(w, guest ? 2000 : 150)) {
		job->kill_us = 1 + st_below(w, 1500);
	}
}

/*
 * The check after a race of a fault with a reset: the racer's mapping shows the
 * scratch's present data.
 */
static struct st_job *st_plan_follow_up(struct st_world *w)
{
	struct st_follow *follow = &w->follow;
	const struct st_job *racer = &follow->racer;
	struct st_job *job = &w->job[racer->worker];

	if (!follow->stage)
		return NULL;
	if (follow->stage == 1) {
		job = &w->job[st_below(w, w->workers)];
		job->op = ST_OP_RESET;
		job->arg = st_below(w, 4) && w->modes & 1 << FASTZERO_MODE_INPLACE ?
			   FASTZERO_MODE_INPLACE : st_choose_mode(w);
	} else {
		job->op = ST_OP_CHECK;
	}
	job->slot = racer->slot;
	job->map = racer->map;
	job->first = racer->first;
	job->nr = racer->nr;
	job->flags = ST_ALONE;
	if (racer->op == ST_OP_GUEST_WRITE && follow->stage == 2 &&
	    w->worker[job->worker].ram == job->map && st_is_known(w, job))
		job->op = ST_OP_GUEST_SUM;
	if (follow->stage == 1 ? w->worker[job->worker].has[job->slot] :
				 st_is_suited(w, job)) {
		follow->stage = (follow->stage + 1) % 3;
		return job;
	}
	follow->stage = 0;
	job->op = ST_OP_NONE;
	job->nr = 0;
	job->flags = 0;
	return NULL;
}

/* Whether the round that is over was a race through a mapping. */
static void st_find_race(struct st_world *w)
{
	const struct st_job *job;

	for (job = w->job; job < w->job + w->workers && !w->follow.stage; job++) {
		if (st_ops[job->op].needs & (ST_NEEDS_READ | ST_NEEDS_WRITE) &&
		    !(job->flags & ST_BY_CHILD) && !job->kill_us &&
		    st_ops[job->op].effect != ST_ZEROES &&
		    st_races_a_reset(w, job)) {
			w->follow.racer = *job;
			w->follow.stage = 1;
		}
	}
}

/* Small ranges are repeated more often, so that the jobs have time to meet. */
static void st_choose_repeat(struct st_world *w, struct st_job *job)
{
	uint32_t most = 6;

	if (st_ops[job->op].needs & ST_NOT_BY_CHILD || st_below(w, 2))
		return;
	if (st_ops[job->op].effect == ST_ZEROES || st_races_a_reset(w, job))
		most += 128 / job->nr;
	job->repeat = 2 + st_below(w, most);
	if (st_ops[job->op].effect == ST_ZEROES && st_below(w, 2))
		job->flags |= ST_URGENT;
}

/* Pages that are surely there when the only reset of a range begins. */
static uint32_t st_count_data(const struct st_world *w, const struct st_job *job)
{
	uint32_t nr = 0;
	uint32_t page, i;

	for (i = 0; i < w->workers; i++) {
		if (&w->job[i] != job && st_overlap(&w->job[i], job) &&
		    st_ops[w->job[i].op].effect == ST_ZEROES)
			return 0;
	}
	for (page = job->first; page < job->first + job->nr; page++)
		nr += w->scratch[job->slot].state[page] == ST_DATA;
	return nr;
}

/* Plan the jobs of all workers. */
void st_plan_round(struct st_world *w, uint32_t round)
{
	const struct st_job *follow_up;
	struct st_job *job;
	uint32_t i;

	st_find_race(w);
	memcpy(w->before, w->job, sizeof(w->before));
	for (i = 0; i < w->workers; i++) {
		const struct st_job blank = {
			.number = w->number, .round = round, .repeat = 1,
			.worker = (uint8_t)i, .op = ST_OP_NONE,
			.seed = w->number * 0x9e3779b97f4a7c15ULL |
				0x0101010101010101ULL,
		};

		w->job[i] = blank;
		w->number++;
	}
	follow_up = st_plan_follow_up(w);
	for (job = w->job; job < w->job + w->workers; job++) {
		if (job != follow_up)
			st_plan_job(w, job);
	}
	for (job = w->job; job < w->job + w->workers; job++) {
		if (job != follow_up)
			st_choose_repeat(w, job);
		if (job->op == ST_OP_RESET && job->repeat == 1)
			job->least = st_count_data(w, job);
	}
}
