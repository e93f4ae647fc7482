/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Presents the figures: a table to read, and JSON.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "course.h"
#include "grid.h"
#include "measure.h"
#include "response.h"

/* Goes up whenever a member changes its meaning or goes. */
#define SCHEMA	1

/**
 * struct summary - of many figures
 */
struct summary {
	uint64_t p50;
	uint64_t p90;
	uint64_t p99;
	uint64_t max;
};

/* Sorts the values. */
struct summary summarize(uint64_t *values, unsigned int n);

/**
 * struct result - a peer in a cell
 * @peer: the peer
 * @cell: the cell
 * @ret: what measure() returned
 * @o: the outcome
 * @reset: of its samples
 * @run: of its samples
 * @sum: of its samples
 * @best: it is the best of its cell
 */
struct result {
	const struct peer *peer;
	const struct cell *cell;
	int ret;
	struct outcome o;
	struct summary reset;
	struct summary run;
	struct summary sum;
	bool best;
};

/* Fills in the summaries.  0 or -ENOMEM. */
int result_finish(struct result *r);

/*
 * The sum without its clears, if each of them costs @clear; false: not known,
 * since the cycles that were counted had other pages than those timed.
 */
bool result_without_clears(const struct result *r, uint64_t clear, uint64_t *sum);

/* The sum and the time of the background. */
uint64_t result_cpu(const struct result *r);

/**
 * struct overhead - costs of the benchmark itself
 * @clock: two readings of the clock
 * @process: an empty cycle, see measure_empty()
 * @guest: the same in a guest
 */
struct overhead {
	uint64_t clock;
	uint64_t process;
	uint64_t guest;
};

/**
 * enum parts - whether reset and next run add up to the cycle
 * @PARTS_UNKNOWN: not to be compared: threads run into each other
 * @PARTS_AGREE: within 1 %, or within an empty cycle, less than which the
 *	benchmark cannot see
 * @PARTS_DIFFER: they do not
 */
enum parts { PARTS_UNKNOWN, PARTS_AGREE, PARTS_DIFFER };

/* With the difference in 1/1000 of the whole. */
enum parts result_parts(const struct result *r, const struct overhead *overhead,
			unsigned int *permille);

/**
 * struct response_result - a peer at a rate of requests
 */
struct response_result {
	const struct peer *peer;
	uint64_t think_ns;
	int ret;
	struct response r;
	struct summary summary;
};

/**
 * struct course_result - a peer in a course
 * @course: the course
 * @cell: its cell
 * @peer: the peer
 * @ret: what course_measure() returned
 * @f: the figures
 */
struct course_result {
	const struct course *course;
	struct cell cell;
	const struct peer *peer;
	int ret;
	struct course_figures f;
};

/* Notes about this run from the command line: NAME=VALUE. */
struct notes {
	const char *text[16];
	unsigned int nr;
};

struct report {
	const struct rig *rig;
	const struct choice *choice;
	const struct notes *notes;
	struct overhead overhead;
	struct result *results;
	size_t nr_results;
	struct response_result *responses;
	size_t nr_responses;
	struct course_result *courses;
	size_t nr_courses;
};

/**
 * struct parts_sum - how the parts of all rows add up
 * @nr: rows, by enum parts
 * @worst: the largest difference, in 1/1000, that is more than an empty cycle
 */
struct parts_sum {
	unsigned int nr[PARTS_DIFFER + 1];
	unsigned int worst;
};

struct parts_sum report_parts(const struct report *r);
void report_free(struct report *r);

/* table.c */
void table_head(const struct report *r, FILE *out);
void table_cell(const struct report *rep, const struct result *results, size_t n,
		FILE *out);
void table_responses(const struct report *r, FILE *out);
void table_end(const struct report *r, FILE *out);
void table_demo(const struct report *r, FILE *out);
const char *grouped(uint64_t n);	/* a number with its thousands apart */
const char *cell_text(const struct cell *cell, char buf[static 128]);

/* table_course.c: the peers in one course */
void table_course(const struct course_result *results, size_t n, FILE *out);

/* json.c */
void json_report(const struct report *r, FILE *out);

/* machine.c: descriptions of this machine, "" if unknown. */
const char *machine_kernel(void);
const char *machine_kernel_build(void);
const char *machine_cpu(void);
const char *machine_module(void);
unsigned int machine_cpus(void);

/*
 * Whether the processor logs the pages that guests write (Intel's PML), and KVM uses
 * that.
 */
bool machine_has_pml(void);

#endif /* REPORT_H */
