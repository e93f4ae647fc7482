/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The zeroer's queues, as its threads see them.  zeroer.h declares the functions that other
 * files call.
 */
#ifndef FZ_ZEROER_QUEUE_H
#define FZ_ZEROER_QUEUE_H

#include <linux/wait.h>

#include "pool.h"

/* Protects the queues, and fz_job of all pools. */
extern spinlock_t fz_queue_lock;

/* The module's threads wait here while there is no work. */
extern wait_queue_head_t fz_queue_idle;

struct fz_pool *fz_queue_begin_look(void);
struct fz_pool *fz_queue_begin_clear(void);
void fz_queue_end(struct fz_pool *pool, bool clear, enum fz_look again);
bool fz_queue_spend(u64 done);
unsigned long fz_queue_pause(void);
bool fz_queue_put(struct fz_pool *pool);
void fz_queue_wake(void);
void fz_queue_lend_locked(struct fz_pool *pool);

#endif
