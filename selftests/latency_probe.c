// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures how long a thread of real-time priority waits for its processor.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <time.h>

#include "latency.h"

/* How often it wants the processor. */
#define PERIOD_NS	200000
/* Calls that are some million instructions, and how often they are timed. */
#define UNIT_CALLS	4000
#define UNIT_ROUNDS	20
/* --figures: how much larger than in a test. */
#define FIGURES_SCALE	8

long latency_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/*
 * Time of a million instructions, measured by short system calls.  These are kernel code
 * of all kinds, some 250 instructions each.  The least time counts, since others may run.
 */
double latency_unit_ns(void)
{
	long best = LONG_MAX;
	int i, k;

	for (i = 0; i < UNIT_ROUNDS; i++) {
		long begin = latency_now();

		for (k = 0; k < UNIT_CALLS; k++)
			getppid();
		begin = latency_now() - begin;
		best = begin < best ? begin : best;
	}
	return (double)best;
}

static void *probe(void *arg)
{
	struct latency *l = arg;
	long due = latency_now(), late;
	struct timespec until;

	while (!atomic_load(&l->stop)) {
		due += PERIOD_NS;
		until.tv_sec = due / 1000000000L;
		until.tv_nsec = due % 1000000000L;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		late = latency_now() - due;
		if (late > atomic_load(&l->worst))
			atomic_store(&l->worst, late);
		/* Missed wake-ups are not made up for. */
		if (late > 0)
			due += late;
	}
	return NULL;
}

/* On one processor, with everything that the process does. */
int latency_start(struct latency *l)
{
	struct sched_param fifo = { .sched_priority = 50 };
	pthread_attr_t attr;
	cpu_set_t one;
	int err;

	memset(l, 0, sizeof(*l));
	l->ctx = -1;
	l->fd = -1;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return -1;
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &fifo);
	err = pthread_create(&l->prober, &attr, probe, l);
	pthread_attr_destroy(&attr);
	errno = err;
	return err ? -1 : 0;
}

void latency_stop(struct latency *l)
{
	atomic_store(&l->stop, true);
	pthread_join(l->prober, NULL);
	latency_undo(l);
}

/* Time of one call in ns; -1 if it failed, -2 if it does not exist here. */
long latency_measure(struct latency *l, const struct latency_case *c,
		     bool memfd, long scale)
{
	long worst;
	int err;

	l->scale = scale;
	err = c->prepare(l, memfd);
	if (!err && c->unmapped) {
		munmap(l->map, l->size);
		l->map = NULL;
	}
	if (!err) {
		/* Waits that the preparation has caused do not count. */
		usleep(2000);
		atomic_store(&l->worst, 0);
		err = c->call(l);
		usleep(2000);
	}
	worst = atomic_load(&l->worst);
	latency_undo(l);
	return err ?: worst;
}

static void print(long ns)
{
	if (ns == -2)
		printf(" %10s", "-");
	else if (ns < 0)
		printf(" %10s", strerror(errno));
	else
		printf(" %10.2f", (double)ns / 1e6);
	fflush(stdout);
}

int latency_figures(void)
{
	const struct latency_case *c;
	struct latency l;

	if (latency_start(&l)) {
		perror("latency");
		return 1;
	}
	printf("%-24s %10s %10s\n", "ms", "fastzero", "memfd");
	for (c = latency_cases; c->name; c++) {
		printf("%-24s", c->name);
		print(latency_measure(&l, c, false, FIGURES_SCALE));
		print(latency_measure(&l, c, true, FIGURES_SCALE));
		printf("\n");
	}
	latency_stop(&l);
	return 0;
}
