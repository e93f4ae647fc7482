// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check-backends: mappings, other processes, and the order in which things end.
 */
#include "backends.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTO	FASTZERO_MODE_AUTO

/* A second mapping of a page shows the same, where the backend can have one. */
void check_map(struct here *h)
{
	struct fastzero_map_opts opts = FASTZERO_MAP_OPTS_INIT;
	void *addr;
	char *second;

	opts.offset = 3 * PAGE;
	opts.length = 2 * PAGE;
	if (!h->has_fd) {
		HERE(h, fastzero_map(h->scratch, &opts, &addr) == -EOPNOTSUPP && !addr);
		return;
	}
	HERE(h, fastzero_map(h->scratch, &opts, &addr) == 0);
	second = addr;
	h->ram[3 * PAGE] = 1;
	second[PAGE] = 2;
	HERE(h, second[0] == 1 && h->ram[4 * PAGE] == 2);
	HERE(h, fastzero_reset_range(h->scratch, 4 * PAGE, PAGE, AUTO, NULL) == 0);
	HERE(h, second[0] == 1 && second[PAGE] == 0 && h->ram[4 * PAGE] == 0);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, second[0] == 0);
	HERE(h, fastzero_unmap(second, 2 * PAGE) == 0);
}

/* Parts of one scratch in a reservation of the caller's own, out of order. */
void check_slots(struct here *h)
{
	enum { SLOTS = 4 };
	const size_t slot = LENGTH / SLOTS, stride = slot + 2 * PAGE;
	struct fastzero_map_opts opts = FASTZERO_MAP_OPTS_INIT;
	void *addr;
	char *area;
	int i, j;

	HERE(h, fastzero_unmap(h->ram, LENGTH) == 0);
	h->ram = NULL;
	area = mmap(NULL, SLOTS * stride, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	HERE(h, area != MAP_FAILED);
	opts.length = slot;
	opts.flags = FASTZERO_MAP_FIXED;
	for (i = 0; i < SLOTS; i++) {
		opts.offset = (i + 2) % SLOTS * slot;
		opts.addr = area + i * stride + PAGE;
		HERE(h, fastzero_map(h->scratch, &opts, &addr) == 0 && addr == opts.addr);
	}
	for (i = 0; i < SLOTS; i++) {
		for (j = 0; j < SLOTS; j++)
			memset(area + j * stride + PAGE, 1 + j, slot);
		HERE(h, fastzero_reset_range(h->scratch, (i + 2) % SLOTS * slot, slot, AUTO,
					     NULL) == 0);
		for (j = 0; j < SLOTS; j++)
			HERE(h, all_are(area + j * stride + PAGE, slot,
					(char)(i == j ? 0 : 1 + j)));
	}
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	for (j = 0; j < SLOTS; j++)
		HERE(h, all_are(area + j * stride + PAGE, slot, 0));
	/* A range over the border of two slots. */
	memset(area + 2 * stride + PAGE, 7, slot);
	memset(area + 3 * stride + PAGE, 7, slot);
	HERE(h, fastzero_reset_range(h->scratch, slot - PAGE, 2 * PAGE, AUTO, NULL) == 0);
	HERE(h, all_are(area + 2 * stride + PAGE, slot - PAGE, 7));
	HERE(h, all_are(area + 2 * stride + slot, PAGE, 0));
	HERE(h, all_are(area + 3 * stride + PAGE, PAGE, 0));
	HERE(h, all_are(area + 3 * stride + 2 * PAGE, slot - PAGE, 7));
	HERE(h, fastzero_unmap(area, SLOTS * stride) == 0);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
}

/* Memory that may not be read or written now, or is locked, becomes zero all the same. */
void check_access(struct here *h)
{
	struct fastzero_map_opts opts = FASTZERO_MAP_OPTS_INIT;
	unsigned int mode;
	void *addr;

	for (mode = FASTZERO_MODE_AUTO; mode <= FASTZERO_MODE_DROP; mode++) {
		if (!here_has_mode(h, mode))
			continue;
		memset(h->ram, 4, LENGTH);
		HERE(h, mprotect(h->ram + 2 * PAGE, 3 * PAGE, PROT_NONE) == 0);
		HERE(h, mprotect(h->ram + 8 * PAGE, PAGE, PROT_READ) == 0);
		HERE(h, fastzero_reset_all(h->scratch, mode, NULL) == 0);
		HERE(h, mprotect(h->ram, LENGTH, PROT_READ | PROT_WRITE) == 0);
		HERE(h, all_are(h->ram, LENGTH, 0));
		/* By number: sanitizers make nothing of the function. */
		HERE(h, syscall(SYS_mlock, h->ram, 8 * PAGE) == 0);
		memset(h->ram, 4, LENGTH);
		HERE(h, fastzero_reset_all(h->scratch, mode, NULL) == 0);
		HERE(h, all_are(h->ram, LENGTH, 0));
		HERE(h, syscall(SYS_munlock, h->ram, 8 * PAGE) == 0);
	}
	HERE(h, fastzero_unmap(h->ram, LENGTH) == 0);
	h->ram = NULL;
	/* Without access at first, and then with it. */
	opts.flags = FASTZERO_MAP_NONE;
	HERE(h, fastzero_map(h->scratch, &opts, &addr) == 0);
	h->ram = addr;
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, mprotect(h->ram, LENGTH, PROT_READ | PROT_WRITE) == 0);
	memset(h->ram, 4, LENGTH);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram, LENGTH, 0));
	HERE(h, fastzero_unmap(h->ram, LENGTH) == 0);
	h->ram = NULL;
	opts.flags = FASTZERO_MAP_READONLY;
	HERE(h, fastzero_map(h->scratch, &opts, &addr) == 0);
	h->ram = addr;
	HERE(h, all_are(h->ram, LENGTH, 0));
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
}

/* Addresses that were given up are somebody else's, and no reset comes there. */
void check_unmap(struct here *h)
{
	struct fastzero_map_opts opts = FASTZERO_MAP_OPTS_INIT;
	char *other;
	void *addr;

	memset(h->ram, 5, LENGTH);
	HERE(h, fastzero_unmap(h->ram + 1, PAGE) == -EINVAL);
	HERE(h, fastzero_unmap(h->ram, 0) == -EINVAL);
	HERE(h, fastzero_unmap(h->ram + 4 * PAGE, 3 * PAGE - 100) == 0);
	other = mmap(h->ram + 4 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	HERE(h, other == h->ram + 4 * PAGE);
	memset(other, 6, 3 * PAGE);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram, 4 * PAGE, 0));
	HERE(h, all_are(other, 3 * PAGE, 6));
	HERE(h, all_are(h->ram + 7 * PAGE, LENGTH - 7 * PAGE, 0));
	/* What is after the gap still is what it was of the scratch. */
	memset(h->ram + 7 * PAGE, 5, 2 * PAGE);
	HERE(h, fastzero_reset_range(h->scratch, 8 * PAGE, PAGE, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram + 7 * PAGE, PAGE, 5) && all_are(h->ram + 8 * PAGE, PAGE, 0));
	/* The gap can be mapped again. */
	HERE(h, munmap(other, 3 * PAGE) == 0);
	opts.offset = 4 * PAGE;
	opts.length = 3 * PAGE;
	opts.addr = other;
	opts.flags = FASTZERO_MAP_NOREPLACE;
	HERE(h, fastzero_map(h->scratch, &opts, &addr) == 0 && addr == other);
	HERE(h, all_are(h->ram + 4 * PAGE, 3 * PAGE, 0));
	memset(h->ram, 5, LENGTH);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram, LENGTH, 0));
	HERE(h, fastzero_map(h->scratch, &opts, &addr) ==
		(h->has_fd ? -EEXIST : -EOPNOTSUPP));
}

/* The same where another scratch is mapped in the place of a part. */
void check_replace(struct here *h)
{
	struct fastzero_map_opts opts = FASTZERO_MAP_OPTS_INIT;
	struct fastzero_scratch *second;
	void *addr;

	HERE(h, fastzero_scratch_create(h->ctx, 2 * PAGE, NULL, &second) == 0);
	opts.flags = FASTZERO_MAP_FIXED;
	opts.addr = h->ram + 4 * PAGE;
	HERE(h, fastzero_map(second, &opts, &addr) == 0);
	memset(h->ram, 8, LENGTH);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram, 4 * PAGE, 0) && all_are(h->ram + 4 * PAGE, 2 * PAGE, 8));
	HERE(h, all_are(h->ram + 6 * PAGE, LENGTH - 6 * PAGE, 0));
	memset(h->ram, 8, LENGTH);
	HERE(h, fastzero_reset_all(second, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram, 4 * PAGE, 8) && all_are(h->ram + 4 * PAGE, 2 * PAGE, 0));
	HERE(h, all_are(h->ram + 6 * PAGE, LENGTH - 6 * PAGE, 8));
	/* One that is closed is mapped, and the other's addresses are its own. */
	fastzero_scratch_close(second);
	memset(h->ram, 8, LENGTH);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram + 4 * PAGE, 2 * PAGE, 8));
}

static int child(struct here *h)
{
	h->failed = 0;
	if (h->has_fd) {
		h->ram[PAGE] = 2;
		HERE(h, fastzero_reset_range(h->scratch, 0, PAGE, AUTO, NULL) == 0);
		HERE(h, h->ram[0] == 0 && h->ram[PAGE] == 2);
	} else {
		HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == -EOPNOTSUPP);
		HERE(h, fastzero_populate_range(h->scratch, 0, PAGE, 0, NULL) == -EOPNOTSUPP);
		/* It is not there, so nobody can take a copy for the memory. */
		HERE(h, mprotect(h->ram, PAGE, PROT_NONE) == -1 && errno == ENOMEM);
	}
	fastzero_scratch_close(h->scratch);
	fastzero_ctx_close(h->ctx);
	return h->failed != 0;
}

void check_fork(struct here *h)
{
	int status;
	pid_t pid;

	memset(h->ram, 1, LENGTH);
	pid = fork();
	if (!pid)
		_exit(child(h));
	HERE(h, waitpid(pid, &status, 0) == pid && status == 0);
	if (h->has_fd)
		HERE(h, h->ram[0] == 0 && h->ram[PAGE] == 2);
	else
		HERE(h, all_are(h->ram, LENGTH, 1));
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram, LENGTH, 0));
}

static int receiver(struct here *h, int sock)
{
	struct fastzero_scratch *scratch;
	void *addr;

	h->failed = 0;
	HERE(h, fastzero_scratch_recv(sock, &scratch) == 0);
	HERE(h, fastzero_scratch_length(scratch) == LENGTH);
	HERE(h, fastzero_scratch_backend(scratch) == (int)h->id);
	HERE(h, fcntl(fastzero_scratch_fd(scratch), F_GETFD) == FD_CLOEXEC);
	HERE(h, fastzero_map(scratch, NULL, &addr) == 0);
	HERE(h, all_are(addr, LENGTH, 42));
	HERE(h, fastzero_reset_range(scratch, PAGE, LENGTH - PAGE, AUTO, NULL) == 0);
	HERE(h, all_are((char *)addr + PAGE, LENGTH - PAGE, 0));
	fastzero_scratch_close(scratch);
	HERE(h, fastzero_scratch_recv(sock, &scratch) == -ECONNRESET && !scratch);
	return h->failed != 0;
}

/* What fastzero_scratch_send() sends, but with any descriptor. */
static void send_fd(struct here *h, int sock, int fd)
{
	struct {
		char magic[8];
		uint64_t length;
	} head = { .magic = "fzfd0001", .length = LENGTH };
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_base = &head, .iov_len = sizeof(head) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	HERE(h, sendmsg(sock, &msg, 0) == sizeof(head));
}

static int open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Anything else that comes over the socket is refused, and its descriptor closed. */
static void strangers(struct here *h, int type)
{
	const int before = open_fds();
	struct fastzero_scratch *scratch, *adopted;
	int socks[2], fd;

	HERE(h, socketpair(AF_UNIX, type, 0, socks) == 0);
	HERE(h, write(socks[0], "hello, what is this?", 20) == 20);
	HERE(h, fastzero_scratch_recv(socks[1], &scratch) == -EPROTO && !scratch);
	close(socks[0]);
	close(socks[1]);
	HERE(h, socketpair(AF_UNIX, type, 0, socks) == 0);
	send_fd(h, socks[0], 0);
	HERE(h, fastzero_scratch_recv(socks[1], &scratch) == -ENOTTY && !scratch);
	HERE(h, fastzero_scratch_create(h->ctx, PAGE, NULL, &adopted) == 0);
	send_fd(h, socks[0], fastzero_scratch_fd(adopted));
	HERE(h, fastzero_scratch_recv(socks[1], &scratch) == -EPROTO && !scratch);
	fastzero_scratch_close(adopted);
	close(socks[0]);
	close(socks[1]);
	HERE(h, socketpair(AF_UNIX, type, 0, socks) == 0);
	HERE(h, fastzero_scratch_send(h->scratch, socks[0]) == 0);
	close(socks[0]);
	HERE(h, fastzero_scratch_recv(socks[1], &scratch) == 0);
	fd = dup(fastzero_scratch_fd(scratch));
	fastzero_scratch_close(scratch);
	HERE(h, fastzero_scratch_adopt(fd, &adopted) == 0);
	fastzero_scratch_close(adopted);
	close(socks[1]);
	HERE(h, fastzero_scratch_send(h->scratch, socks[1]) == -EBADF);
	HERE(h, fastzero_scratch_recv(-1, &scratch) == -EBADF && !scratch);
	HERE(h, open_fds() == before);
}

void check_passing(struct here *h)
{
	int socks[2], status;
	pid_t pid;

	HERE(h, socketpair(AF_UNIX, SOCK_STREAM, 0, socks) == 0);
	memset(h->ram, 42, LENGTH);
	if (!h->has_fd) {
		HERE(h, fastzero_scratch_send(h->scratch, socks[0]) == -EOPNOTSUPP);
		close(socks[0]);
		close(socks[1]);
		return;
	}
	pid = fork();
	if (!pid) {
		close(socks[0]);
		_exit(receiver(h, socks[1]));
	}
	close(socks[1]);
	HERE(h, fastzero_scratch_send(h->scratch, socks[0]) == 0);
	close(socks[0]);
	HERE(h, waitpid(pid, &status, 0) == pid && status == 0);
	HERE(h, all_are(h->ram, PAGE, 42) && all_are(h->ram + PAGE, LENGTH - PAGE, 0));
	strangers(h, SOCK_STREAM);
	strangers(h, SOCK_SEQPACKET);
	HERE(h, fastzero_scratch_recv(-1, NULL) == -EINVAL);
}

/* Context, scratch and mapping end in this order. */
void check_life(struct here *h)
{
	fastzero_ctx_close(h->ctx);
	h->ctx = NULL;
	memset(h->ram, 1, LENGTH);
	HERE(h, fastzero_reset_all(h->scratch, AUTO, NULL) == 0);
	HERE(h, all_are(h->ram, LENGTH, 0));
	fastzero_scratch_close(h->scratch);
	h->scratch = NULL;
	memset(h->ram, 1, LENGTH);
	HERE(h, all_are(h->ram, LENGTH, 1));
}
