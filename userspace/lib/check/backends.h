/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check-backends: what its files share.
 */
#ifndef BACKENDS_H
#define BACKENDS_H

#include "fastzero.h"

#include <stdbool.h>

#define PAGE	4096ul
#define PAGES	64ul
#define LENGTH	(PAGES * PAGE)

/**
 * struct here - a context, a scratch of LENGTH and its mapping
 * @id: enum fastzero_backend_id
 * @name: its name
 * @has_fd: scratches have descriptors, any number of mappings, and other processes
 * @is_device: the backend is the module
 * @ctx: a subject that closes it sets it to NULL
 * @scratch: a subject that closes it sets it to NULL
 * @ram: its mapping; a subject that unmaps it sets it to NULL
 * @failed: how many checks have
 */
struct here {
	unsigned int id;
	const char *name;
	bool has_fd;
	bool is_device;
	struct fastzero_ctx *ctx;
	struct fastzero_scratch *scratch;
	char *ram;
	unsigned int failed;
};

void here_fail(struct here *h, const char *file, int line, const char *what);

#define HERE(h, cond) do {						\
	if (!(cond))							\
		here_fail(h, __FILE__, __LINE__, #cond);		\
} while (0)

/* backends_reset.c */
bool here_has_mode(struct here *h, unsigned int mode);
bool all_are(const char *memory, size_t length, char value);
void check_modes(struct here *h);
void check_ranges(struct here *h);
void check_errors(struct here *h);
void check_regions(struct here *h);
void check_bitmap(struct here *h);
void check_random(struct here *h);
void check_threads(struct here *h);
void check_racing(struct here *h);
void check_idle_many(struct here *h);
void check_scratches(struct here *h);

/* backends_ctx.c */
void check_open(struct here *h);
void check_info(struct here *h);
void check_create(struct here *h);
void check_stats(struct here *h);
void check_populate(struct here *h);
void check_lacks(struct here *h);

/* backends_map.c */
void check_map(struct here *h);
void check_slots(struct here *h);
void check_access(struct here *h);
void check_unmap(struct here *h);
void check_replace(struct here *h);
void check_fork(struct here *h);
void check_passing(struct here *h);
void check_life(struct here *h);

#endif /* BACKENDS_H */
