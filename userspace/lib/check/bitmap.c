// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bitmap walk, in each of its ways, against one that goes bit by bit.
 *
 *	check-bitmap [SEED]
 *
 * With libFuzzer (make fuzz-bitmap) the fuzzer's bytes are the bitmaps.
 */
#include "check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fastzero_bitmap.h"

#define BLOCK		FASTZERO_BITMAP_BLOCK
#define MAX_BITS	(5 * BLOCK + 77)
#define MAX_WORDS	(MAX_BITS / 64 + 1)
#define MAX_RUNS	(MAX_BITS / 2 + 2)
#define FENCE		0xfe9cefe9cefe9cefull

static const char *const isas[] = { "c", "sse2", "avx2", "avx512" };

#define ISAS	(sizeof(isas) / sizeof(isas[0]))

static struct fastzero_bitmap_run want[MAX_RUNS], got[MAX_RUNS + 1];

static bool bit(const uint64_t *bitmap, uint64_t n)
{
	return bitmap && bitmap[n / 64] >> n % 64 & 1;
}

/* What the walk must give, bit by bit. */
static uint64_t walk_bits(const struct fastzero_bitmap_walk *w)
{
	uint64_t n, nr = 0;
	bool was = false, is;

	for (n = w->next; n < w->nbits; n++) {
		is = (bit(w->bitmap, n) || bit(w->other, n)) &&
		     (!w->summary || bit(w->summary, n / BLOCK));
		if (is && !was)
			want[nr].first = n;
		if (is)
			want[nr].end = n + 1;
		if (!is && was)
			nr++;
		was = is;
	}
	return nr + was;
}

/* The walk with a buffer of @room runs, and whether it kept inside of that. */
static bool walk_is_right(struct fastzero_bitmap_walk w, uint64_t nr, size_t room)
{
	uint64_t have = 0;
	int64_t n;

	for (;;) {
		size_t here = room < MAX_RUNS - have ? room : MAX_RUNS - have;

		if (!here)
			return false;
		got[have + here].first = FENCE;
		n = fastzero_bitmap_runs(&w, got + have, here);
		if (got[have + here].first != FENCE || n < 0 || n > (int64_t)here)
			return false;
		if (!n)
			break;
		have += n;
		if (w.next < got[have - 1].end)
			return false;
		/* Only the last part of a small buffer may be short. */
		if (n < (int64_t)here && here <= 64 && w.next != w.nbits)
			return false;
	}
	return w.next == w.nbits && have == nr && !memcmp(got, want, nr * sizeof(want[0]));
}

static void check_walk(const struct fastzero_bitmap_walk *w, size_t room)
{
	uint64_t nr = walk_bits(w);
	size_t i;

	for (i = 0; i < ISAS; i++) {
		if (fastzero_bitmap_use(isas[i]))
			continue;
		checked++;
		if (walk_is_right(*w, nr, room))
			continue;
		failed++;
		fprintf(stderr, "bitmap: %s: wrong: %llu bits from %llu on, other %d, summary %d, room %zu\n",
			isas[i], (unsigned long long)w->nbits, (unsigned long long)w->next,
			!!w->other, !!w->summary, room);
	}
}

#ifdef FUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two bytes say where the walk begins, its room and end; the rest are the bitmaps. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fastzero_bitmap_walk w = { .size = sizeof(w) };
	uint64_t *words;
	size_t n;

	if (size < 2 + 16)
		return 0;
	n = (size - 2) / 16;
	if (n > MAX_WORDS - 1)
		n = MAX_WORDS - 1;
	/* Of its own, so that the sanitizer sees the end. */
	words = malloc(16 * n);
	if (!words)
		return 0;
	memcpy(words, data + 2, 16 * n);
	w.bitmap = words;
	w.other = words + n;
	w.nbits = 64 * n - data[1] % 64;
	w.next = data[0] % 128;
	if (w.next > w.nbits)
		w.next = w.nbits;
	check_walk(&w, 1 + data[0]);
	check_walk(&w, MAX_RUNS);
	free(words);
	if (failed)
		abort();
	return 0;
}
#else

static uint64_t summary[MAX_BITS / BLOCK / 64 + 1];
static uint64_t random_state;

static uint64_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Words against the end of a mapping: a look beyond the last is seen. */
static uint64_t *words_at_end(size_t words)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t size = (words * 8 + page - 1) / page * page;
	char *p = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED || mprotect(p + size, page, PROT_NONE)) {
		perror("check-bitmap");
		exit(1);
	}
	return (uint64_t *)(p + size - words * 8);
}

static void set_bits(uint64_t *bitmap, uint64_t first, uint64_t end)
{
	for (; first < end; first++)
		bitmap[first / 64] |= 1ull << first % 64;
}

/* Bits and gaps, each of 1 to 2 * @set - 1 and 2 * @gap - 1. */
static void fill(uint64_t *bitmap, uint64_t nbits, uint64_t set, uint64_t gap)
{
	uint64_t n, end;

	/* Beyond the bits there is something, which must not be seen. */
	memset(bitmap, 0, (nbits / 64 + (nbits % 64 != 0)) * 8);
	if (nbits % 64)
		bitmap[nbits / 64] = rnd() << nbits % 64;
	for (n = gap ? rnd() % (2 * gap) : 0; n < nbits; n = end + 1 + (gap ? rnd() % (2 * gap) : 0)) {
		end = n + 1 + rnd() % (2 * set);
		set_bits(bitmap, n, end < nbits ? end : nbits);
	}
}

static const uint64_t shapes[][2] = {
	{ 1, 0 }, { 1, 1 }, { 1, 3 }, { 1, 10 }, { 1, 50 }, { 1, 500 }, { 1, 20000 },
	{ 5, 1 }, { 50, 1 }, { 500, 1 }, { 20000, 1 }, { 64, 64 }, { 64, 2000 }, { 600, 600 },
	{ 40000, 40000 },
};

#define SHAPES	(sizeof(shapes) / sizeof(shapes[0]))

/* All lengths that end in the first words, everywhere in a vector. */
static void check_lengths(void)
{
	struct fastzero_bitmap_walk w = { .size = sizeof(w) };
	uint64_t nbits, *a, *b, words;
	size_t shape;

	a = words_at_end(10);
	b = words_at_end(10);
	for (nbits = 0; nbits <= 600; nbits++) {
		words = nbits / 64 + (nbits % 64 != 0);
		w.bitmap = a + 10 - words;
		w.nbits = nbits;
		for (shape = 0; shape < SHAPES; shape++) {
			fill(a + 10 - words, nbits, shapes[shape][0], shapes[shape][1]);
			fill(b + 10 - words, nbits, shapes[shape][0], shapes[shape][1]);
			w.other = NULL;
			check_walk(&w, MAX_RUNS);
			w.other = b + 10 - words;
			check_walk(&w, 1 + rnd() % 100);
		}
	}
}

static void check_patterns(void)
{
	static const uint64_t patterns[] = {
		0, ~0ull, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 1, 1ull << 63, ~1ull,
		~(1ull << 63), 0x8000000000000001, 0x7ffffffffffffffe,
	};
	struct fastzero_bitmap_walk w = { .size = sizeof(w), .nbits = 64 * 200 };
	uint64_t *a = words_at_end(200);
	size_t even, odd, i;

	w.bitmap = a;
	for (even = 0; even < sizeof(patterns) / 8; even++)
		for (odd = 0; odd < sizeof(patterns) / 8; odd++) {
			for (i = 0; i < 200; i++)
				a[i] = patterns[i % 2 ? odd : even];
			check_walk(&w, MAX_RUNS);
			check_walk(&w, 65 + rnd() % 64);
		}
}

/* One and the same walk, resumed with each size of buffer, and from each bit on. */
static void check_resume(void)
{
	struct fastzero_bitmap_walk w = { .size = sizeof(w), .nbits = 64 * 40 - 3 };
	uint64_t *a = words_at_end(40);
	size_t shape, room;

	w.bitmap = a;
	for (shape = 0; shape < SHAPES; shape++) {
		fill(a, w.nbits, shapes[shape][0], shapes[shape][1]);
		w.next = 0;
		for (room = 1; room <= 300; room++)
			check_walk(&w, room);
		for (w.next = 0; w.next <= w.nbits; w.next += 1 + rnd() % 8)
			check_walk(&w, 1 + rnd() % 300);
	}
}

static void check_summary(unsigned int rounds)
{
	struct fastzero_bitmap_walk w = { .size = sizeof(w) };
	uint64_t *a = words_at_end(MAX_WORDS), *b = words_at_end(MAX_WORDS);
	uint64_t words, n, set;
	const uint64_t *shape;

	while (rounds--) {
		w.nbits = rnd() % 2 ? rnd() % MAX_BITS : rnd() % 6 * BLOCK + rnd() % 3 * 7;
		words = w.nbits / 64 + (w.nbits % 64 != 0);
		w.bitmap = a + MAX_WORDS - words;
		w.other = b + MAX_WORDS - words;
		shape = shapes[rnd() % SHAPES];
		fill(a + MAX_WORDS - words, w.nbits, shape[0], shape[1]);
		shape = shapes[rnd() % SHAPES];
		fill(b + MAX_WORDS - words, w.nbits, shape[0], shape[1]);
		memset(summary, 0, sizeof(summary));
		fastzero_bitmap_summarize(w.bitmap, w.nbits, summary);
		fastzero_bitmap_summarize(w.other, w.nbits, summary);
		for (n = 0, set = 0; n < w.nbits; n++) {
			set |= bit(w.bitmap, n) || bit(w.other, n);
			if ((n + 1) % BLOCK && n + 1 < w.nbits)
				continue;
			CHECK(bit(summary, n / BLOCK) == set);
			set = 0;
		}
		w.summary = NULL;
		w.next = w.nbits ? rnd() % 2 * (rnd() % w.nbits) : 0;
		check_walk(&w, 1 + rnd() % 3000);
		w.summary = summary;
		check_walk(&w, MAX_RUNS);
		/* One that is not true shows that it is used, where runs are cut. */
		summary[0] &= rnd();
		check_walk(&w, 1 + rnd() % 3000);
	}
}

static int stop_at(void *arg, uint64_t first, uint64_t end)
{
	uint64_t *seen = arg;

	if (first != want[*seen].first || end != want[*seen].end)
		return -1;
	return ++*seen == 700 ? 7 : 0;
}

static void check_calls(void)
{
	struct {
		struct fastzero_bitmap_walk walk;
		uint64_t later;
	} newer = { .walk = { .size = sizeof(newer) } };
	struct fastzero_bitmap_walk w = { .size = sizeof(w), .nbits = 64 * 64 };
	uint64_t a[64], seen = 0, nr;
	const char *isa;
	size_t i;

	CHECK(fastzero_bitmap_runs(NULL, got, 1) == -EINVAL);
	CHECK(fastzero_bitmap_runs(&w, got, 1) == -EINVAL);
	memset(a, 0x55, sizeof(a));
	w.bitmap = a;
	CHECK(fastzero_bitmap_runs(&w, got, 0) == -EINVAL);
	CHECK(fastzero_bitmap_runs(&w, NULL, 1) == -EINVAL);
	w.flags = 1;
	CHECK(fastzero_bitmap_runs(&w, got, 1) == -EOPNOTSUPP);
	w.flags = 0;
	w.size -= 8;
	CHECK(fastzero_bitmap_runs(&w, got, 1) == -EINVAL);
	w.size += 8;
	newer.walk.bitmap = a;
	newer.walk.nbits = 64;
	newer.later = 1;
	CHECK(fastzero_bitmap_runs(&newer.walk, got, 1) == -E2BIG);
	newer.later = 0;
	CHECK(fastzero_bitmap_runs(&newer.walk, got, 1) == 1);
	CHECK(newer.walk.next == 1);

	nr = walk_bits(&w);
	CHECK(nr == 32 * 64);
	CHECK(fastzero_bitmap_for_each(&w, stop_at, &seen) == 7);
	CHECK(seen == 700 && w.next == want[699].end);
	CHECK(fastzero_bitmap_for_each(&w, stop_at, &seen) == 0);
	CHECK(seen == nr && w.next == w.nbits);
	CHECK(fastzero_bitmap_for_each(&w, stop_at, &seen) == 0);

	CHECK(fastzero_bitmap_use("mmx") == -EINVAL);
	CHECK(fastzero_bitmap_use("c") == 0 && !strcmp(fastzero_bitmap_isa(), "c"));
	CHECK(fastzero_bitmap_use(NULL) == 0);
	isa = fastzero_bitmap_isa();
	printf("bitmap: the best here is %s; checked:", isa);
	for (i = 0; i < ISAS; i++)
		if (!fastzero_bitmap_use(isas[i]))
			printf(" %s", isas[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	const char *isa = getenv("FASTZERO_BITMAP");

	random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	if (!random_state)
		random_state = 1;
	/* The first use goes by the environment. */
	if (isa)
		CHECK(!strcmp(fastzero_bitmap_isa(), isa));
	check_calls();
	check_lengths();
	check_patterns();
	check_resume();
	check_summary(60);
	return check_end("bitmap");
}
#endif /* FUZZER */
