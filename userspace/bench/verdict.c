// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The exit status.
 */
#include "verdict.h"

#include <errno.h>

/* Results of peers, of rows and responses alike. */
struct tally {
	bool failed;		/* although it can run here */
	bool missing;
	bool measured;
	bool fastzero;		/* some of these are fastzero's */
	bool fastzero_measured;
};

static void count(struct tally *t, const struct peer *peer, int ret)
{
	t->failed |= ret && ret != -EOPNOTSUPP;
	t->missing |= !!ret;
	t->measured |= !ret;
	if (!peer_is_fastzero(peer))
		return;
	t->fastzero = true;
	t->fastzero_measured |= !ret;
}

static bool is_trouble(const struct options *o, const struct tally *t)
{
	if (t->failed || !t->measured || (o->strict && t->missing))
		return true;
	/* Peers of fastzero were asked for by name, and none could run. */
	return o->choice.peers && t->fastzero && !t->fastzero_measured;
}

int verdict(const struct options *o, const struct report *rep)
{
	struct tally t = { 0 };
	bool stale = false;
	size_t i;

	for (i = 0; i < rep->nr_results; i++) {
		count(&t, rep->results[i].peer, rep->results[i].ret);
		stale |= !!rep->results[i].o.stale;
	}
	for (i = 0; i < rep->nr_responses; i++)
		count(&t, rep->responses[i].peer, rep->responses[i].ret);
	for (i = 0; i < rep->nr_courses; i++) {
		count(&t, rep->courses[i].peer, rep->courses[i].ret);
		stale |= !!rep->courses[i].f.stale;
	}
	if (stale)
		return EXIT_STALE;
	/* If the unit is time, other tasks run as well. */
	if (clock_counts_instructions() && report_parts(rep).nr[PARTS_DIFFER])
		return EXIT_TROUBLE;
	return is_trouble(o, &t) ? EXIT_TROUBLE : EXIT_OK;
}
