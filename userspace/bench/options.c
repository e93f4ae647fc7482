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

static void usage(FILE *out)
{
	fputs("usage: fastzero-bench [options]\n"
	      "What it costs to make memory zero again and to use it after that, each way\n"
	      "beside the others.  Prints tables.\n"
	      "\n"
	      "      --quick          a small part of the grid\n"
	      "      --demo           one cell and few peers, in a small table; so does the\n"
	      "                       program if its name is fastzero-cycles\n"
	      "  -o, --only=PART,...  only peers with one of these in their names; =NAME: this one\n"
	      "  -s, --size=BYTES     only cells of this size (K, M, G)\n"
	      "  -p, --pages=N        only cells that touch this many pages\n"
	      "      --pattern=NAME   only cells of this pattern\n"
	      "  -u, --user=USER      only cells of this user: process, guest or threads\n"
	      "  -j, --json=FILE      write all figures and samples there, too\n"
	      "  -c, --cycles=N       cycles that are measured [5; 101 where the unit is ns]\n"
	      "  -r, --requests=N     requests for time to responsiveness, 0: none [200]\n"
	      "      --seed=N         another choice of pages [1]\n"
	      "      --device=PATH    the device [" FASTZERO_DEVICE "]\n"
	      "      --note=NAME=TEXT goes into the JSON, as what is known of the machine\n"
	      "      --progress=plain progress for programs: lines DONE TOTAL on standard error\n"
	      "      --strict         a peer that cannot be had is trouble, too\n"
	      "      --list           only list peers and cells\n"
	      "  -h, --help           this text\n"
	      "\n"
	      "Exit status: 0; 1 if a byte was not zero after a reset; 2 for other trouble, such\n"
	      "as parts that do not add up.\n",
	      out);
}

enum { QUICK = 256, DEMO, PATTERN, SEED, DEVICE, NOTE, PROGRESS, STRICT, LIST };

static const struct option longs[] = {
	{ "quick", no_argument, NULL, QUICK },
	{ "demo", no_argument, NULL, DEMO },
	{ "only", required_argument, NULL, 'o' },
	{ "size", required_argument, NULL, 's' },
	{ "pages", required_argument, NULL, 'p' },
	{ "pattern", required_argument, NULL, PATTERN },
	{ "user", required_argument, NULL, 'u' },
	{ "json", required_argument, NULL, 'j' },
	{ "cycles", required_argument, NULL, 'c' },
	{ "requests", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, SEED },
	{ "device", required_argument, NULL, DEVICE },
	{ "note", required_argument, NULL, NOTE },
	{ "progress", required_argument, NULL, PROGRESS },
	{ "strict", no_argument, NULL, STRICT },
	{ "list", no_argument, NULL, LIST },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int number_up_to(const char *text, uint64_t max, uint64_t *n)
{
	int ret = args_number(text, n);

	return ret ? ret : *n > max ? -EINVAL : 0;
}

static int add_note(struct notes *notes, const char *text)
{
	if (!strchr(text, '=') || strchr(text, '"') ||
	    notes->nr == sizeof(notes->text) / sizeof(notes->text[0]))
		return -EINVAL;
	notes->text[notes->nr++] = text;
	return 0;
}

static int is_one_of(const char *text, const char *all)
{
	const char *at = strstr(all, text);

	return *text && at && (at == all || at[-1] == ' ') &&
	       strchr(" ", at[strlen(text)]) ? 0 : -EINVAL;
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
		ret = args_number(optarg, &o->choice.size);
		break;
	case 'p':
		ret = args_number(optarg, &o->choice.pages);
		break;
	case PATTERN:
		o->choice.pattern = optarg;
		ret = is_one_of(optarg, "dense strided random clustered drifting alternating");
		break;
	case 'u':
		o->choice.user = optarg;
		ret = is_one_of(optarg, "process guest threads");
		break;
	case 'j':
		o->json = optarg;
		break;
	case 'c':
		ret = number_up_to(optarg, 1000000, &n);
		if (!ret && !n)
			ret = -EINVAL;
		o->rig.cycles = n;
		break;
	case 'r':
		ret = number_up_to(optarg, 1000000, &o->requests);
		break;
	case SEED:
		ret = args_number(optarg, &o->rig.seed);
		break;
	case DEVICE:
		o->rig.device = optarg;
		break;
	case NOTE:
		ret = add_note(&o->notes, optarg);
		break;
	case PROGRESS:
		o->plain_progress = true;
		ret = is_one_of(optarg, "plain");
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
	while ((c = getopt_long(argc, argv, "o:s:p:u:j:c:r:h", longs, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			*status = EXIT_OK;
			return false;
		}
		if (c == '?') {
			usage(stderr);
			return false;
		}
		if (take(o, c)) {
			fprintf(stderr, "fastzero-bench: bad value '%s'\n", optarg);
			return false;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return false;
	}
	if (!o->rig.cycles)
		o->rig.cycles = clock_counts_instructions() ?
				CYCLES_INSTRUCTIONS : CYCLES_NS;
	return true;
}
