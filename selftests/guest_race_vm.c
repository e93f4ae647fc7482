// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machines of guest_race: one vCPU that writes or reads the first word of each page of
 * a range, and ends.  The header of the processor has the guest's side.
 *
 * Each register that its code uses is known before a run begins, and is looked at
 * afterwards.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>

#include "guest_race.h"

#if defined(__x86_64__)
#include "guest_race_x86.h"
#elif defined(__aarch64__)
#include "guest_race_arm64.h"
#else
#error "guest_race has no guest code for this processor"
#endif

static int vm_set_slot(struct gr_vm *vm, uint32_t slot, uint64_t gpa, void *mem,
		       uint64_t size, uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .flags = flags, .guest_phys_addr = gpa,
		.memory_size = size, .userspace_addr = (uintptr_t)mem,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

/*
 * Sets or removes the RAM's slot.  A failure is no event if slots come and go beside a
 * running guest: then the guest finds no memory.
 */
int gr_vm_slot(struct gr_vm *vm, bool there, uint32_t flags)
{
	int ret = vm_set_slot(vm, 1, vm->gpa, vm->ram,
			      there ? vm->pages * GR_PAGE : 0, flags);

	if (!ret) {
		vm->has_slot = there;
		vm->flags = flags;
	}
	return ret;
}

/* A job takes milliseconds, or seconds on a busy machine. */
#define JOB_LATE_MS	60000

/*
 * Prints the job, the machine's answer, and whether the guest's code is intact.  Then the
 * machine is made as new: after a SHUTDOWN, for example, it has another mode.
 */
static int vm_odd_exit(struct gr_vm *vm, const struct gr_job *job, uint64_t gpa,
		       const char *what)
{
	unsigned char code[GR_CODE_SIZE];
	struct kvm_run *run = vm->run;
	unsigned long i, changed = 0;
	char registers[1024];

	guest_describe(vm, registers, sizeof(registers));
	guest_fill(code);
	for (i = 0; i < GR_CODE_SIZE; i++)
		changed += code[i] != vm->code[i];
	gr_odd_exit(vm->race,
		    "%s: vm %d exit %u; %s of %ju pages from %jx, value %x\n"
		    "#   %s\n"
		    "#   mmio %llx len %u write %u; io port %x size %u\n"
		    "#   %lu bytes of code changed; it begins %02x %02x %02x %02x\n",
		    what, vm->id, run->exit_reason,
		    job->write ? "write" : "read", (uintmax_t)job->pages,
		    (uintmax_t)(gpa + job->first * GR_PAGE), job->value,
		    registers, (unsigned long long)run->mmio.phys_addr,
		    run->mmio.len, run->mmio.is_write, run->io.port,
		    run->io.size, changed, vm->code[0], vm->code[1], vm->code[2],
		    vm->code[3]);
	/* No guest writes there, and no host. */
	if (changed)
		gr_event(vm->race, "%lu bytes of the code of vm %d changed\n",
			 changed, vm->id);
	guest_fill(vm->code);
	if (guest_again(vm))
		gr_event(vm->race, "vm %d cannot be set to its first state\n",
			 vm->id);
	return GR_ODD_EXIT;
}

/* The guest has ended: with the registers that its code leaves. */
static int vm_ended(struct gr_vm *vm, struct gr_job *job, uint64_t gpa)
{
	if (!guest_is_right(vm, job, gpa + (job->first + job->pages) * GR_PAGE))
		return vm_odd_exit(vm, job, gpa, "REGISTERS");
	atomic_fetch_add(&vm->race->runs, 1);
	return 0;
}

/* The guest found no memory: at an address of its job, or the exit is odd. */
static int vm_found_nothing(struct gr_vm *vm, const struct gr_job *job,
			    uint64_t gpa)
{
	uint64_t at = vm->run->mmio.phys_addr - gpa - job->first * GR_PAGE;

	atomic_fetch_add(&vm->race->mmio, 1);
	if (at % GR_PAGE || at / GR_PAGE >= job->pages ||
	    vm->run->mmio.len != 4 || vm->run->mmio.is_write != job->write)
		return vm_odd_exit(vm, job, gpa, "MMIO");
	return -ENXIO;
}

/*
 * A job has not ended for very long.  In its code the guest waits for memory: then the
 * host is at fault.  Elsewhere it loops for ever.
 */
static int vm_is_late(struct gr_vm *vm, const struct gr_job *job, uint64_t gpa)
{
	if (!guest_is_in_code(vm, job))
		return vm_odd_exit(vm, job, gpa, "ENDLESS");
	gr_event(vm->race, "vm %d has not ended in %ld s\n", vm->id,
		 JOB_LATE_MS * fz_slow() / 1000);
	return -ETIME;
}

static int vm_run(struct gr_vm *vm, struct gr_job *job)
{
	uint64_t gpa = vm->gpa;
	int ret;

	/*
	 * Completes a pending MMIO exit.  Otherwise its result would end in the new
	 * registers.
	 */
	vm->run->immediate_exit = 1;
	ioctl(vm->vcpu, KVM_RUN, 0);
	vm->run->immediate_exit = 0;
	ret = guest_begin(vm, job, gpa + job->first * GR_PAGE);
	if (ret)
		return ret;
	for (;;) {
		if (ioctl(vm->vcpu, KVM_RUN, 0)) {
			if ((errno == EINTR || errno == EAGAIN) &&
			    fz_now_ms() < vm->late_ms)
				continue;
			if (errno == EINTR || errno == EAGAIN)
				return vm_is_late(vm, job, gpa);
			atomic_fetch_add(&vm->race->refused, 1);
			return -errno;
		}
		if (guest_has_ended(vm->run))
			return vm_ended(vm, job, gpa);
		switch (vm->run->exit_reason) {
		case KVM_EXIT_MMIO:
			return vm_found_nothing(vm, job, gpa);
		case KVM_EXIT_INTR:
			continue;
		default:
			return vm_odd_exit(vm, job, gpa, "EXIT");
		}
	}
}

/*
 * Runs a job to its end: 0; -EFAULT if the host has nothing mapped there, -ENXIO if
 * there is no slot, GR_ODD_EXIT after an odd exit, -ETIME, an event, if it does not end;
 * another value if the registers cannot be set.
 */
int gr_vm_run(struct gr_vm *vm, struct gr_job *job)
{
	int ret;

	vm->late_ms = fz_now_ms() + JOB_LATE_MS * fz_slow();
	vm->runner = (pid_t)syscall(SYS_gettid);
	ret = vm_run(vm, job);
	vm->runner = 0;
	return ret;
}

static void vm_wake(int sig)
{
	(void)sig;
}

/* The main of a thread that wakes those whose job does not end, until the race ends. */
void *gr_vm_watch(void *race)
{
	const struct sigaction wake = { .sa_handler = vm_wake };
	struct gr_race *r = race;
	int i;

	sigaction(SIGUSR1, &wake, NULL);
	while (!r->ended) {
		usleep(200000);
		for (i = 0; i < GR_VMS; i++) {
			pid_t runner = r->vms[i].runner;

			if (runner && fz_now_ms() > r->vms[i].late_ms)
				syscall(SYS_tgkill, getpid(), runner, SIGUSR1);
		}
	}
	return NULL;
}

static void *vm_main(void *arg)
{
	struct gr_vm *vm = arg;

	while (!vm->quit) {
		struct gr_job job = { 0 };
		uint64_t random = fz_random(&vm->random);

		if (vm->stop) {
			sem_post(&vm->parked);
			while (sem_wait(&vm->go))
				;
			continue;
		}
		job.write = random % 4;
		job.first = (random >> 8) % vm->pages;
		job.pages = 1 + (random >> 24) % (vm->pages - job.first);
		if (job.pages > 256)
			job.pages = 1 + job.pages % 256;
		job.value = (uint32_t)(random >> 32) | 1;
		if (gr_vm_run(vm, &job))
			usleep(100);
	}
	return NULL;
}

/* To be called in turns, from one thread; a new machine is parked. */
void gr_vm_park(struct gr_vm *vm)
{
	vm->stop = true;
	while (sem_wait(&vm->parked))
		;
}

void gr_vm_go(struct gr_vm *vm)
{
	vm->stop = false;
	sem_post(&vm->go);
}

int gr_vm_new(struct gr_race *r, struct gr_vm *vm, int id)
{
	void *p;
	int ret;

	memset(vm, 0, sizeof(*vm));
	vm->id = id;
	vm->race = r;
	vm->random = r->o.seed * 31 + r->memories * 7 + (uint64_t)id * 977 + 1;
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return -errno;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	vm->code = mmap(NULL, GR_CODE_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm->fd < 0 || vm->code == MAP_FAILED)
		return -errno;
	guest_fill(vm->code);
	ret = vm_set_slot(vm, 0, 0, vm->code, GR_CODE_SIZE, 0);
	if (ret)
		return ret;
	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	vm->run_size = (size_t)ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	p = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 vm->vcpu, 0);
	if (vm->vcpu < 0 || p == MAP_FAILED)
		return -errno;
	vm->run = p;
	ret = guest_init(vm);
	if (ret)
		return ret;
	sem_init(&vm->go, 0, 0);
	sem_init(&vm->parked, 0, 0);
	vm->stop = true;
	if (pthread_create(&vm->thread, NULL, vm_main, vm))
		return -EAGAIN;
	sem_wait(&vm->parked);
	return 0;
}

/* It must be parked. */
void gr_vm_free(struct gr_vm *vm)
{
	vm->quit = true;
	sem_post(&vm->go);
	pthread_join(vm->thread, NULL);
	/* The run page would keep the machine alive. */
	munmap(vm->run, vm->run_size);
	munmap(vm->code, GR_CODE_SIZE);
	close(vm->vcpu);
	close(vm->fd);
	close(vm->kvm);
}
