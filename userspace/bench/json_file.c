// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file that the JSON goes to.
 */
#include "json_file.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const char *path, int err)
{
	fprintf(stderr, "fastzero-bench: %s: %s\n", path, strerror(err));
	return -err;
}

/* A device, a pipe or a link, as /dev/stdout is one, is not to be replaced. */
static bool is_replaced(const char *path)
{
	struct stat st;

	return lstat(path, &st) || S_ISREG(st.st_mode);
}

/* The temporary file, which an interrupted run must not leave behind. */
static char *volatile unfinished;

static void die(int sig)
{
	if (unfinished)
		unlink(unfinished);
	raise(sig);
}

static void remove_if_interrupted(char *temp)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = die, .sa_flags = SA_RESETHAND };
	struct sigaction old;
	size_t i;

	unfinished = temp;
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (!sigaction(sigs[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(sigs[i], &sa, NULL);
}

int json_file_open(struct json_file *j, const char *path)
{
	const char *at = path;
	int ret;

	*j = (struct json_file) { .path = path };
	if (!path)
		return 0;
	if (is_replaced(path)) {
		if (asprintf(&j->temp, "%s.new", path) < 0)
			return complain(path, ENOMEM);
		at = j->temp;
	}
	j->out = fopen(at, "we");
	if (j->out) {
		remove_if_interrupted(j->temp);
		return 0;
	}
	ret = complain(at, errno);
	free(j->temp);
	j->temp = NULL;
	return ret;
}

int json_file_write(struct json_file *j, const struct report *rep)
{
	const char *at = j->temp ? j->temp : j->path;
	int ret = 0;

	if (!j->path)
		return 0;
	json_report(rep, j->out);
	if (fflush(j->out) || ferror(j->out))
		ret = complain(at, errno);
	if (fclose(j->out) && !ret)
		ret = complain(at, errno);
	j->out = NULL;
	if (!ret && j->temp && rename(j->temp, j->path))
		ret = complain(j->path, errno);
	if (ret)
		json_file_abandon(j);
	unfinished = NULL;
	free(j->temp);
	j->temp = NULL;
	return ret;
}

void json_file_abandon(struct json_file *j)
{
	if (j->out)
		fclose(j->out);
	if (j->temp)
		unlink(j->temp);
	unfinished = NULL;
	free(j->temp);
	*j = (struct json_file) { 0 };
}
