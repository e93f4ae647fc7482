// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: is the module there, and can this process use its device?
 */
#include "doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define DEVICE_SYS	"/sys/module/fastzero"
#define DEVICE_OLD	"/proc/sys/kernel/osrelease"

bool doctor_is_loaded(const struct doctor *d)
{
	return doctor_exists(d, DEVICE_SYS);
}

/* Where modules from outside the tree are installed. */
static bool device_is_installed(const struct doctor *d)
{
	static const char * const places[] = { "updates/dkms", "updates", "extra" };
	static const char * const ends[] = { "", ".xz", ".zst", ".gz" };
	char release[128], path[PATH_MAX];
	size_t i, j;

	if (doctor_read(d, DEVICE_OLD, release, sizeof(release)) <= 0)
		return false;
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		for (j = 0; j < sizeof(ends) / sizeof(*ends); j++) {
			snprintf(path, sizeof(path), "/lib/modules/%s/%s/fastzero.ko%s",
				 release, places[i], ends[j]);
			if (doctor_exists(d, path))
				return true;
		}
	}
	return false;
}

static void device_not_loaded(struct doctor *d)
{
	if (device_is_installed(d))
		doctor_fail(d, "modprobe fastzero; if that fails, dmesg says why",
			    "fastzero is not loaded");
	else if (doctor_exists(d, "/var/lib/dkms/fastzero"))
		doctor_fail(d, "install the headers of this kernel (linux-headers-$(uname -r) on Debian); then dkms autoinstall, and modprobe fastzero",
			    "fastzero is not loaded, and DKMS has not built it for this kernel");
	else
		doctor_fail(d, "make module && insmod build/module-$(uname -r)/fastzero.ko",
			    "fastzero is not loaded");
}

void doctor_check_module(struct doctor *d)
{
	char state[32];

	if (!doctor_exists(d, "/sys/module")) {
		doctor_skip(d, "there is no /sys/module; is sysfs mounted?");
	} else if (!doctor_exists(d, "/proc/modules")) {
		doctor_fail(d, "boot a kernel with CONFIG_MODULES",
			    "this kernel takes no modules");
	} else if (!doctor_is_loaded(d)) {
		device_not_loaded(d);
	} else if (doctor_read(d, DEVICE_SYS "/initstate", state, sizeof(state)) > 0 &&
		   strcmp(state, "live")) {
		doctor_fail(d, "look into dmesg; then rmmod fastzero and modprobe fastzero",
			    "fastzero is loaded, but %s", state);
	} else {
		doctor_pass(d, "fastzero is loaded");
	}
}

void doctor_check_version(struct doctor *d)
{
	char version[64];

	if (!doctor_is_loaded(d)) {
		doctor_skip(d, "fastzero is not loaded");
		return;
	}
	if (doctor_read(d, DEVICE_SYS "/version", version, sizeof(version)) <= 0) {
		doctor_skip(d, "the module does not say its version");
		return;
	}
	if (strcmp(version, fastzero_version()))
		doctor_warn(d, "install library, tools and module of one version, and load it",
			    "the module is of version %s, the library of %s", version,
			    fastzero_version());
	else
		doctor_pass(d, "module and library are of version %s", version);
}

/* The number that the module has got, 0 if nobody knows. */
static dev_t device_number(const struct doctor *d)
{
	unsigned int major, minor;
	char text[32];

	if (doctor_read(d, "/sys/class/misc/fastzero/dev", text, sizeof(text)) <= 0 ||
	    sscanf(text, "%u:%u", &major, &minor) != 2)
		return 0;
	return makedev(major, minor);
}

/* Another path, such as /dev/null, was named by mistake. */
static bool device_is_ours(const struct doctor *d)
{
	const char *name = strrchr(d->device, '/');

	return !strcmp(name ? name + 1 : d->device, "fastzero");
}

/* The remedy for a file that is not the module's device. */
static void device_replace(const struct doctor *d, const char *then, char *remedy, size_t size)
{
	if (device_is_ours(d))
		snprintf(remedy, size, "rm %s; %s", d->device, then);
	else
		snprintf(remedy, size,
			 "this is another file: leave it, and name the device of fastzero, " FASTZERO_DEVICE);
}

#define DEVICE_RELOAD	"rmmod fastzero; modprobe fastzero"

void doctor_check_device(struct doctor *d)
{
	char remedy[DOCTOR_LINE], node[DOCTOR_LINE];
	dev_t number = device_number(d);
	struct stat st;
	int ret = doctor_stat(d, d->device, &st);

	device_replace(d, DEVICE_RELOAD, remedy, sizeof(remedy));
	if (ret == -ENOENT) {
		if (!device_is_ours(d))
			snprintf(remedy, sizeof(remedy), "name the device of fastzero, " FASTZERO_DEVICE);
		else if (number)
			snprintf(remedy, sizeof(remedy), "mknod -m 0660 %s c %u %u",
				 d->device, major(number), minor(number));
		else
			snprintf(remedy, sizeof(remedy), "load the module");
		doctor_fail(d, remedy, "there is no %s", d->device);
	} else if (ret) {
		doctor_skip(d, "cannot look at %s: %s (%d)", d->device, strerror(-ret), -ret);
	} else if (S_ISREG(st.st_mode)) {
		doctor_fail(d, remedy,
			    "%s is a regular file of %lld bytes%s", d->device,
			    (long long)st.st_size, device_is_ours(d) ?
			    ", which a program left that ran without the module" : "");
	} else if (!S_ISCHR(st.st_mode)) {
		doctor_fail(d, remedy, "%s is no character device", d->device);
	} else if (!number) {
		doctor_skip(d, "%s is device %u:%u; nothing in /sys says whose that is",
			    d->device, major(st.st_rdev), minor(st.st_rdev));
	} else if (st.st_rdev != number) {
		snprintf(node, sizeof(node), "mknod -m 0660 %s c %u %u", d->device,
			 major(number), minor(number));
		device_replace(d, node, remedy, sizeof(remedy));
		doctor_fail(d, remedy, "%s is device %u:%u, and the module's is %u:%u",
			    d->device, major(st.st_rdev), minor(st.st_rdev),
			    major(number), minor(number));
	} else {
		doctor_pass(d, "%s is device %u:%u", d->device, major(number),
			    minor(number));
	}
}

#define DEVICE_RULE	"udev rule: KERNEL==\"fastzero\", GROUP=\"kvm\", MODE=\"0660\"; if there is one, as root: udevadm control --reload; udevadm trigger --name-match=fastzero"

void doctor_check_permissions(struct doctor *d)
{
	char path[PATH_MAX], remedy[DOCTOR_LINE];
	struct stat st;
	unsigned int mode;

	if (doctor_stat(d, d->device, &st) || !S_ISCHR(st.st_mode)) {
		doctor_skip(d, "there is no device");
		return;
	}
	mode = st.st_mode & 0777;
	if ((mode & 0600) != 0600) {
		doctor_fail(d, DEVICE_RULE, "mode %04o: not even the owner can use it", mode);
	} else if (d->calls->access(doctor_path(d, d->device, path, sizeof(path)))) {
		if (st.st_gid && (mode & 0060) == 0060)
			snprintf(remedy, sizeof(remedy),
				 "add the user to group %u, and log in anew",
				 (unsigned int)st.st_gid);
		else
			snprintf(remedy, sizeof(remedy), "%s", DEVICE_RULE);
		doctor_fail(d, remedy, "mode %04o, user %u, group %u: this user may not open it",
			    mode, (unsigned int)st.st_uid, (unsigned int)st.st_gid);
	} else if (mode & 0007) {
		doctor_warn(d, DEVICE_RULE,
			    "mode %04o: every user can take memory that is not swapped", mode);
	} else if (st.st_gid && (mode & 0060) != 0060) {
		doctor_warn(d, DEVICE_RULE, "mode %04o: group %u cannot use it", mode,
			    (unsigned int)st.st_gid);
	} else {
		doctor_pass(d, "mode %04o, user %u, group %u", mode, (unsigned int)st.st_uid,
			    (unsigned int)st.st_gid);
	}
}

static void device_cannot_open(struct doctor *d, int err, dev_t number)
{
	char path[PATH_MAX], remedy[DOCTOR_LINE];

	switch (err) {
	case EACCES:
		if (d->calls->access(doctor_path(d, d->device, path, sizeof(path)))) {
			doctor_skip(d, "mode and owner do not allow it");
			return;
		}
		snprintf(remedy, sizeof(remedy),
			 "AppArmor: add \"%s rw,\" to the profile; SELinux: chcon --reference=/dev/kvm %s",
			 d->device, d->device);
		break;
	case EPERM:
		snprintf(remedy, sizeof(remedy),
			 "allow c %u:%u rw to the cgroup: DeviceAllow= of systemd, cgroup_device_acl of libvirt, --device of a container",
			 major(number), minor(number));
		break;
	case EOPNOTSUPP:
		snprintf(remedy, sizeof(remedy),
			 "boot without cgroup.memory=nokmem, or set the parameter require_accounting to 0");
		break;
	case ENOMEM:
		snprintf(remedy, sizeof(remedy), "raise memory.max of this process's cgroup");
		break;
	default:
		device_replace(d, DEVICE_RELOAD, remedy, sizeof(remedy));
	}
	doctor_fail(d, remedy, "open fails: %s (%d)%s", strerror(err), err,
		    err == EACCES ? ", though mode and owner allow it: a security module, or nodev of the mount" :
		    err == EPERM ? ": a device filter of the cgroup" :
		    err == EOPNOTSUPP ? ": memory cgroups are not charged, and have to be" :
		    err == ENOTTY ? ": the device is another driver's" : "");
}

void doctor_check_open(struct doctor *d)
{
	struct fastzero_info info = { 0 };
	char path[PATH_MAX];
	struct stat st;
	int ret;

	if (doctor_stat(d, d->device, &st) || !S_ISCHR(st.st_mode)) {
		doctor_skip(d, "there is no device");
		return;
	}
	if (!d->calls->info) {
		doctor_skip(d, "the device of a planted host is not opened");
		return;
	}
	ret = d->calls->info(doctor_path(d, d->device, path, sizeof(path)), &info);
	if (ret)
		device_cannot_open(d, -ret, st.st_rdev);
	else
		doctor_pass(d, "opened; a context may have %" PRIu64 " pages and %u scratches",
			    (uint64_t)info.out_max_pages, info.out_max_scratches);
}
