// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-backends: every public function of libfastzero on each backend that works here.
 *
 *	check-backends [BACKEND]...
 *
 * Prints TAP, with a test for each backend and subject.  A backend that does not work is
 * skipped with its reason; one that is named has to work.
 */
#include "backends.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name;
	void (*run)(struct here *h);
} subjects[] = {
	{ "open", check_open },
	{ "info", check_info },
	{ "create", check_create },
	{ "modes", check_modes },
	{ "ranges", check_ranges },
	{ "errors", check_errors },
	{ "regions", check_regions },
	{ "bitmap", check_bitmap },
	{ "random", check_random },
	{ "threads", check_threads },
	{ "racing", check_racing },
	{ "idle_many", check_idle_many },
	{ "scratches", check_scratches },
	{ "stats", check_stats },
	{ "populate", check_populate },
	{ "lacks", check_lacks },
	{ "map", check_map },
	{ "slots", check_slots },
	{ "access", check_access },
	{ "unmap", check_unmap },
	{ "replace", check_replace },
	{ "fork", check_fork },
	{ "passing", check_passing },
	{ "life", check_life },
};

#define SUBJECTS	(sizeof(subjects) / sizeof(subjects[0]))

static unsigned int number, bad;

void here_fail(struct here *h, const char *file, int line, const char *what)
{
	printf("# %s:%d: failed: %s\n", file, line, what);
	h->failed++;
}

static void said(bool ok, const char *backend, const char *subject, const char *skip)
{
	printf("%sok %u %s.%s%s%s\n", ok ? "" : "not ", ++number, backend, subject,
	       skip ? " # SKIP " : "", skip ? skip : "");
	bad += !ok;
}

/* Private ones lose what is not mapped, so each subject has a new scratch. */
static void run_subject(unsigned int id, size_t subject)
{
	struct fastzero_ctx_opts opts = FASTZERO_CTX_OPTS_INIT;
	struct here h = { .id = id, .name = fastzero_backend_name(id) };
	int ret;

	opts.backend = id;
	ret = fastzero_ctx_open(&opts, &h.ctx);
	if (ret) {
		printf("# open: %s\n", fastzero_strerror(ret));
		said(false, h.name, subjects[subject].name, NULL);
		return;
	}
	h.has_fd = id == FASTZERO_BACKEND_DEVICE || id == FASTZERO_BACKEND_MEMFD;
	h.is_device = id == FASTZERO_BACKEND_DEVICE;
	HERE(&h, fastzero_scratch_create(h.ctx, LENGTH, NULL, &h.scratch) == 0);
	if (!h.failed)
		HERE(&h, fastzero_map(h.scratch, NULL, (void **)&h.ram) == 0);
	if (!h.failed)
		subjects[subject].run(&h);
	if (h.ram)
		HERE(&h, fastzero_unmap(h.ram, LENGTH) == 0);
	fastzero_scratch_close(h.scratch);
	fastzero_ctx_close(h.ctx);
	said(!h.failed, h.name, subjects[subject].name, NULL);
	fflush(stdout);
}

static void run_backend(unsigned int id, bool must)
{
	struct fastzero_ctx_opts opts = FASTZERO_CTX_OPTS_INIT;
	const char *name = fastzero_backend_name(id);
	struct fastzero_ctx *ctx;
	size_t i;
	int ret;

	opts.backend = id;
	ret = fastzero_ctx_open(&opts, &ctx);
	if (ret) {
		said(!must, name, "all", fastzero_strerror(ret));
		return;
	}
	fastzero_ctx_close(ctx);
	for (i = 0; i < SUBJECTS; i++)
		run_subject(id, i);
}

int main(int argc, char **argv)
{
	int id, i;

	unsetenv("FASTZERO_BACKEND");
	puts("TAP version 13");
	for (i = 1; i < argc; i++) {
		id = fastzero_backend_parse(argv[i]);
		if (id <= 0) {
			fprintf(stderr, "check-backends: there is no backend %s\n", argv[i]);
			return 2;
		}
		run_backend(id, true);
	}
	for (id = 1; argc == 1 && fastzero_backend_name(id); id++)
		run_backend(id, false);
	printf("1..%u\n", number);
	return bad != 0;
}
