// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The clock: nanoseconds, or instructions where the machine counts them.
 */
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#define TICKS		5
#define JUMP		400		/* instructions: another task ran */
#define SETTLED_NS	200000ull	/* a tick and its softirqs are over */

static struct {
	bool instructions;
	uint64_t period;	/* ns from tick to tick */
	uint64_t phase;		/* when ticks are, modulo the period */
} the;

bool clock_counts_instructions(void)
{
	return the.instructions;
}

const char *clock_unit(void)
{
	return the.instructions ? "instructions" : "ns";
}

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

#ifdef __x86_64__
static uint64_t counter(void)
{
	return __rdtsc();
}

/* Exactly 2 * @rounds instructions, for our purposes. */
static void spin(uint32_t rounds)
{
	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(rounds) : : "cc");
}

/* As the kernel's clear_page. */
static void clear_words(void *mem, size_t words)
{
	__asm__ volatile("rep stosq" : "+D"(mem), "+c"(words) : "a"(0) : "memory");
}
#else
/* Other processors have no counter that is exact to one instruction: the unit is ns. */
static uint64_t counter(void)
{
	return 0;
}

static void spin(uint32_t rounds)
{
	(void)rounds;
}

static void clear_words(void *mem, size_t words)
{
	memset(mem, 0, words * 8);
}
#endif

uint64_t clock_now(void)
{
	return the.instructions ? counter() : clock_ns();
}

/* Two lengths, so that the code around the loop does not matter. */
static bool find_unit(void)
{
	enum { ROUNDS = 10000, TRIES = 9 };
	uint64_t t0, t1, t2;
	int hits = 0, i;

	for (i = 0; i < TRIES; i++) {
		t0 = counter();
		spin(ROUNDS);
		t1 = counter();
		spin(2 * ROUNDS);
		t2 = counter();
		hits += (t2 - t1) - (t1 - t0) == 2 * ROUNDS;
	}
	return hits > TRIES / 2;
}

/* When another task runs, the counter jumps; mostly that is the tick. */
static uint64_t next_jump(void)
{
	uint64_t before, after = counter();

	do {
		before = after;
		spin(100);
		after = counter();
	} while (after - before < JUMP);
	return clock_ns();
}

static void find_ticks(void)
{
	static const uint64_t periods[] = { 1000000, 3333333, 4000000, 10000000 };
	uint64_t last = next_jump(), least = UINT64_MAX, at = 0, now;
	size_t i, best = 0;
	int n;

	for (n = 0; n < TICKS; n++) {
		now = next_jump();
		if (now - last < least && now - last > periods[0] / 2)
			least = now - last;
		at = now;
		last = now;
	}
	for (i = 1; i < sizeof(periods) / sizeof(periods[0]); i++)
		if (llabs((long long)(least - periods[i])) <
		    llabs((long long)(least - periods[best])))
			best = i;
	the.period = periods[best];
	the.phase = at % the.period;
}

/* Failures only mean that the figures vary more. */
static void write_setting(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		errno = 0;
	close(fd);
}

void clock_share(bool share)
{
	struct sched_param param = { .sched_priority = !share };

	if (the.instructions)
		sched_setscheduler(0, share ? SCHED_OTHER : SCHED_FIFO, &param);
}

void clock_init(void)
{
	the.instructions = find_unit();
	if (!the.instructions)
		return;
	write_setting("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	write_setting("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
		      "4000000000");
	clock_share(false);
	find_ticks();
}

static void sleep_until(uint64_t at)
{
	struct timespec ts = { .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void clock_quiet(void)
{
	uint64_t at;

	if (!the.instructions)
		return;
	at = clock_ns() + the.period;
	sleep_until(at + the.period - (at - the.phase) % the.period + SETTLED_NS);
}

void clock_pause(uint64_t us)
{
	uint64_t at = clock_ns() + us * 1000;

	if (the.instructions && us * 1000 >= 2 * the.period)
		at += SETTLED_NS - (at - the.phase) % the.period;
	sleep_until(at);
}

void clock_quiet_again(uint64_t since)
{
	if (the.instructions && clock_now() - since > the.period / 2)
		clock_quiet();
}

uint64_t clock_overhead(void)
{
	uint64_t least = UINT64_MAX, begin, end;
	int i;

	clock_quiet();
	for (i = 0; i < 9; i++) {
		begin = clock_now();
		end = clock_now();
		if (end - begin < least)
			least = end - begin;
	}
	return least;
}

static uint64_t cost_of_memset(void *mem, size_t size)
{
	uint64_t begin = clock_now();

	memset(mem, 0, size);
	__asm__ volatile("" : : "r"(mem) : "memory");
	return clock_now() - begin;
}

static uint64_t cost_of_words(void *mem, size_t size)
{
	uint64_t begin = clock_now();

	clear_words(mem, size / 8);
	return clock_now() - begin;
}

int clock_clear_cost(struct clear_cost *cost)
{
	enum { PAGE = 4096, PAGES = 16 };
	void *mem;

	memset(cost, 0, sizeof(*cost));
	if (!the.instructions)
		return 0;
	mem = mmap(NULL, 2 * PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (mem == MAP_FAILED)
		return -errno;
	clock_quiet();
	cost->user = (cost_of_memset(mem, 2 * PAGES * PAGE) -
		      cost_of_memset(mem, PAGES * PAGE)) / PAGES;
	cost->kernel = (cost_of_words(mem, 2 * PAGES * PAGE) -
			cost_of_words(mem, PAGES * PAGE)) / PAGES;
	munmap(mem, 2 * PAGES * PAGE);
	return 0;
}
