// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first run of a guest, after POPULATE and KVM_PRE_FAULT_MEMORY: none of its pages
 * takes a nested fault.
 */
#include "kselftest_harness.h"
#include "fz_fixture.h"
#include "minivm.h"

#include <linux/kvm.h>

#ifndef KVM_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY 236
#define KVM_PRE_FAULT_MEMORY	_IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)
struct kvm_pre_fault_memory {
	uint64_t gpa;
	uint64_t size;
	uint64_t flags;
	uint64_t padding[5];
};
#endif

#define PAGES	600ULL			/* a chunk and a bit of the next */
#define STRIDE	3ULL			/* the guest uses every third */
#define USED	(PAGES / STRIDE)
#define SIZE	(PAGES * fz_ps)
#define TAKEN	"/sys/kernel/debug/kvm/pf_taken"

FIXTURE(prefault) {
	FZ_SCRATCH;
	struct minivm *vm;
};

FIXTURE_SETUP(prefault)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	bool can;

	if (kvm < 0)
		FZ_SKIP_ALL("no /dev/kvm");
	can = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_PRE_FAULT_MEMORY) > 0;
	close(kvm);
	if (!can)
		FZ_SKIP_ALL("not in this kernel");
	FZ_SCRATCH_SETUP(SIZE, 0, FASTZERO_PAGES_4K);
	ASSERT_EQ(0, minivm_new(&self->vm));
	ASSERT_EQ(0, minivm_set_ram(self->vm, self->map, SIZE));
	ASSERT_LE(0, fz_read_number(TAKEN)) TH_LOG("no " TAKEN);
}

FIXTURE_TEARDOWN(prefault)
{
	minivm_free(self->vm);
	FZ_SCRATCH_TEARDOWN();
}

/* The guest writes its pages.  Returns its nested faults. */
static long long run(struct minivm *vm, int *err)
{
	struct minivm_job job = {
		.op = MINIVM_WRITE, .stride = STRIDE, .count = USED,
		.words = 1, .value = 7,
	};
	struct minivm_report report = { 0 };
	long long before = fz_read_number(TAKEN);

	*err = minivm_run(vm, &job, &report);
	return fz_read_number(TAKEN) - before;
}

#define RUN() ({							\
	int err_;							\
	long long faults_ = run(self->vm, &err_);			\
	ASSERT_EQ(0, err_);						\
	faults_; })

/* Tell KVM of the pages, one by one as a working set has them; may be interrupted. */
static int pre_fault(const struct minivm *vm, uint64_t page)
{
	struct kvm_pre_fault_memory arg = {
		.gpa = MINIVM_RAM_GPA + page * fz_ps, .size = fz_ps,
	};
	int ret;

	do {
		ret = ioctl(minivm_vcpu_fd(vm), KVM_PRE_FAULT_MEMORY, &arg);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	return FZ_ERRNO(ret);
}

TEST_F(prefault, first_run_has_no_nested_fault)
{
	struct minivm_job job = {
		.op = MINIVM_CHECK, .stride = 1, .count = PAGES, .words = 512,
	};
	struct minivm_report report = { 0 };
	uint64_t page;

	EXPECT_LE(USED, RUN());
	EXPECT_EQ(0, RUN());
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(USED, fz_populate(self->fd, 0, SIZE,
				    FASTZERO_POPULATE_WORKSET).out_added);
	/* Mapped in the VMM alone. */
	EXPECT_LE(USED, RUN());

	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	EXPECT_EQ(USED, fz_populate(self->fd, 0, SIZE,
				    FASTZERO_POPULATE_WORKSET).out_added);
	for (page = 0; page < PAGES; page += STRIDE)
		ASSERT_EQ(0, pre_fault(self->vm, page));
	EXPECT_EQ(0, RUN());
	EXPECT_EQ(USED, fz_stats(self->fd).out_populated);
	/* And it is a guest's mapping as any other: a reset is seen. */
	fz_reset(self->fd, 0, SIZE, FASTZERO_MODE_DROP);
	ASSERT_EQ(0, minivm_run(self->vm, &job, &report));
	EXPECT_EQ(PAGES, report.pages);
	EXPECT_EQ(0, report.nonzero_words);
}

TEST_HARNESS_MAIN
