// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For docs/guest-race.md: KVM machines on anonymous memory, without fastzero.  Two vCPUs
 * run code whose registers and store are known; anything else is an odd event.
 *
 *	machines SECONDS SEED			machines come and go
 *	machines SECONDS SEED MODULE [PARAMS]	they stay, and the module is loaded
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define RAM		65536
#define CODE(id)	((id) * 0x100)
#define DATA(id)	(0x1000 + (id) * 0x1000)
#define RUNS		4
#define ODD_MAX		50
#define SPINNERS	2

struct machine {
	int vm, vcpu;
	struct kvm_run *run;
	unsigned char *ram;
	pthread_t thread;
	unsigned int id, seed;
};

static int kvm, run_size;
static bool stay;
static double end;
static unsigned long runs, odd, loops;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* Adds to eax ecx times, stores eax at esi, and halts. */
static void machine_code(struct machine *m)
{
	const unsigned char code[] = {
		0x83, 0xc0, m->id ? 7 : 3,	/* add $N, %eax */
		0xe2, 0xfb,			/* loop back */
		0x89, 0x06,			/* mov %eax, (%esi) */
		0xf4,				/* hlt */
	};

	memcpy(m->ram + CODE(m->id), code, sizeof(code));
}

static void machine_new(struct machine *m)
{
	struct kvm_userspace_memory_region region = { .memory_size = RAM };
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1,
		.db = 1, .g = 1,
	};
	struct kvm_segment data = code;
	struct kvm_sregs sregs;

	data.type = 3;
	data.selector = 16;
	m->vm = ioctl(kvm, KVM_CREATE_VM, 0);
	must(m->vm >= 0, "KVM_CREATE_VM");
	m->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(m->ram != MAP_FAILED, "mmap");
	machine_code(m);
	region.userspace_addr = (uintptr_t)m->ram;
	must(!ioctl(m->vm, KVM_SET_USER_MEMORY_REGION, &region), "memory slot");
	m->vcpu = ioctl(m->vm, KVM_CREATE_VCPU, 0);
	must(m->vcpu >= 0, "KVM_CREATE_VCPU");
	m->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->vcpu, 0);
	must(m->run != MAP_FAILED, "mmap of the vCPU");
	must(!ioctl(m->vcpu, KVM_GET_SREGS, &sregs), "KVM_GET_SREGS");
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.ss = data;
	sregs.cr0 |= 1;
	must(!ioctl(m->vcpu, KVM_SET_SREGS, &sregs), "KVM_SET_SREGS");
}

static void machine_end(struct machine *m)
{
	munmap(m->run, run_size);
	munmap(m->ram, RAM);
	close(m->vcpu);
	close(m->vm);
}

static void machine_run(struct machine *m)
{
	unsigned int n = 2000 + rand_r(&m->seed) % 60000;
	unsigned int first = rand_r(&m->seed);
	uint32_t want = first + n * (m->id ? 7 : 3), stored;
	struct kvm_regs regs = {
		.rip = CODE(m->id), .rflags = 2, .rax = first, .rcx = n,
		.rbx = first ^ 0x5555, .rsi = DATA(m->id), .rsp = 0x8000,
	}, got;
	int ret;

	must(!ioctl(m->vcpu, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	do {
		ret = ioctl(m->vcpu, KVM_RUN, 0);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	must(!ioctl(m->vcpu, KVM_GET_REGS, &got), "KVM_GET_REGS");
	memcpy(&stored, m->ram + DATA(m->id), sizeof(stored));
	__atomic_add_fetch(&runs, 1, __ATOMIC_RELAXED);
	if (!ret && m->run->exit_reason == KVM_EXIT_HLT && (uint32_t)got.rax == want &&
	    !got.rcx && got.rbx == regs.rbx && got.rip == regs.rip + 8 && stored == want)
		return;
	__atomic_add_fetch(&odd, 1, __ATOMIC_RELAXED);
	printf("ODD: machine %u of pair %lu: %d, exit %u, stored %x\n", m->id, loops, ret,
	       m->run->exit_reason, stored);
	printf("  rip %llx rax %llx (not %x) rcx %llx rbx %llx\n", got.rip, got.rax, want,
	       got.rcx, got.rbx);
}

static void *machine_thread(void *arg)
{
	struct machine *m = arg;
	int i;

	for (i = 0; stay ? now() < end && odd < ODD_MAX : i < RUNS; i++)
		machine_run(m);
	return NULL;
}

/* Makes the scheduler take the vCPUs' threads off their processors. */
static void spin(void)
{
	volatile unsigned int i;
	int k;

	for (k = 0; k < SPINNERS; k++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (i = 0;; i++)
			;
	}
}

static void load(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0, path);
	must(!syscall(SYS_finit_module, fd, params, 0), path);
	close(fd);
}

int main(int argc, char **argv)
{
	struct machine pair[2];
	unsigned int i, seed;
	double next;

	if (argc < 3) {
		fprintf(stderr, "usage: machines SECONDS SEED [MODULE [PARAMS]]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	end = now() + atof(argv[1]);
	seed = atoi(argv[2]);
	stay = argc > 3;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	must(kvm >= 0, "/dev/kvm");
	run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	spin();
	for (next = now() + 10; now() < end && odd < ODD_MAX; loops++) {
		memset(pair, 0, sizeof(pair));
		for (i = 0; i < 2; i++) {
			pair[i].id = i;
			pair[i].seed = seed++ * 2654435761U;
			machine_new(&pair[i]);
		}
		if (stay)
			load(argv[3], argc > 4 ? argv[4] : "");
		for (i = 0; i < 2; i++)
			must(!pthread_create(&pair[i].thread, NULL, machine_thread, &pair[i]),
			     "pthread_create");
		for (i = 0; i < 2; i++)
			pthread_join(pair[i].thread, NULL);
		for (i = 0; i < 2; i++)
			machine_end(&pair[i]);
		if (now() > next) {
			printf("%lu pairs, %lu runs, %lu odd\n", loops, runs, odd);
			next = now() + 20;
		}
	}
	printf("machines: %lu pairs, %lu runs, %lu odd\n", loops, runs, odd);
	return odd ? 1 : 0;
}
