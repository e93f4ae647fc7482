// SPDX-License-Identifier: GPL-2.0-only
/*
 * INPLACE: clear folios where they are.  This changes no page table, so the next run does
 * not fault.  The holder of a folio sees the zeros.
 */
#include <linux/mm.h>

#include "clear.h"
#include "compat/compat.h"
#include "reset.h"

/* Pages cleared between two checks for signals and the scheduler, or a few more. */
#define INPLACE_BATCH	512

/**
 * fz_inplace_is_held() - whether a folio is held
 * @folio: a folio of a scratch
 *
 * Return: true if so; also true while a fault has a reference, and for a huge folio that
 * is mapped page by page.
 */
bool fz_inplace_is_held(struct folio *folio)
{
	return folio_ref_count(folio) != 1 + fz_folio_mapcount(folio);
}

/**
 * fz_inplace_split_held() - find the held pages of a chunk
 * @chunk: the chunk
 * @words: bitmap of populated pages; the bits of held pages that have not failed move
 *	from here to @held
 * @held: bitmap of pages, to which those bits are added
 */
void fz_inplace_split_held(const struct fz_chunk *chunk, u64 *words, u64 *held)
{
	u32 w;

	if (chunk->huge) {
		if (!fz_inplace_is_held(chunk->huge))
			return;
		memcpy(held, words, FZ_CHUNK_WORDS * sizeof(*words));
		memset(words, 0, FZ_CHUNK_WORDS * sizeof(*words));
		return;
	}
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 word = words[w];

		for (; word; word &= word - 1) {
			u32 i = w * 64 + __ffs64(word);

			struct folio *folio = fz_chunk_base(chunk, i);

			if (!fz_inplace_is_held(folio) || fz_folio_is_bad(folio))
				continue;
			held[w] |= 1ULL << (i % 64);
			words[w] &= ~(1ULL << (i % 64));
		}
	}
}

/* Drop pages whose memory has failed, also held ones. */
static void inplace_drop_failed(struct fz_reset *r, struct fz_chunk *chunk,
				u64 number, const u64 *words)
{
	struct fz_reset one = { .s = r->s };

	fz_unmap_words(&one, chunk, number, words);
	r->dropped += one.dropped;
	r->held += one.held;
}

static noinline void inplace_drop_page(struct fz_reset *r, struct fz_chunk *chunk,
				       u64 number, u32 i)
{
	u64 words[FZ_CHUNK_WORDS] = { };

	words[i / 64] = 1ULL << (i % 64);
	inplace_drop_failed(r, chunk, number, words);
}

static void inplace_page(struct fz_reset *r, struct page *page)
{
	fz_clear_page(page_address(page));
	r->cleared++;
}

/* Clear the base pages of a word of a chunk's bitmap.  Inline, since most words have few. */
static __always_inline void inplace_word(struct fz_reset *r, struct fz_chunk *chunk,
					 u64 number, u32 w, u64 word)
{
	struct folio **folios = READ_ONCE(chunk->folios[w]);

	r->cleared += hweight64(word);
	for (; word; word &= word - 1) {
		u32 i = __ffs64(word);
		struct folio *folio = folios[i];

		if (unlikely(PageHWPoison(folio_page(folio, 0)))) {
			r->cleared--;
			inplace_drop_page(r, chunk, number, w * 64 + i);
			continue;
		}
		fz_clear_page(page_address(folio_page(folio, 0)));
		if (unlikely(fz_base_is_held(folio)))
			r->held++;
	}
}

/* Clear pages of a huge folio, each of which may have failed. */
static void inplace_huge(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
			 const u64 *words)
{
	struct folio *folio = chunk->huge;
	u64 before = r->cleared;
	bool failed = false;
	u32 w;

	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 word = words[w];

		for (; word; word &= word - 1) {
			struct page *page = folio_page(folio, w * 64 +
						       __ffs64(word));

			if (likely(!PageHWPoison(page)))
				inplace_page(r, page);
			else
				failed = true;
		}
	}
	if (unlikely(fz_inplace_is_held(folio)))
		r->held += r->cleared - before;
	if (likely(!failed))
		return;
	/* Drop the folio if all of it is to be zero.  Else the rest stays in use. */
	if (fz_range_all(words))
		inplace_drop_failed(r, chunk, number, words);
	else
		r->failed = true;
}

/**
 * fz_inplace_look_huge() - look at each page of a huge folio, and clear those that are
 * not zero
 * @r: the reset
 * @chunk: a chunk with a huge folio, all of which is to be zero
 * @number: its number
 * @words: bitmap of FZ_CHUNK_WORDS words, set to the pages that were not zero
 *
 * Return: how many pages were not zero.
 */
u32 fz_inplace_look_huge(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
			 u64 *words)
{
	struct folio *folio = chunk->huge;
	void *pages[64];
	u32 w, i, nr = 0;

	if (unlikely(fz_folio_has_failed(folio))) {
		memset(words, 0xff, FZ_CHUNK_WORDS * sizeof(*words));
		fz_inplace_words(r, chunk, number, words);
		return FZ_CHUNK_PAGES;
	}
	for (w = 0; w < FZ_CHUNK_WORDS; w++) {
		u64 left;

		for (i = 0; i < 64; i++)
			pages[i] = page_address(folio_page(folio, w * 64 + i));
		words[w] = ~fz_clear_look(pages, ~0ULL);
		nr += hweight64(words[w]);
		for (left = words[w]; left; left &= left - 1)
			fz_clear_page(pages[__ffs64(left)]);
	}
	r->cleared += FZ_CHUNK_PAGES;
	if (unlikely(fz_inplace_is_held(folio)))
		r->held += FZ_CHUNK_PAGES;
	return nr;
}

/**
 * fz_inplace_words() - clear populated pages of a chunk
 * @r: the reset
 * @chunk: the chunk
 * @number: its number
 * @words: bitmap of the pages
 */
void fz_inplace_words(struct fz_reset *r, struct fz_chunk *chunk, u64 number,
		      const u64 *words)
{
	u32 w;

	if (chunk->huge) {
		inplace_huge(r, chunk, number, words);
		return;
	}
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		inplace_word(r, chunk, number, w, words[w]);
}

/*
 * Clear the pages of a chunk.  Under the scratch's lock no folio leaves it, and new folios
 * are zero.
 */
static void inplace_chunk(struct fz_reset *r, struct fz_chunk *chunk, u64 number)
{
	struct fz_range part = fz_range_in_chunk(&r->range, number);
	u64 words[FZ_CHUNK_WORDS] = { };
	u32 w;

	for (w = part.first / 64; w * 64 < part.end; w++) {
		u64 word = fz_chunk_populated(chunk, w);

		if (!word)
			continue;
		word &= fz_range_word(&part, w);
		if (r->dirty)
			word &= fz_dirty_word(r->dirty, number, w);
		/* Base pages are cleared at once, without a bitmap for the chunk. */
		if (chunk->huge)
			words[w] = word;
		else
			inplace_word(r, chunk, number, w, word);
	}
	if (chunk->huge)
		inplace_huge(r, chunk, number, words);
	r->range.first = (number << FZ_CHUNK_SHIFT) + part.end;
}

/*
 * Clear the dirty base pages of a chunk.  False if fz_dirty_words() cannot give the
 * chunk's words: then inplace_chunk() does it.
 */
static bool inplace_dirty(struct fz_reset *r, struct fz_chunk *chunk, u64 number)
{
	const u64 *dirty;
	u32 w;

	if (!r->dirty || chunk->huge)
		return false;
	dirty = fz_dirty_words(r->dirty, number);
	if (!dirty)
		return false;
	/* The range begins with a dirty page, and all pages of the chunk before it are clean. */
	for (w = 0; w < FZ_CHUNK_WORDS; w++)
		if (dirty[w])
			inplace_word(r, chunk, number, w, dirty[w] &
				     fz_chunk_populated(chunk, w));
	r->range.first = min((number + 1) << FZ_CHUNK_SHIFT, r->range.end);
	return true;
}

/**
 * fz_inplace_some() - clear the next populated chunks of a reset
 * @r: the reset; its range is moved on
 */
void fz_inplace_some(struct fz_reset *r)
{
	u64 until = r->cleared + INPLACE_BATCH;
	struct fz_chunk *chunk;
	int left = FZ_RESET_CHUNKS;
	u64 number;

	while (r->cleared < until && left-- &&
	       (chunk = fz_reset_next(r, &number)))
		if (!inplace_dirty(r, chunk, number))
			inplace_chunk(r, chunk, number);
}
