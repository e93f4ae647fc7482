/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways to make memory zero again that are compared.
 */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stdint.h>

struct minivm;

#define BENCH_PAGE	4096ull

/**
 * struct plan - the parameters common to all peers
 * @device: path of the fastzero device
 * @total_cpu: AUTO counts all CPU time
 * @size: bytes of memory
 * @count: pages that each run touches, of all memories of the same owner together
 * @vm: the guest that uses the memory, or NULL if this process does
 * @with: memory of the same peer that has the same owner, or NULL
 */
struct plan {
	const char *device;
	bool total_cpu;
	uint64_t size;
	uint64_t count;
	struct minivm *vm;
	const struct memory *with;
};

/**
 * struct memory - the memory of one peer
 * @addr: where it is mapped
 * @size: bytes
 * @fd: the file behind the mapping, or -1
 * @dirty: pages that the last run wrote, ascending: for the oracle
 * @nr_dirty: how many these are
 * @user_cleared: base pages that resets have cleared in user space, so far
 * @priv: the peer's own
 * @why: why setup failed; without it, errno says so
 */
struct memory {
	void *addr;
	uint64_t size;
	int fd;
	const uint64_t *dirty;
	uint64_t nr_dirty;
	uint64_t user_cleared;
	void *priv;
	char why[120];
};

/**
 * struct account - counts that a peer reports about itself, so far
 * @held: all base pages that it holds now
 * @reset_cleared: base pages that resets cleared in the kernel
 * @fault_cleared: base pages that faults cleared
 * @bg_cleared: base pages cleared in the background
 * @bg_ns: time that this took
 */
struct account {
	uint64_t held;
	uint64_t reset_cleared;
	uint64_t fault_cleared;
	uint64_t bg_cleared;
	uint64_t bg_ns;
};

/* Memories that are made zero in one call. */
#define PEER_MANY	64

/**
 * struct peer - one way to make memory zero again
 * @name: short name
 * @what: description in one line
 * @arg: the peer's own, the same code serves several
 * @floor: it does not reset at all: not a contestant, but the price of a run
 *	on warm memory, which is in the figures of all
 * @limit: it has knowledge that no real program has, and so is no contestant either
 * @demo: it is in the small table of the demo
 * @special: it is in courses only, in those that name it
 * @setup: makes the memory; 0, or -errno with memory.why set if it can say more
 * @attach: called when the guest has the memory, or NULL; as @setup
 * @reset: makes it zero again; 0 or -errno
 * @reset_many: makes up to PEER_MANY memories zero again that have one owner, or NULL if that is
 *	done one by one; 0 or -errno
 * @rest: waits, without asking for anything, until no more work is done in the
 *	background; NULL if there is none; 0 or -errno
 * @account: reports its counts; NULL if only the resident pages are known; 0 or -errno
 * @teardown: undoes setup
 */
struct peer {
	const char *name;
	const char *what;
	unsigned int arg;
	bool floor;
	bool limit;
	bool demo;
	bool special;
	int (*setup)(const struct peer *peer, const struct plan *plan,
		     struct memory *m);
	int (*attach)(const struct plan *plan, struct memory *m);
	int (*reset)(const struct peer *peer, struct memory *m);
	int (*reset_many)(const struct peer *peer, struct memory *const *m,
			  unsigned int nr);
	int (*rest)(struct memory *m);
	int (*account)(struct memory *m, struct account *a);
	void (*teardown)(struct memory *m);
};

#define PEERS_MAX	32

/* All of them, in the order of the tables; the last one has no name. */
extern const struct peer peers[];

/* The next run of neighbours in the dirty pages, from *@next on; false at the end. */
bool dirty_run(const struct memory *m, uint64_t *next, void **addr,
	       uint64_t *size);

/* memset, counted in user_cleared. */
void clear_in_user_space(struct memory *m, void *addr, uint64_t size);

/* peer_plain.c: only the kernel's memory calls */
int anon_setup(const struct peer *peer, const struct plan *plan,
	       struct memory *m);
int thp_setup(const struct peer *peer, const struct plan *plan,
	      struct memory *m);
int memfd_setup(const struct peer *peer, const struct plan *plan,
		struct memory *m);
int memset_setup(const struct peer *peer, const struct plan *plan,
		 struct memory *m);
void memory_teardown(struct memory *m);
int nothing_reset(const struct peer *peer, struct memory *m);
int memset_reset(const struct peer *peer, struct memory *m);
int oracle_reset(const struct peer *peer, struct memory *m);
int dontneed_reset(const struct peer *peer, struct memory *m);
int populate_reset(const struct peer *peer, struct memory *m);
int remap_reset(const struct peer *peer, struct memory *m);
int punch_reset(const struct peer *peer, struct memory *m);
int remove_reset(const struct peer *peer, struct memory *m);

/* peer_dirtylog.c: KVM reports the pages that the guest wrote */
int dirtylog_setup(const struct peer *peer, const struct plan *plan,
		   struct memory *m);
int dirtylog_attach(const struct plan *plan, struct memory *m);
int dirtylog_reset(const struct peer *peer, struct memory *m);
void dirtylog_teardown(struct memory *m);

/* peer_pagescan.c: page tables show written pages; arg: write-protect */
int pagescan_setup(const struct peer *peer, const struct plan *plan,
		   struct memory *m);
int pagescan_reset(const struct peer *peer, struct memory *m);
void pagescan_teardown(struct memory *m);

/* peer_fastzero.c */
#define FASTZERO_PEER_POPULATE	0x100	/* in arg, beside the mode */
#define FASTZERO_PEER_2M	0x200	/* whole chunks, not base pages */
#define FASTZERO_PEER_WORKSET	0x400	/* WORKSET WRITE of the pages to come */
#define FASTZERO_PEER_PREFAULT	0x800	/* and KVM maps them for the guest */
#define FASTZERO_PEER_IDLE	0x1000	/* it is told where there was no run */
#define FASTZERO_PEER_KVM	0x2000	/* the library asks KVM what was written */
#define FASTZERO_PEER_ZEROPAGE	0x4000	/* holes take no memory if they are only read */
#define FASTZERO_PEER_FLAGS	0x7f00

int fastzero_peer_setup(const struct peer *peer, const struct plan *plan,
			struct memory *m);
int fastzero_peer_attach(const struct plan *plan, struct memory *m);
int fastzero_peer_reset(const struct peer *peer, struct memory *m);
int fastzero_peer_reset_many(const struct peer *peer, struct memory *const *m,
			     unsigned int nr);
int fastzero_peer_rest(struct memory *m);
int fastzero_peer_account(struct memory *m, struct account *a);
void fastzero_peer_teardown(struct memory *m);

bool peer_is_fastzero(const struct peer *peer);

/* Whether the system has a fastzero device. 0 or -errno. */
int fastzero_peer_probe(const char *device);

#endif /* PEERS_H */
