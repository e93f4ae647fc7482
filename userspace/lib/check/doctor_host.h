/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated host for the checks of the doctor: a tree of files, a device and KVM.
 */
#ifndef FASTZERO_CHECK_DOCTOR_HOST_H
#define FASTZERO_CHECK_DOCTOR_HOST_H

#include "doctor.h"

/* The directory that is its root; main() makes it by mkdtemp(). */
extern char host_root[];

/* The device and KVM are not made of files. */
extern struct host_device {
	int error;		/* of stat */
	unsigned int mode;
	unsigned int gid;
	unsigned int minor;
	int access;
	int info;
	int kvm_access;
	int kvm;		/* the version, or -errno */
} host_device;

/* The system calls that the doctor makes on it. */
extern const struct doctor_calls host_calls;

/* Makes the host healthy again. */
void host_reset(void);

/* Writes a file, and its directories. */
void host_write(const char *path, const char *text);

/* Removes a file, or a directory with all in it. */
void host_remove(const char *path);

#endif
