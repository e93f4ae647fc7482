// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: who pays for memory, and is there enough of it?
 */
#include "doctor.h"
#include "unescape.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_PARAMETERS	"/sys/module/fastzero/parameters/"
#define MEMORY_PAGE		4096
#define MEMORY_MIB(bytes)	((unsigned long long)(bytes) >> 20)

void doctor_check_accounting(struct doctor *d)
{
	char says[32], required[8], cmdline[4096];
	const char *remedy = "boot without cgroup.memory=nokmem; until then max_pages alone bounds a context";
	bool nokmem;

	nokmem = doctor_read(d, "/proc/cmdline", cmdline, sizeof(cmdline)) > 0 &&
		 strstr(cmdline, "cgroup.memory=") && strstr(cmdline, "nokmem");
	doctor_read(d, MEMORY_PARAMETERS "require_accounting", required, sizeof(required));
	if (doctor_read(d, MEMORY_PARAMETERS "accounting", says, sizeof(says)) <= 0) {
		if (nokmem)
			doctor_warn(d, remedy, "cgroup.memory=nokmem: limits of memory cgroups do not hold for scratches");
		else
			doctor_skip(d, "fastzero is not loaded");
	} else if (!strcmp(says, "yes")) {
		doctor_pass(d, "memory cgroups pay for scratches");
	} else if (required[0] == 'Y') {
		doctor_fail(d, "boot without cgroup.memory=nokmem, or set the parameter require_accounting to 0",
			    "memory cgroups are not charged (%s), and require_accounting is set: nobody can open the device",
			    says);
	} else if (!strcmp(says, "no")) {
		doctor_warn(d, remedy,
			    "cgroup.memory=nokmem: limits of memory cgroups do not hold for scratches");
	} else {
		doctor_pass(d, "there is no memory cgroup yet (%s)", says);
	}
}

static bool memory_own_line(char *line, void *arg)
{
	char *path = arg;

	if (strncmp(line, "0::", 3))
		return true;
	snprintf(path, PATH_MAX, "%s", line + 3);
	return false;
}

/* The least limit of a cgroup and of those above it, LLONG_MAX for none. */
static long long memory_limit(const struct doctor *d, const char *cgroup, char *whose,
			      size_t size)
{
	char at[PATH_MAX], path[PATH_MAX + 64];
	long long least = LLONG_MAX, n;
	char *slash;

	snprintf(at, sizeof(at), "%s", cgroup);
	while ((slash = strrchr(at, '/')) && slash[1]) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max", at);
		if (!doctor_number(d, path, &n) && n < least) {
			least = n;
			snprintf(whose, size, "%s", at);
		}
		*slash = 0;
	}
	return least;
}

/* Targets of all contexts of one cgroup. */
struct memory_tenant {
	char cgroup[PATH_MAX];
	unsigned long long bytes;
};

struct memory_roster {
	int target, cgroup;	/* columns, from 0 on; -1 if there is none */
	bool head;
	struct memory_tenant *tenants;
	size_t nr;
};

static int memory_column(const char *head, const char *name)
{
	size_t length = strlen(name);
	int n;

	for (n = 0; *head; n++) {
		size_t word = strcspn(head, " ");

		if (word == length && !strncmp(head, name, length))
			return n;
		head += word + strspn(head + word, " ");
	}
	return -1;
}

static bool memory_roster_line(char *line, void *arg)
{
	struct memory_roster *r = arg;
	unsigned long long target = 0;
	struct memory_tenant *more;
	char *cgroup = NULL, *word, *rest = NULL;
	size_t i;
	int n;

	if (!r->head) {
		r->head = true;
		r->target = memory_column(line, "target");
		r->cgroup = memory_column(line, "cgroup");
		return r->target >= 0 && r->cgroup >= 0;
	}
	for (n = 0, word = strtok_r(line, " ", &rest); word;
	     n++, word = strtok_r(NULL, " ", &rest)) {
		if (n == r->target)
			target = strtoull(word, NULL, 10);
		if (n == r->cgroup)
			cgroup = word;
	}
	if (!target || !cgroup)
		return true;
	/* The list escapes blanks and backslashes, which systemd's names have (\x2d). */
	fz_unescape(cgroup);
	for (i = 0; i < r->nr && strcmp(r->tenants[i].cgroup, cgroup); i++)
		;
	if (i == r->nr) {
		more = realloc(r->tenants, (r->nr + 1) * sizeof(*more));
		if (!more)
			return false;
		r->tenants = more;
		snprintf(more[r->nr].cgroup, sizeof(more->cgroup), "%s", cgroup);
		more[r->nr++].bytes = 0;
	}
	r->tenants[i].bytes += target * MEMORY_PAGE;
	return true;
}

/* The pool fills itself as long as an eighth of the limit is left. */
static bool memory_is_tight(struct doctor *d, const char *cgroup, unsigned long long bytes,
			    const char *of)
{
	char whose[PATH_MAX] = "", remedy[DOCTOR_LINE];
	long long limit = memory_limit(d, cgroup, whose, sizeof(whose));

	if (limit == LLONG_MAX || bytes <= (unsigned long long)limit / 8 * 7)
		return false;
	snprintf(remedy, sizeof(remedy), "memory.max of %.300s: %llu MiB or more, or a smaller pool",
		 whose, MEMORY_MIB(bytes) * 8 / 7 + 1);
	doctor_warn(d, remedy,
		    "%s %llu MiB ready, and memory.max of %.300s is %llu MiB: the pool keeps an eighth of that free",
		    of, MEMORY_MIB(bytes), whose, MEMORY_MIB(limit));
	return true;
}

/* A context with its pool has at most max_pages. */
static bool memory_is_over_max(struct doctor *d)
{
	long long max;

	if (!d->pool_bytes || doctor_number(d, MEMORY_PARAMETERS "max_pages", &max) || !max ||
	    d->pool_bytes <= (unsigned long long)max * MEMORY_PAGE)
		return false;
	doctor_warn(d, "raise the module's parameter max_pages, or take a smaller pool",
		    "a pool of %llu MiB is refused: max_pages allows a context %llu MiB",
		    MEMORY_MIB(d->pool_bytes), MEMORY_MIB(max * MEMORY_PAGE));
	return true;
}

void doctor_check_cgroup(struct doctor *d)
{
	struct memory_roster r = { .target = -1, .cgroup = -1 };
	char own[PATH_MAX] = "", whose[PATH_MAX] = "";
	bool tight = false;
	size_t i;

	if (memory_is_over_max(d))
		return;
	doctor_lines(d, "/proc/self/cgroup", memory_own_line, own);
	if (!own[0] || !doctor_exists(d, "/sys/fs/cgroup/cgroup.controllers")) {
		doctor_skip(d, "there is no cgroup of version 2");
		return;
	}
	doctor_lines(d, "/sys/kernel/debug/fastzero/contexts", memory_roster_line, &r);
	if (d->pool_bytes)
		tight = memory_is_tight(d, own, d->pool_bytes, "this process means to keep");
	for (i = 0; !tight && i < r.nr; i++)
		tight = memory_is_tight(d, r.tenants[i].cgroup, r.tenants[i].bytes,
					"pools are to keep");
	free(r.tenants);
	if (tight)
		return;
	if (r.target >= 0) {
		doctor_pass(d, "pool targets of %zu memory cgroups are within their limits", r.nr);
	} else if (d->pool_bytes) {
		doctor_pass(d, "a pool of %llu MiB is within the limit of %.300s",
			    MEMORY_MIB(d->pool_bytes), own);
	} else {
		long long limit = memory_limit(d, own, whose, sizeof(whose));

		if (limit == LLONG_MAX)
			doctor_pass(d, "no limit for this process; pools of others are for root to see");
		else
			doctor_skip(d, "memory.max of %.300s is %llu MiB, and no pool was named",
				    whose, MEMORY_MIB(limit));
	}
}

#define MEMORY_INFO	"/proc/meminfo"

void doctor_check_swap(struct doctor *d)
{
	long long total, unused;

	if (doctor_key(d, MEMORY_INFO, "SwapTotal", &total) ||
	    doctor_key(d, MEMORY_INFO, "SwapFree", &unused)) {
		doctor_skip(d, "there is no " MEMORY_INFO);
		return;
	}
	if (!total)
		doctor_pass(d, "no swap; scratches would not use it");
	else if (unused < total / 10)
		doctor_warn(d, "more memory or swap, or smaller pools; scratches are not swapped out, so all else was",
			    "%lld of %lld MiB swap are left", unused >> 10, total >> 10);
	else
		doctor_pass(d, "%lld of %lld MiB swap are left; scratches do not use it",
			    unused >> 10, total >> 10);
}

void doctor_check_overcommit(struct doctor *d)
{
	long long mode, limit, used;

	if (doctor_number(d, "/proc/sys/vm/overcommit_memory", &mode) ||
	    doctor_key(d, MEMORY_INFO, "CommitLimit", &limit) ||
	    doctor_key(d, MEMORY_INFO, "Committed_AS", &used)) {
		doctor_skip(d, "there is no /proc/sys/vm/overcommit_memory");
		return;
	}
	if (mode == 2 && used > limit / 10 * 9)
		doctor_warn(d, "raise vm.overcommit_ratio: fork() and mmap() of VMMs are about to fail",
			    "vm.overcommit_memory is 2, and %lld of %lld MiB are committed",
			    used >> 10, limit >> 10);
	else if (mode == 2)
		doctor_pass(d, "vm.overcommit_memory is 2, %lld of %lld MiB are committed",
			    used >> 10, limit >> 10);
	else
		doctor_pass(d, "vm.overcommit_memory is %lld", mode);
}
