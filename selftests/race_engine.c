// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults against resets.  The thread that resets has real-time priority and
 * sleeps for a random time: its wake-up preempts a writer wherever that may be
 * preempted, which is inside the fault handler more often than not.  Every other
 * time it spins instead, so that the writer on the other CPU runs on meanwhile.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "minivm.h"
#include "race_engine.h"

/* Each group of pages is reset once in a round at most. */
#define GROUP		4
#define MAX_GROUPS	32
#define NR_WRITERS	2
#define WORDS		(4096 / 8)

/* Words of a page: the guest's, one for each writer, and others. */
#define WORD_GUEST	0
#define WORD_WRITER	1
#define WORD_TOKEN	5
#define WORD_OLD	6
#define WORD_FOREIGN	7

#define OLD		0x01d01d01d01d01dULL
#define GUEST_VALUE	0x6e6e6e6e6e6e6e6eULL

struct writer {
	struct race *race;
	pthread_t thread;
	unsigned int index;
	uint64_t seq;
	_Atomic uint64_t done;		/* last store that is over */
	_Atomic uint32_t finished;	/* last round that is over */
	_Atomic uint32_t page;		/* where it is */
};

/* What a reset has covered, and what was done before it began. */
struct covered {
	int first;
	int end;
	uint64_t done[NR_WRITERS];
};

struct race {
	const struct race_config *config;
	struct race_result *result;
	int nr_groups;
	int nr_pages;
	size_t size;
	int ctx;
	int fd;
	int other_fd;
	volatile uint64_t *map;
	volatile uint64_t *second;
	volatile uint64_t *other;
	struct writer writers[NR_WRITERS];
	unsigned int nr_writers;
	_Atomic uint32_t round;
	_Atomic uint32_t stop;
	uint64_t random;
	long pause_ns;			/* longest pause before a reset */
	struct minivm *vm;
	pthread_t vcpu;
	uint32_t vcpu_stop;
	int vcpu_err;
};

static long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 64, NULL, NULL, 0);
}

/* The n-th writer's CPU; the resetting thread shares one with the first. */
static void run_on(const struct race *r, unsigned int n)
{
	int cpu = r->config->one_cpu ? 0 : (int)(n % 2);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct race *r = w->race;
	uint32_t last = 0;
	int i;

	run_on(r, w->index);
	for (;;) {
		uint32_t round;

		while ((round = r->round) == last)
			futex_wait(&r->round, last);
		if (r->stop)
			return NULL;
		last = round;
		for (i = 0; i < r->nr_pages; i++) {
			unsigned int page = (i * 5 + round * 3 +
				w->index * 64) % (unsigned int)r->nr_pages;

			w->page = page;
			r->map[page * WORDS + WORD_WRITER + w->index] =
				++w->seq << 8 | (w->index + 1);
			w->done = w->seq;
		}
		w->finished = round;
		futex_wake(&w->finished);
	}
}

static void *vcpu_main(void *arg)
{
	struct race *r = arg;
	struct minivm_job job = {
		.op = MINIVM_HAMMER, .stride = 1,
		.count = (uint64_t)r->nr_pages,
		.words = 1, .value = GUEST_VALUE, .stop = &r->vcpu_stop,
	};

	run_on(r, 1);
	r->vcpu_err = minivm_run(r->vm, &job, NULL);
	return NULL;
}

/* Notes a stale page. */
static void note(struct race *r, uint64_t *counter, const char *what, int page,
		 uint64_t value)
{
	++*counter;
	if (!r->result->first[0])
		snprintf(r->result->first, sizeof(r->result->first),
			 "after %ju resets: page %d: %s, value %#jx",
			 (uintmax_t)r->result->resets, page, what,
			 (uintmax_t)value);
}

static void pause_ns(long ns, bool spin)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };
	long end = now_ns() + ns;

	if (!spin) {
		nanosleep(&t, NULL);
		return;
	}
	while (now_ns() < end)
		;
}

/* Holes in some places, pages that nobody has mapped in others. */
static void prepare(struct race *r)
{
	uint64_t words[8] = { [WORD_OLD] = OLD };
	uint64_t pages = 0;
	int page;

	fz_raw_clear(r->fd, 0, r->size, FASTZERO_MODE_DROP);
	for (page = 0; page < r->nr_pages; page++) {
		if (page % 64 == 0)
			pages = fz_random(&r->random);
		if (pages >> page % 64 & 1)
			continue;
		if (pwrite(r->fd, words, sizeof(words), page * 4096L) < 0)
			abort();
	}
}

/* The second scratch takes what the reset has freed. */
static void take_freed(struct race *r)
{
	int page;

	for (page = 0; page < r->nr_pages; page++)
		r->other[page * WORDS + WORD_FOREIGN] = OLD;
}

static void check_freed(struct race *r)
{
	int page, i;

	for (page = 0; page < r->nr_pages; page++) {
		for (i = 0; i < 8; i++) {
			uint64_t value = r->other[page * WORDS + i];

			if (value != (i == WORD_FOREIGN ? OLD : 0))
				note(r, &r->result->foreign,
				     "a store in another scratch", page, value);
		}
	}
	fz_raw_clear(r->other_fd, 0, r->size, FASTZERO_MODE_DROP);
}

/* Nothing from before the reset in words of a page that it covered. */
static void check_old(struct race *r, int page, const volatile uint64_t *words,
		      const uint64_t *done, const char *view)
{
	unsigned int t;

	if (words[WORD_OLD])
		note(r, &r->result->old, view, page, words[WORD_OLD]);
	for (t = 0; t < r->nr_writers; t++) {
		uint64_t value = words[WORD_WRITER + t];

		if (value && value >> 8 <= done[t])
			note(r, &r->result->old, view, page, value);
	}
}

static void check(struct race *r, const struct covered *covered)
{
	uint64_t words[8];
	int page;

	for (page = 0; page < r->nr_pages; page++) {
		const struct covered *c = &covered[page / GROUP];
		volatile uint64_t *here = r->map + page * WORDS;
		bool was_reset = page >= c->first && page < c->end;
		uint64_t token = fz_random(&r->random);

		if (was_reset)
			check_old(r, page, here, c->done, "old in the mapping");
		here[WORD_TOKEN] = token;
		memset(words, 0xff, sizeof(words));
		if (pread(r->fd, words, sizeof(words), page * 4096L) !=
		    sizeof(words))
			abort();
		if (was_reset)
			check_old(r, page, words, c->done, "old in pread");
		if (words[WORD_TOKEN] != token)
			note(r, &r->result->lost, "a store lost to pread",
			     page, words[WORD_TOKEN]);
		if (r->round % 4 == 0 &&
		    r->second[page * WORDS + WORD_TOKEN] != token)
			note(r, &r->result->lost,
			     "a store lost to another mapping", page,
			     r->second[page * WORDS + WORD_TOKEN]);
	}
}

/* The guest never rests: its stores must come back into every page. */
static void check_guest(struct race *r)
{
	long begin = now_ns();
	int page;

	for (page = 0; page < r->nr_pages; page++) {
		uint64_t value = 0;

		for (;;) {
			if (pread(r->fd, &value, 8, page * 4096L +
				  8 * WORD_GUEST) == 8 && value)
				break;
			if (now_ns() - begin > 5000000000L) {
				note(r, &r->result->stuck,
				     "no store of the guest arrives", page, 0);
				return;
			}
			pause_ns(20000, false);
		}
		if (value != GUEST_VALUE)
			note(r, &r->result->old, "not what the guest writes",
			     page, value);
	}
}

/* The group where a writer is now, or if that had its turn, another. */
static int choose_group(struct race *r, uint32_t had_turn)
{
	uint64_t random = fz_random(&r->random);
	int group = (int)(r->writers[random % r->nr_writers].page / GROUP);

	while (had_turn >> group & 1)
		group = (group + 1) % r->nr_groups;
	return group;
}

/* A guest never rests. */
static bool all_finished(struct race *r)
{
	unsigned int t;

	if (r->vm)
		return false;

	for (t = 0; t < r->nr_writers; t++) {
		if (r->writers[t].finished != r->round)
			return false;
	}
	return true;
}

/* Resets a group, or one page of it. */
static void reset_one(struct race *r, int group, struct covered *c)
{
	unsigned int t = fz_random(&r->random) % r->nr_writers;
	int page = (int)r->writers[t].page;

	c->first = group * GROUP;
	c->end = c->first + GROUP;
	if (page / GROUP == group && fz_random(&r->random) % 4) {
		c->first = page;
		c->end = page + 1;
	}
	for (t = 0; t < r->nr_writers; t++)
		c->done[t] = r->writers[t].done;
	if (fz_raw_clear(r->fd, (uint64_t)c->first * 4096,
			 (uint64_t)(c->end - c->first) * 4096, r->config->mode))
		abort();
	r->result->resets++;
}

/* Resets at random moments, as long as there are writers at work. */
static void reset_some(struct race *r, struct covered *covered)
{
	uint32_t had_turn = 0;
	int i;

	for (i = 0; i < r->nr_groups; i++) {
		uint64_t random = fz_random(&r->random);
		int group;

		pause_ns((long)(random % (uint64_t)r->pause_ns),
			 random >> 63 && !r->config->one_cpu);
		if (all_finished(r))
			break;
		group = choose_group(r, had_turn);
		had_turn |= 1U << group;
		reset_one(r, group, &covered[group]);
	}
}

static void one_round(struct race *r)
{
	struct covered covered[MAX_GROUPS] = { 0 };
	uint32_t round = r->round + 1;
	unsigned int t;

	prepare(r);
	r->round = round;
	futex_wake(&r->round);
	reset_some(r, covered);
	if (round % 4 == 3)
		take_freed(r);

	for (t = 0; t < r->nr_writers; t++) {
		uint32_t seen;

		while ((seen = r->writers[t].finished) != round)
			futex_wait(&r->writers[t].finished, seen);
	}
	check(r, covered);
	if (r->vm)
		check_guest(r);
	if (round % 4 == 3)
		check_freed(r);
}

static int start(struct race *r)
{
	struct sched_param param = { .sched_priority = 1 };
	unsigned int t;
	long begin;
	int err;

	/* A guest takes much longer for a fault. */
	r->nr_groups = r->config->guest ? 8 : MAX_GROUPS;
	r->nr_pages = r->nr_groups * GROUP;
	r->size = (size_t)r->nr_pages * 4096;
	run_on(r, 0);
	r->ctx = fz_raw_open();
	r->fd = fz_raw_create(r->ctx, r->size, 0, 0, 0);
	r->other_fd = fz_raw_create(r->ctx, r->size, 0, 0, 0);
	r->map = fz_raw_map(r->fd, 0, r->size);
	r->second = fz_raw_map(r->fd, 0, r->size);
	r->other = fz_raw_map(r->other_fd, 0, r->size);
	if (r->map == MAP_FAILED || r->second == MAP_FAILED ||
	    r->other == MAP_FAILED)
		return -errno;

	if (r->config->guest) {
		err = minivm_new(&r->vm);
		if (err)
			return err;
		err = minivm_set_ram(r->vm, (void *)r->map, r->size);
		if (err)
			return err;
		if (pthread_create(&r->vcpu, NULL, vcpu_main, r))
			return -EAGAIN;
	}
	/* One CPU is the guest's. */
	r->nr_writers = NR_WRITERS - (r->vm != NULL);
	/* A few faults long. */
	begin = now_ns();
	take_freed(r);
	r->pause_ns = 1 + (now_ns() - begin) / r->nr_pages * 8;
	check_freed(r);

	for (t = 0; t < r->nr_writers; t++) {
		r->writers[t].race = r;
		r->writers[t].index = t;
		if (pthread_create(&r->writers[t].thread, NULL, writer_main,
				   &r->writers[t]))
			return -EAGAIN;
	}
	return sched_setscheduler(0, SCHED_FIFO, &param) ? -errno : 0;
}

static void stop(struct race *r)
{
	struct sched_param param = { 0 };
	unsigned int t;

	sched_setscheduler(0, SCHED_OTHER, &param);
	r->stop = 1;
	r->round++;
	futex_wake(&r->round);
	for (t = 0; t < r->nr_writers; t++)
		pthread_join(r->writers[t].thread, NULL);
	if (r->vm) {
		r->vcpu_stop = 1;
		pthread_join(r->vcpu, NULL);
		minivm_free(r->vm);
	}
	munmap((void *)r->map, r->size);
	munmap((void *)r->second, r->size);
	munmap((void *)r->other, r->size);
	close(r->other_fd);
	close(r->fd);
	close(r->ctx);
}

int race_run(const struct race_config *config, struct race_result *result)
{
	struct race r = { .config = config, .result = result,
			  .random = config->mode };
	int err;

	memset(result, 0, sizeof(*result));
	err = start(&r);
	if (err)
		return err;
	while (result->resets < config->resets &&
	       (!config->stop_at || race_stale(result) < config->stop_at))
		one_round(&r);
	stop(&r);
	return r.vcpu_err;
}
