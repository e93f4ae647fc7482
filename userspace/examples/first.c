// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The first steps of docs/vmm-guide.md: memory that is zero again after each run, with the
 * module or without.
 */
#include <fastzero.h>
#include <stdio.h>
#include <string.h>

#define SIZE	(64UL << 20)

/* In the place of a guest: it uses 2 MiB of its memory. */
static void run_guest(unsigned char *ram)
{
	printf("the guest finds %d, ", ram[4096]);
	memset(ram, 0x5a, 2 << 20);
	printf("writes %d\n", ram[4096]);
}

int main(void)
{
	struct fastzero_result result = FASTZERO_RESULT_INIT;
	struct fastzero_scratch *ram = NULL;
	struct fastzero_ctx *ctx;
	void *addr;
	int ret, i;

	ret = fastzero_ctx_open(NULL, &ctx);
	if (!ret)
		ret = fastzero_scratch_create(ctx, SIZE, NULL, &ram);
	if (!ret)
		ret = fastzero_map(ram, NULL, &addr);
	if (ret) {
		fprintf(stderr, "no memory: %s\n", fastzero_strerror(ret));
		return 1;
	}
	printf("backend: %s\n%s", fastzero_backend_name(fastzero_backend(ctx)),
	       fastzero_backend_why(ctx));
	for (i = 0; i < 2; i++) {
		run_guest(addr);
		ret = fastzero_reset_all(ram, FASTZERO_MODE_AUTO, &result);
		if (ret) {
			fprintf(stderr, "no reset: %s\n", fastzero_strerror(ret));
			return 1;
		}
		printf("reset: %llu pages cleared, %llu swapped, %llu dropped\n",
		       (unsigned long long)result.cleared,
		       (unsigned long long)result.swapped,
		       (unsigned long long)result.dropped);
	}
	fastzero_unmap(addr, SIZE);
	fastzero_scratch_close(ram);
	fastzero_ctx_close(ctx);
	return 0;
}
