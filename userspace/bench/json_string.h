/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A string of JSON.
 */
#ifndef JSON_STRING_H
#define JSON_STRING_H

#include <stdio.h>

/* Of any bytes: what is no UTF-8 becomes a question mark, control characters go. */
void json_string(FILE *out, const char *s);

#endif /* JSON_STRING_H */
