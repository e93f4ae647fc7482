// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line of fastzero-bench.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "fastzero.h"

#define CYCLES_INSTRUCTIONS	5
#define CYCLES_NS		101	/* percentiles want some */

static void usage(void)
{
	fputs("usage: fastzero-bench [options]\n"
	      "Measures the cost of each way to make memory zero again and to use it after that.\n"
	      "Prints tables.\n"
	      "\n"
	      "      --quick          a small part of the grid\n"
	      "      --demo           one cell and few peers, in a small table; the default if the\n"
	      "                       program's name is fastzero-cycles\n"
	      "  -o, --only=PART,...  only peers with a PART in their names; =NAME: only this one\n"
	      "  -s, --size=BYTES     only cells of this size (K, M, G)\n"
	      "  -p, --pages=N        only cells that touch this many pages\n"
	      "      --pattern=NAME   only cells of this pattern: dense, strided, random, clustered,\n"
	      "                       drifting or alternating\n"
	      "      --course=PART,... only courses with a PART in their names; =NAME: only this\n"
	      "                       one; all: only courses; none: no courses\n"
	      "  -u, --user=USER      only cells of this user: process, guest or threads\n"
	      "  -j, --json=FILE      also write all figures and samples to FILE\n"
	      "  -c, --cycles=N       cycles to measure [5; 101 if the unit is ns]\n"
	      "  -r, --requests=N     requests for time to responsiveness, 0: none [200]\n"
	      "      --seed=N         chooses the pages [1]\n"
	      "      --total-cpu      fastzero's AUTO counts all CPU time, not only the caller's\n"
	      "      --device=PATH    the device [" FASTZERO_DEVICE "]\n"
	      "      --note=NAME=TEXT write a note on the machine into the JSON\n"
	      "      --progress=plain progress for programs: lines DONE TOTAL on standard error\n"
	      "      --strict         a peer that cannot run here is trouble as well\n"
	      "      --list           only list the peers and cells that would be measured\n"
	      "  -h, --help           this text\n"
	      "\n"
	      "Exit status: 0; 1 if a byte was not zero after a reset; 2 for other trouble, such\n"
	      "as parts that do not add up, or fastzero missing although --only names it.\n",
	      stdout);
}

enum { QUICK = 256, DEMO, PATTERN, COURSE, SEED, TOTAL_CPU, DEVICE, NOTE, PROGRESS, STRICT, LIST };

static const struct option longs[] = {
	{ "quick", no_argument, NULL, QUICK },
	{ "demo", no_argument, NULL, DEMO },
	{ "only", required_argument, NULL, 'o' },
	{ "size", required_argument, NULL, 's' },
	{ "pages", required_argument, NULL, 'p' },
	{ "pattern", required_argument, NULL, PATTERN },
	{ "course", required_argument, NULL, COURSE },
	{ "user", required_argument, NULL, 'u' },
	{ "json", required_argument, NULL, 'j' },
	{ "cycles", required_argument, NULL, 'c' },
	{ "requests", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, SEED },
	{ "total-cpu", no_argument, NULL, TOTAL_CPU },
	{ "device", required_argument, NULL, DEVICE },
	{ "note", required_argument, NULL, NOTE },
	{ "progress", required_argument, NULL, PROGRESS },
	{ "strict", no_argument, NULL, STRICT },
	{ "list", no_argument, NULL, LIST },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char *const patterns[] = {
	"dense", "strided", "random", "clustered", "drifting", "alternating", NULL
};

static const char *const users[] = { "process", "guest", "threads", NULL };

static const char *const progresses[] = { "plain", NULL };

static int number_in(const char *text, uint64_t min, uint64_t max, uint64_t *n)
{
	int ret = args_number(text, n);

	return ret ? ret : *n < min || *n > max ? -EINVAL : 0;
}

/* A name that JSON takes as it is, and that no other member has. */
static int add_note(struct notes *notes, const char *text)
{
	static const char *const taken[] = {
		"kernel=", "kernel_build=", "cpu=", "cpus=", "module=", "pml=", "compiler="
	};
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
	size_t i;

	if (!len || text[len] != '=' ||
	    notes->nr == sizeof(notes->text) / sizeof(notes->text[0]))
		return -EINVAL;
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!strncmp(text, taken[i], len + 1))
			return -EINVAL;
	for (i = 0; i < notes->nr; i++)
		if (!strncmp(text, notes->text[i], len + 1))
			return -EINVAL;
	notes->text[notes->nr++] = text;
	return 0;
}

static int one_of(const char *text, const char *const *all)
{
	for (; *all; all++)
		if (!strcmp(text, *all))
			return 0;
	return -EINVAL;
}

static int take(struct options *o, int c)
{
	uint64_t n = 0;
	int ret = 0;

	switch (c) {
	case QUICK:
		o->choice.quick = true;
		break;
	case DEMO:
		o->choice.demo = true;
		break;
	case 'o':
		o->choice.peers = optarg;
		break;
	case 's':
		ret = number_in(optarg, 1, UINT64_MAX, &o->choice.size);
		break;
	case 'p':
		ret = number_in(optarg, 1, UINT64_MAX, &o->choice.pages);
		break;
	case PATTERN:
		o->choice.pattern = optarg;
		ret = one_of(optarg, patterns);
		break;
	case COURSE:
		o->choice.courses = optarg;
		break;
	case 'u':
		o->choice.user = optarg;
		ret = one_of(optarg, users);
		break;
	case 'j':
		o->json = optarg;
		ret = *optarg ? 0 : -EINVAL;
		break;
	case 'c':
		ret = number_in(optarg, 1, 1000000, &n);
		o->rig.cycles = n;
		break;
	case 'r':
		ret = number_in(optarg, 0, 1000000, &o->requests);
		break;
	case SEED:
		ret = args_number(optarg, &o->rig.seed);
		break;
	case TOTAL_CPU:
		o->rig.total_cpu = true;
		break;
	case DEVICE:
		o->rig.device = optarg;
		break;
	case NOTE:
		ret = add_note(&o->notes, optarg);
		break;
	case PROGRESS:
		o->plain_progress = true;
		ret = one_of(optarg, progresses);
		break;
	case STRICT:
		o->strict = true;
		break;
	case LIST:
		o->list = true;
		break;
	}
	return ret;
}

/* One line only: the whole usage would hide the error. */
static bool refuse(const char *option, const char *why, const char *value)
{
	fprintf(stderr, "fastzero-bench: %s: %s%s%s%s; try --help\n", option, why,
		value ? " '" : "", value ? value : "", value ? "'" : "");
	return false;
}

/* @c: the result of getopt_long(), or the option that it complains about. */
static bool refuse_option(int c, const char *why, const char *value)
{
	const struct option *l = longs;
	char name[32];

	while (l->name && l->val != c)
		l++;
	if (l->name)
		snprintf(name, sizeof(name), "--%s", l->name);
	else
		snprintf(name, sizeof(name), "-%c", c);
	return refuse(name, l->name ? why : "no such option", value);
}

bool options_parse(struct options *o, int argc, char **argv, int *status)
{
	const char *name = strrchr(argv[0], '/');
	int c;

	*o = (struct options) {
		.rig = {
			.device = FASTZERO_DEVICE,
			.warmup = 2,
			.seed = 1,
		},
		.requests = 200,
	};
	o->choice.demo = !strcmp(name ? name + 1 : argv[0], "fastzero-cycles");
	*status = EXIT_TROUBLE;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":o:s:p:u:j:c:r:h", longs, NULL)) != -1) {
		if (c == 'h') {
			usage();
			*status = EXIT_OK;
			return false;
		}
		if (c == ':')
			return refuse_option(optopt, "wants a value", NULL);
		if (c == '?' && !optopt)
			return refuse(argv[optind - 1], "no such option", NULL);
		if (c == '?')
			return refuse_option(optopt, "takes no value", NULL);
		if (take(o, c))
			return refuse_option(c, "bad value", optarg);
	}
	if (optind < argc)
		return refuse(argv[optind], "not an option", NULL);
	if (!o->rig.cycles)
		o->rig.cycles = clock_counts_instructions() ?
				CYCLES_INSTRUCTIONS : CYCLES_NS;
	return true;
}
