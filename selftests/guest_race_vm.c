// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machines of guest_race: one vCPU that writes or reads the first word of each page of
 * a range, and ends.  The header of the processor has the guest's side.
 *
 * Every register at the end of a run is known before it begins, and is looked at.
 */
#define _GNU_SOURCE
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

/* Prints the job, the machine's answer, and whether the guest's code is intact. */
static void vm_report(struct gr_vm *vm, const struct gr_job *job, uint64_t gpa,
		      const char *what)
{
	static unsigned char code[GR_CODE_SIZE];
	struct kvm_run *run = vm->run;
	unsigned long i, odd = 0;
	char registers[512];

	guest_describe(vm, registers, sizeof(registers));
	guest_fill(code);
	for (i = 0; i < GR_CODE_SIZE; i++)
		odd += code[i] != vm->code[i];
	gr_event(vm->race,
		 "%s: vm %d exit %u; %s of %ju pages from %jx, value %x\n"
		 "  %s\n"
		 "  mmio %llx len %u write %u; io port %x size %u\n"
		 "  %lu bytes of code changed; it begins %02x %02x %02x %02x\n",
		 what, vm->id, run->exit_reason, job->write ? "write" : "read",
		 (uintmax_t)job->pages,
		 (uintmax_t)(gpa + job->first * GR_PAGE), job->value, registers,
		 (unsigned long long)run->mmio.phys_addr, run->mmio.len,
		 run->mmio.is_write, run->io.port, run->io.size, odd, vm->code[0],
		 vm->code[1], vm->code[2], vm->code[3]);
}

/* The guest has ended: with the registers that its code leaves. */
static int vm_ended(struct gr_vm *vm, struct gr_job *job, uint64_t gpa)
{
	if (!guest_is_right(vm, job, gpa + (job->first + job->pages) * GR_PAGE)) {
		vm_report(vm, job, gpa, "REGISTERS");
		return -EILSEQ;
	}
	atomic_fetch_add(&vm->race->runs, 1);
	return 0;
}

/* Where no memory is (any more): an address of the job, or something is wrong. */
static int vm_found_nothing(struct gr_vm *vm, const struct gr_job *job,
			    uint64_t gpa)
{
	uint64_t at = vm->run->mmio.phys_addr - gpa - job->first * GR_PAGE;

	atomic_fetch_add(&vm->race->mmio, 1);
	if (at % GR_PAGE || at / GR_PAGE >= job->pages ||
	    vm->run->mmio.len != 4 || vm->run->mmio.is_write != job->write)
		vm_report(vm, job, gpa, "MMIO");
	return -ENXIO;
}

/*
 * Runs a job to its end: 0; -EFAULT if the host has nothing mapped there, -ENXIO if
 * there is no slot; another value is an event, and has been reported.
 */
int gr_vm_run(struct gr_vm *vm, struct gr_job *job)
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
			if (errno == EINTR || errno == EAGAIN)
				continue;
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
			vm_report(vm, job, gpa, "EXIT");
			return -EILSEQ;
		}
	}
}

static void *vm_main(void *arg)
{
	struct gr_vm *vm = arg;

	while (!vm->quit) {
		struct gr_job job = { 0 };
		uint64_t random = fz_random(&vm->random);

		if (vm->stop) {
			sem_post(&vm->parked);
			sem_wait(&vm->go);
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
	sem_wait(&vm->parked);
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
