// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which NUMA node a page comes from.  The first of these that is set decides: the node
 * that CREATE named, the mapping's memory policy (mbind), the task's policy
 * (set_mempolicy).  Else the caller's node comes first.
 */
#include <linux/cpuset.h>
#include <linux/mm.h>
#include <linux/mempolicy.h>

#include <uapi/linux/fastzero.h>

#include "context.h"
#include "place.h"

#ifdef CONFIG_NUMA

/* The n-th node of a mask that is not empty, with n modulo the number of its nodes. */
static int place_turn(const nodemask_t *nodes, u64 n)
{
	unsigned int skip = n % nodes_weight(*nodes);
	int node = first_node(*nodes);

	while (skip--)
		node = next_node(node, *nodes);
	return node;
}

/* The caller's node if it is in the mask, else the first of the mask. */
static int place_near(const nodemask_t *nodes)
{
	int node = numa_mem_id();

	return node_isset(node, *nodes) ? node : first_node(*nodes);
}

/* The index for interleaving: as in the kernel, the offset in pages or in chunks. */
static u64 place_index(const struct fz_scratch *s, u64 page)
{
	return s->policy == FASTZERO_PAGES_2M ? page >> FZ_CHUNK_SHIFT : page;
}

/*
 * Set @place by a policy; false if the policy does not decide.  A cpuset may rewrite the
 * nodes of the task's policy at any moment, so they are read once.
 */
static bool place_take(struct fz_place *place, const struct fz_scratch *s,
		       const struct mempolicy *policy, u64 page)
{
	nodemask_t nodes;

	if (!policy || policy->mode == MPOL_DEFAULT)
		return false;
	nodes = policy->nodes;
	barrier();
	if (nodes_empty(nodes)) {
		/* MPOL_LOCAL, and MPOL_PREFERRED of no node. */
		place->node = numa_mem_id();
		return true;
	}
	switch (policy->mode) {
	case MPOL_BIND:
		/* A cpuset without any of these nodes overrides the policy. */
		if (!nodes_intersects(nodes, cpuset_current_mems_allowed))
			return false;
		place->only = &policy->nodes;
		place->node = place_near(&nodes);
		return true;
	case MPOL_PREFERRED:
		place->node = first_node(nodes);
		return true;
	case MPOL_PREFERRED_MANY:
		place->node = place_near(&nodes);
		return true;
	default:
		place->node = place_turn(&nodes, place_index(s, page));
		return true;
	}
}

/**
 * fz_place_by_policy() - where a page comes from, if a memory policy decides
 * @place: written if one decides; refers to that policy, and must not outlive it
 * @s: a scratch for which CREATE has named no node
 * @policy: the memory policy of the mapping that wants the page; NULL for none
 * @page: number of the page in the scratch
 *
 * The caller keeps @policy alive.  Only the task itself replaces its own policy.  A
 * cpuset may rewrite the nodes in it.
 */
void fz_place_by_policy(struct fz_place *place, const struct fz_scratch *s,
			const struct mempolicy *policy, u64 page)
{
	if (!place_take(place, s, policy, page))
		place_take(place, s, current->mempolicy, page);
}

#endif
