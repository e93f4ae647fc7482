// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Faulting threads, and a running vCPU, against resets: no stale page.
 *
 *	race			the tests
 *	race --expect-stale [huge]	succeeds only if stale pages are found: run
 *				on a module that was built without the fault
 *				handler's second look, it shows that the tests
 *				can fail
 */
#include "kselftest_harness.h"
#include "race_engine.h"

FIXTURE(race) {
	int unused;
};

FIXTURE_VARIANT(race) {
	struct race_config config;
};

#define RACE(name, mode_, guest_, one_cpu_, resets_)			\
	FIXTURE_VARIANT_ADD(race, name) {				\
		.config = { .mode = mode_, .guest = guest_,		\
			    .one_cpu = one_cpu_, .resets = resets_ } }
#define RACE_ALONE(name, mode_, one_cpu_, resets_)			\
	FIXTURE_VARIANT_ADD(race, alone_##name) {			\
		.config = { .mode = mode_, .alone = true,		\
			    .one_cpu = one_cpu_, .resets = resets_ } }
#define RACE_HUGE(name, mode_, guest_, one_cpu_, resets_)		\
	FIXTURE_VARIANT_ADD(race, huge_##name) {			\
		.config = { .mode = mode_, .guest = guest_, .huge = true, \
			    .one_cpu = one_cpu_, .resets = resets_ } }
/* Threads read and then write, so that each page is mapped for reading first. */
#define RACE_ZEROPAGE(name, mode_, guest_, one_cpu_, resets_)		\
	FIXTURE_VARIANT_ADD(race, zeropage_##name) {			\
		.config = { .mode = mode_, .guest = guest_, .zeropage = true, \
			    .one_cpu = one_cpu_, .resets = resets_ } }

/*
 * 90,000 resets in all.  A fifth of them is done, and in the long variant all of them
 * twice.  On a debug kernel, which serves for its reports, a twentieth is done, or half.  On
 * one CPU the reset preempts the fault, and there most stale pages come.  On two CPUs
 * reset and fault run at the same time.
 */
RACE(drop, FASTZERO_MODE_DROP, false, true, 14000);
RACE(punch, FZ_PUNCH, false, true, 6000);
RACE(auto, FASTZERO_MODE_AUTO, false, true, 6000);
RACE(inplace, FASTZERO_MODE_INPLACE, false, true, 4000);
RACE(guest_drop, FASTZERO_MODE_DROP, true, true, 4000);
RACE(two_cpus_drop, FASTZERO_MODE_DROP, false, false, 4000);
RACE(two_cpus_punch, FZ_PUNCH, false, false, 2000);
RACE(two_cpus_auto, FASTZERO_MODE_AUTO, false, false, 2000);
RACE(two_cpus_inplace, FASTZERO_MODE_INPLACE, false, false, 2000);
RACE(two_cpus_guest_drop, FASTZERO_MODE_DROP, true, false, 2000);
RACE(two_cpus_guest_punch, FZ_PUNCH, true, false, 2000);
RACE(two_cpus_guest_auto, FASTZERO_MODE_AUTO, true, false, 1000);
RACE(two_cpus_guest_inplace, FASTZERO_MODE_INPLACE, true, false, 1000);

RACE(swap, FASTZERO_MODE_SWAP, false, true, 6000);
RACE(two_cpus_swap, FASTZERO_MODE_SWAP, false, false, 2000);
RACE(two_cpus_guest_swap, FASTZERO_MODE_SWAP, true, false, 2000);
RACE_ALONE(swap, FASTZERO_MODE_SWAP, true, 4000);
RACE_ALONE(two_cpus_swap, FASTZERO_MODE_SWAP, false, 6000);
RACE_ALONE(two_cpus_drop, FASTZERO_MODE_DROP, false, 1000);
RACE_HUGE(swap, FASTZERO_MODE_SWAP, false, true, 2000);
RACE_HUGE(drop, FASTZERO_MODE_DROP, false, true, 2000);
RACE_HUGE(auto, FASTZERO_MODE_AUTO, false, true, 1000);
RACE_HUGE(two_cpus_swap, FASTZERO_MODE_SWAP, false, false, 1000);
RACE_HUGE(two_cpus_guest_swap, FASTZERO_MODE_SWAP, true, false, 1000);
RACE_HUGE(two_cpus_guest_drop, FASTZERO_MODE_DROP, true, false, 500);
RACE_HUGE(two_cpus_guest_auto, FASTZERO_MODE_AUTO, true, false, 500);
RACE_ZEROPAGE(drop, FASTZERO_MODE_DROP, false, true, 4000);
RACE_ZEROPAGE(swap, FASTZERO_MODE_SWAP, false, true, 2000);
RACE_ZEROPAGE(two_cpus_drop, FASTZERO_MODE_DROP, false, false, 2000);
RACE_ZEROPAGE(two_cpus_punch, FZ_PUNCH, false, false, 1000);
RACE_ZEROPAGE(two_cpus_auto, FASTZERO_MODE_AUTO, false, false, 1000);
RACE_ZEROPAGE(two_cpus_guest_drop, FASTZERO_MODE_DROP, true, false, 1000);

FIXTURE_SETUP(race)
{
}

FIXTURE_TEARDOWN(race)
{
}

TEST_F(race, no_stale_page)
{
	struct race_config config = variant->config;
	struct race_result r;
	int err;

	config.resets = config.resets * (fz_long() ? 10 : 1) / (fz_slow() > 1 ? 40 : 5);
	err = race_run(&config, &r);
	if (err && variant->config.guest)
		SKIP(return, "no KVM guest: %s", strerror(-err));
	ASSERT_EQ(0, err);
	EXPECT_EQ(0, r.old);
	EXPECT_EQ(0, r.lost);
	EXPECT_EQ(0, r.foreign);
	EXPECT_EQ(0, r.stuck);
	EXPECT_STREQ("", r.first);
	EXPECT_LE(config.resets, r.resets);
}

/* The control: in TAP like the rest. */
static int expect_stale(bool huge)
{
	const struct race_config config = {
		.mode = FASTZERO_MODE_DROP, .one_cpu = true, .huge = huge,
		.resets = 20000, .stop_at = 3,
	};
	struct race_result r;
	int err = race_run(&config, &r);

	ksft_print_header();
	ksft_set_plan(1);
	if (err)
		ksft_exit_fail_msg("cannot run: %s\n", strerror(-err));
	ksft_print_msg("old %ju, lost %ju, foreign %ju in %ju resets; %s\n",
		       (uintmax_t)r.old, (uintmax_t)r.lost,
		       (uintmax_t)r.foreign, (uintmax_t)r.resets, r.first);
	ksft_test_result(race_stale(&r) > 0, "control: stale pages are found\n");
	return race_stale(&r) ? KSFT_PASS : KSFT_FAIL;
}

static void __attribute__((constructor)) take_arguments(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "--expect-stale"))
		exit(expect_stale(argc == 3 && !strcmp(argv[2], "huge")));
}

TEST_HARNESS_MAIN
