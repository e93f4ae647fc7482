// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cells that are measured.
 *
 * All sizes, dirty sets, patterns and kinds of touch are here, and the pairs that can
 * change a decision: size against dirty set for both users, since the choice of a way
 * depends on these, and pattern and kind of touch at one size.  Left out are patterns and
 * kinds of touch at other sizes, and dirty sets beyond 581 pages in 64 GiB.  So are 10 %
 * and more of 448 MiB under a guest, where the guest's faults swallow every difference.
 */
#include "grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

#define KIB(n)	((uint64_t)(n) << 10)
#define MIB(n)	((uint64_t)(n) << 20)
#define GIB(n)	((uint64_t)(n) << 30)

#define PERCENT(n)	(-(n))

enum { P = 1, G = 2, Q = 4, BOTH = P | G };

struct row {
	uint64_t size;
	int pages;			/* negative: percent of all */
	unsigned int flags;		/* users, and Q: part of quick */
	enum pattern pattern;
	enum touch touch;
	unsigned int threads;
};

#define ROW(size_, pages_, flags_)					\
	{ .size = (size_), .pages = (pages_), .flags = (flags_),	\
	  .pattern = PATTERN_RANDOM }
#define PATTERN(pattern_, flags_)					\
	{ .size = MIB(64), .pages = 581, .flags = (flags_),		\
	  .pattern = (pattern_) }
#define TOUCH(size_, pages_, touch_, flags_)				\
	{ .size = (size_), .pages = (pages_), .flags = (flags_),	\
	  .pattern = PATTERN_RANDOM, .touch = (touch_) }
#define THREADS(threads_)						\
	{ .size = MIB(8), .pages = 113, .flags = P,			\
	  .pattern = PATTERN_RANDOM, .threads = (threads_) }

static const struct row rows[] = {
	ROW(KIB(288), 1, BOTH),
	ROW(KIB(288), 17, BOTH | Q),
	ROW(KIB(288), PERCENT(100), BOTH | Q),		/* 72 pages */
	ROW(MIB(1), 1, BOTH),
	ROW(MIB(1), 17, BOTH),
	ROW(MIB(1), 72, BOTH),
	ROW(MIB(1), 113, BOTH | Q),
	ROW(MIB(1), PERCENT(100), BOTH),
	ROW(MIB(8), 1, BOTH),
	ROW(MIB(8), 17, BOTH),
	ROW(MIB(8), 113, BOTH),
	ROW(MIB(8), 581, BOTH),
	ROW(MIB(8), PERCENT(1), BOTH),
	ROW(MIB(8), PERCENT(10), BOTH),
	ROW(MIB(8), PERCENT(100), BOTH),
	ROW(MIB(64), 1, BOTH),
	ROW(MIB(64), 17, BOTH),
	ROW(MIB(64), 113, BOTH | Q),
	ROW(MIB(64), 581, BOTH | Q),
	ROW(MIB(64), PERCENT(1), BOTH),
	ROW(MIB(64), PERCENT(10), BOTH),
	ROW(MIB(64), PERCENT(100), BOTH),
	ROW(MIB(256), PERCENT(100), BOTH),
	ROW(MIB(448), 1, BOTH),
	ROW(MIB(448), 113, BOTH),
	ROW(MIB(448), 581, BOTH),
	ROW(MIB(448), PERCENT(1), BOTH),
	ROW(MIB(448), PERCENT(10), P),
	ROW(MIB(448), PERCENT(100), P),
	ROW(GIB(64), 1, BOTH | Q),
	ROW(GIB(64), 17, BOTH),
	ROW(GIB(64), 113, BOTH),
	ROW(GIB(64), 581, BOTH),
	PATTERN(PATTERN_DENSE, BOTH),
	PATTERN(PATTERN_STRIDED, BOTH),
	PATTERN(PATTERN_CLUSTERED, BOTH),
	PATTERN(PATTERN_DRIFTING, BOTH),
	PATTERN(PATTERN_ALTERNATING, BOTH),
	TOUCH(MIB(64), 581, TOUCH_READ, P),
	TOUCH(MIB(64), 581, TOUCH_READ, G | Q),
	TOUCH(MIB(64), 581, TOUCH_RDWR, BOTH),
	TOUCH(KIB(288), PERCENT(100), TOUCH_READ, BOTH),
	TOUCH(KIB(288), PERCENT(100), TOUCH_RDWR, BOTH),
	THREADS(1),
	THREADS(2),
	THREADS(4),
	THREADS(8),
	THREADS(16),
};

static const struct cell demo_cell = {
	.guest = true, .pattern = PATTERN_RANDOM, .size = MIB(64), .pages = 581,
};

const struct cell response_cell = {
	.guest = true, .pattern = PATTERN_RANDOM, .size = MIB(8), .pages = 113,
};

const char *grid_cut(const struct choice *choice)
{
	if (choice->size || choice->pages || choice->user || choice->pattern ||
	    choice->peers || choice->courses)
		return choice->quick ? "this is a part of the quick part, as chosen" :
				       "this is a part of the grid, as chosen";
	if (choice->quick)
		return "this is the quick part, a few cells of the grid";
	return "patterns and kinds of touch at other sizes than 64 MiB and 288 KiB; more than "
	       "581 pages in 64 GiB; in a guest 10 % and 100 % of 448 MiB; "
	       "threads with other than 113 pages in 8 MiB";
}

const char *cell_user(const struct cell *cell)
{
	return cell->threads ? "threads" : cell->guest ? "guest" : "process";
}

bool choice_has_peer(const struct choice *choice, const struct peer *peer)
{
	if ((choice->demo && !peer->demo) || peer->special)
		return false;
	return !choice->peers || names_match(choice->peers, peer->name);
}

size_t choice_peers(const struct choice *choice)
{
	const struct peer *peer;
	size_t n = 0;

	for (peer = peers; peer->name; peer++)
		n += choice_has_peer(choice, peer);
	return n;
}

const char *choice_stray_peer(const struct choice *choice, int *len)
{
	const char *names[PEERS_MAX + 1] = { NULL };
	const struct peer *peer;
	size_t n = 0;

	for (peer = peers; peer->name; peer++)
		if (peer->demo || !choice->demo)
			names[n++] = peer->name;
	return names_stray(choice->peers, names, len);
}

static bool wanted(const struct choice *choice, const struct cell *cell,
		   unsigned int flags)
{
	if (choice->courses && strcmp(choice->courses, "none"))
		return false;
	if (choice->quick && !(flags & Q))
		return false;
	if (choice->size && choice->size != cell->size)
		return false;
	if (choice->pages && choice->pages != cell->pages)
		return false;
	if (choice->user && strcmp(choice->user, cell_user(cell)))
		return false;
	return !choice->pattern ||
	       !strcmp(choice->pattern, pattern_name(cell->pattern));
}

bool grid_has_responses(const struct choice *choice)
{
	const struct peer *peer;

	if (choice->demo || !wanted(choice, &response_cell, Q))
		return false;
	for (peer = peers; peer->name; peer++)
		if (!peer->floor && choice_has_peer(choice, peer))
			return true;
	return false;
}

static struct cell make_cell(const struct row *row, bool guest)
{
	uint64_t all = row->size / BENCH_PAGE;

	return (struct cell) {
		.guest = guest,
		.touch = row->touch,
		.pattern = row->pattern,
		.size = row->size,
		.pages = row->pages > 0 ? (uint64_t)row->pages :
					  all * -row->pages / 100,
		.threads = row->threads,
	};
}

/* Processes come first: with a guest, KVM's notifier would be in their way. */
int grid_cells(const struct choice *choice, struct cell **cells, size_t *nr)
{
	static const struct { unsigned int flag; bool guest; } users[] = {
		{ P, false }, { G, true },
	};
	size_t n = sizeof(rows) / sizeof(rows[0]);
	size_t u, i;

	*nr = 0;
	*cells = calloc(2 * n, sizeof(**cells));
	if (!*cells)
		return -ENOMEM;
	if (choice->demo) {
		if (wanted(choice, &demo_cell, Q))
			(*cells)[(*nr)++] = demo_cell;
		return 0;
	}
	for (u = 0; u < 2; u++)
		for (i = 0; i < n; i++) {
			struct cell cell = make_cell(&rows[i], users[u].guest);

			if (rows[i].flags & users[u].flag &&
			    wanted(choice, &cell, rows[i].flags))
				(*cells)[(*nr)++] = cell;
		}
	return 0;
}
