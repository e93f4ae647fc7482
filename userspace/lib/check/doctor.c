// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doctor on a healthy host, where it has nothing to say, and on hosts with one fault
 * each, which it has to find.
 */
#include "check.h"
#include "doctor_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECKS		17

/* What the doctor said last. */
static struct said {
	char id[8];
	unsigned int status;
	char text[DOCTOR_LINE];
	char remedy[DOCTOR_LINE];
} said[CHECKS + 1];
static int nr_said;

static int hear(const struct fastzero_doctor_finding *f, void *arg)
{
	struct said *s = &said[nr_said];

	(void)arg;
	if (nr_said > CHECKS)
		return -E2BIG;
	nr_said++;
	CHECK(f->size == sizeof(*f));
	CHECK(fastzero_doctor_status_name(f->status));
	CHECK(f->name[0] && f->text[0]);
	CHECK(!strchr(f->text, '\n') && !strchr(f->remedy, '\n'));
	/* A remedy where there is something to remedy. */
	CHECK(!f->remedy[0] == (f->status == FASTZERO_DOCTOR_PASS ||
				f->status == FASTZERO_DOCTOR_SKIP));
	snprintf(s->id, sizeof(s->id), "%s", f->id);
	s->status = f->status;
	snprintf(s->text, sizeof(s->text), "%s", f->text);
	snprintf(s->remedy, sizeof(s->remedy), "%s", f->remedy);
	return 0;
}

static int ask_of(const char *path, uint64_t pool_bytes)
{
	struct fastzero_doctor_opts opts = {
		.size = sizeof(opts),
		.root = host_root,
		.device = path,
		.pool_bytes = pool_bytes,
	};

	nr_said = 0;
	return doctor_run(&opts, &host_calls, hear, NULL);
}

static int ask(uint64_t pool_bytes)
{
	return ask_of(NULL, pool_bytes);
}

/* Those alone, a list of ids, complain, and the first so. */
static void expect(const char *what, const char *ids, unsigned int status, const char *word)
{
	bool found = !ids[0];
	int i;

	CHECK(nr_said == CHECKS);
	for (i = 0; i < nr_said; i++) {
		bool listed = strstr(ids, said[i].id);
		bool complains = said[i].status == FASTZERO_DOCTOR_WARN ||
				 said[i].status == FASTZERO_DOCTOR_FAIL;

		if (listed != complains)
			fprintf(stderr, "%s: %s %s: %s\n", what, said[i].id,
				fastzero_doctor_status_name(said[i].status), said[i].text);
		CHECK(listed == complains);
		if (strncmp(ids, said[i].id, 5) || found)
			continue;
		found = true;
		if (said[i].status != status || !(strstr(said[i].text, word) ||
						  strstr(said[i].remedy, word)))
			fprintf(stderr, "%s: %s %s: %s (%s)\n", what, said[i].id,
				fastzero_doctor_status_name(said[i].status), said[i].text,
				said[i].remedy);
		CHECK(said[i].status == status);
		CHECK(strstr(said[i].text, word) || strstr(said[i].remedy, word));
	}
	CHECK(found);
}

static unsigned int status_of(const char *id)
{
	int i;

	for (i = 0; i < nr_said; i++)
		if (!strcmp(said[i].id, id))
			return said[i].status;
	return ~0u;
}

#define WARN	FASTZERO_DOCTOR_WARN
#define FAIL	FASTZERO_DOCTOR_FAIL

/* One file each: other contents, or not there. */
static const struct fault {
	const char *ids;
	unsigned int status;
	const char *word;
	const char *path;
	const char *text;
} faults[] = {
	{ "FZ001", FAIL, "CONFIG_MODULES", "/proc/modules", NULL },
	{ "FZ001", FAIL, "insmod", "/sys/module/fastzero", NULL },
	{ "FZ001", FAIL, "going", "/sys/module/fastzero/initstate", "going\n" },
	{ "FZ002", WARN, "0.0.9", "/sys/module/fastzero/version", "0.0.9\n" },
	{ "FZ003", FAIL, "10:125", "/sys/class/misc/fastzero/dev", "10:126\n" },
	{ "FZ006", WARN, "AppArmor has denied fastzero to qemu-system-x86", "/dev/kmsg",
	  "6,1,2,-;audit: type=1400 apparmor=\"DENIED\" operation=\"open\" profile=\"libvirt-1\" name=\"/dev/fastzero\" comm=\"qemu-system-x86\"\n" },
	{ "FZ006", WARN, "chcon", "/var/log/audit/audit.log",
	  "type=AVC msg=audit(1:2): avc:  denied  { open } for  pid=7 comm=\"firecracker\" path=\"/dev/fastzero\" dev=\"devtmpfs\"\ntype=SYSCALL\n" },
	{ "FZ007", FAIL, "5.10.0-30", "/proc/sys/kernel/osrelease", "5.10.0-30-amd64\n" },
	{ "FZ007", WARN, "newest", "/proc/sys/kernel/osrelease", "99.0-rc1\n" },
	{ "FZ010", WARN, "nokmem", "/sys/module/fastzero/parameters/accounting", "no\n" },
	{ "FZ011", WARN, "/tenants is 2 MiB", "/sys/fs/cgroup/tenants/memory.max", "2097152\n" },
	{ "FZ011", WARN, "smaller pool", "/sys/fs/cgroup/tenants/a/memory.max", "6291456\n" },
	{ "FZ012", WARN, "CONFIG_TRANSPARENT_HUGEPAGE",
	  "/sys/kernel/mm/transparent_hugepage", NULL },
	{ "FZ012", WARN, "PR_SET_THP_DISABLE", "/proc/self/status", "THP_enabled:\t0\n" },
	{ "FZ013", WARN, "compact_memory", "/proc/buddyinfo",
	  "Node 0, zone   Normal 90000 1 1 1 1 1 1 1 1 9 1 \n" },
	{ "FZ014", WARN, "numa_balancing=0", "/proc/sys/kernel/numa_balancing", "1\n" },
	{ "FZ015", WARN, "swap", "/proc/meminfo",
	  "SwapTotal: 1000000 kB\nSwapFree: 9000 kB\nCommitLimit: 50 kB\nCommitted_AS: 1 kB\n" },
	{ "FZ016", WARN, "overcommit", "/proc/sys/vm/overcommit_memory", "2\n" },
	{ "FZ017", WARN, "debugfs", "/sys/kernel/debug", NULL },
};

static void plant_fault(const struct fault *f)
{
	host_reset();
	if (f->text)
		host_write(f->path, f->text);
	else
		host_remove(f->path);
	CHECK(ask(0) == 0);
	expect(f->path, f->ids, f->status, f->word);
}

/* What is asked of the device and of KVM. */
static const struct {
	const char *ids;
	unsigned int status;
	const char *word;
	struct host_device d;
} device_faults[] = {
	{ "FZ003", FAIL, "mknod -m 0660 /dev/fastzero c 10 125", { .error = ENOENT, .kvm = 12 } },
	{ "FZ003", FAIL, "regular file", { .mode = S_IFREG | 0644, .kvm = 12 } },
	{ "FZ003", FAIL, "no character device", { .mode = S_IFDIR | 0755, .kvm = 12 } },
	{ "FZ003", FAIL, "10:99", { .mode = S_IFCHR | 0660, .minor = 99, .kvm = 12 } },
	{ "FZ004", FAIL, "0000", { .mode = S_IFCHR, .minor = 125, .kvm = 12 } },
	{ "FZ004", WARN, "every user",
	  { .mode = S_IFCHR | 0666, .minor = 125, .kvm = 12 } },
	{ "FZ004", WARN, "0600",
	  { .mode = S_IFCHR | 0600, .gid = 44, .minor = 125, .kvm = 12 } },
	{ "FZ004", FAIL, "add the user to group 44",
	  { .mode = S_IFCHR | 0660, .gid = 44, .minor = 125, .access = EACCES,
	    .info = EACCES, .kvm = 12 } },
	{ "FZ004", FAIL, "udev",
	  { .mode = S_IFCHR | 0660, .minor = 125, .access = EACCES, .info = EACCES,
	    .kvm = 12 } },
	{ "FZ005", FAIL, "security module",
	  { .mode = S_IFCHR | 0660, .minor = 125, .info = EACCES, .kvm = 12 } },
	{ "FZ005", FAIL, "device filter",
	  { .mode = S_IFCHR | 0660, .minor = 125, .info = EPERM, .kvm = 12 } },
	{ "FZ005", FAIL, "another driver",
	  { .mode = S_IFCHR | 0660, .minor = 125, .info = ENOTTY, .kvm = 12 } },
	{ "FZ005", FAIL, "memory.max",
	  { .mode = S_IFCHR | 0660, .minor = 125, .info = ENOMEM, .kvm = 12 } },
	{ "FZ005", FAIL, "nokmem",
	  { .mode = S_IFCHR | 0660, .minor = 125, .info = EOPNOTSUPP, .kvm = 12 } },
	{ "FZ005", FAIL, "(6)",
	  { .mode = S_IFCHR | 0660, .minor = 125, .info = ENXIO, .kvm = 12 } },
	{ "FZ009", WARN, "no /dev/kvm",
	  { .mode = S_IFCHR | 0660, .minor = 125, .kvm = -ENOENT } },
	{ "FZ009", WARN, "group",
	  { .mode = S_IFCHR | 0660, .minor = 125, .kvm_access = EACCES, .kvm = 12 } },
	{ "FZ009", WARN, "(16)", { .mode = S_IFCHR | 0660, .minor = 125, .kvm = -EBUSY } },
	{ "FZ009", WARN, "version 11", { .mode = S_IFCHR | 0660, .minor = 125, .kvm = 11 } },
};

static void check_others(void)
{
	/* A kernel that wants signatures matters before the module is loaded. */
	host_reset();
	host_write("/sys/module/module/parameters/sig_enforce", "Y\n");
	CHECK(ask(0) == 0);
	expect("signatures, loaded", "", 0, "");
	host_remove("/sys/module/fastzero");
	CHECK(ask(0) == 0);
	expect("signatures", "FZ008 FZ001", FAIL, "sig_enforce");
	host_write("/sys/module/module/parameters/sig_enforce", "N\n");
	host_write("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	CHECK(ask(0) == 0);
	expect("lockdown", "FZ008 FZ001", FAIL, "lockdown");

	/* Installed for this kernel, but not loaded. */
	host_reset();
	host_remove("/sys/module/fastzero");
	host_write("/lib/modules/6.1.0-57-amd64/updates/dkms/fastzero.ko", "");
	CHECK(ask(0) == 0);
	expect("installed", "FZ001", FAIL, "modprobe fastzero");

	/* DKMS has it, but not for this kernel. */
	host_reset();
	host_remove("/sys/module/fastzero");
	host_write("/var/lib/dkms/fastzero/kernel", "");
	CHECK(ask(0) == 0);
	expect("not built", "FZ001", FAIL, "dkms autoinstall");

	/* Nobody removes a file that was named by mistake. */
	host_reset();
	host_write("/dev/other", "");
	CHECK(ask_of("/dev/other", 0) == 0);
	expect("another file", "FZ003", FAIL, "leave it");
	CHECK(ask_of("/dev/fastzreo", 0) == 0);
	expect("no such file", "FZ003", FAIL, "name the device");

	/* The device cannot be opened at all. */
	host_reset();
	host_write("/sys/module/fastzero/parameters/accounting", "no\n");
	host_write("/sys/module/fastzero/parameters/require_accounting", "Y\n");
	CHECK(ask(0) == 0);
	expect("required", "FZ010", FAIL, "require_accounting");

	/* A name of systemd's, which the list escapes. */
	host_reset();
	host_write("/sys/kernel/debug/fastzero/contexts",
	      "id opener comm scratches target cgroup\n"
	      "1 7 vmm 1 1024 /machine.slice/machine-qemu\\134x2d1.scope\n");
	host_write("/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1.scope/memory.max", "2097152\n");
	CHECK(ask(0) == 0);
	expect("an escaped name", "FZ011", WARN, "machine-qemu\\x2d1");

	/* A pool that is only planned. */
	host_reset();
	CHECK(ask(8 << 20) == 0);
	expect("a pool", "", 0, "");
	CHECK(ask(15 << 20) == 0);
	expect("too large a pool", "FZ011", WARN, "this process");
	host_write("/sys/module/fastzero/parameters/max_pages", "1024\n");
	CHECK(ask(4 << 20) == 0);
	expect("a pool of max_pages", "", 0, "");
	CHECK(ask(5 << 20) == 0);
	expect("a pool beyond it", "FZ011", WARN, "max_pages");

	/* What cannot be seen is no fault. */
	host_reset();
	host_remove("/sys");
	host_remove("/dev/kmsg");
	CHECK(ask(0) == 0);
	expect("no /sys", "", 0, "");
	host_reset();
	host_remove("/proc");
	CHECK(ask(0) == 0);
	CHECK(status_of("FZ007") == FASTZERO_DOCTOR_SKIP);
	CHECK(status_of("FZ013") == FASTZERO_DOCTOR_SKIP);
	CHECK(status_of("FZ015") == FASTZERO_DOCTOR_SKIP);
}

static int stop(const struct fastzero_doctor_finding *f, void *arg)
{
	(void)f;
	return ++*(int *)arg == 3 ? 42 : 0;
}

static void check_options(void)
{
	struct fastzero_doctor_opts opts = { .size = sizeof(opts), .root = host_root };
	int n = 0;

	host_reset();
	CHECK(fastzero_doctor(&opts, stop, &n) == 42);
	CHECK(n == 3);
	opts.flags = 1;
	CHECK(fastzero_doctor(&opts, stop, &n) == -EOPNOTSUPP);
	opts.size = 4;
	CHECK(fastzero_doctor(&opts, stop, &n) == -EINVAL);
	CHECK(!strcmp(fastzero_doctor_status_name(FASTZERO_DOCTOR_SKIP), "SKIP"));
	CHECK(!fastzero_doctor_status_name(4));

	/* This very host, by its files: whatever it says, it ends. */
	nr_said = 0;
	opts = (struct fastzero_doctor_opts){ .size = sizeof(opts), .root = "/" };
	CHECK(fastzero_doctor(&opts, hear, NULL) == 0);
	CHECK(nr_said == CHECKS);
}

int main(void)
{
	size_t i;

	if (!mkdtemp(host_root)) {
		perror(host_root);
		return 2;
	}
	host_reset();
	CHECK(ask(0) == 0);
	expect("healthy", "", 0, "");
	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		plant_fault(&faults[i]);
	for (i = 0; i < sizeof(device_faults) / sizeof(*device_faults); i++) {
		host_reset();
		host_device = device_faults[i].d;
		CHECK(ask(0) == 0);
		expect(device_faults[i].word, device_faults[i].ids, device_faults[i].status,
		       device_faults[i].word);
	}
	check_others();
	check_options();
	host_remove("");
	return check_end("doctor");
}
