// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero bench: the benchmark, from where this program is.
 */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define BENCH	"fastzero-bench"

static const char bench_help[] =
	"bench [option of fastzero-bench]...\n"
	"Executes fastzero-bench, which measures ways to make memory zero again.\n"
	"\"fastzero bench -- --help\" prints its options.\n"
	"\n"
	"Examples:\n"
	"  fastzero bench -- --demo\n"
	"  fastzero bench -- --quick --json result.json\n"
	"\n"
	"Exit status: that of fastzero-bench; 2 if it cannot be executed.";

static int bench_run(int argc, char **argv)
{
	char path[PATH_MAX + sizeof(BENCH)];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (argc > 1 && !strcmp(argv[1], "--help"))
		return cli_help(&command_bench);
	if (argc > 1 && !strcmp(argv[1], "--")) {
		argc--;
		argv++;
	}
	argv[0] = BENCH;
	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	if (slash) {
		strcpy(slash + 1, BENCH);
		execv(path, argv);
	}
	execvp(BENCH, argv);
	cli_error(errno, BENCH);
	return CLI_USAGE;
}

const struct command command_bench = {
	.name = "bench",
	.summary = "measure, with fastzero-bench",
	.help = bench_help,
	.run = bench_run,
};
