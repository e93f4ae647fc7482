/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls that latency.c measures, and how.
 */
#ifndef FZ_LATENCY_H
#define FZ_LATENCY_H

#include <pthread.h>
#include <stdatomic.h>

#include "fz.h"

/**
 * struct latency - a measurement
 * @prober: the thread of real-time priority
 * @stop: it is to end
 * @worst: ns that it has waited for the processor at most
 * @scale: how much larger than in a test everything is
 * @ctx: the object of the call, -1 for none; all down to @nr_fds
 * @fd: .
 * @map: .
 * @size: bytes of @fd, and of @map
 * @buf: a bitmap or a working set, of @buf_size bytes
 * @buf_size: .
 * @maps: other mappings, or of the same page, in @nr_maps pages
 * @nr_maps: .
 * @fds: other scratches
 * @nr_fds: .
 */
struct latency {
	pthread_t prober;
	atomic_bool stop;
	atomic_long worst;
	long scale;
	int ctx;
	int fd;
	unsigned char *map;
	uint64_t size;
	void *buf;
	uint64_t buf_size;
	unsigned char *maps;
	long nr_maps;
	int *fds;
	int nr_fds;
};

/**
 * struct latency_case - a call
 * @name: its name
 * @prepare: has everything there; true: as a memfd; 0, or -2 if that makes no sense
 *	or cannot be done here, or -1
 * @call: makes the call: 0 or -1
 * @unmapped: the mappings are unmapped before, since munmap is the kernel's own work
 */
struct latency_case {
	const char *name;
	int (*prepare)(struct latency *l, bool memfd);
	int (*call)(struct latency *l);
	bool unmapped;
};

/* A bit of a coarse bitmap stands for 1 MiB. */
#define LATENCY_COARSE_SHIFT	20

/* latency_cases.c */
extern const struct latency_case latency_cases[];
const struct latency_case *latency_find(const char *name);

/* latency_prepare.c */
int latency_prepare_dense(struct latency *l, bool memfd);
int latency_prepare_hole(struct latency *l, bool memfd);
int latency_prepare_sparse(struct latency *l, bool memfd);
int latency_prepare_huge(struct latency *l, bool memfd);
int latency_prepare_huge_grows(struct latency *l, bool memfd);
int latency_prepare_empty(struct latency *l, bool memfd);
int latency_prepare_sparse_workset(struct latency *l, bool memfd);
int latency_prepare_runs(struct latency *l, bool memfd);
int latency_prepare_too_many(struct latency *l, bool memfd);
int latency_prepare_written_runs(struct latency *l, bool memfd);
int latency_prepare_many_maps(struct latency *l, bool memfd);
int latency_prepare_many_views(struct latency *l, bool memfd);
int latency_prepare_coarse(struct latency *l, bool memfd);
int latency_prepare_fine(struct latency *l, bool memfd);
int latency_prepare_scratches(struct latency *l, bool memfd);
int latency_prepare_pool(struct latency *l, bool memfd);
int latency_prepare_buffer(struct latency *l, bool memfd);
int latency_prepare_nothing(struct latency *l, bool memfd);
int latency_write_workset(struct latency *l);
int latency_clear_workset(struct latency *l);
void latency_undo(struct latency *l);

/* latency_probe.c */
long latency_now(void);
double latency_unit_ns(void);
int latency_start(struct latency *l);
void latency_stop(struct latency *l);
long latency_measure(struct latency *l, const struct latency_case *c,
		     bool memfd, long scale);
int latency_figures(void);

#endif
