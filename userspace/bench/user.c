// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The user of the memory: this process, or a KVM guest.
 */
#include "user.h"

#include <string.h>

#define WORDS	(BENCH_PAGE / 8)

const char *touch_name(enum touch touch)
{
	static const char *const names[] = { "write", "read", "rdwr" };

	return names[touch];
}

int user_attach(struct user *u, struct minivm *vm, struct memory *m)
{
	u->vm = vm;
	u->m = m;
	return vm ? minivm_set_ram(vm, m->addr, m->size) : 0;
}

void user_detach(struct user *u)
{
	if (u->vm)
		minivm_set_ram(u->vm, NULL, 0);
}

int user_prepare(struct user *u, const struct run *run)
{
	static const enum minivm_op ops[TOUCHES] = {
		MINIVM_WRITE, MINIVM_READ, MINIVM_RDWR,
	};
	struct minivm_job job = {
		.op = ops[run->touch],
		.list = run->list,
		.count = run->count,
		.words = run->words,
		.value = run->value,
	};

	u->run = *run;
	return u->vm ? minivm_prepare(u->vm, &job) : 0;
}

static void process_go(const struct memory *m, const struct run *run)
{
	char *base = m->addr;
	uint64_t i, w, sum = 0;

	for (i = 0; i < run->count; i++) {
		volatile uint64_t *page =
			(uint64_t *)(base + run->list[i] * BENCH_PAGE);

		for (w = 0; w < run->words; w++) {
			if (run->touch != TOUCH_WRITE)
				sum += page[w];
			if (run->touch != TOUCH_READ)
				page[w] = run->value;
		}
	}
	__asm__ volatile("" : : "r"(sum));
}

int user_go(struct user *u)
{
	if (u->vm)
		return minivm_go(u->vm, NULL);
	process_go(u->m, &u->run);
	return 0;
}

static uint64_t process_nonzero(const struct memory *m, const uint64_t *list,
				uint64_t count)
{
	static const char zero[BENCH_PAGE];
	uint64_t i, bad = 0;

	for (i = 0; i < count; i++)
		bad += !!memcmp((char *)m->addr +
				(list ? list[i] : i) * BENCH_PAGE, zero,
				BENCH_PAGE);
	return bad;
}

int user_nonzero(struct user *u, const uint64_t *list, uint64_t count,
		 uint64_t *bad)
{
	struct minivm_job job = {
		.op = MINIVM_CHECK,
		.list = list,
		.stride = 1,
		.count = count,
		.words = WORDS,
	};
	struct minivm_report rep = { 0 };
	int ret = u->vm ? minivm_run(u->vm, &job, &rep) : 0;

	if (ret)
		return ret;
	*bad += (rep.nonzero_words + WORDS - 1) / WORDS;
	*bad += process_nonzero(u->m, list, count);
	return 0;
}
