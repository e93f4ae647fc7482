// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An unmodified QEMU boots Linux with its RAM on fastzero, again and again.
 *
 *	qemu-demo VMLINUZ INITRAMFS [MiB]
 *
 * The first guest finds the memory by the path /dev/fastzero alone; a copy of
 * QEMU's descriptor outlives QEMU and serves to read its memory afterwards and to reset
 * it.  The others run on one scratch of ours, whose descriptor
 * they open by way of /proc; a scratch is a file like any other.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/fastzero.h>
#include <linux/kvm.h>

#define DEVICE	"/dev/fastzero"
#define DONE	"wrote over "	/* last line of guest-init */

struct demo {
	const char *kernel;
	const char *initramfs;
	unsigned long mib;
	int failed;
};

struct guest {
	pid_t pid;
	FILE *console;
};

static void die(const char *what)
{
	fprintf(stderr, "qemu-demo: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Starts QEMU with its RAM in the file at path. */
static struct guest start(const struct demo *d, const char *path)
{
	struct guest g;
	char mem[32], backend[128];
	int out[2];

	snprintf(mem, sizeof(mem), "%luM", d->mib);
	snprintf(backend, sizeof(backend),
		 "memory-backend-file,id=m,mem-path=%s,share=on,size=%s",
		 path, mem);
	printf("qemu-demo: qemu-system-x86_64 -accel kvm -object %s -machine memory-backend=m\n",
	       backend);

	if (pipe2(out, O_CLOEXEC))
		die("pipe");
	g.pid = fork();
	if (g.pid < 0)
		die("fork");
	if (g.pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execlp("qemu-system-x86_64", "qemu-system-x86_64",
		       "-nodefaults", "-no-user-config", "-no-reboot",
		       "-display", "none", "-serial", "stdio",
		       "-accel", "kvm", "-cpu", "host", "-m", mem,
		       "-object", backend, "-machine", "memory-backend=m",
		       "-kernel", d->kernel, "-initrd", d->initramfs,
		       "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
		       NULL);
		die("qemu-system-x86_64");
	}
	close(out[1]);
	g.console = fdopen(out[0], "r");
	if (!g.console)
		die("fdopen");
	return g;
}

/*
 * Shows the guest's output until the guest ends.  Counts as failed if the guest reports
 * trouble.
 */
static void finish(struct demo *d, struct guest *g)
{
	char line[512];
	int status, done = 0;

	while (fgets(line, sizeof(line), g->console)) {
		printf("    guest: %s", line);
		done |= !strncmp(line, DONE, strlen(DONE));
	}
	fclose(g->console);
	if (waitpid(g->pid, &status, 0) < 0)
		die("waitpid");
	if (status || !done) {
		printf("qemu-demo: FAILED: the guest did not come to its end (QEMU: 0x%x)\n",
		       status);
		d->failed = 1;
	}
}

/* Gets a copy of the descriptor by which a running QEMU holds the device. */
static int take_device(const struct guest *g)
{
	struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };
	int pidfd = syscall(SYS_pidfd_open, g->pid, 0);
	int i, fd, copy;

	if (pidfd < 0)
		die("pidfd_open");
	for (i = 0; i < 500; i++) {
		for (fd = 0; fd < 64; fd++) {
			char link[64], to[PATH_MAX];
			ssize_t n;

			snprintf(link, sizeof(link), "/proc/%d/fd/%d", g->pid, fd);
			n = readlink(link, to, sizeof(to) - 1);
			if (n < 0)
				continue;
			to[n] = 0;
			if (strcmp(to, DEVICE))
				continue;
			copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
			if (copy < 0)
				die("pidfd_getfd");
			close(pidfd);
			return copy;
		}
		nanosleep(&nap, NULL);
	}
	errno = ETIMEDOUT;
	die("waiting for QEMU to open " DEVICE);
	return -1;
}

/* Every byte, through a mapping of its own. */
static uint64_t count_nonzero(const struct demo *d, int fd)
{
	size_t size = d->mib << 20, i;
	uint64_t *ram, n = 0;

	ram = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (ram == MAP_FAILED)
		die("mmap");
	for (i = 0; i < size / sizeof(*ram); i++) {
		uint64_t word = ram[i];

		for (; word; word >>= 8)
			n += !!(word & 0xff);
	}
	munmap(ram, size);
	return n;
}

/* Counts, resets and counts again. */
static void reset(struct demo *d, int fd, const char *name)
{
	struct fastzero_reset r = {
		.size = sizeof(r),
		.length = (uint64_t)d->mib << 20,
	};
	struct timespec t0, t1;
	uint64_t before, after;

	before = count_nonzero(d, fd);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	if (ioctl(fd, FASTZERO_IOC_RESET, &r))
		die("RESET");
	clock_gettime(CLOCK_MONOTONIC, &t1);
	after = count_nonzero(d, fd);
	printf("qemu-demo: %s: non-zero bytes before RESET %llu, after RESET %llu (%llu pages, %.1f ms)\n",
	       name, (unsigned long long)before, (unsigned long long)after,
	       (unsigned long long)(r.out_cleared + r.out_swapped + r.out_dropped),
	       (t1.tv_sec - t0.tv_sec) * 1e3 + (t1.tv_nsec - t0.tv_nsec) / 1e6);
	if (!before || after) {
		printf("qemu-demo: FAILED: there must be some before and none after\n");
		d->failed = 1;
	}
}

int main(int argc, char **argv)
{
	struct demo d = { .mib = 128 };
	struct fastzero_create c = { .size = sizeof(c) };
	struct guest g;
	char path[64];
	int first, ctx;

	if (argc < 3) {
		fprintf(stderr, "usage: qemu-demo VMLINUZ INITRAMFS [MiB]\n");
		return 2;
	}
	d.kernel = argv[1];
	d.initramfs = argv[2];
	if (argc > 3)
		d.mib = strtoul(argv[3], NULL, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* KVM patches its kernel for the first machine and after the last. */
	if (ioctl(open("/dev/kvm", O_RDWR | O_CLOEXEC), KVM_CREATE_VM, 0) < 0)
		die("/dev/kvm");

	printf("qemu-demo: boot 1: RAM by the path alone (that QEMU cannot ftruncate a device is harmless)\n");
	g = start(&d, DEVICE);
	first = take_device(&g);
	finish(&d, &g);

	ctx = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (ctx < 0)
		die(DEVICE);
	c.length = (uint64_t)d.mib << 20;
	if (ioctl(ctx, FASTZERO_IOC_CREATE, &c))
		die("CREATE");
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), c.out_fd);

	printf("qemu-demo: boot 2: RAM on a scratch; meanwhile the RAM of boot 1 is reset\n");
	g = start(&d, path);
	reset(&d, first, "RAM of boot 1");
	close(first);
	finish(&d, &g);
	reset(&d, c.out_fd, "RAM of boot 2");

	printf("qemu-demo: boot 3: the same scratch again\n");
	g = start(&d, path);
	finish(&d, &g);
	reset(&d, c.out_fd, "RAM of boot 3");

	printf("qemu-demo: %s\n", d.failed ? "FAILED" : "every byte is zero");
	return d.failed;
}
