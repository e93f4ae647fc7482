/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scratches and contexts of a running process, for commands that work on them.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fastzero.h"

/* Options that say which. */
struct target_wish {
	uint64_t pid;
	const char *scratch;	/* inode number or name, NULL for any */
	uint64_t context;	/* 0 for any */
};

struct target {
	uint64_t scratch;	/* inode number */
	uint64_t context;
	char name[1024];	/* as the fdinfo has it, "" for none */
	char door[64];		/* how it was got: "fd 7", "mapping 7f..-7f.." */
	struct fastzero_scratch *handle;
};

struct targets {
	struct target *list;
	size_t nr;
};

/*
 * All scratches of the process that are as wished, by its descriptors and its mappings;
 * false after it has said what is wrong.  To be freed in either case.
 */
bool target_find(const struct target_wish *wish, struct targets *t);
void target_free(struct targets *t);

/* The same, but exactly one; says which there are if there are several. */
bool target_find_one(const struct target_wish *wish, struct targets *t);

/* The context of which the process has a descriptor; NULL after it has said why not. */
struct fastzero_ctx *target_context(const struct target_wish *wish, uint64_t *id);

#endif /* TARGET_H */
