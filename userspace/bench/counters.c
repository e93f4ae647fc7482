// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts beside the time: page faults by getrusage, nested faults by KVM's statistics,
 * the rest by tracepoints.
 */
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/kvm.h>
#include <linux/perf_event.h>

static struct {
	int kvm_stats;			/* -1: none */
	uint64_t nested_offset;
	int event[COUNTERS];		/* -1: none, or stopped */
	char missing[COUNTERS][COUNTER_TEXT];
} the = { .kvm_stats = -1, .event = { -1, -1, -1, -1 } };

static const struct {
	const char *name;
	const char *event;
	const char *filter;
} counters[COUNTERS] = {
	[COUNTER_FAULTS] = { .name = "faults" },
	[COUNTER_NESTED] = { .name = "nested_faults" },
	[COUNTER_TLB] = {
		.name = "tlb_flushes",
		.event = "tlb/tlb_flush",
		.filter = "reason != 0",
	},
	[COUNTER_NOTIFIER] = {
		.name = "notifier_calls",
		.event = "kvm/kvm_unmap_hva_range",
	},
};

const char *counter_name(enum counter counter)
{
	return counters[counter].name;
}

const char *counter_missing(enum counter counter)
{
	return the.missing[counter][0] ? the.missing[counter] : NULL;
}

static void is_missing(enum counter counter, const char *what, int err)
{
	snprintf(the.missing[counter], sizeof(the.missing[counter]), "%s: %s",
		 what, strerror(err));
}

/* KVM's binary statistics: a header, descriptors with names, values. */
static int find_nested(int fd, uint64_t *offset)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	size_t size;
	uint32_t i;
	int ret = ENOENT;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return EIO;
	size = sizeof(*desc) + header.name_size;
	desc = malloc(size);
	if (!desc)
		return ENOMEM;
	for (i = 0; i < header.num_desc; i++) {
		if (pread(fd, desc, size, header.desc_offset + i * size) !=
		    (ssize_t)size) {
			ret = EIO;
			break;
		}
		if (strncmp(desc->name, "pf_fixed", header.name_size))
			continue;
		*offset = header.data_offset + desc->offset;
		ret = 0;
		break;
	}
	free(desc);
	return ret;
}

static void init_nested(int vcpu)
{
	int err;

	if (vcpu < 0) {
		is_missing(COUNTER_NESTED, "no guest", ENODEV);
		return;
	}
	the.kvm_stats = ioctl(vcpu, KVM_GET_STATS_FD, NULL);
	the.missing[COUNTER_NESTED][0] = '\0';
	err = the.kvm_stats < 0 ? errno : find_nested(the.kvm_stats, &the.nested_offset);
	if (!err)
		return;
	is_missing(COUNTER_NESTED, "KVM's statistics", err);
	if (the.kvm_stats >= 0)
		close(the.kvm_stats);
	the.kvm_stats = -1;
}

/* The tracepoint's number; -errno if there is none. */
static int tracepoint(const char *event)
{
	static const char *const mounts[] = {
		"/sys/kernel/tracing", "/sys/kernel/debug/tracing",
	};
	char path[128], text[16] = "";
	unsigned int i;
	int fd = -1;

	for (i = 0; fd < 0 && i < 2; i++) {
		snprintf(path, sizeof(path), "%s/events/%s/id", mounts[i], event);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return text[0] ? atoi(text) : -EIO;
}

static void start(enum counter counter)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.exclude_hv = 1,
	};
	const char *filter = counters[counter].filter;
	int id, fd;

	id = tracepoint(counters[counter].event);
	if (id < 0) {
		is_missing(counter, counters[counter].event, -id);
		return;
	}
	attr.config = id;
	fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		is_missing(counter, "perf_event_open", errno);
		return;
	}
	if (filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter)) {
		is_missing(counter, "filter", errno);
		close(fd);
		return;
	}
	the.event[counter] = fd;
}

void counters_start(void)
{
	enum counter c;

	for (c = 0; c < COUNTERS; c++)
		if (counters[c].event && !the.missing[c][0])
			start(c);
}

void counters_stop(void)
{
	enum counter c;

	for (c = 0; c < COUNTERS; c++) {
		if (the.event[c] >= 0)
			close(the.event[c]);
		the.event[c] = -1;
	}
}

void counters_read(uint64_t values[COUNTERS])
{
	struct rusage usage;
	enum counter c;

	getrusage(RUSAGE_SELF, &usage);
	memset(values, 0, COUNTERS * sizeof(values[0]));
	values[COUNTER_FAULTS] = usage.ru_minflt + usage.ru_majflt;
	if (the.kvm_stats >= 0 &&
	    pread(the.kvm_stats, &values[COUNTER_NESTED], sizeof(values[0]),
		  the.nested_offset) != sizeof(values[0]))
		values[COUNTER_NESTED] = 0;
	for (c = 0; c < COUNTERS; c++)
		if (the.event[c] >= 0 &&
		    read(the.event[c], &values[c], sizeof(values[0])) !=
		    sizeof(values[0]))
			values[c] = 0;
}

void counters_init(int vcpu)
{
	init_nested(vcpu);
	/* Says which tracepoints are missing. */
	counters_start();
	counters_stop();
}

void counters_set_nested(const char *missing)
{
	snprintf(the.missing[COUNTER_NESTED], COUNTER_TEXT, "%s", missing);
}

void counters_exit(void)
{
	counters_stop();
	if (the.kvm_stats >= 0)
		close(the.kvm_stats);
	the.kvm_stats = -1;
}
