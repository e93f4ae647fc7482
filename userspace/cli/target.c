// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scratches and contexts of a running process.
 *
 * A descriptor of the process is copied (pidfd_getfd), which asks for the rights of a
 * debugger.  What the process only maps is opened by way of /proc/PID/map_files, which is
 * for root.
 */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli.h"
#include "proc.h"

struct target_search {
	const struct target_wish *wish;
	struct targets *found;
	int pidfd;
	int denied;		/* errno of what could not be got, 0 for none */
	/* for a context */
	struct fastzero_ctx *ctx;
	uint64_t id;
	unsigned int contexts;
};

static int target_copy_fd(struct target_search *s, int fd)
{
	int copy = (int)syscall(SYS_pidfd_getfd, s->pidfd, fd, 0);

	if (copy < 0)
		s->denied = errno;
	return copy;
}

static bool target_is_wished(const struct target_wish *wish, const struct proc_fd *info)
{
	char number[32];

	if (wish->context && info->context != wish->context)
		return false;
	snprintf(number, sizeof(number), "%" PRIu64, info->scratch);
	return !wish->scratch || !strcmp(wish->scratch, number) ||
	       (info->name[0] && !strcmp(wish->scratch, info->name));
}

static bool target_is_known(const struct targets *t, uint64_t scratch)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->list[i].scratch == scratch)
			return true;
	return false;
}

/* Takes over @fd, a descriptor of our own, if it is one of those that are wished. */
static int target_add(struct target_search *s, int fd, const char *door)
{
	struct fastzero_scratch *handle = NULL;
	struct target *more, *target;
	struct proc_fd info;
	int ret;

	/* By our own descriptor, so that it cannot have become another one meanwhile. */
	if (!proc_fd_read(getpid(), fd, &info) || info.is_context ||
	    !target_is_wished(s->wish, &info) || target_is_known(s->found, info.scratch)) {
		close(fd);
		return 0;
	}
	ret = fastzero_scratch_adopt(fd, &handle);
	more = ret ? NULL : realloc(s->found->list, (s->found->nr + 1) * sizeof(*more));
	if (!more) {
		if (handle)
			fastzero_scratch_close(handle);
		else
			close(fd);
		return ret ? 0 : -ENOMEM;
	}
	s->found->list = more;
	target = &more[s->found->nr++];
	*target = (struct target){
		.scratch = info.scratch,
		.context = info.context,
		.handle = handle,
	};
	snprintf(target->name, sizeof(target->name), "%s", info.name);
	snprintf(target->door, sizeof(target->door), "%s", door);
	return 0;
}

static int target_one_fd(const struct proc_fd *info, void *arg)
{
	struct target_search *s = arg;
	char door[64];
	int fd;

	/* One that is open for reading only cannot reset. */
	if (info->is_context || !info->writable || !target_is_wished(s->wish, info) ||
	    target_is_known(s->found, info->scratch))
		return 0;
	fd = target_copy_fd(s, info->fd);
	snprintf(door, sizeof(door), "fd %d", info->fd);
	return fd < 0 ? 0 : target_add(s, fd, door);
}

static int target_one_map(const struct proc_map *map, void *arg)
{
	struct target_search *s = arg;
	char path[128], door[64];
	int fd;

	if (target_is_known(s->found, map->scratch))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, map->pid,
		 map->begin, map->end);
	snprintf(door, sizeof(door), "mapping %" PRIx64 "-%" PRIx64, map->begin, map->end);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		s->denied = errno;
		return 0;
	}
	return target_add(s, fd, door);
}

static bool target_begin(const struct target_wish *wish, struct target_search *s)
{
	if (!wish->pid) {
		cli_usage("--pid is missing");
		return false;
	}
	s->wish = wish;
	s->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)wish->pid, 0);
	if (s->pidfd < 0)
		cli_error(errno, "process %" PRIu64, wish->pid);
	return s->pidfd >= 0;
}

/* Nothing was found: says why. */
static void target_none(const struct target_search *s, const char *what, int err)
{
	if (err)
		cli_error(err, "process %" PRIu64, s->wish->pid);
	else if (s->denied)
		cli_error(s->denied, "%s of process %" PRIu64 ": this user may not take it, root may",
			  what, s->wish->pid);
	else if (access("/sys/module/fastzero", F_OK))
		cli_error(0, "process %" PRIu64 " has no %s: fastzero is not loaded",
			  s->wish->pid, what);
	else
		cli_error(0, "process %" PRIu64 " has no such %s", s->wish->pid, what);
}

bool target_find(const struct target_wish *wish, struct targets *t)
{
	struct target_search s = { .found = t };
	int ret;

	*t = (struct targets){ 0 };
	if (!target_begin(wish, &s))
		return false;
	ret = proc_fds((pid_t)wish->pid, target_one_fd, &s);
	if (!ret)
		ret = proc_maps((pid_t)wish->pid, target_one_map, &s);
	close(s.pidfd);
	if (ret || !t->nr)
		target_none(&s, "scratch", -ret);
	return !ret && t->nr;
}

void target_free(struct targets *t)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		fastzero_scratch_close(t->list[i].handle);
	free(t->list);
	*t = (struct targets){ 0 };
}

bool target_find_one(const struct target_wish *wish, struct targets *t)
{
	size_t i;

	if (!target_find(wish, t))
		return false;
	if (t->nr == 1)
		return true;
	cli_error(0, "process %" PRIu64 " has %zu scratches; choose one with --scratch:",
		  wish->pid, t->nr);
	for (i = 0; i < t->nr; i++)
		fprintf(stderr, "  %-8" PRIu64 " %7s  context %" PRIu64 "  %s  %s\n",
			t->list[i].scratch,
			cli_human(fastzero_scratch_length(t->list[i].handle)),
			t->list[i].context, t->list[i].door, t->list[i].name);
	return false;
}

static int target_one_context(const struct proc_fd *info, void *arg)
{
	struct target_search *s = arg;
	struct fastzero_ctx *ctx = NULL;
	struct proc_fd own;
	int fd;

	if (!info->is_context || (s->wish->context && info->context != s->wish->context) ||
	    (s->ctx && info->context == s->id))
		return 0;
	fd = target_copy_fd(s, info->fd);
	if (fd < 0)
		return 0;
	if (!proc_fd_read(getpid(), fd, &own) || own.context != info->context ||
	    fastzero_ctx_adopt(fd, &ctx)) {
		close(fd);
		return 0;
	}
	s->contexts++;
	fastzero_ctx_close(s->ctx);
	s->ctx = ctx;
	s->id = info->context;
	return 0;
}

struct fastzero_ctx *target_context(const struct target_wish *wish, uint64_t *id)
{
	struct target_search s = { 0 };
	int ret;

	if (!target_begin(wish, &s))
		return NULL;
	ret = proc_fds((pid_t)wish->pid, target_one_context, &s);
	close(s.pidfd);
	if (s.contexts > 1) {
		cli_error(0, "process %" PRIu64 " has %u contexts; choose one with --context (\"fastzero holders\" lists them)",
			  wish->pid, s.contexts);
		fastzero_ctx_close(s.ctx);
		return NULL;
	}
	if (!s.ctx)
		target_none(&s, "descriptor of a context", -ret);
	*id = s.id;
	return s.ctx;
}
