// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: what the fallbacks do with pages of anonymous memory.
 */
#include "soft.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif

/* Pages that mincore() is asked for at once. */
#define PAGES_ASK	4096

/* How many pages of a mapping are in memory. */
uint64_t fz_pages_present(char *addr, size_t length)
{
	unsigned char vec[PAGES_ASK];
	uint64_t present = 0;
	size_t step, i;

	for (; length; addr += step, length -= step) {
		step = length < PAGES_ASK * FZ_PAGE ? length : PAGES_ASK * FZ_PAGE;
		if (mincore(addr, step, vec))
			continue;
		for (i = 0; i < step / FZ_PAGE; i++)
			present += vec[i] & 1;
	}
	return present;
}

/* DONTNEED alone is refused for locked memory, and LOCKED before 5.18. */
int fz_pages_drop(char *addr, size_t length)
{
	if (!madvise(addr, length, MADV_DONTNEED_LOCKED))
		return 0;
	if (errno != EINVAL || madvise(addr, length, MADV_DONTNEED))
		return fz_fail(-errno, NULL);
	return 0;
}

/* The same for all of a range that is mapped; what is not has no memory. */
int fz_pages_drop_range(struct fz_memory *memory, uint64_t offset, uint64_t length)
{
	struct fz_segment part;
	size_t i = SIZE_MAX;
	int ret = 0;

	while (!ret && fz_segment_next(memory, offset, offset + length, &i, &part))
		ret = fz_pages_drop(part.addr, part.length);
	return ret;
}

int fz_pages_open_zero(struct fz_soft *soft)
{
	soft->zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return soft->zero < 0 ? fz_fail(-errno, "/dev/zero cannot be opened: %m") : 0;
}

/*
 * Clears pages by reading zeros into them: where a store would be a signal, because the
 * page may not be written now, or memory cannot be had, this fails, and the page is
 * dropped instead.  @iov is used up.
 */
int fz_pages_clear(int zero, struct iovec *iov, int nr)
{
	ssize_t n;
	int ret;

	while (nr) {
		n = readv(zero, iov, nr);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ret = fz_pages_drop(iov->iov_base, iov->iov_len);
			if (ret)
				return ret;
			n = (ssize_t)iov->iov_len;
		}
		for (; nr && n >= (ssize_t)iov->iov_len; iov++, nr--)
			n -= (ssize_t)iov->iov_len;
		if (nr) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= n;
		}
	}
	return 0;
}
