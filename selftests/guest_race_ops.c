// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations of guest_race on the memory of running guests.  On a memfd a hole punch
 * stands for a reset, and POPULATE and the pool do nothing.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include "guest_race.h"

static void ops_pause(struct gr_race *r, uint64_t most_us)
{
	usleep((useconds_t)gr_rand(r, most_us));
}

/* A part of the memory, of any length. */
static uint64_t ops_range(struct gr_race *r, uint64_t *pages)
{
	uint64_t first = gr_rand(r, r->pages);

	*pages = 1 + gr_rand(r, r->pages - first);
	return first;
}

static uint32_t ops_mode(struct gr_race *r)
{
	uint32_t mode = (uint32_t)gr_rand(r, 4);

	if ((mode == FASTZERO_MODE_SWAP && !gr_has(r, GR_SWAP)) ||
	    (mode == FASTZERO_MODE_DROP && !gr_has(r, GR_DROP)))
		mode = FASTZERO_MODE_INPLACE;
	return mode;
}

/* errno, or 0. */
int gr_reset(struct gr_race *r, uint64_t first, uint64_t pages)
{
	r->resets++;
	if (r->o.memfd)
		return FZ_ERRNO(fallocate(r->fd, FALLOC_FL_PUNCH_HOLE |
					  FALLOC_FL_KEEP_SIZE,
					  (off_t)(first * GR_PAGE),
					  (off_t)(pages * GR_PAGE)));
	return FZ_ERRNO(fz_raw_clear(r->fd, first * GR_PAGE, pages * GR_PAGE,
				     ops_mode(r)));
}

static void ops_reset(struct gr_race *r, uint64_t first, uint64_t pages)
{
	int err = gr_reset(r, first, pages);

	if (err)
		gr_event(r, "a reset beside guests: %s\n", strerror(err));
}

/* A child that reads some of it, and is killed at any moment. */
static void ops_fork(struct gr_race *r)
{
	pid_t pid = fork();
	uint64_t i;

	if (!pid) {
		signal(SIGBUS, SIG_DFL);
		for (i = 0; i < r->pages; i += 7)
			(void)*(volatile char *)(r->map + i * GR_PAGE);
		_exit(0);
	}
	ops_pause(r, 1000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Away and back, with a reset in between. */
static void ops_mremap(struct gr_race *r, uint64_t first, uint64_t pages)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	size_t size = r->pages * GR_PAGE;
	void *to = mmap(NULL, size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (to == MAP_FAILED)
		return;
	/* It may be in parts, after other operations; then all stays. */
	if (mremap(r->map, size, size, flags | (gr_one(r, 3) ?
		   MREMAP_DONTUNMAP : 0), to) != MAP_FAILED) {
		ops_pause(r, 300);
		if (gr_has(r, GR_RESET))
			ops_reset(r, first, pages);
		if (mremap(to, size, size, flags, r->map) == MAP_FAILED)
			gr_event(r, "mremap back: %s\n", strerror(errno));
	}
	munmap(to, size);
}

static uint32_t ops_log(struct gr_race *r)
{
	return r->logging ? KVM_MEM_LOG_DIRTY_PAGES : 0;
}

/* Deleted, and made again, at the same place or another. */
static void ops_slot(struct gr_race *r, struct gr_vm *vm)
{
	gr_vm_slot(vm, false, 0);
	if (gr_one(r, 2) && gr_has(r, GR_RESET))
		ops_reset(r, 0, r->pages);
	if (gr_one(r, 3))
		vm->gpa = GR_RAM_GPA + gr_rand(r, 512) * GR_PAGE;
	if (gr_vm_slot(vm, true, ops_log(r)))
		gr_event(r, "a slot cannot be made again\n");
}

static void ops_protect(struct gr_race *r, uint64_t first, uint64_t pages)
{
	mprotect(r->map + first * GR_PAGE, pages * GR_PAGE, PROT_READ);
	ops_pause(r, 200);
	mprotect(r->map + first * GR_PAGE, pages * GR_PAGE,
		 PROT_READ | PROT_WRITE);
}

static void ops_unmap(struct gr_race *r, uint64_t first, uint64_t pages)
{
	unsigned char *at = r->map + first * GR_PAGE;

	munmap(at, pages * GR_PAGE);
	ops_pause(r, 200);
	if (mmap(at, pages * GR_PAGE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, r->fd, (off_t)(first * GR_PAGE)) ==
	    MAP_FAILED)
		gr_event(r, "mmap again: %s\n", strerror(errno));
}

static void ops_populate(struct gr_race *r, uint64_t first, uint64_t pages)
{
	if (r->o.memfd)
		return;
	fz_raw_populate(r->fd, first * GR_PAGE, pages * GR_PAGE,
			gr_one(r, 2) ? FASTZERO_POPULATE_WORKSET : 0, NULL);
	if (!gr_has(r, GR_POOL))
		return;
	if (gr_one(r, 2))
		fz_raw_pool(r->ctx, gr_rand(r, 300), 0, NULL);
	else
		fz_raw_pool_huge(r->ctx, gr_rand(r, 4), 0);
}

static void ops_one(struct gr_race *r)
{
	enum gr_part part = (enum gr_part)gr_rand(r, GR_CLOSE);
	struct gr_vm *vm = &r->vms[gr_rand(r, r->nr_vms)];
	uint64_t first, pages;

	/* Every other is a reset. */
	if (gr_one(r, 2))
		part = GR_RESET;
	if (!gr_has(r, part))
		return;
	first = ops_range(r, &pages);
	switch (part) {
	case GR_RESET:
		if (gr_one(r, 3))
			ops_reset(r, 0, r->pages);
		else
			ops_reset(r, first, pages);
		break;
	case GR_DONTNEED:
		madvise(r->map + first * GR_PAGE, pages * GR_PAGE, MADV_DONTNEED);
		break;
	case GR_FORK:
		ops_fork(r);
		break;
	case GR_MREMAP:
		ops_mremap(r, first, pages);
		break;
	case GR_SLOT:
		ops_slot(r, vm);
		break;
	case GR_LOG:
		gr_vm_slot(vm, true, gr_one(r, 2) ? KVM_MEM_LOG_DIRTY_PAGES : 0);
		break;
	case GR_PROTECT:
		ops_protect(r, first, pages);
		break;
	case GR_UNMAP:
		ops_unmap(r, first, pages);
		break;
	default:
		ops_populate(r, first, pages);
		break;
	}
}

/* Some, beside guests that run; parked again they are left with a slot each. */
void gr_ops(struct gr_race *r)
{
	uint64_t nr = 1 + gr_rand(r, 3);
	unsigned int i;

	for (i = 0; i < r->nr_vms; i++)
		gr_vm_go(&r->vms[i]);
	while (nr--) {
		ops_one(r);
		if (gr_one(r, 2))
			ops_pause(r, 400);
	}
	for (i = 0; i < r->nr_vms; i++)
		gr_vm_park(&r->vms[i]);
	for (i = 0; i < r->nr_vms; i++)
		if (gr_vm_slot(&r->vms[i], true, ops_log(r)))
			gr_event(r, "a slot cannot be changed\n");
}

/* A scratch, or the memfd that is the control. */
static int ops_create(struct gr_race *r)
{
	uint32_t policy = (uint32_t)gr_rand(r, 3);
	uint32_t flags = 0;

	r->ctx = -1;
	if (r->o.memfd) {
		r->fd = memfd_create("guest_race", MFD_CLOEXEC);
		return r->fd < 0 ? -errno :
		       FZ_ERRNO(ftruncate(r->fd, (off_t)(r->pages * GR_PAGE)));
	}
	if (!gr_has(r, GR_2M))
		policy = FASTZERO_PAGES_4K;
	if (policy != FASTZERO_PAGES_2M && gr_one(r, 3))
		flags |= FASTZERO_CREATE_ZEROPAGE;
	r->ctx = fz_raw_open();
	if (r->ctx < 0)
		return -errno;
	if (gr_has(r, GR_POOL)) {
		if (gr_one(r, 2))
			fz_raw_pool(r->ctx, gr_rand(r, 500), 0, NULL);
		if (gr_one(r, 2))
			fz_raw_pool_huge(r->ctx, gr_rand(r, 4), 0);
	}
	r->fd = fz_raw_create(r->ctx, r->pages * GR_PAGE, flags, policy, 0);
	return r->fd < 0 ? -errno : 0;
}

/* Maps it where 2 MiB fit, or not; and a second time, or not. */
static int ops_map(struct gr_race *r)
{
	size_t size = r->pages * GR_PAGE;

	r->map = r->area;
	if (gr_one(r, 3))
		r->map += gr_rand(r, 512) * GR_PAGE;
	if (mmap(r->map, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 r->fd, 0) == MAP_FAILED)
		return -errno;
	r->second = NULL;
	if (gr_one(r, 2)) {
		r->second = r->area + GR_AREA / 2;
		if (mmap(r->second, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, r->fd, 0) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

/* Another memory for the machines, which are parked: 0 or -errno. */
int gr_new_memory(struct gr_race *r)
{
	unsigned int i;
	int ret;

	r->memories++;
	r->pages = 16 + gr_rand(r, 240);
	if (gr_has(r, GR_2M) && gr_one(r, 4))
		r->pages += 512 * (1 + gr_rand(r, 2));
	r->logging = gr_has(r, GR_LOG) && gr_one(r, 3);
	r->nr_vms = gr_has(r, GR_TWO) ? 1 + (unsigned int)gr_rand(r, 2) : 1;
	ret = ops_create(r);
	if (!ret)
		ret = ops_map(r);
	for (i = 0; i < r->nr_vms && !ret; i++) {
		struct gr_vm *vm = &r->vms[i];

		if (r->o.churn)
			ret = gr_vm_new(r, vm, (int)i);
		vm->first = gr_one(r, 2) ? 0 : gr_rand(r, r->pages / 2);
		vm->pages = r->pages - vm->first;
		vm->ram = (i && r->second ? r->second : r->map) +
			  vm->first * GR_PAGE;
		vm->gpa = GR_RAM_GPA + (gr_one(r, 2) ? 0 :
					gr_rand(r, 512) * GR_PAGE);
		if (!ret)
			ret = gr_vm_slot(vm, true, ops_log(r));
	}
	return ret;
}

static void ops_close(struct gr_race *r)
{
	if (r->fd >= 0)
		close(r->fd);
	if (r->ctx >= 0)
		close(r->ctx);
	r->fd = -1;
	r->ctx = -1;
}

/* Unmaps the memory, but keeps its addresses, because slots still refer to them. */
static void ops_unmap_all(struct gr_race *r)
{
	mmap(r->area, GR_AREA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	     MAP_NORESERVE | MAP_FIXED, -1, 0);
}

/* The end of the memory: in any order, sometimes with the guests still running. */
void gr_end_memory(struct gr_race *r)
{
	bool running = gr_has(r, GR_CLOSE) && !gr_one(r, 3);
	unsigned int i;

	for (i = 0; i < r->nr_vms && running; i++)
		gr_vm_go(&r->vms[i]);
	switch (gr_rand(r, 3)) {
	case 0:
		ops_close(r);
		ops_pause(r, 1000);
		break;
	case 1:
		ops_unmap_all(r);
		ops_pause(r, 1000);
		if (gr_has(r, GR_RESET))
			ops_reset(r, 0, r->pages);
		break;
	default:
		break;
	}
	if (gr_one(r, 2)) {
		ops_close(r);
		ops_unmap_all(r);
	}
	for (i = 0; i < r->nr_vms; i++) {
		if (running)
			gr_vm_park(&r->vms[i]);
		if (r->o.churn)
			gr_vm_free(&r->vms[i]);
		else
			gr_vm_slot(&r->vms[i], false, 0);
	}
	ops_close(r);
	ops_unmap_all(r);
}
