// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What others do to make runs of two bitmaps.
 */
#include "peers.h"

/* The widest registers there are, four at once: nothing but memory may be slow. */
typedef uint64_t vector __attribute__((vector_size(64), aligned(8)));

#ifdef __x86_64__
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static uint64_t read_words(const uint64_t *a, const uint64_t *b, uint64_t words)
{
	vector sum[4] = { 0 };
	uint64_t i, any = 0;
	unsigned int k;

	for (i = 0; i + 32 <= words; i += 32)
		for (k = 0; k < 4; k++)
			sum[k] |= *(const vector *)(a + i + 8 * k) |
				  *(const vector *)(b + i + 8 * k);
	for (; i < words; i++)
		any |= a[i] | b[i];
	sum[0] |= sum[1] | sum[2] | sum[3];
	for (k = 0; k < 8; k++)
		any |= sum[0][k];
	return any;
}

void peer_read(struct bitmaps *b, struct outcome *out)
{
	out->sum = read_words(b->a, b->b, b->words);
}

void peer_bits(struct bitmaps *b, struct outcome *out)
{
	struct fastzero_bitmap_run run = { 0 };
	uint64_t nr = 0, i, word;
	bool open = false;
	unsigned int j;

	for (i = 0; i < b->words; i++) {
		word = b->a[i] | b->b[i];
		for (j = 0; j < 64; j++) {
			if (word >> j & 1) {
				if (!open)
					run.first = i * 64 + j;
				open = true;
			} else if (open) {
				run.end = i * 64 + j;
				open = false;
				b->runs[nr++] = run;
				if (nr == BUFFER_RUNS) {
					take_runs(b, nr, out);
					nr = 0;
				}
			}
		}
	}
	if (open) {
		run.end = b->words * 64;
		b->runs[nr++] = run;
	}
	if (nr)
		take_runs(b, nr, out);
}

void peer_words(struct bitmaps *b, struct outcome *out)
{
	struct fastzero_bitmap_run run = { 0 };
	uint64_t nr = 0, i, word, bit;

	for (i = 0; i < b->words; i++) {
		for (word = b->a[i] | b->b[i]; word; word &= word - 1) {
			bit = i * 64 + __builtin_ctzll(word);
			if (bit == run.end && run.end) {
				run.end++;
				continue;
			}
			if (run.end) {
				b->runs[nr++] = run;
				if (nr == BUFFER_RUNS) {
					take_runs(b, nr, out);
					nr = 0;
				}
			}
			run.first = bit;
			run.end = bit + 1;
		}
	}
	if (run.end)
		b->runs[nr++] = run;
	if (nr)
		take_runs(b, nr, out);
}
