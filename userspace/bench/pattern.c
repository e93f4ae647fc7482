// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pages the runs touch.
 */
#include "pattern.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER	16

const char *pattern_name(enum pattern pattern)
{
	static const char *const names[] = {
		"dense", "strided", "random", "clustered", "drifting", "alternating",
	};

	return pattern < PATTERNS ? names[pattern] : "?";
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

uint64_t random_seed(uint64_t seed)
{
	return seed * 0x9e3779b97f4a7c15ull + 1;
}

int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool test_and_set(uint8_t *bits, uint64_t n)
{
	bool was = bits[n / 8] & (1 << n % 8);

	bits[n / 8] |= 1 << n % 8;
	return was;
}

/* One that is not yet among those of @bits. */
static uint64_t choose_one(uint8_t *bits, uint64_t pages, uint64_t *state)
{
	uint64_t page;

	do {
		page = random_next(state) % pages;
	} while (test_and_set(bits, page));
	return page;
}

static void shuffle(uint64_t *list, uint64_t count, uint64_t *state)
{
	uint64_t i, other, page;

	for (i = count; i > 1; i--) {
		other = random_next(state) % i;
		page = list[i - 1];
		list[i - 1] = list[other];
		list[other] = page;
	}
}

/* @count different ones out of @pages, in random order; marked in @bits. */
static void choose(uint64_t *list, uint64_t pages, uint64_t count,
		   uint8_t *bits, uint64_t *state)
{
	uint64_t page, n;

	if (count <= pages / 2) {
		for (n = 0; n < count; n++)
			list[n] = choose_one(bits, pages, state);
		return;
	}
	for (n = 0, page = 0; n < count; page++)
		if (random_next(state) % (pages - page) < count - n) {
			test_and_set(bits, page);
			list[n++] = page;
		}
	shuffle(list, count, state);
}

static void clustered(uint64_t *list, uint64_t pages, uint64_t count,
		      uint8_t *bits, uint64_t *state)
{
	uint64_t clusters = (count + CLUSTER - 1) / CLUSTER;
	uint64_t i, n = count;

	choose(list, pages / CLUSTER, clusters, bits, state);
	/* From the end on, so that no number is overwritten before its use. */
	for (i = clusters; i-- > 0;) {
		uint64_t first = list[i] * CLUSTER;

		while (n > i * CLUSTER) {
			n--;
			list[n] = first + n % CLUSTER;
		}
	}
}

/* Every tenth page is another one. */
static void drift(uint64_t *list, const uint64_t *last, uint64_t pages,
		  uint64_t count, uint8_t *bits, uint64_t *state)
{
	uint64_t changes = (count + 9) / 10;
	uint64_t i, n, fresh;

	memcpy(list, last, count * sizeof(*list));
	for (n = 0; n < changes; n++) {
		i = random_next(state) % count;
		fresh = choose_one(bits, pages, state);
		bits[list[i] / 8] &= ~(1 << list[i] % 8);
		list[i] = fresh;
	}
}

static void fill(struct touches *t, enum pattern pattern, uint64_t pages,
		 uint8_t *bits, uint64_t seed)
{
	uint64_t state = random_seed(seed);
	uint64_t *first = t->lists[0];
	uint64_t i;
	unsigned int n;

	switch (pattern) {
	case PATTERN_DENSE:
	case PATTERN_STRIDED:
		for (i = 0; i < t->count; i++)
			first[i] = i * (pattern == PATTERN_DENSE ?
					1 : pages / t->count);
		break;
	case PATTERN_CLUSTERED:
		clustered(first, pages, t->count, bits, &state);
		break;
	default:
		choose(first, pages, t->count, bits, &state);
	}
	for (n = 1; n < t->nr; n++) {
		if (pattern == PATTERN_ALTERNATING)
			choose(t->lists[n], pages, t->count, bits, &state);
		else
			drift(t->lists[n], t->lists[n - 1], pages, t->count,
			      bits, &state);
	}
}

void touches_free(struct touches *t)
{
	unsigned int n;

	for (n = 0; n < t->nr; n++) {
		free(t->lists[n]);
		free(t->sorted[n]);
	}
	t->nr = 0;
}

int touches_make(struct touches *t, enum pattern pattern, uint64_t pages,
		 uint64_t count, unsigned int runs, uint64_t seed)
{
	uint64_t size = count * sizeof(uint64_t);
	uint64_t needed = count;
	uint8_t *bits;
	unsigned int n;
	int ret = 0;

	memset(t, 0, sizeof(*t));
	if (pattern == PATTERN_ALTERNATING)
		needed = 4 * count;
	else if (pattern == PATTERN_DRIFTING)
		needed = count + 1;
	else if (pattern == PATTERN_CLUSTERED)
		needed = count + CLUSTER - 1;
	if (!count || needed > pages)
		return -EINVAL;
	t->count = count;
	t->nr = pattern == PATTERN_DRIFTING ? runs :
		pattern == PATTERN_ALTERNATING ? 2 : 1;
	bits = calloc(1, pages / 8 + 1);
	for (n = 0; n < t->nr; n++) {
		t->lists[n] = malloc(size);
		t->sorted[n] = malloc(size);
		if (!bits || !t->lists[n] || !t->sorted[n])
			ret = -ENOMEM;
	}
	if (!ret)
		fill(t, pattern, pages, bits, seed);
	for (n = 0; !ret && n < t->nr; n++) {
		memcpy(t->sorted[n], t->lists[n], size);
		qsort(t->sorted[n], count, sizeof(uint64_t), ascending);
	}
	free(bits);
	if (ret)
		touches_free(t);
	return ret;
}
