// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that has memory of fastzero, and does not know that somebody may reset it.
 *
 *	cli_holder map PATH		maps all of PATH, or 1 MiB if it is the device, fills
 *					it, and keeps the mapping alone
 *	cli_holder flight PATH		sends PATH's descriptor to itself, and closes its own
 *
 * It says "ready".  Then, for each line that it is told, how many bytes are not zero.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE	(1 << 20)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void send_to_itself(int fd)
{
	char byte = 'f', control[CMSG_SPACE(sizeof(fd))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int ends[2];

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || sendmsg(ends[0], &msg, 0) != 1)
		die("sendmsg");
	/* Of the ends one has to stay. */
	if (dup2(ends[1], 2) < 0)
		die("dup2");
}

int main(int argc, char **argv)
{
	unsigned char *map = NULL;
	size_t size, n, i;
	char line[16];
	struct stat st;
	int fd;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		die(argv[2]);
	size = S_ISCHR(st.st_mode) ? SIZE : (size_t)st.st_size;
	if (!strcmp(argv[1], "flight")) {
		send_to_itself(fd);
	} else {
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			die("mmap");
		memset(map, 0x5a, size);
	}
	/* That of fastzero exec, too. */
	close_range(3, ~0U, 0);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		for (i = n = 0; map && i < size; i++)
			n += map[i] != 0;
		printf("%zu\n", n);
		fflush(stdout);
	}
	return 0;
}
