/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fastzero command: what its subcommands share.
 */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fastzero.h"

enum cli_exit { CLI_OK, CLI_FAILED, CLI_USAGE };

struct command {
	const char *name;
	const char *summary;	/* one line */
	const char *help;	/* usage, options, examples, exit status */
	int (*run)(int argc, char **argv);
};

extern const struct command command_bench, command_doctor, command_exec, command_holders,
			    command_pool, command_reset, command_stat, command_top,
			    command_workset;

/* The name that errors begin with: "fastzero reset". */
extern const char *cli_name;

/*
 * Says it on the standard error, with name, number and words of @err unless that is 0: an
 * errno, or what a function of the library has just returned, below 0.
 */
void cli_error(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, "; try --help" and CLI_USAGE. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a command's help: CLI_OK. */
int cli_help(const struct command *command);

/* The standard output as a whole: CLI_FAILED if it could not be written. */
int cli_flush(int status);

/*
 * The next option, as getopt_long() with long options only; -1 at the end, '?' after an
 * error, which it has said.
 */
int cli_option(int argc, char **argv, const struct option *options);

/* The values of options; they say what is wrong, and return whether it is right. */
bool cli_size(const char *option, const char *text, uint64_t *bytes);
bool cli_number(const char *option, const char *text, uint64_t *n, uint64_t most);
bool cli_pages(const char *option, const char *text, uint32_t *policy);

/* 1536 as "1.5K" into one of a few buffers of its own. */
const char *cli_human(uint64_t bytes);

#endif /* CLI_H */
