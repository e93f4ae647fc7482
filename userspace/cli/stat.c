// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero stat: all contexts, once.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "view.h"

static const char stat_help[] =
	"stat [option]...\n"
	"Lists contexts, and what each has. Root sees all contexts, other users those of their own\n"
	"processes. A * marks a context of which this user sees only some scratches.\n"
	"\n"
	"  --interval SECONDS   look twice, and show faults, resets and CPU time per second\n"
	"  --json               one JSON object, with a member \"schema\"\n"
	"\n"
	"AUTO% is how often AUTO chose INPLACE, SWAP and DROP. \"zeroer\" is CPU time.\n"
	"\n"
	"Examples:\n"
	"  fastzero stat\n"
	"  fastzero stat --interval 1\n"
	"  fastzero stat --json | jq '.contexts[] | {id, populated}'\n"
	"\n"
	"Exit status: 0; 1 if contexts cannot be read, 2 for wrong usage.";

static int stat_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct contexts now = { 0 }, before = { 0 };
	uint64_t seconds = 0;
	bool json = false;
	int c, ret = 0;

	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 'i':
			if (!cli_number("--interval", optarg, &seconds, 86400))
				return CLI_USAGE;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			return cli_help(&command_stat);
		default:
			return CLI_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage("'%s': not an option", argv[optind]);
	if (seconds) {
		ret = contexts_read(&before);
		sleep((unsigned int)seconds);
	}
	if (!ret)
		ret = contexts_read(&now);
	if (!ret && !now.nr && access("/sys/module/fastzero", F_OK)) {
		cli_error(0, "fastzero is not loaded; \"fastzero doctor\" names a remedy");
		return CLI_FAILED;
	}
	if (ret)
		cli_error(ret, CONTEXTS_LIST);
	else if (json)
		view_json(stdout, &now, seconds ? &before : NULL);
	else
		view_text(stdout, &now, seconds ? &before : NULL, 0, 0);
	if (!ret && !json && !now.all)
		cli_error(now.why, "only own processes: " CONTEXTS_LIST);
	contexts_free(&before);
	contexts_free(&now);
	return ret ? CLI_FAILED : CLI_OK;
}

const struct command command_stat = {
	.name = "stat",
	.summary = "list contexts, and what each has",
	.help = stat_help,
	.run = stat_run,
};
