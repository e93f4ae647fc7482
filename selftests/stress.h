/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stress: random operations of several processes on shared scratches, with a model of
 * the value of every byte.
 *
 * The coordinator (stress.c, stress_scratch.c) has the seed, the model and all
 * decisions.  It works in rounds: it plans a job for each worker (stress_plan.c,
 * stress_place.c), has all workers do theirs at the same time (stress_worker.c,
 * stress_memory.c, stress_hold.c), and notes the expected state of the memory
 * (stress_model.c).  Jobs of a round that overlap are such that the outcome is
 * still known:
 *
 *	a read and a reset	each byte read is the old one or zero
 *	a write and a reset	each byte is the new one or zero from then on
 *	two reads, two resets	as one of them
 *
 * All this lies in memory that the processes share, so that workers compare for
 * themselves.  Nobody changes it but the coordinator, between two rounds.
 */
#ifndef STRESS_H
#define STRESS_H

#include "fz.h"

#define ST_SCRATCHES	6
#define ST_PAGES	4096	/* of the largest scratch */
#define ST_SPAN		96	/* pages of a usual job, at most */
#define ST_WORKERS	8
#define ST_MAPS		6	/* of a worker */
#define ST_HELD		16	/* pages in a pipe */
#define ST_CONTEXTS	2	/* that live as long as we do */
#define ST_STUCK_S	120	/* no job takes that long */

/* Knowledge of a page. */
enum st_state {
	ST_ZERO,
	ST_DATA,		/* as the shadow says */
	ST_RACED,		/* each byte as the shadow says, or zero */
	ST_UNKNOWN,		/* somebody was killed over it */
};

/**
 * struct st_scratch - a scratch and its expected contents
 * @live: there is one in this slot
 * @implicit: it is a context's implicit one, and @fd the context
 * @context: its context among those that stay, -1 if none
 * @fd: the coordinator's descriptor, -1 if it has closed it
 * @huge: whole chunks may be huge folios
 * @pages: its size
 * @state: enum st_state of each page
 * @shadow: contents of pages that are neither zero nor unknown
 */
struct st_scratch {
	bool live;
	bool implicit;
	int context;
	int fd;
	bool huge;
	uint32_t pages;
	uint8_t state[ST_PAGES];
	unsigned char *shadow;
};

/* Bits of st_map.bits. */
#define ST_MAPPED	1
#define ST_READ		2
#define ST_WRITE	4
#define ST_NOFORK	8
#define ST_LOCKED	16

/**
 * struct st_map - a mapping of a worker, or its parts
 * @used: some of it is still there
 * @shared: it is not private
 * @slot: which scratch
 * @first: first page of the scratch that it maps
 * @nr: pages
 * @addr: where; the worker's business
 * @bits: of each page, 0 where it was unmapped or moved away
 */
struct st_map {
	bool used;
	bool shared;
	uint8_t slot;
	uint32_t first;
	uint32_t nr;
	unsigned char *addr;
	uint8_t bits[ST_PAGES];
};

/* How a page in a pipe and a page of a scratch belong together. */
enum st_held {
	ST_FOLLOWS,		/* they are the same */
	ST_FROZEN,		/* it was dropped, and looked like this then */
	ST_LOST,		/* nobody knows */
};

/**
 * struct st_hold - pages that a worker's pipe holds
 * @used: there are some
 * @slot: scratch that they are from
 * @first: first page
 * @nr: how many
 * @state: enum st_held of each
 * @copy: contents of those that are frozen
 */
struct st_hold {
	bool used;
	uint8_t slot;
	uint32_t first;
	uint32_t nr;
	uint8_t state[ST_HELD];
	unsigned char *copy;
};

/* The reason why a job failed.  Each text has the same address in all processes. */
struct st_answer {
	const char *wrong;	/* NULL if nothing did */
	int err;
	uint64_t offset;	/* if a byte is wrong, else 0 */
	unsigned char expected[8];
	unsigned char found[8];
};

struct st_worker {
	pid_t pid;
	int sock;		/* the coordinator's end */
	bool guest;		/* has a virtual machine */
	int ram;		/* which mapping is its RAM, or -1 */
	bool has[ST_SCRATCHES];	/* a descriptor of that scratch */
	struct st_map map[ST_MAPS];
	struct st_hold hold;
	struct st_answer answer;
};

enum st_effect {
	ST_NOTHING,		/* on what the memory holds */
	ST_READS,
	ST_WRITES,
	ST_ZEROES,
};

/* Bits of st_op.needs. */
#define ST_NEEDS_FD		(1 << 0)
#define ST_NEEDS_FILE		(1 << 1)	/* a descriptor that reads and writes */
#define ST_NEEDS_MAP		(1 << 2)
#define ST_NEEDS_READ		(1 << 3)	/* a mapping that can be read */
#define ST_NEEDS_WRITE		(1 << 4)	/* ... and written */
#define ST_NEEDS_UNLOCKED	(1 << 5)	/* ... and is not locked in memory */
#define ST_NEEDS_UNIFORM	(1 << 6)	/* ... and is all of one kind */
#define ST_NEEDS_NOFORK		(1 << 7)	/* ... and is not inherited */
#define ST_NEEDS_RAM		(1 << 8)	/* ... and is the guest's RAM */
#define ST_NEEDS_MAPS	(ST_NEEDS_MAP | ST_NEEDS_READ | ST_NEEDS_WRITE)
#define ST_BYTES		(1 << 9)	/* need not be whole pages */
#define ST_NOT_BY_CHILD		(1 << 10)	/* changes the process */
#define ST_ONLY_BY_CHILD	(1 << 11)
#define ST_NO_RANGE		(1 << 12)

enum st_code {
	ST_OP_WRITE, ST_OP_PWRITE, ST_OP_VMWRITE, ST_OP_GUEST_WRITE,
	ST_OP_RESET, ST_OP_PUNCH, ST_OP_REMOVE,
	ST_OP_CHECK, ST_OP_PREAD, ST_OP_VMREAD, ST_OP_GUEST_SUM,
	ST_OP_TOUCH, ST_OP_POPULATE, ST_OP_ADVISE,
	ST_OP_MAP, ST_OP_UNMAP, ST_OP_PROTECT, ST_OP_REMAP, ST_OP_NOFORK,
	ST_OP_ABSENT, ST_OP_LOCK, ST_OP_RAM, ST_OP_HOLD, ST_OP_RELEASE,
	ST_OP_GIVE, ST_OP_RETURN, ST_OP_CLOSE, ST_OP_FORGET, ST_OP_POOL,
	ST_OP_NONE,
};

/* Bits of st_job.flags. */
#define ST_BY_CHILD	1	/* the worker forks a child for it */
#define ST_REFAULT	2	/* it first drops the page-table entries */
#define ST_MAP_POPULATE	4
#define ST_MAP_PRIVATE	8
#define ST_POOL_WAIT	16
#define ST_ALONE	32	/* no reset or write may overlap it */
#define ST_URGENT	64	/* it preempts the others, again and again */

/**
 * struct st_job - a worker's job in one round
 * @number: number of the operation
 * @round: number of the round
 * @seed: of the pattern that it writes
 * @op: enum st_code
 * @flags: .
 * @worker: who
 * @slot: on which scratch
 * @map: through which mapping
 * @to: into which free mapping it moves or makes one
 * @arg: mode of a reset, protection, advice, context of a pool
 * @repeat: how often it is done
 * @first: first page of the range
 * @nr: pages of the range
 * @cut_front: bytes that do not belong to it at its begin
 * @cut_back: ... and at its end
 * @target: of a pool
 * @least: pages that a reset must find populated
 * @kill_us: when to kill the worker, 0 for never
 */
struct st_job {
	uint64_t number;
	uint64_t seed;
	uint32_t round;
	uint8_t op;
	uint8_t flags;
	uint8_t worker;
	uint8_t slot;
	uint8_t map;
	uint8_t to;
	uint32_t arg;
	uint32_t repeat;
	uint32_t first;
	uint32_t nr;
	uint32_t cut_front;
	uint32_t cut_back;
	uint32_t target;
	uint32_t least;
	uint32_t kill_us;
};

static inline uint64_t st_begin(const struct st_job *job)
{
	return job->first * fz_ps + job->cut_front;
}

static inline uint64_t st_end(const struct st_job *job)
{
	return (job->first + job->nr) * fz_ps - job->cut_back;
}

/**
 * struct st_follow - steps after a race with a reset
 * @stage: 0 nothing, 1 a reset of the range in place, which leaves alone what
 *	a fault may have mapped wrongly, 2 a check through the same mapping
 * @racer: the job that raced
 */
struct st_follow {
	int stage;
	struct st_job racer;
};

struct st_world {
	struct st_scratch scratch[ST_SCRATCHES];
	struct st_worker worker[ST_WORKERS];
	uint32_t workers;
	int context[ST_CONTEXTS];
	uint32_t modes;		/* those that RESET takes */
	uint32_t policies;	/* page policies that CREATE takes */
	uint64_t random;
	uint64_t number;	/* of the next operation */
	uint32_t arrived;	/* workers that are ready to begin */
	uint32_t go;		/* the round that they may begin */
	struct st_job job[ST_WORKERS];		/* of this round */
	struct st_job before[ST_WORKERS];	/* of the one before */
	struct st_follow follow;
};

/* Further state of a worker: see stress_worker.c. */
struct st_self {
	struct st_world *w;
	struct st_worker *me;
	struct minivm *vm;
	int sock;
	int fd[ST_SCRATCHES];
	int pipe[2];
};

struct st_op {
	const char *name;
	enum st_effect effect;
	unsigned int needs;
	unsigned int weight;	/* how often it is chosen */
	void (*run)(struct st_self *self, const struct st_job *job);
};
extern const struct st_op st_ops[ST_OP_NONE + 1];

/* stress_worker.c */
void st_worker_main(struct st_world *w, unsigned int number, int sock);
void st_wrong(struct st_self *self, const char *what, int err);
unsigned char *st_base(struct st_self *self, const struct st_job *job);
bool st_futex_wait(uint32_t *word, uint32_t value);
void st_futex_wake(uint32_t *word);

/* stress_memory.c: operations of workers on memory */
void st_run_write(struct st_self *self, const struct st_job *job);
void st_run_pwrite(struct st_self *self, const struct st_job *job);
void st_run_vmwrite(struct st_self *self, const struct st_job *job);
void st_run_guest_write(struct st_self *self, const struct st_job *job);
void st_run_reset(struct st_self *self, const struct st_job *job);
void st_run_punch(struct st_self *self, const struct st_job *job);
void st_run_remove(struct st_self *self, const struct st_job *job);
void st_run_check(struct st_self *self, const struct st_job *job);
void st_run_guest_sum(struct st_self *self, const struct st_job *job);
void st_run_touch(struct st_self *self, const struct st_job *job);
void st_run_populate(struct st_self *self, const struct st_job *job);
void st_run_advise(struct st_self *self, const struct st_job *job);

/* stress_hold.c */
void st_run_hold(struct st_self *self, const struct st_job *job);
void st_run_release(struct st_self *self, const struct st_job *job);
void st_hold_reset(struct st_world *w, const struct st_job *job, uint32_t page);
void st_hold_apply(struct st_world *w, const struct st_job *job);
void st_hold_bury(struct st_world *w, uint32_t slot);

/* stress_plan.c, stress_place.c */
uint32_t st_below(struct st_world *w, uint32_t n);
void st_plan_round(struct st_world *w, uint32_t round);
bool st_place(struct st_world *w, struct st_job *job, const struct st_job *near);
bool st_overlap(const struct st_job *a, const struct st_job *b);
bool st_is_suited(const struct st_world *w, const struct st_job *job);

/* stress_model.c */
void st_fill(const struct st_job *job, unsigned char *base);
int st_find_wrong(const struct st_scratch *s, uint32_t page,
		  const unsigned char *found, bool lenient);
unsigned char st_expected(const struct st_scratch *s, uint64_t offset);
bool st_is_being_reset(const struct st_world *w, uint8_t slot, uint32_t page);
bool st_races_a_reset(const struct st_world *w, const struct st_job *job);
void st_apply(struct st_world *w);
void st_forget_worker(struct st_worker *worker);
bool st_is_referred(const struct st_world *w, uint32_t slot);

/* stress.c: report an error, and end */
void st_fail(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* stress_scratch.c */
void st_chores(struct st_world *w);
void st_bury(struct st_world *w);
void st_census(struct st_world *w);
void st_check_all(struct st_world *w);

/* stress_report.c */
void st_note_round(const struct st_world *w);
void st_report(const struct st_world *w, const struct st_job *job);
void st_print_summary(void);

#endif
