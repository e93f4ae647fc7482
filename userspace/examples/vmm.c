// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A complete small VMM on fastzero.  It takes a scratch and gives it to a KVM guest as
 * RAM.  In each round the guest dirties some of its pages, and the VMM resets the
 * scratch.  Then both look for a byte that is not zero: the guest in all of its RAM, the
 * host through its mapping and through the descriptor.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "fastzero.h"
#include "minivm.h"

#define PAGE	((uint64_t)MINIVM_PAGE)
#define WORDS	(PAGE / 8)

enum { EXIT_OK, EXIT_STALE, EXIT_TROUBLE };

struct options {
	const char *device;
	uint64_t size;
	uint64_t pages;
	uint64_t stride;
	uint64_t rounds;
	unsigned int mode;
};

struct vmm {
	struct fastzero_ctx *ctx;
	struct fastzero_scratch *scratch;
	struct minivm *vm;
	uint64_t *ram;
	uint64_t size;
};

/* Words that are not zero, as each of the three saw it. */
struct stale {
	uint64_t guest;
	uint64_t mapping;
	uint64_t file;
};

static void usage(FILE *out)
{
	fputs("usage: vmm [options]\n"
	      "Runs a KVM guest on memory of fastzero, resets it, and checks every byte.\n"
	      "\n"
	      "  -s, --size=BYTES    RAM of the guest [16M]\n"
	      "  -p, --pages=N       pages that the guest dirties in a round [581]\n"
	      "  -d, --stride=N      distance between these pages, in pages [7]\n"
	      "  -r, --rounds=N      rounds [10]\n"
	      "  -m, --mode=MODE     auto, inplace, swap or drop [auto]\n"
	      "      --device=PATH   the device [" FASTZERO_DEVICE "]\n"
	      "  -h, --help          this text\n"
	      "\n"
	      "Exit status: 0 if every byte was zero, 1 if not, 2 for other trouble.\n",
	      out);
}

/* Returns whether to go on; if not, @status is the exit status. */
static bool parse(int argc, char **argv, struct options *o, int *status)
{
	static const struct option longs[] = {
		{ "size", required_argument, NULL, 's' },
		{ "pages", required_argument, NULL, 'p' },
		{ "stride", required_argument, NULL, 'd' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "mode", required_argument, NULL, 'm' },
		{ "device", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, ret;

	*status = EXIT_TROUBLE;
	while ((c = getopt_long(argc, argv, "s:p:d:r:m:h", longs, NULL)) != -1) {
		ret = 0;
		switch (c) {
		case 's':
			ret = args_number(optarg, &o->size);
			break;
		case 'p':
			ret = args_number(optarg, &o->pages);
			break;
		case 'd':
			ret = args_number(optarg, &o->stride);
			break;
		case 'r':
			ret = args_number(optarg, &o->rounds);
			break;
		case 'm':
			ret = fastzero_mode_parse(optarg);
			o->mode = ret;
			break;
		case 'D':
			o->device = optarg;
			break;
		case 'h':
			usage(stdout);
			*status = EXIT_OK;
			return false;
		default:
			usage(stderr);
			return false;
		}
		if (ret < 0) {
			fprintf(stderr, "vmm: bad value '%s'\n", optarg);
			return false;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return false;
	}
	/* Round r begins at page r % stride, so that every page has its turn. */
	if (!o->size || o->size % PAGE || !o->pages || !o->stride ||
	    o->pages > o->size / PAGE / o->stride) {
		fputs("vmm: the pages do not fit into the RAM\n", stderr);
		return false;
	}
	return true;
}

static int trouble(const char *what, int err)
{
	fprintf(stderr, "vmm: %s: %s\n", what, strerror(-err));
	return err;
}

static int vmm_start(struct vmm *v, const struct options *o)
{
	struct fastzero_ctx_opts opts = { .size = sizeof(opts), .path = o->device };
	void *addr;
	int ret;

	ret = fastzero_ctx_open(&opts, &v->ctx);
	if (ret)
		return trouble(o->device, ret);
	ret = fastzero_scratch_create(v->ctx, o->size, NULL, &v->scratch);
	if (ret)
		return trouble("making a scratch", ret);
	ret = fastzero_map(v->scratch, NULL, &addr);
	if (ret)
		return trouble("mapping it", ret);
	v->ram = addr;
	v->size = o->size;
	ret = minivm_new(&v->vm);
	if (ret)
		return trouble("making a KVM guest", ret);
	ret = minivm_set_ram(v->vm, v->ram, v->size);
	if (ret)
		return trouble("giving it its RAM", ret);
	return 0;
}

static void vmm_end(struct vmm *v)
{
	minivm_free(v->vm);
	if (v->ram)
		fastzero_unmap(v->ram, v->size);
	fastzero_scratch_close(v->scratch);
	fastzero_ctx_close(v->ctx);
}

/* The guest fills its pages, and reads them back. */
static int dirty(struct vmm *v, const struct options *o, uint64_t round)
{
	struct minivm_job job = {
		.op = MINIVM_WRITE,
		.first = round % o->stride,
		.stride = o->stride,
		.count = o->pages,
		.words = WORDS,
		.value = ~round,
	};
	struct minivm_report rep;
	int ret;

	ret = minivm_run(v->vm, &job, NULL);
	if (ret)
		return trouble("the guest's writes", ret);
	job.op = MINIVM_READ;
	ret = minivm_run(v->vm, &job, &rep);
	if (ret)
		return trouble("the guest's reads", ret);
	if (rep.sum != job.value * WORDS * o->pages) {
		fputs("vmm: the guest did not read what it wrote\n", stderr);
		return -EIO;
	}
	return 0;
}

static uint64_t count_words(const uint64_t *words, uint64_t n)
{
	uint64_t i, nonzero = 0;

	for (i = 0; i < n; i++)
		nonzero += words[i] != 0;
	return nonzero;
}

/* By pread first, which does not populate anything. */
static int look(struct vmm *v, struct stale *stale)
{
	struct minivm_job job = {
		.op = MINIVM_CHECK,
		.stride = 1,
		.count = v->size / PAGE,
		.words = WORDS,
	};
	struct minivm_report rep;
	uint64_t buf[WORDS];
	uint64_t offset;
	ssize_t n;
	int ret;

	stale->file = 0;
	for (offset = 0; offset < v->size; offset += PAGE) {
		n = pread(fastzero_scratch_fd(v->scratch), buf, PAGE, offset);
		if (n != (ssize_t)PAGE)
			return trouble("pread", n < 0 ? -errno : -EIO);
		stale->file += count_words(buf, WORDS);
	}
	ret = minivm_run(v->vm, &job, &rep);
	if (ret)
		return trouble("the guest's check", ret);
	stale->guest = rep.nonzero_words;
	if (rep.nonzero_words)
		printf("         the guest found a word at 0x%llx\n",
		       (unsigned long long)rep.first_nonzero);
	stale->mapping = count_words(v->ram, v->size / 8);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* Returns the words that were not zero, or -errno. */
static int64_t one_round(struct vmm *v, const struct options *o, uint64_t round)
{
	struct fastzero_result result = { .size = sizeof(result) };
	struct stale stale;
	uint64_t begin, end;
	int ret;

	ret = dirty(v, o, round);
	if (ret)
		return ret;
	begin = now_ns();
	ret = fastzero_reset_all(v->scratch, o->mode, &result);
	end = now_ns();
	if (ret)
		return trouble("the reset", ret);
	ret = look(v, &stale);
	if (ret)
		return ret;
	printf("round %llu/%llu: %llu pages dirtied; reset in %llu us: ",
	       (unsigned long long)round + 1, (unsigned long long)o->rounds,
	       (unsigned long long)o->pages,
	       (unsigned long long)(end - begin) / 1000);
	printf("%llu cleared, %llu swapped, %llu dropped; ",
	       (unsigned long long)result.cleared,
	       (unsigned long long)result.swapped,
	       (unsigned long long)result.dropped);
	printf("words not zero: guest %llu, mapping %llu, pread %llu\n",
	       (unsigned long long)stale.guest,
	       (unsigned long long)stale.mapping,
	       (unsigned long long)stale.file);
	return stale.guest + stale.mapping + stale.file;
}

int main(int argc, char **argv)
{
	struct options o = {
		.device = FASTZERO_DEVICE,
		.size = 16 << 20,
		.pages = 581,
		.stride = 7,
		.rounds = 10,
		.mode = FASTZERO_MODE_AUTO,
	};
	struct vmm v = { 0 };
	uint64_t round, bad = 0;
	int64_t words;
	int status;

	if (!parse(argc, argv, &o, &status))
		return status;
	setvbuf(stdout, NULL, _IOLBF, 0);
	status = EXIT_TROUBLE;
	if (vmm_start(&v, &o))
		goto out;
	printf("vmm: a KVM guest with %llu KiB of RAM from %s, mode %s\n",
	       (unsigned long long)o.size >> 10, o.device,
	       fastzero_mode_name(o.mode));
	for (round = 0; round < o.rounds; round++) {
		words = one_round(&v, &o, round);
		if (words < 0)
			goto out;
		bad += words;
	}
	status = bad ? EXIT_STALE : EXIT_OK;
	printf("vmm: %llu rounds, %llu words that were not zero after a reset\n",
	       (unsigned long long)o.rounds, (unsigned long long)bad);
out:
	vmm_end(&v);
	return status;
}
