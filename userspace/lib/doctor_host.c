// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: does the host let the module and guests run?
 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A denial in a log; names are the program's that was denied. */
struct host_denial {
	bool found;
	bool selinux;
	char comm[64];
};

static bool host_denial_line(char *line, void *arg)
{
	struct host_denial *denial = arg;
	bool selinux = strstr(line, "avc:  denied");
	char *comm;

	if (!strstr(line, "fastzero") ||
	    (!selinux && !strstr(line, "apparmor=\"DENIED\"")))
		return true;
	denial->found = true;
	denial->selinux = selinux;
	comm = strstr(line, "comm=\"");
	snprintf(denial->comm, sizeof(denial->comm), "%s", comm ? comm + 6 : "a program");
	denial->comm[strcspn(denial->comm, "\"")] = 0;
	return true;	/* the last one counts */
}

void doctor_check_lsm(struct doctor *d)
{
	static const char * const logs[] = { "/var/log/audit/audit.log", "/dev/kmsg" };
	struct host_denial denial = { 0 };
	char remedy[DOCTOR_LINE], modules[256];
	bool known, has_log = false;
	size_t i;

	known = doctor_read(d, "/sys/kernel/security/lsm", modules, sizeof(modules)) > 0;
	for (i = 0; i < sizeof(logs) / sizeof(*logs); i++)
		has_log |= !doctor_log(d, logs[i], host_denial_line, &denial);
	if (denial.found) {
		if (denial.selinux)
			snprintf(remedy, sizeof(remedy), "chcon --reference=/dev/kvm %s",
				 d->device);
		else
			snprintf(remedy, sizeof(remedy),
				 "add \"%s rw,\" to the AppArmor profile, and reload it", d->device);
		doctor_warn(d, remedy, "%s has denied fastzero to %s",
			    denial.selinux ? "SELinux" : "AppArmor", denial.comm);
	} else if (known && !strstr(modules, "selinux") && !strstr(modules, "apparmor")) {
		doctor_pass(d, "neither SELinux nor AppArmor");
	} else if (has_log) {
		doctor_pass(d, "no denial of fastzero in the logs");
	} else {
		doctor_skip(d, "this user cannot read the logs");
	}
}

/* 6.1 as 6001; false if it is no version. */
static bool host_parse_release(const char *text, int *version)
{
	int major, minor;

	if (sscanf(text, "%d.%d", &major, &minor) != 2)
		return false;
	*version = major * 1000 + minor;
	return true;
}

void doctor_check_kernel(struct doctor *d)
{
	int version, oldest, newest;
	char release[128];

	if (doctor_read(d, "/proc/sys/kernel/osrelease", release, sizeof(release)) <= 0 ||
	    !host_parse_release(release, &version) ||
	    !host_parse_release(FZ_KERNEL_MIN, &oldest) ||
	    !host_parse_release(FZ_KERNEL_TESTED, &newest)) {
		doctor_skip(d, "the kernel does not say its release");
		return;
	}
	if (version < oldest)
		doctor_fail(d, "boot Linux " FZ_KERNEL_MIN " or newer",
			    "Linux %s is older than " FZ_KERNEL_MIN, release);
	else if (version > newest)
		doctor_warn(d, "run the selftests on it, or boot Linux " FZ_KERNEL_TESTED
			    " or older",
			    "Linux %s is newer than " FZ_KERNEL_TESTED
			    ", the newest that was tested", release);
	else
		doctor_pass(d, "Linux %s, tested from " FZ_KERNEL_MIN " to " FZ_KERNEL_TESTED,
			    release);
}

#define HOST_SECURE_BOOT \
	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* Four bytes of attributes, and one that says it. */
static bool host_is_secure_boot(const struct doctor *d)
{
	unsigned char bytes[8];
	char path[PATH_MAX];
	int fd = open(doctor_path(d, HOST_SECURE_BOOT, path, sizeof(path)),
		      O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, bytes, sizeof(bytes));
	close(fd);
	return n == 5 && bytes[4] == 1;
}

void doctor_check_signature(struct doctor *d)
{
	char enforce[16], lockdown[128], taint[32];
	const char *why = NULL;
	bool known;

	known = doctor_read(d, "/sys/module/module/parameters/sig_enforce", enforce,
			    sizeof(enforce)) > 0;
	if (doctor_read(d, "/sys/kernel/security/lockdown", lockdown,
			sizeof(lockdown)) > 0) {
		known = true;
		if (!strstr(lockdown, "[none]"))
			why = "lockdown";
	}
	if (enforce[0] == 'Y')
		why = "sig_enforce";
	if (doctor_is_loaded(d)) {
		bool without = doctor_read(d, "/sys/module/fastzero/taint", taint,
					   sizeof(taint)) > 0 && strchr(taint, 'E');

		doctor_pass(d, "the kernel has taken the module%s",
			    without ? ", which has no signature that it knows" : "");
	} else if (why) {
		doctor_fail(d, "sign fastzero.ko with a key that the kernel knows (mokutil --import, scripts/sign-file)",
			    "the kernel takes only signed modules: %s%s", why,
			    host_is_secure_boot(d) ? ", Secure Boot" : "");
	} else if (!known) {
		doctor_skip(d, "nothing says whether modules have to be signed");
	} else {
		doctor_pass(d, "modules need no signature%s",
			    host_is_secure_boot(d) ? ", though Secure Boot is on" : "");
	}
}

#define HOST_KVM	"/dev/kvm"
#define HOST_KVM_API	12	/* the only one there is */

void doctor_check_kvm(struct doctor *d)
{
	char path[PATH_MAX];
	struct stat st;
	int ret = doctor_stat(d, HOST_KVM, &st);

	doctor_path(d, HOST_KVM, path, sizeof(path));
	if (ret || !S_ISCHR(st.st_mode)) {
		doctor_warn(d, "modprobe kvm_intel or kvm_amd; switch virtualization on in the firmware",
			    "%s: no guests, but scratches of processes work",
			    ret ? "there is no " HOST_KVM : HOST_KVM " is no device");
		return;
	}
	if (d->calls->access(path)) {
		doctor_warn(d, "add the user to the group of " HOST_KVM ", and log in anew",
			    "this user may not open " HOST_KVM);
		return;
	}
	if (!d->calls->kvm) {
		doctor_skip(d, "KVM of a planted host is not opened");
		return;
	}
	ret = d->calls->kvm(path);
	if (ret < 0)
		doctor_warn(d, "modprobe kvm_intel or kvm_amd; look into dmesg",
			    HOST_KVM " does not answer: %s (%d)", strerror(-ret), -ret);
	else if (ret != HOST_KVM_API)
		doctor_warn(d, "boot a kernel with KVM of API version 12",
			    "KVM has API version %d", ret);
	else
		doctor_pass(d, "KVM can be used");
}

#define HOST_ROSTER	"/sys/kernel/debug/fastzero/contexts"

static bool host_any_line(char *line, void *arg)
{
	(void)line;
	(void)arg;
	return false;
}

void doctor_check_roster(struct doctor *d)
{
	int ret = doctor_lines(d, HOST_ROSTER, host_any_line, NULL);

	if (!doctor_is_loaded(d))
		doctor_skip(d, "fastzero is not loaded");
	else if (ret == -EACCES)
		doctor_skip(d, "for root alone");
	else if (ret == -ENOENT)
		doctor_warn(d, "mount -t debugfs debugfs /sys/kernel/debug",
			    "there is no " HOST_ROSTER ": \"fastzero stat\" sees own processes only");
	else if (ret)
		doctor_warn(d, "look into dmesg; lockdown=confidentiality closes debugfs",
			    HOST_ROSTER ": %s (%d)", strerror(-ret), -ret);
	else
		doctor_pass(d, HOST_ROSTER " can be read");
}
