// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: the worker processes, and their operations on mappings.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "minivm.h"
#include "stress.h"

/* Note the first thing that goes wrong with a job. */
void st_wrong(struct st_self *self, const char *what, int err)
{
	if (self->me->answer.wrong)
		return;
	self->me->answer.err = err;
	self->me->answer.wrong = what;
}

/* Wait until a word of the shared memory has a value; false after a time limit. */
bool st_futex_wait(uint32_t *word, uint32_t value)
{
	struct timespec patience = { .tv_sec = ST_STUCK_S };
	uint32_t now;

	while ((now = __atomic_load_n(word, __ATOMIC_SEQ_CST)) != value) {
		if (syscall(SYS_futex, word, FUTEX_WAIT, now, &patience, NULL, 0) &&
		    errno == ETIMEDOUT)
			return false;
	}
	return true;
}

void st_futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Where offset 0 of the scratch would be in the mapping of a job. */
unsigned char *st_base(struct st_self *self, const struct st_job *job)
{
	const struct st_map *map = &self->me->map[job->map];

	return (void *)((uintptr_t)map->addr - map->first * fz_ps);
}

static int st_protection(uint32_t bits)
{
	return (bits & ST_READ ? PROT_READ : 0) |
	       (bits & ST_WRITE ? PROT_WRITE : 0);
}

static void st_run_map(struct st_self *self, const struct st_job *job)
{
	int flags = job->flags & ST_MAP_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	void *addr;

	if (job->flags & ST_MAP_POPULATE)
		flags |= MAP_POPULATE;
	addr = mmap(NULL, job->nr * fz_ps, st_protection(job->arg), flags,
		    self->fd[job->slot], (off_t)(job->first * fz_ps));
	if (addr == MAP_FAILED)
		st_wrong(self, "mmap fails", errno);
	self->me->map[job->to].addr = addr;
}

static void st_run_unmap(struct st_self *self, const struct st_job *job)
{
	if (munmap(st_base(self, job) + st_begin(job), job->nr * fz_ps))
		st_wrong(self, "munmap fails", errno);
}

static void st_run_protect(struct st_self *self, const struct st_job *job)
{
	if (mprotect(st_base(self, job) + st_begin(job), job->nr * fz_ps,
		     st_protection(job->arg)))
		st_wrong(self, "mprotect fails", errno);
}

/* Move a part of a mapping to a place that was reserved. */
static void st_run_remap(struct st_self *self, const struct st_job *job)
{
	size_t size = job->nr * fz_ps;
	void *to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	if (to == MAP_FAILED ||
	    mremap(st_base(self, job) + st_begin(job), size, size,
		   MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		st_wrong(self, "mremap fails", errno);
	self->me->map[job->to].addr = to;
}

static void st_run_nofork(struct st_self *self, const struct st_job *job)
{
	if (madvise(st_base(self, job) + st_begin(job), job->nr * fz_ps,
		    job->arg ? MADV_DONTFORK : MADV_DOFORK))
		st_wrong(self, "madvise(DONTFORK) fails", errno);
}

static void st_run_lock(struct st_self *self, const struct st_job *job)
{
	void *addr = st_base(self, job) + st_begin(job);
	size_t size = job->nr * fz_ps;

	if (job->arg ? mlock(addr, size) : munlock(addr, size))
		st_wrong(self, "mlock or munlock fails", errno);
}

/* In a child: objects that it must not inherit are not there. */
static void st_run_absent(struct st_self *self, const struct st_job *job)
{
	unsigned char present;
	uint32_t page;

	for (page = job->first; page < job->first + job->nr; page++) {
		if (!mincore(st_base(self, job) + page * fz_ps, fz_ps, &present))
			st_wrong(self, "the child inherited DONTFORK memory", 0);
		else if (errno != ENOMEM)
			st_wrong(self, "mincore fails", errno);
	}
}

static void st_run_ram(struct st_self *self, const struct st_job *job)
{
	struct st_map *map = &self->me->map[job->map];
	int err = minivm_set_ram(self->vm, map->addr, map->nr * fz_ps);

	if (err)
		st_wrong(self, "the guest cannot have the RAM", -err);
}

/* The descriptor has come with the job. */
static void st_run_give(struct st_self *self, const struct st_job *job)
{
	if (self->fd[job->slot] < 0)
		st_wrong(self, "no descriptor came over the socket", 0);
}

static void st_run_return(struct st_self *self, const struct st_job *job)
{
	if (fz_send_fd(self->sock, self->fd[job->slot]))
		st_wrong(self, "cannot send a descriptor", errno);
}

static void st_run_close(struct st_self *self, const struct st_job *job)
{
	int *fd = &self->fd[job->slot];

	if (*fd >= 0 && close(*fd))
		st_wrong(self, "close fails", errno);
	*fd = -1;
}

/* Unmap the rest of a mapping, run by run. */
static void st_unmap_all(struct st_self *self, const struct st_map *map)
{
	uint32_t i, end;

	for (i = 0; i < map->nr; i = end + 1) {
		for (end = i; end < map->nr && map->bits[end]; end++)
			;
		if (end > i && munmap(map->addr + i * fz_ps, (end - i) * fz_ps))
			st_wrong(self, "munmap fails", errno);
	}
}

/* Let go of a scratch. */
static void st_run_forget(struct st_self *self, const struct st_job *job)
{
	const struct st_map *map;

	for (map = self->me->map; map < self->me->map + ST_MAPS; map++) {
		if (map->used && map->slot == job->slot)
			st_unmap_all(self, map);
	}
	st_run_close(self, job);
}

static void st_run_pool(struct st_self *self, const struct st_job *job)
{
	uint32_t flags = job->flags & ST_POOL_WAIT ? FASTZERO_POOL_WAIT : 0;
	int ctx = self->w->context[job->arg];

	/* Every other time it is about chunks. */
	if (self->w->policies > FASTZERO_PAGES_2M && job->target % 2) {
		if (fz_raw_pool_huge(ctx, job->target % 8, flags))
			st_wrong(self, "POOL of chunks fails", errno);
		return;
	}
	if (fz_raw_pool(ctx, job->target, flags, NULL))
		st_wrong(self, "POOL fails", errno);
}

static void st_run_none(struct st_self *self, const struct st_job *job)
{
	(void)self;
	(void)job;
}

#define FILE_FD		(ST_NEEDS_FD | ST_NEEDS_FILE)
#define OWN		ST_NOT_BY_CHILD
#define UNLOCKED	ST_NEEDS_UNLOCKED

const struct st_op st_ops[ST_OP_NONE + 1] = {
[ST_OP_WRITE]	= { "write", ST_WRITES, ST_NEEDS_WRITE | ST_BYTES, 24, st_run_write },
[ST_OP_PWRITE]	= { "pwrite", ST_WRITES, FILE_FD | ST_BYTES, 8, st_run_pwrite },
[ST_OP_VMWRITE]	= { "vmwrite", ST_WRITES, ST_NEEDS_WRITE | ST_BYTES, 5, st_run_vmwrite },
[ST_OP_GUEST_WRITE] = { "guest-write", ST_WRITES, ST_NEEDS_WRITE | ST_NEEDS_RAM | OWN, 40, st_run_guest_write },
[ST_OP_RESET]	= { "reset", ST_ZEROES, ST_NEEDS_FD, 28, st_run_reset },
[ST_OP_PUNCH]	= { "punch", ST_ZEROES, FILE_FD | ST_BYTES, 8, st_run_punch },
[ST_OP_REMOVE]	= { "remove", ST_ZEROES, ST_NEEDS_WRITE | UNLOCKED, 4, st_run_remove },
[ST_OP_CHECK]	= { "check", ST_READS, ST_NEEDS_READ, 28, st_run_check },
[ST_OP_PREAD]	= { "pread", ST_READS, FILE_FD, 10, st_run_check },
[ST_OP_VMREAD]	= { "vmread", ST_READS, ST_NEEDS_READ, 5, st_run_check },
[ST_OP_GUEST_SUM] = { "guest-sum", ST_READS, ST_NEEDS_READ | ST_NEEDS_RAM | OWN, 30, st_run_guest_sum },
[ST_OP_TOUCH]	= { "touch", ST_NOTHING, ST_NEEDS_READ, 6, st_run_touch },
[ST_OP_POPULATE] = { "populate", ST_NOTHING, ST_NEEDS_FD, 6, st_run_populate },
[ST_OP_ADVISE]	= { "advise", ST_NOTHING, ST_NEEDS_WRITE | UNLOCKED, 8, st_run_advise },
[ST_OP_MAP]	= { "map", ST_NOTHING, ST_NEEDS_FD | OWN, 16, st_run_map },
[ST_OP_UNMAP]	= { "unmap", ST_NOTHING, ST_NEEDS_MAP | OWN, 5, st_run_unmap },
[ST_OP_PROTECT]	= { "protect", ST_NOTHING, ST_NEEDS_MAP | OWN, 6, st_run_protect },
[ST_OP_REMAP]	= { "remap", ST_NOTHING, ST_NEEDS_MAP | ST_NEEDS_UNIFORM | OWN, 4, st_run_remap },
[ST_OP_NOFORK]	= { "nofork", ST_NOTHING, ST_NEEDS_MAP | OWN, 3, st_run_nofork },
[ST_OP_ABSENT]	= { "absent", ST_NOTHING, ST_NEEDS_MAP | ST_NEEDS_NOFORK | ST_ONLY_BY_CHILD, 6, st_run_absent },
[ST_OP_LOCK]	= { "lock", ST_NOTHING, ST_NEEDS_READ | OWN, 3, st_run_lock },
[ST_OP_RAM]	= { "ram", ST_NOTHING, ST_NEEDS_WRITE | OWN, 6, st_run_ram },
[ST_OP_HOLD]	= { "hold", ST_NOTHING, ST_NEEDS_READ | OWN, 12, st_run_hold },
[ST_OP_RELEASE]	= { "release", ST_READS, OWN, 8, st_run_release },
[ST_OP_GIVE]	= { "give", ST_NOTHING, ST_NO_RANGE | OWN, 12, st_run_give },
[ST_OP_RETURN]	= { "return", ST_NOTHING, ST_NO_RANGE | OWN, 4, st_run_return },
[ST_OP_CLOSE]	= { "close", ST_NOTHING, ST_NO_RANGE | OWN, 1, st_run_close },
[ST_OP_FORGET]	= { "forget", ST_NOTHING, ST_NO_RANGE | OWN, 4, st_run_forget },
[ST_OP_POOL]	= { "pool", ST_NOTHING, ST_NO_RANGE | OWN, 3, st_run_pool },
[ST_OP_NONE]	= { "none", ST_NOTHING, ST_NO_RANGE | OWN, 0, st_run_none },
};

static void st_set_urgent(bool urgent)
{
	struct sched_param param = { .sched_priority = urgent };

	sched_setscheduler(0, urgent ? SCHED_FIFO : SCHED_OTHER, &param);
}

/*
 * Do a job as often as it says.  An urgent job sleeps shortly before each time.  Its
 * wake-up preempts another thread, which may be in the middle of a fault.
 */
static void st_repeat(struct st_self *self, const struct st_job *job)
{
	bool urgent = job->flags & ST_URGENT;
	struct timespec pause = { 0 };
	uint64_t random = job->seed;
	uint32_t i;

	if (urgent)
		st_set_urgent(true);
	for (i = 0; i < job->repeat; i++) {
		if (urgent) {
			pause.tv_nsec = (long)(fz_random(&random) % 100000);
			nanosleep(&pause, NULL);
		}
		st_ops[job->op].run(self, job);
	}
	if (urgent)
		st_set_urgent(false);
}

static void st_run_in_child(struct st_self *self, const struct st_job *job)
{
	pid_t pid = fz_fork();
	int end;

	if (!pid) {
		st_repeat(self, job);
		_exit(0);
	}
	if (pid > 0 && job->kill_us) {
		usleep(job->kill_us);
		kill(pid, SIGKILL);
	}
	end = fz_wait(pid);
	if (end && !(job->kill_us && end == FZ_SIGNALLED + SIGKILL))
		st_wrong(self, "the child of the worker died", end);
}

static void st_run(struct st_self *self, const struct st_job *job)
{
	/* All begin together. */
	if (__atomic_add_fetch(&self->w->arrived, 1, __ATOMIC_SEQ_CST) ==
	    self->w->workers)
		st_futex_wake(&self->w->arrived);
	st_futex_wait(&self->w->go, job->round);

	if (job->flags & ST_BY_CHILD)
		st_run_in_child(self, job);
	else
		st_repeat(self, job);
}

/*
 * Serve the coordinator until it is gone.  An answer of one byte says that the
 * job is done; how it went is in st_worker.answer.
 */
void st_worker_main(struct st_world *w, unsigned int number, int sock)
{
	struct st_self self = { .w = w, .me = &w->worker[number], .sock = sock,
				.pipe = { -1, -1 } };
	struct st_job job;
	char byte = 0;
	uint32_t slot;
	int err;

	for (slot = 0; slot < ST_SCRATCHES; slot++)
		self.fd[slot] = -1;
	if (self.me->guest) {
		err = minivm_new(&self.vm);
		if (err) {
			self.me->answer.err = -err;
			self.me->guest = false;
		}
	}

	while (send(sock, &byte, 1, MSG_NOSIGNAL) == 1 &&
	       recv(sock, &job, sizeof(job), MSG_WAITALL) == sizeof(job)) {
		if (job.op == ST_OP_GIVE)
			self.fd[job.slot] = fz_recv_fd(sock);
		st_run(&self, &job);
	}
	_exit(0);
}
