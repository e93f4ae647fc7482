/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways to make memory zero again that are compared.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct plan - what is the same for all peers
 * @device: path of the fastzero device
 * @size: bytes of memory
 * @list: the pages that each run touches, by number, all different
 * @count: how many these are
 */
struct plan {
	const char *device;
	uint64_t size;
	uint64_t *list;
	uint64_t count;
};

/**
 * struct memory - the memory of one peer
 * @addr: where it is mapped
 * @size: bytes
 * @fd: a file that reads what the memory holds, or -1
 * @priv: the peer's own
 * @why: why setup failed; without it, errno says so
 */
struct memory {
	void *addr;
	uint64_t size;
	int fd;
	void *priv;
	char why[120];
};

/**
 * struct background - work that was done beside the critical path, so far
 * @pages: base pages cleared
 * @ns: time that it took
 */
struct background {
	uint64_t pages;
	uint64_t ns;
};

/**
 * struct peer - one way to make memory zero again
 * @name: short name
 * @what: what it does, in one line
 * @arg: the peer's own, the same code serves several
 * @floor: it does not reset at all: not a contestant, but the price of a run
 *	on warm memory, which is in the figures of all
 * @setup: makes the memory; 0, or -errno with memory.why set if it can say more
 * @reset: makes it zero again; 0 or -errno
 * @settle: waits until work in the background is done, or NULL; 0 or -errno
 * @background: says how much of that there was so far, or NULL; 0 or -errno
 * @teardown: undoes setup
 */
struct peer {
	const char *name;
	const char *what;
	unsigned int arg;
	bool floor;
	int (*setup)(const struct peer *peer, const struct plan *plan,
		     struct memory *m);
	int (*reset)(const struct peer *peer, struct memory *m);
	int (*settle)(struct memory *m);
	int (*background)(struct memory *m, struct background *b);
	void (*teardown)(struct memory *m);
};

/* All of them, in the order of the table; the last one has no name. */
extern const struct peer peers[];

/* peer_fastzero.c */
int fastzero_peer_setup(const struct peer *peer, const struct plan *plan,
			struct memory *m);
int fastzero_peer_reset(const struct peer *peer, struct memory *m);
int fastzero_peer_settle(struct memory *m);
int fastzero_peer_background(struct memory *m, struct background *b);
void fastzero_peer_teardown(struct memory *m);

#endif /* PEERS_H */
