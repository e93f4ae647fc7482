# SPDX-License-Identifier: GPL-2.0-or-later
#
# make prints what there is to be made.

KERNEL ?= 6.1
KDIR ?= /lib/modules/$(shell uname -r)/build
RELEASE = $(shell sed -n 's|.*UTS_RELEASE "\(.*\)".*|\1|p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
OUT ?= build/module-$(RELEASE)$(if $(TEST_NO_RECHECK),-no-recheck)$(if $(TEST_QUARANTINE),-quarantine)

VM := selftests/vm

help:
	@sed -n 's/^#: //p' Makefile

# As root, what is missing is installed; otherwise the command is printed.
deps:
	@scripts/deps

#: For a host; KDIR=the kernel headers, by default those of the running kernel:
#:   make module            build fastzero.ko for the kernel of KDIR, into OUT
#:   make modules_install   install it for that kernel (as root)
#:   make userspace         build libfastzero, the examples and the tools
#:   make install           install library, header and tools (PREFIX, DESTDIR)
$(OUT)/Kbuild: FORCE
	@test -n "$(RELEASE)" || { \
		echo "KDIR=$(KDIR) is not a kernel build directory;" \
		     "for the running kernel: apt-get install linux-headers-$$(uname -r)" >&2; \
		exit 1; }
	@mkdir -p $(OUT)
	@rm -rf $(OUT)/module/compat/tests
	@cp -a Kbuild META module uapi $(OUT)/

module: $(OUT)/Kbuild
	@sh $(OUT)/module/compat/probe.sh $(KDIR) $(OUT)
	$(MAKE) -C $(KDIR) M=$(abspath $(OUT)) W=1 \
		$(if $(TEST_NO_RECHECK),FZ_TEST_NO_RECHECK=1) \
		$(if $(TEST_QUARANTINE),FZ_TEST_QUARANTINE=1) modules

# In place, for DKMS, which works on a copy of its own.
dkms:
	@sh module/compat/probe.sh $(KDIR) .
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install: module
	$(MAKE) -C $(KDIR) M=$(abspath $(OUT)) modules_install
	depmod -b "$(INSTALL_MOD_PATH)/" $(RELEASE)

userspace:
	$(MAKE) -C userspace

install: userspace
	$(MAKE) -C userspace install

#:
#: In a VM under emulation (Debian 12; what is missing is installed if root):
#:   make demo              a guest on scratch memory, and QEMU
#:   make demo HOST=1       the same on this machine itself
#:   make check             lint, unit tests, selftests in the VM, demo, bench-guard
demo:
	@scripts/demo $(if $(HOST),--host) "$(KERNEL)"

check: deps
	@scripts/check "$(KERNEL)"

#:   make lint              sparse and warnings, checkpatch, kernel-doc, shellcheck, docs
#:   make unit              unit tests, on this machine
#:   make selftests         build the selftests
LINTS := sparse checkpatch kernel-doc shellcheck docs
lint: $(LINTS:%=lint-%)

$(LINTS:%=lint-%): lint-%:
	@scripts/lint $* "$(KERNEL)"

unit:
	@scripts/unit

selftests: selftests-programs
	@headers=$$($(VM)/kernel path "$(KERNEL)" headers) && \
		$(MAKE) -C selftests pin KDIR="$$headers"

# The same for all kernels, and so with the harness of one.
selftests-programs:
	$(MAKE) -C selftests programs \
		KSFT_DIR=$$($(VM)/kernel path 6.1 source)/tools/testing/selftests

#:   make bench             the benchmark (KERNEL=6.1); results in build/bench
#:   make bench-quick       a part of it that is the same in every run
#:   make bench-guard       the same, and whether it is worse than the reference
#:   make bench-compare A=a.json B=b.json
bench: deps-bench
	@scripts/bench full "$(KERNEL)"

bench-quick: deps-bench
	@scripts/bench quick "$(KERNEL)"

bench-guard: deps-bench
	@scripts/bench guard "$(KERNEL)"

deps-bench:
	@scripts/deps $(if $(filter-out 6.1,$(KERNEL)),kernels)

bench-compare:
	@scripts/bench compare "$(A)" "$(B)"

#:
#: The same tests on other kernels (Debian's; fetched and built as needed):
#:   make check-kernels     stock ones, and a table; KERNELS="6.12 newest"
#:   make check-headers     build for all headers packages; SUITES="trixie sid"
#:   make check-debug       with everything that watches a kernel; KERNELS=...
#:   make check-long        all of these, and long variants: before a release; hours
KERNELS ?=
SUITES ?=
check-kernels: deps-kernels
	@selftests/check-kernels $(KERNELS)

check-headers: deps-kernels
	@selftests/check-kernels --headers $(SUITES)

check-debug: deps-kernels
	@selftests/check-kernels --debug $(KERNELS)

check-long: deps-kernels
	@scripts/check-long

deps-kernels:
	@scripts/deps kernels

#:
#:   make clean             remove build/
clean:
	rm -rf build

FORCE:

.PHONY: help deps module dkms modules_install userspace install demo check lint \
	bench bench-quick bench-guard bench-compare deps-bench check-kernels check-headers check-debug check-long \
	deps-kernels $(LINTS:%=lint-%) unit selftests selftests-programs clean FORCE
