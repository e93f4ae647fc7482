// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fastzero command: errors, help, and the values of options.
 */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"

static void cli_say(int err, const char *format, va_list args)
{
	fprintf(stderr, "%s: ", cli_name);
	vfprintf(stderr, format, args);
	/* The library knows more of its own failures than their number. */
	if (err < 0)
		fprintf(stderr, ": %s", fastzero_strerror(err));
	else if (err)
		fprintf(stderr, ": %s (%d): %s", strerrorname_np(err), err, strerror(err));
}

void cli_error(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	cli_say(err, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int cli_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	cli_say(0, format, args);
	va_end(args);
	fputs("; try --help\n", stderr);
	return CLI_USAGE;
}

int cli_help(const struct command *command)
{
	printf("usage: fastzero %s\n", command->help);
	return CLI_OK;
}

int cli_flush(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		cli_error(errno, "standard output");
		return status ? status : CLI_FAILED;
	}
	return status;
}

int cli_option(int argc, char **argv, const struct option *options)
{
	int c;

	opterr = 0;
	/* The first word that is no option ends them. */
	c = getopt_long(argc, argv, "+:", options, NULL);
	if (c == ':') {
		cli_usage("%s: wants a value", argv[optind - 1]);
		return '?';
	}
	if (c == '?')
		cli_usage("%s: no such option", argv[optind - 1]);
	return c;
}

static bool cli_bad(const char *option, const char *text)
{
	cli_usage("%s: bad value '%s'", option, text);
	return false;
}

bool cli_size(const char *option, const char *text, uint64_t *bytes)
{
	return !args_number(text, bytes) || cli_bad(option, text);
}

bool cli_number(const char *option, const char *text, uint64_t *n, uint64_t most)
{
	char *end;

	errno = 0;
	*n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || *n > most)
		return cli_bad(option, text);
	return true;
}

bool cli_pages(const char *option, const char *text, uint32_t *policy)
{
	if (!strcmp(text, "auto"))
		*policy = FASTZERO_PAGES_AUTO;
	else if (!strcmp(text, "4k"))
		*policy = FASTZERO_PAGES_4K;
	else if (!strcmp(text, "2m"))
		*policy = FASTZERO_PAGES_2M;
	else
		return cli_bad(option, text);
	return true;
}

const char *cli_human(uint64_t bytes)
{
	static char buffers[16][16];
	static unsigned int next;
	char *buffer = buffers[next++ % 16];
	const char *units = "BKMGTPE";
	double n = (double)bytes;

	while (n >= 1024 && units[1]) {
		n /= 1024;
		units++;
	}
	if (*units == 'B' || n >= 100)
		snprintf(buffer, sizeof(buffers[0]), "%.0f%s", n,
			 *units == 'B' ? "" : (char[]){ *units, 0 });
	else
		snprintf(buffer, sizeof(buffers[0]), "%.1f%c", n, *units);
	return buffer;
}
