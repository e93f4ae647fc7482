// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fastzero peers: one for each mode.
 */
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastzero.h"

struct fastzero_peer {
	struct fastzero_ctx *ctx;
	struct fastzero_scratch *scratch;
	uint64_t pool;		/* pages kept ready */
};

static int explain(struct memory *m, const char *what, int err)
{
	snprintf(m->why, sizeof(m->why), "%s: %s", what, strerror(-err));
	return err;
}

int fastzero_peer_setup(const struct peer *peer, const struct plan *plan,
			struct memory *m)
{
	struct fastzero_ctx_opts opts = { .size = sizeof(opts), .path = plan->device };
	struct fastzero_info info = { .size = sizeof(info) };
	struct fastzero_peer *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	m->priv = p;
	ret = fastzero_ctx_open(&opts, &p->ctx);
	if (ret)
		return explain(m, plan->device, ret);
	ret = fastzero_ctx_info(p->ctx, &info);
	if (ret)
		return explain(m, "INFO", ret);
	if (!(info.out_modes & (1u << peer->arg))) {
		snprintf(m->why, sizeof(m->why), "this module has no such mode");
		return -EOPNOTSUPP;
	}
	ret = fastzero_scratch_create(p->ctx, plan->size, NULL, &p->scratch);
	if (ret)
		return explain(m, "CREATE", ret);
	ret = fastzero_map(p->scratch, NULL, &m->addr);
	if (ret)
		return explain(m, "mmap", ret);
	m->size = plan->size;
	m->fd = fastzero_scratch_fd(p->scratch);
	/* INPLACE keeps its pages, so there is nothing to have ready. */
	p->pool = peer->arg == FASTZERO_MODE_INPLACE ? 0 : plan->count;
	ret = fastzero_peer_settle(m);
	return ret ? explain(m, "POOL", ret) : 0;
}

int fastzero_peer_reset(const struct peer *peer, struct memory *m)
{
	struct fastzero_peer *p = m->priv;

	return fastzero_reset_all(p->scratch, peer->arg, NULL);
}

int fastzero_peer_settle(struct memory *m)
{
	struct fastzero_peer *p = m->priv;

	if (!p->pool)
		return 0;
	return fastzero_ctx_pool(p->ctx, 0, p->pool, FASTZERO_POOL_WAIT, NULL);
}

int fastzero_peer_background(struct memory *m, struct background *b)
{
	struct fastzero_peer *p = m->priv;
	struct fastzero_stats stats = { .size = sizeof(stats) };
	int ret = fastzero_ctx_stats(p->ctx, &stats);

	b->pages = stats.out_zeroed;
	b->ns = stats.out_zeroer_ns;
	return ret;
}

void fastzero_peer_teardown(struct memory *m)
{
	struct fastzero_peer *p = m->priv;

	if (m->addr)
		fastzero_unmap(m->addr, m->size);
	if (!p)
		return;
	fastzero_scratch_close(p->scratch);
	fastzero_ctx_close(p->ctx);
	free(p);
}
