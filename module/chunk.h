/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: which folio is where in a scratch.
 */
#ifndef FZ_CHUNK_H
#define FZ_CHUNK_H

#include "context.h"

/* On chunks that have a page: a reset visits no other. */
#define FZ_CHUNK_POPULATED	XA_MARK_0

/**
 * struct fz_chunk - the folios of 2 MiB of a scratch
 * @lock: protects all below.  A folio comes under it alone, by a fault, and
 *	goes under fz_scratch.lock as well
 * @nr: folios here
 * @populated: a bit for each; may be read under fz_scratch.lock alone, with
 *	fz_chunk_populated()
 * @huge: one folio for all, or NULL
 * @folios: by page, NULL for a hole; as many as the scratch has pages here.  All
 *	NULL with @huge, and then all bits of @populated are set
 */
struct fz_chunk {
	spinlock_t lock;	/* protects nr, populated, huge, folios */
	unsigned int nr;
	u64 populated[FZ_CHUNK_WORDS];
	struct folio *huge;
	struct folio **folios;
};

/* Pages of a word that are populated now; those that come later are zero. */
static inline u64 fz_chunk_populated(const struct fz_chunk *chunk, u32 w)
{
	return smp_load_acquire(&chunk->populated[w]);
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
			   u64 page, gfp_t gfp, u64 *nr_added);
struct folio *fz_chunk_fill(struct fz_scratch *s, u64 page, gfp_t gfp,
			    u64 *nr_added);

/* chunk.c */
struct folio *fz_chunk_find(struct fz_scratch *s, u64 page);
bool fz_chunk_has(struct fz_chunk *chunk, u64 page, struct folio *folio);
struct fz_chunk *fz_chunk_next(struct fz_scratch *s, struct fz_range *range,
			       u64 *number);
void fz_chunk_snapshot(struct fz_chunk *chunk, const struct fz_range *part,
		       u64 *words);
u64 fz_chunk_remove(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		    const u64 *words, struct list_head *out);
u64 fz_chunk_replace(struct fz_scratch *s, struct fz_chunk *chunk, u64 number,
		     u64 *words, struct list_head *ready,
		     struct list_head *out);
struct folio *fz_chunk_replace_huge(struct fz_scratch *s, struct fz_chunk *chunk,
				    u64 number, struct folio *folio);
void fz_chunk_destroy_all(struct fz_scratch *s);

#endif
