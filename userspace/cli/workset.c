// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero workset: save and load the working set of a running process's scratch.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

static const char workset_help[] =
	"workset save|load|clear --pid PID [option]... [FILE]\n"
	"Saves the working set of a scratch to FILE, sets it from there, or forgets it.\n"
	"\n"
	"  --pid PID              the process\n"
	"  --scratch NAME|NUMBER  the scratch, if the process has several\n"
	"  --populate             after load, back the pages of the set\n"
	"\n"
	"Examples:\n"
	"  fastzero workset save --pid 4711 guest.ws\n"
	"  fastzero workset load --pid 4712 --populate guest.ws\n"
	"\n"
	"Exit status: 0; 1 on failure, 2 for wrong usage.";

/* Larger ones the module does not take. */
#define WORKSET_MOST	(64 << 20)

/* All of it or nothing: a set that is half there is none. */
static bool workset_write_file(const char *path, const void *data, size_t size)
{
	char new[4096];
	FILE *file;
	bool good;

	if ((size_t)snprintf(new, sizeof(new), "%s.new", path) >= sizeof(new)) {
		cli_error(ENAMETOOLONG, "%s", path);
		return false;
	}
	file = fopen(new, "we");
	good = file && fwrite(data, 1, size, file) == size;
	if (file && fclose(file))
		good = false;
	if (good && rename(new, path))
		good = false;
	if (!good) {
		cli_error(errno, "%s", new);
		if (file)
			unlink(new);
	}
	return good;
}

static int workset_save(const struct target *t, const char *path)
{
	void *data = NULL, *more;
	int64_t size = 0, n;

	/* It may grow between two calls. */
	for (;;) {
		n = fastzero_workset_read(t->handle, data, (size_t)size);
		if (data && n != -ENOSPC)
			break;
		if (n == -ENOSPC)
			n = fastzero_workset_read(t->handle, NULL, 0);
		if (n < 0)
			break;
		size = n + 4096;
		more = realloc(data, (size_t)size);
		n = more ? n : -ENOMEM;
		if (!more)
			break;
		data = more;
	}
	if (n < 0) {
		cli_error((int)n, "working set of scratch %" PRIu64, t->scratch);
		free(data);
		return CLI_FAILED;
	}
	if (!workset_write_file(path, data, (size_t)n)) {
		free(data);
		return CLI_FAILED;
	}
	printf("scratch %" PRIu64 ": %" PRId64 " bytes\n", t->scratch, n);
	free(data);
	return CLI_OK;
}

/* NULL after it has said why. */
static void *workset_read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "re");
	char *data = NULL, *more;
	size_t room = 0;

	*size = 0;
	while (file && !ferror(file) && !feof(file) && *size <= WORKSET_MOST) {
		if (*size == room) {
			room = room ? 2 * room : 65536;
			more = realloc(data, room);
			if (!more) {
				errno = ENOMEM;
				break;
			}
			data = more;
		}
		*size += fread(data + *size, 1, room - *size, file);
	}
	if (!file || !feof(file) || ferror(file)) {
		cli_error(*size > WORKSET_MOST ? EFBIG : errno, "%s", path);
		free(data);
		data = NULL;
	}
	if (file)
		fclose(file);
	return data;
}

static int workset_load(const struct target *t, const char *path, bool populate)
{
	uint64_t length = fastzero_scratch_length(t->handle);
	struct fastzero_populated populated = FASTZERO_POPULATED_INIT;
	size_t size;
	void *data = workset_read_file(path, &size);
	int ret;

	if (!data)
		return CLI_FAILED;
	ret = fastzero_workset_write(t->handle, data, size);
	free(data);
	if (ret) {
		cli_error(ret, "%s%s", path, ret == -EINVAL ?
			  ": no working set, or one of a scratch of another size" : "");
		return CLI_FAILED;
	}
	if (populate)
		ret = fastzero_populate_range(t->handle, 0, length,
					      FASTZERO_POPULATE_WORKSET, &populated);
	if (ret) {
		cli_error(ret, "POPULATE of scratch %" PRIu64, t->scratch);
		return CLI_FAILED;
	}
	printf("scratch %" PRIu64 ": %zu bytes, %" PRIu64 " pages added\n", t->scratch, size,
	       populated.added);
	return CLI_OK;
}

static int workset_clear(const struct target *t)
{
	int ret = fastzero_workset_clear(t->handle);

	if (ret)
		cli_error(ret, "working set of scratch %" PRIu64, t->scratch);
	return ret ? CLI_FAILED : CLI_OK;
}

static int workset_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "scratch", required_argument, NULL, 's' },
		{ "populate", no_argument, NULL, 'P' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
	bool save = !strcmp(verb, "save"), load = !strcmp(verb, "load");
	struct target_wish wish = { 0 };
	bool populate = false;
	int c, status = CLI_FAILED;
	struct targets t;

	if (verb[0]) {
		argc--;
		argv++;
	}
	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 'p':
			if (!cli_number("--pid", optarg, &wish.pid, INT32_MAX))
				return CLI_USAGE;
			break;
		case 's':
			wish.scratch = optarg;
			break;
		case 'P':
			populate = true;
			break;
		case 'h':
			return cli_help(&command_workset);
		default:
			return CLI_USAGE;
		}
	}
	if (!save && !load && strcmp(verb, "clear"))
		return cli_usage("'%s': not save, load or clear", verb);
	if (argc - optind != (save || load))
		return cli_usage("%s", save || load ? "names one FILE" : "clear takes no FILE");
	if (populate && !load)
		return cli_usage("--populate goes with load");
	if (!wish.pid)
		return cli_usage("--pid is missing");
	if (target_find_one(&wish, &t))
		status = save ? workset_save(&t.list[0], argv[optind]) :
			 load ? workset_load(&t.list[0], argv[optind], populate) :
			 workset_clear(&t.list[0]);
	target_free(&t);
	return status;
}

const struct command command_workset = {
	.name = "workset",
	.summary = "save, load or clear a working set",
	.help = workset_help,
	.run = workset_run,
};
