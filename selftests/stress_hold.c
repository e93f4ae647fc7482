// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: pages that a pipe holds.  As long as a page stays in its place, the pipe shows
 * the scratch's data.  A dropped page keeps its data.
 */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "stress.h"

void st_run_hold(struct st_self *self, const struct st_job *job)
{
	struct iovec iov = {
		.iov_base = st_base(self, job) + st_begin(job),
		.iov_len = job->nr * fz_ps,
	};

	if (self->pipe[0] < 0 && pipe2(self->pipe, O_CLOEXEC)) {
		st_wrong(self, "no pipe", errno);
		return;
	}
	if (vmsplice(self->pipe[1], &iov, 1, SPLICE_F_NONBLOCK) !=
	    (ssize_t)iov.iov_len)
		st_wrong(self, "vmsplice fails", errno);
}

/* Offset in the page of the first wrong byte, -1 if all are right. */
static int st_find_wrong_held(struct st_self *self, const struct st_job *job,
			      uint32_t i, const unsigned char *found)
{
	const struct st_hold *hold = &self->me->hold;
	const unsigned char *copy = hold->copy + i * fz_ps;
	uint32_t at;

	switch (hold->state[i]) {
	case ST_FOLLOWS:
		return st_find_wrong(&self->w->scratch[job->slot],
				     job->first + i, found,
				     st_is_being_reset(self->w, job->slot,
						       job->first + i));
	case ST_FROZEN:
		for (at = 0; at < fz_ps; at++) {
			if (found[at] != copy[at])
				return (int)at;
		}
		break;
	}
	return -1;
}

static void st_wrong_held(struct st_self *self, const struct st_job *job,
			  uint32_t i, uint32_t bad, const unsigned char *found)
{
	const struct st_scratch *s = &self->w->scratch[job->slot];
	struct st_answer *answer = &self->me->answer;
	const struct st_hold *hold = &self->me->hold;
	bool frozen = hold->state[i] == ST_FROZEN;
	uint32_t k;

	if (answer->wrong)
		return;
	st_wrong(self, frozen ? "a dropped page changed in the pipe" :
			"the pipe shows something else than the scratch", 0);
	answer->offset = (job->first + i) * fz_ps + bad;
	memcpy(answer->found, found + bad, sizeof(answer->found));
	for (k = 0; k < sizeof(answer->expected); k++)
		answer->expected[k] = frozen ? hold->copy[i * fz_ps + bad + k] :
					       st_expected(s, answer->offset + k);
}

void st_run_release(struct st_self *self, const struct st_job *job)
{
	static unsigned char page[65536];
	uint32_t i;
	int bad;

	for (i = 0; i < job->nr; i++) {
		if (read(self->pipe[0], page, fz_ps) != (ssize_t)fz_ps) {
			st_wrong(self, "the pipe has lost pages", errno);
			return;
		}
		bad = st_find_wrong_held(self, job, i, page);
		if (bad >= 0)
			st_wrong_held(self, job, i, (uint32_t)bad & ~7U, page);
	}
}

/* The page leaves the scratch: the pipe keeps its present data. */
static void st_freeze(const struct st_scratch *s, struct st_hold *hold,
		      uint32_t page)
{
	uint32_t i = page - hold->first;
	unsigned char *copy = hold->copy + i * fz_ps;

	if (s->state[page] == ST_RACED || s->state[page] == ST_UNKNOWN) {
		hold->state[i] = ST_LOST;
		return;
	}
	if (s->state[page] == ST_ZERO)
		memset(copy, 0, fz_ps);
	else
		memcpy(copy, s->shadow + page * fz_ps, fz_ps);
	hold->state[i] = ST_FROZEN;
}

static bool st_drops(const struct st_job *job)
{
	return job->op == ST_OP_PUNCH || job->op == ST_OP_REMOVE ||
	       (job->op == ST_OP_RESET && (job->arg == FASTZERO_MODE_DROP ||
					   job->arg == FASTZERO_MODE_SWAP));
}

/* Whether a job resets all of the chunk of a page. */
static bool st_is_whole_chunk(const struct st_job *job, uint32_t page)
{
	uint64_t chunk = 512 * fz_ps;
	uint64_t begin = page * fz_ps / chunk * chunk;

	return st_begin(job) <= begin && st_end(job) >= begin + chunk;
}

/* Whether another job writes or resets a page while @job drops it. */
static bool st_is_disputed(const struct st_world *w, const struct st_job *job,
			   uint32_t page)
{
	const struct st_job *other;

	for (other = w->job; other < w->job + w->workers; other++) {
		if (other != job && other->slot == job->slot &&
		    page >= other->first && page < other->first + other->nr &&
		    (st_ops[other->op].effect == ST_ZEROES ||
		     st_ops[other->op].effect == ST_WRITES ||
		     other->op == ST_OP_HOLD))
			return true;
	}
	return job->kill_us;
}

/* Before the model hears of a reset of a page. */
void st_hold_reset(struct st_world *w, const struct st_job *job, uint32_t page)
{
	struct st_hold *hold;
	uint32_t i;

	if (!st_drops(job) || page * fz_ps < st_begin(job) ||
	    (page + 1) * fz_ps > st_end(job))
		return;
	for (i = 0; i < w->workers; i++) {
		hold = &w->worker[i].hold;
		if (!hold->used || hold->slot != job->slot ||
		    page < hold->first || page >= hold->first + hold->nr ||
		    hold->state[page - hold->first] != ST_FOLLOWS)
			continue;
		/* A part of a huge folio is cleared where it is. */
		if (st_is_disputed(w, job, page) ||
		    (w->scratch[job->slot].huge &&
		     !st_is_whole_chunk(job, page)))
			hold->state[page - hold->first] = ST_LOST;
		else
			st_freeze(&w->scratch[job->slot], hold, page);
	}
}

/* After all resets of the round. */
void st_hold_apply(struct st_world *w, const struct st_job *job)
{
	struct st_hold *hold = &w->worker[job->worker].hold;
	uint32_t i;

	hold->used = job->op == ST_OP_HOLD;
	hold->slot = job->slot;
	hold->first = job->first;
	hold->nr = job->nr;
	for (i = 0; i < job->nr; i++)
		hold->state[i] = st_is_being_reset(w, job->slot, job->first + i) ?
				 ST_LOST : ST_FOLLOWS;
}

/* The scratch of a slot is gone. */
void st_hold_bury(struct st_world *w, uint32_t slot)
{
	struct st_hold *hold;
	uint32_t i, page;

	for (i = 0; i < w->workers; i++) {
		hold = &w->worker[i].hold;
		if (!hold->used || hold->slot != slot)
			continue;
		for (page = hold->first; page < hold->first + hold->nr; page++) {
			if (hold->state[page - hold->first] == ST_FOLLOWS)
				st_freeze(&w->scratch[slot], hold, page);
		}
	}
}
