// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All contexts that this user may see: from the module's list in debugfs, which root can
 * read, else from the fdinfo of processes that are this user's.
 */
#include "contexts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proc.h"

/* A number: its column in the list, and its key in the fdinfo of a context. */
static const struct {
	const char *column;
	const char *key;
	size_t at;
} contexts_numbers[] = {
#define NUMBER(column, key, member) { column, key, offsetof(struct context, member) }
	NUMBER("id", "context", id),
	NUMBER("opener", "opener", opener),
	NUMBER("scratches", "scratches", scratches),
	NUMBER("length", "length", length),
	NUMBER("populated", "populated", populated),
	NUMBER("owned", "owned", owned),
	NUMBER("zeros", NULL, zeros),
	NUMBER("target", "pool-target", target),
	NUMBER("ready", "pool-ready", ready),
	NUMBER("used", "pool-used", used),
	NUMBER("held", "pool-held", held),
	NUMBER("index", "index", index),
	NUMBER("faults", "faults", faults),
	NUMBER("resets", "resets", resets),
	NUMBER("auto_inplace", "auto-inplace", auto_inplace),
	NUMBER("auto_swap", "auto-swap", auto_swap),
	NUMBER("auto_drop", "auto-drop", auto_drop),
	NUMBER("zeroer_ns", "zeroer-ns", zeroer_ns),
#undef NUMBER
};

#define NR_NUMBERS (sizeof(contexts_numbers) / sizeof(*contexts_numbers))

static uint64_t *contexts_number(struct context *ctx, size_t n)
{
	return (uint64_t *)((char *)ctx + contexts_numbers[n].at);
}

static struct context *contexts_add(struct contexts *c)
{
	struct context *more = realloc(c->list, (c->nr + 1) * sizeof(*more));

	if (!more)
		return NULL;
	c->list = more;
	more[c->nr] = (struct context){ .cgroup = "-", .comm = "-" };
	return &more[c->nr++];
}

static struct context *contexts_get(struct contexts *c, uint64_t id)
{
	size_t i;

	for (i = 0; i < c->nr; i++)
		if (c->list[i].id == id)
			return &c->list[i];
	return NULL;
}

const struct context *contexts_find(const struct contexts *c, uint64_t id)
{
	return contexts_get((struct contexts *)c, id);
}

/* Names of columns may come and go, and the order with them. */
#define MAX_COLUMNS	64

enum { COLUMN_UNKNOWN = -1, COLUMN_COMM = -2, COLUMN_CGROUP = -3 };

static int contexts_column(const char *name)
{
	size_t n;

	for (n = 0; n < NR_NUMBERS; n++)
		if (!strcmp(name, contexts_numbers[n].column))
			return (int)n;
	return !strcmp(name, "comm") ? COLUMN_COMM :
	       !strcmp(name, "cgroup") ? COLUMN_CGROUP : COLUMN_UNKNOWN;
}

static int contexts_row(struct contexts *c, char *line, const int *columns, int nr)
{
	struct context *ctx = contexts_add(c);
	char *word, *rest = NULL;
	int i;

	if (!ctx)
		return -ENOMEM;
	ctx->whole = true;
	for (i = 0, word = strtok_r(line, " \n", &rest); word && i < nr;
	     i++, word = strtok_r(NULL, " \n", &rest)) {
		if (columns[i] >= 0)
			*contexts_number(ctx, (size_t)columns[i]) = strtoull(word, NULL, 10);
		else if (columns[i] == COLUMN_COMM)
			snprintf(ctx->comm, sizeof(ctx->comm), "%s", word);
		else if (columns[i] == COLUMN_CGROUP)
			snprintf(ctx->cgroup, sizeof(ctx->cgroup), "%s", word);
	}
	return i == nr ? 0 : -EPROTO;
}

/* The module's list: -errno if it cannot be read. */
static int contexts_read_list(struct contexts *c)
{
	int columns[MAX_COLUMNS], nr = 0, ret = 0;
	char *line = NULL, *word, *rest = NULL;
	FILE *file = fopen(CONTEXTS_LIST, "re");
	size_t size = 0;

	if (!file)
		return -errno;
	if (getline(&line, &size, file) > 0)
		for (word = strtok_r(line, " \n", &rest); word && nr < MAX_COLUMNS;
		     word = strtok_r(NULL, " \n", &rest))
			columns[nr++] = contexts_column(word);
	if (!nr)
		ret = -EPROTO;
	while (!ret && getline(&line, &size, file) > 0)
		ret = contexts_row(c, line, columns, nr);
	free(line);
	fclose(file);
	return ret;
}

/* Scratches that have been counted, since a process may have several descriptors. */
struct contexts_walk {
	struct contexts *c;
	uint64_t *seen;
	size_t nr_seen;
};

static bool contexts_is_new(struct contexts_walk *walk, uint64_t scratch)
{
	uint64_t *more;
	size_t i;

	for (i = 0; i < walk->nr_seen; i++)
		if (walk->seen[i] == scratch)
			return false;
	more = realloc(walk->seen, (walk->nr_seen + 1) * sizeof(*more));
	if (!more)
		return false;
	walk->seen = more;
	more[walk->nr_seen++] = scratch;
	return true;
}

static int contexts_one_fd(const struct proc_fd *fd, void *arg)
{
	struct contexts_walk *walk = arg;
	struct context *ctx = contexts_get(walk->c, fd->context);
	char opener[64];
	uint64_t value;
	size_t n;

	if (ctx && ctx->whole)
		return 0;
	if (!ctx)
		ctx = contexts_add(walk->c);
	if (!ctx)
		return -ENOMEM;
	ctx->id = fd->context;
	if (proc_info_text(fd->info, "opener", opener, sizeof(opener)) && strchr(opener, ' '))
		snprintf(ctx->comm, sizeof(ctx->comm), "%s", strchr(opener, ' ') + 1);
	if (!fd->is_context && !contexts_is_new(walk, fd->scratch))
		return 0;
	ctx->whole = fd->is_context;
	ctx->scratches += !fd->is_context;
	for (n = 0; n < NR_NUMBERS; n++) {
		uint64_t *number = contexts_number(ctx, n);
		bool is_sum = number != &ctx->id && number != &ctx->opener;

		if (!contexts_numbers[n].key ||
		    !proc_info(fd->info, contexts_numbers[n].key, &value))
			continue;
		/* A context's own descriptor knows all of it. */
		*number = is_sum && !fd->is_context ? *number + value : value;
	}
	return 0;
}

static int contexts_one_pid(pid_t pid, void *arg)
{
	int ret = proc_fds(pid, contexts_one_fd, arg);

	/* Processes of others, and those that have ended. */
	return ret == -ENOMEM ? ret : 0;
}

static int contexts_compare(const void *a, const void *b)
{
	const struct context *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int contexts_read(struct contexts *c)
{
	struct contexts_walk walk = { .c = c };
	struct timespec now;
	int ret;

	*c = (struct contexts){ .all = true };
	clock_gettime(CLOCK_MONOTONIC, &now);
	c->ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	ret = contexts_read_list(c);
	if (ret == -EACCES || ret == -ENOENT || ret == -EPERM) {
		c->all = false;
		c->why = -ret;
		ret = proc_each(contexts_one_pid, &walk);
		free(walk.seen);
	}
	if (c->nr)
		qsort(c->list, c->nr, sizeof(*c->list), contexts_compare);
	return ret;
}

void contexts_free(struct contexts *c)
{
	free(c->list);
	c->list = NULL;
	c->nr = 0;
}
