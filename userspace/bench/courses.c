// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The courses, and their peers.  The full part runs them in 64 MiB, where runs touch 581
 * pages.  The quick part runs one of each, for one user and with few peers, in 8 MiB and
 * 113 pages.
 */
#include "courses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

/*
 * Users, and those of the quick part.  V: a process that has a guest beside its
 * memory, whose notifier then watches it.
 */
enum { P = 1, G = 2, BOTH = P | G, QP = 4, QG = 8, V = 16 };

#define MEASURED(n)	{ .cycles = (n), .measured = true }
#define WARM(n)		{ .cycles = (n) }

#define PEERS	"=none,memset-,=dontneed,=dontneed-thp,dirty-log,pagescan," \
		"=fz-inplace,=fz-swap,=fz-drop,=fz-kvm,=fz-auto,=fz-2m"
#define FEW	"=memset-all,=dontneed,=fz-auto,=fz-2m"
/* Of runs that mostly read: peers that know what was written. */
#define LOG	"=dirty-log,=fz-kvm,=fz-kvm-zeropage"

#define EVERY(ms_)								\
	{									\
		.name = "every-" #ms_ "ms",					\
		.what = "64 cycles with " #ms_ " ms from a reset to the next run", \
		.flags = P | QP,						\
		.pattern = PATTERN_RANDOM,					\
		.gap_us = (ms_) * 1000,						\
		.stages = { WARM(16), MEASURED(64) },				\
	}

static const struct course courses[] = {
	{
		.name = "first",
		.what = "the first run, and the reset after it",
		.flags = BOTH | QP,
		.pattern = PATTERN_RANDOM,
		.repeat = 3,
		.stages = { MEASURED(1) },
	},
	EVERY(50),
	EVERY(15),
	EVERY(5),
	EVERY(1),
	{
		.name = "back-to-back",
		.what = "120 cycles without a pause, in which the background shares the processor",
		.flags = P | QP,
		.pattern = PATTERN_RANDOM,
		.share = true,
		.stages = { WARM(16), MEASURED(120) },
	}, {
		.name = "idle",
		.what = "64 resets without a run, and the run after these",
		.flags = BOTH | QP,
		.pattern = PATTERN_RANDOM,
		.also = "=fz-auto-idle",
		.stages = {
			WARM(8),
			{ .cycles = 64, .doing = DO_NOTHING, .measured = true },
			{ .cycles = 1, .no_reset = true, .measured = true },
		},
	}, {
		.name = "empty",
		.what = "64 resets of memory that nobody has touched",
		.flags = P | QP,
		.pattern = PATTERN_RANDOM,
		.stages = { { .cycles = 64, .doing = DO_NOTHING, .measured = true } },
	}, {
		.name = "reads",
		.what = "120 cycles from the first on, whose runs only read",
		.flags = BOTH | QG,
		.pattern = PATTERN_RANDOM,
		.touch = TOUCH_READ,
		.also = LOG,
		.stages = { MEASURED(120) },
	}, {
		.name = "read-mostly",
		.what = "the same, but a tenth of the pages is written as well",
		.flags = BOTH | QG,
		.pattern = PATTERN_RANDOM,
		.touch = TOUCH_READ,
		.tenth = true,
		.also = LOG,
		.stages = { MEASURED(120) },
	}, {
		.name = "drift",
		.what = "120 cycles from the first on, each with a tenth other pages than the last",
		.flags = BOTH | QP,
		.pattern = PATTERN_DRIFTING,
		.stages = { MEASURED(120) },
	}, {
		.name = "phase",
		.what = "60 cycles from the first on, and 60 with other pages",
		.flags = BOTH | QG,
		.pattern = PATTERN_ALTERNATING,
		.stages = {
			MEASURED(60),
			{ .cycles = 60, .second = true, .measured = true },
		},
	}, {
		.name = "scan",
		.what = "64 cycles after two runs that read all of the memory",
		.flags = BOTH | QP,
		.pattern = PATTERN_RANDOM,
		.stages = {
			WARM(8), { .cycles = 1, .doing = DO_SCAN },
			WARM(8), { .cycles = 1, .doing = DO_SCAN },
			MEASURED(64),
		},
	}, {
		.name = "shrink",
		.what = "120 cycles that touch 17 pages of one chunk, after 8 of the whole set",
		.flags = BOTH | QP,
		.pattern = PATTERN_RANDOM,
		.stages = {
			WARM(8),
			{ .cycles = 120, .doing = DO_FEW, .measured = true },
		},
	}, {
		.name = "populate",
		.what = "new memory gets the pages of its first run before that",
		.flags = BOTH | QP | QG,
		.pattern = PATTERN_RANDOM,
		.peers = "=dontneed,populate,fz-workset",
		.repeat = 3,
		.stages = {
			{ .cycles = 1, .doing = DO_TELL, .measured = true },
			{ .cycles = 1, .no_reset = true, .measured = true },
		},
	}, {
		.name = "populate-1000",
		.what = "the same in a process with 1,000 other mappings",
		.flags = P | QP,
		.pattern = PATTERN_RANDOM,
		.peers = "=dontneed,populate,fz-workset",
		.repeat = 3,
		.mappings = 1000,
		.stages = {
			{ .cycles = 1, .doing = DO_TELL, .measured = true },
			{ .cycles = 1, .no_reset = true, .measured = true },
		},
	}, {
		.name = "views-1000",
		.what = "16 cycles of a memory with 1,000 more mappings in the process",
		.flags = P | QP,
		.pattern = PATTERN_RANDOM,
		.peers = "=memfd-punch,=fz-inplace,=fz-swap,=fz-drop,=fz-auto,=fz-2m",
		.views = 1000,
		.stages = { WARM(8), MEASURED(16) },
	}, {
		.name = "beside-vm",
		.what = "16 cycles of a process that has a guest, which uses other memory",
		.flags = V,
		.pattern = PATTERN_RANDOM,
		.stages = { WARM(8), MEASURED(16) },
	}, {
		.name = "many",
		.what = "64 memories of one page each, used and reset in turn; figures of one of them",
		.flags = P | QP,
		.pattern = PATTERN_RANDOM,
		.peers = "=none,memset-all,=dontneed,memfd-punch,=fz-inplace,=fz-drop,=fz-auto,=fz-many",
		.memories = 64,
		.stages = { WARM(8), MEASURED(16) },
	},
};

#define COURSES	(sizeof(courses) / sizeof(courses[0]))

static bool is_quick(const struct course *c, bool guest)
{
	return c->flags & (guest ? QG : QP);
}

static bool is_wanted(const struct choice *choice, const struct course *c, bool guest)
{
	const char *user = guest && c->flags & G ? "guest" : "process";

	if (choice->demo || !(c->flags & (guest ? G | V : P)))
		return false;
	if (choice->quick && !is_quick(c, guest))
		return false;
	if (choice->user && strcmp(choice->user, user))
		return false;
	if (choice->courses && strcmp(choice->courses, "all"))
		return names_match(choice->courses, c->name);
	if (choice->courses)
		return true;
	return !choice->size && !choice->pages && !choice->pattern;
}

static struct cell cell_of(const struct choice *choice, const struct course *c, bool guest)
{
	struct cell cell = {
		.guest = guest && c->flags & G,
		.touch = c->touch,
		.pattern = c->pattern,
		.size = choice->quick ? 8 << 20 : 64 << 20,
		.pages = choice->quick ? 113 : 581,
	};

	if (c->memories) {
		cell.size = BENCH_PAGE;
		cell.pages = 1;
		cell.memories = c->memories;
	}
	return cell;
}

int courses_each(const struct choice *choice, bool guest,
		 int (*found)(const struct course *course, const struct cell *cell,
			      void *arg),
		 void *arg)
{
	struct cell cell;
	size_t i;
	int ret;

	for (i = 0; i < COURSES; i++) {
		if (!is_wanted(choice, &courses[i], guest))
			continue;
		cell = cell_of(choice, &courses[i], guest);
		ret = found(&courses[i], &cell, arg);
		if (ret)
			return ret;
	}
	return 0;
}

static int count_one(const struct course *course, const struct cell *cell, void *arg)
{
	size_t *n = arg;

	(void)course;
	(void)cell;
	++*n;
	return 0;
}

size_t courses_with_guest(const struct choice *choice)
{
	size_t n = 0;

	courses_each(choice, true, count_one, &n);
	return n;
}

size_t courses_count(const struct choice *choice)
{
	size_t n = courses_with_guest(choice);

	courses_each(choice, false, count_one, &n);
	return n;
}

const char *courses_stray(const struct choice *choice, int *len)
{
	const char *names[COURSES + 3] = { "none", "all" };
	size_t i;

	for (i = 0; i < COURSES; i++)
		names[i + 2] = courses[i].name;
	return names_stray(choice->courses, names, len);
}

static bool takes_part(const struct choice *choice, const struct course *c,
		       const struct peer *peer)
{
	/* A peer that is chosen by name also takes part in the quick part. */
	const char *most = choice->quick && !choice->peers ? FEW : PEERS;

	if (choice->peers && !names_match(choice->peers, peer->name))
		return false;
	return names_match(c->peers ? c->peers : most, peer->name) ||
	       (c->also && names_match(c->also, peer->name));
}

struct courses_run {
	const struct options *o;
	struct progress *progress;
	struct report *rep;
};

static void measure_peer(const struct options *o, const struct course *c,
			 const struct touches *touches, struct course_result *r)
{
	if (r->course->flags & (r->cell.guest ? G : V) && !o->rig.vm) {
		r->ret = -EOPNOTSUPP;
		explain(r->f.why, "no KVM guest", o->rig.no_vm);
		return;
	}
	r->ret = course_measure(c, &o->rig, &r->cell, touches, r->peer, &r->f);
}

static int measure_course(const struct course *c, const struct cell *cell, void *arg)
{
	struct courses_run *run = arg;
	struct report *rep = run->rep;
	struct course_result *r, *first;
	const struct peer *peer;
	struct touches touches;
	int ret;

	progress_show(run->progress);
	ret = touches_make(&touches, c->pattern, cell->size / BENCH_PAGE, cell->pages,
			   course_cycles(c, false), run->o->rig.seed);
	if (ret)
		return ret;
	first = r = rep->courses + rep->nr_courses;
	for (peer = peers; peer->name; peer++) {
		if (!takes_part(&run->o->choice, c, peer))
			continue;
		*r = (struct course_result) { .course = c, .cell = *cell, .peer = peer };
		measure_peer(run->o, c, &touches, r++);
	}
	touches_free(&touches);
	rep->nr_courses += r - first;
	if (r > first)
		table_course(first, r - first, stdout);
	run->progress->done++;
	return 0;
}

int courses_measure(const struct options *o, bool guest,
		    struct progress *progress, struct report *rep)
{
	struct courses_run run = { .o = o, .progress = progress, .rep = rep };

	if (!rep->courses)
		rep->courses = calloc(2 * COURSES * PEERS_MAX, sizeof(*rep->courses));
	return rep->courses ? courses_each(&o->choice, guest, measure_course, &run) :
			      -ENOMEM;
}
