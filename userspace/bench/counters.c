// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is counted: time, page faults, and KVM's nested faults.
 */
#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <linux/kvm.h>

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* KVM's binary statistics: a header, descriptors with names, values. */
static int nested_find(struct nested_counter *n)
{
	struct kvm_stats_header header;
	struct kvm_stats_desc *desc;
	size_t size;
	uint32_t i;
	int ret = -ENOENT;

	if (pread(n->fd, &header, sizeof(header), 0) != sizeof(header))
		return -EIO;
	size = sizeof(*desc) + header.name_size;
	desc = malloc(size);
	if (!desc)
		return -ENOMEM;
	for (i = 0; i < header.num_desc; i++) {
		if (pread(n->fd, desc, size, header.desc_offset + i * size) !=
		    (ssize_t)size) {
			ret = -EIO;
			break;
		}
		if (strncmp(desc->name, "pf_fixed", header.name_size))
			continue;
		n->offset = header.data_offset + desc->offset;
		ret = 0;
		break;
	}
	free(desc);
	return ret;
}

int nested_open(struct nested_counter *n, int vcpu)
{
	int ret;

	n->fd = ioctl(vcpu, KVM_GET_STATS_FD, NULL);
	if (n->fd < 0)
		return -errno;
	ret = nested_find(n);
	if (ret)
		nested_close(n);
	return ret;
}

void nested_close(struct nested_counter *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static void read_faults(struct counters *c, const struct nested_counter *n)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	c->faults = usage.ru_minflt + usage.ru_majflt;
	if (n->fd < 0 ||
	    pread(n->fd, &c->nested, sizeof(c->nested), n->offset) !=
	    sizeof(c->nested))
		c->nested = 0;
}

void counters_begin(struct counters *c, const struct nested_counter *n)
{
	read_faults(c, n);
	c->ns = now_ns();
}

void counters_end(struct counters *c, const struct nested_counter *n)
{
	c->ns = now_ns();
	read_faults(c, n);
}
