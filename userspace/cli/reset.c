// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero reset: a scratch of a running process, which need not know.
 */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "args.h"
#include "target.h"

static const char reset_help[] =
	"reset --pid PID [option]...\n"
	"Makes a scratch of a running process zero. The process need not know of fastzero. A\n"
	"guest that runs meanwhile sees its memory become zero, page by page: stop it first.\n"
	"\n"
	"  --pid PID              the process\n"
	"  --scratch NAME|NUMBER  the scratch, if the process has several\n"
	"  --all                  all scratches of the process\n"
	"  --range OFFSET:LENGTH  a part of it, in bytes, or with K, M, G or T [all]\n"
	"  --mode MODE            auto, inplace, swap or drop [auto]\n"
	"\n"
	"Examples:\n"
	"  fastzero reset --pid $(pidof qemu-system-x86_64)\n"
	"  fastzero reset --pid 4711 --scratch ram0 --range 1M:64K --mode drop\n"
	"\n"
	"Exit status: 0 if all is zero; 1 if not, 2 for wrong usage.";

struct reset_options {
	struct target_wish wish;
	bool all;
	bool has_range;
	uint64_t offset;
	uint64_t length;
	unsigned int mode;
};

static bool reset_range(const char *text, struct reset_options *o)
{
	const char *colon = strchr(text, ':');
	char offset[32];

	o->has_range = true;
	if (colon && (size_t)(colon - text) < sizeof(offset)) {
		memcpy(offset, text, (size_t)(colon - text));
		offset[colon - text] = 0;
		if (!args_number(offset, &o->offset) && !args_number(colon + 1, &o->length) &&
		    o->length)
			return true;
	}
	cli_usage("--range: bad value '%s'", text);
	return false;
}

static int reset_one(const struct target *t, const struct reset_options *o)
{
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	uint64_t length = fastzero_scratch_length(t->handle);
	int ret;

	if (o->has_range)
		ret = fastzero_reset_range(t->handle, o->offset, o->length, o->mode, &result);
	else
		ret = fastzero_reset_all(t->handle, o->mode, &result);
	if (ret) {
		cli_error(ret, "scratch %" PRIu64 " of %s%s", t->scratch, cli_human(length),
			  ret != -EINVAL ? "" : (o->offset | o->length) % 4096 ?
			  ": offset and length are multiples of 4096" :
			  ": the range is not inside of it");
		return ret;
	}
	printf("scratch %" PRIu64 "%s%s, %s (%s): pages cleared %" PRIu64 ", swapped %" PRIu64
	       ", dropped %" PRIu64 ", held by others %" PRIu64 "\n", t->scratch,
	       t->name[0] ? " " : "", t->name, cli_human(length), t->door, result.cleared,
	       result.swapped, result.dropped, result.held);
	return 0;
}

static int reset_parse(int argc, char **argv, struct reset_options *o, bool *go)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "scratch", required_argument, NULL, 's' },
		{ "all", no_argument, NULL, 'a' },
		{ "range", required_argument, NULL, 'r' },
		{ "mode", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, mode;

	*go = false;
	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 'p':
			if (!cli_number("--pid", optarg, &o->wish.pid, INT32_MAX))
				return CLI_USAGE;
			break;
		case 's':
			o->wish.scratch = optarg;
			break;
		case 'a':
			o->all = true;
			break;
		case 'r':
			if (!reset_range(optarg, o))
				return CLI_USAGE;
			break;
		case 'm':
			mode = fastzero_mode_parse(optarg);
			if (mode < 0)
				return cli_usage("--mode: bad value '%s'", optarg);
			o->mode = (unsigned int)mode;
			break;
		case 'h':
			return cli_help(&command_reset);
		default:
			return CLI_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage("'%s': not an option", argv[optind]);
	if (!o->wish.pid)
		return cli_usage("--pid is missing");
	*go = true;
	return CLI_OK;
}

static int reset_run(int argc, char **argv)
{
	struct reset_options o = { .mode = FASTZERO_MODE_AUTO };
	struct targets t;
	int ret, status;
	bool go;
	size_t i;

	ret = reset_parse(argc, argv, &o, &go);
	if (!go)
		return ret;
	status = CLI_FAILED;
	if (o.all ? target_find(&o.wish, &t) : target_find_one(&o.wish, &t)) {
		status = CLI_OK;
		for (i = 0; i < t.nr; i++)
			if (reset_one(&t.list[i], &o))
				status = CLI_FAILED;
	}
	target_free(&t);
	return status;
}

const struct command command_reset = {
	.name = "reset",
	.summary = "make a scratch of a running process zero",
	.help = reset_help,
	.run = reset_run,
};
