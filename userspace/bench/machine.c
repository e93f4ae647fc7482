// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Describes this machine.
 */
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

const char *machine_kernel(void)
{
	static struct utsname uts;

	return uname(&uts) ? "" : uts.release;
}

const char *machine_kernel_build(void)
{
	static struct utsname uts;

	return uname(&uts) ? "" : uts.version;
}

const char *machine_cpu(void)
{
	static char name[128];
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "re");

	name[0] = 0;
	while (f && !name[0] && fgets(line, sizeof(line), f))
		sscanf(line, "model name : %127[^\n]", name);
	if (f)
		fclose(f);
	return name;
}

static void read_word(const char *path, char *buf, int size)
{
	FILE *f = fopen(path, "re");

	buf[0] = 0;
	if (!f)
		return;
	if (fgets(buf, size, f))
		buf[strcspn(buf, "\n")] = 0;
	fclose(f);
}

const char *machine_module(void)
{
	static char text[64];

	read_word("/sys/module/fastzero/version", text, sizeof(text));
	return text;
}

bool machine_has_pml(void)
{
	char text[8];

	read_word("/sys/module/kvm_intel/parameters/pml", text, sizeof(text));
	return text[0] == 'Y';
}

unsigned int machine_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}
