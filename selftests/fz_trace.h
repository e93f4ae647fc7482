/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests that read the output of tracepoints.  The fixture has @line.
 */
#ifndef FZ_TRACE_H
#define FZ_TRACE_H

#include <sys/mount.h>
#include <sys/stat.h>

#define TRACING	"/sys/kernel/tracing"
#define EVENTS	TRACING "/instances/fz_trace/events/fastzero"
#define LOG	TRACING "/instances/fz_trace/trace"

static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

/* How many lines of the log have a text; the last of them is kept in @line. */
static inline int lines_with(const char *text, char *line, size_t size)
{
	FILE *log = fopen(LOG, "r");
	char buf[1024];
	int nr = 0;

	while (log && fgets(buf, sizeof(buf), log)) {
		if (!strstr(buf, text))
			continue;
		snprintf(line, size, "%s", buf);
		nr++;
	}
	if (log)
		fclose(log);
	return log ? nr : -1;
}

/* Begin to trace, with a known ratio. */
#define TRACE_BEGIN() do {						\
	mount("tracefs", TRACING, "tracefs", 0, NULL);			\
	mkdir(TRACING "/instances/fz_trace", 0700);			\
	if (access(EVENTS, F_OK))					\
		FZ_SKIP_ALL("no tracepoints in this kernel");		\
	ASSERT_EQ(0, fz_write_string(FZ_RATIO, FZ_RATIO_PLAIN));	\
	ASSERT_EQ(0, write_file(LOG, ""));				\
	ASSERT_EQ(0, write_file(EVENTS "/enable", "1"));		\
} while (0)

/* The instance must be gone, or the module cannot go. */
#define TRACE_END() do {						\
	write_file(EVENTS "/enable", "0");				\
	EXPECT_EQ(0, fz_write_string(FZ_RATIO, "measured"));		\
	EXPECT_EQ(0, rmdir(TRACING "/instances/fz_trace"));		\
} while (0)

#define ASSERT_LINES(nr, text) \
	ASSERT_EQ(nr, lines_with(text, self->line, sizeof(self->line)))

/* The last line has this, too. */
#define EXPECT_SAYS(text) \
	EXPECT_NE(NULL, strstr(self->line, text)) TH_LOG("%s", self->line)

#endif
