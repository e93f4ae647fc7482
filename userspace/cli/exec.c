// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero exec: run a VMM that takes its memory from a path, on a scratch.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As env(1). */
enum { EXEC_TROUBLE = 125, EXEC_REFUSED, EXEC_MISSING };

static const char exec_help[] =
	"exec --size SIZE [option]... -- PROGRAM [argument]...\n"
	"Makes a scratch, and executes PROGRAM with a descriptor of it. Each {} in the arguments\n"
	"becomes the path of that descriptor, /proc/self/fd/N.\n"
	"\n"
	"  --size SIZE      size of the scratch: bytes, or with K, M, G or T\n"
	"  --pages KIND     what backs the scratch: auto, 4k or 2m [auto]\n"
	"  --node N         the NUMA node that its pages come from\n"
	"  --name NAME      a name for /proc and for \"fastzero reset --scratch\"\n"
	"  --pool SIZE      memory that the pool keeps ready; pages of 2 MiB with --pages 2m\n"
	"  --zeropage       holes that are only read share one page of zeros\n"
	"  --device PATH    the device [" FASTZERO_DEVICE "]\n"
	"\n"
	"Examples:\n"
	"  fastzero exec --size 1G -- qemu-system-x86_64 -accel kvm -m 1G \\\n"
	"      -object memory-backend-file,id=ram,mem-path={},share=on,size=1G \\\n"
	"      -machine memory-backend=ram\n"
	"  fastzero exec --size 64M --name t1 --pool 64M -- sh -c 'ls -l {}'\n"
	"\n"
	"Exit status: that of PROGRAM; 2 for wrong usage, 125 if the scratch or its pool\n"
	"cannot be made, 126 if PROGRAM cannot be executed, 127 if it is not found.";

struct exec_options {
	struct fastzero_ctx_opts ctx;
	struct fastzero_scratch_opts scratch;
	uint64_t size;
	uint64_t pool;
};

/* @text with each {} replaced; NULL without memory. */
static char *exec_fill(const char *text, const char *path)
{
	size_t n = 0, length = strlen(path);
	const char *at;
	char *filled, *to;

	for (at = text; (at = strstr(at, "{}")); at += 2)
		n++;
	filled = malloc(strlen(text) + n * length + 1);
	for (to = filled; filled && *text;) {
		if (text[0] == '{' && text[1] == '}') {
			to = stpcpy(to, path);
			text += 2;
		} else {
			*to++ = *text++;
		}
	}
	if (filled)
		*to = 0;
	return filled;
}

/* 1, with the words as they are to be, or 0. */
static int exec_parse(int argc, char **argv, struct exec_options *o, int *status)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "pages", required_argument, NULL, 'p' },
		{ "node", required_argument, NULL, 'n' },
		{ "name", required_argument, NULL, 'N' },
		{ "pool", required_argument, NULL, 'P' },
		{ "zeropage", no_argument, NULL, 'z' },
		{ "device", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	uint64_t node;
	bool good = true;
	int c, i;

	*status = CLI_USAGE;
	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 's':
			good = cli_size("--size", optarg, &o->size);
			break;
		case 'p':
			good = cli_pages("--pages", optarg, &o->scratch.page_policy);
			break;
		case 'n':
			good = cli_number("--node", optarg, &node, UINT32_MAX);
			o->scratch.node = (uint32_t)node;
			o->scratch.flags |= FASTZERO_CREATE_NODE;
			break;
		case 'N':
			o->scratch.name = optarg;
			break;
		case 'P':
			good = cli_size("--pool", optarg, &o->pool);
			break;
		case 'z':
			o->scratch.flags |= FASTZERO_CREATE_ZEROPAGE;
			break;
		case 'd':
			o->ctx.path = optarg;
			break;
		case 'h':
			*status = cli_help(&command_exec);
			return 0;
		default:
			return 0;
		}
		if (!good)
			return 0;
	}
	if (!o->size) {
		cli_usage("--size is missing");
		return 0;
	}
	if (optind == argc) {
		cli_usage("no program was named");
		return 0;
	}
	for (i = optind + 1; i < argc && !strstr(argv[i], "{}"); i++)
		;
	if (i == argc)
		cli_usage("no {} among the arguments: %s would not find the scratch",
			  argv[optind]);
	return i < argc;
}

static int exec_scratch(const struct exec_options *o)
{
	unsigned int order = o->scratch.page_policy == FASTZERO_PAGES_2M ? 9 : 0;
	struct fastzero_scratch *scratch = NULL;
	struct fastzero_ctx *ctx = NULL;
	int ret, fd;

	ret = fastzero_ctx_open(&o->ctx, &ctx);
	if (ret) {
		cli_error(ret, "%s", o->ctx.path);
		cli_error(0, "\"fastzero doctor\" says why, with a remedy");
		return -1;
	}
	ret = fastzero_scratch_create(ctx, o->size, &o->scratch, &scratch);
	if (ret) {
		cli_error(ret, "a scratch of %s", cli_human(o->size));
		return -1;
	}
	if (o->pool && o->scratch.flags & FASTZERO_CREATE_NODE)
		ret = fastzero_ctx_pool_node(ctx, o->scratch.node, order,
					     o->pool >> (12 + order), FASTZERO_POOL_WAIT, NULL);
	else if (o->pool)
		ret = fastzero_ctx_pool(ctx, order, o->pool >> (12 + order),
					FASTZERO_POOL_WAIT, NULL);
	if (ret) {
		cli_error(ret, "a pool of %s", cli_human(o->pool));
		return -1;
	}
	/* The context lives as long as the scratch; its descriptor closes by itself. */
	fd = fastzero_scratch_fd(scratch);
	if (fcntl(fd, F_SETFD, 0)) {
		cli_error(errno, "the scratch's descriptor");
		return -1;
	}
	return fd;
}

static int exec_run(int argc, char **argv)
{
	struct exec_options o = {
		.ctx = FASTZERO_CTX_OPTS_INIT,
		.scratch = FASTZERO_SCRATCH_OPTS_INIT,
	};
	int i, fd, status;
	const char *name;
	char path[64];

	o.ctx.path = FASTZERO_DEVICE;
	if (!exec_parse(argc, argv, &o, &status))
		return status;
	/* The module notes who opens: that is to be the program. */
	name = strrchr(argv[optind], '/');
	prctl(PR_SET_NAME, name ? name + 1 : argv[optind]);
	fd = exec_scratch(&o);
	if (fd < 0)
		return EXEC_TROUBLE;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (i = optind + 1; i < argc; i++) {
		argv[i] = exec_fill(argv[i], path);
		if (!argv[i]) {
			cli_error(ENOMEM, "arguments");
			return EXEC_TROUBLE;
		}
	}
	execvp(argv[optind], argv + optind);
	status = errno == ENOENT ? EXEC_MISSING : EXEC_REFUSED;
	cli_error(errno, "%s", argv[optind]);
	return status;
}

const struct command command_exec = {
	.name = "exec",
	.summary = "run a program with a scratch: {} is its path",
	.help = exec_help,
	.run = exec_run,
};
