// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: scratches over a unix socket.
 */
#include "internal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What goes with a descriptor, so that nothing else is taken for one. */
struct socket_head {
	char magic[8];
	uint64_t length;
};

static const char socket_magic[8] = "fzfd0001";

union socket_control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

FASTZERO_API int fastzero_scratch_send(const struct fastzero_scratch *scratch, int sock)
{
	struct socket_head head = { .length = fastzero_scratch_length(scratch) };
	struct iovec iov = { .iov_base = &head, .iov_len = sizeof(head) };
	union socket_control control = { .space = { 0 } };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fd = fastzero_scratch_fd(scratch);
	ssize_t n;

	if (fd < 0)
		return fd;
	memcpy(head.magic, socket_magic, sizeof(head.magic));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fz_fail(-errno, NULL);
	/* A socket takes so few bytes as a whole. */
	return n == sizeof(head) ? 0 : fz_fail(-EIO, "the socket took %zd bytes", n);
}

/* The descriptor that came, or -1. */
static int socket_fd(struct msghdr *msg)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* Whether what came is a scratch; the descriptor is the caller's if it is not. */
static int socket_adopt(const struct socket_head *head, ssize_t n, const struct msghdr *msg,
			int fd, struct fastzero_scratch **out)
{
	uint64_t length;
	int ret;

	if (fd < 0 && msg->msg_flags & MSG_CTRUNC)
		return fz_fail(-EMFILE, "no descriptor is left for the scratch");
	if (n != sizeof(*head) || fd < 0 || msg->msg_flags & (MSG_CTRUNC | MSG_TRUNC) ||
	    memcmp(head->magic, socket_magic, sizeof(head->magic)))
		return fz_fail(-EPROTO,
			       "what came is not what fastzero_scratch_send() sends");
	ret = fastzero_scratch_adopt(fd, out);
	if (ret)
		return ret;
	length = fastzero_scratch_length(*out);
	if (length == head->length)
		return 0;
	(*out)->fd = -1;
	fastzero_scratch_close(*out);
	*out = NULL;
	return fz_fail(-EPROTO, "a scratch of %" PRIu64 " bytes was announced, and %" PRIu64
		       " came", head->length, length);
}

FASTZERO_API int fastzero_scratch_recv(int sock, struct fastzero_scratch **out)
{
	struct socket_head head = { .length = 0 };
	struct iovec iov = { .iov_base = &head, .iov_len = sizeof(head) };
	union socket_control control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control.space),
	};
	ssize_t n;
	int fd, ret;

	if (!out)
		return fz_null("the scratch's place");
	*out = NULL;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fz_fail(-errno, NULL);
	if (!n)
		return fz_fail(-ECONNRESET, "the other side has closed the socket");
	fd = socket_fd(&msg);
	ret = socket_adopt(&head, n, &msg, fd, out);
	if (ret && fd >= 0)
		close(fd);
	return ret;
}
