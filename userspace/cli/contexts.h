/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All contexts that this user may see.
 */
#ifndef CONTEXTS_H
#define CONTEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTEXTS_LIST	"/sys/kernel/debug/fastzero/contexts"

/* Pages are base pages; counters are since the context was opened. */
struct context {
	uint64_t id;
	uint64_t opener;	/* pid, 0 if it is of another PID namespace */
	char comm[64];		/* escaped as in the list */
	char cgroup[1024];	/* "-" if nobody says it */
	uint64_t scratches;
	uint64_t length;
	uint64_t populated;
	uint64_t owned;
	uint64_t zeros;
	uint64_t target;
	uint64_t ready;
	uint64_t used;
	uint64_t held;
	uint64_t index;
	uint64_t faults;
	uint64_t resets;
	uint64_t auto_inplace;
	uint64_t auto_swap;
	uint64_t auto_drop;
	uint64_t zeroer_ns;
	bool whole;		/* false: only some of its scratches are seen */
};

struct contexts {
	struct context *list;	/* by id */
	size_t nr;
	bool all;		/* of all processes, from the module's list */
	int why;		/* else the errno of that list */
	uint64_t ns;		/* when, CLOCK_MONOTONIC */
};

/* 0 or -errno; to be freed in either case. */
int contexts_read(struct contexts *c);
void contexts_free(struct contexts *c);
const struct context *contexts_find(const struct contexts *c, uint64_t id);

#endif /* CONTEXTS_H */
