# SPDX-License-Identifier: GPL-2.0-or-later
#
# make without a target lists the targets.

include META

KERNEL ?= 6.1
KDIR ?= /lib/modules/$(shell uname -r)/build
RELEASE = $(shell sed -n 's|.*UTS_RELEASE "\(.*\)".*|\1|p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
OUT ?= build/module-$(RELEASE)$(if $(TEST_NO_RECHECK),-no-recheck)$(if $(TEST_QUARANTINE),-quarantine)

# If clang has built the kernel, clang builds the module.  LLVM chooses the clang.  Its
# default is the kernel's version, if clang-VERSION is installed, and else plain clang.
ifneq ($(shell grep -hsx CONFIG_CC_IS_CLANG=y $(KDIR)/.config $(KDIR)/include/config/auto.conf),)
CLANG_MAJOR := $(shell sed -n 's/^CONFIG_CLANG_VERSION=\([0-9]*\)[0-9]\{4\}$$/\1/p' $(KDIR)/.config)
LLVM ?= $(if $(shell command -v clang-$(CLANG_MAJOR) 2>/dev/null),-$(CLANG_MAJOR),1)
BY_CLANG := LLVM=$(LLVM)
endif

PREFIX ?= /usr/local
DOCDIR ?= $(PREFIX)/share/doc/fastzero
FLEETDIR ?= $(PREFIX)/share/fastzero
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
SRCDIR ?= /usr/src/fastzero-$(FZ_VERSION)
INSTALL ?= install

VM := selftests/vm

help:
	@sed -n 's/^#: //p' Makefile

# Installs missing packages if you are root, and else prints the command that does.
deps:
	@scripts/deps

#: For a host.  KDIR is the kernel headers, by default those of the running kernel:
#:   make module            build fastzero.ko for the kernel of KDIR, into OUT
#:   make modules_install   install it for that kernel (as root; INSTALL_MOD_PATH)
#:   make userspace         build libfastzero, the examples and the tools
#:   make man               manual pages of section 3; a later make install has them, too
#:   make install           install library, header, tools, udev rule, documents, and files
#:                          for containers and fleets (PREFIX, DESTDIR)
#:   make modules_uninstall, uninstall      remove what these have installed
#:   make install_source    install the sources for DKMS, in SRCDIR
#:   make sign              sign fastzero.ko (MODULE) with KEY=key.pem CERT=cert.der
$(OUT)/Kbuild: FORCE
	@test -n "$(RELEASE)" || { \
		echo "KDIR=$(KDIR) is not a kernel build directory;" \
		     "for the running kernel: apt-get install linux-headers-$$(uname -r)" >&2; \
		exit 1; }
	@mkdir -p $(OUT)
	@rm -rf $(OUT)/module/compat/tests
	@cp -a Kbuild META module uapi $(OUT)/

module: $(OUT)/Kbuild
	@$(BY_CLANG) sh $(OUT)/module/compat/probe.sh $(KDIR) $(OUT)
	$(MAKE) -C $(KDIR) $(BY_CLANG) M=$(abspath $(OUT)) W=1 \
		$(if $(TEST_NO_RECHECK),FZ_TEST_NO_RECHECK=1) \
		$(if $(TEST_QUARANTINE),FZ_TEST_QUARANTINE=1) modules

# Builds in the tree itself, for DKMS, which has its own copy of the tree.
dkms:
	@$(BY_CLANG) sh module/compat/probe.sh $(KDIR) .
	$(MAKE) -C $(KDIR) $(BY_CLANG) M=$(CURDIR) modules

# Signs by the kernel's own program, with the digest of the kernel's configuration.
MODULE ?= $(OUT)/fastzero.ko
sign:
	@test -e "$(KEY)" -a -e "$(CERT)" -a -e "$(MODULE)" || { \
		echo "make sign wants KEY=, a private key, CERT=, its certificate, and a MODULE" \
		     "that was built; docs/secure-boot.md says how to make them" >&2; \
		exit 1; }
	$(KDIR)/scripts/sign-file \
		$$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"/\1/p' $(KDIR)/.config | grep . || echo sha256) \
		"$(KEY)" "$(CERT)" "$(MODULE)"

modules_install: module
	$(MAKE) -C $(KDIR) $(BY_CLANG) M=$(abspath $(OUT)) modules_install
	$(modules_depmod)

# Finds the module under each name and in each directory that kbuild may have used.
modules_uninstall:
	@test -n "$(RELEASE)" || { echo "KDIR=$(KDIR) is not a kernel build directory" >&2; exit 1; }
	find "$(modules_dir)" -path '*/updates/dkms' -prune -o -type f -name 'fastzero.ko*' \
		-exec rm -v {} +
	-@rmdir "$(modules_dir)/updates" "$(modules_dir)/extra" 2>/dev/null
	$(modules_depmod)

# Makes lists of modules (depmod) only if the directory has a kernel.  A directory that
# is only to be packed has none.
modules_dir = $(INSTALL_MOD_PATH)/lib/modules/$(RELEASE)
modules_depmod = [ ! -e "$(modules_dir)/modules.order" ] || \
	depmod -b "$(INSTALL_MOD_PATH)/" $(RELEASE)

userspace:
	$(MAKE) -C userspace

install: install_userspace install_host install_fleet install_docs

install_userspace: userspace
	$(MAKE) -C userspace install

install_host:
	$(INSTALL) -d $(DESTDIR)$(UDEVDIR) $(DESTDIR)$(SYSUSERSDIR)
	$(INSTALL) -m 0644 packaging/host/60-fastzero.rules $(DESTDIR)$(UDEVDIR)/
	$(INSTALL) -m 0644 packaging/host/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/fastzero.conf

# What engines, clusters and other tools take; docs/fleet.md says where each goes.
FLEET := containers kubernetes ansible monitoring selinux apparmor
install_fleet:
	$(INSTALL) -d $(DESTDIR)$(FLEETDIR)
	cp -R --preserve=timestamps $(FLEET:%=packaging/%) $(DESTDIR)$(FLEETDIR)/
	chmod -R u=rwX,go=rX $(DESTDIR)$(FLEETDIR)

install_docs:
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 0644 *.md MAINTAINERS packaging/host/modprobe.conf $(DESTDIR)$(DOCDIR)/
	cp -R --preserve=timestamps docs LICENSES $(DESTDIR)$(DOCDIR)/
	chmod -R u=rwX,go=rX $(DESTDIR)$(DOCDIR)

# Installs all files that DKMS builds from, and none that a build has left.
install_source:
	$(INSTALL) -d $(DESTDIR)$(SRCDIR)
	$(INSTALL) -m 0644 Kbuild META Makefile dkms.conf $(DESTDIR)$(SRCDIR)/
	find module uapi LICENSES -type f '(' -name '*.[ch]' -o -name '*.sh' -o -path 'LICENSES/*' ')' \
		! -name features.h ! -name '*.mod.c' ! -path '*/compat/probe/*' \
		-exec $(INSTALL) -D -m 0644 {} $(DESTDIR)$(SRCDIR)/{} \;

# Removes the files that the same install puts into an empty directory.
uninstall: userspace
uninstall uninstall_source:
	@DESTDIR="$(DESTDIR)" scripts/uninstall $(@:un%=%)

# The pages are made by the script kernel-doc of a kernel's source.
man:
	@script=$$($(VM)/kernel path "$(KERNEL)" source)/scripts/kernel-doc && \
		$(MAKE) -C userspace man KERNEL_DOC="$$script"

#:
#: In a VM under emulation (on Debian 12; missing packages are installed if you are root):
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

# The programs are the same for all kernels, so one kernel's harness is used for all.
selftests-programs:
	$(MAKE) -C selftests programs \
		KSFT_DIR=$$($(VM)/kernel path 6.1 source)/tools/testing/selftests

#:   make bench             the benchmark (KERNEL=6.1); results in build/bench
#:   make bench-quick       a part of it, with the same figures in every run
#:   make bench-guard       the same; fails if fastzero is worse than in the reference
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
#:   make check-kernels     stock kernels, and a table; KERNELS="6.12 newest 6.12-arm64"
#:   make check-headers     builds for all headers packages; SUITES="trixie sid"
#:   make check-debug       kernels with KASAN, lockdep and the like; KERNELS=...
#:   make check-long        all of these and long variants, before a release; takes hours
KERNELS ?=
SUITES ?=
check-kernels: deps-kernels
	@selftests/check-kernels $(KERNELS)

check-headers: deps-kernels
	@selftests/check-kernels --headers $(SUITES)

check-debug: deps-kernels
	@selftests/check-kernels --debug $(KERNELS)

#:   make deb               Debian packages, in build/deb
#:   make check-packages    tries them on Debian 12 and 13, boot included (as root)
deb:
	@scripts/deb

check-packages:
	@scripts/deps packages
	@scripts/check-packages

check-long:
	@scripts/deps arm64
	@scripts/check-long

deps-kernels:
	@scripts/deps $(if $(findstring arm64,$(KERNELS)),arm64,kernels)

#:
#:   make clean             remove build/
clean:
	rm -rf build

FORCE:

.PHONY: help deps module dkms modules_install modules_uninstall sign userspace install \
	install_userspace install_host install_fleet install_docs install_source uninstall uninstall_source man \
	demo check lint \
	bench bench-quick bench-guard bench-compare deps-bench check-kernels check-headers check-debug check-long \
	deb check-packages deps-kernels $(LINTS:%=lint-%) unit selftests selftests-programs clean FORCE
