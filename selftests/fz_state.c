// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pictures of a context and a scratch, and the differences between two of them.
 */
#define _GNU_SOURCE
#include "fz_state.h"

int fz_state_setup(struct fz_state *state)
{
	state->map = MAP_FAILED;
	state->ctx = fz_raw_open();
	if (state->ctx < 0 ||
	    fz_raw_pool(state->ctx, FZ_STATE_PAGES, FASTZERO_POOL_WAIT, NULL))
		return -1;
	state->fd = fz_raw_create(state->ctx, FZ_STATE_PAGES * fz_ps, 0, 0, 0);
	if (state->fd < 0)
		return -1;
	state->map = fz_raw_map(state->fd, 0, FZ_STATE_PAGES * fz_ps);
	if (state->map == MAP_FAILED)
		return -1;
	fz_fill(state->map, 0, FZ_STATE_PAGES * fz_ps, FZ_STATE_SEED);
	/* The pages came out of the pool: fill it again. */
	if (fz_raw_pool(state->ctx, FZ_STATE_PAGES, FASTZERO_POOL_WAIT, NULL))
		return -1;
	return fz_state_take(state);
}

void fz_state_teardown(struct fz_state *state)
{
	munmap(state->map, FZ_STATE_PAGES * fz_ps);
	close(state->fd);
	close(state->ctx);
}

int fz_state_take(struct fz_state *state)
{
	state->fds = fz_count_fds();
	if (fz_raw_stats(state->ctx, &state->ctx_stats))
		return -1;
	return fz_raw_stats(state->fd, &state->fd_stats);
}

#define FZ_MEMBER(m)	{ #m, offsetof(struct fastzero_stats, out_##m) }

static const struct {
	const char *name;
	size_t offset;
} fz_members[] = {
	FZ_MEMBER(scratches), FZ_MEMBER(length), FZ_MEMBER(populated),
	FZ_MEMBER(faults), FZ_MEMBER(faults_ready), FZ_MEMBER(faults_used),
	FZ_MEMBER(faults_alloc), FZ_MEMBER(resets), FZ_MEMBER(cleared),
	FZ_MEMBER(swapped), FZ_MEMBER(dropped), FZ_MEMBER(held),
	FZ_MEMBER(pool_target), FZ_MEMBER(pool_ready), FZ_MEMBER(pool_used),
	FZ_MEMBER(pool_held), FZ_MEMBER(owned), FZ_MEMBER(zeroed),
};

static const char *fz_stats_differ(const struct fastzero_stats *a,
				   const struct fastzero_stats *b)
{
	size_t i;

	for (i = 0; i < sizeof(fz_members) / sizeof(fz_members[0]); i++) {
		size_t offset = fz_members[i].offset;

		if (memcmp((const char *)a + offset, (const char *)b + offset,
			   sizeof(uint64_t)))
			return fz_members[i].name;
	}
	return "";
}

static const char *fz_state_differs(const struct fz_state *state)
{
	struct fz_state now = { .ctx = state->ctx, .fd = state->fd };
	const char *name;

	if (fz_state_take(&now))
		return "STATS fails";
	if (now.fds != state->fds)
		return "number of open descriptors";
	name = fz_stats_differ(&state->ctx_stats, &now.ctx_stats);
	if (*name)
		return name;
	name = fz_stats_differ(&state->fd_stats, &now.fd_stats);
	if (*name)
		return name;
	if (fz_find_unlike(state->map, 0, FZ_STATE_PAGES * fz_ps,
			   FZ_STATE_SEED) != FZ_CLEAN)
		return "contents";
	return "";
}

const char *fz_state_changed(const struct fz_state *state)
{
	const char *name;

	/* The background may still clean up what a failed call has made. */
	fz_until(!*(name = fz_state_differs(state)), FZ_PATIENCE_MS);
	return name;
}
