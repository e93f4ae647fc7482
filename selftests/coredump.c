// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Core dumps leave scratches out, unless madvise(MADV_DODUMP) puts them in.  A memfd is
 * in them, with its holes.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PATTERN	"/proc/sys/kernel/core_pattern"
#define CORE	"/tmp/fz_core"

#define SIZE	(4 * FZ_CHUNK)
/* Upper limit of everything else in the dump of a test program. */
#define OTHERS	(SIZE / 2)

FIXTURE(core) {
	char pattern[256];
	FZ_SCRATCH;
};

FIXTURE_VARIANT(core) {
	bool memfd;
	uint32_t policy;
	int advice;	/* 0 for none */
	bool in_core;
};

FIXTURE_VARIANT_ADD(core, base) { .policy = FASTZERO_PAGES_4K };
FIXTURE_VARIANT_ADD(core, huge) { .policy = FASTZERO_PAGES_2M };
FIXTURE_VARIANT_ADD(core, base_dodump) {
	.policy = FASTZERO_PAGES_4K, .advice = MADV_DODUMP, .in_core = true };
FIXTURE_VARIANT_ADD(core, huge_dodump) {
	.policy = FASTZERO_PAGES_2M, .advice = MADV_DODUMP, .in_core = true };
FIXTURE_VARIANT_ADD(core, memfd) { .memfd = true, .in_core = true };
FIXTURE_VARIANT_ADD(core, memfd_dontdump) {
	.memfd = true, .advice = MADV_DONTDUMP };

FIXTURE_SETUP(core)
{
	FILE *f = fopen(PATTERN, "re");

	if (!f)
		FZ_SKIP_ALL("no CONFIG_COREDUMP");
	ASSERT_NE(NULL, fgets(self->pattern, sizeof(self->pattern), f));
	fclose(f);
	ASSERT_EQ(0, fz_write_string(PATTERN, CORE)) TH_LOG("needs root");

	self->ctx = fz_open();
	if (variant->memfd) {
		self->fd = memfd_create("core", MFD_CLOEXEC);
		ASSERT_EQ(0, ftruncate(self->fd, SIZE));
	} else {
		self->fd = fz_raw_create(self->ctx, SIZE, 0, variant->policy, 0);
	}
	ASSERT_LE(0, self->fd);
	self->map = fz_map(self->fd, 0, SIZE);
	if (variant->advice)
		ASSERT_EQ(0, madvise(self->map, SIZE, variant->advice));
	self->map[0] = 1;
}

FIXTURE_TEARDOWN(core)
{
	fz_write_string(PATTERN, self->pattern);
	unlink(CORE);
	FZ_SCRATCH_TEARDOWN();
}

static int dump_core(void *unused)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	(void)unused;
	setrlimit(RLIMIT_CORE, &limit);
	prctl(PR_SET_DUMPABLE, 1);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static uint64_t bytes_taken(int fd)
{
	struct fastzero_stats stats;
	struct stat st;

	if (!fz_raw_stats(fd, &stats))
		return stats.out_populated * fz_ps;
	return fstat(fd, &st) ? 0 : (uint64_t)st.st_blocks * 512;
}

TEST_F(core, dump_follows_dontdump)
{
	uint64_t before = bytes_taken(self->fd);
	struct stat st;

	ASSERT_EQ(FZ_SIGNALLED + SIGABRT, fz_in_child(dump_core, NULL));
	/* With 1 in core_uses_pid there would be more to its name. */
	ASSERT_EQ(0, stat(CORE, &st)) TH_LOG("%s: %s", CORE, strerror(errno));
	if (variant->in_core) {
		/*
		 * A mapping with DODUMP is in the dump as a whole, and its holes are
		 * filled.
		 */
		EXPECT_LE(SIZE, (uint64_t)st.st_size);
		EXPECT_EQ(SIZE, bytes_taken(self->fd));
	} else {
		EXPECT_GT(OTHERS, (uint64_t)st.st_size)
			TH_LOG("%jd bytes", (intmax_t)st.st_size);
		EXPECT_EQ(before, bytes_taken(self->fd));
	}
}

TEST_F(core, vm_flags_follow_dontdump)
{
	char line[512], start[32];
	bool ours = false, dd = false;
	FILE *f = fopen("/proc/self/smaps", "re");

	ASSERT_NE(NULL, f);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)self->map);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, start, strlen(start)))
			ours = true;
		if (ours && !strncmp(line, "VmFlags:", 8)) {
			dd = strstr(line, " dd ");
			break;
		}
	}
	fclose(f);
	EXPECT_TRUE(ours);
	EXPECT_EQ(variant->in_core, !dd) TH_LOG("%s", line);
}

TEST_HARNESS_MAIN
