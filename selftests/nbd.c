// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server, and the process that lends its thread to the kernel's client.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <time.h>
#include <linux/fs.h>
#include <linux/nbd.h>
#include <sys/socket.h>

#include "fz.h"
#include "nbd.h"

static bool nbd_receive(int sock, void *to, size_t n)
{
	return recv(sock, to, n, MSG_WAITALL) == (ssize_t)n;
}

static bool nbd_reply(struct nbd *nbd, const struct nbd_request *request)
{
	struct nbd_reply reply = { .magic = htobe32(NBD_REPLY_MAGIC) };

	/* The kernel's name for this member has changed, not its place. */
	memcpy(reply.handle, request->handle, sizeof(reply.handle));
	return send(nbd->sock, &reply, sizeof(reply), MSG_NOSIGNAL) ==
	       sizeof(reply);
}

static bool nbd_send(struct nbd *nbd, const unsigned char *data, size_t n)
{
	while (n) {
		ssize_t sent = send(nbd->sock, data, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* Handles one request; false at the end. */
static bool nbd_serve_one(struct nbd *nbd)
{
	static unsigned char zeros[NBD_SIZE];
	struct nbd_request request;
	unsigned char *data = zeros;
	uint64_t length, from;
	bool held;

	if (!nbd_receive(nbd->sock, &request, sizeof(request)))
		return false;
	length = be32toh(request.len);
	from = be64toh(request.from);
	held = from >= NBD_HELD && from < NBD_HELD + NBD_HELD_SIZE;
	if (held) {
		data = nbd->data;
		sem_post(&nbd->arrived);
		sem_wait(&nbd->go);
		nbd->length = length;
	}

	switch (be32toh(request.type) & 0xffff) {
	case NBD_CMD_READ:
		return nbd_reply(nbd, &request) && nbd_send(nbd, data, length);
	case NBD_CMD_WRITE:
		return nbd_receive(nbd->sock, data, length) &&
		       nbd_reply(nbd, &request);
	case NBD_CMD_DISC:
		return false;
	default:
		return nbd_reply(nbd, &request);
	}
}

static void *nbd_serve(void *arg)
{
	while (nbd_serve_one(arg))
		;
	return NULL;
}

/* Never returns: the kernel works in this process until the socket ends. */
static void nbd_client(int sock)
{
	int fd = open(NBD_DEV, O_RDWR | O_CLOEXEC);
	int few = 4608;

	/* So that most of a write stays in the caller's pages. */
	setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &few, sizeof(few));
	if (fd < 0 || ioctl(fd, NBD_SET_BLKSIZE, 4096UL) ||
	    ioctl(fd, NBD_SET_SIZE_BLOCKS, NBD_SIZE / 4096UL) ||
	    ioctl(fd, NBD_SET_TIMEOUT, 0UL) || ioctl(fd, NBD_SET_SOCK, sock))
		_exit(errno);
	ioctl(fd, NBD_DO_IT);
	ioctl(fd, NBD_CLEAR_SOCK);
	_exit(0);
}

static bool nbd_ready(void)
{
	int fd = open(NBD_DEV, O_RDONLY | O_CLOEXEC);
	uint64_t size = 0;

	if (fd < 0)
		return false;
	ioctl(fd, BLKGETSIZE64, &size);
	close(fd);
	return size == NBD_SIZE;
}

int nbd_start(struct nbd *nbd, unsigned char *data)
{
	int pair[2];

	if (access(NBD_DEV, F_OK)) {
		errno = ENODEV;
		return -1;
	}
	memset(nbd, 0, sizeof(*nbd));
	nbd->data = data;
	sem_init(&nbd->arrived, 0, 0);
	sem_init(&nbd->go, 0, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	nbd->sock = pair[0];
	nbd->client = fz_fork();
	if (!nbd->client) {
		close(pair[0]);
		nbd_client(pair[1]);
	}
	close(pair[1]);
	if (pthread_create(&nbd->server, NULL, nbd_serve, nbd))
		return -1;
	if (!fz_until(nbd_ready(), FZ_PATIENCE_MS)) {
		errno = ETIMEDOUT;
		return -1;
	}
	return 0;
}

void nbd_stop(struct nbd *nbd)
{
	int fd = open(NBD_DEV, O_RDWR | O_CLOEXEC);

	ioctl(fd, NBD_DISCONNECT);
	close(fd);
	shutdown(nbd->sock, SHUT_RDWR);
	sem_post(&nbd->go);
	pthread_join(nbd->server, NULL);
	fz_wait(nbd->client);
	close(nbd->sock);
}

int nbd_wait(struct nbd *nbd)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += FZ_PATIENCE_MS / 1000;
	return sem_timedwait(&nbd->arrived, &end);
}

void nbd_go(struct nbd *nbd)
{
	sem_post(&nbd->go);
}
