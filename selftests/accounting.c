// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether memory cgroups are charged for contexts.  With cgroup.memory=nokmem they are
 * not, and then the module says so.
 */
#include "kselftest_harness.h"
#include "fz.h"
#include "fz_group.h"

#include <sys/stat.h>

#define GROUP	FZ_GROUPS "/fz_test_accounting"
#define REQUIRE	FZ_PARAM_DIR "require_accounting"
#define MIB	(1UL << 20)
#define SIZE	(16 * MIB)

FIXTURE(accounting) {
	bool charged;		/* the right value here */
};

static bool cmdline_has(const char *word)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return strstr(line, word);
}

/* Somebody could be charged from now on. */
FIXTURE_SETUP(accounting)
{
	mkdir(GROUP, 0755);
	if (access(GROUP "/memory.max", F_OK))
		FZ_SKIP_ALL("no memory controller in " FZ_GROUPS);
	self->charged = !cmdline_has("cgroup.memory=nokmem");
}

FIXTURE_TEARDOWN(accounting)
{
	EXPECT_EQ(0, fz_write_string(REQUIRE, "0"));
	EXPECT_TRUE(fz_until(!rmdir(GROUP) || errno == ENOENT, FZ_PATIENCE_MS));
}

TEST_F(accounting, parameter_names_the_accounting)
{
	char text[16] = "";
	FILE *f = fopen(FZ_PARAM_DIR "accounting", "re");

	ASSERT_NE(NULL, f);
	EXPECT_NE(NULL, fgets(text, sizeof(text), f));
	fclose(f);
	EXPECT_STREQ(self->charged ? "yes\n" : "no\n", text);
}

static int write_in_group(void *unused)
{
	static char buf[MIB];
	long long before, after;
	uint64_t at;
	int fd;

	(void)unused;
	if (fz_group_enter(GROUP))
		return 250;
	before = fz_group_bytes(GROUP);
	fd = fz_raw_create(fz_raw_open(), SIZE, 0, FASTZERO_PAGES_4K, 0);
	for (at = 0; at < SIZE; at += MIB)
		if (pwrite(fd, buf, MIB, (off_t)at) != (ssize_t)MIB)
			return 251;
	after = fz_group_bytes(GROUP);
	return after - before > (long long)SIZE / 2;
}

/* And it is so. */
TEST_F(accounting, memory_cgroup_is_charged)
{
	EXPECT_EQ(self->charged, fz_in_child(write_in_group, NULL));
}

TEST_F(accounting, open_fails_without_required_accounting)
{
	int fd;

	close(fz_open());
	ASSERT_EQ(0, fz_write_string(REQUIRE, "1")) TH_LOG("needs root");
	fd = fz_raw_open();
	if (self->charged) {
		EXPECT_LE(0, fd);
		close(fd);
	} else {
		EXPECT_EQ(EOPNOTSUPP, FZ_ERRNO(fd));
	}
	ASSERT_EQ(0, fz_write_string(REQUIRE, "0"));
	close(fz_open());
}

/* Lines of the kernel's log that have a text. */
static int log_lines(const char *text)
{
	char line[8192];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t nr;
	int found = 0;

	if (fd < 0)
		return -1;
	while ((nr = read(fd, line, sizeof(line) - 1)) > 0 || errno == EPIPE) {
		if (nr <= 0)
			continue;
		line[nr] = 0;
		found += !!strstr(line, text);
	}
	close(fd);
	return found;
}

TEST_F(accounting, warning_comes_once)
{
	static const char text[] = "fastzero: memory cgroups are not charged";
	int said;

	close(fz_open());
	said = log_lines(text);
	EXPECT_EQ(self->charged, !said);
	close(fz_open());
	EXPECT_EQ(said, log_lines(text));
}

TEST_HARNESS_MAIN
