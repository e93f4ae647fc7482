// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: the checks of a host, one after the other.
 */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

/* New ones go to the end; an id is never given to another check. */
static const struct {
	const char *id;
	const char *name;
	void (*check)(struct doctor *d);
} doctor_checks[] = {
	{ "FZ001", "module", doctor_check_module },
	{ "FZ002", "version", doctor_check_version },
	{ "FZ003", "device", doctor_check_device },
	{ "FZ004", "permissions", doctor_check_permissions },
	{ "FZ005", "open", doctor_check_open },
	{ "FZ006", "security modules", doctor_check_lsm },
	{ "FZ007", "kernel", doctor_check_kernel },
	{ "FZ008", "signature", doctor_check_signature },
	{ "FZ009", "KVM", doctor_check_kvm },
	{ "FZ010", "accounting", doctor_check_accounting },
	{ "FZ011", "memory cgroup", doctor_check_cgroup },
	{ "FZ012", "2 MiB pages", doctor_check_huge },
	{ "FZ013", "fragmentation", doctor_check_fragments },
	{ "FZ014", "NUMA balancing", doctor_check_numa },
	{ "FZ015", "swap", doctor_check_swap },
	{ "FZ016", "overcommit", doctor_check_overcommit },
	{ "FZ017", "list of contexts", doctor_check_roster },
};

static const char * const doctor_names[] = {
	[FASTZERO_DOCTOR_PASS] = "PASS",
	[FASTZERO_DOCTOR_WARN] = "WARN",
	[FASTZERO_DOCTOR_FAIL] = "FAIL",
	[FASTZERO_DOCTOR_SKIP] = "SKIP",
};

FASTZERO_API const char *fastzero_doctor_status_name(unsigned int status)
{
	return status < sizeof(doctor_names) / sizeof(*doctor_names) ?
	       doctor_names[status] : NULL;
}

static int doctor_system_stat(const char *path, struct stat *st)
{
	return stat(path, st) ? -errno : 0;
}

static int doctor_system_access(const char *path)
{
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ? -errno : 0;
}

static int doctor_system_info(const char *path, struct fastzero_info *info)
{
	struct fastzero_ctx_opts opts = FASTZERO_CTX_OPTS_INIT;
	struct fastzero_ctx *ctx = NULL;
	int ret;

	opts.path = path;
	ret = fastzero_ctx_open(&opts, &ctx);
	if (ret)
		return ret;
	info->size = sizeof(*info);
	ret = fastzero_ctx_info(ctx, info);
	fastzero_ctx_close(ctx);
	return ret;
}

static int doctor_system_kvm(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

const struct doctor_calls doctor_system = {
	.stat = doctor_system_stat,
	.access = doctor_system_access,
	.info = doctor_system_info,
	.kvm = doctor_system_kvm,
};

/* Nothing of a planted host is opened. */
static const struct doctor_calls doctor_planted = {
	.stat = doctor_system_stat,
	.access = doctor_system_access,
};

static void doctor_say(struct doctor *d, unsigned int status, const char *remedy,
		       const char *format, va_list args)
{
	d->status = status;
	snprintf(d->remedy, sizeof(d->remedy), "%s", remedy);
	vsnprintf(d->text, sizeof(d->text), format, args);
}

void doctor_pass(struct doctor *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doctor_say(d, FASTZERO_DOCTOR_PASS, "", format, args);
	va_end(args);
}

void doctor_skip(struct doctor *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doctor_say(d, FASTZERO_DOCTOR_SKIP, "", format, args);
	va_end(args);
}

void doctor_warn(struct doctor *d, const char *remedy, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doctor_say(d, FASTZERO_DOCTOR_WARN, remedy, format, args);
	va_end(args);
}

void doctor_fail(struct doctor *d, const char *remedy, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	doctor_say(d, FASTZERO_DOCTOR_FAIL, remedy, format, args);
	va_end(args);
}

int doctor_run(const struct fastzero_doctor_opts *opts, const struct doctor_calls *calls,
	       int (*each)(const struct fastzero_doctor_finding *finding, void *arg),
	       void *arg)
{
	struct fastzero_doctor_opts o;
	struct doctor *d;
	size_t i;
	int ret;

	ret = fz_struct_in(&o, sizeof(o), opts);
	if (ret)
		return ret;
	if (o.flags)
		return -EOPNOTSUPP;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->root = o.root ? o.root : "";
	d->device = o.device ? o.device : FASTZERO_DEVICE;
	d->pool_bytes = o.pool_bytes;
	d->calls = calls ? calls : *d->root ? &doctor_planted : &doctor_system;
	for (i = 0; !ret && i < sizeof(doctor_checks) / sizeof(*doctor_checks); i++) {
		struct fastzero_doctor_finding finding = {
			.size = sizeof(finding),
			.id = doctor_checks[i].id,
			.name = doctor_checks[i].name,
			.text = d->text,
			.remedy = d->remedy,
		};

		doctor_skip(d, "not checked");
		doctor_checks[i].check(d);
		finding.status = d->status;
		ret = each(&finding, arg);
	}
	free(d);
	return ret;
}

FASTZERO_API int
fastzero_doctor(const struct fastzero_doctor_opts *opts,
		int (*each)(const struct fastzero_doctor_finding *finding, void *arg),
		void *arg)
{
	return doctor_run(opts, NULL, each, arg);
}
