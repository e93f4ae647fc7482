// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Children, descriptors over sockets, and peers: processes that look at the
 * memory on command.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fz.h"

/* A child that dies with its parent and leaves no core. */
pid_t fz_fork(void)
{
	struct rlimit none = { 0, 0 };
	pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(255);
	}
	return pid;
}

int fz_wait(pid_t pid)
{
	int status;

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFSIGNALED(status) ? FZ_SIGNALLED + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

int fz_in_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fz_fork();

	if (!pid)
		_exit(fn(arg));
	return fz_wait(pid);
}

struct fz_touch {
	volatile unsigned char *p;
	bool write;
};

static int fz_touch(void *arg)
{
	struct fz_touch *touch = arg;
	unsigned char byte = *touch->p;

	if (touch->write)
		*touch->p = byte;
	return 0;
}

int fz_touch_result(volatile void *p, bool write)
{
	struct fz_touch touch = { .p = p, .write = write };

	return fz_in_child(fz_touch, &touch);
}

int fz_send_fd(int sock, int fd)
{
	char byte = 'f';
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : -1;
}

int fz_recv_fd(int sock)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

struct fz_peer_command {
	enum fz_peer_op op;
	uint64_t offset;
	uint64_t length;
	uint64_t seed;
};

static int64_t fz_peer_answer(int sock, const struct fz_peer_command *c,
			      void **map, int *fd)
{
	switch (c->op) {
	case FZ_PEER_MAP:
		*fd = fz_recv_fd(sock);
		*map = fz_raw_map(*fd, 0, c->length);
		return *map == MAP_FAILED ? -errno : (int64_t)(uintptr_t)*map;
	case FZ_PEER_NONZERO:
		return fz_find_nonzero(*map, c->offset, c->length);
	case FZ_PEER_UNLIKE:
		return fz_find_unlike(*map, c->offset, c->length, c->seed);
	case FZ_PEER_PREAD_NONZERO:
		return fz_pread_nonzero(*fd, c->offset, c->length);
	case FZ_PEER_FILL:
		fz_fill(*map, c->offset, c->length, c->seed);
		return 0;
	case FZ_PEER_CLEAR:
		return FZ_ERRNO(fz_raw_clear(*fd, c->offset, c->length,
					     (uint32_t)c->seed));
	case FZ_PEER_FORGET:
		return close(*fd);
	}
	return -ENOSYS;
}

/* Serves commands until the other end of the socket is closed. */
static void fz_peer_serve(int sock, void *map)
{
	struct fz_peer_command command;
	int fd = -1;

	while (recv(sock, &command, sizeof(command), 0) == sizeof(command)) {
		int64_t answer = fz_peer_answer(sock, &command, &map, &fd);

		if (send(sock, &answer, sizeof(answer), 0) != sizeof(answer))
			break;
	}
	_exit(0);
}

int fz_peer_start(struct fz_peer *peer, void *map)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	peer->pid = fz_fork();
	if (!peer->pid) {
		close(pair[0]);
		fz_peer_serve(pair[1], map);
	}
	close(pair[1]);
	peer->sock = pair[0];
	return peer->pid < 0 ? -1 : 0;
}

static int64_t fz_peer_receive(struct fz_peer *peer)
{
	int64_t answer;

	if (recv(peer->sock, &answer, sizeof(answer), MSG_WAITALL) !=
	    sizeof(answer))
		return -EPIPE;
	return answer;
}

int64_t fz_peer_do(struct fz_peer *peer, enum fz_peer_op op, uint64_t offset,
		   uint64_t length, uint64_t seed)
{
	struct fz_peer_command command = {
		.op = op, .offset = offset, .length = length, .seed = seed,
	};

	if (send(peer->sock, &command, sizeof(command), MSG_NOSIGNAL) !=
	    sizeof(command))
		return -EPIPE;
	return fz_peer_receive(peer);
}

int64_t fz_peer_map(struct fz_peer *peer, int fd, uint64_t length)
{
	struct fz_peer_command command = {
		.op = FZ_PEER_MAP, .length = length,
	};

	if (send(peer->sock, &command, sizeof(command), MSG_NOSIGNAL) !=
	    sizeof(command) || fz_send_fd(peer->sock, fd))
		return -EPIPE;
	return fz_peer_receive(peer);
}

void fz_peer_stop(struct fz_peer *peer)
{
	/* Later children have this end of the socket as well. */
	shutdown(peer->sock, SHUT_RDWR);
	close(peer->sock);
	fz_wait(peer->pid);
}
