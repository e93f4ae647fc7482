// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every allocation on the way through the loading of the module fails once; see
 * failnth.c.
 *
 * FZ_KO in the environment names fastzero.ko.  The module is loaded when this
 * ends, with its parameters at their defaults.
 */
#include "kselftest_harness.h"
#include "failnth.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#define MODULE	"/sys/module/fastzero"
/*
 * The kernel's own function that sets up the files of a module's tracepoints.  Without
 * memory it warns, goes on, and later drops a reference that it has never taken.  A
 * module cannot prevent that.  So allocations below this function do not fail; all others
 * of loading the module do.
 */
#define SPARED	"event_create_dir"

static int fn_unload(void)
{
	return (int)syscall(SYS_delete_module, "fastzero", O_NONBLOCK);
}

/* Reads a whole file into memory now, so that reading does not fail later. */
static void *fn_read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *image;
	size_t at = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	*size = (size_t)st.st_size;
	image = malloc(*size);
	while (image && at < *size) {
		n = read(fd, image + at, *size - at);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(fd);
	return at == *size ? image : NULL;
}

/*
 * Where a function of the kernel begins and ends; false if the kernel has no such
 * function.
 */
static bool fn_find_text(const char *name, unsigned long long *begin,
			 unsigned long long *end)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long at;
	char line[512], type, symbol[256];

	*begin = 0;
	*end = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %255s", &at, &type, symbol) != 3)
			continue;
		if (!strcmp(symbol, name))
			*begin = at;
		/* They come in order. */
		else if (*begin && !*end && at > *begin)
			*end = at;
	}
	if (f)
		fclose(f);
	return *begin && *end;
}

/* No allocation on behalf of the code from @begin to @end fails. */
static int fn_spare(unsigned long long begin, unsigned long long end)
{
	static const char *const faults[] = { "failslab", "fail_page_alloc" };
	char path[128], text[32];
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/reject-end",
			 faults[i]);
		snprintf(text, sizeof(text), "0x%llx", end);
		if (fz_write_string(path, text))
			return -1;
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/reject-start",
			 faults[i]);
		snprintf(text, sizeof(text), "0x%llx", begin);
		if (fz_write_string(path, text))
			return -1;
	}
	return 0;
}

/* A module that was not loaded leaves nothing in the system. */
static bool fn_module_is_gone(void)
{
	return access(MODULE, F_OK) && access(FZ_DEV, F_OK);
}

FIXTURE(failnth_module) {
	int unused;
};

FIXTURE_SETUP(failnth_module)
{
}

FIXTURE_TEARDOWN(failnth_module)
{
}

TEST_F_TIMEOUT(failnth_module, each_allocation_at_load_may_fail, 600)
{
	unsigned long long begin, end;
	unsigned int failed = 0;
	unsigned int nth = 0;
	size_t size;
	void *image;
	bool hit;
	int err;

	FN_SETUP_OR_SKIP();
	if (!getenv("FZ_KO"))
		SKIP(return, "FZ_KO does not name fastzero.ko");
	image = fn_read_file(getenv("FZ_KO"), &size);
	ASSERT_NE(NULL, image);
	ASSERT_TRUE(fz_until(!fn_unload(), FZ_PATIENCE_MS));
	ASSERT_TRUE(fn_find_text(SPARED, &begin, &end));
	ASSERT_EQ(0, fn_spare(begin, end));
	do {
		fn_arm(++nth);
		err = FZ_ERRNO(syscall(SYS_init_module, image, size, ""));
		hit = fn_disarm();
		if (err) {
			failed++;
			EXPECT_TRUE(hit && (err == ENOMEM || err == EFAULT))
				TH_LOG("failure %u: %s", nth, strerror(err));
			EXPECT_TRUE(fz_until(fn_module_is_gone(), FZ_PATIENCE_MS))
				TH_LOG("failure %u: something is left", nth);
		} else {
			close(fz_open());
			ASSERT_TRUE(fz_until(!fn_unload(), FZ_PATIENCE_MS));
		}
	} while (hit && nth < FN_MOST);
	EXPECT_EQ(0, fn_spare(0, 0));
	EXPECT_LT(nth, FN_MOST);
	ASSERT_EQ(0, FZ_ERRNO(syscall(SYS_init_module, image, size, "")));
	close(fz_open());
	TH_LOG("%u failures, %u of them ended the call", nth - 1, failed);
}

TEST_HARNESS_MAIN
