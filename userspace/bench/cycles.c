// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero-cycles: what it costs to make a guest's memory zero again, and to
 * use it after that: each way beside the others.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "fastzero.h"
#include "measure.h"

#define PAGE	((uint64_t)MINIVM_PAGE)

enum { EXIT_OK, EXIT_STALE, EXIT_TROUBLE };

struct options {
	const char *device;
	const char *only;
	const char *unit;
	uint64_t size;
	uint64_t pages;
	uint64_t cycles;
	uint64_t seed;
	bool strict;
};

static void usage(FILE *out)
{
	fputs("usage: fastzero-cycles [options]\n"
	      "Measures cycles: a reset, and the next run of a KVM guest.\n"
	      "\n"
	      "  -s, --size=BYTES    RAM of the guest [64M]\n"
	      "  -p, --pages=N       pages that each run touches, at random [581]\n"
	      "  -c, --cycles=N      cycles that are measured; medians are shown [5]\n"
	      "      --seed=N        another choice of pages [1]\n"
	      "  -o, --only=TEXT     only the peers with TEXT in their names\n"
	      "  -u, --unit=UNIT     ns, or instructions where the VM's clock counts them [ns]\n"
	      "      --device=PATH   the device [" FASTZERO_DEVICE "]\n"
	      "      --strict        a peer that cannot be had is trouble, too\n"
	      "  -h, --help          this text\n"
	      "\n"
	      "Exit status: 0; 1 if a byte was not zero after a reset; 2 for other trouble.\n",
	      out);
}

/* Returns whether to go on; if not, @status is the exit status. */
static bool parse(int argc, char **argv, struct options *o, int *status)
{
	static const struct option longs[] = {
		{ "size", required_argument, NULL, 's' },
		{ "pages", required_argument, NULL, 'p' },
		{ "cycles", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'S' },
		{ "only", required_argument, NULL, 'o' },
		{ "unit", required_argument, NULL, 'u' },
		{ "device", required_argument, NULL, 'D' },
		{ "strict", no_argument, NULL, 'R' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, ret;

	*status = EXIT_TROUBLE;
	while ((c = getopt_long(argc, argv, "s:p:c:o:u:h", longs, NULL)) != -1) {
		ret = 0;
		switch (c) {
		case 's':
			ret = args_number(optarg, &o->size);
			break;
		case 'p':
			ret = args_number(optarg, &o->pages);
			break;
		case 'c':
			ret = args_number(optarg, &o->cycles);
			break;
		case 'S':
			ret = args_number(optarg, &o->seed);
			break;
		case 'o':
			o->only = optarg;
			break;
		case 'u':
			o->unit = optarg;
			if (strcmp(optarg, "ns") && strcmp(optarg, "instructions"))
				ret = -EINVAL;
			break;
		case 'D':
			o->device = optarg;
			break;
		case 'R':
			o->strict = true;
			break;
		case 'h':
			usage(stdout);
			*status = EXIT_OK;
			return false;
		default:
			usage(stderr);
			return false;
		}
		if (ret) {
			fprintf(stderr, "fastzero-cycles: bad value '%s'\n", optarg);
			return false;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return false;
	}
	if (!o->size || o->size % PAGE || o->size > MINIVM_RAM_MAX || !o->pages ||
	    o->pages > o->size / PAGE || o->pages > MINIVM_LIST_MAX) {
		fputs("fastzero-cycles: the pages do not fit into the RAM\n", stderr);
		return false;
	}
	if (!o->cycles || o->cycles > 1000000) {
		fputs("fastzero-cycles: from 1 to 1000000 cycles\n", stderr);
		return false;
	}
	return true;
}

/* xorshift64*: the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* @count different pages out of @pages, in random order. */
static uint64_t *choose_pages(uint64_t pages, uint64_t count, uint64_t seed)
{
	uint64_t *list = malloc(count * sizeof(*list));
	uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
	uint64_t page, n = 0, i, other;

	if (!list)
		return NULL;
	for (page = 0; n < count; page++)
		if (next_random(&state) % (pages - page) < count - n)
			list[n++] = page;
	for (i = count - 1; i > 0; i--) {
		other = next_random(&state) % (i + 1);
		page = list[i];
		list[i] = list[other];
		list[other] = page;
	}
	return list;
}

/* A number with its thousands apart. */
static const char *grouped(uint64_t n, char buf[static 32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *to = buf;
	int i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return buf;
}

static void print_head(const struct options *o, const struct rig *rig,
		       int nested_error)
{
	bool ns = !strcmp(o->unit, "ns");

	printf("cycles of a KVM guest: %llu KiB of RAM, each run writes one word to each of\n"
	       "%llu pages (at random, seed %llu); median of %u cycles after %u\n",
	       (unsigned long long)o->size >> 10, (unsigned long long)o->pages,
	       (unsigned long long)o->seed, rig->cycles, rig->warmup);
	if (ns)
		puts("unit: ns");
	else
		puts("unit: instructions of the VM, which are not time: memset-all clears with\n"
		     "vector stores, one for 32 bytes or more; the kernel's clears count one for 8");
	printf("faults: page faults of the process, the guest's included; nested: %s%s\n"
	       "background: pages that a kernel thread cleared between reset and run, and what\n"
	       "that cost; it is not in the sum\n\n"
	       "%-17s %12s %12s %12s %9s %7s %7s %7s %12s %6s\n",
	       nested_error ? "not to be had: " : "those that KVM answered",
	       nested_error ? strerror(-nested_error) : "",
	       "", "reset", "next run", "sum", "sum/page", "faults", "nested",
	       "backgr.", "its cost", "stale");
}

static void print_row(const struct options *o, const struct peer *peer,
		      const struct outcome *out, bool nested)
{
	const struct cycle *c = &out->median;
	char a[32], b[32], d[32], e[32], f[32], g[32] = "-", h[32] = "-";
	char i[32] = "-", j[32] = "-";

	if (nested)
		grouped(c->nested, g);
	if (peer->background) {
		grouped(c->bg_pages, h);
		grouped(c->bg_ns, i);
	}
	if (!peer->floor)
		grouped(out->stale, j);
	printf("%-17s %12s %12s %12s %9s %7s %7s %7s %12s %6s\n", peer->name,
	       grouped(c->reset, a), grouped(c->run, b), grouped(c->sum, d),
	       grouped(c->sum / o->pages, e), grouped(c->faults, f), g, h, i, j);
}

/* Returns the exit status. */
static int table(const struct options *o, struct rig *rig,
		 const struct plan *plan, int nested_error)
{
	const struct peer *peer, *best = NULL;
	struct outcome out;
	uint64_t best_sum = UINT64_MAX, stale = 0;
	bool measured = false, trouble = false;
	int ret;

	print_head(o, rig, nested_error);
	for (peer = peers; peer->name; peer++) {
		if (o->only && !strstr(peer->name, o->only))
			continue;
		ret = measure(rig, plan, peer, &out);
		stale += out.stale;
		if (ret == -EOPNOTSUPP) {
			printf("%-17s not measured: %s\n", peer->name, out.why);
			trouble |= o->strict;
			continue;
		}
		if (ret) {
			printf("%-17s FAILED: %s\n", peer->name, out.why);
			trouble = true;
			continue;
		}
		measured = true;
		print_row(o, peer, &out, !nested_error);
		if (!peer->floor && !out.stale && out.median.sum < best_sum) {
			best = peer;
			best_sum = out.median.sum;
		}
	}
	putchar('\n');
	if (best)
		printf("least in sum: %s (%s)\n", best->name, best->what);
	printf("pages that were not zero after a reset: %llu\n",
	       (unsigned long long)stale);
	if (stale)
		return EXIT_STALE;
	return trouble || !measured ? EXIT_TROUBLE : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct options o = {
		.device = FASTZERO_DEVICE,
		.unit = "ns",
		.size = 64 << 20,
		.pages = 581,
		.cycles = 5,
		.seed = 1,
	};
	struct rig rig = { .nested.fd = -1, .warmup = 2 };
	struct plan plan;
	int status, nested_error, ret;

	if (!parse(argc, argv, &o, &status))
		return status;
	setvbuf(stdout, NULL, _IOLBF, 0);
	rig.cycles = o.cycles;
	plan.device = o.device;
	plan.size = o.size;
	plan.count = o.pages;
	plan.list = choose_pages(o.size / PAGE, o.pages, o.seed);
	ret = plan.list ? minivm_new(&rig.vm) : -ENOMEM;
	if (ret) {
		fprintf(stderr, "fastzero-cycles: no KVM guest: %s\n", strerror(-ret));
		free(plan.list);
		return EXIT_TROUBLE;
	}
	nested_error = nested_open(&rig.nested, minivm_vcpu_fd(rig.vm));
	status = table(&o, &rig, &plan, nested_error);
	nested_close(&rig.nested);
	minivm_free(rig.vm);
	free(plan.list);
	return status;
}
