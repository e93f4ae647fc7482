/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of fastzero-bench.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "grid.h"
#include "measure.h"
#include "report.h"

/**
 * struct options - the options
 * @choice: which cells and peers
 * @rig: cycles, seed, device
 * @notes: for the JSON
 * @json: where to write it, or NULL
 * @plain_progress: progress in lines
 * @requests: requests for time to responsiveness
 * @strict: a peer that cannot run here is trouble as well
 * @list: only list cells and peers
 */
struct options {
	struct choice choice;
	struct rig rig;
	struct notes notes;
	const char *json;
	bool plain_progress;
	uint64_t requests;
	bool strict;
	bool list;
};

/* Returns whether to go on; if not, @status is the exit status. */
bool options_parse(struct options *o, int argc, char **argv, int *status);

enum { EXIT_OK, EXIT_STALE, EXIT_TROUBLE };

#endif /* OPTIONS_H */
