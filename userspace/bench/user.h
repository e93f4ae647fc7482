/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user of the memory: this process, or a KVM guest.
 */
#ifndef USER_H
#define USER_H

#include <stdint.h>

#include "minivm.h"
#include "peers.h"

/* The kind of touch: what a run does to each of its pages. */
enum touch { TOUCH_WRITE, TOUCH_READ, TOUCH_RDWR, TOUCHES };

const char *touch_name(enum touch touch);

/**
 * struct run - one run of the user
 * @touch: kind of touch
 * @list: pages, by number
 * @count: how many
 * @words: 8-byte words of each page, from its begin
 * @value: the value to write
 */
struct run {
	enum touch touch;
	const uint64_t *list;
	uint64_t count;
	uint32_t words;
	uint64_t value;
};

/**
 * struct user - the user of the memory
 * @vm: the guest, or NULL: this process
 * @m: the memory
 * @run: the run of user_go()
 */
struct user {
	struct minivm *vm;
	struct memory *m;
	struct run run;
};

/* Hands the memory over, and takes it away.  0 or -errno. */
int user_attach(struct user *u, struct minivm *vm, struct memory *m);
void user_detach(struct user *u);

/* The same in two steps: only the second one is timed.  0 or -errno. */
int user_prepare(struct user *u, const struct run *run);
int user_go(struct user *u);

/**
 * user_nonzero() - have the user look for bytes that are not zero
 * @u: the user
 * @list: pages to look at, or NULL for all
 * @count: how many these are
 * @bad: where to add the number of pages that are not zero
 *
 * A guest looks, and then the process at the same pages.
 *
 * Return: 0 or -errno.
 */
int user_nonzero(struct user *u, const uint64_t *list, uint64_t count,
		 uint64_t *bad);

#endif /* USER_H */
