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

static int fn_unload(void)
{
	return (int)syscall(SYS_delete_module, "fastzero", O_NONBLOCK);
}

/* All of a file, in memory: reading it is not what is to fail. */
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

/* What there is of a module that was not loaded: nothing. */
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

TEST_F_TIMEOUT(failnth_module, load, 600)
{
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
	EXPECT_LT(nth, FN_MOST);
	ASSERT_EQ(0, FZ_ERRNO(syscall(SYS_init_module, image, size, "")));
	close(fz_open());
	TH_LOG("%u failures, %u of them ended the call", nth - 1, failed);
}

TEST_HARNESS_MAIN
