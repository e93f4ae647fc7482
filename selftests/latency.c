// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The time for which a call keeps others from a processor.  A thread of real-time
 * priority asks for the processor again and again, while each call of the module is made
 * at its limits, on a kernel that does not preempt calls.  Also the time in which a killed
 * caller ends.
 *
 *	latency			the tests; FZ_PAGES has no meaning here
 *	latency --figures	a table, in instructions where these are counted
 *				(selftests/vm/run --icount), with memfds beside it
 *
 * Bounds are in units.  A unit is the time that a million instructions take on this
 * machine, since the speed of an emulator differs and changes.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "latency.h"

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

/* Units without a scheduling point: 3 are right, and an emulator may be busy. */
#define MOST_UNITS	3
#define SLACK		10
/* Units from the signal to the end of a caller. */
#define KILL_UNITS	100
/* Units of a call that finds 8,000 mappings: 8,000 looks at all of them take 8,000. */
#define VIEWS_UNITS	1500
/* A busy host also delays this test: one undelayed try is enough. */
#define TRIES		10

static double unit_ns;

FIXTURE(latency) {
	struct latency l;
};

FIXTURE_VARIANT(latency) {
	const char *name;
};

#define CASE(name_)	FIXTURE_VARIANT_ADD(latency, name_) { .name = #name_ }
CASE(nothing);
CASE(reset_inplace);
CASE(reset_swap);
CASE(reset_drop);
CASE(reset_auto);
CASE(reset_unmapped);
CASE(reset_sparse);
CASE(reset_huge);
CASE(reset_huge_grows);
CASE(reset_dirty_coarse);
CASE(reset_dirty_fine);
CASE(populate);
CASE(populate_workset);
CASE(populate_empty_workset);
CASE(populate_many_maps);
CASE(populate_many_views);
CASE(workset_read);
CASE(workset_write);
CASE(workset_refused);
CASE(workset_clear);
CASE(pool);
CASE(pool_huge);
CASE(stats);
CASE(pwrite_all);
CASE(pread_all);
CASE(punch);
CASE(munmap_all);
CASE(close_dense);
CASE(close_sparse);
CASE(close_empty);
CASE(close_huge);

FIXTURE_SETUP(latency)
{
	unit_ns = latency_unit_ns();
	if (latency_start(&self->l))
		FZ_SKIP_ALL("no SCHED_FIFO: %s", strerror(errno));
}

FIXTURE_TEARDOWN(latency)
{
	latency_stop(&self->l);
}

TEST_F(latency, no_call_keeps_a_processor)
{
	const struct latency_case *c = latency_find(variant->name);
	long best = LONG_MAX;
	int i;

	ASSERT_NE(NULL, c);
	for (i = 0; i < TRIES && best > MOST_UNITS * SLACK * unit_ns; i++) {
		long worst = latency_measure(&self->l, c, false, 1);

		if (worst == -2)
			SKIP(return, "not on this machine");
		ASSERT_LE(0, worst) TH_LOG("%s: %s", c->name, strerror(errno));
		best = worst < best ? worst : best;
	}
	EXPECT_GE(MOST_UNITS * SLACK, best / unit_ns)
		TH_LOG("%s: %.1f units", c->name, best / unit_ns);
}

/* We share the child's descriptors, so its end ends only the process. */
static long killed_ns(const struct latency_case *c, long wait_us)
{
	struct latency l = { .scale = 1, .ctx = -1, .fd = -1 };
	int ready[2];
	long begin;
	char byte;
	pid_t pid;

	if (pipe(ready) || c->prepare(&l, false))
		return -1;
	pid = fz_fork();
	if (!pid) {
		if (write(ready[1], "", 1) == 1)
			for (;;)
				if (c->call(&l))
					_exit(1);
		_exit(2);
	}
	if (read(ready[0], &byte, 1) != 1)
		return -1;
	usleep((useconds_t)wait_us);
	begin = latency_now();
	kill(pid, SIGKILL);
	fz_wait(pid);
	begin = latency_now() - begin;
	latency_undo(&l);
	close(ready[0]);
	close(ready[1]);
	return begin;
}

FIXTURE(killed) {
	int unused;
};

FIXTURE_VARIANT(killed) {
	const char *name;
};

#define KILLED(name_)	FIXTURE_VARIANT_ADD(killed, name_) { .name = #name_ }
KILLED(reset_inplace);
KILLED(reset_drop);
KILLED(reset_sparse);
KILLED(reset_dirty_coarse);
KILLED(reset_dirty_fine);
KILLED(populate);
KILLED(populate_empty_workset);
KILLED(populate_many_views);
KILLED(workset_read);
KILLED(workset_write);
KILLED(pool);

FIXTURE_SETUP(killed)
{
	unit_ns = latency_unit_ns();
}

FIXTURE_TEARDOWN(killed)
{
}

TEST_F(killed, call_ends_when_killed)
{
	const struct latency_case *c = latency_find(variant->name);
	long best = LONG_MAX;
	int i;

	ASSERT_NE(NULL, c);
	for (i = 0; i < TRIES && best > KILL_UNITS * unit_ns; i++) {
		long ns = killed_ns(c, 3000 * (i + 1));

		ASSERT_LE(0, ns);
		best = ns < best ? ns : best;
	}
	EXPECT_GE(KILL_UNITS, best / unit_ns)
		TH_LOG("%s: %.1f units", c->name, best / unit_ns);
}

/* POPULATE does not walk all mappings of the scratch for each of them. */
TEST(many_mappings_need_few_walks)
{
	const struct latency_case *c = latency_find("populate_many_views");
	struct latency l = { .scale = 1, .ctx = -1, .fd = -1 };
	double unit = latency_unit_ns();
	long ns;

	ASSERT_EQ(0, c->prepare(&l, false));
	ns = latency_now();
	EXPECT_EQ(0, c->call(&l));
	ns = latency_now() - ns;
	TH_LOG("%.0f units", ns / unit);
	EXPECT_GE(VIEWS_UNITS, ns / unit);
	latency_undo(&l);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--figures"))
		return latency_figures();
	return test_harness_run(argc, argv);
}
