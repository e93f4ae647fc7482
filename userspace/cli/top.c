// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero top: all contexts, again and again.
 */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "view.h"

static const char top_help[] =
	"top [option]...\n"
	"Shows contexts as \"fastzero stat --interval\" does, until Ctrl-C. On a terminal each\n"
	"list takes the place of the last one.\n"
	"\n"
	"  --delay SECONDS   time from one list to the next [2]\n"
	"  --count N         end after N lists\n"
	"\n"
	"Examples:\n"
	"  fastzero top\n"
	"  fastzero top --delay 10 --count 6 > minute.txt\n"
	"\n"
	"Exit status: 0; 1 if contexts cannot be read, 2 for wrong usage.";

#define TOP_HIDE	"\033[?25l"	/* the cursor */
#define TOP_SHOW	"\033[?25h"
#define TOP_CLEAR	"\033[H\033[J"

static volatile sig_atomic_t top_ended;

static void top_end(int signal)
{
	top_ended = signal;
}

/* Not SA_RESTART: a sleep is to end, too. */
static void top_catch(void)
{
	struct sigaction action = { .sa_handler = top_end };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void top_show(const struct contexts *now, const struct contexts *before, bool tty)
{
	struct winsize size = { 0 };

	if (tty) {
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
		fputs(TOP_CLEAR, stdout);
	}
	view_text(stdout, now, before, size.ws_row, size.ws_col);
	if (!tty)
		putchar('\n');
	fflush(stdout);
}

static int top_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "delay", required_argument, NULL, 'd' },
		{ "count", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct contexts now = { 0 }, before = { 0 };
	bool tty = isatty(STDOUT_FILENO);
	uint64_t delay = 2, count = 0, n;
	struct timespec nap;
	int c, ret;

	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 'd':
			if (!cli_number("--delay", optarg, &delay, 86400))
				return CLI_USAGE;
			break;
		case 'c':
			if (!cli_number("--count", optarg, &count, UINT32_MAX))
				return CLI_USAGE;
			break;
		case 'h':
			return cli_help(&command_top);
		default:
			return CLI_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage("'%s': not an option", argv[optind]);
	if (!delay)
		return cli_usage("--delay: bad value '0'");
	top_catch();
	ret = contexts_read(&before);
	if (!ret && tty) {
		fputs(TOP_HIDE, stdout);
		top_show(&before, NULL, tty);
	}
	for (n = 0; !ret && !top_ended && (!count || n < count) && !ferror(stdout); n++) {
		nap = (struct timespec){ .tv_sec = (time_t)delay };
		if (nanosleep(&nap, NULL))
			break;
		ret = contexts_read(&now);
		if (!ret)
			top_show(&now, &before, tty);
		contexts_free(&before);
		before = now;
		now = (struct contexts){ 0 };
	}
	if (tty)
		fputs(TOP_SHOW, stdout);
	if (ret)
		cli_error(ret, CONTEXTS_LIST);
	contexts_free(&before);
	return ret ? CLI_FAILED : CLI_OK;
}

const struct command command_top = {
	.name = "top",
	.summary = "show contexts live",
	.help = top_help,
	.run = top_run,
};
