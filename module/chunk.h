/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: which folio is where in a scratch.
 */
#ifndef FZ_CHUNK_H
#define FZ_CHUNK_H

#include "context.h"

struct vm_fault;

/* On chunks that have a page: a reset visits no other. */
#define FZ_CHUNK_POPULATED	XA_MARK_0
/* On chunks of which a reset has found old pages. */
#define FZ_CHUNK_AGED		XA_MARK_1

/**
 * struct fz_chunk - the folios of 2 MiB of a scratch
 * @lock: protects all below.  A folio comes under it alone, by a fault, and
 *	goes under fz_scratch.lock as well
 * @nr: folios here
 * @populated: a bit for each; may be read under fz_scratch.lock alone, with
 *	fz_chunk_populated()
 * @wanted: a bit for each page of the working set: it was touched since that was
 *	set or forgotten
 * @aged: a bit for each page that went for its age and has not come back, or is
 *	about to go
 * @broken: it had a huge folio, and its runs touched little of that
 * @patience: so many resets do not look whether it should be broken; protected by
 *	fz_scratch.lock
 * @huge: one folio for all, or NULL
 * @folios: by page, NULL for a hole; as many as the scratch has pages here.  All
 *	NULL with @huge, and then all bits of @populated are set
 */
struct fz_chunk {
	spinlock_t lock;	/* protects all below */
	unsigned int nr;
	u64 populated[FZ_CHUNK_WORDS];
	u64 wanted[FZ_CHUNK_WORDS];
	u64 aged[FZ_CHUNK_WORDS];
	bool broken;
	u8 patience;
	struct folio *huge;
	struct folio **folios;
};

/* Pages of a word that are populated now; those that come later are zero. */
static inline u64 fz_chunk_populated(const struct fz_chunk *chunk, u32 w)
{
	return smp_load_acquire(&chunk->populated[w]);
}

/*
 * Whether somebody but us and page tables refers to a base page.  As
 * fz_inplace_is_held(), where each instruction counts.
 */
static inline bool fz_base_is_held(struct folio *folio)
{
	return folio_ref_count(folio) != 2 + atomic_read(&folio->_mapcount);
}

/* What backs a page, NULL for a hole. */
static inline struct folio *fz_chunk_folio(const struct fz_chunk *chunk,
					   unsigned int i)
{
	return READ_ONCE(chunk->huge) ?: READ_ONCE(chunk->folios[i]);
}

/* fill.c */
void fz_chunk_free(struct fz_chunk *chunk);
struct fz_chunk *fz_chunk_at(struct fz_scratch *s, u64 page, gfp_t gfp);
struct folio *fz_chunk_get(struct fz_scratch *s, struct fz_chunk *chunk,
			   u64 page, gfp_t gfp, const struct fz_place *place,
			   const struct vm_fault *vmf, u64 *nr_added);
struct folio *fz_chunk_fill(struct fz_scratch *s, u64 page, gfp_t gfp,
			    const struct fz_place *place, u64 *nr_added);
bool fz_chunk_put_back(struct fz_scratch *s, struct folio *folio,
		       struct list_head *out);

/* zero.c */
int fz_zero_init(struct fz_scratch *s);
void fz_zero_destroy(struct fz_scratch *s);
struct folio *fz_zero_get(struct fz_scratch *s, u64 page);
void fz_zero_fill_begin(struct fz_scratch *s, u64 page);
void fz_zero_fill_end(struct fz_scratch *s);

/* chunk.c */
struct folio *fz_chunk_find(struct fz_scratch *s, u64 page);
struct fz_chunk *fz_chunk_next(struct fz_scratch *s, struct fz_range *range,
			       u64 *number);
void fz_chunk_snapshot(struct fz_chunk *chunk, const struct fz_range *part,
		       u64 *words);
void fz_chunk_wanted(struct fz_chunk *chunk, u64 *words);
void fz_chunk_want(struct fz_chunk *chunk, const u64 *words);
void fz_chunk_want_nothing(struct fz_chunk *chunk);
void fz_chunk_age(struct fz_scratch *s, u64 page);
void fz_chunk_take_aged(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
			u64 *words);
u64 fz_chunk_remove(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		    const u64 *words, struct list_head *out);
u64 fz_chunk_replace(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		     u64 *words, bool keep_held, struct list_head *ready,
		     struct list_head *out);
struct folio *fz_chunk_replace_huge(struct fz_scratch *s, struct fz_chunk *chunk,
				    u64 number, struct folio *folio);
void fz_chunk_destroy_all(struct fz_scratch *s);

#endif
