/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Choice by parts of names, with commas between them.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether one of @parts is in @name; with = in front it has to be the whole name. */
bool names_match(const char *parts, const char *name);

/**
 * names_stray() - find the part that fits no name
 * @parts: the parts, or NULL
 * @names: all names; the last one is NULL
 * @len: the length of that part
 *
 * Return: where it begins, or NULL if all of them fit.
 */
const char *names_stray(const char *parts, const char *const *names, int *len);

#endif /* NAMES_H */
