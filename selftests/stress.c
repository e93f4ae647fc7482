// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress: the coordinator.  See stress.h for how it works.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <time.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "kselftest.h"
#include "stress.h"

#define ST_CENSUS	64	/* rounds from one look at the books to the next */

static struct st_world *w;
static uint64_t st_ops_wanted;
static uint64_t st_seed;
static long st_time_limit;	/* seconds, 0 for none */

static void st_stop_workers(void)
{
	uint32_t i;

	for (i = 0; i < w->workers; i++) {
		if (w->worker[i].pid > 0) {
			kill(w->worker[i].pid, SIGKILL);
			fz_wait(w->worker[i].pid);
			close(w->worker[i].sock);
		}
		w->worker[i].pid = 0;
		st_forget_worker(&w->worker[i]);
	}
}

void st_fail(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n# again: stress --seed %llu --ops %llu --workers %u\n",
	       (unsigned long long)st_seed, (unsigned long long)st_ops_wanted,
	       w->workers);
	st_stop_workers();
	ksft_test_result_fail("stress, seed %llu, at op %llu\n",
			      (unsigned long long)st_seed,
			      (unsigned long long)w->number);
	ksft_exit_fail();
	exit(KSFT_FAIL);
}

/* Prints a file of /proc about a process. */
static void st_print(pid_t pid, const char *name)
{
	char text[4096], path[64], *line, *rest = text;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		printf("# %s: %s\n", path, strerror(errno));
		return;
	}
	text[n] = 0;
	while ((line = strsep(&rest, "\n")) && *line)
		printf("# %s: %s\n", name, line);
}

/* Where a worker is that does not answer, and whether it spins: stat has its CPU time. */
static void st_tell_stuck(pid_t pid)
{
	st_print(pid, "stat");
	st_print(pid, "syscall");
	st_print(pid, "stack");
	sleep(2);
	st_print(pid, "stat");
	st_print(pid, "stack");
}

/* A worker has said that it is ready or done. */
static void st_hear(struct st_worker *worker, const struct st_job *job)
{
	int sock = worker->sock;
	char byte;

	if (recv(sock, &byte, 1, 0) != 1) {
		if (errno == EAGAIN) {
			printf("# WRONG: worker %u is stuck\n",
			       (uint32_t)(worker - w->worker));
			st_tell_stuck(worker->pid);
		} else {
			printf("# WRONG: worker %u died: %d\n",
			       (uint32_t)(worker - w->worker),
			       fz_wait(worker->pid));
		}
		worker->answer.wrong = "no answer";
	}
	if (!worker->answer.wrong)
		return;
	if (job)
		st_report(w, job);
	st_fail("a job failed");
}

static void st_start_worker(uint32_t number)
{
	struct timeval patience = { .tv_sec = ST_STUCK_S };
	struct st_worker *worker = &w->worker[number];
	pid_t pid;
	uint32_t i;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		st_fail("socketpair: %s", strerror(errno));
	memset(&worker->answer, 0, sizeof(worker->answer));
	worker->guest = number == 0;
	worker->ram = -1;
	pid = fz_fork();
	if (!pid) {
		/* The coordinator must not keep a scratch alive. */
		close(pair[0]);
		for (i = 0; i < w->workers; i++) {
			if (i != number && w->worker[i].pid > 0)
				close(w->worker[i].sock);
		}
		for (i = 0; i < ST_SCRATCHES; i++) {
			if (w->scratch[i].fd >= 0)
				close(w->scratch[i].fd);
		}
		st_worker_main(w, number, pair[1]);
	}
	close(pair[1]);
	if (pid < 0)
		st_fail("fork: %s", strerror(errno));
	/* Memory is shared: only one of us may write this. */
	worker->pid = pid;
	worker->sock = pair[0];
	setsockopt(worker->sock, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	st_hear(worker, NULL);
	if (number || worker->guest)
		return;
	printf("# no guest: %s\n", strerror(worker->answer.err));
	if (worker->answer.err != ENOENT && worker->answer.err != ENODEV &&
	    worker->answer.err != EOPNOTSUPP)
		st_fail("KVM is there, but does not work");
}

static void st_send_jobs(uint32_t round)
{
	struct st_job *job;
	int sock;

	__atomic_store_n(&w->arrived, 0, __ATOMIC_SEQ_CST);
	for (job = w->job; job < w->job + w->workers; job++) {
		sock = w->worker[job->worker].sock;
		if (send(sock, job, sizeof(*job), MSG_NOSIGNAL) != sizeof(*job) ||
		    (job->op == ST_OP_GIVE &&
		     fz_send_fd(sock, w->scratch[job->slot].fd)))
			st_fail("cannot send a job: %s", strerror(errno));
	}
	if (!st_futex_wait(&w->arrived, w->workers))
		st_fail("not all workers begin");
	__atomic_store_n(&w->go, round, __ATOMIC_SEQ_CST);
	st_futex_wake(&w->go);
}

static bool st_is_killed(const struct st_job *job)
{
	return job->kill_us && !(job->flags & ST_BY_CHILD);
}

static void st_kill(const struct st_job *job)
{
	struct st_worker *worker = &w->worker[job->worker];

	usleep(job->kill_us);
	kill(worker->pid, SIGKILL);
	fz_wait(worker->pid);
	close(worker->sock);
	worker->pid = 0;
}

/* Wait for all workers, and replace killed ones. */
static void st_collect(void)
{
	struct st_scratch *s;
	struct st_job *job;

	for (job = w->job; job < w->job + w->workers; job++) {
		if (st_is_killed(job))
			st_kill(job);
	}
	for (job = w->job; job < w->job + w->workers; job++) {
		if (st_is_killed(job))
			continue;
		if (job->op == ST_OP_RETURN) {
			s = &w->scratch[job->slot];
			s->fd = fz_recv_fd(w->worker[job->worker].sock);
			if (s->fd < 0)
				st_fail("no descriptor came back");
		}
		st_hear(&w->worker[job->worker], job);
	}
	st_apply(w);
	for (job = w->job; job < w->job + w->workers; job++) {
		if (!st_is_killed(job))
			continue;
		st_forget_worker(&w->worker[job->worker]);
		st_start_worker(job->worker);
	}
}

static void st_run_rounds(void)
{
	uint64_t step = st_ops_wanted / 10 + 1;
	long begin = fz_now_ms();
	uint32_t round = 0;
	uint64_t next = step;

	while (w->number < st_ops_wanted) {
		st_plan_round(w, ++round);
		st_note_round(w);
		st_send_jobs(round);
		st_chores(w);
		st_collect();
		st_bury(w);
		if (round % ST_CENSUS == 0)
			st_census(w);
		if (w->number >= next) {
			printf("# %llu ops in %ld s\n",
			       (unsigned long long)w->number,
			       (fz_now_ms() - begin) / 1000);
			next += step;
		}
		if (st_time_limit && fz_now_ms() - begin > st_time_limit * 1000) {
			printf("# time is up after %llu ops\n",
			       (unsigned long long)w->number);
			break;
		}
	}
}

static void st_setup(void)
{
	const size_t shadow = ST_SCRATCHES * ST_PAGES * fz_ps;
	const size_t held = ST_WORKERS * ST_HELD * fz_ps;
	struct fastzero_info info;
	unsigned char *shadows;
	uint32_t i;

	shadows = mmap(NULL, shadow + held, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = 0; i < ST_CONTEXTS; i++) {
		w->context[i] = fz_raw_open();
		if (w->context[i] < 0 || shadows == MAP_FAILED ||
		    fz_raw_info(w->context[i], &info))
			st_fail("set-up: %s", strerror(errno));
	}
	w->modes = info.out_modes;
	w->policies = info.out_features & FASTZERO_FEATURE_2M ? 3 : 2;
	w->random = st_seed;
	for (i = 0; i < ST_SCRATCHES; i++) {
		w->scratch[i].fd = -1;
		w->scratch[i].shadow = shadows + i * ST_PAGES * fz_ps;
	}
	for (i = 0; i < w->workers; i++) {
		w->worker[i].hold.copy = shadows + shadow + i * ST_HELD * fz_ps;
		st_start_worker(i);
	}
}

/* No page, scratch or context may be left. */
static void st_teardown(long long in_use)
{
	uint32_t i;

	st_check_all(w);
	st_census(w);
	st_stop_workers();
	st_check_all(w);
	for (i = 0; i < ST_SCRATCHES; i++) {
		if (w->scratch[i].fd >= 0)
			close(w->scratch[i].fd);
	}
	for (i = 0; i < ST_CONTEXTS; i++)
		close(w->context[i]);
	/* The last of a context goes in the background. */
	if (!fz_until(fz_read_number(FZ_PARAM_DIR "pages_in_use") == in_use,
		      4 * FZ_PATIENCE_MS))
		st_fail("pages in use: %lld, before: %lld; references to the module: %lld",
			fz_read_number(FZ_PARAM_DIR "pages_in_use"), in_use,
			fz_read_number("/sys/module/fastzero/refcnt"));
}

static void st_usage(void)
{
	fprintf(stderr, "usage: stress [--ops 1..] [--seed S] [--time-limit SECONDS] [--workers 1..%u]\n",
		ST_WORKERS);
	exit(2);
}

/* A number of digits only; otherwise print the usage. */
static uint64_t st_number(const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end || !isdigit((unsigned char)*text))
		st_usage();
	return n;
}

static void st_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ops", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },
		{ "time-limit", required_argument, NULL, 't' },
		{ "workers", required_argument, NULL, 'w' },
		{ }
	};
	uint64_t workers = 4;
	int c;

	/* A debug kernel does some dozens a second. */
	st_ops_wanted = (fz_slow() > 1 ? 2000 : 20000) * (fz_long() ? 10 : 1);
	if (getrandom(&st_seed, sizeof(st_seed), 0) != sizeof(st_seed))
		st_seed = (uint64_t)time(NULL);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'o')
			st_ops_wanted = st_number(optarg);
		else if (c == 's')
			st_seed = st_number(optarg);
		else if (c == 't')
			st_time_limit = (long)st_number(optarg);
		else if (c == 'w')
			workers = st_number(optarg);
		else
			st_usage();
	}
	if (!st_ops_wanted || !workers || workers > ST_WORKERS || optind < argc)
		st_usage();
	w->workers = (uint32_t)workers;
}

int main(int argc, char **argv)
{
	long long in_use = fz_read_number(FZ_PARAM_DIR "pages_in_use");

	w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w == MAP_FAILED)
		return KSFT_FAIL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	st_options(argc, argv);

	ksft_print_header();
	ksft_set_plan(1);
	if (access(FZ_DEV, F_OK))
		ksft_exit_skip("no " FZ_DEV "\n");
	printf("# stress --seed %llu --ops %llu --workers %u\n",
	       (unsigned long long)st_seed, (unsigned long long)st_ops_wanted,
	       w->workers);
	st_setup();
	st_run_rounds();
	st_teardown(in_use);
	st_print_summary();
	ksft_test_result_pass("stress, seed %llu, %llu ops\n",
			      (unsigned long long)st_seed,
			      (unsigned long long)w->number);
	return ksft_exit_pass();
}
