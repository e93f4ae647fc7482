/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Declarations that the two halves of the race engine share.
 */
#ifndef RACE_INTERNAL_H
#define RACE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "minivm.h"
#include "race_engine.h"

/* Each group of pages is reset once in a round at most. */
#define GROUP		4
#define MAX_GROUPS	32
#define NR_WRITERS	2

/*
 * With huge folios a group is a chunk, of which we look at a few pages: "page" is
 * the number of one that we look at.
 */
#define HUGE_GROUPS	8
#define HUGE_STRIDE	(512 / GROUP)

/* Words of a page: the guest's, one for each writer, and others. */
#define WORD_GUEST	0
#define WORD_WRITER	1
#define WORD_TOKEN	5
#define WORD_OLD	6
#define WORD_FOREIGN	7

#define OLD		0x01d01d01d01d01dULL
#define GUEST_VALUE	0x6e6e6e6e6e6e6e6eULL

struct race;

struct writer {
	struct race *race;
	pthread_t thread;
	unsigned int index;
	uint64_t seq;
	_Atomic uint64_t done;		/* last store that is over */
	_Atomic uint32_t finished;	/* last round that is over */
	_Atomic uint32_t page;		/* where it is */
};

/* The range of a reset, and the stores that were done before it began. */
struct covered {
	int first;
	int end;
	uint64_t done[NR_WRITERS];
};

struct race {
	const struct race_config *config;
	struct race_result *result;
	int nr_groups;
	int nr_pages;
	int stride;			/* from one to the next */
	size_t size;
	int ctx;
	int fd;
	int other_fd;
	volatile uint64_t *map;
	volatile uint64_t *second;
	volatile uint64_t *other;
	struct writer writers[NR_WRITERS];
	unsigned int nr_writers;
	_Atomic uint32_t round;
	_Atomic uint32_t stop;
	uint64_t random;
	long pause_ns;			/* longest pause before a reset */
	struct minivm *vm;
	pthread_t vcpu;
	uint32_t vcpu_stop;
	int vcpu_err;
};

static inline uint64_t race_offset(const struct race *r, int page)
{
	return (uint64_t)page * (uint64_t)r->stride * 4096;
}

/* A word of a page in a mapping. */
static inline volatile uint64_t *race_word(const struct race *r,
					   volatile uint64_t *map, int page,
					   int word)
{
	return map + race_offset(r, page) / 8 + word;
}

long race_now_ns(void);
void race_pause_ns(long ns, bool spin);

/* race_check.c */
void race_take_freed(struct race *r);
void race_check_freed(struct race *r);
void race_check(struct race *r, const struct covered *covered);
void race_check_guest(struct race *r);

#endif
