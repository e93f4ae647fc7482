/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How stat and top show contexts.
 */
#ifndef VIEW_H
#define VIEW_H

#include "contexts.h"

#include <stdio.h>

/*
 * @before is an earlier look, for what happens in a second, or NULL for totals.  @lines
 * and @columns bound the text, 0 for no bound.
 */
void view_text(FILE *out, const struct contexts *now, const struct contexts *before,
	       unsigned int lines, unsigned int columns);
void view_json(FILE *out, const struct contexts *now, const struct contexts *before);

#endif /* VIEW_H */
