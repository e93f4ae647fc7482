// SPDX-License-Identifier: GPL-2.0-only
/*
 * WORKSET: reads, writes and clears the working set.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <uapi/linux/fastzero.h>

#include "chunk.h"
#include "ioctl.h"
#include "wsformat.h"

/* The largest buffer: four million runs.  No sane working set has more. */
#define WORKSET_MOST	SZ_64M
/* Runs checked, and bytes copied, between two checks for signals and the scheduler. */
#define WORKSET_RUNS	4096
#define WORKSET_BYTES	SZ_64K

static int workset_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static u8 *workset_alloc(u64 size)
{
	if (size > WORKSET_MOST)
		return NULL;
	return kvmalloc(size, FZ_GFP_KERNEL);
}

static struct fz_wsformat workset_format(const struct fz_scratch *s)
{
	return (struct fz_wsformat){
		.page_shift = PAGE_SHIFT, .nr_pages = s->nr_pages,
	};
}

/* Set *@nr_runs to the number of runs, and write the first @room of them to @buf. */
static int workset_runs(struct fz_scratch *s, u8 *buf, u64 room, u64 *nr_runs)
{
	struct fz_range last = { };
	u64 words[FZ_CHUNK_WORDS];
	unsigned long at = 0;
	int err = 0;
	u64 nr = 0;

	for (; fz_chunk_next_wanted(s, &at, ULONG_MAX, words); at++) {
		u64 base = (u64)at << FZ_CHUNK_SHIFT;
		struct fz_range run = { };

		while (fz_range_next_run(words, &run)) {
			/* This run continues the last run of the previous chunk. */
			if (nr && base + run.first == last.end)
				nr--;
			else
				last.first = base + run.first;
			last.end = base + run.end;
			if (nr < room)
				fz_wsformat_put(buf, nr, &last);
			nr++;
		}
		err = workset_pause();
		if (err)
			break;
	}
	*nr_runs = nr;
	return err;
}

static int workset_copy_out(u64 to, const u8 *buf, u64 size)
{
	u64 done, nr;
	int err = 0;

	for (done = 0; done < size && !err; done += nr) {
		nr = min_t(u64, size - done, WORKSET_BYTES);
		if (copy_to_user(u64_to_user_ptr(to + done), buf + done, nr))
			return -EFAULT;
		err = workset_pause();
	}
	return err;
}

static int workset_copy_in(u8 *buf, u64 from, u64 size)
{
	u64 done, nr;
	int err = 0;

	for (done = 0; done < size && !err; done += nr) {
		nr = min_t(u64, size - done, WORKSET_BYTES);
		if (copy_from_user(buf + done, u64_to_user_ptr(from + done), nr))
			return -EFAULT;
		err = workset_pause();
	}
	return err;
}

/* If the set grows between counting and copying, count again. */
static int workset_read(struct fz_scratch *s, struct fastzero_workset *cmd)
{
	struct fz_wsformat of = workset_format(s);
	u64 nr;
	int err = workset_runs(s, NULL, 0, &nr);

	while (!err) {
		u64 room = nr;
		u8 *buf;

		cmd->out_size = fz_wsformat_size(nr);
		if (!cmd->buffer_size)
			return 0;
		if (cmd->out_size > cmd->buffer_size)
			return -ENOSPC;
		buf = workset_alloc(cmd->out_size);
		if (!buf)
			return -ENOMEM;
		err = workset_runs(s, buf, room, &nr);
		if (!err && nr <= room) {
			fz_wsformat_put_head(&of, buf, nr);
			cmd->out_size = fz_wsformat_size(nr);
			err = workset_copy_out(cmd->buffer, buf, cmd->out_size);
			kvfree(buf);
			return err;
		}
		kvfree(buf);
	}
	return err;
}

/* Check all bytes from user space before any of them is used. */
static int workset_check(const struct fz_wsformat *of, const u8 *buf, u64 size,
			 u64 *nr, struct fz_wsformat_sum *sum)
{
	int err = fz_wsformat_check_head(of, buf, size, nr);
	u64 n, end;

	for (n = 0; !err && n < *nr; n = end) {
		end = min(n + WORKSET_RUNS, *nr);
		err = fz_wsformat_check_runs(of, buf, n, end, sum) ?:
		      workset_pause();
	}
	return err;
}

/* Refuse a set that this host could not hold: its index alone takes much memory. */
static int workset_check_size(const struct fz_wsformat_sum *sum)
{
	if (sum->pages > totalram_pages() || !fz_index_may_have(sum->chunks))
		return -ENOMEM;
	/* A chunk without a page takes 256 bytes, and up to 576 of the xarray: count 1024. */
	return sum->chunks / (PAGE_SIZE / 1024) > si_mem_available() ? -ENOMEM : 0;
}

/* Make all chunks first.  After that only a fatal signal can fail the call. */
static int workset_make_room(struct fz_scratch *s, struct fz_wsformat_walk walk)
{
	u64 number;
	int err = 0;

	while (!err && fz_wsformat_next(&walk, &number, NULL))
		err = fz_chunk_make(s, number) ?: workset_pause();
	return err;
}

static int workset_take(struct fz_scratch *s, const u8 *buf, u64 nr,
			const struct fz_wsformat_sum *sum)
{
	struct fz_wsformat_walk walk = { .buf = buf, .nr = nr };
	int err = workset_check_size(sum);

	if (!err)
		err = mutex_lock_killable(&s->lock);
	if (err)
		return err;
	err = workset_make_room(s, walk);
	if (err)
		fz_chunk_unmake(s);
	else
		err = fz_chunk_want_only(s, &walk);
	fz_chunk_reap(s);
	mutex_unlock(&s->lock);
	return err;
}

static int workset_write(struct fz_scratch *s, struct fastzero_workset *cmd)
{
	struct fz_wsformat of = workset_format(s);
	struct fz_wsformat_sum sum = { };
	u64 nr;
	u8 *buf;
	int err;

	if (!cmd->buffer_size || cmd->buffer_size > fz_wsformat_most(&of))
		return -EINVAL;
	buf = workset_alloc(cmd->buffer_size);
	if (!buf)
		return -ENOMEM;
	err = workset_copy_in(buf, cmd->buffer, cmd->buffer_size);
	if (!err)
		err = workset_check(&of, buf, cmd->buffer_size, &nr, &sum);
	if (!err)
		err = workset_take(s, buf, nr, &sum);
	kvfree(buf);
	if (!err)
		cmd->out_size = cmd->buffer_size;
	return err;
}

/**
 * fz_ioctl_workset() - WORKSET
 * @ucmd: the call
 *
 * Return: 0 or a negative errno, see struct fastzero_workset.
 */
int fz_ioctl_workset(struct fz_ucmd *ucmd)
{
	struct fastzero_workset *cmd = ucmd->cmd;
	struct fz_wsformat_walk nothing = { };
	struct fz_scratch *s = ucmd->scratch;
	int err = 0;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;

	cmd->out_size = 0;
	switch (cmd->op) {
	case FASTZERO_WORKSET_READ:
		err = workset_read(s, cmd);
		break;
	case FASTZERO_WORKSET_WRITE:
		err = workset_write(s, cmd);
		break;
	case FASTZERO_WORKSET_CLEAR:
		if (cmd->buffer || cmd->buffer_size)
			return -EINVAL;
		err = mutex_lock_killable(&s->lock);
		if (err)
			return err;
		err = fz_chunk_want_only(s, &nothing);
		fz_chunk_reap(s);
		mutex_unlock(&s->lock);
		break;
	default:
		return -EINVAL;
	}
	return fz_ucmd_respond(ucmd) ?: err;
}
