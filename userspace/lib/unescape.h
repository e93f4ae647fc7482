/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Undoes the escapes that the kernel and the module use in lists: \040 for a blank.
 */
#ifndef FASTZERO_UNESCAPE_H
#define FASTZERO_UNESCAPE_H

#include <string.h>

/* In place; the result may have any bytes, so it is not for a terminal. */
static inline char *fz_unescape(char *text)
{
	char *from, *to = text;

	for (from = text; *from; from++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				       (from[3] - '0'));
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = 0;
	return text;
}

#endif /* FASTZERO_UNESCAPE_H */
