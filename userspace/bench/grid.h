/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cells that are measured.
 */
#ifndef GRID_H
#define GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "measure.h"

/**
 * struct choice - which cells and peers are wanted
 * @quick: the subset whose figures are always the same
 * @demo: the one cell and the few peers of the demo
 * @peers: parts of peers' names, with commas, or NULL for all
 * @size: bytes, or 0 for all sizes
 * @pages: pages touched, or 0 for all
 * @user: "process", "guest" or "threads", or NULL for all
 * @pattern: name, or NULL for all
 * @courses: parts of courses' names, and no cell of the grid; or NULL
 */
struct choice {
	bool quick;
	bool demo;
	const char *peers;
	uint64_t size;
	uint64_t pages;
	const char *user;
	const char *pattern;
	const char *courses;
};

bool choice_has_peer(const struct choice *choice, const struct peer *peer);

/* How many it has. */
size_t choice_peers(const struct choice *choice);

/**
 * choice_stray_peer() - find the part of --only that fits no peer
 * @choice: the choice
 * @len: its length
 *
 * Return: where it begins, or NULL if all of them fit.
 */
const char *choice_stray_peer(const struct choice *choice, int *len);

/**
 * grid_cells() - the cells that are wanted
 * @choice: which
 * @cells: where to put them; freed by the caller
 * @nr: their number
 *
 * Return: 0 or -ENOMEM.
 */
int grid_cells(const struct choice *choice, struct cell **cells, size_t *nr);

/* Whether time to responsiveness is wanted: its cell, and a peer that resets. */
bool grid_has_responses(const struct choice *choice);

/*
 * The cells that the whole grid leaves out, or the reason why this is not the whole
 * grid.
 */
const char *grid_cut(const struct choice *choice);

const char *cell_user(const struct cell *cell);

/* The cell that requests are served in. */
extern const struct cell response_cell;

#endif /* GRID_H */
