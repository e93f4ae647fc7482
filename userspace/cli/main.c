// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero: see what the module does, and control it.
 */
#include "cli.h"

#include <string.h>

const char *cli_name = "fastzero";

static const struct command * const commands[] = {
	&command_doctor, &command_stat, &command_top, &command_holders, &command_exec,
	&command_reset, &command_pool, &command_workset, &command_bench,
};

#define NR_COMMANDS (sizeof(commands) / sizeof(*commands))

static void main_usage(FILE *out)
{
	size_t i;

	fputs("usage: fastzero COMMAND [option]...\n\n", out);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n  fastzero COMMAND --help    options and examples\n"
	      "  fastzero --version         the version of the library\n", out);
}

static const struct command *main_find(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static char name[64];
	const struct command *command;

	if (argc < 2) {
		main_usage(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "help") && argc == 3) {
		command = main_find(argv[2]);
		if (command)
			return cli_flush(cli_help(command));
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		main_usage(stdout);
		return cli_flush(CLI_OK);
	}
	if (!strcmp(argv[1], "--version")) {
		printf("fastzero %s\n", fastzero_version());
		return cli_flush(CLI_OK);
	}
	command = main_find(argv[1]);
	if (!command)
		return cli_usage("there is no command '%s'", argv[1]);
	snprintf(name, sizeof(name), "fastzero %s", command->name);
	cli_name = name;
	return cli_flush(command->run(argc - 1, argv + 1));
}
