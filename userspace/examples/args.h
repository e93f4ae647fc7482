/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Numbers on a command line.
 */
#ifndef ARGS_H
#define ARGS_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * args_number() - read a number, with a suffix K, M, G or T if wanted
 * @s: the text
 * @n: where to put the number
 *
 * Return: 0, or -EINVAL if the text is something else.
 */
static inline int args_number(const char *s, uint64_t *n)
{
	unsigned int shift = 0;
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	*n = strtoull(s, &end, 0);
	switch (*end) {
	case 'T':
		shift += 10;
		/* fall through */
	case 'G':
		shift += 10;
		/* fall through */
	case 'M':
		shift += 10;
		/* fall through */
	case 'K':
		shift += 10;
		end++;
	}
	if (errno || *end || *n > UINT64_MAX >> shift)
		return -EINVAL;
	*n <<= shift;
	return 0;
}

#endif /* ARGS_H */
