// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero holders: who keeps contexts, and so the module, in use.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bench/json_string.h"
#include "../lib/unescape.h"
#include "contexts.h"
#include "proc.h"
#include "proc_mounts.h"

static const char holders_help[] =
	"holders [option]...\n"
	"Lists what keeps the module in use: descriptors and mappings of all processes that this\n"
	"user may look at, and mounts. It also lists contexts that no process holds any more, but\n"
	"only a pin, a pipe, a descriptor in a socket or a name on a mount. Run it as root to see\n"
	"all.\n"
	"\n"
	"  --context ID     holders of this context only\n"
	"  --json           one JSON object, with a member \"schema\"\n"
	"\n"
	"Examples:\n"
	"  fastzero holders\n"
	"  fastzero holders --context 7\n"
	"\n"
	"Exit status: 0; 1 if /proc cannot be read, 2 for wrong usage.";

/* Of a process: a descriptor, or all its mappings of one scratch. */
struct holder {
	pid_t pid;
	char comm[32];
	uint64_t context;	/* 0 if nobody says it */
	uint64_t scratch;	/* 0 for a context's own descriptor */
	char name[256];
	int fd;			/* -1 for mappings */
	unsigned int mappings;
	uint64_t mapped;	/* bytes */
};

struct holders {
	struct holder *list;
	size_t nr;
	unsigned int unseen;	/* processes that this user may not look at */
	uint64_t only;
};

static struct holder *holders_add(struct holders *h, pid_t pid)
{
	struct holder *more = realloc(h->list, (h->nr + 1) * sizeof(*more));

	if (!more)
		return NULL;
	h->list = more;
	more[h->nr] = (struct holder){ .pid = pid, .fd = -1 };
	proc_comm(pid, more[h->nr].comm, sizeof(more->comm));
	return &more[h->nr++];
}

static int holders_fd(const struct proc_fd *fd, void *arg)
{
	struct holders *h = arg;
	struct holder *one;

	one = holders_add(h, fd->pid);
	if (!one)
		return -ENOMEM;
	one->fd = fd->fd;
	one->context = fd->context;
	one->scratch = fd->scratch;
	snprintf(one->name, sizeof(one->name), "%.255s", fd->name);
	return 0;
}

/* Only root can ask a mapping for its context; a descriptor of that scratch may tell. */
static void holders_ask(const struct holders *h, const struct proc_map *map,
			struct holder *one)
{
	struct proc_fd info;
	char path[128];
	size_t i;
	int fd;

	for (i = 0; i + 1 < h->nr; i++) {
		if (h->list[i].scratch == map->scratch && h->list[i].context) {
			one->context = h->list[i].context;
			memcpy(one->name, h->list[i].name, sizeof(one->name));
			return;
		}
	}
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, map->pid,
		 map->begin, map->end);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (proc_fd_read(getpid(), fd, &info)) {
		one->context = info.context;
		snprintf(one->name, sizeof(one->name), "%.255s", info.name);
	}
	close(fd);
}

static int holders_map(const struct proc_map *map, void *arg)
{
	struct holders *h = arg;
	struct holder *one = NULL;
	size_t i;

	for (i = h->nr; i-- && h->list[i].pid == map->pid && !one;)
		if (h->list[i].fd < 0 && h->list[i].scratch == map->scratch)
			one = &h->list[i];
	if (!one) {
		one = holders_add(h, map->pid);
		if (!one)
			return -ENOMEM;
		one->scratch = map->scratch;
		holders_ask(h, map, one);
	}
	one->mappings++;
	one->mapped += map->end - map->begin;
	return 0;
}

static int holders_pid(pid_t pid, void *arg)
{
	struct holders *h = arg;
	int ret;

	/* We would find what we hold while we look. */
	if (pid == getpid())
		return 0;
	ret = proc_fds(pid, holders_fd, h);
	if (!ret)
		ret = proc_maps(pid, holders_map, h);
	if (ret == -EACCES || ret == -EPERM)
		h->unseen++;
	return ret == -ENOMEM ? ret : 0;
}

static bool holders_has(const struct holders *h, uint64_t context)
{
	size_t i;

	for (i = 0; i < h->nr; i++)
		if (h->list[i].context == context)
			return true;
	return false;
}

/* Contexts that are there, and that nobody was found to hold. */
static bool holders_is_lost(const struct holders *h, const struct context *ctx)
{
	return (!h->only || h->only == ctx->id) && !holders_has(h, ctx->id);
}

/* What came or went while processes were looked at is not lost. */
static void holders_keep_old(struct contexts *now, const struct contexts *before)
{
	size_t i, nr = 0;

	for (i = 0; i < now->nr; i++)
		if (contexts_find(before, now->list[i].id))
			now->list[nr++] = now->list[i];
	now->nr = nr;
}

static void holders_mount(const char *path, void *arg)
{
	(void)arg;
	printf("mounted at %s\n", path);
}

static void holders_text(const struct holders *h, const struct contexts *c)
{
	char refs[32];
	size_t i;

	printf("%7s %-15s %7s  %s\n", "pid", "comm", "context", "what");
	for (i = 0; i < h->nr; i++) {
		const struct holder *one = &h->list[i];

		if (h->only && one->context != h->only)
			continue;
		printf("%7d %-15s ", one->pid, one->comm);
		if (one->context)
			printf("%7" PRIu64 "  ", one->context);
		else
			printf("%7s  ", "?");
		if (one->fd >= 0 && !one->scratch)
			printf("fd %d: the context\n", one->fd);
		else if (one->fd >= 0)
			printf("fd %d: scratch %" PRIu64 " %s\n", one->fd, one->scratch,
			       one->name);
		else
			printf("%u mapping%s, %s: scratch %" PRIu64 " %s\n", one->mappings,
			       one->mappings == 1 ? "" : "s", cli_human(one->mapped),
			       one->scratch, one->name);
	}
	for (i = 0; i < c->nr; i++)
		if (c->all && holders_is_lost(h, &c->list[i]))
			printf("%7s %-15s %7" PRIu64 "  no process: %s; opened by %" PRIu64 " %s\n",
			       "-", "-", c->list[i].id,
			       h->unseen ? "none that this user sees" :
			       "a pin, a pipe, a file of a mount or a descriptor under way",
			       c->list[i].opener,
			       c->list[i].comm);
	for (i = 0; i < c->nr; i++)
		if (c->list[i].held && (!h->only || h->only == c->list[i].id))
			printf("context %" PRIu64 ": others hold %" PRIu64 " page%s that it had (a pin, a pipe, a transfer)\n",
			       c->list[i].id, c->list[i].held,
			       c->list[i].held == 1 ? "" : "s");
	if (!h->only)
		proc_mounts_each(holders_mount, NULL);
	if (h->unseen)
		printf("%u process%s of others %s not looked at\n", h->unseen,
		       h->unseen == 1 ? "" : "es", h->unseen == 1 ? "was" : "were");
	if (proc_line("/sys/module/fastzero/refcnt", refs, sizeof(refs))[0])
		printf("references to the module: %s\n", refs);
	else
		printf("fastzero is not loaded\n");
}

static void holders_mount_json(const char *path, void *arg)
{
	bool *first = arg;
	char *plain = strdup(path);

	if (!plain)
		return;
	fputs(*first ? "" : ", ", stdout);
	json_string(stdout, fz_unescape(plain));
	free(plain);
	*first = false;
}

static void holders_json(const struct holders *h, const struct contexts *c)
{
	bool first = true;
	char refs[32];
	size_t i;

	printf("{\"schema\": 1, \"unseen\": %u, \"references\": %ld, \"holders\": [", h->unseen,
	       atol(proc_line("/sys/module/fastzero/refcnt", refs, sizeof(refs))));
	for (i = 0; i < h->nr; i++) {
		const struct holder *one = &h->list[i];

		if (h->only && one->context != h->only)
			continue;
		printf("%s\n  {\"pid\": %d, \"comm\": ", first ? "" : ",", one->pid);
		json_string(stdout, one->comm);
		printf(", \"context\": %" PRIu64 ", \"scratch\": %" PRIu64 ", \"name\": ",
		       one->context, one->scratch);
		json_string(stdout, one->name);
		printf(", \"fd\": %d, \"mappings\": %u, \"mapped\": %" PRIu64 "}", one->fd,
		       one->mappings, one->mapped);
		first = false;
	}
	printf("],\n \"lost\": [");
	first = true;
	for (i = 0; i < c->nr; i++) {
		if (!c->all || !holders_is_lost(h, &c->list[i]))
			continue;
		printf("%s%" PRIu64, first ? "" : ", ", c->list[i].id);
		first = false;
	}
	printf("],\n \"mounts\": [");
	first = true;
	if (!h->only)
		proc_mounts_each(holders_mount_json, &first);
	printf("]}\n");
}

static int holders_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "context", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct holders h = { 0 };
	struct contexts before, now = { 0 };
	bool json = false;
	int c, ret;

	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 'c':
			if (!cli_number("--context", optarg, &h.only, UINT64_MAX))
				return CLI_USAGE;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			return cli_help(&command_holders);
		default:
			return CLI_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage("'%s': not an option", argv[optind]);
	ret = contexts_read(&before);
	if (!ret)
		ret = proc_each(holders_pid, &h);
	if (!ret)
		ret = contexts_read(&now);
	if (!ret)
		holders_keep_old(&now, &before);
	if (ret)
		cli_error(ret, "/proc");
	else if (json)
		holders_json(&h, &now);
	else
		holders_text(&h, &now);
	contexts_free(&before);
	contexts_free(&now);
	free(h.list);
	return ret ? CLI_FAILED : CLI_OK;
}

const struct command command_holders = {
	.name = "holders",
	.summary = "list what keeps the module in use",
	.help = holders_help,
	.run = holders_run,
};
