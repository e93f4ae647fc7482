/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What most fixtures have: a context, and a scratch in it that is mapped from begin to
 * end.  The fixture's own members follow FZ_SCRATCH, and its own steps the macros in
 * FIXTURE_SETUP and FIXTURE_TEARDOWN.
 */
#ifndef FZ_FIXTURE_H
#define FZ_FIXTURE_H

#include "fz.h"

/* As the policy: FZ_PAGES in the environment decides on policy and flags. */
#define FZ_ANY_PAGES	UINT32_MAX

#define FZ_SCRATCH							\
	int ctx;							\
	int fd;								\
	unsigned char *map

/* Makes the scratch in self->ctx.  Tests of huge folios are skipped where INFO has none. */
#define FZ_SCRATCH_MAKE(size, flags, policy) do {			\
	const uint32_t policy_ = (policy);				\
	if (policy_ == FASTZERO_PAGES_2M &&				\
	    !(fz_info(self->ctx).out_features & FASTZERO_FEATURE_2M))	\
		FZ_SKIP_ALL("INFO does not report 2M");			\
	self->fd = policy_ == FZ_ANY_PAGES ?				\
		fz_raw_create_any(self->ctx, size) :			\
		fz_raw_create(self->ctx, size, flags, policy_, 0);	\
	ASSERT_LE(0, self->fd) TH_LOG("CREATE: %s", strerror(errno));	\
	self->map = fz_map(self->fd, 0, size);				\
} while (0)

#define FZ_SCRATCH_SETUP(size, flags, policy) do {			\
	self->ctx = fz_open();						\
	FZ_SCRATCH_MAKE(size, flags, policy);				\
} while (0)

/* The end of the test's process unmaps. */
#define FZ_SCRATCH_TEARDOWN() do {					\
	close(self->fd);						\
	close(self->ctx);						\
} while (0)

/* A fixture that has nothing else. */
#define FZ_FIXTURE(name, size, flags, policy)				\
	FIXTURE(name) { FZ_SCRATCH; };					\
	FIXTURE_SETUP(name) { FZ_SCRATCH_SETUP(size, flags, policy); }	\
	FIXTURE_TEARDOWN(name) { FZ_SCRATCH_TEARDOWN(); }

#endif
