// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: errors in words.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The last failure of this thread. */
static __thread struct {
	int ret;
	char words[512];
	char text[640];		/* what fastzero_strerror() returned */
} error_last;

int fz_fail(int ret, const char *format, ...)
{
	va_list ap;

	error_last.ret = ret;
	error_last.words[0] = '\0';
	if (format) {
		va_start(ap, format);
		vsnprintf(error_last.words, sizeof(error_last.words), format, ap);
		va_end(ap);
	}
	return ret;
}

int fz_null(const char *what)
{
	return fz_fail(-EINVAL, "%s is NULL", what);
}

/* The GNU function, which need not write to the buffer. */
static const char *error_plain(int number, char *buffer, size_t size)
{
	return strerror_r(number, buffer, size);
}

FASTZERO_API const char *fastzero_strerror(int ret)
{
	int number = ret < 0 ? -ret : ret;
	const char *name = strerrorname_np(number);
	const char *words = error_last.words;
	char plain[128];

	if (ret != error_last.ret || !*words)
		words = error_plain(number, plain, sizeof(plain));
	snprintf(error_last.text, sizeof(error_last.text), "%s (%d): %s",
		 name && number ? name : "error", number, words);
	return error_last.text;
}
