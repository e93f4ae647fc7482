// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages runs touch no more.  A page that was written is not zero when it is
 * to be cleared.  One that is found zero several times is let go of, if experience
 * says that such pages stay away: what comes back costs a fault, and what stays for
 * nothing costs a clear in each reset.  So a few go first, to see.
 */
#include "workset.h"

/* Looked at by a look that is not eager: so many, and one in so many. */
#define WORKSET_LOOK	8
#define WORKSET_PART	32
/* Resets that look at everything, one after the other; and looks to wait then. */
#define WORKSET_EAGER	(FZ_WORKSET_OLD + 1)
#define WORKSET_WAIT	8
/* Of the old, one in so many goes first, and so many are experience. */
#define WORKSET_TRIAL	64
#define WORKSET_LATELY	1024

static void workset_be_eager(struct fz_workset *ws)
{
	ws->fresh = !ws->eager;
	ws->eager = WORKSET_EAGER;
	ws->wait = 0;
}

/**
 * fz_workset_begin() - what a reset is to look at
 * @ws: what is known
 * @populated: pages populated now
 * @returned: pages that came back since the last time
 * @prices: what it costs to clear a page, and to drop it and have a guest fault it in
 *	again
 * @look: set
 */
void fz_workset_begin(struct fz_workset *ws, u64 populated, u64 returned,
		      const struct fz_prices *prices,
		      struct fz_workset_look *look)
{
	u64 refault = (u64)prices->drop + prices->refault_guest;

	ws->tick = 0;
	ws->returned += returned;
	if (ws->returned > ws->dropped)
		ws->returned = ws->dropped;
	*look = (struct fz_workset_look){ };
	/* One that does not live for long has nothing to learn. */
	if (!ws->before)
		ws->wait = 1;
	/* Faults cost far more than a look. */
	else if (populated > ws->before + populated / 16)
		workset_be_eager(ws);
	look->all = ws->eager;
	look->fresh = ws->fresh;
	ws->fresh = false;
	if (look->all) {
		look->end = populated;
	} else {
		if (ws->cursor >= populated)
			ws->cursor = 0;
		look->first = ws->cursor;
		look->end = ws->cursor + WORKSET_LOOK +
			    populated / WORKSET_PART;
	}
	if (!ws->dropped)
		look->most = populated / WORKSET_TRIAL + 1;
	else if (ws->returned * refault <= ws->dropped * prices->clear)
		look->most = populated;
	else
		look->keep = true;
}

/**
 * fz_workset_goes() - whether a page goes that was looked at
 * @look: the look
 * @age: its age, moved on
 * @zero: it was zero
 *
 * Return: true if so.
 */
bool fz_workset_goes(struct fz_workset_look *look, s8 *age, bool zero)
{
	if (*age < 0) {
		*age = zero ? *age + 1 : FZ_WORKSET_STICKY;
		return false;
	}
	look->looked++;
	if (!zero) {
		*age = 0;
		return false;
	}
	look->zero++;
	/* What was seen long ago says nothing: a run between may have used it. */
	if (!look->all)
		return false;
	if (look->fresh)
		*age = 0;
	if (*age < FZ_WORKSET_OLD)
		++*age;
	if (*age < FZ_WORKSET_OLD)
		return false;
	if (look->keep)
		*age = FZ_WORKSET_STICKY;
	if (look->gone >= look->most)
		return false;
	look->gone++;
	return true;
}

/* To look at everything is worth it while much goes, and is not if nothing does. */
static void workset_pace(struct fz_workset *ws, const struct fz_workset_look *look)
{
	if (ws->wait) {
		ws->wait--;
	} else if (!ws->eager) {
		if (look->looked && look->zero * 8 > look->looked)
			workset_be_eager(ws);
	} else if (look->gone * WORKSET_TRIAL > look->looked) {
		ws->eager = WORKSET_EAGER;
		ws->patience = 0;
	} else if ((ws->seen && !look->gone) || !--ws->eager) {
		/* What was zero was so only once: other runs take turns with this. */
		ws->eager = 0;
		ws->patience = ws->patience ? ws->patience * 2 : 1;
		if (ws->patience > WORKSET_WAIT)
			ws->patience = WORKSET_WAIT;
		ws->wait = ws->patience;
	}
	ws->seen = look->all && ws->eager && look->zero;
}

/**
 * fz_workset_end() - learn from a look
 * @ws: what is known
 * @populated: pages that are left
 * @look: the look
 */
void fz_workset_end(struct fz_workset *ws, u64 populated,
		    const struct fz_workset_look *look)
{
	workset_pace(ws, look);
	ws->before = populated;
	ws->cursor = look->end;
	ws->dropped += look->gone;
	/* What was long ago counts less, and a verdict is not for ever. */
	if (ws->dropped > WORKSET_LATELY || look->keep) {
		ws->dropped -= ws->dropped / 8;
		ws->returned -= ws->returned / 8;
	}
}
