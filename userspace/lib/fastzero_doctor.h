/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: checks of this host, with remedies.
 */
#ifndef FASTZERO_DOCTOR_H
#define FASTZERO_DOCTOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * enum fastzero_doctor_status - what a check has found
 * @FASTZERO_DOCTOR_PASS: nothing is wrong
 * @FASTZERO_DOCTOR_WARN: it works, but not as well as it could
 * @FASTZERO_DOCTOR_FAIL: it does not work
 * @FASTZERO_DOCTOR_SKIP: this process or this host cannot decide the check
 */
enum fastzero_doctor_status {
	FASTZERO_DOCTOR_PASS,
	FASTZERO_DOCTOR_WARN,
	FASTZERO_DOCTOR_FAIL,
	FASTZERO_DOCTOR_SKIP
};

/**
 * fastzero_doctor_status_name() - the name of a status
 * @status: one of enum fastzero_doctor_status
 *
 * Return: "PASS", "WARN", "FAIL" or "SKIP"; NULL for others.
 */
const char *fastzero_doctor_status_name(unsigned int status);

/**
 * struct fastzero_doctor_opts - what to check
 * @size: sizeof(struct fastzero_doctor_opts)
 * @flags: must be 0
 * @device: path of the device; NULL for FASTZERO_DEVICE
 * @root: a directory that stands for / in paths to /proc, /sys, /dev and /var, for tests
 *	with planted files; NULL for the host itself.  With a directory, the checks that
 *	open the device or KVM are SKIP
 * @pool_bytes: bytes that the caller means to keep ready in its pool; they are
 *	compared with the limits of its memory cgroup
 */
struct fastzero_doctor_opts {
	uint32_t size;
	uint32_t flags;
	const char *device;
	const char *root;
	uint64_t pool_bytes;
};

/**
 * struct fastzero_doctor_finding - what one check has found
 * @size: sizeof(struct fastzero_doctor_finding)
 * @status: one of enum fastzero_doctor_status
 * @id: "FZ001" and so on; a later version never uses an id for another check
 * @name: the check, in a word or two
 * @text: what was found, on one line
 * @remedy: how to repair it, on one line; "" with PASS and SKIP
 *
 * The strings are valid until the callback returns.
 */
struct fastzero_doctor_finding {
	uint32_t size;
	uint32_t status;
	const char *id;
	const char *name;
	const char *text;
	const char *remedy;
};

/**
 * fastzero_doctor() - make all checks, in the order of their ids
 * @opts: options, or NULL
 * @each: called once for each check; a value other than 0 ends the checks
 * @arg: passed on to @each
 *
 * The checks change nothing.  One of them opens the device, and closes it at once.
 * Several threads may call this function at the same time.
 *
 * Return: the value of the last call of @each, or -errno: -EINVAL, -E2BIG and -EOPNOTSUPP
 * for bad options, see fastzero.h; -ENOMEM.
 */
int fastzero_doctor(const struct fastzero_doctor_opts *opts,
		    int (*each)(const struct fastzero_doctor_finding *finding, void *arg),
		    void *arg);

#ifdef __cplusplus
}
#endif

#endif /* FASTZERO_DOCTOR_H */
