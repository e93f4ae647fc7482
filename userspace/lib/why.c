// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: why the device cannot be had, in words with a remedy.
 *
 * One errno has many causes.  Where the kernel does not say which, what can be seen from
 * here does: the module in /sys, the node's mode and groups, its mount.
 */
#include "internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define WHY_MODULE	"/sys/module/fastzero"
/* Of capabilities(7). */
#define WHY_DAC_OVERRIDE	1

#define WHY_LOAD	"load it: modprobe fastzero, or insmod fastzero.ko"

/* The begin of a small file, without a newline at its end; "" if there is none. */
static void why_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buffer, size - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		n = 0;
	while (n && isspace((unsigned char)buffer[n - 1]))
		n--;
	buffer[n] = '\0';
}

static bool why_is_loaded(void)
{
	return !access(WHY_MODULE, F_OK);
}

static int why_missing(const char *path)
{
	if (strcmp(path, FASTZERO_DEVICE))
		return fz_fail(-ENOENT, "%s does not exist", path);
	if (!why_is_loaded())
		return access("/proc/modules", F_OK) ?
			fz_fail(-ENOENT, "%s does not exist, and this kernel takes no modules: "
				"boot a kernel with CONFIG_MODULES", path) :
			fz_fail(-ENOENT, "%s does not exist and the module is not loaded: "
				WHY_LOAD, path);
	return fz_fail(-ENOENT,
		       "the module is loaded, but %s does not exist: in a container, give it the device (--device %s); else see that devtmpfs is on /dev",
		       path, path);
}

/* A group's name, from the file, since a static program has no other way. */
static void why_group(gid_t gid, char *name, size_t size)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group;

	snprintf(name, size, "%u", (unsigned int)gid);
	if (!file)
		return;
	while ((group = fgetgrent(file)))
		if (group->gr_gid == gid) {
			snprintf(name, size, "%s", group->gr_name);
			break;
		}
	fclose(file);
}

static bool why_in_group(gid_t gid)
{
	int i, n = getgroups(0, NULL);
	bool found = getegid() == gid;
	gid_t *groups;

	if (found || n <= 0)
		return found;
	groups = calloc(n, sizeof(*groups));
	if (!groups)
		return false;
	n = getgroups(n, groups);
	for (i = 0; i < n; i++)
		found |= groups[i] == gid;
	free(groups);
	return found;
}

static bool why_overrides(void)
{
	char status[4096];
	const char *line;

	why_read("/proc/self/status", status, sizeof(status));
	line = strstr(status, "\nCapEff:");
	return line && strtoull(line + 8, NULL, 16) >> WHY_DAC_OVERRIDE & 1;
}

/* Whether the node's mode lets this process read and write. */
static bool why_mode_allows(const struct stat *st)
{
	mode_t bits = st->st_mode;

	if (why_overrides())
		return true;
	if (st->st_uid == geteuid())
		bits >>= 6;
	else if (why_in_group(st->st_gid))
		bits >>= 3;
	return (bits & 6) == 6;
}

static int why_access(const char *path, const struct stat *st)
{
	struct statvfs fs;
	char group[64];

	if (!statvfs(path, &fs) && fs.f_flag & ST_NODEV)
		return fz_fail(-EACCES,
			       "%s is on a file system that is mounted nodev: put the node on one that is not",
			       path);
	if (why_mode_allows(st))
		return fz_fail(-EACCES,
			       "the mode of %s allows it, so a security module (SELinux, AppArmor) refuses: see its log, ausearch -m avc or dmesg",
			       path);
	why_group(st->st_gid, group, sizeof(group));
	return fz_fail(-EACCES,
		       "%s has mode %04o, group %s, and this process, uid %u, may not write it: join the group, or a udev rule: KERNEL==\"fastzero\", GROUP=\"kvm\", MODE=\"0660\"",
		       path, (unsigned int)st->st_mode & 07777, group,
		       (unsigned int)geteuid());
}

/* With cgroup.memory=nokmem, and the parameter that asks for charges. */
static int why_not_charged(void)
{
	char line[4096];

	why_read(WHY_MODULE "/parameters/accounting", line, sizeof(line));
	if (!strcmp(line, "yes"))
		return fz_fail(-EOPNOTSUPP, NULL);
	why_read("/proc/cmdline", line, sizeof(line));
	return fz_fail(-EOPNOTSUPP,
		       "memory cgroups are not charged (%s), and the module's require_accounting=1 asks for that: boot without it, or load the module with require_accounting=0",
		       strstr(line, "nokmem") ?
			       "cgroup.memory=nokmem on the kernel's command line" :
			       "no memory cgroups");
}

/* open() of the path has failed, with -errno. */
int fz_why_open(const char *path, int ret)
{
	struct stat st;

	if (ret == -ENOENT)
		return why_missing(path);
	if (ret == -EOPNOTSUPP)
		return why_not_charged();
	if (ret == -EMFILE || ret == -ENFILE)
		return fz_fail(ret, "%s: no descriptor is left: raise RLIMIT_NOFILE or fs.file-max",
			       path);
	if (ret == -ENOMEM)
		return fz_fail(ret, "%s: no memory, in the memory cgroup or on the host", path);
	if (stat(path, &st))
		return fz_fail(ret, "%s: a directory of the path may not be searched", path);
	if (ret == -ENXIO || ret == -ENODEV)
		return fz_fail(ret, "%s is a node without a driver%s: " WHY_LOAD, path,
			       why_is_loaded() ? " (the module is loaded: make the node anew)" :
						 ", and the module is not loaded");
	if (ret == -EPERM)
		return fz_fail(ret,
			       "%s: the device filter of the cgroup refuses: allow it (docker --device %s; systemd DeviceAllow=%s rw; libvirt cgroup_device_acl)",
			       path, path, path);
	if (ret == -EACCES)
		return why_access(path, &st);
	return fz_fail(ret, NULL);
}

/* What was opened does not answer as the device does. */
int fz_why_no_device(const char *path, int fd, int ret)
{
	char version[64];
	struct stat st;

	if (fstat(fd, &st))
		return fz_fail(ret, NULL);
	if (S_ISREG(st.st_mode))
		return fz_fail(ret,
			       "%s is a regular file, as QEMU makes one where there is no device: remove it, and then load the module",
			       path);
	if (ret == -ENOTTY)
		return fz_fail(ret, "%s is not the device of fastzero", path);
	why_read(WHY_MODULE "/version", version, sizeof(version));
	if (ret == -EINVAL || ret == -E2BIG || ret == -EOPNOTSUPP)
		return fz_fail(-EOPNOTSUPP,
			       "the module, version %s, is too old for this library, version "
			       FASTZERO_LIB_VERSION ": load a newer one",
			       *version ? version : "unknown");
	return fz_fail(ret, NULL);
}
