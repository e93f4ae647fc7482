// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: a report of the operations, for those who look for the cause of an error.
 */
#define _GNU_SOURCE
#include "stress.h"

#define ST_HISTORY	16384	/* jobs that are remembered */
#define ST_SHOWN	16	/* jobs on the wrong page that are printed */

static struct st_job st_history[ST_HISTORY];
static uint64_t st_nr_jobs;
static uint64_t st_done[ST_OP_NONE + 1];
static uint64_t st_races;	/* writes that overlapped a reset */
static uint64_t st_kills;
static uint64_t st_children;

/* Remember the jobs of a round before they are done. */
void st_note_round(const struct st_world *w)
{
	const struct st_job *job;
	enum st_effect effect;

	for (job = w->job; job < w->job + w->workers; job++) {
		st_history[st_nr_jobs++ % ST_HISTORY] = *job;
		st_done[job->op]++;
		st_kills += !!job->kill_us;
		st_children += !!(job->flags & ST_BY_CHILD);
		effect = st_ops[job->op].effect;
		if (effect == ST_WRITES || effect == ST_READS)
			st_races += st_races_a_reset(w, job);
	}
}

static void st_print_job(const struct st_job *job)
{
	const struct st_op *op = &st_ops[job->op];

	printf("# op %llu, round %u, worker %u: %s",
	       (unsigned long long)job->number, job->round, job->worker,
	       op->name);
	if (!(op->needs & ST_NO_RANGE))
		printf(", scratch %u, pages %u to %u", job->slot, job->first,
		       job->first + job->nr - 1);
	if (job->cut_front || job->cut_back)
		printf(", bytes 0x%llx to 0x%llx",
		       (unsigned long long)st_begin(job),
		       (unsigned long long)st_end(job) - 1);
	if (op->needs & ST_NEEDS_MAPS)
		printf(", mapping %u", job->map);
	if (job->op == ST_OP_MAP || job->op == ST_OP_REMAP)
		printf(" -> %u", job->to);
	if (op->effect == ST_WRITES)
		printf(", seed %llx", (unsigned long long)job->seed);
	printf(", arg %u, flags %x", job->arg, job->flags);
	if (job->repeat > 1)
		printf(", %u times", job->repeat);
	if (job->flags & ST_BY_CHILD)
		printf(", by a child");
	if (job->kill_us)
		printf(", killed after %u us", job->kill_us);
	printf("\n");
}

/* The last jobs on a page, or those that changed a worker's mapping of it. */
static void st_print_history(const struct st_job *last, uint64_t offset)
{
	uint32_t page = (uint32_t)(offset / fz_ps);
	const struct st_job *shown[ST_SHOWN];
	uint64_t at = st_nr_jobs;
	uint64_t oldest = at > ST_HISTORY ? at - ST_HISTORY : 0;
	int nr = 0;

	while (at > oldest && nr < ST_SHOWN) {
		const struct st_job *job = &st_history[--at % ST_HISTORY];

		if (job->slot == last->slot && page >= job->first &&
		    page < job->first + job->nr)
			shown[nr++] = job;
	}
	printf("# the last jobs on page %u of scratch %u:\n", page, last->slot);
	while (nr--)
		st_print_job(shown[nr]);
}

static void st_print_bytes(const char *what, const unsigned char *bytes)
{
	int i;

	printf("# %s", what);
	for (i = 0; i < 8; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

/* The mistake of a job. */
void st_report(const struct st_world *w, const struct st_job *job)
{
	static const char * const states[] = { "zero", "known", "raced", "unknown" };
	const struct st_answer *answer = &w->worker[job->worker].answer;
	const struct st_scratch *s = &w->scratch[job->slot];
	uint64_t offset = answer->offset;

	printf("# WRONG: %s", answer->wrong);
	if (answer->err)
		printf(": %s (%d)", strerror(answer->err), answer->err);
	printf("\n");
	st_print_job(job);
	if (st_ops[job->op].effect == ST_READS) {
		printf("# scratch %u of %u pages, offset 0x%llx, its page is %s\n",
		       job->slot, s->pages, (unsigned long long)offset,
		       states[s->state[offset / fz_ps]]);
		st_print_bytes("expected", answer->expected);
		st_print_bytes("found   ", answer->found);
	} else if (!(st_ops[job->op].needs & ST_NO_RANGE)) {
		offset = st_begin(job);
	}
	st_print_history(job, offset);
}

void st_print_summary(void)
{
	int op;

	printf("#");
	for (op = 0; op < ST_OP_NONE; op++)
		printf(" %s %llu", st_ops[op].name,
		       (unsigned long long)st_done[op]);
	printf("\n# by a child %llu, killed %llu, reads and writes over a reset %llu, idle %llu\n",
	       (unsigned long long)st_children, (unsigned long long)st_kills,
	       (unsigned long long)st_races,
	       (unsigned long long)st_done[ST_OP_NONE]);
}
