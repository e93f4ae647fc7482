// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * minivm: a very small KVM machine, to have a guest use memory.
 */
#include "minivm.h"
#include "minivm_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kvm.h>

static int set_slot(struct minivm *vm, uint32_t slot, uint64_t gpa, void *mem,
		    uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)mem,
	};

	return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) ? -errno : 0;
}

/* Whether the guest's read-only memory is unchanged. */
static bool slot0_is_whole(const struct minivm *vm)
{
	static uint8_t fresh[GPA_LIST] __attribute__((aligned(8)));

	guest_fill(fresh);
	return !memcmp(fresh, vm->slot0, GPA_PARAM) &&
	       !memcmp(fresh + GPA_CODE, vm->slot0 + GPA_CODE,
		       GPA_LIST - GPA_CODE);
}

static int minivm_init(struct minivm *vm)
{
	void *p;
	int ret;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return -errno;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return -errno;
	ret = vm->hooks.made ? vm->hooks.made(vm->hooks.arg, vm->fd) : 0;
	if (ret)
		return ret;
	p = mmap(NULL, SLOT0_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	vm->slot0 = p;
	vm->param = (struct guest_param *)(vm->slot0 + GPA_PARAM);
	guest_fill(vm->slot0);
	ret = set_slot(vm, 0, 0, vm->slot0, SLOT0_SIZE);
	if (ret)
		return ret;
	vm->vcpu = ioctl(vm->fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu < 0)
		return -errno;
	ret = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return -errno;
	vm->run_size = ret;
	p = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 vm->vcpu, 0);
	if (p == MAP_FAILED)
		return -errno;
	vm->run = p;
	return guest_init(vm);
}

int minivm_new_hooked(const struct minivm_hooks *hooks, struct minivm **out)
{
	struct minivm *vm;
	int ret;

	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	vm->kvm = -1;
	vm->fd = -1;
	vm->vcpu = -1;
	vm->lost = true;
	vm->hooks = *hooks;
	ret = minivm_init(vm);
	if (ret) {
		minivm_free(vm);
		return ret;
	}
	*out = vm;
	return 0;
}

int minivm_new(struct minivm **out)
{
	const struct minivm_hooks none = { 0 };

	return minivm_new_hooked(&none, out);
}

void minivm_free(struct minivm *vm)
{
	if (!vm)
		return;
	/* The run page keeps the vCPU and so the whole machine alive. */
	if (vm->run)
		munmap(vm->run, vm->run_size);
	if (vm->vcpu >= 0)
		close(vm->vcpu);
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->kvm >= 0)
		close(vm->kvm);
	if (vm->slot0)
		munmap(vm->slot0, SLOT0_SIZE);
	free(vm);
}

int minivm_vm_fd(const struct minivm *vm)
{
	return vm->fd;
}

int minivm_vcpu_fd(const struct minivm *vm)
{
	return vm->vcpu;
}

int minivm_set_ram(struct minivm *vm, void *ram, uint64_t size)
{
	int ret;

	if (!ram)
		size = 0;
	else if (!size || size % MINIVM_PAGE || size > MINIVM_RAM_MAX)
		return -EINVAL;
	/* KVM cannot change the size of a slot: take the old one away first. */
	if (vm->ram_size) {
		ret = set_slot(vm, MINIVM_RAM_SLOT, MINIVM_RAM_GPA, NULL, 0);
		if (ret)
			return ret;
		vm->ram_size = 0;
	}
	vm->param->count = 0;		/* the job at hand was for the old RAM */
	if (!size)
		return 0;
	ret = set_slot(vm, MINIVM_RAM_SLOT, MINIVM_RAM_GPA, ram, size);
	if (!ret)
		vm->ram_size = size;
	return ret;
}

static int check_job(const struct minivm *vm, const struct minivm_job *job)
{
	uint64_t pages = vm->ram_size / MINIVM_PAGE;
	uint64_t i;

	if (!job->count || !job->words || job->words > MINIVM_PAGE / 8)
		return -EINVAL;
	if (job->op == MINIVM_HAMMER && !job->stop)
		return -EINVAL;
	if (!job->list) {
		if (job->first >= pages)
			return -EINVAL;
		if (job->stride &&
		    job->count - 1 > (pages - 1 - job->first) / job->stride)
			return -EINVAL;
		return 0;
	}
	if (job->count > MINIVM_LIST_MAX)
		return -EINVAL;
	for (i = 0; i < job->count; i++)
		if (job->list[i] >= pages)
			return -EINVAL;
	return 0;
}

static uint64_t page_gpa(uint64_t page)
{
	return MINIVM_RAM_GPA + page * MINIVM_PAGE;
}

int minivm_prepare(struct minivm *vm, const struct minivm_job *job)
{
	struct guest_param *param = vm->param;
	const char *body;
	uint64_t *list = (uint64_t *)(vm->slot0 + GPA_LIST);
	uint64_t i;
	int ret;

	ret = check_job(vm, job);
	if (ret)
		return ret;
	switch (job->op) {
	case MINIVM_WRITE:
	case MINIVM_HAMMER:
		body = job->words == 1 ? minivm_write_one : minivm_write;
		break;
	case MINIVM_READ:
		body = minivm_read;
		break;
	case MINIVM_RDWR:
		body = minivm_rdwr;
		break;
	case MINIVM_CHECK:
		body = minivm_check;
		break;
	default:
		return -EINVAL;
	}
	param->body = GPA_CODE + (body - minivm_code);
	param->list = job->list ? GPA_LIST : 0;
	param->first = page_gpa(job->first);
	param->stride = job->stride * MINIVM_PAGE;
	param->count = job->count;
	param->words = job->words;
	param->value = job->value;
	if (job->list)
		for (i = 0; i < job->count; i++)
			list[i] = page_gpa(job->list[i]);
	vm->stop = job->op == MINIVM_HAMMER ? job->stop : NULL;
	return 0;
}

/* Lets the guest run until it has finished the job. */
static int run_guest(struct minivm *vm)
{
	struct guest_param *param = vm->param;
	struct kvm_run *run = vm->run;
	int ret;

	for (;;) {
		/* The guest looks at its own copy after each round. */
		if (vm->stop)
			param->stop = *vm->stop;
		if (ioctl(vm->vcpu, KVM_RUN, 0)) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (run->exit_reason == KVM_EXIT_INTR)
			continue;
		if (run->exit_reason == KVM_EXIT_DIRTY_RING_FULL && vm->hooks.ring_full) {
			ret = vm->hooks.ring_full(vm->hooks.arg);
			if (ret)
				return ret;
			continue;
		}
		ret = guest_exit(run);
		if (ret == GUEST_DONE)
			return 0;
		if (ret != GUEST_POLL) {
			fprintf(stderr, "minivm: the guest ended with exit reason %u, its page tables and code are %s\n",
				run->exit_reason, slot0_is_whole(vm) ?
				"as they were made" : "damaged");
			return -EIO;
		}
		param->poll = POLL_PAGES;
	}
}

int minivm_go(struct minivm *vm, struct minivm_report *rep)
{
	struct guest_param *param = vm->param;
	int ret;

	if (!param->count || !vm->ram_size)
		return -EINVAL;
	if (vm->lost) {
		ret = guest_restart(vm);
		if (ret)
			return ret;
		vm->lost = false;
	}
	param->stop = !vm->stop;
	param->poll = POLL_PAGES;
	param->rounds = 0;
	ret = run_guest(vm);
	if (ret) {
		vm->lost = true;
		return ret;
	}
	if (rep) {
		rep->pages = param->rounds * param->count;
		rep->nonzero_words = param->nonzero;
		rep->first_nonzero = param->where == ~0ull ?
				     ~0ull : param->where - MINIVM_RAM_GPA;
		rep->sum = param->sum;
		rep->rounds = param->rounds;
	}
	return 0;
}

int minivm_run(struct minivm *vm, const struct minivm_job *job,
	       struct minivm_report *rep)
{
	int ret = minivm_prepare(vm, job);

	return ret ? ret : minivm_go(vm, rep);
}
