/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Courses follow a memory over many cycles, from its first one on.  The grid shows a loop
 * that has settled.  A course shows the way there, and disturbances.
 */
#ifndef COURSE_H
#define COURSE_H

#include "turn.h"

/**
 * enum doing - the part of a cycle before its reset
 * @DO_RUN: a run of the pattern
 * @DO_NOTHING: no run
 * @DO_SCAN: each page of the memory is read
 * @DO_FEW: the first COURSE_FEW pages are touched
 * @DO_TELL: no run, but the peer is told what the next one will touch
 */
enum doing { DO_RUN, DO_NOTHING, DO_SCAN, DO_FEW, DO_TELL };

#define COURSE_FEW	17

/* A time that the background can keep up with, for courses that do not test the pace. */
#define COURSE_GAP_US	20000

/**
 * struct stage - cycles of the same kind
 * @cycles: how many
 * @doing: the part before the reset
 * @second: in a course of two sets of pages: the second one
 * @no_reset: and there is no reset
 * @measured: they count
 */
struct stage {
	unsigned int cycles;
	enum doing doing;
	bool second;
	bool no_reset;
	bool measured;
};

/**
 * struct course - a course
 * @name: short name
 * @what: description in one line
 * @flags: of courses.c
 * @peers: peers that take part, as parts of names; NULL: those of most courses
 * @also: further peers
 * @touch: kind of touch
 * @tenth: they read all of their pages, and write a tenth of these
 * @pattern: to which pages
 * @memories: that many of one page, in turn, in place of a large one; or 0
 * @mappings: other mappings of the process
 * @views: more mappings of the memory; only files can have these
 * @repeat: how often, with new memory; 0 is once
 * @share: no time between a reset and the next run: the background shares the processor
 * @gap_us: that time, in microseconds; 0 is COURSE_GAP_US
 * @stages: the stages, until one without cycles
 */
struct course {
	const char *name;
	const char *what;
	unsigned int flags;
	const char *peers;
	const char *also;
	enum touch touch;
	bool tenth;
	enum pattern pattern;
	unsigned int memories;
	unsigned int mappings;
	unsigned int views;
	unsigned int repeat;
	bool share;
	unsigned int gap_us;
	struct stage stages[6];
};

/**
 * struct course_figures - figures of a peer in a course
 * @run: mean of the runs
 * @reset: mean of the resets
 * @sum: both, or a cycle in one piece where the background shares the processor
 * @cpu: all CPU time of a cycle, background included
 * @last: the last cycle
 * @worst: the dearest cycle
 * @held: base pages held at the end
 * @stale: pages that were not zero after the last reset
 * @why: if measuring fails: why
 */
struct course_figures {
	uint64_t run;
	uint64_t reset;
	uint64_t sum;
	uint64_t cpu;
	uint64_t last;
	uint64_t worst;
	uint64_t held;
	uint64_t stale;
	char why[WHY];
};

/* Cycles that it has, and those that count. */
unsigned int course_cycles(const struct course *course, bool measured);

/**
 * course_measure() - have a peer go through a course
 * @course: the course
 * @rig: the rig
 * @cell: its cell
 * @touches: its pages
 * @peer: the peer
 * @f: where to put the figures
 *
 * Return: 0; -EOPNOTSUPP if this peer cannot run here; or another -errno.
 */
int course_measure(const struct course *course, const struct rig *rig,
		   const struct cell *cell, const struct touches *touches,
		   const struct peer *peer, struct course_figures *f);

#endif /* COURSE_H */
