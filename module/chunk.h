/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: the index of a scratch.
 */
#ifndef FZ_CHUNK_H
#define FZ_CHUNK_H

#include "context.h"

/* Bits that a number up to FZ_AGE_MAX_BACK + 1 needs. */
#define FZ_AGED_PLANES	3

struct fz_wsformat_walk;
struct vm_fault;

/**
 * struct fz_aged - the aged pages of a chunk
 * @planes: bit planes of a number for each page: how often it had come back soon, plus 1.
 *	It is 0 if the page is not aged, or was forgotten
 * @recent: pages that went in the period fz_chunk.period; the others went in the one
 *	before
 */
struct fz_aged {
	u64 planes[FZ_AGED_PLANES][FZ_CHUNK_WORDS];
	u64 recent[FZ_CHUNK_WORDS];
};

/* Marks chunks with a populated page.  A reset visits only these. */
#define FZ_CHUNK_POPULATED	XA_MARK_0
/* Marks chunks in which a reset has noted pages that it will drop as aged. */
#define FZ_CHUNK_AGED		XA_MARK_1

/* Marks chunks that may be empty.  fz_chunk_reap() checks these. */
#define FZ_CHUNK_EMPTY		XA_MARK_2

/**
 * struct fz_chunk - the folios of 2 MiB of a scratch
 * @lock: protects all members but @patience and @late.  A fault adds a folio under this
 *	lock alone.  Folios are removed under fz_scratch.lock as well
 * @users: threads that are about to add a folio: while there are any, the chunk stays
 * @nr: populated pages
 * @broken: the chunk has lost its huge folio, because runs touched little of it
 * @gone: the chunk is not in the index any more: no folio may be added
 * @patience: number of coming resets that do not check whether the chunk is sparse;
 *	protected by fz_scratch.lock
 * @late: grows with each reset that finds the chunk sparse and no folio ready for it;
 *	shrinks when a folio is ready; protected by fz_scratch.lock
 * @period: the period in which a reset last noted an aged page, see fz_age_period()
 * @huge: the huge folio that backs the chunk, or NULL
 * @aged: aged pages that have not come back, and pages that this reset will drop as aged;
 *	NULL if there never was any
 * @populated: a bit for each populated page.  fz_chunk_populated() may read it under
 *	fz_scratch.lock or RCU, without @lock
 * @wanted: a bit for each page of the working set
 * @folios: for each word of @populated an array of its folios, with NULL for a hole; no
 *	array if the word is 0.  With @huge there are no arrays, and all bits of
 *	@populated are set
 * @rcu: frees the chunk
 *
 * A chunk is made for its first folio, or when WORKSET names one of its pages.
 * fz_chunk_reap() removes it, under fz_scratch.lock.  So the holder of that lock may use
 * a chunk until it reaps.  Other threads look a chunk up under RCU.  They may use it
 * while they are in RCU, or are counted in @users.
 */
struct fz_chunk {
	spinlock_t lock;	/* protects all but patience and late */
	unsigned int users;
	u16 nr;
	bool broken;
	bool gone;
	u8 patience;
	u8 late;
	u32 period;
	struct folio *huge;
	struct fz_aged *aged;
	u64 populated[FZ_CHUNK_WORDS];
	u64 wanted[FZ_CHUNK_WORDS];
	struct folio **folios[FZ_CHUNK_WORDS];
	struct rcu_head rcu;
};

/* Pages of a word that are populated now; those that are populated later are zero. */
static inline u64 fz_chunk_populated(const struct fz_chunk *chunk, u32 w)
{
	return smp_load_acquire(&chunk->populated[w]);
}

/* Whether a base page is held.  A faster fz_inplace_is_held(), for base pages only. */
static inline bool fz_base_is_held(struct folio *folio)
{
	return folio_ref_count(folio) != 2 + atomic_read(&folio->_mapcount);
}

/* The base page that backs a page, NULL if there is none. */
static inline struct folio *fz_chunk_base(const struct fz_chunk *chunk,
					  unsigned int i)
{
	struct folio **slots = READ_ONCE(chunk->folios[i / 64]);

	return slots ? READ_ONCE(slots[i % 64]) : NULL;
}

/* The folio that backs a page, NULL for a hole. */
static inline struct folio *fz_chunk_folio(const struct fz_chunk *chunk,
					   unsigned int i)
{
	return READ_ONCE(chunk->huge) ?: fz_chunk_base(chunk, i);
}

/* The chunk with this number.  Like xa_load(), but the caller is in an RCU section already. */
static inline struct fz_chunk *fz_chunk_look(struct fz_scratch *s, u64 number)
{
	XA_STATE(xas, &s->chunks, number);
	struct fz_chunk *chunk;

	do {
		chunk = xas_load(&xas);
	} while (xas_retry(&xas, chunk));
	return chunk;
}

/* Flags to allocate memory of the index.  The allocator tries as hard as with @gfp. */
static inline gfp_t fz_index_gfp(gfp_t gfp)
{
	if (!(gfp & __GFP_DIRECT_RECLAIM))
		return GFP_NOWAIT | __GFP_ACCOUNT | __GFP_NOWARN;
	return GFP_KERNEL_ACCOUNT | (gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOWARN));
}

/* index.c */
void fz_index_init(struct fz_scratch *s);
int fz_index_new_chunk(struct fz_scratch *s, u64 number, gfp_t gfp);
void fz_index_free_chunk(struct fz_scratch *s, struct fz_chunk *chunk);
struct folio **fz_index_alloc_slots(struct fz_scratch *s, gfp_t gfp);
void fz_index_free_slots(struct fz_scratch *s, struct folio **slots);
struct fz_aged *fz_index_alloc_aged(struct fz_scratch *s);
u64 fz_index_bytes(const struct fz_scratch *s);
bool fz_index_may_have(u64 nr);
bool fz_index_has_room(const struct fz_scratch *s, u64 nr);
void fz_index_destroy(struct fz_scratch *s);

/* chunk_fill.c */
struct folio *fz_chunk_fill(struct fz_scratch *s, u64 page, gfp_t gfp,
			    const struct fz_place *place,
			    const struct vm_fault *vmf, u64 *nr_added);
u64 fz_chunk_fill_ready(struct fz_scratch *s, u64 number, u64 *words, int node);
bool fz_chunk_put_back(struct fz_scratch *s, struct folio *folio,
		       struct list_head *out);

/* zeropage.c */
int fz_zero_init(struct fz_scratch *s);
void fz_zero_destroy(struct fz_scratch *s);
struct folio *fz_zero_get(struct fz_scratch *s, u64 page);
void fz_zero_fill_begin(struct fz_scratch *s, u64 page);
void fz_zero_fill_end(struct fz_scratch *s);

/* chunk.c */
struct folio *fz_chunk_find(struct fz_scratch *s, u64 page);
struct fz_chunk *fz_chunk_next(struct fz_scratch *s, struct fz_range *range,
			       u64 *number);
u64 fz_chunk_skip(struct fz_scratch *s, const struct fz_range *range);
void fz_chunk_snapshot(struct fz_chunk *chunk, const struct fz_range *part,
		       u64 *words);
bool fz_chunk_next_wanted(struct fz_scratch *s, unsigned long *number,
			  unsigned long last, u64 *words);
int fz_chunk_make(struct fz_scratch *s, u64 number);
void fz_chunk_unmake(struct fz_scratch *s);
int fz_chunk_want_only(struct fz_scratch *s, struct fz_wsformat_walk *walk);
bool fz_chunk_is_empty(const struct fz_chunk *chunk);
u64 fz_chunk_remove(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		    const u64 *words, struct list_head *out);
u64 fz_chunk_replace(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		     u64 *words, bool keep_held, struct list_head *ready,
		     struct list_head *out);
struct folio *fz_chunk_replace_huge(struct fz_scratch *s, struct fz_chunk *chunk,
				    u64 number, struct folio *folio);
void fz_chunk_reap_some(struct fz_scratch *s);

/* Free empty chunks.  The caller must not use chunks that it found before. */
static inline void fz_chunk_reap(struct fz_scratch *s)
{
	lockdep_assert_held(&s->lock);

	if (unlikely(xa_marked(&s->chunks, FZ_CHUNK_EMPTY)))
		fz_chunk_reap_some(s);
}

/* chunk_age.c */
/* The pages of a word that are aged, or that this reset will drop as aged. */
static inline u64 fz_chunk_aged(const struct fz_chunk *chunk, u32 w)
{
	u64 any = 0;
	u32 i;

	lockdep_assert_held(&chunk->lock);

	for (i = 0; chunk->aged && i < FZ_AGED_PLANES; i++)
		any |= chunk->aged->planes[i][w];
	return any;
}

void fz_chunk_age(struct fz_scratch *s, u64 page, u32 back);
u8 fz_chunk_age_of_hole(const struct fz_scratch *s, const struct fz_chunk *chunk,
			unsigned int i);
void fz_chunk_came_back(struct fz_scratch *s, struct fz_chunk *chunk, unsigned int i);
void fz_chunk_forget(struct fz_scratch *s, const struct fz_range *range);
void fz_chunk_take_aged(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
			u64 *words);

#endif
