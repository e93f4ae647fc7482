// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For docs/guest-race.md only: switches the scheduler's preempt notifiers off for a while,
 * although machines exist.  A processor that executes code from before a static key was
 * switched on does the same: KVM is not told when the scheduler takes a vCPU's thread off
 * a processor.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/workqueue.h>

static unsigned int machines = 3;
module_param(machines, uint, 0444);
MODULE_PARM_DESC(machines, "KVM machines that exist; 0 leaves the notifiers on");

static unsigned int us = 3000;
module_param(us, uint, 0444);
MODULE_PARM_DESC(us, "microseconds for which the notifiers are off, each time");

static unsigned int times = 300;
module_param(times, uint, 0444);
MODULE_PARM_DESC(times, "how often");

static void hooks_off_fn(struct work_struct *work)
{
	unsigned int i, time;

	for (time = 0; time < times; time++) {
		for (i = 0; i < machines; i++)
			preempt_notifier_dec();
		usleep_range(us, us + 100);
		for (i = 0; i < machines; i++)
			preempt_notifier_inc();
		msleep(100);
	}
}

static DECLARE_WORK(hooks_off_work, hooks_off_fn);

static int __init hooks_off_init(void)
{
	queue_work(system_unbound_wq, &hooks_off_work);
	return 0;
}

static void __exit hooks_off_exit(void)
{
	flush_work(&hooks_off_work);
}

module_init(hooks_off_init);
module_exit(hooks_off_exit);

MODULE_DESCRIPTION("Switches preempt notifiers off for a while");
MODULE_LICENSE("GPL");
