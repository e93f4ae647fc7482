/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages runs touch no more, as resets see it that clear them in place.
 */
#ifndef FZ_WORKSET_H
#define FZ_WORKSET_H

#include "cost.h"

/* With fewer pages there is nothing to be learned. */
#define FZ_WORKSET_LEAST	16
/* One reset in so many looks, if nothing has happened. */
#define FZ_WORKSET_EACH		8
/* Looks that must find a page zero before it may go. */
#define FZ_WORKSET_OLD		2
/* The age of one that came back: it takes many more. */
#define FZ_WORKSET_STICKY	(-30)

/**
 * struct fz_workset - what a scratch has learned
 * @cursor: number of the page that is looked at next, by its place on the roll
 * @before: pages populated at the end of the last reset
 * @dropped: pages that went for their age, lately
 * @returned: those of them that runs touched again
 * @eager: so many resets look at everything
 * @wait: so many looks do not, whatever they find
 * @tick: resets without a look
 * @fresh: the first of these is to come
 * @seen: one of these has found pages zero
 * @patience: how long that was the last time; longer, if nothing was found
 */
struct fz_workset {
	u64 cursor;
	u64 before;
	u64 dropped;
	u64 returned;
	u32 eager;
	u32 wait;
	u32 tick;
	u32 patience;
	bool fresh;
	bool seen;
};

/**
 * struct fz_workset_look - one reset's look
 * @first: the first page to look at
 * @end: the one behind the last
 * @most: how many pages may go
 * @keep: those that are old are wanted after all
 * @all: it looks at everything, as the one before, or is the first that does
 * @fresh: it is the first
 * @looked: pages looked at that are not sticky
 * @zero: pages among these that are zero
 * @gone: pages that go
 */
struct fz_workset_look {
	u64 first;
	u64 end;
	u64 most;
	bool keep;
	bool all;
	bool fresh;
	u64 looked;
	u64 zero;
	u64 gone;
};

/* Whether a reset has to look at all; most need not, and should not pay for it. */
static inline bool fz_workset_due(struct fz_workset *ws, u64 populated)
{
	return populated >= FZ_WORKSET_LEAST &&
	       (ws->eager || populated != ws->before ||
		++ws->tick >= FZ_WORKSET_EACH);
}

void fz_workset_begin(struct fz_workset *ws, u64 populated, u64 returned,
		      const struct fz_prices *prices,
		      struct fz_workset_look *look);
bool fz_workset_goes(struct fz_workset_look *look, s8 *age, bool zero);
void fz_workset_end(struct fz_workset *ws, u64 populated,
		    const struct fz_workset_look *look);

#endif
