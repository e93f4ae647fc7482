// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the index of a scratch: allocated at the expense of the context's memory
 * cgroup, counted, and freed.
 */
#include <linux/log2.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "chunk.h"

/* An array for the folios of a word of a chunk's bitmaps. */
#define INDEX_SLOTS_SIZE	(64 * sizeof(struct folio *))
/* A scratch keeps this many spare arrays at most, and frees unused ones at each tick. */
#define INDEX_SPARES	4096
#define INDEX_TICK	HZ
/* The most that a chunk without a page takes: it has aged pages, and a node to itself. */
#define INDEX_CHUNK_SIZE (sizeof(struct fz_chunk) + sizeof(struct fz_aged) + \
			  sizeof(struct xa_node))

/* The bytes that kmalloc() takes for a size. */
static u64 index_size(size_t size)
{
	return roundup_pow_of_two(size);
}

static void *index_alloc(struct fz_scratch *s, size_t size, gfp_t gfp)
{
	struct mem_cgroup *old = set_active_memcg(s->ctx->pool.memcg);
	void *p = kzalloc(size, fz_index_gfp(gfp));

	set_active_memcg(old);
	if (p)
		atomic_long_add(index_size(size), &s->index);
	return p;
}

static void index_forget(struct fz_scratch *s, size_t size)
{
	atomic_long_sub(index_size(size), &s->index);
}

/**
 * fz_index_new_chunk() - put an empty chunk into the index
 * @s: the scratch
 * @number: the chunk's number
 * @gfp: how to allocate
 *
 * Return: 0, also if there is one already; -ENOMEM.
 */
int fz_index_new_chunk(struct fz_scratch *s, u64 number, gfp_t gfp)
{
	struct fz_chunk *chunk = index_alloc(s, sizeof(*chunk), gfp);
	struct mem_cgroup *old;
	void *have;

	if (!chunk)
		return -ENOMEM;
	spin_lock_init(&chunk->lock);
	/* As soon as the chunk is in the index, another thread may free it. */
	atomic_long_inc(&s->ctx->pool.chunks);
	old = set_active_memcg(s->ctx->pool.memcg);
	have = xa_cmpxchg(&s->chunks, number, NULL, chunk, fz_index_gfp(gfp));
	set_active_memcg(old);
	if (!have)
		return 0;
	atomic_long_dec(&s->ctx->pool.chunks);
	index_forget(s, sizeof(*chunk));
	kfree(chunk);
	return xa_is_err(have) ? xa_err(have) : 0;
}

static void index_free_aged(struct fz_scratch *s, struct fz_aged *aged)
{
	if (!aged)
		return;
	index_forget(s, sizeof(*aged));
	kfree(aged);
}

/**
 * fz_index_free_chunk() - free an empty chunk that is not in the index any more
 * @s: the scratch
 * @chunk: the chunk; other threads may still look at it under RCU
 */
void fz_index_free_chunk(struct fz_scratch *s, struct fz_chunk *chunk)
{
	index_free_aged(s, chunk->aged);
	index_forget(s, sizeof(*chunk));
	atomic_long_dec(&s->ctx->pool.chunks);
	kfree_rcu(chunk, rcu);
}

/**
 * fz_index_may_have() - whether a context may have chunks without a page
 * @nr: how many
 *
 * max_pages bounds the pages, but a chunk also stays for records of pages that are gone.
 * So all chunks together may take as much memory as max_pages pages.
 *
 * Return: true if so.
 */
bool fz_index_may_have(u64 nr)
{
	u64 limit = fz_limit_pages();

	return !limit || DIV_ROUND_UP(nr, PAGE_SIZE / INDEX_CHUNK_SIZE) <= limit;
}

/**
 * fz_index_has_room() - whether a context may have more chunks that have no page
 * @s: a scratch of the context
 * @nr: how many more
 *
 * Calls on several scratches may ask at once.  Each may then exceed the limit by a chunk.
 *
 * Return: true if so.
 */
bool fz_index_has_room(const struct fz_scratch *s, u64 nr)
{
	return fz_index_may_have(nr + atomic_long_read(&s->ctx->pool.chunks));
}

static struct folio **index_take_spare(struct fz_scratch *s)
{
	struct fz_spares *spares = &s->spares;
	struct folio **slots;

	spin_lock(&s->roll.lock);
	slots = spares->first;
	if (slots) {
		spares->first = (struct folio **)slots[0];
		slots[0] = NULL;
		spares->nr--;
		spares->least = min(spares->least, spares->nr);
	}
	spin_unlock(&s->roll.lock);
	return slots;
}

/* Keep an array as a spare.  False if there are enough. */
static bool index_keep_spare(struct fz_scratch *s, struct folio **slots)
{
	struct fz_spares *spares = &s->spares;
	unsigned int nr;

	spin_lock(&s->roll.lock);
	nr = spares->nr;
	if (nr < INDEX_SPARES) {
		slots[0] = (struct folio *)spares->first;
		spares->first = slots;
		spares->nr++;
	}
	spin_unlock(&s->roll.lock);
	if (!nr)
		queue_delayed_work(fz_wq, &spares->trim, INDEX_TICK);
	return nr < INDEX_SPARES;
}

/* Free spares that were not needed since the last tick. */
static void index_trim(struct work_struct *work)
{
	struct fz_spares *spares = container_of(to_delayed_work(work),
						struct fz_spares, trim);
	struct fz_scratch *s = container_of(spares, struct fz_scratch, spares);
	struct folio **slots;
	unsigned int nr;

	spin_lock(&s->roll.lock);
	nr = spares->least;
	spares->least = spares->nr - nr;
	spin_unlock(&s->roll.lock);
	while (nr--) {
		slots = index_take_spare(s);
		if (!slots)
			break;
		index_forget(s, INDEX_SLOTS_SIZE);
		kfree(slots);
		cond_resched();
	}
	if (READ_ONCE(spares->nr))
		queue_delayed_work(fz_wq, &spares->trim, INDEX_TICK);
}

/**
 * fz_index_init() - an empty index
 * @s: a new scratch
 */
void fz_index_init(struct fz_scratch *s)
{
	xa_init_flags(&s->chunks, XA_FLAGS_ACCOUNT);
	fz_roll_init(&s->roll);
	INIT_DELAYED_WORK(&s->spares.trim, index_trim);
}

/**
 * fz_index_alloc_slots() - an array for the folios of a word of a chunk's bitmaps
 * @s: the scratch
 * @gfp: how to allocate
 *
 * Return: 64 pointers, all NULL; or NULL.
 */
struct folio **fz_index_alloc_slots(struct fz_scratch *s, gfp_t gfp)
{
	struct folio **slots = NULL;

	if (READ_ONCE(s->spares.first))
		slots = index_take_spare(s);
	return slots ?: index_alloc(s, INDEX_SLOTS_SIZE,
				    fz_pool_gfp(&s->ctx->pool, gfp));
}

/**
 * fz_index_free_slots() - free an array from fz_index_alloc_slots()
 * @s: the scratch
 * @slots: 64 pointers, all NULL again
 *
 * Some arrays stay as spares for a while: the next run may touch the pages that this
 * reset drops.
 */
void fz_index_free_slots(struct fz_scratch *s, struct folio **slots)
{
	if (index_keep_spare(s, slots))
		return;
	index_forget(s, INDEX_SLOTS_SIZE);
	kfree(slots);
}

/**
 * fz_index_alloc_aged() - allocate a struct fz_aged
 * @s: the scratch
 *
 * Return: the structure, without an aged page; NULL if there is no memory.
 */
struct fz_aged *fz_index_alloc_aged(struct fz_scratch *s)
{
	return index_alloc(s, sizeof(struct fz_aged), FZ_GFP_TELL);
}

/**
 * fz_index_bytes() - memory that the index of a scratch takes
 * @s: the scratch
 *
 * Return: bytes, without the xarray: that takes about 9 bytes for each chunk where chunks
 * lie side by side.
 */
u64 fz_index_bytes(const struct fz_scratch *s)
{
	return atomic_long_read(&s->index) + fz_roll_bytes(&s->roll);
}

/**
 * fz_index_destroy() - free the index
 * @s: a scratch that nobody uses any more, and whose pages were dropped
 */
void fz_index_destroy(struct fz_scratch *s)
{
	struct folio **slots;
	struct fz_chunk *chunk;
	unsigned long at;

	xa_for_each(&s->chunks, at, chunk) {
		/* One by one: xa_destroy() would free all nodes without rescheduling. */
		xa_erase(&s->chunks, at);
		atomic_long_dec(&s->ctx->pool.chunks);
		kfree(chunk->aged);
		kfree(chunk);
		cond_resched();
	}
	xa_destroy(&s->chunks);
	cancel_delayed_work_sync(&s->spares.trim);
	while ((slots = index_take_spare(s))) {
		kfree(slots);
		cond_resched();
	}
	fz_roll_destroy(&s->roll);
}
