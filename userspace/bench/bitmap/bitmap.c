// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bitmap-bench: the library's bitmap walk beside its peers, in nanoseconds.
 *
 *	bitmap-bench [--mib N] [--repeat N] [--only DENSITY] [--no-bits]
 *
 * Two bitmaps, of 384 MiB each, are ORed into runs.
 */
#include "peers.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>

#include "fastzero_bitmap.h"

#define MAX_REPEAT	99
#define MAX_WAYS	8

struct density {
	const char *name;
	double set;		/* part of the bits that are set in either */
	unsigned int run;	/* bits in a run, 0 for bits that know nothing of each other */
};

static const struct density densities[] = {
	{ "0", 0, 0 },
	{ "0.1 %", 0.001, 0 },
	{ "1 %", 0.01, 0 },
	{ "5 %", 0.05, 0 },
	{ "50 %", 0.5, 0 },
	{ "99.9 %", 0.999, 0 },
	{ "0.1 %, runs of 64", 0.001, 64 },
	{ "1 %, runs of 64", 0.01, 64 },
	{ "5 %, runs of 64", 0.05, 64 },
	{ "50 %, runs of 64", 0.5, 64 },
	{ "99.9 %, runs of 64", 0.999, 64 },
};

#define DENSITIES	(sizeof(densities) / sizeof(densities[0]))

/* A way to make runs; isa is that of the library, or NULL for a peer. */
struct way {
	const char *name;
	const char *isa;
	void (*peer)(struct bitmaps *b, struct outcome *out);
	bool once;		/* too slow to be repeated */
	bool summary;
};

static const struct way ways[MAX_WAYS] = {
	{ .name = "read", .peer = peer_read },
	{ .name = "bit by bit", .peer = peer_bits, .once = true },
	{ .name = "word", .peer = peer_words },
	{ .name = "c", .isa = "c" },
	{ .name = "sse2", .isa = "sse2" },
	{ .name = "avx2", .isa = "avx2" },
	{ .name = "avx512", .isa = "avx512" },
	{ .name = "summary", .isa = "", .summary = true },
};

enum { WAY_READ, WAY_BITS, WAY_WORD };

/* Of this thread's own time on a processor: other load on the machine counts less so. */
static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* 64 bits, each set with probability @p / 65536: a bit of @p is an AND or an OR. */
static uint64_t random_word(unsigned int p)
{
	uint64_t word = 0;
	unsigned int i;

	for (i = 0; i < 16; i++)
		word = p >> i & 1 ? word | rnd() : word & rnd();
	return word;
}

static void set_range(uint64_t *words, uint64_t first, uint64_t end)
{
	for (; first < end; first++)
		words[first / 64] |= 1ull << first % 64;
}

/*
 * Half of what is set is in one bitmap, half in the other, as with two sources that know
 * nothing of each other.
 */
static void fill(struct bitmaps *b, const struct density *d)
{
	unsigned int p = d->set * 65536 + 0.5;
	uint64_t i, any, side, n, gap;

	if (d->run) {
		memset(b->a, 0, b->words * 8);
		memset(b->b, 0, b->words * 8);
		/* Gaps of 1 to twice the mean; run and gap are as the density. */
		gap = 2 * (d->run / d->set - d->run);
		for (n = rnd() % (gap + 1); n + d->run <= b->words * 64;
		     n += d->run + 1 + (gap ? rnd() % gap : 0))
			set_range(rnd() % 2 ? b->a : b->b, n, n + d->run);
		return;
	}
	for (i = 0; i < b->words; i++) {
		any = p ? random_word(p) : 0;
		side = any ? rnd() : 0;
		b->a[i] = any & side;
		b->b[i] = any & ~side;
	}
}

static void walk(struct bitmaps *b, const uint64_t *summary, struct outcome *out)
{
	struct fastzero_bitmap_walk w = {
		.size = sizeof(w), .bitmap = b->a, .other = b->b, .summary = summary,
		.nbits = b->words * 64,
	};
	int64_t nr;

	while ((nr = fastzero_bitmap_runs(&w, b->runs, BUFFER_RUNS)) > 0)
		take_runs(b, nr, out);
}

static uint64_t measure(const struct way *way, struct bitmaps *b,
			const uint64_t *summary, struct outcome *out)
{
	uint64_t begin = now_ns();

	memset(out, 0, sizeof(*out));
	if (way->isa)
		walk(b, way->summary ? summary : NULL, out);
	else
		way->peer(b, out);
	return now_ns() - begin;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The ways in turn, again and again, so that another load hits all of them. */
static void density(const struct density *d, struct bitmaps *b, uint64_t *summary,
		    unsigned int repeat, bool bits)
{
	static uint64_t ns[MAX_WAYS][MAX_REPEAT];
	struct outcome want = { 0 }, out;
	unsigned int n[MAX_WAYS] = { 0 };
	unsigned int r, i;
	uint64_t took;

	fill(b, d);
	memset(summary, 0, b->words / 512 / 8 + 8);
	fastzero_bitmap_summarize(b->a, b->words * 64, summary);
	fastzero_bitmap_summarize(b->b, b->words * 64, summary);
	/* Round 0 is for the caches, and compares all runs. */
	for (r = 0; r <= repeat; r++) {
		b->check = !r;
		for (i = 0; i < MAX_WAYS; i++) {
			if (ways[i].once && (r != 1 || !bits))
				continue;
			if (ways[i].isa &&
			    fastzero_bitmap_use(ways[i].isa[0] ? ways[i].isa : NULL))
				continue;
			took = measure(&ways[i], b, summary, &out);
			if (r)
				ns[i][n[i]++] = took;
			if (i == WAY_WORD)
				want = out;
			if (i > WAY_WORD && (out.runs != want.runs || out.sum != want.sum)) {
				fprintf(stderr, "bitmap-bench: %s: other runs than word by word\n",
					ways[i].name);
				exit(1);
			}
		}
	}
	for (i = 0; i < MAX_WAYS; i++)
		qsort(ns[i], n[i], sizeof(ns[i][0]), compare);
	printf("%s: %llu runs\n", d->name, (unsigned long long)want.runs);
	printf("  %-12s%10s%10s%10s%10s%8s%10s\n", "", "ms", "least", "most", "x word", "GB/s",
	       "% of read");
	for (i = 0; i < MAX_WAYS; i++) {
		double ms = ns[i][n[i] / 2] / 1e6;

		if (!n[i]) {
			printf("  %-12s not measured%s\n", ways[i].name,
			       ways[i].once ? "" : ": this processor cannot");
			continue;
		}
		printf("  %-12s%10.2f%10.2f%10.2f%10.2f%8.2f%10.1f\n", ways[i].name, ms,
		       ns[i][0] / 1e6, ns[i][n[i] - 1] / 1e6,
		       ns[WAY_WORD][n[WAY_WORD] / 2] / 1e6 / ms, b->words * 16 / 1e6 / ms,
		       100 * ns[WAY_READ][n[WAY_READ] / 2] / 1e6 / ms);
	}
	fflush(stdout);
}

static void *words_of(uint64_t words)
{
	void *p = mmap(NULL, words * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED) {
		perror("bitmap-bench");
		exit(2);
	}
	/* Where there are none it is the same for all ways. */
	madvise(p, words * 8, MADV_HUGEPAGE);
	return p;
}

static void print_cpu(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "model name", 10)) {
			printf("%s", strchr(line, ':') + 2);
			break;
		}
	}
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "only", required_argument, NULL, 'o' },
		{ "no-bits", no_argument, NULL, 'b' },
		{ 0 }
	};
	unsigned int mib = 384, repeat = 7, i;
	const char *only = NULL;
	bool bits = true;
	struct bitmaps b;
	uint64_t *summary;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (opt == 'm')
			mib = strtoul(optarg, NULL, 0);
		else if (opt == 'r')
			repeat = strtoul(optarg, NULL, 0);
		else if (opt == 'o')
			only = optarg;
		else if (opt == 'b')
			bits = false;
		else
			return 2;
	}
	if (optind < argc || !mib || !repeat || repeat > MAX_REPEAT) {
		fprintf(stderr, "usage: bitmap-bench [--mib N] [--repeat 1..%d] [--only DENSITY] [--no-bits]\n",
			MAX_REPEAT);
		return 2;
	}
	b.words = (uint64_t)mib << 17;
	b.a = words_of(b.words);
	b.b = words_of(b.words);
	summary = words_of(b.words / 512 / 64 + 1);
	print_cpu();
	printf("two bitmaps of %u MiB, ORed into runs; medians of %u, bit by bit once\n", mib,
	       repeat);
	for (i = 0; i < DENSITIES; i++)
		if (!only || strstr(densities[i].name, only))
			density(&densities[i], &b, summary, repeat, bits);
	return 0;
}
