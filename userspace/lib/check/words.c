// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks of what fastzero_strerror() says of a failure: its number, its cause and the
 * remedy.  The device is a stand-in, as in unit.c.
 */
#include "check.h"
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	4096

static bool says(int ret, const char *words)
{
	return strstr(fastzero_strerror(ret), words);
}

/* Whether opening the node fails with this number, and says that. */
static bool why_is(int ret, const char *words)
{
	struct fastzero_ctx_opts opts = FASTZERO_CTX_OPTS_INIT;
	struct fastzero_ctx *ctx;
	int got;

	opts.path = fake.node;
	got = fastzero_ctx_open(&opts, &ctx);
	if (got == ret && says(ret, words))
		return true;
	fprintf(stderr, "not '%s': %s\n", words, fastzero_strerror(got));
	return false;
}

/* As a process that no capability lets past modes. */
static void why_modes(const char *node)
{
	fake.files[0].path = "/proc/self/status";
	fake.files[0].text = "Name:\tx\nCapEff:\t0000000000000000\n";
	CHECK(chmod(node, 0006) == 0);
	CHECK(why_is(-EACCES, "has mode 0006, group "));
	CHECK(chmod(node, 0600) == 0);
	CHECK(why_is(-EACCES, "a security module"));
	CHECK(chmod(node, 0440) == 0);
	CHECK(why_is(-EACCES, "may not write it: join the group"));
	fake.files[0].text = "Name:\tx\nCapEff:\t0000000000000002\n";
	CHECK(why_is(-EACCES, "a security module"));
}

/* One number, and its causes. */
static void check_why(void)
{
	char file[] = "/tmp/fastzero-unit.XXXXXX";
	int fd = mkstemp(file);

	CHECK(fd >= 0);
	close(fd);
	fake.node = FASTZERO_DEVICE;
	fake.open_error = -ENOENT;
	CHECK(why_is(-ENOENT, "the module is not loaded: load it"));
	fake.no_modules = true;
	CHECK(why_is(-ENOENT, "this kernel takes no modules: boot a kernel with"));
	fake.no_modules = false;
	fake.loaded = true;
	CHECK(why_is(-ENOENT, "the module is loaded, but"));
	fake.node = "/nonexistent/fastzero";
	CHECK(why_is(-ENOENT, "/nonexistent/fastzero does not exist"));
	fake.open_error = -EACCES;
	CHECK(why_is(-EACCES, "a directory of the path may not be searched"));

	fake.node = file;
	fake.open_error = 0;
	CHECK(why_is(-ENOTTY, "is a regular file, as QEMU makes one"));
	fake.open_error = -ENXIO;
	CHECK(why_is(-ENXIO, "make the node anew"));
	fake.loaded = false;
	CHECK(why_is(-ENXIO, "the module is not loaded: load it"));
	fake.open_error = -EPERM;
	CHECK(why_is(-EPERM, "the device filter of the cgroup"));
	fake.open_error = -EMFILE;
	CHECK(why_is(-EMFILE, "RLIMIT_NOFILE"));
	fake.open_error = -EACCES;
	why_modes(file);

	fake.open_error = -EOPNOTSUPP;
	fake.files[0].path = "/sys/module/fastzero/parameters/accounting";
	fake.files[0].text = "no\n";
	fake.files[1].path = "/proc/cmdline";
	fake.files[1].text = "quiet cgroup.memory=nokmem\n";
	CHECK(why_is(-EOPNOTSUPP, "(cgroup.memory=nokmem on the kernel's command line)"));
	fake.files[1].text = "quiet\n";
	CHECK(why_is(-EOPNOTSUPP, "(no memory cgroups)"));

	fake.open_error = 0;
	fake.node = "/dev/zero";
	fake.info_error = -ENOTTY;
	CHECK(why_is(-ENOTTY, "is not the device of fastzero"));
	fake.info_error = -EINVAL;
	fake.files[0].path = "/sys/module/fastzero/version";
	fake.files[0].text = "0.0.7\n";
	CHECK(why_is(-EOPNOTSUPP, "the module, version 0.0.7, is too old for this library"));
	fake.info_error = 0;
	memset(fake.files, 0, sizeof(fake.files));
	unlink(file);
}

static void check_words(struct fastzero_ctx *ctx)
{
	struct fastzero_scratch *scratch;

	CHECK(says(-ENOENT, "ENOENT (2): No such file"));
	CHECK(says(-9999, "error (9999)"));
	fake.error = -ENOSPC;
	CHECK(fastzero_scratch_create(ctx, PAGE, NULL, &scratch) == -ENOSPC);
	CHECK(says(-ENOSPC, "ENOSPC (28): ") && says(-ENOSPC, "max_scratches is 16843009"));
	/* Of another error than the last, and after another failure, these are not the words. */
	CHECK(!says(-EINVAL, "max_scratches"));
	CHECK(fastzero_ctx_adopt(-1, &ctx) == -EBADF);
	CHECK(!says(-ENOSPC, "max_scratches") && !says(-EBADF, "max_scratches"));
	fake.error = 0;
}

static void check_length_words(struct fastzero_ctx *ctx)
{
	struct fastzero_scratch *scratch;

	fake.error = -EINVAL;
	CHECK(fastzero_scratch_create(ctx, ONES + 1, NULL, &scratch) == -EINVAL && !scratch);
	CHECK(says(-EINVAL, "beyond max_length, 72340172838076673"));
	CHECK(fastzero_scratch_create(ctx, 0, NULL, &scratch) == -EINVAL);
	CHECK(says(-EINVAL, "not a multiple of the page size"));
	fake.error = 0;
}

int main(void)
{
	struct fastzero_ctx_opts opts = { .size = sizeof(opts), .path = "/dev/null" };
	struct fastzero_ctx *ctx = NULL;

	check_why();
	CHECK(fastzero_ctx_open(&opts, &ctx) == 0);
	check_words(ctx);
	check_length_words(ctx);
	fastzero_ctx_close(ctx);
	return check_end("words");
}
