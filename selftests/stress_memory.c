// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: operations of workers on the memory of a scratch, in all ways.
 */
#define _GNU_SOURCE
#include <sys/uio.h>

#include "minivm.h"
#include "stress.h"

#define ST_BUFFER	16	/* pages at once through a descriptor */

static unsigned char st_buffer[ST_BUFFER * 65536];

/* Bytes of the range from @at on that fit into the buffer. */
static size_t st_piece(const struct st_job *job, uint64_t at)
{
	uint64_t left = st_end(job) - at;
	uint64_t room = ST_BUFFER * fz_ps - at % fz_ps;

	return left < room ? left : room;
}

void st_run_write(struct st_self *self, const struct st_job *job)
{
	st_fill(job, st_base(self, job));
}

/* Write the buffer by a system call. */
static void st_write_pieces(struct st_self *self, const struct st_job *job,
			    bool remote)
{
	int fd = self->fd[job->slot];
	uint64_t at;
	size_t n;

	for (at = st_begin(job); at < st_end(job); at += n) {
		struct st_job piece = *job;
		ssize_t done;

		n = st_piece(job, at);
		piece.cut_front = at - job->first * fz_ps;
		piece.cut_back = (job->first + job->nr) * fz_ps - at - n;
		st_fill(&piece, (void *)((uintptr_t)st_buffer - at));
		if (remote) {
			struct iovec from = { st_buffer, n };
			struct iovec to = { st_base(self, job) + at, n };

			done = process_vm_writev(getpid(), &from, 1, &to, 1, 0);
		} else {
			done = pwrite(fd, st_buffer, n, (off_t)at);
		}
		if (done != (ssize_t)n) {
			st_wrong(self, "short or no write", done < 0 ? errno : 0);
			return;
		}
	}
}

void st_run_pwrite(struct st_self *self, const struct st_job *job)
{
	st_write_pieces(self, job, false);
}

void st_run_vmwrite(struct st_self *self, const struct st_job *job)
{
	st_write_pieces(self, job, true);
}

static struct minivm_job st_guest_job(struct st_self *self,
				      const struct st_job *job,
				      enum minivm_op op)
{
	struct minivm_job guest = {
		.op = op,
		.first = job->first - self->me->map[job->map].first,
		.stride = 1,
		.count = job->nr,
		.words = (uint32_t)(fz_ps / 8),
		.value = job->seed,
	};

	return guest;
}

void st_run_guest_write(struct st_self *self, const struct st_job *job)
{
	struct minivm_job guest = st_guest_job(self, job, MINIVM_WRITE);
	int err = minivm_run(self->vm, &guest, NULL);

	if (err)
		st_wrong(self, "the guest cannot write", -err);
}

void st_run_guest_sum(struct st_self *self, const struct st_job *job)
{
	struct minivm_job guest = st_guest_job(self, job, MINIVM_READ);
	const struct st_scratch *s = &self->w->scratch[job->slot];
	struct minivm_report report;
	uint64_t expected = 0;
	uint32_t page;
	int err;

	for (page = job->first; page < job->first + job->nr; page++) {
		const uint64_t *word = (void *)(s->shadow + page * fz_ps);
		size_t i;

		for (i = 0; s->state[page] == ST_DATA && i < fz_ps / 8; i++)
			expected += word[i];
	}
	err = minivm_run(self->vm, &guest, &report);
	if (err) {
		st_wrong(self, "the guest cannot read", -err);
	} else if (report.sum != expected) {
		st_wrong(self, "the guest reads a wrong sum", 0);
		self->me->answer.offset = st_begin(job);
		memcpy(self->me->answer.expected, &expected, 8);
		memcpy(self->me->answer.found, &report.sum, 8);
	}
}

void st_run_reset(struct st_self *self, const struct st_job *job)
{
	struct fastzero_reset r;

	if (fz_raw_reset(self->fd[job->slot], st_begin(job),
			 st_end(job) - st_begin(job), job->arg, &r))
		st_wrong(self, "reset fails", errno);
	else if (r.out_done != r.length)
		st_wrong(self, "reset returns 0 and has not done all", 0);
	else if (r.out_cleared + r.out_swapped + r.out_dropped < job->least)
		st_wrong(self, "reset did fewer pages than held data", 0);
}

void st_run_punch(struct st_self *self, const struct st_job *job)
{
	if (fz_raw_clear(self->fd[job->slot], st_begin(job),
			 st_end(job) - st_begin(job), FZ_PUNCH))
		st_wrong(self, "fallocate fails", errno);
}

static void st_madvise(struct st_self *self, const struct st_job *job,
		       int advice)
{
	if (madvise(st_base(self, job) + st_begin(job),
		    st_end(job) - st_begin(job), advice))
		st_wrong(self, "madvise fails", errno);
}

void st_run_remove(struct st_self *self, const struct st_job *job)
{
	st_madvise(self, job, MADV_REMOVE);
}

void st_run_advise(struct st_self *self, const struct st_job *job)
{
	st_madvise(self, job, (int)job->arg);
}

void st_run_touch(struct st_self *self, const struct st_job *job)
{
	const volatile unsigned char *p = st_base(self, job);
	uint64_t at;

	if (job->flags & ST_REFAULT)
		st_madvise(self, job, MADV_DONTNEED);
	for (at = st_begin(job); at < st_end(job); at += fz_ps)
		(void)p[at];
}

void st_run_populate(struct st_self *self, const struct st_job *job)
{
	struct fastzero_populate p;

	if (fz_raw_populate(self->fd[job->slot], st_begin(job),
			    st_end(job) - st_begin(job), 0, &p))
		st_wrong(self, "populate fails", errno);
	else if (p.out_done != p.length)
		st_wrong(self, "populate returns 0 and has not done all", 0);
}

/* Read @n bytes from @at on into the buffer, once. */
static bool st_fetch(struct st_self *self, const struct st_job *job,
		     uint64_t at, size_t n)
{
	struct iovec to = { st_buffer, n };
	struct iovec from = { NULL, n };
	ssize_t done = (ssize_t)n;

	memset(st_buffer, 0xee, n);
	switch (job->op) {
	case ST_OP_PREAD:
		done = pread(self->fd[job->slot], st_buffer, n, (off_t)at);
		break;
	case ST_OP_VMREAD:
		from.iov_base = st_base(self, job) + at;
		done = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
		break;
	default:
		memcpy(st_buffer, st_base(self, job) + at, n);
	}
	if (done != (ssize_t)n)
		st_wrong(self, "short or no read", done < 0 ? errno : 0);
	return done == (ssize_t)n;
}

static void st_wrong_byte(struct st_self *self, const struct st_scratch *s,
			  uint64_t offset, const unsigned char *found)
{
	struct st_answer *answer = &self->me->answer;
	size_t i;

	st_wrong(self, "wrong contents", 0);
	answer->offset = offset;
	memcpy(answer->found, found, sizeof(answer->found));
	for (i = 0; i < sizeof(answer->expected); i++)
		answer->expected[i] = st_expected(s, offset + i);
}

/* By mapping, by pread, and by process_vm_readv. */
void st_run_check(struct st_self *self, const struct st_job *job)
{
	const struct st_scratch *s = &self->w->scratch[job->slot];
	uint64_t at, in;
	uint32_t page;
	size_t n;
	int bad;

	if (job->flags & ST_REFAULT)
		st_madvise(self, job, MADV_DONTNEED);

	for (at = st_begin(job); at < st_end(job); at += n) {
		n = st_piece(job, at);
		if (!st_fetch(self, job, at, n))
			return;
		for (in = 0; in < n; in += fz_ps) {
			page = (uint32_t)((at + in) / fz_ps);
			bad = st_find_wrong(s, page, st_buffer + in,
					    st_is_being_reset(self->w, job->slot,
							      page));
			if (bad < 0)
				continue;
			bad &= ~7;
			st_wrong_byte(self, s, at + in + (unsigned int)bad,
				      st_buffer + in + bad);
			return;
		}
	}
}
