/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk whose requests take as long as a test wants: the kernel's network
 * block device, with the server in the test.
 */
#ifndef FZ_NBD_H
#define FZ_NBD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/types.h>

#define NBD_DEV		"/dev/nbd0"
#define NBD_SIZE	(16U << 20)
/* From here on, for 1 MiB, a request is not answered before nbd_go(). */
#define NBD_HELD	(8U << 20)
#define NBD_HELD_SIZE	(1U << 20)

struct nbd {
	pid_t client;		/* holds the kernel's side */
	int sock;
	pthread_t server;
	sem_t arrived;
	sem_t go;
	/* The data that a held read returns, or that a held write has brought. */
	unsigned char *data;
	uint64_t length;
};

/* 0, or -1 with errno: ENODEV without the device. */
int nbd_start(struct nbd *nbd, unsigned char *data);
void nbd_stop(struct nbd *nbd);
/* Wait until a held request has arrived; -1 if none arrives within some seconds. */
int nbd_wait(struct nbd *nbd);
/* Lets it be answered. */
void nbd_go(struct nbd *nbd);

#endif
