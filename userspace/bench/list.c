// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * --list: the cells and peers that would be measured.
 */
#include "list.h"

#include <stdio.h>

#include "courses.h"
#include "report.h"

static int print_course(const struct course *course, const struct cell *cell, void *arg)
{
	char text[128];

	(void)arg;
	printf("%-18s %s: %s\n", course->name, cell_text(cell, text), course->what);
	return 0;
}

void list_print(const struct choice *choice, const struct cell *cells, size_t nr,
		bool respond)
{
	const struct peer *peer;
	char text[128];
	size_t i;

	for (peer = peers; peer->name; peer++)
		if (choice_has_peer(choice, peer))
			printf("%-18s %s\n", peer->name, peer->what);
	putchar('\n');
	for (i = 0; i < nr; i++)
		puts(cell_text(&cells[i], text));
	if (respond)
		printf("time to responsiveness: %s\n",
		       cell_text(&response_cell, text));
	if (courses_count(choice))
		putchar('\n');
	courses_each(choice, false, print_course, NULL);
	courses_each(choice, true, print_course, NULL);
}

bool list_refuses(const struct choice *choice, size_t parts)
{
	const char *part, *what = "peer";
	int len;

	part = choice_stray_peer(choice, &len);
	if (!part) {
		part = courses_stray(choice, &len);
		what = "course";
	}
	if (!part && parts)
		return false;
	if (part)
		fprintf(stderr, "fastzero-bench: no %s is called '%.*s'", what, len, part);
	else
		fputs("fastzero-bench: no cell of the grid is like that", stderr);
	fputs("; --list shows them\n", stderr);
	return true;
}
