// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tenants: each has the pools of one memory cgroup, which is charged for them.  Tenants take
 * turns, and in each turn a thread clears folios of the tenant's next pool.
 */
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "pool.h"
#include "zeroer_queue.h"
#include "zeroer_tenant.h"

/**
 * struct fz_tenant - the pools of one memory cgroup
 * @hash: in tenant_all
 * @memcg: the memory cgroup; its pools have references; NULL without CONFIG_MEMCG
 * @nr_pools: number of all its pools
 * @link: in tenant_turns, unless @clear is empty
 * @clear: pools that have something to be cleared, linked by fz_job.clear
 *
 * Protected by fz_queue_lock.
 */
struct fz_tenant {
	struct hlist_node hash;
	struct mem_cgroup *memcg;
	unsigned long nr_pools;
	struct list_head link;
	struct list_head clear;
};

/* Both are protected by fz_queue_lock. */
static DEFINE_HASHTABLE(tenant_all, 8);
static LIST_HEAD(tenant_turns);

static struct fz_tenant *tenant_find(struct mem_cgroup *memcg)
{
	struct fz_tenant *tenant;

	lockdep_assert_held(&fz_queue_lock);

	hash_for_each_possible(tenant_all, tenant, hash, (unsigned long)memcg)
		if (tenant->memcg == memcg)
			return tenant;
	return NULL;
}

/**
 * fz_tenant_join() - give a new pool to its tenant
 * @pool: the pool, with @memcg set
 *
 * Return: 0 or -ENOMEM.
 */
int fz_tenant_join(struct fz_pool *pool)
{
	struct fz_tenant *fresh = kzalloc(sizeof(*fresh), FZ_GFP_KERNEL);
	struct fz_tenant *tenant;

	if (!fresh)
		return -ENOMEM;

	spin_lock(&fz_queue_lock);
	tenant = tenant_find(pool->memcg);
	if (!tenant) {
		tenant = fresh;
		fresh = NULL;
		tenant->memcg = pool->memcg;
		INIT_LIST_HEAD(&tenant->link);
		INIT_LIST_HEAD(&tenant->clear);
		hash_add(tenant_all, &tenant->hash, (unsigned long)pool->memcg);
	}
	tenant->nr_pools++;
	pool->job.tenant = tenant;
	spin_unlock(&fz_queue_lock);
	kfree(fresh);
	return 0;
}

/**
 * fz_tenant_leave() - undo fz_tenant_join()
 * @pool: the pool; after this it must not enter a queue
 */
void fz_tenant_leave(struct fz_pool *pool)
{
	struct fz_tenant *tenant = pool->job.tenant;

	spin_lock(&fz_queue_lock);
	fz_tenant_del(pool);
	if (--tenant->nr_pools)
		tenant = NULL;
	else
		hash_del(&tenant->hash);
	spin_unlock(&fz_queue_lock);
	kfree(tenant);
}

/**
 * fz_tenant_put() - queue a pool that has something to be cleared
 * @pool: the pool; it goes after the other pools of its tenant
 */
void fz_tenant_put(struct fz_pool *pool)
{
	struct fz_tenant *tenant = pool->job.tenant;

	lockdep_assert_held(&fz_queue_lock);

	if (list_empty(&pool->job.clear))
		list_add_tail(&pool->job.clear, &tenant->clear);
	if (list_empty(&tenant->link))
		list_add_tail(&tenant->link, &tenant_turns);
}

/**
 * fz_tenant_del() - undo fz_tenant_put()
 * @pool: the pool
 */
void fz_tenant_del(struct fz_pool *pool)
{
	struct fz_tenant *tenant = pool->job.tenant;

	lockdep_assert_held(&fz_queue_lock);

	list_del_init(&pool->job.clear);
	if (list_empty(&tenant->clear))
		list_del_init(&tenant->link);
}

/**
 * fz_tenant_next() - the pool that has the next turn
 *
 * Skips pools for which a thread works just now.  Each thread works for one pool at most,
 * so few are skipped.
 *
 * Return: the pool; NULL if there is none.
 */
struct fz_pool *fz_tenant_next(void)
{
	struct fz_tenant *tenant;
	struct fz_pool *pool;

	lockdep_assert_held(&fz_queue_lock);

	list_for_each_entry(tenant, &tenant_turns, link)
		list_for_each_entry(pool, &tenant->clear, job.clear)
			if (!pool->job.worker)
				return pool;
	return NULL;
}

/**
 * fz_tenant_turn() - begin a pool's turn; the next turn is another tenant's
 * @pool: the pool
 */
void fz_tenant_turn(struct fz_pool *pool)
{
	lockdep_assert_held(&fz_queue_lock);

	list_move_tail(&pool->job.tenant->link, &tenant_turns);
	fz_tenant_del(pool);
}
