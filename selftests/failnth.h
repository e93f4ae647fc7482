/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the nth allocation of a call fail: /proc/thread-self/fail-nth.  A test
 * program includes kselftest_harness.h first.
 */
#ifndef FAILNTH_H
#define FAILNTH_H

#include "fz.h"

#define FN_MOST	20000	/* Limit of allocations in one call: no call makes as many. */

/* Every allocation may fail, not only those that the kernel makes in atomic context. */
static const struct {
	const char *path;
	const char *value;
} fn_settings[] = {
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/cache-filter", "N" },
	{ "failslab/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_usercopy/verbose", "0" },
};

static int fn_fd = -1;

/* Why it cannot be done here, NULL if it can. */
static inline const char *fn_setup(void)
{
	char path[128];
	size_t i;

	fn_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fn_fd < 0)
		return "no /proc/thread-self/fail-nth: CONFIG_FAULT_INJECTION";
	if (access("/sys/kernel/debug/failslab", F_OK) ||
	    access("/sys/kernel/debug/fail_page_alloc", F_OK))
		return "debugfs has no failslab or no fail_page_alloc";
	for (i = 0; i < sizeof(fn_settings) / sizeof(fn_settings[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s",
			 fn_settings[i].path);
		if (!access(path, F_OK) &&
		    fz_write_string(path, fn_settings[i].value))
			return "cannot set up the fault injection";
	}
	return NULL;
}

static inline void fn_arm(unsigned int nth)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fn_fd, text, (size_t)n, 0) != n)
		abort();
}

/* No more failures; whether there was one. */
static inline bool fn_disarm(void)
{
	char left[16] = "";
	bool late = false;

	/* A remaining failure may hit these two, and then did not hit the call. */
	if (pread(fn_fd, left, sizeof(left) - 1, 0) < 0)
		late = true;
	if (pwrite(fn_fd, "0", 1, 0) != 1) {
		late = true;
		if (pwrite(fn_fd, "0", 1, 0) != 1)
			abort();
	}
	return !late && !strcmp(left, "0\n");
}

#define FN_SETUP_OR_SKIP() do {						\
	const char *why_ = fn_setup();					\
	if (why_)							\
		SKIP(return, "%s", why_);				\
} while (0)

#endif
