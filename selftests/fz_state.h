/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that a test can see of a context and of one of its scratches.  It shows that
 * a failed call has changed nothing.
 */
#ifndef FZ_STATE_H
#define FZ_STATE_H

#include "fz.h"

#define FZ_STATE_PAGES	8
#define FZ_STATE_SEED	77

struct fz_state {
	int ctx;
	int fd;
	unsigned char *map;
	struct fastzero_stats ctx_stats;
	struct fastzero_stats fd_stats;
	int fds;
};

/* A context with pages in its pool, and a scratch that is full of a pattern. */
int fz_state_setup(struct fz_state *state);
void fz_state_teardown(struct fz_state *state);
/* Takes the picture anew, after a call that was meant to change something. */
int fz_state_take(struct fz_state *state);
/* Names the first thing that has changed since, "" if nothing has. */
const char *fz_state_changed(const struct fz_state *state);

/* The call fails with err and changes nothing; @what names this case. */
#define FZ_EXPECT_FAILS(err, state, call, what) do {			\
	const char *changed_;						\
	EXPECT_EQ(err, FZ_ERRNO(call)) TH_LOG("this was: %s", what);	\
	changed_ = fz_state_changed(state);				\
	EXPECT_STREQ("", changed_) TH_LOG("this was: %s", what);	\
} while (0)

#endif
