// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filling holes: the folio of a page, and a new one if there is none.
 */
#include "chunk.h"
#include "compat/compat.h"
#include "huge.h"

/**
 * enum fill_lack - the part that is missing to install a folio
 * @FILL_NOTHING: nothing
 * @FILL_CHUNK: there is no chunk
 * @FILL_SLOTS: the chunk has no array for the folios of that word
 * @FILL_ROLL: the roll is full
 */
enum fill_lack {
	FILL_NOTHING,
	FILL_CHUNK,
	FILL_SLOTS,
	FILL_ROLL,
};

/**
 * struct fill - the look-up of a page, which fills it if it is a hole
 * @s: the scratch
 * @page: the page
 * @chunk: its chunk, while we are one of its users; else NULL
 * @fresh: a new folio for the page, in hand, or NULL
 * @slots: an array for the folios of a word, or NULL
 * @folio: the folio found, with a reference for the caller; NULL for a hole
 * @lack: why @fresh was not put into its place
 * @empty: the chunk has no folio
 * @bare: the chunk has no array for the folio
 */
struct fill {
	struct fz_scratch *s;
	u64 page;
	struct fz_chunk *chunk;
	struct folio *fresh;
	struct folio **slots;
	struct folio *folio;
	enum fill_lack lack;
	bool empty;
	bool bare;
};

/* The store is a release, so a reset that reads the bits without the lock sees the folio. */
static void fill_set_populated(struct fz_scratch *s, struct fz_chunk *chunk,
			       u64 number, u32 w, u64 bits)
{
	lockdep_assert_held(&chunk->lock);

	smp_store_release(&chunk->populated[w], chunk->populated[w] | bits);
	chunk->wanted[w] |= bits;
	if (!chunk->nr)
		xa_set_mark(&s->chunks, number, FZ_CHUNK_POPULATED);
	chunk->nr += hweight64(bits);
	atomic_long_add(hweight64(bits), &s->populated);
}

static enum fill_lack fill_install(struct fill *f, struct fz_chunk *chunk)
{
	u64 number = f->page >> FZ_CHUNK_SHIFT;
	u32 w = f->page % FZ_CHUNK_PAGES / 64;
	u64 bit = 1ULL << (f->page % 64);
	bool large = folio_test_large(f->fresh);
	struct fz_scratch *s = f->s;
	u8 age = 0;

	lockdep_assert_held(&chunk->lock);

	if (!large && unlikely(!chunk->folios[w] && !f->slots))
		return FILL_SLOTS;
	if (unlikely(chunk->aged))
		age = fz_chunk_age_of_hole(s, chunk, f->page % FZ_CHUNK_PAGES);
	if (unlikely(!fz_roll_add(&s->roll, f->fresh, age)))
		return FILL_ROLL;
	if (unlikely(chunk->aged))
		fz_chunk_came_back(s, chunk, f->page % FZ_CHUNK_PAGES);
	if (!large) {
		if (unlikely(!chunk->folios[w])) {
			WRITE_ONCE(chunk->folios[w], f->slots);
			f->slots = NULL;
		}
		fz_folio_attach(f->fresh, s->inode->i_mapping, f->page);
		WRITE_ONCE(chunk->folios[w][f->page % 64], f->fresh);
		fill_set_populated(s, chunk, number, w, bit);
		return FILL_NOTHING;
	}
	fz_folio_attach(f->fresh, s->inode->i_mapping, number << FZ_CHUNK_SHIFT);
	/* Pairs with the acquire in fz_swap_huge(): the folio's place on the roll is set. */
	smp_store_release(&chunk->huge, f->fresh);
	fz_large_installed(s, chunk);
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		fill_set_populated(s, chunk, number, w, ~0ULL);
	return FILL_NOTHING;
}

/* Find the folio of the page.  If the page is a hole and @f->fresh is set, install it. */
static __always_inline void fill_look_at(struct fill *f, struct fz_chunk *chunk)
{
	struct folio *folio = fz_chunk_folio(chunk, f->page % FZ_CHUNK_PAGES);
	bool first = !f->chunk;

	lockdep_assert_held(&chunk->lock);

	f->chunk = NULL;
	if (unlikely(chunk->gone))
		return;
	f->empty = !chunk->nr;
	if (!folio && f->fresh && (f->empty || !folio_test_large(f->fresh))) {
		f->lack = fill_install(f, chunk);
		if (!f->lack)
			folio = f->fresh;
	}
	f->folio = folio;
	if (folio) {
		folio_get(folio);
		chunk->users -= !first;
	} else {
		f->chunk = chunk;
		f->bare = !chunk->folios[f->page % FZ_CHUNK_PAGES / 64];
		chunk->users += first;
	}
}

static void fill_look(struct fill *f)
{
	struct fz_chunk *chunk = f->chunk;

	f->lack = FILL_NOTHING;
	if (chunk) {
		spin_lock(&chunk->lock);
		fill_look_at(f, chunk);
		spin_unlock(&chunk->lock);
		return;
	}
	f->empty = true;
	f->bare = true;
	rcu_read_lock();
	chunk = fz_chunk_look(f->s, f->page >> FZ_CHUNK_SHIFT);
	if (likely(chunk)) {
		spin_lock(&chunk->lock);
		fill_look_at(f, chunk);
		spin_unlock(&chunk->lock);
	}
	rcu_read_unlock();
	if (f->fresh && !f->folio && !f->chunk)
		f->lack = FILL_CHUNK;
}

/* We stop using the chunk.  If it has no folio, the next reset checks whether it is empty. */
static noinline void fill_give_up(struct fill *f)
{
	struct fz_chunk *chunk = f->chunk;

	spin_lock(&chunk->lock);
	chunk->users--;
	if (!chunk->nr)
		xa_set_mark(&f->s->chunks, f->page >> FZ_CHUNK_SHIFT,
			    FZ_CHUNK_EMPTY);
	spin_unlock(&chunk->lock);
}

static void fill_end(struct fill *f)
{
	if (unlikely(f->slots))
		fz_index_free_slots(f->s, f->slots);
	if (unlikely(f->chunk))
		fill_give_up(f);
}

/* Like fill_look().  With ZEROPAGE, hold the lock that keeps zeros from being mapped. */
static void fill_look_zero(struct fill *f)
{
	bool zeros = f->fresh && f->s->zero;

	if (zeros)
		fz_zero_fill_begin(f->s, f->page);
	fill_look(f);
	if (zeros)
		fz_zero_fill_end(f->s);
}

static int fill_provide(struct fill *f, gfp_t gfp)
{
	gfp = fz_pool_gfp(&f->s->ctx->pool, gfp);
	if (f->lack == FILL_CHUNK)
		return fz_index_new_chunk(f->s, f->page >> FZ_CHUNK_SHIFT, gfp);
	if (f->lack == FILL_ROLL)
		return fz_roll_grow(&f->s->roll, f->s->ctx->pool.memcg,
				    fz_index_gfp(gfp));
	f->slots = fz_index_alloc_slots(f->s, gfp);
	return f->slots ? 0 : -ENOMEM;
}

/* Take @f->fresh out of hand: it is in the index, or goes back to the pool. */
static void fill_settle(struct fill *f, u64 *nr_added)
{
	struct fz_pool *pool = &f->s->ctx->pool;
	LIST_HEAD(unused);

	if (f->folio == f->fresh) {
		fz_pool_settle(pool, 1);
		/* The next reset may want a ready one: have the zeroer allocate it. */
		if (unlikely(READ_ONCE(pool->refill)) &&
		    folio_test_large(f->fresh))
			fz_queue_kick(pool);
		if (nr_added)
			*nr_added += folio_nr_pages(f->fresh);
	} else {
		list_add(&f->fresh->lru, &unused);
		fz_pool_put_back(pool, &unused);
	}
	f->fresh = NULL;
}

/* Put ready folios into holes of a word of a chunk.  Returns how many. */
static u64 fill_word(struct fill *f, struct fz_chunk *chunk, u64 base, u64 *word,
		     struct list_head *ready)
{
	u64 nr = 0;

	spin_lock(&chunk->lock);
	f->lack = FILL_NOTHING;
	for (; *word && !list_empty(ready); *word &= *word - 1) {
		f->page = base + __ffs64(*word);
		if (unlikely(fz_chunk_folio(chunk, f->page % FZ_CHUNK_PAGES)))
			continue;
		f->fresh = list_first_entry(ready, struct folio, lru);
		f->lack = fill_install(f, chunk);
		if (f->lack)
			break;
		/* A folio of a scratch is not linked by its lru member. */
		list_del(&f->fresh->lru);
		nr++;
	}
	f->fresh = NULL;
	spin_unlock(&chunk->lock);
	return nr;
}

/* Become a user of a chunk, and clear the bits of populated pages in @words. */
static struct fz_chunk *fill_use(struct fz_scratch *s, u64 number, u64 *words)
{
	struct fz_chunk *chunk;
	bool gone = false;
	u32 w;

	rcu_read_lock();
	chunk = fz_chunk_look(s, number);
	if (chunk) {
		spin_lock(&chunk->lock);
		for (w = 0; w < FZ_CHUNK_WORDS; w++)
			words[w] &= ~chunk->populated[w];
		gone = chunk->gone;
		chunk->users += !gone;
		spin_unlock(&chunk->lock);
	}
	rcu_read_unlock();
	return gone ? NULL : chunk;
}

/**
 * fz_chunk_fill_ready() - fill holes of a chunk with base pages that are ready
 * @s: a scratch that has no page of zeros
 * @number: the chunk
 * @words: bitmap of the pages; the bits of pages that are populated are cleared
 * @node: the node of these base pages; NUMA_NO_NODE: the caller's node
 *
 * Return: how many holes were filled.
 */
u64 fz_chunk_fill_ready(struct fz_scratch *s, u64 number, u64 *words, int node)
{
	int near = node == NUMA_NO_NODE ? numa_mem_id() : node;
	struct fz_pool *pool = &s->ctx->pool;
	struct fill f = { .s = s };
	LIST_HEAD(ready);
	u64 nr = 0;
	u64 all = 0;
	u32 w;

	f.chunk = fill_use(s, number, words);
	if (!f.chunk)
		return 0;
	f.page = number << FZ_CHUNK_SHIFT;
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		all += hweight64(words[w]);
	if (all)
		fz_pool_take_some(pool, fz_pool_store(pool, near, FZ_BASE), all,
				  &ready);
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		while (words[w] && !list_empty(&ready)) {
			nr += fill_word(&f, f.chunk, (number << FZ_CHUNK_SHIFT) +
					w * 64, &words[w], &ready);
			if (f.lack && fill_provide(&f, FZ_GFP_TELL))
				goto out;
		}
out:
	fill_end(&f);
	if (nr)
		fz_pool_settle(pool, nr);
	if (!list_empty(&ready))
		fz_pool_put_back(pool, &ready);
	atomic64_add(nr, &s->count.faults_ready);
	return nr;
}

/* Put a folio in the place of another.  False if there is none of its size. */
static bool fill_replace(struct fill *f, struct list_head *out)
{
	struct fz_chunk *chunk = xa_load(&f->s->chunks, f->page >> FZ_CHUNK_SHIFT);
	struct folio **slot = &chunk->huge;
	struct folio *have = NULL;

	spin_lock(&chunk->lock);
	if (!folio_test_large(f->fresh)) {
		slot = chunk->folios[f->page % FZ_CHUNK_PAGES / 64];
		if (slot)
			slot += f->page % 64;
	}
	if (slot)
		have = *slot;
	if (have) {
		fz_folio_attach(f->fresh, f->s->inode->i_mapping, f->page);
		fz_roll_replace(have, f->fresh);
		WRITE_ONCE(*slot, f->fresh);
		list_add_tail(&have->lru, out);
	}
	spin_unlock(&chunk->lock);
	return have;
}

/**
 * fz_chunk_put_back() - put a removed folio back into its place
 * @s: the scratch, its lock held since the folio was taken out
 * @folio: in hand, zero, and mapped nowhere; out of hand if it is back
 * @out: the folio that is in its place now, if any, is linked here, in hand, as by
 *	fz_chunk_remove()
 *
 * Return: true if it is back; false if folios of another size are there, or if there is
 * no memory.  A thread with folios in hand must not wait for memory.
 */
bool fz_chunk_put_back(struct fz_scratch *s, struct folio *folio,
		       struct list_head *out)
{
	struct fill f = { .s = s, .page = folio->index, .fresh = folio };

	lockdep_assert_held(&s->lock);

	/* The new folio was in hand, and the old one is now: the count stays the same. */
	if (fill_replace(&f, out))
		return true;
	do {
		fill_look_zero(&f);
	} while (f.lack && !fill_provide(&f, GFP_NOWAIT));
	fill_end(&f);
	if (f.folio)
		folio_put(f.folio);
	/* A fault has filled the hole in between: replace its folio. */
	if (f.folio != folio)
		return f.folio && fill_replace(&f, out);
	fz_pool_settle(&s->ctx->pool, 1);
	return true;
}

/**
 * fz_chunk_fill() - the folio of a page; if the page is a hole, populate it
 * @s: the scratch
 * @page: page, inside the scratch
 * @gfp: how to allocate: FZ_GFP_TOUCHER or FZ_GFP_TELL
 * @place: from which NUMA nodes
 * @vmf: the fault that wants the folio; NULL if a call does
 * @nr_added: increased by the number of holes filled; may be NULL
 *
 * Return: the folio with a reference for the caller, or an ERR_PTR: -ENOMEM,
 * -ENOSPC beyond the context's limit, -EINTR.
 */
struct folio *fz_chunk_fill(struct fz_scratch *s, u64 page, gfp_t gfp,
			    const struct fz_place *place,
			    const struct vm_fault *vmf, u64 *nr_added)
{
	struct fz_pool *pool = &s->ctx->pool;
	struct fill f = { .s = s, .page = page };
	struct fz_pool_try try = { };
	bool no_huge = false;
	int err = 0;

	for (;;) {
		try.seen = fz_pool_seen(pool);
		fill_look_zero(&f);
		if (f.lack)
			err = fill_provide(&f, gfp);
		if (f.lack && !err)
			continue;
		if (f.fresh)
			fill_settle(&f, nr_added);
		if (f.folio || err)
			break;

		if (!no_huge && f.empty && fz_large_wanted(s, page, vmf)) {
			f.fresh = fz_pool_take_huge(pool, place, &s->count);
			no_huge = !f.fresh;
		}
		if (!f.fresh)
			f.fresh = fz_pool_take(pool, place, gfp, &try,
					       &s->count);
		if (IS_ERR(f.fresh)) {
			err = PTR_ERR(f.fresh);
			f.fresh = NULL;
			if (err != -EAGAIN)
				break;
			err = 0;
		}
		/* If this fails, fill_look() sets FILL_SLOTS, and fill_provide() tries again. */
		if (f.bare && f.fresh && !f.slots)
			f.slots = fz_index_alloc_slots(s, gfp);
	}
	fill_end(&f);
	return f.folio ?: ERR_PTR(err);
}
