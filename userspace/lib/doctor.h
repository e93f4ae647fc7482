/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libfastzero: what the files of the doctor share.
 */
#ifndef FASTZERO_DOCTOR_INTERNAL_H
#define FASTZERO_DOCTOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "fastzero_doctor.h"
#include "internal.h"

#define DOCTOR_LINE	512

/* What is no file, so that tests can plant it, too; all return -errno. */
struct doctor_calls {
	int (*stat)(const char *path, struct stat *st);
	/* may the caller read and write it, by mode and owner? */
	int (*access)(const char *path);
	/* opens the device, and asks */
	int (*info)(const char *path, struct fastzero_info *info);
	/* opens KVM: its API's version */
	int (*kvm)(const char *path);
};

struct doctor {
	const char *root;
	const char *device;
	uint64_t pool_bytes;
	const struct doctor_calls *calls;
	/* what the check says; it begins with SKIP */
	unsigned int status;
	char text[DOCTOR_LINE];
	char remedy[DOCTOR_LINE];
};

/* One finding, of the check that runs. */
void doctor_pass(struct doctor *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_skip(struct doctor *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void doctor_warn(struct doctor *d, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_fail(struct doctor *d, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

int doctor_run(const struct fastzero_doctor_opts *opts, const struct doctor_calls *calls,
	       int (*each)(const struct fastzero_doctor_finding *finding, void *arg),
	       void *arg);
extern const struct doctor_calls doctor_system;

/* doctor_files.c: files of the host or of a planted one; all return -errno */
const char *doctor_path(const struct doctor *d, const char *path, char *buffer, size_t size);
int doctor_stat(const struct doctor *d, const char *path, struct stat *st);
bool doctor_exists(const struct doctor *d, const char *path);
int doctor_read(const struct doctor *d, const char *path, char *buffer, size_t size);
int doctor_number(const struct doctor *d, const char *path, long long *n);
int doctor_key(const struct doctor *d, const char *path, const char *key, long long *n);
int doctor_lines(const struct doctor *d, const char *path,
		 bool (*line)(char *line, void *arg), void *arg);
int doctor_log(const struct doctor *d, const char *path,
	       bool (*line)(char *line, void *arg), void *arg);

/* The checks: doctor_device.c, doctor_host.c, doctor_memory.c, doctor_pages.c */
bool doctor_is_loaded(const struct doctor *d);
void doctor_check_module(struct doctor *d);
void doctor_check_version(struct doctor *d);
void doctor_check_device(struct doctor *d);
void doctor_check_permissions(struct doctor *d);
void doctor_check_open(struct doctor *d);
void doctor_check_lsm(struct doctor *d);
void doctor_check_kernel(struct doctor *d);
void doctor_check_signature(struct doctor *d);
void doctor_check_kvm(struct doctor *d);
void doctor_check_roster(struct doctor *d);
void doctor_check_accounting(struct doctor *d);
void doctor_check_cgroup(struct doctor *d);
void doctor_check_huge(struct doctor *d);
void doctor_check_fragments(struct doctor *d);
void doctor_check_numa(struct doctor *d);
void doctor_check_swap(struct doctor *d);
void doctor_check_overcommit(struct doctor *d);

#endif /* FASTZERO_DOCTOR_INTERNAL_H */
