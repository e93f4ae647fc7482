// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of all contexts in debugfs, fdinfo, and pages_in_use agree.
 */
#define _GNU_SOURCE
#include "kselftest_harness.h"
#include "fz.h"

#include <sys/prctl.h>

#define ROSTER	"/sys/kernel/debug/fastzero/contexts"
#define IN_USE	FZ_PARAM_DIR "pages_in_use"
#define PAGES	64
#define SIZE	(PAGES * fz_ps)
#define NOBODY	65534

/* A line of the list. */
struct row {
	unsigned long long id, scratches, length, populated, owned, zeros, target, ready,
			   used, held, index, faults, resets, inplace, swap, drop,
			   zeroer_ns;
	int opener;
	char comm[64];
	char cgroup[256];
};

static bool parse_row(const char *line, struct row *row)
{
	return sscanf(line, "%llu %d %63s %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %255s",
		      &row->id, &row->opener, row->comm, &row->scratches, &row->length,
		      &row->populated, &row->owned, &row->zeros, &row->target, &row->ready,
		      &row->used, &row->held, &row->index, &row->faults, &row->resets,
		      &row->inplace, &row->swap, &row->drop, &row->zeroer_ns,
		      row->cgroup) == 20;
}

/* The row of a context, and the pages of all; false if it is not there. */
static bool find_row(unsigned long long id, struct row *found, long long *pages)
{
	FILE *file = fopen(ROSTER, "r");
	bool has = false;
	char line[1024];
	struct row row;

	*pages = 0;
	/* The first line names the columns. */
	if (!file || !fgets(line, sizeof(line), file))
		*pages = -1;
	while (file && fgets(line, sizeof(line), file)) {
		if (!parse_row(line, &row)) {
			*pages = -1;
			break;
		}
		*pages += row.owned + row.zeros;
		if (row.id == id) {
			has = true;
			*found = row;
		}
	}
	if (file)
		fclose(file);
	return has;
}

/* The rest of a line of fdinfo. */
static bool fdinfo(int fd, const char *key, char *value, size_t size)
{
	char path[64], line[256];
	size_t length = strlen(key);
	bool has = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file && !has && fgets(line, sizeof(line), file)) {
		has = !strncmp(line, key, length) && line[length] == ':';
		if (has) {
			line[strcspn(line, "\n")] = 0;
			snprintf(value, size, "%s", line + length + 2);
		}
	}
	if (file)
		fclose(file);
	return has;
}

FIXTURE(roster) {
	int ctx;
	unsigned long long id;
};

FIXTURE_SETUP(roster)
{
	char value[64];

	ASSERT_EQ(0, prctl(PR_SET_NAME, "a b\\c"));
	self->ctx = fz_open();
	ASSERT_TRUE(fdinfo(self->ctx, "fastzero-context", value, sizeof(value)));
	self->id = strtoull(value, NULL, 10);
	ASSERT_NE(0, self->id);
}

FIXTURE_TEARDOWN(roster)
{
	if (self->ctx >= 0)
		close(self->ctx);
}

TEST_F(roster, row_agrees_with_stats)
{
	struct fastzero_stats stats;
	long long pages;
	struct row row;
	unsigned char *map;
	int fd;

	fd = fz_create(self->ctx, SIZE);
	map = fz_map(fd, 0, SIZE);
	fz_fill(map, 0, SIZE / 2, 1);
	fz_pool(self->ctx, 8, FASTZERO_POOL_WAIT);
	fz_reset(fd, 0, SIZE, FASTZERO_MODE_AUTO);
	stats = fz_stats(self->ctx);
	ASSERT_TRUE(find_row(self->id, &row, &pages));
	EXPECT_EQ(getpid(), row.opener);
	EXPECT_EQ(0, strcmp("a\\040b\\134c", row.comm)) TH_LOG("%s", row.comm);
	EXPECT_EQ('/', row.cgroup[0]);
	EXPECT_EQ(1, row.scratches);
	EXPECT_EQ(SIZE, row.length);
	EXPECT_EQ(PAGES / 2, row.populated);
	EXPECT_EQ(stats.out_owned, row.owned);
	EXPECT_EQ(0, row.zeros);
	EXPECT_EQ(8, row.target);
	EXPECT_EQ(stats.out_pool_ready, row.ready);
	EXPECT_EQ(stats.out_pool_used, row.used);
	EXPECT_EQ(0, row.held);
	EXPECT_NE(0, row.index);
	EXPECT_EQ(stats.out_index, row.index);
	EXPECT_EQ(stats.out_faults, row.faults);
	EXPECT_EQ(1, row.resets);
	EXPECT_EQ(stats.out_auto_inplace, row.inplace);
	EXPECT_EQ(stats.out_auto_swap, row.swap);
	EXPECT_EQ(0, row.drop);
	EXPECT_EQ(1, row.inplace + row.swap);
	/* The zeroer may still be at work. */
	EXPECT_LE(stats.out_zeroer_ns, row.zeroer_ns);
	munmap(map, SIZE);
	close(fd);
}

/*
 * The rows count all kinds of pages exactly, also those of a context that only a mapping
 * holds.
 */
TEST_F(roster, rows_add_up_to_pages_in_use)
{
	unsigned char *map, *zeros, *chunk = NULL;
	int fd, other, has_2m;
	long long pages = 0;
	struct row row;

	other = fz_open();
	fd = fz_create(self->ctx, SIZE);
	map = fz_map(fd, 0, SIZE);
	fz_fill(map, 0, SIZE, 1);
	close(fd);
	fd = fz_raw_create(other, FZ_CHUNK, 0, FASTZERO_PAGES_2M, 0);
	has_2m = fd >= 0;
	if (has_2m) {
		chunk = fz_map(fd, 0, FZ_CHUNK);
		fz_fill(chunk, 0, FZ_CHUNK, 1);
		close(fd);
	}
	fd = fz_raw_create(self->ctx, SIZE, FASTZERO_CREATE_ZEROPAGE,
			   FASTZERO_PAGES_AUTO, 0);
	ASSERT_LE(0, fd);
	zeros = fz_map(fd, 0, SIZE);
	EXPECT_EQ(FZ_CLEAN, fz_find_nonzero(zeros, 0, SIZE));
	fz_pool(other, 16, FASTZERO_POOL_WAIT);

	/* Contexts of other programs may just be ending. */
	EXPECT_TRUE(fz_until((find_row(self->id, &row, &pages),
			      pages == fz_read_number(IN_USE)), FZ_PATIENCE_MS))
		TH_LOG("%lld in the list, %lld in use", pages, fz_read_number(IN_USE));
	EXPECT_LE(PAGES + 1 + 16 + has_2m * 512, pages);
	EXPECT_EQ(1, row.zeros);
	EXPECT_EQ(PAGES, row.populated);

	/* The last descriptor goes, the mappings stay. */
	close(fd);
	close(self->ctx);
	self->ctx = -1;
	EXPECT_TRUE(find_row(self->id, &row, &pages));
	EXPECT_EQ(2, row.scratches);
	EXPECT_EQ(PAGES, row.populated);
	munmap(zeros, SIZE);
	munmap(map, SIZE);
	EXPECT_TRUE(fz_until(!find_row(self->id, &row, &pages), FZ_PATIENCE_MS));
	if (has_2m)
		munmap(chunk, FZ_CHUNK);
	close(other);
}

TEST_F(roster, fdinfo_of_a_scratch_names_its_context)
{
	char value[64], expected[64];
	int fd = fz_create(self->ctx, SIZE);

	ASSERT_TRUE(fdinfo(fd, "fastzero-context", value, sizeof(value)));
	EXPECT_EQ(self->id, strtoull(value, NULL, 10));
	ASSERT_TRUE(fdinfo(fd, "fastzero-opener", value, sizeof(value)));
	snprintf(expected, sizeof(expected), "%d a\\040b\\134c", getpid());
	EXPECT_EQ(0, strcmp(expected, value)) TH_LOG("%s", value);
	EXPECT_TRUE(fdinfo(fd, "fastzero-scratch", value, sizeof(value)));
	close(fd);
}

TEST_F(roster, ids_are_unique)
{
	char value[64];
	int ctx;

	close(self->ctx);
	ctx = fz_open();
	self->ctx = ctx;
	ASSERT_TRUE(fdinfo(ctx, "fastzero-context", value, sizeof(value)));
	EXPECT_LT(self->id, strtoull(value, NULL, 10));
}

/* Every user can read the total.  Only root can read the list. */
static int as_nobody(void *arg)
{
	(void)arg;
	if (setgid(NOBODY) || setuid(NOBODY))
		return 250;
	if (fz_read_number(IN_USE) < 0)
		return 251;
	return access(ROSTER, R_OK) ? 0 : 252;
}

TEST_F(roster, only_root_may_read)
{
	EXPECT_EQ(0, fz_in_child(as_nobody, NULL));
}

TEST_HARNESS_MAIN
