// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's files are below a directory of /tmp.  Its device and its KVM are answers of
 * the system calls that the doctor makes.
 */
#include "doctor_host.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

char host_root[] = "/tmp/fastzero-doctor.XXXXXX";

struct host_file {
	const char *path;
	const char *text;
};

struct host_device host_device;

static const struct host_device host_good = { .mode = S_IFCHR | 0660, .minor = 125, .kvm = 12 };

static const struct host_file host_healthy[] = {
	{ "/proc/modules", "fastzero 200704 0 - Live 0x0\n" },
	{ "/proc/sys/kernel/osrelease", "6.1.0-57-amd64\n" },
	{ "/proc/sys/kernel/numa_balancing", "0\n" },
	{ "/proc/sys/vm/overcommit_memory", "0\n" },
	{ "/proc/cmdline", "root=/dev/vda1 ro quiet\n" },
	{ "/proc/self/cgroup", "0::/tenants/a\n" },
	{ "/proc/self/status", "Name:\ttest\nTHP_enabled:\t1\n" },
	{ "/proc/meminfo", "MemTotal: 8000000 kB\nSwapTotal: 1000000 kB\n"
			   "SwapFree: 900000 kB\nCommitLimit: 5000000 kB\n"
			   "Committed_AS: 4900000 kB\n" },
	{ "/proc/buddyinfo",
	  "Node 0, zone      DMA      1      0      0      0      0      0      0      0      1      1      3 \n"
	  "Node 0, zone   Normal    100    100    100    100    100    100    100    100    100    100    100 \n" },
	{ "/sys/module/fastzero/version", FASTZERO_LIB_VERSION "\n" },
	{ "/sys/module/fastzero/initstate", "live\n" },
	{ "/sys/module/fastzero/taint", "OE\n" },
	{ "/sys/module/fastzero/parameters/accounting", "yes\n" },
	{ "/sys/module/fastzero/parameters/require_accounting", "N\n" },
	{ "/sys/module/module/parameters/sig_enforce", "N\n" },
	{ "/sys/class/misc/fastzero/dev", "10:125\n" },
	{ "/sys/kernel/security/lsm", "lockdown,capability,apparmor\n" },
	{ "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n" },
	{ "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n" },
	{ "/sys/kernel/debug/fastzero/contexts",
	  "id opener comm scratches target cgroup\n1 7 vmm 1 1024 /tenants/a\n"
	  "2 8 vmm 1 512 /tenants/a\n3 9 vmm 1 0 /tenants/b\n" },
	{ "/sys/devices/system/node/online", "0-1\n" },
	{ "/sys/fs/cgroup/cgroup.controllers", "cpu memory\n" },
	{ "/sys/fs/cgroup/tenants/memory.max", "max\n" },
	{ "/sys/fs/cgroup/tenants/a/memory.max", "16777216\n" },
	{ "/dev/kmsg", "6,1,2,-;audit: apparmor=\"DENIED\" name=\"/dev/other\" comm=\"x\"\n" },
};

void host_write(const char *path, const char *text)
{
	char full[PATH_MAX];
	char *slash;
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", host_root, path);
	for (slash = full + strlen(host_root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	if (!file || fputs(text, file) < 0 || fclose(file)) {
		perror(full);
		exit(2);
	}
}

static int host_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void host_remove(const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", host_root, path);
	nftw(full, host_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void host_reset(void)
{
	size_t i;

	host_remove("");
	mkdir(host_root, 0700);
	for (i = 0; i < sizeof(host_healthy) / sizeof(*host_healthy); i++)
		host_write(host_healthy[i].path, host_healthy[i].text);
	host_device = host_good;
}

static bool host_is_device(const char *path, const char *name)
{
	size_t length = strlen(path);

	return length > strlen(name) && !strcmp(path + length - strlen(name), name);
}

static int host_stat(const char *path, struct stat *st)
{
	bool ours = host_is_device(path, FASTZERO_DEVICE);

	if (!ours && !host_is_device(path, "/dev/kvm"))
		return stat(path, st) ? -errno : 0;
	if (ours && host_device.error)
		return -host_device.error;
	memset(st, 0, sizeof(*st));
	st->st_mode = ours ? host_device.mode : S_IFCHR | 0660;
	st->st_gid = host_device.gid;
	st->st_rdev = makedev(10, ours ? host_device.minor : 232);
	return host_device.kvm == -ENOENT && !ours ? -ENOENT : 0;
}

static int host_access(const char *path)
{
	return -(host_is_device(path, FASTZERO_DEVICE) ? host_device.access : host_device.kvm_access);
}

static int host_info(const char *path, struct fastzero_info *info)
{
	(void)path;
	info->out_max_scratches = 4096;
	return -host_device.info;
}

static int host_kvm(const char *path)
{
	(void)path;
	return host_device.kvm;
}

const struct doctor_calls host_calls = {
	.stat = host_stat,
	.access = host_access,
	.info = host_info,
	.kvm = host_kvm,
};
