// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libfastzero: is there memory in pieces of 2 MiB, and does it stay where it is?
 */
#include "doctor.h"

#include <stdlib.h>
#include <string.h>

void doctor_check_huge(struct doctor *d)
{
	long long enabled;

	if (!doctor_exists(d, "/sys/kernel/mm")) {
		doctor_skip(d, "there is no /sys/kernel/mm");
	} else if (!doctor_exists(d, "/sys/kernel/mm/transparent_hugepage")) {
		doctor_warn(d, "boot a kernel with CONFIG_TRANSPARENT_HUGEPAGE",
			    "this kernel has no transparent huge pages: scratches have base pages only");
	} else if (!doctor_key(d, "/proc/self/status", "THP_enabled", &enabled) && !enabled) {
		doctor_warn(d, "start it without prctl(PR_SET_THP_DISABLE), which children inherit",
			    "transparent huge pages are switched off for this process");
	} else {
		doctor_pass(d, "chunks of 2 MiB can have one page");
	}
}

#define PAGES_ORDER	9	/* 2 MiB */

struct pages_free {
	unsigned long long all;		/* base pages */
	unsigned long long huge;	/* those in blocks of 2 MiB and more */
	bool any;
};

/* Node 0, zone   Normal   12  3 ... : free blocks of each order */
static bool pages_buddy_line(char *line, void *arg)
{
	struct pages_free *f = arg;
	char *word, *rest = NULL;
	int n, order = -1;

	for (n = 0, word = strtok_r(line, " ", &rest); word;
	     n++, word = strtok_r(NULL, " ", &rest)) {
		if (n < 4)
			continue;
		order = n - 4;
		f->all += strtoull(word, NULL, 10) << order;
		if (order >= PAGES_ORDER)
			f->huge += strtoull(word, NULL, 10) << order;
	}
	f->any |= order >= 0;
	return true;
}

/* With less than that free, there is no use in looking at its pieces. */
#define PAGES_ENOUGH_MIB	256
#define PAGES_SUPPLY_MIB	64

void doctor_check_fragments(struct doctor *d)
{
	unsigned long long all, huge;
	struct pages_free f = { 0 };

	doctor_lines(d, "/proc/buddyinfo", pages_buddy_line, &f);
	if (!f.any) {
		doctor_skip(d, "this user cannot read /proc/buddyinfo");
		return;
	}
	all = f.all >> 8;
	huge = f.huge >> 8;
	if (all < PAGES_ENOUGH_MIB)
		doctor_pass(d, "%llu MiB of memory are free, %llu of it in blocks of 2 MiB",
			    all, huge);
	else if (huge < PAGES_SUPPLY_MIB)
		doctor_warn(d, "echo 1 > /proc/sys/vm/compact_memory; fill pools of 2 MiB pages early",
			    "of %llu MiB of free memory %llu are in blocks of 2 MiB", all, huge);
	else
		doctor_pass(d, "of %llu MiB of free memory %llu are in blocks of 2 MiB", all,
			    huge);
}

void doctor_check_numa(struct doctor *d)
{
	char online[256];
	long long mode;

	if (doctor_read(d, "/sys/devices/system/node/online", online, sizeof(online)) <= 0) {
		doctor_pass(d, "this kernel knows no NUMA nodes");
	} else if (!strpbrk(online, ",-")) {
		doctor_pass(d, "one NUMA node");
	} else if (doctor_number(d, "/proc/sys/kernel/numa_balancing", &mode)) {
		doctor_pass(d, "NUMA nodes %s, and a kernel that does not balance them", online);
	} else if (mode) {
		doctor_warn(d, "sysctl kernel.numa_balancing=0, and name nodes to CREATE or mbind()",
			    "NUMA balancing is on: scratches do not move, and VMMs take faults on their own memory");
	} else {
		doctor_pass(d, "NUMA nodes %s, balancing is off", online);
	}
}
