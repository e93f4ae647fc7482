// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A string of JSON.
 */
#include "json_string.h"

/* Bytes of the UTF-8 character at the beginning of @s; 0 if it is none. */
static int json_utf8_length(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;
	int i, n = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 :
		   c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;

	for (i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* JSON is UTF-8; a path or a user's text may not be. */
void json_string(FILE *out, const char *s)
{
	int n;

	fputc('"', out);
	for (; *s; s += n ? n : 1) {
		n = json_utf8_length(s);
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		if (!n)
			fputc('?', out);
		else if ((unsigned char)*s >= ' ')
			fwrite(s, 1, n, out);
	}
	fputc('"', out);
}
