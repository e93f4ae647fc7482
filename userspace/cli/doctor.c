// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fastzero doctor: checks of this host, with remedies.
 */
#include "cli.h"

#include <unistd.h>

#include "../bench/json_string.h"
#include "fastzero_doctor.h"

static const char doctor_help[] =
	"doctor [option]...\n"
	"Checks this host, for this user. Prints a line for each check, and remedies.\n"
	"\n"
	"  --json           one JSON object: schema, version, checks, pass, warn, fail, skip\n"
	"  --quiet          print only checks that are WARN or FAIL\n"
	"  --pool SIZE      also check that the memory cgroup allows a pool of SIZE\n"
	"  --device PATH    the device [" FASTZERO_DEVICE "]\n"
	"  --root DIR       look at /proc, /sys, /dev and /var below DIR, for tests\n"
	"\n"
	"Examples:\n"
	"  fastzero doctor\n"
	"  fastzero doctor --quiet --pool 512M\n"
	"  sudo -u qemu fastzero doctor --json\n"
	"\n"
	"Exit status: 0 if no check is FAIL, 1 if one is, 2 for wrong usage.";

struct doctor_view {
	bool json;
	bool quiet;
	unsigned int nr[4];
};

static int doctor_text(const struct fastzero_doctor_finding *f, const struct doctor_view *v)
{
	if (v->quiet && f->status != FASTZERO_DOCTOR_WARN && f->status != FASTZERO_DOCTOR_FAIL)
		return 0;
	printf("%s %s %s: %s\n", f->id, fastzero_doctor_status_name(f->status), f->name,
	       f->text);
	if (f->remedy[0])
		printf("           help: %s\n", f->remedy);
	return 0;
}

static void doctor_member(const char *name, const char *value)
{
	printf(", \"%s\": ", name);
	json_string(stdout, value);
}

static int doctor_one(const struct fastzero_doctor_finding *f, void *arg)
{
	struct doctor_view *v = arg;
	bool first = !(v->nr[0] + v->nr[1] + v->nr[2] + v->nr[3]);

	v->nr[f->status & 3]++;
	if (!v->json)
		return doctor_text(f, v);
	printf("%s\n  {\"id\": \"%s\", \"status\": \"%s\"", first ? "" : ",", f->id,
	       fastzero_doctor_status_name(f->status));
	doctor_member("name", f->name);
	doctor_member("text", f->text);
	doctor_member("remedy", f->remedy);
	putchar('}');
	return 0;
}

static int doctor_run_command(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "pool", required_argument, NULL, 'p' },
		{ "device", required_argument, NULL, 'd' },
		{ "root", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct fastzero_doctor_opts opts = { .size = sizeof(opts) };
	struct doctor_view v = { 0 };
	int c, ret;

	while ((c = cli_option(argc, argv, options)) != -1) {
		switch (c) {
		case 'j':
			v.json = true;
			break;
		case 'q':
			v.quiet = true;
			break;
		case 'p':
			if (!cli_size("--pool", optarg, &opts.pool_bytes))
				return CLI_USAGE;
			break;
		case 'd':
			opts.device = optarg;
			break;
		case 'r':
			opts.root = optarg;
			break;
		case 'h':
			return cli_help(&command_doctor);
		default:
			return CLI_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage("'%s': not an option", argv[optind]);
	if (v.json && v.quiet)
		return cli_usage("--quiet does not go with --json");
	if (v.json)
		printf("{\"schema\": 1, \"version\": \"%s\", \"checks\": [", fastzero_version());
	ret = fastzero_doctor(&opts, doctor_one, &v);
	if (ret) {
		cli_error(ret, "the checks");
		return CLI_FAILED;
	}
	if (v.json)
		printf("\n], \"pass\": %u, \"warn\": %u, \"fail\": %u, \"skip\": %u}\n",
		       v.nr[FASTZERO_DOCTOR_PASS], v.nr[FASTZERO_DOCTOR_WARN],
		       v.nr[FASTZERO_DOCTOR_FAIL], v.nr[FASTZERO_DOCTOR_SKIP]);
	else if (!v.quiet)
		printf("%u pass, %u warn, %u fail, %u skip\n", v.nr[FASTZERO_DOCTOR_PASS],
		       v.nr[FASTZERO_DOCTOR_WARN], v.nr[FASTZERO_DOCTOR_FAIL],
		       v.nr[FASTZERO_DOCTOR_SKIP]);
	return v.nr[FASTZERO_DOCTOR_FAIL] ? CLI_FAILED : CLI_OK;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "check this host, and name remedies",
	.help = doctor_help,
	.run = doctor_run_command,
};
