// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faults against resets.  The thread that resets has real-time priority and
 * sleeps for a random time: its wake-up preempts a writer wherever that may be
 * preempted, which is inside the fault handler more often than not.  Every other
 * time it spins instead, so that the writer on the other CPU runs on meanwhile.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

#include "race_internal.h"

long race_now_ns(void)
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
	fz_stay_on(r->config->one_cpu ? 0 : (int)(n % 2));
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
			/* Also unmap neighbours, which the reset may be at. */
			if (r->config->alone && (w->seq ^ round) % 4 == 0)
				madvise((void *)race_word(r, r->map,
							  (int)page / GROUP * GROUP, 0),
					(1 + w->seq % GROUP) * 4096,
					MADV_DONTNEED);
			/* Have the zeros mapped, in one mapping or both. */
			if (r->config->zeropage) {
				(void)*race_word(r, r->second, (int)page, 0);
				if ((w->seq ^ round) % 2)
					(void)*race_word(r, r->map, (int)page, 0);
			}
			*race_word(r, r->map, (int)page,
				   WORD_WRITER + (int)w->index) =
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
		.op = MINIVM_HAMMER, .stride = (uint64_t)r->stride,
		.count = (uint64_t)r->nr_pages,
		.words = 1, .value = GUEST_VALUE, .stop = &r->vcpu_stop,
	};

	run_on(r, 1);
	r->vcpu_err = minivm_run(r->vm, &job, NULL);
	return NULL;
}

void race_pause_ns(long ns, bool spin)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };
	long end = race_now_ns() + ns;

	if (!spin) {
		nanosleep(&t, NULL);
		return;
	}
	while (race_now_ns() < end)
		;
}

/* Some pages are holes, others are populated and not mapped. */
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
		if (pwrite(r->fd, words, sizeof(words),
			   (off_t)race_offset(r, page)) < 0)
			abort();
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
	if (!r->config->huge && page / GROUP == group &&
	    fz_random(&r->random) % 4) {
		c->first = page;
		c->end = page + 1;
	}
	for (t = 0; t < r->nr_writers; t++)
		c->done[t] = r->writers[t].done;
	if (fz_raw_clear(r->fd, race_offset(r, c->first),
			 race_offset(r, c->end - c->first), r->config->mode))
		abort();
	r->result->resets++;
}

/* Resets at random moments, as long as writers work. */
static void reset_some(struct race *r, struct covered *covered)
{
	uint32_t had_turn = 0;
	int i;

	for (i = 0; i < r->nr_groups; i++) {
		uint64_t random = fz_random(&r->random);
		int group;

		race_pause_ns((long)(random % (uint64_t)r->pause_ns),
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
		race_take_freed(r);

	for (t = 0; t < r->nr_writers; t++) {
		uint32_t seen;

		while ((seen = r->writers[t].finished) != round)
			futex_wait(&r->writers[t].finished, seen);
	}
	race_check(r, covered);
	if (r->vm)
		race_check_guest(r);
	if (round % 4 == 3)
		race_check_freed(r);
}

static int start(struct race *r)
{
	struct sched_param param = { .sched_priority = 1 };
	uint32_t policy;
	unsigned int t;
	long begin;
	int err;

	/* A guest takes much longer for a fault. */
	r->nr_groups = r->config->huge ? HUGE_GROUPS :
		       r->config->guest ? 8 : MAX_GROUPS;
	r->nr_pages = r->nr_groups * GROUP;
	r->stride = r->config->huge ? HUGE_STRIDE : 1;
	r->size = race_offset(r, r->nr_pages);
	policy = r->config->huge ? FASTZERO_PAGES_2M : FASTZERO_PAGES_4K;
	run_on(r, 0);
	r->ctx = fz_raw_open();
	r->fd = fz_raw_create(r->ctx, r->size, r->config->zeropage ?
			      FASTZERO_CREATE_ZEROPAGE : 0, policy, 0);
	r->other_fd = fz_raw_create(r->ctx, r->size, 0, policy, 0);
	/* SWAP needs ready folios. */
	if (r->config->huge)
		err = fz_raw_pool_huge(r->ctx, 2 * HUGE_GROUPS, 0);
	else
		err = fz_raw_pool(r->ctx, (uint64_t)r->nr_pages, 0, NULL);
	if (err)
		return -errno;
	r->map = fz_raw_map(r->fd, 0, r->size);
	r->second = r->config->alone ? r->map :
			fz_raw_map(r->fd, 0, r->size);
	r->other = fz_raw_map(r->other_fd, 0, r->size);
	if (r->map == MAP_FAILED || r->second == MAP_FAILED ||
	    r->other == MAP_FAILED)
		return -errno;

	/* A few faults long, and not of a CPU that is shared with a new guest. */
	begin = race_now_ns();
	race_take_freed(r);
	r->pause_ns = 1 + (race_now_ns() - begin) / r->nr_pages * 8;
	race_check_freed(r);

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
	if (r->second != r->map)
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
	while (result->resets < config->resets && !result->stuck &&
	       (!config->stop_at || race_stale(result) < config->stop_at))
		one_round(&r);
	stop(&r);
	return r.vcpu_err;
}
