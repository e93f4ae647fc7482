/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that the JSON goes to.
 */
#ifndef JSON_FILE_H
#define JSON_FILE_H

#include "report.h"

/**
 * struct json_file - a result that is not written yet
 * @path: where it is to be, or NULL: nowhere
 * @temp: where it is written, or NULL: there at once
 * @out: open for writing
 */
struct json_file {
	const char *path;
	char *temp;
	FILE *out;
};

/**
 * json_file_open() - before a long run, find out whether its result can be written
 * @j: the file
 * @path: where it is to be, or NULL
 *
 * An old file stays until json_file_write().  Each of these reports its error on standard
 * error.
 *
 * Return: 0 or -errno.
 */
int json_file_open(struct json_file *j, const char *path);

/* Writes it, and closes the file.  0 or -errno. */
int json_file_write(struct json_file *j, const struct report *rep);

/* Closes the file without writing it. */
void json_file_abandon(struct json_file *j);

#endif /* JSON_FILE_H */
