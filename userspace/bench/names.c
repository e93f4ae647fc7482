// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Choice by parts of names, with commas between them.
 */
#include "names.h"

#include <string.h>

static bool part_matches(const char *part, size_t len, const char *name)
{
	char buf[64];

	if (!len || len >= sizeof(buf))
		return false;
	memcpy(buf, part, len);
	buf[len] = 0;
	return buf[0] == '=' ? !strcmp(buf + 1, name) : !!strstr(name, buf);
}

bool names_match(const char *parts, const char *name)
{
	size_t len;

	for (;; parts += len + 1) {
		len = strcspn(parts, ",");
		if (part_matches(parts, len, name))
			return true;
		if (!parts[len])
			return false;
	}
}

const char *names_stray(const char *parts, const char *const *names, int *len)
{
	const char *const *name;

	for (; parts; parts += *len + 1) {
		*len = strcspn(parts, ",");
		for (name = names; *name; name++)
			if (part_matches(parts, *len, *name))
				break;
		if (!*name)
			return parts;
		if (!parts[*len])
			break;
	}
	return NULL;
}
