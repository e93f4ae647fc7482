// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero pool: how much a context of a running process keeps ready.
 */
#include "cli.h"

#include <inttypes.h>

#include "target.h"

static const char pool_help[] =
	"pool --pid PID [option]...\n"
	"Shows the pool of a running process's context, or sets how much memory it keeps ready.\n"
	"\n"
	"  --pid PID        the process, which has a descriptor of the context\n"
	"  --context ID     the context, if the process has descriptors of several\n"
	"  --target SIZE    memory to keep ready: bytes, or with K, M, G or T; 0 for none\n"
	"  --pages KIND     in pages of 4k or 2m [4k]\n"
	"  --node N         on NUMA node N [the node on which the context was opened]\n"
	"  --wait           return when the pool has reached the target\n"
	"\n"
	"Examples:\n"
	"  fastzero pool --pid 4711\n"
	"  fastzero pool --pid 4711 --target 512M --pages 2m --wait\n"
	"\n"
	"Exit status: 0; 1 if the pool cannot be read or set, 2 for wrong usage.";

struct pool_options {
	struct target_wish wish;
	bool set;
	bool has_node;
	uint64_t target;
	uint64_t node;
	uint32_t pages;
	uint32_t flags;
};

static int pool_show(const struct fastzero_ctx *ctx, uint64_t id)
{
	struct fastzero_stats st = FASTZERO_STATS_INIT;
	int ret = fastzero_ctx_stats(ctx, &st);

	if (ret) {
		cli_error(ret, "STATS of context %" PRIu64, id);
		return CLI_FAILED;
	}
	printf("context %" PRIu64 ": target %s, ready %s, used %s, held %s, all %s\n", id,
	       cli_human(st.out_pool_target << 12), cli_human(st.out_pool_ready << 12),
	       cli_human(st.out_pool_used << 12), cli_human(st.out_pool_held << 12),
	       cli_human(st.out_owned << 12));
	return CLI_OK;
}

static int pool_set(const struct fastzero_ctx *ctx, const struct pool_options *o)
{
	unsigned int order = o->pages == FASTZERO_PAGES_2M ? 9 : 0;
	uint64_t target = o->target >> (12 + order);
	int ret;

	if (o->has_node)
		ret = fastzero_ctx_pool_node(ctx, (uint32_t)o->node, order, target, o->flags,
					     NULL);
	else
		ret = fastzero_ctx_pool(ctx, order, target, o->flags, NULL);
	if (ret)
		cli_error(ret, "a target of %" PRIu64 " pages of %s", target,
			  order ? "2 MiB" : "4 KiB");
	return ret;
}

static int pool_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "context", required_argument, NULL, 'c' },
		{ "target", required_argument, NULL, 't' },
		{ "pages", required_argument, NULL, 'k' },
		{ "node", required_argument, NULL, 'n' },
		{ "wait", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct pool_options o = { .pages = FASTZERO_PAGES_4K };
	struct fastzero_ctx *ctx;
	bool good = true;
	uint64_t id = 0;
	int c, status;

	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 'p':
			good = cli_number("--pid", optarg, &o.wish.pid, INT32_MAX);
			break;
		case 'c':
			good = cli_number("--context", optarg, &o.wish.context, UINT64_MAX);
			break;
		case 't':
			good = cli_size("--target", optarg, &o.target);
			o.set = true;
			break;
		case 'k':
			good = cli_pages("--pages", optarg, &o.pages);
			if (good && o.pages == FASTZERO_PAGES_AUTO)
				return cli_usage("--pages: bad value 'auto'");
			break;
		case 'n':
			good = cli_number("--node", optarg, &o.node, UINT32_MAX);
			o.has_node = true;
			break;
		case 'w':
			o.flags = FASTZERO_POOL_WAIT;
			break;
		case 'h':
			return cli_help(&command_pool);
		default:
			return CLI_USAGE;
		}
		if (!good)
			return CLI_USAGE;
	}
	if (optind < argc)
		return cli_usage("'%s': not an option", argv[optind]);
	if (!o.wish.pid)
		return cli_usage("--pid is missing");
	if (!o.set && (o.has_node || o.flags))
		return cli_usage("--node and --wait go with --target");
	ctx = target_context(&o.wish, &id);
	if (!ctx)
		return CLI_FAILED;
	status = o.set && pool_set(ctx, &o) ? CLI_FAILED : pool_show(ctx, id);
	fastzero_ctx_close(ctx);
	return status;
}

const struct command command_pool = {
	.name = "pool",
	.summary = "show or set what a context keeps ready",
	.help = pool_help,
	.run = pool_run,
};
