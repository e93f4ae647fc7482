/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which NUMA nodes the pages of a scratch come from.
 */
#ifndef FZ_PLACE_H
#define FZ_PLACE_H

#include <linux/errno.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/numa.h>
#include <linux/types.h>

struct fz_scratch;
struct mempolicy;

/**
 * struct fz_place - where a page may come from
 * @node: from this node first; NUMA_NO_NODE: from the caller's node, but pages of the
 *	pool on other nodes come before an allocation
 * @only: never from nodes outside of this mask; NULL for all nodes.  The policy owns it
 */
struct fz_place {
	int node;
	const nodemask_t *only;
};

/* Whether a page of a node may be taken. */
static inline bool fz_place_allows(const struct fz_place *place, int node)
{
	return !place->only || node_isset(node, *place->only);
}

/* The NUMA node that a user has named by a number, -EINVAL if it has no memory. */
static inline int fz_place_node(u32 node)
{
	if (node >= nr_node_ids)
		return -EINVAL;
	/* The node indexes arrays: keep it in bounds under speculation. */
	node = array_index_nospec(node, nr_node_ids);
	return node_state(node, N_MEMORY) ? node : -EINVAL;
}

void fz_place_by_policy(struct fz_place *place, const struct fz_scratch *s,
			const struct mempolicy *policy, u64 page);

#endif
