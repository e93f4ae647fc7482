// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the walk over bitmaps: where it begins, goes on and ends.
 */
#include "internal.h"
#include "bitmap.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FZ_BLOCK_WORDS	(FASTZERO_BITMAP_BLOCK / 64)
/* Blocks of a summary that are looked up at once, since a buffer may end in the first. */
#define FZ_STRETCH_BLOCKS	16
/* The first version of a walk, which has to have room for its last member. */
#define FZ_WALK_MIN	(offsetof(struct fastzero_bitmap_walk, next) + sizeof(uint64_t))
/* Runs between two series of calls of fastzero_bitmap_for_each()'s function. */
#define FZ_EACH_RUNS	512

/* The best first. */
static const struct fz_bitmap_isa *const fz_bitmap_isas[] = {
#ifdef __x86_64__
	&fz_bitmap_avx512,
	&fz_bitmap_avx2,
	&fz_bitmap_sse2,
#endif
	&fz_bitmap_scalar,
};

#define FZ_BITMAP_ISAS	(sizeof(fz_bitmap_isas) / sizeof(fz_bitmap_isas[0]))

/* The one in use, or NULL before the first use.  Threads that race choose the same. */
static const struct fz_bitmap_isa *fz_bitmap_chosen;

static const struct fz_bitmap_isa *fz_bitmap_best(void)
{
	size_t i;

	for (i = 0; !fz_bitmap_isas[i]->usable(); i++)
		;
	return fz_bitmap_isas[i];
}

FASTZERO_API int fastzero_bitmap_use(const char *isa)
{
	const struct fz_bitmap_isa *chosen = NULL;
	size_t i;

	if (!isa)
		chosen = fz_bitmap_best();
	for (i = 0; !chosen && i < FZ_BITMAP_ISAS; i++)
		if (!strcmp(isa, fz_bitmap_isas[i]->name))
			chosen = fz_bitmap_isas[i];
	if (!chosen)
		return fz_fail(-EINVAL, "no instructions are called %s", isa);
	if (!chosen->usable())
		return fz_fail(-EOPNOTSUPP, "this processor has no %s", isa);
	__atomic_store_n(&fz_bitmap_chosen, chosen, __ATOMIC_RELAXED);
	return 0;
}

static const struct fz_bitmap_isa *fz_bitmap_get(void)
{
	const struct fz_bitmap_isa *isa;

	isa = __atomic_load_n(&fz_bitmap_chosen, __ATOMIC_RELAXED);
	if (isa)
		return isa;
	if (fastzero_bitmap_use(secure_getenv("FASTZERO_BITMAP")))
		fastzero_bitmap_use(NULL);
	return __atomic_load_n(&fz_bitmap_chosen, __ATOMIC_RELAXED);
}

FASTZERO_API const char *fastzero_bitmap_isa(void)
{
	return fz_bitmap_get()->name;
}

/* Whether a block has to be looked at. */
static bool fz_bitmap_wanted(const uint64_t *summary, uint64_t block)
{
	return !summary || (summary[block / 64] >> block % 64 & 1);
}

/* The first word from @word on that has to be looked at, or else @words. */
static uint64_t fz_bitmap_skip(const uint64_t *summary, uint64_t word, uint64_t words)
{
	uint64_t block = word / FZ_BLOCK_WORDS, bits;

	if (word >= words || fz_bitmap_wanted(summary, block))
		return word;
	for (bits = summary[block / 64] & ~0ull << block % 64; !bits; bits = summary[block / 64]) {
		block = (block / 64 + 1) * 64;
		if (block * FZ_BLOCK_WORDS >= words)
			return words;
	}
	block = block / 64 * 64 + __builtin_ctzll(bits);
	return block * FZ_BLOCK_WORDS < words ? block * FZ_BLOCK_WORDS : words;
}

/* The end of the words from @word on that have to be looked at, or a step on the way. */
static uint64_t fz_bitmap_stretch(const uint64_t *summary, uint64_t word, uint64_t words)
{
	uint64_t block = word / FZ_BLOCK_WORDS, most = block + FZ_STRETCH_BLOCKS;

	if (!summary)
		return words;
	while (block < most && block * FZ_BLOCK_WORDS < words && fz_bitmap_wanted(summary, block))
		block++;
	return block * FZ_BLOCK_WORDS < words ? block * FZ_BLOCK_WORDS : words;
}

/* One word, into the last room, too.  False: there is no more room, and no open run. */
static bool fz_bitmap_word(struct fz_bitmap_scan *scan, uint64_t word, const uint64_t *full)
{
	uint64_t edges = word ^ (word << 1 | scan->carry);

	for (; edges; edges &= edges - 1) {
		*scan->out++ = scan->word * 64 + __builtin_ctzll(edges);
		scan->carry ^= 1;
		if (scan->out == full)
			return false;
	}
	scan->word++;
	return true;
}

/*
 * The words up to @end.  The first and the last one may not be whole; they are done by
 * themselves, as are all with a small buffer.  False: there is no room for more.
 */
static bool fz_bitmap_words(const struct fastzero_bitmap_walk *walk,
			    struct fz_bitmap_scan *scan, uint64_t end, const uint64_t *full)
{
	const struct fz_bitmap_isa *isa = fz_bitmap_get();
	uint64_t whole = walk->nbits / 64;
	uint64_t word;

	scan->end = end < whole ? end : whole;
	while (scan->word < end) {
		if (scan->limit && scan->out > scan->limit)
			return false;
		if (scan->limit && scan->word < scan->end && walk->next <= scan->word * 64) {
			isa->edges(scan);
			continue;
		}
		word = scan->a[scan->word] | scan->b[scan->word];
		if (scan->word == walk->next / 64)
			word &= ~0ull << walk->next % 64;
		if (scan->word == whole)
			word &= (1ull << walk->nbits % 64) - 1;
		if (!fz_bitmap_word(scan, word, full))
			return false;
	}
	return true;
}

/* Fills the buffer, and says in @walk where the next one begins. */
static void fz_bitmap_fill(struct fastzero_bitmap_walk *walk, struct fz_bitmap_scan *scan,
			   const uint64_t *full)
{
	uint64_t words = walk->nbits / 64 + (walk->nbits % 64 != 0);
	uint64_t end;

	for (;;) {
		end = fz_bitmap_skip(walk->summary, scan->word, words);
		if (scan->carry && (end > scan->word || end == words)) {
			/* A run ends where the words do, or where none is looked at. */
			scan->carry = 0;
			*scan->out++ = scan->word < words ? scan->word * 64 : walk->nbits;
			if (scan->out == full)
				break;
		}
		scan->word = end;
		if (end == words) {
			walk->next = walk->nbits;
			return;
		}
		end = fz_bitmap_stretch(walk->summary, scan->word, words);
		if (!fz_bitmap_words(walk, scan, end, full))
			break;
	}
	/* A run that is open is for the next buffer; there is one before it. */
	if (scan->carry)
		scan->out--;
	walk->next = scan->out[-1];
}

FASTZERO_API int64_t fastzero_bitmap_runs(struct fastzero_bitmap_walk *walk,
					  struct fastzero_bitmap_run *runs, size_t nr)
{
	struct fastzero_bitmap_walk w;
	struct fz_bitmap_scan scan = { 0 };
	uint64_t *out;
	int ret;

	if (!walk)
		return fz_null("the walk");
	ret = fz_struct_in(&w, sizeof(w), walk);
	if (ret)
		return ret;
	if (w.flags)
		return fz_fail(-EOPNOTSUPP, "flags %#x of a walk are not known", w.flags);
	if (!w.bitmap)
		return fz_null("the bitmap");
	if (!runs || !nr)
		return fz_fail(-EINVAL, "there is no room for runs");
	if (walk->size < FZ_WALK_MIN)
		return fz_fail(-EINVAL, "the size in a walk is %u", walk->size);
	out = &runs->first;
	scan.a = w.bitmap;
	scan.b = w.other ? w.other : w.bitmap;
	scan.word = w.next / 64;
	scan.out = out;
	if (nr > FZ_BITMAP_SLACK / 2)
		scan.limit = out + 2 * nr - FZ_BITMAP_SLACK;
	fz_bitmap_fill(&w, &scan, out + 2 * nr);
	walk->next = w.next;
	return (scan.out - out) / 2;
}

FASTZERO_API int fastzero_bitmap_for_each(struct fastzero_bitmap_walk *walk,
					  fastzero_bitmap_fn fn, void *arg)
{
	struct fastzero_bitmap_run runs[FZ_EACH_RUNS];
	int64_t i, nr;
	int ret;

	while ((nr = fastzero_bitmap_runs(walk, runs, FZ_EACH_RUNS)) > 0) {
		for (i = 0; i < nr; i++) {
			ret = fn(arg, runs[i].first, runs[i].end);
			if (!ret)
				continue;
			walk->next = runs[i].end;
			return ret;
		}
	}
	return nr;
}

FASTZERO_API void fastzero_bitmap_summarize(const uint64_t *bitmap, uint64_t nbits,
					    uint64_t *summary)
{
	uint64_t whole = nbits / 64, word, any, end, block;

	for (block = 0; block * FASTZERO_BITMAP_BLOCK < nbits; block++) {
		word = block * FZ_BLOCK_WORDS;
		end = word + FZ_BLOCK_WORDS;
		any = 0;
		if (end > whole) {
			end = whole;
			if (nbits % 64)
				any = bitmap[whole] & ((1ull << nbits % 64) - 1);
		}
		for (; word < end; word++)
			any |= bitmap[word];
		if (any)
			summary[block / 64] |= 1ull << block % 64;
	}
}
